"""Does the picture's subject stand out when the few channels are clustered, where, and how early?

    found = run(studies.spatial, model, n=24)
    at(found, "scenes", "top", block=3, level=0.6)                       # IoU [n], on the token grid, exact masks
    difference(at(found, "generated", "top"), at(found, "generated", "own estimate"))

"scenes": rendered pictures under noise, one forward a level, against their exact masks. "generated": the model's own
pictures, against a judge's mask of the final one. The paper's protocol is followed where it is known (its figure 3 as
the public replication states it: the top k a sample, scaled to 0..1, K-means with K = 2); which pictures, blocks and
noise levels are looked at are our choices.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..channels import ChannelSet
from ..instruments.clusters import PictureClusters, Rule
from ..instruments.looks import SEEN, Looked, look, look_decoded
from ..instruments.mask_baselines import masks_from_words, priors, priors_of_others, random_half
from ..masks.subjects import POLARITIES, to_grid, upsample
from ..measure.statistics import spread
from ..metrics import Interval, iou, iou_ceiling, mean_interval
from ..reading.worlds import World
from ..watch.attention import can_read
from .condition import Condition
from .critical import DRAWS, MATCHES
from .groups import Group, evaluation, scenes
from .results import Results
from .sets import Sets
from .study import Instrument, Study

LEVELS = (1.0, 0.9, 0.8, 0.6, 0.4, 0.2)
CLAIMED = {"scenes": 0.6, "generated": 0.8}  # the noise levels that the claims name
KS = (1, 2, 4, 8, 16, 32, 64, 96, 192, 256, 1024)
CALIBRATION = 64  # scenes that the priors are fitted on
MOST = 8  # blocks and steps of a large model that are looked at
MAY_LACK = "attention", "priors", "PCA", "frozen without the first"


FROZEN = {"frozen": "top", "frozen without the first": "top without the first", "PCA": "PCA"}  # our names of sets
DRAWN = {"matched": ("matched without the first", MATCHES), "random directions": ("random directions", DRAWS)}


def rules(sets: Sets, layer: int) -> dict[str, Rule]:
    """The channels that are compared everywhere: "top", "next" (the ranks that follow), "bottom", "random 1" and so on
    outside the top, "all", and the frozen sets and directions of `FROZEN`; those of `DRAWN` in one block alone."""
    found = {name: Rule(name, sets.k) for name in ("top", "next", "bottom")}
    found |= {f"random {draw + 1}": Rule("random", sets.k, draw=draw) for draw in range(DRAWS)}
    found |= {"all": Rule("all")}
    for name, kind in FROZEN.items():
        if (made := sets.find(kind)) is not None:
            found[name] = Rule("frozen", frozen=made)
    for name, (kind, draws) in DRAWN.items():
        for draw in range(draws):
            if (made := sets.find(kind, draw=draw)) is not None and len(made[layer]):
                found[f"{name} {draw + 1}"] = Rule("frozen", frozen=made, layers=(layer,))
    return found


def k_rules(width: int, layer: int, step: int) -> dict[str, Rule]:
    """A sweep over k in one block and step: "top, k = 1", "random 1, k = 1" (outside the top, where they are left)."""
    where, ks = {"layers": (layer,), "steps": (step,)}, [k for k in KS if k < width] + [width]
    found = {f"{choose}, k = {k}": Rule(choose, k, **where) for choose in ("top", "bottom") for k in ks}
    return found | {
        f"random {draw + 1}, k = {k}": Rule("random", k, draw=draw, **where)
        for draw in range(DRAWS)
        for k in ks
        if 2 * k <= width
    }


def protocol_rules(k: int, frozen: ChannelSet, step: int) -> dict[str, Rule]:
    """The public replication's protocol in one step, and one change of it at a time (but for the polarity)."""
    at_step = {"steps": (step,)}
    return {
        "as stated": Rule("top", k, **at_step),
        "percentile range": Rule("top", k, normalise="percentile", **at_step),
        "mean of abs": Rule("top", k, score="mean_abs", **at_step),
        "frozen set": Rule("frozen", frozen=frozen, **at_step),
    }


