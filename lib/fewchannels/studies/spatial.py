"""Chapter 3: does the picture's subject stand out when the few channels are clustered, where, and how early?

    scenes = rendered_scenes(128)
    case = scene_case(model, scenes[:64])
    cells = sweep(conditions(case, scenes, calibrate(model), k=8))
    cells["scenes: top"]["iou"]                              # [128, L, T], on the token grid, against the exact mask
    difference(at(cells, "generated: top", 3, 1), at(cells, "generated: own estimate", 0, 1))

The paper's protocol is followed where it is known (its figure 3 as the public replication states it: the top k a
sample, scaled to 0..1, K-means with K = 2); which pictures, blocks and noise levels are looked at are our choices.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..channels import ChannelSet
from ..judges import ToyJudge
from ..masks import POLARITIES, to_grid, upsample
from ..metrics import Interval, bootstrap_interval, iou, iou_ceiling, shuffled
from ..prompts import toyworld_attributes
from ..sweep import sweep
from ..toyworld.prompts import Attributes, format_prompt
from ..toyworld.scenes import render
from ..trajectories import noise_levels
from .cases import DRAWS, STEPS, Calibration, Case, calibrate
from .clusters import Rule
from .looked import Looked, look
from .mask_baselines import masks_from_words, priors, random_half

LEVELS = (1.0, 0.9, 0.8, 0.6, 0.4, 0.2)
CLAIMED = 0.6, 0.8  # the noise levels that the claims name: of noised scenes, of generated pictures
K_SWEEP = (1, 2, 4, 8, 16, 32, 64, 96, 192)
CALIBRATION = 64  # scenes that the priors are fitted on
WORDS = ("noun", "phrase")


@dataclass(frozen=True, eq=False)
class Given:
    """A picture that is looked at: image uint8 [H, W, 3], mask bool [H, W], and the words that it was made from."""

    image: np.ndarray
    mask: np.ndarray
    attributes: Attributes

    @property
    def prompt(self) -> str:
        return format_prompt(self.attributes)

    @property
    def kind(self) -> str:
        """ "small", "large" or "huge", the size of its one subject, or "two subjects"."""
        return self.attributes.subjects[0].size if len(self.attributes.subjects) == 1 else "two subjects"


def rendered_scenes(n: int, split: str = "evaluation", seed: int = 3) -> list[Given]:
    """`n` scenes with one subject or two, from the toy world's own distribution, huge subjects among them."""
    drawn = toyworld_attributes(n + n // 4 + 8, split)
    scenes = (render(attributes, (seed, i)) for i, attributes in enumerate(drawn) if attributes.subjects)
    return [Given(scene.image, scene.mask, scene.attributes) for scene, _ in zip(scenes, range(n), strict=False)]


def scene_case(model, scenes: Sequence[Given], seed: int = 0, steps: int = STEPS, **generation) -> Case:
    """The case whose prompts are the scenes' own."""
    return Case(model, [s.prompt for s in scenes], lambda images: {}, seed, steps, generation)


def rules(k: int = 8, draws: int = DRAWS, frozen: ChannelSet | None = None) -> dict[str, Rule]:
    """The channels that are compared everywhere: "top", "bottom", "random 1" ... outside the top, "all", "frozen"."""
    found = {"top": Rule("top", k), "bottom": Rule("bottom", k)}
    found |= {f"random {draw + 1}": Rule("random", k, draw=draw) for draw in range(draws)}
    found["all"] = Rule("all")
    return found if frozen is None else found | {"frozen": Rule("frozen", frozen=frozen)}


def k_rules(ks: Sequence[int], width: int, layer: int, step: int, draws: int = DRAWS) -> dict[str, Rule]:
    """A sweep over k in one block and step: "top, k = 1", "bottom, k = 1", "random 1, k = 1", ... (random ones outside
    the top, where enough channels are left)."""
    where = {"layers": (layer,), "steps": (step,)}
    found = {f"{choose}, k = {k}": Rule(choose, k, **where) for choose in ("top", "bottom") for k in ks if k <= width}
    return found | {
        f"random {draw + 1}, k = {k}": Rule("random", k, draw=draw, **where)
        for draw in range(draws)
        for k in ks
        if 2 * k <= width
    }


def toggled_rules(k: int, frozen: ChannelSet, step: int) -> dict[str, Rule]:
    """The public replication's protocol in one step, and one change of it at a time (but for the polarity)."""
    at_step = {"steps": (step,)}
    return {
        "as stated": Rule("top", k, **at_step),
        "percentile range": Rule("top", k, normalise="percentile", **at_step),
        "mean of abs": Rule("top", k, score="mean_abs", **at_step),
        "frozen set": Rule("frozen", frozen=frozen, **at_step),
    }


def conditions(
    case: Case,
    scenes: Sequence[Given],
    calibration: Calibration,
    k: int = 8,
    levels: Sequence[float] = LEVELS,
    ks: Sequence[int] = K_SWEEP,
    judge=None,
    attention: bool = True,
) -> dict[str, Callable[[], dict[str, np.ndarray]]]:
    """Everything of the chapter as conditions for `sweep`, by names such as "scenes: top" and "generated: top".

    "scenes": the given pictures under noise, one forward a level, against their exact masks. "generated": the case's
    own pictures (whose prompts are those of the first scenes), against the judge's mask of the final picture. In both
    "other prompt" and "empty prompt" on the same noise: for scenes at levels 1 and 0.6, for generated pictures in the
    first steps, up to level 0.8. "k": the sweep over k in the middle block, scenes at level 0.6. "protocol": the public
    replication's protocol and its toggles in the last step of the generated pictures.

    Measures: "iou" [n, L, T] by the border rule, other polarities beside it, "area" and "energy" [n, L, T]. The model
    runs when a condition first asks for it, once for all that share the run. judge: of the final pictures (default:
    the toy's). attention: for models that `attention_to` reads.
    """
    model, middle = case.model, len(case.model.layers) // 2
    frozen, claimed = calibration.top(k), int(np.abs(np.subtract(levels, CLAIMED[0])).argmin())
    given, own = [s.prompt for s in scenes], scenes[: len(case.prompts)]
    if [s.prompt for s in own] != case.prompts:
        raise ValueError("the case's prompts are not those of the first scenes: make it by scene_case(model, scenes)")
    common, sweep_k = rules(k, frozen=frozen), k_rules(ks, calibration.width, middle, claimed)
    toggled = toggled_rules(k, frozen, case.steps - 1)

    def over_scenes(prompts, chosen, levels, words=None):
        pictures = [s.image for s in scenes]
        return look(
            model, prompts, chosen, clean=pictures, levels=levels, seed=case.seed, words=words, **case.generation
        )

    def early(prompts, seed):
        sigmas = in_own().sigmas[: in_own().nearest(CLAIMED[1]) + 1]
        return look(model, prompts, {"top": Rule("top", k)}, levels=sigmas, seed=seed, **case.generation)

    @functools.cache
    def in_scenes() -> Looked:
        return over_scenes(given, common | sweep_k, levels, words_of(scenes) if attention else None)

    @functools.cache
    def in_own() -> Looked:
        words = words_of(own) if attention else None
        return look(
            model, case.prompts, common | toggled, steps=case.steps, seed=case.seed, words=words, **case.generation
        )

    @functools.cache
    def exact() -> np.ndarray:
        return to_grid(np.stack([s.mask for s in scenes]), in_scenes().grid)

    @functools.cache
    def final() -> np.ndarray:
        return to_grid((judge or ToyJudge()).masks(in_own().images, case.prompts), in_own().grid)

    def other_words(prompts):
        found = over_scenes(prompts, {"top": Rule("top", k)}, (1.0, levels[claimed]))
        return {"iou": found.iou("top", exact())}

    def other_run(prompts, seed=case.seed):
        return {"iou": early(prompts, seed).iou("top", final())}

    cells: dict[str, Callable] = {}
    seen_by = ["noisy pixels", "own estimate", "noisy pixels, scaled", "own estimate, scaled"]
    if attention:
        seen_by += [f"attention to {w}{blocks}" for w in WORDS for blocks in ("", ", all blocks")]
    for group, seen, truth, of in (("scenes", in_scenes, exact, scenes), ("generated", in_own, final, own)):
        for name in (*common, *seen_by):
            cells[f"{group}: {name}"] = functools.partial(measured, seen, name, truth)
        cells[f"{group}: priors"] = functools.partial(_priors, truth, [s.attributes for s in of])
    cells["scenes: other prompt"] = lambda: other_words(_turned(given))
    cells["scenes: empty prompt"] = lambda: other_words([""] * len(given))
    cells["generated: other prompt"] = lambda: other_run(_turned(case.prompts))
    cells["generated: empty prompt"] = lambda: other_run([""] * len(case.prompts))
    cells["generated: other noise"] = lambda: other_run(case.prompts, case.seed + 1)
    for name in sweep_k:
        cells[f"k: {name}"] = functools.partial(measured, in_scenes, name, exact)
    for name in toggled:
        cells[f"protocol: {name}"] = functools.partial(measured, in_own, name, final, ("larger_sum", "best"))
    cells["scenes: on pixels"] = lambda: _on_pixels(in_scenes().masks("top")[:, middle, claimed], scenes)
    return cells


def full_study(model, store, report=None, n: int = 128, steps: int = STEPS) -> tuple[Case, dict, dict]:
    """The chapter's full grid, on n scenes and n generated pictures: the case, its cells, and the index. Attention to
    words is looked at on the toy world, in which a word is a token."""
    scenes = rendered_scenes(n)
    case, calibration = scene_case(model, scenes, steps=steps), calibrate(model, steps=steps)
    sigmas = [float(sigma) for sigma in noise_levels(model)]
    found = sweep(
        conditions(case, scenes, calibration, attention=model.is_toy),
        store,
        case.key(study="spatial", levels=list(LEVELS), scenes=n),
        report,
    )
    small = {name: {part: array.astype(np.float16) for part, array in cell.items()} for name, cell in found.items()}
    index = {
        "levels": list(LEVELS),
        "scenes": n,
        "k": 8,
        "ks": list(K_SWEEP),
        "layers": list(model.layers),
        "sigmas": sigmas,
    }
    return case, small, index


def words_of(scenes: Sequence[Given]) -> dict[str, list[list[str]]]:
    """The words of each prompt that name its subjects: the "noun" alone, and the whole "phrase"."""
    subjects = [scene.attributes.subjects for scene in scenes]
    return {
        "noun": [[s.shape for s in row] for row in subjects],
        "phrase": [[word for s in row for word in (s.size, s.colour, s.shape, s.position)] for row in subjects],
    }


def at(cells: Mapping, name: str, layer: int, step: int, part: str = "iou") -> np.ndarray:
    """One value a sample, [n], of a cell [n, L, T]; what comes from no block has the same value in all of them."""
    values = np.asarray(cells[name][part], np.float64)
    return values[:, layer if values.shape[1] > 1 else 0, step]


def random_at(cells: Mapping, group: str, layer: int, step: int, part: str = "iou", of: str = "") -> np.ndarray:
    """The random draws outside the top, [n, draws]. of: the rest of their names, such as ", k = 4"."""
    names = [f"{group}: random {draw}{of}" for draw in range(1, 100)]
    return np.stack([at(cells, name, layer, step, part) for name in names if name in cells], axis=1)


def mean_of(values: np.ndarray) -> Interval:
    """The mean over samples [n], or over samples and draws [n, draws] crossed, with its interval; NaN is left out."""
    return bootstrap_interval(values, statistic=np.nanmean, draws=1000, crossed=values.ndim == 2)


def difference(a: np.ndarray, b: np.ndarray) -> Interval:
    """Paired: the mean of a minus b over samples, a [n], b [n] or [n, draws]."""
    return mean_of(a - b if b.ndim == 1 else a[:, None] - b)


def measured(seen, name, truth, polarities: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """The measures of one name of a `Looked`: seen, truth: functions that give it, and the truth bool [n, h, w]."""
    looked, true = seen(), truth()
    known = POLARITIES if name == "top" else ()
    more = dict.fromkeys((*polarities, *known, *(("best",) if name in ("top", "bottom", "all") else ())))
    found = {"iou": looked.iou(name, true)} | {rule: looked.iou(name, true, rule) for rule in more if rule != "border"}
    if name == "top" or polarities:
        found["area"] = looked.area(name, "larger_sum" if polarities else "border")
    if name in looked.energy and name not in ("all", "frozen"):
        found["energy"] = looked.energy[name]
    return found


def _priors(truth, attributes) -> dict[str, np.ndarray]:
    true = truth()
    grid = true.shape[1:]
    known = to_grid(np.stack([s.mask for s in rendered_scenes(CALIBRATION, "calibration")]), grid)
    masks = {name: np.broadcast_to(mask, true.shape) for name, mask in priors(known).items()}
    masks |= {"random half": random_half(len(true), grid), "words": masks_from_words(attributes, grid)}
    return {name: iou(mask, true) for name, mask in masks.items()}


def _on_pixels(masks: np.ndarray, scenes: Sequence[Given]) -> dict[str, np.ndarray]:
    exact = np.stack([s.mask for s in scenes])
    return {"iou": iou(upsample(masks, exact.shape[1:]), exact), "ceiling": iou_ceiling(exact, masks.shape[1:])}


def _turned(prompts: Sequence[str]) -> list[str]:
    return [prompts[i] for i in shuffled(len(prompts))]
