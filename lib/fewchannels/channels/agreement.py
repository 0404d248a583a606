"""How much channel sets agree: Jaccard overlap across prompts, seeds, steps or layers, with chance beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .scores import check_k
from .sets import ChannelSet


def jaccard(a: Any, b: Any) -> float | np.ndarray:
    """Size of the intersection over size of the union: of two index arrays, or per layer [L] of two ChannelSets.

    >>> jaccard([1, 2, 3], [2, 3, 4])
    0.5
    """
    if isinstance(a, ChannelSet) and isinstance(b, ChannelSet):
        if (len(a), a.width) != (len(b), b.width):
            raise ValueError(f"{a!r} and {b!r} are of different models or layers and cannot be compared")
        first, second = a.mask(), b.mask()
        union = (first | second).sum(axis=1)
        return np.where(union > 0, (first & second).sum(axis=1) / np.maximum(union, 1), np.nan)
    if isinstance(a, ChannelSet) or isinstance(b, ChannelSet):
        raise TypeError("expected two ChannelSets or two index arrays, got one of each; pick a layer: channels[layer]")
    first, second = set(np.asarray(a).ravel().tolist()), set(np.asarray(b).ravel().tolist())
    if not first or not second:
        raise ValueError("an empty set has no overlap to speak of")
    return len(first & second) / len(first | second)


def expected_jaccard(k: int, width: int, other: int | None = None) -> float:
    """Mean Jaccard overlap of two sets of k (and `other`) channels drawn independently from `width`. Exact.

    >>> round(expected_jaccard(8, 512), 4)
    0.0084
    """
    other = k if other is None else other
    check_k(k, width)
    check_k(other, width)
    # the intersection is hypergeometric; its probabilities by recurrence from the smallest possible one
    low, high = max(0, k + other - width), min(k, other)
    shared = np.arange(low, high + 1)
    x = shared[:-1]
    steps = (k - x) * (other - x) / ((x + 1) * (width - k - other + x + 1))
    logs = np.concatenate([[0.0], np.cumsum(np.log(steps))])
    p = np.exp(logs - logs.max())
    p /= p.sum()
    return float(np.sum(p * shared / (k + other - shared)))


def pairwise_jaccard(indices: np.ndarray, width: int) -> np.ndarray:
    """Overlap of every two of n sets: indices [..., n, k] (from `rank_channels`) to [..., n, n]."""
    indices = np.asarray(indices)
    if indices.ndim < 2:
        raise ValueError(f"indices of shape {indices.shape}: expected [..., n, k], n sets of k channels")
    check_k(indices.shape[-1], width)
    if indices.min() < 0 or indices.max() >= width:
        raise ValueError(f"channels {indices.min()} to {indices.max()}: expected 0 to {width - 1}")
    flat = indices.reshape(-1, *indices.shape[-2:])
    result = np.empty((len(flat), indices.shape[-2], indices.shape[-2]))
    for i, sets in enumerate(flat):  # one group at a time: a mask of all of them would not fit for large models
        mask = np.zeros((len(sets), width), dtype=np.float32)
        np.put_along_axis(mask, sets, 1.0, axis=1)
        shared = mask @ mask.T
        sizes = mask.sum(axis=1)
        result[i] = shared / (sizes[:, None] + sizes[None, :] - shared)
    return result.reshape(*indices.shape[:-1], indices.shape[-2])


@dataclass(frozen=True)
class Overlap:
    """matrix [..., n, n] of Jaccard overlaps; mean [...] over the pairs of different sets; chance for k of width."""

    matrix: np.ndarray
    mean: np.ndarray
    chance: float
    k: int
    width: int


def overlap(indices: np.ndarray, width: int, axis: int = 0) -> Overlap:
    """How much the top-k sets agree along one axis of ranked channels [..., k].

    For `ranked = rank_channels(channel_scores(stats), k)` [S, L, T, k], axis=0 compares samples (prompts or seeds) and
    gives a mean [L, T]; axis=1 layers, mean [S, T]; axis=2 steps, mean [S, L].
    Raises ValueError for fewer than two sets and for an axis that is the channels'.
    """
    indices = np.asarray(indices)
    if indices.ndim < 2 or not -indices.ndim <= axis < indices.ndim or axis % indices.ndim == indices.ndim - 1:
        raise ValueError(f"axis={axis}: expected one of the leading axes of indices with shape {indices.shape}")
    count = indices.shape[axis]
    if count < 2:
        raise ValueError(f"axis={axis} holds {count} set: at least two are needed to compare")
    matrix = pairwise_jaccard(np.moveaxis(indices, axis, -2), width)
    mean = (matrix.sum(axis=(-2, -1)) - count) / (count * (count - 1))
    k = indices.shape[-1]
    return Overlap(matrix, mean, expected_jaccard(k, width), k, width)