def over_scenes(model, group: Group, sets: Sets) -> dict[str, np.ndarray]:
    """Rendered scenes under noise: measures as "top: iou" [n, L, T] by the border rule, other polarities beside it,
    "area" and "energy"; "k: ..." in the middle block at the claimed level; "other prompt" and "empty prompt" on the
    same noise, at the first and the claimed level; "priors: ..." [n]; "on pixels: iou" and "ceiling" [n]."""
    middle, claimed = len(model.layers) // 2, LEVELS.index(CLAIMED["scenes"])
    given = {"clean": list(group.images), "seed": group.seed, **sets.generation}
    chosen, by_k = rules(sets, middle), k_rules(sets.width, middle, claimed)
    words = words_of(group.truth) if can_read(model) else None
    seen = look(model, group.prompts, chosen | by_k, levels=LEVELS, words=words, **given)
    truth = to_grid(group.masks, seen.grid)
    found = {"sigmas": seen.sigmas, "layers": np.arange(len(model.layers))}
    found |= _all_measures(seen, truth, [*chosen, *seen_by(seen)])
    found |= {f"k: {name}": a for name, a in _all_measures(seen, truth, by_k).items()}
    for name, prompts in _other_words(group).items():
        other = look(model, prompts, {"top": Rule("top", sets.k)}, levels=(LEVELS[0], LEVELS[claimed]), **given)
        found[f"{name}: iou"] = other.iou("top", truth)
    found |= {f"priors: {name}": iou(mask, truth) for name, mask in _blind(group, sets, truth).items()}
    on_pixels = upsample(seen.masks("top")[:, middle, claimed], group.masks.shape[1:])
    return found | {
        "on pixels: iou": iou(on_pixels, group.masks),
        "on pixels: ceiling": iou_ceiling(group.masks, seen.grid),
    }


