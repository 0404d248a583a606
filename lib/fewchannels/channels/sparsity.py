"""How concentrated a hidden state is: do a few channels tower over the rest, and is the channel basis special?

All measures take arrays whose last axis is the channel. Nothing here depends on a choice of massive channels except
through k, the number of channels whose share is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .controls import random_orthonormal
from .scores import channel_scores, check_k


@dataclass(frozen=True)
class Concentration:
    """Measures [S, L, T] of each sample, layer and step.

    largest_over_median: the largest score over the median score. energy_share: share of the energy in the k channels
    with the largest scores. gini: of the channel energies, 0 for all equal. kurtosis: of the channel RMS, 1 for all
    equal, D for a single channel.
    """

    k: int
    width: int
    score: str
    largest_over_median: np.ndarray
    energy_share: np.ndarray
    gini: np.ndarray
    kurtosis: np.ndarray


def concentration(stats: Any, k: int = 8, score: str = "abs_mean") -> Concentration:
    """All measures of `Concentration` from a `ChannelStats`, the k channels ranked per sample, layer and step."""
    scores, energy = channel_scores(stats, score), np.asarray(stats.energy)
    return Concentration(
        k,
        scores.shape[-1],
        score,
        largest_over_median(scores),
        top_share(energy, k, by=scores),
        gini(energy),
        kurtosis(energy),
    )


def largest_over_median(scores: np.ndarray) -> np.ndarray:
    """Scores [..., D] to [...]: the largest over the median, both of which Sun et al. (2402.17762) plot."""
    scores = np.asarray(scores, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return scores.max(axis=-1) / np.median(scores, axis=-1)


def top_share(energy: np.ndarray, k: int, by: np.ndarray | None = None) -> np.ndarray:
    """Energy [..., D] to [...]: the share of the k channels that rank highest in `by` (by default the energy).

    >>> float(top_share(np.array([6.0, 2.0, 1.0, 1.0]), k=1))
    0.6
    """
    energy = np.asarray(energy, dtype=np.float64)
    check_k(k, energy.shape[-1])
    order = np.argsort(-np.asarray(energy if by is None else by), axis=-1, kind="stable")[..., :k]
    return np.take_along_axis(energy, order, axis=-1).sum(axis=-1) / energy.sum(axis=-1)


def gini(values: np.ndarray) -> np.ndarray:
    """Gini coefficient of non-negative values [..., D] to [...]: 0 all equal, (D - 1) / D all in one.

    >>> float(gini(np.array([0.0, 0.0, 0.0, 5.0])))
    0.75
    """
    values = np.sort(np.asarray(values, dtype=np.float64), axis=-1)
    if (values < 0).any():
        raise ValueError("the Gini coefficient needs values of at least 0: pass energies or absolute values")
    width = values.shape[-1]
    rank = np.arange(1, width + 1)
    return ((2 * rank - width - 1) * values).sum(axis=-1) / (width * values.sum(axis=-1))


def kurtosis(energy: np.ndarray) -> np.ndarray:
    """Kurtosis of the channel RMS: energies [..., D] (mean squares over tokens) to [...].

    With s the RMS of a channel: mean(s^4) / mean(s^2)^2, uncentred, between 1 (all equal) and D (a single channel);
    He et al., arXiv 2405.19279, measure outlier features by it.
    """
    energy = np.asarray(energy, dtype=np.float64)
    return np.mean(energy**2, axis=-1) / np.mean(energy, axis=-1) ** 2


def rotated_kurtosis(moments: np.ndarray, draws: int = 8, seed: int = 0) -> np.ndarray:
    """Kurtosis of the channel RMS after a random rotation of the channel basis: moments [L, D, D] to [L, draws].

    The rotation keeps all that does not depend on the basis (norms, angles, the spectrum), so a kurtosis that falls
    shows that the channel basis is privileged. Where one direction holds nearly everything the rotated value comes
    near 3, where all directions hold the same it is 1; compare with `kurtosis(diagonal)`.
    """
    moments = np.asarray(moments, dtype=np.float64)
    if moments.ndim != 3 or moments.shape[1] != moments.shape[2]:
        raise ValueError(f"moments of shape {moments.shape}: expected [L, D, D] from second_moments()")
    rng = np.random.default_rng(seed)
    width = moments.shape[-1]
    rotations = [random_orthonormal(rng, width, width) for _ in range(draws)]
    return np.array([[kurtosis(np.sum((r @ m) * r, axis=1)) for r in rotations] for m in moments])


@dataclass(frozen=True)
class StrictCriterion:
    """Sun et al.'s test with its numbers, of the place in a hidden state where the largest |a| was found.

    holds: |a| > 100 and at least 1,000 times the median |a|. exact: false where the median had to be estimated.
    """

    holds: bool
    largest: float
    median: float
    ratio: float
    channel: int
    exact: bool

    def __str__(self) -> str:
        about = "" if self.exact else "about "
        return (
            f"{'met' if self.holds else 'not met'}: the largest |a| is {self.largest:.4g} (more than 100 asked), "
            f"{about}{self.ratio:.4g} times the median {self.median:.4g} (1,000 asked), in channel {self.channel}"
        )


def meets_strict_criterion(state: Any) -> StrictCriterion:
    """Does some activation exceed 100 and 1,000 times the median of its hidden state (Sun et al., arXiv 2402.17762)?

    state: tokens [..., N, D], each [N, D] one hidden state (one sample, layer and step), judged exactly; or a
    `ChannelStats`, where the median over channels of the mean |x| stands for the median |a|. Reports the state with
    the largest ratio among those that pass 100, else the one with the largest |a|.
    """
    if hasattr(state, "max_abs"):
        peaks, medians = np.asarray(state.max_abs), np.median(np.asarray(state.mean_abs), axis=-1)
        width, exact = peaks.shape[-1], False
    else:
        tokens = np.abs(np.asarray(state, dtype=np.float64))
        if tokens.ndim < 2 or not tokens.size:
            raise ValueError(f"expected tokens [..., N, D], got shape {tokens.shape}")
        peaks, medians = tokens.max(axis=-2), np.median(tokens, axis=(-2, -1))
        width, exact = tokens.shape[-1], True
    peaks, medians = peaks.reshape(-1, width).astype(np.float64), np.asarray(medians, dtype=np.float64).reshape(-1)
    largest = peaks.max(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(largest > 0, largest / medians, 0.0)
    big = largest > 100
    i = int(np.argmax(np.where(big, ratio, -1.0)) if big.any() else np.argmax(largest))
    holds = bool(big[i] and ratio[i] >= 1000)
    return StrictCriterion(holds, float(largest[i]), float(medians[i]), float(ratio[i]), int(peaks[i].argmax()), exact)
