"""What chapter 11 draws of the study of ingredients, and what its claims are about.

    arms = trainings(from_book("ingredients"))                # {"base": [Training, ...], ...}, seeds in order
    plots.replicates({"at the end": at_end(arms, "size")}, "largest over median", log=True)
    check("ingredients_muon", by_seed(arms["muon"], arms["base"], "kurtosis"))

Measures are the last block's where nothing else is said. What compares with the base recipe does so seed by seed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ..studies.edits import UNTOUCHED
from ..studies.results import Results
from ..studies.training import Training, by_seed, over_seeds, trainings
from ..toyworld.arms import ARMS

BASE = "base"
EARLY = 5_664  # images of the moment from which the claim about a growing direction counts
FAMILIES = {
    "optimiser and rate": ("base", "muon", "rotated_adam", "rmsprop", "half_rate", "double_rate"),
    "norms and gates": ("base", "no_final_norm", "sandwich_norm", "constant_gate", "no_gate", "no_zero_start"),
    "stream and attention": ("base", "rotated_stream", "softmax1", "magnitude_preserving"),
}
AS_MUCH = 0.1  # by how much a measure may differ that was trained for again; without bf16 it is 0.04
UPDATES = ("muon", "rotated_adam")  # arms whose steps know no axis of the stream

Arms = Mapping[str, Sequence[Training]]


def name_of(arm: str) -> str:
    """An arm in a few words, as figures name it."""
    return ARMS[arm].about


def unlike(begun: Mapping[str, np.ndarray], kept: Training, images: int) -> list[str]:
    """The measures of a training that was begun again (`studies.ingredients.begin`) that are more than a tenth off
    those of the kept one after as many images. Which channels are on top is not compared."""
    measures = (name for name in begun if name != "top")
    return [name for name in measures if not np.allclose(begun[name], kept.at_images(name, images), rtol=AS_MUCH)]


def _last(values: np.ndarray) -> np.ndarray:
    """[S, L] or [S] as [S], of the last block."""
    return values[:, -1] if values.ndim > 1 else values


def at_end(arms: Arms, measure: str, loss: float | None = None) -> dict[str, np.ndarray]:
    """Of `plots.replicates` a kind: a measure [S] of each arm at the end, or at this held-out loss."""
    return {name_of(arm): _last(over_seeds(some, measure, loss=loss)) for arm, some in arms.items()}


def beside_base(arms: Arms, measure: str) -> dict[str, dict[str, list[float]]]:
    """What `plots.replicates` takes: a measure of each other arm over that of the base recipe with the same seed, at
    equal images and at the lowest held-out loss that both reach."""
    return {
        kind: {
            name_of(arm): list(by_seed(some, arms[BASE], measure, at=at).values())
            for arm, some in arms.items()
            if arm != BASE
        }
        for kind, at in (("at equal images", "images"), ("at equal loss", "loss"))
    }


def courses(arms: Arms, measure: str, some: Iterable[str]) -> dict[str, tuple]:
    """What `plots.lines` takes: a measure over images of some of the arms, mean over seeds and from the least to the
    most of them."""
    found = {}
    for arm in (arm for arm in some if arm in arms):
        rows = np.stack([_last(one[measure]) for one in arms[arm]])
        found[name_of(arm)] = (arms[arm][0].images, rows.mean(axis=0), rows.min(axis=0), rows.max(axis=0))
    return found


def by_block(arms: Arms, measure: str = "size") -> dict:
    """What `plots.table_of_numbers` takes: a measure at the end of each arm and block, geometric mean over seeds."""
    rows = np.stack([np.exp(np.log(over_seeds(some, measure)).mean(axis=0)) for some in arms.values()])
    return {
        "values": np.log2(rows),
        "rows": [name_of(arm) for arm in arms],
        "columns": [str(block) for block in range(rows.shape[1])],
    }


def readings(found: Results, measures: Mapping[str, tuple[str, dict]]) -> dict[str, dict[str, list[float]]]:
    """What `plots.replicates` takes: means over the pictures at the end of each arm and seed, {kind: (a measure, the
    fields of its condition)}."""
    return {
        kind: {
            name_of(arm): [found.mean(measure, prompts=one.name, **fields).value for one in some]
            for arm, some in trainings(found).items()
        }
        for kind, (measure, fields) in measures.items()
    }


QUALITY = {
    "by the judge": ("right", {"edit": UNTOUCHED}),
    "by the second reader": ("right by eye", {"edit": UNTOUCHED}),
}
CHANGE = {"top eight": ("change", {"channels": "top"}), "eight at random": ("change", {"channels": "random"})}


# Claims


def value_at_end(some: Sequence[Training], measure: str) -> dict[int, float]:
    """seed -> a measure at the end."""
    return {one.seed: float(value) for one, value in zip(some, _last(over_seeds(some, measure)), strict=True)}


def direction_falls_less(arms: Arms) -> dict[str, float]:
    """The energy share of eight directions over the base recipe's, less that of eight channels over the base
    recipe's; of each arm of `UPDATES` and seed."""
    found = {}
    for arm in UPDATES:
        directions, channels = (by_seed(arms[arm], arms[BASE], share) for share in ("principal", "top_share"))
        found |= {f"{arm}, seed {seed}": directions[seed] - channels[seed] for seed in directions}
    return found


def grown_direction(some: Sequence[Training], early: float = EARLY) -> dict[int, float]:
    """seed -> the share of the energy along the first direction at the end, less that at an early moment."""
    end, before = (_last(over_seeds(some, "first", images=images)) for images in (None, early))
    return {one.seed: float(grown) for one, grown in zip(some, end - before, strict=True)}


def top_over_random(found: Results, arm: str) -> dict[int, float]:
    """seed -> how many times more the top at zero changes the pictures than as many at random."""
    top, random = (readings(found, {kind: CHANGE[kind]})[kind][name_of(arm)] for kind in CHANGE)
    seeds = [one.seed for one in trainings(found)[arm]]
    return {seed: a / b for seed, a, b in zip(seeds, top, random, strict=True)}


def less_critical(found: Results, arm: str) -> dict[int, float]:
    """seed -> `top_over_random` of an arm over that of the base recipe, for the seeds that both have."""
    own, base = (top_over_random(found, which) for which in (arm, BASE))
    return {seed: own[seed] / base[seed] for seed in own if seed in base}


def factor(arms: Arms, arm: str, measure: str = "size") -> float:
    """The absolute logarithm of an arm's measure over the base recipe's, geometric means over the seeds of both."""
    return float(abs(np.log(list(by_seed(arms[arm], arms[BASE], measure).values())).mean()))


def largest_block(some: Sequence[Training]) -> dict[int, float]:
    """seed -> the largest size over blocks at the end."""
    return {one.seed: float(one.at_images("size").max()) for one in some}
