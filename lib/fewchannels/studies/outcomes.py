"""What a transport did, as numbers with intervals: adopted, retained, both goals at once, one method ahead of another.

    ratio(adoption(cells["top"]), adoption(cells["all"]))    # Interval(0.4, 0.3, 0.5)
    lead(cells["best transport"], cells["best latents"])     # difference of the harmonic means of both goals

Cells are what `PairCase.measure` gives. Pairs are resampled, together wherever two conditions are compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..metrics import Interval, bootstrap_interval
from .pairs import PAIR_ATTRIBUTES, SCENE, SUBJECT, harmonic_mean, mean_over


def adoption(cell: Mapping[str, np.ndarray], names=PAIR_ATTRIBUTES) -> np.ndarray:
    """[P]: the share of a pair's differing attributes in which the picture has the source's."""
    return mean_over(cell["adopted"], names)


def retention(cell: Mapping[str, np.ndarray], names=PAIR_ATTRIBUTES) -> np.ndarray:
    """[P]: the share of them in which it has kept the target's."""
    return mean_over(cell["retained"], names)


def goals(cell: Mapping[str, np.ndarray]) -> np.ndarray:
    """[P, 2]: adoption of the source's subject, and retention of the target's background and texture."""
    return np.stack([adoption(cell, SUBJECT), retention(cell, SCENE)], axis=1)


def both_goals(rows: np.ndarray) -> float:
    """The harmonic mean of the two goals [P, 2], each first averaged over pairs."""
    return float(harmonic_mean(*np.nanmean(rows, axis=0)))


def choose(cells: Mapping[str, Mapping[str, np.ndarray]], method: str) -> str:
    """The setting of a method with the highest harmonic mean of both goals: "method, setting" of `flat`."""
    settings = [name for name in cells if name.startswith(f"{method}, ")]
    if not settings:
        raise ValueError(f"no condition of the method {method!r} among {', '.join(cells)}")
    return max(settings, key=lambda name: both_goals(goals(cells[name])))


def ratio(part: np.ndarray, whole: np.ndarray) -> Interval:
    """Mean of part [P] over mean of whole [P], pairs resampled together."""
    return bootstrap_interval(np.stack([part, whole], axis=1), lambda v: np.divide(*np.nanmean(v, axis=0)))


def lead(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> Interval:
    """The harmonic mean of both goals by one method less that by another, pairs resampled together."""
    rows = np.concatenate([goals(one), goals(other)], axis=1)
    return bootstrap_interval(rows, lambda v: both_goals(v[:, :2]) - both_goals(v[:, 2:]))


def ahead(cells: Mapping[str, Mapping[str, np.ndarray]], name: str, others: Sequence[str]) -> Interval:
    """Adoption by one set less that by others, such as draws of random sets, which are resampled beside the pairs."""
    own = adoption(cells[name])
    rows = np.stack([own - adoption(cells[other]) for other in others], axis=1)
    return bootstrap_interval(rows, np.nanmean, crossed=True)


def covered(cells: Mapping[str, Mapping[str, np.ndarray]], name: str) -> Interval:
    """Which part of the squared distance between the two pictures a condition takes away from its distance to the
    source: 1 is the source's picture, 0 no nearer than the target's."""
    rows = np.stack([cells[name]["to_source"], cells["untouched"]["to_source"]], axis=1)
    return bootstrap_interval(rows, lambda v: 1 - np.divide(*v.mean(axis=0, dtype=np.float64)))