def over_generated(model, group: Group, sets: Sets) -> dict[str, np.ndarray]:
    """The model's own pictures: measures as of `over_scenes`; "protocol: ..." in the last step; "other prompt", "empty
    prompt" and "other noise" [n, L, T'] against the masks of the first run, in steps down to the claimed level.

    The truth is that of `final_masks`."""
    steps, middle = sets.generation["steps"], len(model.layers) // 2
    layers, at = places(len(model.layers), steps)
    chosen, protocol = rules(sets, middle), protocol_rules(sets.k, sets.of("top"), at[-1])
    given = {"seed": group.seed, "layers": layers, "keep_loop": False, **sets.generation}
    words = words_of(group.truth) if sets.world.exact and can_read(model) else None
    early = {} if sets.world.exact else k_rules(sets.width, middle, at[len(at) // 4])
    seen = look(model, group.prompts, chosen | protocol | early, at=at, words=words, **given)
    truth = to_grid(final_masks(sets.world, seen.images, group.truth), seen.grid)
    found = {"sigmas": seen.sigmas, "layers": np.asarray(layers), "steps": np.asarray(at)}
    found |= _all_measures(seen, truth, [*chosen, *seen_by(seen)])
    found |= {f"k: {name}": a for name, a in _all_measures(seen, truth, early).items()}
    stated = _all_measures(seen, truth, protocol, ("larger_sum", "best"))
    found |= {f"protocol: {name}": a for name, a in stated.items()}
    first = [step for step in at if step <= at[seen.nearest(CLAIMED["generated"])]]
    runs = {name: (prompts, group.seed) for name, prompts in _other_words(group).items()}
    for name, (prompts, seed) in (runs | {"other noise": (group.prompts, group.seed + 1)}).items():
        top = {"top": Rule("top", sets.k)}
        other = look(model, prompts, top, at=first, finish=False, **{**given, "seed": seed})
        found[f"{name}: iou"] = other.iou("top", truth)
    return found | {f"priors: {name}": iou(mask, truth) for name, mask in _blind(group, sets, truth).items()}


def seen_by_all(sets: Sets, n: int, levels: Sequence[float], seed: int = 0) -> tuple[Looked, np.ndarray]:
    """The "top", its "first" alone, the "bottom" and "all" channels as two clusters of n pictures, what the model saw
    "decoded" (see `look_decoded`), and the truth bool [n, h, w] on their token grid: rendered scenes under noise of
    these levels with their exact masks; where no scenes can be rendered the model's own pictures in the making, with
    the masks of `final_masks`."""
    chosen = {"top": Rule("top", sets.k), "first": Rule("top", 1), "bottom": Rule("bottom", sets.k), "all": Rule("all")}
    if sets.world.exact:
        group = scenes().of(sets.world, n, seed)
        seen = look(sets.model, group.prompts, chosen, clean=list(group.images), levels=levels, seed=seed)
        return look_decoded(sets.model, seen), to_grid(group.masks, seen.grid)
    group, (_, at) = evaluation().of(sets.world, n, seed), places(len(sets.model.layers), sets.generation["steps"])
    layers = with_middle(len(sets.model.layers), 3)
    seen = look(sets.model, group.prompts, chosen, seed=seed, layers=layers, at=at, **sets.generation)
    return look_decoded(sets.model, seen), to_grid(final_masks(sets.world, seen.images, group.truth), seen.grid)


def final_masks(world: World, images: np.ndarray, prompts: Sequence) -> np.ndarray:
    """Where the subjects of finished pictures stand, bool [n, H, W]: the mask of the world's segmenter or judge, or
    without either one of two clusters of the picture's own pixels, which know nothing of subjects."""
    judge = world.segmenter or (world.judge if world.exact else None) or PictureClusters()
    return judge.masks(images, [world.subject_words(one) for one in prompts])


def _blind(group: Group, sets: Sets, truth: np.ndarray) -> dict[str, np.ndarray]:
    """Masks bool [n, h, w] that see nothing of the pictures, by name."""
    grid = truth.shape[1:]
    if not sets.world.exact:
        fitted = priors_of_others(truth) if len(truth) > 1 else {}
        return fitted | {"random half": random_half(len(truth), grid, group.seed)}
    known = to_grid(scenes(split="calibration").of(sets.world, CALIBRATION, 0).masks, grid)
    found = {name: np.broadcast_to(mask, truth.shape) for name, mask in priors(known).items()}
    return found | {"random half": random_half(len(truth), grid), "words": masks_from_words(group.truth, grid)}


def _other_words(group: Group) -> dict[str, list[str]]:
    return {"other prompt": [group.prompts[i] for i in group.order], "empty prompt": [""] * len(group)}


def places(blocks: int, steps: int) -> tuple[list[int], list[int]]:
    """The blocks, the middle one among them, and the steps that are looked at: all, or of a large model eight each."""
    return with_middle(blocks, MOST), spread(steps, MOST)


def with_middle(count: int, most: int) -> list[int]:
    """At most `most` indices below `count`, as `measuring.spread` takes them, with count // 2 for the nearest to it.

    >>> with_middle(6, 8), with_middle(57, 4)
    ([0, 1, 2, 3, 4, 5], [0, 28, 37, 56])
    """
    found = spread(count, most)
    nearest = min(range(len(found)), key=lambda i: abs(found[i] - count // 2))
    return [*found[:nearest], count // 2, *found[nearest + 1 :]]


def words_of(truth: Sequence) -> dict[str, list[list[str]]]:
    """The words of each prompt that name its subjects: the "noun" alone, and the whole "phrase"."""
    return {
        "noun": [[s.shape for s in one.subjects] for one in truth],
        "phrase": [[word for s in one.subjects for word in (s.size, s.colour, s.shape, s.position)] for one in truth],
    }


def seen_by(seen: Looked) -> list[str]:
    """What was looked at beside channels: pixels, the model's own estimate, attention."""
    return [*SEEN, *(name for name in seen.clusters if name.startswith("attention"))]


def _all_measures(seen: Looked, truth: np.ndarray, names, polarities: Sequence[str] = ()) -> dict[str, np.ndarray]:
    return {f"{name}: {part}": a for name in names for part, a in _measured(seen, name, truth, polarities).items()}


def _measured(seen: Looked, name: str, truth: np.ndarray, polarities: Sequence[str]) -> dict[str, np.ndarray]:
    known = POLARITIES if name == "top" else ()
    more = dict.fromkeys((*polarities, *known, *(("best",) if name in ("top", "bottom", "all") else ())))
    found = {"iou": seen.iou(name, truth)} | {rule: seen.iou(name, truth, rule) for rule in more if rule != "border"}
    if name == "top" or polarities:
        found["area"] = seen.area(name, "larger_sum" if polarities else "border")
    if name in seen.energy and name not in ("all", "frozen"):
        found["energy"] = seen.energy[name]
    return {part: array.astype(np.float16) for part, array in found.items()}


def tested(found: Results) -> str:
    """Where claims are tested: on "scenes" under noise where they can be rendered, else early in the making of
    "generated" pictures."""
    return "scenes" if "scenes" in found.instruments else "generated"


def at(
    found: Results, group: str, name: str, block: int | None = None, level: float | None = None, part: str = "iou"
) -> np.ndarray:
    """One value a sample, [n], of a measure [n, L, T] in a block (None: the middle one) and at the nearest noise level
    (None: the claimed one); what comes from no block, or from one alone, has the same value in all of them, what comes
    from one step alone in all steps, and what is [n] ("priors: words") everywhere. "random", those of `DRAWN` and
    "k: random, k = 4" are draws, [n, draws].

    NaN where a model cannot give it (`MAY_LACK`). Raises KeyError for a name that nothing has."""
    cell, key = found.instruments[group], f"{name}: {part}"
    kind, comma, rest = name.partition(",")
    if kind in ("random", "k: random", *DRAWN):
        drawn = [key for i in range(DRAWS) if f"{(key := f'{kind} {i + 1}{comma}{rest}')}: {part}" in cell]
        values = [at(found, group, key, block, level, part) for key in drawn]
        return np.stack(values, axis=1) if values else np.full((len(cell["top: iou"]), 1), np.nan)
    if name in cell and np.ndim(cell[name]) == 1:
        return np.asarray(cell[name], np.float64)
    if key not in cell and name.startswith(MAY_LACK):
        return np.full(len(cell["top: iou"]), np.nan)
    if key not in cell:
        raise KeyError(f"nothing in {group} is called {key!r}; there are {', '.join(cell)}")
    values, sigmas = np.asarray(cell[key], np.float64), cell["sigmas"][: cell[key].shape[2]]
    step = int(np.abs(sigmas - (CLAIMED[group] if level is None else level)).argmin())
    layer = int(np.abs(cell["layers"] - (found.index["blocks"] // 2 if block is None else block)).argmin())
    return values[:, layer if values.shape[1] > 1 else 0, step if values.shape[2] > 1 else 0]


def mean_of(values: np.ndarray) -> Interval:
    """The mean over samples [n], or over samples and draws [n, draws] crossed, with its interval; NaN is left out."""
    return mean_interval(values, draws=1000)


def difference(a: np.ndarray, b: np.ndarray) -> Interval:
    """Paired: the mean of a minus b over samples, a [n], b [n] or [n, draws]."""
    return mean_of(a - b if b.ndim == 1 else a[:, None] - b)


def instruments(sets: Sets) -> dict[str, Instrument]:
    """Both looks; rendered scenes are the toy world's."""
    found = {"generated": Instrument(over_generated, "scenes" if sets.world.exact else "all", pictures=4)}
    return ({"scenes": Instrument(over_scenes, "scenes", pictures=2)} if sets.world.exact else {}) | found


spatial = Study(
    "spatial",
    lambda sets, blocks, steps: [],
    prompts={"all": evaluation(), "scenes": scenes()},
    readers=(),
    base=Condition(channels="top"),
    instruments=instruments,
    about="The subject as one of two clusters of the tokens, on few channels, and what sees it otherwise.",
)
