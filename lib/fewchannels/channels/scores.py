"""A channel's score, and the ranking by it.

Two scores are in use. `abs_mean` takes the mean over image tokens first and its absolute value then; the project
page of arXiv 2605.13974 says "absolute channel means". `mean_abs` takes absolute values first; SPARK and the
public replication rank by it. They part on channels whose sign changes over the picture.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..names import SCORES


def channel_scores(stats: Any, score: str = "abs_mean") -> np.ndarray:
    """Channel scores [S, L, T, D] (sample, layer, step, channel), float32, from a `ChannelStats`.

    score: "abs_mean", the absolute value of the mean over image tokens, or "mean_abs", the mean of the absolute values.
    Raises ValueError for another score.
    """
    if score == "abs_mean":
        return np.abs(np.asarray(stats.mean))
    if score == "mean_abs":
        return np.asarray(stats.mean_abs)
    raise ValueError(f"score={score!r}: expected one of {', '.join(map(repr, SCORES))}")


def overflowed(stats: Any) -> np.ndarray:
    """bool [S, L, T, D]: where a channel held inf or nan, so that its score, of what was left, says too little."""
    return np.asarray(getattr(stats, "nonfinite", np.broadcast_to(0, np.shape(stats.mean)))) > 0


def rank_channels(scores: np.ndarray, k: int, first: np.ndarray | None = None) -> np.ndarray:
    """The k channels with the largest scores, largest first: scores [..., D] to indices [..., k].

    first: bool [..., D], channels that stand before all others whatever their scores, such as those that `overflowed`.
    Equal scores are ranked by index, so the answer never depends on the machine. Ranks every leading entry alone
    (per sample, layer and step for scores [S, L, T, D]), as the paper's figure 3 does by the replication's account.
    Raises ValueError for k outside 1 to D and for scores that are not finite.

    >>> rank_channels(np.array([[0.1, 9.0, 3.0], [5.0, 5.0, 0.0]]), k=2)
    array([[1, 2],
           [0, 1]])
    """
    scores = np.asarray(scores)
    check_k(k, scores.shape[-1])
    bad = ~np.isfinite(scores)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"{int(bad.sum())} of {scores.size} scores are not finite (the first at {where}) and cannot be ranked; "
            "see stats.nonfinite, and capture in bfloat16 or float32 if float16 overflowed"
        )
    order = np.argsort(-scores, axis=-1, kind="stable")
    if first is not None and np.any(first):
        ahead = np.take_along_axis(np.asarray(first), order, axis=-1)
        order = np.take_along_axis(order, np.argsort(~ahead, axis=-1, kind="stable"), axis=-1)
    return order[..., :k]


def layer_scores(stats: Any, score: str = "abs_mean") -> np.ndarray:
    """Scores averaged over samples and steps: [L, D], float64. This is what a frozen channel set is ranked on."""
    return channel_scores(stats, score).mean(axis=(0, 2), dtype=np.float64)


def layer_energy(stats: Any) -> np.ndarray:
    """Mean square over tokens, samples and steps: [L, D], float64. Steps with larger activations weigh more."""
    return np.asarray(stats.energy).mean(axis=(0, 2), dtype=np.float64)


def check_k(k: int, width: int) -> None:
    if not isinstance(k, (int, np.integer)) or isinstance(k, bool):
        raise TypeError(f"k={k!r}: expected a whole number of channels, got {type(k).__name__}")
    if not 1 <= k <= width:
        raise ValueError(f"k={k}: expected 1 to {width}, the number of channels")
