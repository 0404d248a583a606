"""The courses of trainings that measured themselves, compared at equal images and at equal loss.

    arms = trainings(found)                                 # {"base": [Training, ...], "muon": [...]}, seeds in order
    level = common_loss(arms)                               # the lowest held-out loss that all of them reach
    over_seeds(arms["muon"], "kurtosis", loss=level)        # [S, L], NaN where a training never gets there

An optimiser that learns slowly has small channels because it is early, and would win for nothing at equal images.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .results import Results


@dataclass(frozen=True, eq=False)
class Training:
    """One arm and seed. name: of its group of results. course: "images" [M], and measures [M, ...] at these moments."""

    arm: str
    seed: int
    name: str
    course: Mapping[str, np.ndarray]

    @property
    def images(self) -> np.ndarray:
        return self.course["images"]

    def __getitem__(self, measure: str) -> np.ndarray:
        """[M, ...] of a measure at each moment. Raises KeyError that lists those there are."""
        if measure not in self.course:
            raise KeyError(f"{self.name} has no measure {measure!r}; it has {', '.join(self.course)}")
        return np.asarray(self.course[measure], np.float64)

    def at_images(self, measure: str, images: float | None = None) -> np.ndarray:
        """A measure [...] after so many images (None: at the end), between two moments straight in log images; before
        the first moment as there. NaN for NaN. Raises ValueError for more images than it saw."""
        values, seen = self[measure], np.log(self.images)
        if images is None:
            return values[-1]
        if images > self.images[-1]:
            raise ValueError(f"images={images}: {self.name} ended at {self.images[-1]}")
        if np.isnan(images):
            return np.full(values.shape[1:], np.nan)
        flat = values.reshape(len(values), -1)
        return np.array([np.interp(np.log(images), seen, column) for column in flat.T]).reshape(values.shape[1:])

    def images_at(self, loss: float) -> float:
        """Images at which the held-out loss first comes down to this, straight in log images between two moments; NaN
        where it never does, the first moment where it had done so by then."""
        held_out, seen = self["loss"], np.log(self.images)
        below = np.flatnonzero(held_out <= loss)
        if not below.size:
            return float("nan")
        after = below[0]
        if after == 0:
            return float(self.images[0])
        way = (held_out[after - 1] - loss) / (held_out[after - 1] - held_out[after])
        between = np.exp(seen[after - 1] + way * (seen[after] - seen[after - 1]))
        return float(min(between, self.images[after]))  # the exponential of a logarithm may lie past it

    def at_loss(self, measure: str, loss: float) -> np.ndarray:
        """A measure [...] when the held-out loss first comes down to this; NaN where it never does."""
        return self.at_images(measure, self.images_at(loss))


def trainings(found: Results) -> dict[str, list[Training]]:
    """The trainings of results by arm, in the order of the file, seeds rising."""
    arms: dict[str, list[Training]] = {}
    for name in found.index["order"]:
        facts = found.index["models"][name]
        own = Training(facts["arm"], facts["seed"], name, found.instruments[f"course of {name}"])
        arms.setdefault(own.arm, []).append(own)
    return arms


def common_loss(arms: Mapping[str, Sequence[Training]]) -> float:
    """The lowest held-out loss that every training reaches. Leave out an arm that learns little, or it sets the level
    for all: {name: arms[name] for name in ...}."""
    return max(float(one["loss"].min()) for some in arms.values() for one in some)


def over_seeds(
    some: Sequence[Training], measure: str, *, images: float | None = None, loss: float | None = None
) -> np.ndarray:
    """A measure of an arm's trainings [S, ...], at equal images (None: at the end) or at equal held-out loss. Raises
    ValueError for both."""
    if images is not None and loss is not None:
        raise ValueError(f"images={images} and loss={loss}: compare at one of them")
    return np.stack([one.at_images(measure, images) if loss is None else one.at_loss(measure, loss) for one in some])


def by_seed(
    one: Sequence[Training], other: Sequence[Training], measure: str, at: str = "images", block: int = -1
) -> dict[int, float]:
    """seed -> one arm's measure over the other's, in a block (of what has blocks), for the seeds that both have.

    at: "images", at the end, or "loss", at the lowest held-out loss that both reach with that seed. Raises ValueError
    for another word.
    """
    if at not in ("images", "loss"):
        raise ValueError(f"at={at!r}: expected 'images' or 'loss'")
    found = {}
    for ours, theirs in itertools.product(one, other):
        if ours.seed == theirs.seed:
            where = {"loss": common_loss({"one": [ours], "other": [theirs]})} if at == "loss" else {}
            sides = (over_seeds([side], measure, **where)[0] for side in (ours, theirs))
            ratio = np.divide(*sides)
            found[ours.seed] = float(ratio[block] if np.ndim(ratio) else ratio)
    return found
