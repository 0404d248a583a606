"""Chapter 3 on a model of the real world, where no scene is rendered: its own pictures, against a segmenter's masks.

    layers, steps = with_middle(len(model.layers), 8), spread(case.steps, 8)
    cells = sweep(own_conditions(case, subjects, segmenter, calibrate(model), k=12, layers=layers, steps=steps))
    cells["generated: top"]["iou"]                           # [n, len(layers), len(steps)], on the token grid

The truth of a picture is a segmenter's mask of what its prompt calls the subject, on the final picture. Names and
measures are those of `spatial.conditions`, so that what reads the one reads the other. Only clusters are kept.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from ..clustering import two_means
from ..judges import ImageJudge
from ..masks import choose_cluster, to_grid, upsample
from ..measuring import spread
from ..metrics import iou, shuffled
from .cases import Calibration, Case
from .clusters import Rule
from .looked import SEEN, Looked, look
from .mask_baselines import priors_of_others, random_half
from .spatial import k_rules, measured, rules, toggled_rules

KS = (1, 2, 4, 8, 16, 32, 64, 256, 1024)
SIDE = 48  # cells along the longer side, of a picture that is clustered by its own pixels


def with_middle(count: int, most: int) -> list[int]:
    """At most `most` indices below `count`, as `measuring.spread` takes them, with count // 2 for the nearest to it.

    >>> with_middle(6, 8), with_middle(57, 4)
    ([0, 1, 2, 3, 4, 5], [0, 28, 37, 56])
    """
    found = spread(count, most)
    nearest = min(range(len(found)), key=lambda i: abs(found[i] - count // 2))
    return [*found[:nearest], count // 2, *found[nearest + 1 :]]


def ks_of(width: int) -> tuple[int, ...]:
    """The numbers of channels that are swept over on a model of this width, the width itself among them."""
    return (*(k for k in KS if k < width), width)


class PictureClusters(ImageJudge):
    """Where there is no segmenter: the two clusters of a picture's own pixels, named by the border rule. It knows
    nothing of subjects, so what agrees with it agrees with the picture's layout."""

    name = "K-means on the picture's own pixels"

    def masks(self, images: np.ndarray, prompts: Sequence[str] | None = None) -> np.ndarray:
        height, width = images.shape[1:3]
        scale = min(1.0, SIDE / max(height, width))
        rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
        small = [Image.fromarray(image).resize((columns, rows), Image.Resampling.BOX) for image in images]
        labels, empty = two_means(np.stack([np.asarray(s, np.float32).reshape(-1, 3) / 255 for s in small]))
        chosen = choose_cluster(labels.reshape(-1, rows, columns), "border")
        return upsample(chosen & ~empty[:, None, None], (height, width))


def own_conditions(
    case: Case,
    subjects: Sequence[str],
    judge: ImageJudge,
    calibration: Calibration,
    k: int,
    layers: Sequence[int],
    steps: Sequence[int],
    early: int,
    ks: Sequence[int] | None = None,
) -> dict[str, Callable[[], dict[str, np.ndarray]]]:
    """What `spatial.conditions` has of generated pictures, for any model, over the given blocks and steps.

    subjects: what each prompt calls its subject, for the judge. early: the step that claims are about (an index of the
    run), in which k is swept over, in the middle block. "generated: other prompt", "empty prompt" and "other noise"
    end with it. What cannot be looked at on this model is NaN.
    """
    model, middle = case.model, len(case.model.layers) // 2
    frozen = calibration.top(k)
    common = rules(k, frozen=frozen)
    ks = ks_of(calibration.width) if ks is None else ks
    sweep_k, toggled = k_rules(ks, calibration.width, middle, early), toggled_rules(k, frozen, steps[-1])
    options = {"steps": case.steps, "layers": list(layers), "keep_loop": False, **case.generation}

    @functools.cache
    def in_own() -> Looked:
        return look(model, case.prompts, common | sweep_k | toggled, at=list(steps), seed=case.seed, **options)

    @functools.cache
    def final() -> np.ndarray:
        found = in_own()
        return to_grid(judge.masks(found.images, list(subjects)), found.grid)

    def other_run(prompts, seed):
        at = [step for step in steps if step <= early]
        return {"iou": look(model, prompts, {"top": Rule("top", k)}, at=at, seed=seed, **options).iou("top", final())}

    def blind():
        truth = final()
        masks = priors_of_others(truth) | {"random half": random_half(len(truth), truth.shape[1:], case.seed)}
        return {name: iou(mask, truth) for name, mask in masks.items()}

    other = [case.prompts[i] for i in shuffled(len(case.prompts))]
    cells: dict[str, Callable] = {
        f"generated: {name}": functools.partial(measured, in_own, name, final) for name in (*common, *SEEN)
    }
    cells["generated: priors"] = blind
    cells["generated: other prompt"] = lambda: other_run(other, case.seed)
    cells["generated: empty prompt"] = lambda: other_run([""] * len(case.prompts), case.seed)
    cells["generated: other noise"] = lambda: other_run(case.prompts, case.seed + 1)
    for name in sweep_k:
        cells[f"k: {name}"] = functools.partial(measured, in_own, name, final)
    for name in toggled:
        cells[f"protocol: {name}"] = functools.partial(measured, in_own, name, final, ("larger_sum", "best"))
    return cells


def looked_condition(
    case: Case, subjects: Sequence[str], judge: ImageJudge, chosen: dict[str, Rule], layers: Sequence[int], steps
) -> Callable[[], dict[str, np.ndarray]]:
    """A look at the case's own pictures as one condition for `sweep`, to be read by `looked_from`: the clusters
    themselves, and the truth of each picture as a judge sees it."""

    def compute():
        found = look(
            case.model, case.prompts, chosen, steps=case.steps, seed=case.seed, layers=list(layers), at=list(steps),
            keep_loop=False, **case.generation,
        )  # fmt: skip
        clusters = {f"clusters: {name}": array for name, array in found.clusters.items()}
        truth = to_grid(judge.masks(found.images, list(subjects)), found.grid)
        return {"sigmas": found.sigmas, "truth": truth, **clusters}

    return compute


def looked_from(cell: dict[str, np.ndarray]) -> tuple[Looked, np.ndarray]:
    """What `looked_condition` kept, as a `Looked` without pictures, and the truth bool [n, h, w]."""
    clusters = {name.removeprefix("clusters: "): a for name, a in cell.items() if name.startswith("clusters: ")}
    truth = cell["truth"].astype(bool)
    missing = {name: "it was not read" for name in SEEN if name not in clusters}
    return Looked(cell["sigmas"], truth.shape[1:], clusters, {}, np.zeros((0, 0, 0, 3), np.uint8), None, missing), truth
