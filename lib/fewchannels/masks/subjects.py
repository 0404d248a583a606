"""Tokens on a few channels -> two clusters -> the subject's mask.

    masks = fc.subject_masks(tokens, massive[layer], grid=(12, 12))           # bool [B, h, w]
    found = partition(tokens, k=12, grid=grid, polarity="border")             # the heat map and the counts as well

The paper's protocol (its section 3.2, as the public replication states it): the k channels of largest |mean over
image tokens|, each scaled to 0..1 over the tokens (a constant one to 0), K-means with K = 2 on the k-dim vectors,
and the cluster in which the summed map is larger is the subject. That last rule ("larger_sum") sees no truth, but on
the toy world it mostly picks the background, and loses 0.2 to 0.6 IoU against the better of the two clusters.
`POLARITIES` holds others that see no truth either. "border" is the default: on 48 calibration scenes under noise
(levels 0.2 to 1, huge subjects among them, top 8) it loses at most 0.02 in any of the six blocks, as "centre" does;
"smaller" loses up to 0.07, 0.08 where subjects are huge. `best_of_two` does look at the truth, and is for analysis.

K-means runs on all samples at once (`two_means`), from RESTARTS starts that the sample and the seed alone decide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from .two_means import RESTARTS, two_means

POLARITIES = ("larger_sum", "smaller_sum", "smaller", "border", "centre")
NORMALISATIONS = ("minmax", "percentile")
PERCENTILES = (2.0, 98.0)


@dataclass(frozen=True)
class Partition:
    """What `partition` finds in B samples on a token grid h x w.

    mask: bool [B, h, w], the cluster that the polarity rule calls the subject. heat: float32 [B, h, w] in 0..1, the
    mean of the scaled channels (the paper's summed map over k). larger_sum: bool [B, h, w], the cluster with the
    larger summed map, whatever the rule. channels: int [B, k]. constant_channels: int [B], how many of the k had one
    value everywhere. empty: bool [B], samples without two distinct tokens: their mask is empty, to be counted apart.
    """

    mask: np.ndarray
    heat: np.ndarray
    larger_sum: np.ndarray
    channels: np.ndarray
    constant_channels: np.ndarray
    empty: np.ndarray


def subject_masks(tokens, channels=None, *, grid: tuple[int, int], **options) -> np.ndarray:
    """The subject's mask by K-means on a few channels: bool [B, h, w]. Options and errors as for `partition`."""
    return partition(tokens, channels, grid=grid, **options).mask


def partition(
    tokens,
    channels=None,
    *,
    grid: tuple[int, int],
    k: int | None = None,
    score: str = "abs_mean",
    normalise: str = "minmax",
    polarity: str = "border",
    restarts: int = RESTARTS,
    seed: int = 0,
) -> Partition:
    """Two clusters of tokens on a few channels, and which of them is the subject (paper, section 3.2).

    tokens: [B, N, D], tensor or array, N = h * w in the order of rows. channels: int [k] (one layer of a ChannelSet)
    or [B, k]; without them the top `k` a sample by `score` ("abs_mean" as in the paper, or "mean_abs"), and with
    neither all D, for tokens that were kept on the chosen channels only.
    normalise: "minmax", or "percentile" (2nd to 98th, clipped), which a few extreme tokens cannot squeeze.
    polarity: "border" (fewer of the tokens on the picture's edge), "larger_sum" (the paper's), "smaller_sum" (its
    opposite), "smaller" (fewer tokens) or "centre" (nearer to the middle); ties go to "larger_sum".

    Raises ValueError for tokens that do not fit the grid or hold inf or nan, for channels that are empty, doubled or
    out of range, and for unknown names.
    """
    _check_name("polarity", polarity, POLARITIES)
    maps, chosen, constant = channel_maps(tokens, channels, grid=grid, k=k, score=score, normalise=normalise)
    batch, count = maps.shape[0], maps.shape[-1]
    vectors = maps.reshape(batch, -1, count)
    labels, empty = two_means(vectors, restarts=restarts, seed=seed)
    heat = vectors.mean(axis=2)
    inside = _mean_over(heat, labels) > _mean_over(heat, ~labels)
    larger = np.where(inside[:, None], labels, ~labels)
    larger[empty] = False
    larger, heat = larger.reshape(batch, *grid), heat.reshape(batch, *grid)
    mask = choose_cluster(larger, polarity)
    mask[empty] = False
    return Partition(mask, heat, larger, chosen, constant, empty)


def channel_maps(
    tokens, channels=None, *, grid: tuple[int, int], k: int | None = None, score="abs_mean", normalise="minmax"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The chosen channels, each scaled to 0..1 over its tokens.

    Returns maps float32 [B, h, w, k], the channels int [B, k] and how many of them are constant int [B].
    Arguments and errors as for `partition`.
    """
    _check_name("normalise", normalise, NORMALISATIONS)
    array = _as_tokens(tokens, grid)
    chosen = _as_channels(array, channels, k, score)
    if channels is None and k is None:
        values = array.astype(np.float32)
    else:
        values = np.take_along_axis(array, chosen[:, None, :], axis=2).astype(np.float32)
    _check_finite(values, np.isfinite(values).all(axis=(1, 2)))
    if normalise == "minmax":
        low, high = values.min(axis=1, keepdims=True), values.max(axis=1, keepdims=True)
    else:
        low, high = np.percentile(values, PERCENTILES, axis=1, keepdims=True).astype(np.float32)
    span = high - low
    scaled = np.clip((values - low) / np.where(span > 0, span, 1), 0, 1) * (span > 0)
    return scaled.reshape(len(array), *grid, -1), chosen, (span[:, 0] == 0).sum(axis=1)


def _check_finite(values: np.ndarray, fine: np.ndarray) -> None:
    """Raise ValueError for samples [B] that are not `fine`, with the count in values [B, N, C]."""
    if not fine.all():
        bad = [f"{(~np.isfinite(values[i])).sum()} in sample {i}" for i in np.flatnonzero(~fine)[:4]]
        raise ValueError(f"tokens hold inf or nan ({', '.join(bad)}); run the model in bfloat16 or float32")


def choose_cluster(larger_sum: np.ndarray, polarity: str) -> np.ndarray:
    """One of each pair of clusters by a rule that sees no truth. larger_sum: bool [B, h, w] -> bool [B, h, w]."""
    _check_name("polarity", polarity, POLARITIES)
    larger_sum = _as_masks("larger_sum", larger_sum)
    height, width = larger_sum.shape[1:]
    if polarity in ("larger_sum", "smaller_sum"):
        flip = np.full(len(larger_sum), polarity == "smaller_sum")
    elif polarity == "smaller":
        flip = larger_sum.mean(axis=(1, 2)) > 0.5
    elif polarity == "border":
        edge = np.ones((height, width), bool)
        edge[1:-1, 1:-1] = False
        flip = larger_sum[:, edge].mean(axis=1) > 0.5
    else:
        y, x = np.mgrid[:height, :width]
        prior = np.exp(-2 * (((y + 0.5) / height - 0.5) ** 2 + ((x + 0.5) / width - 0.5) ** 2) / 0.5**2)
        prior = np.broadcast_to(prior, larger_sum.shape)
        flip = _mean_over(prior, larger_sum) < _mean_over(prior, ~larger_sum)
    return larger_sum ^ flip[:, None, None]


def best_of_two(masks: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """For analysis only, as it sees the truth: each mask or its complement, whichever has the larger IoU.

    masks, truth: bool [B, h, w] -> bool [B, h, w]. The ceiling of every polarity rule, and no result of its own.
    """
    masks, truth = _as_masks("masks", masks), _as_masks("truth", truth)
    if masks.shape != truth.shape:
        raise ValueError(f"masks {masks.shape} and truth {truth.shape} differ; bring the truth to the grid by to_grid")
    scores = []
    for candidate in (masks, ~masks):
        union = (candidate | truth).sum(axis=(1, 2))
        scores.append((candidate & truth).sum(axis=(1, 2)) / np.maximum(union, 1))
    return masks ^ (scores[1] > scores[0])[:, None, None]


def upsample(maps: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Token maps [B, h, w] to pictures [B, H, W]: bool masks by nearest neighbour, soft maps bilinearly."""
    if maps.dtype == bool:
        rows = (np.arange(size[0]) + 0.5) * maps.shape[1] / size[0]
        columns = (np.arange(size[1]) + 0.5) * maps.shape[2] / size[1]
        return maps[:, rows.astype(int)][:, :, columns.astype(int)]
    return _resize(maps, size, Image.Resampling.BILINEAR)


def to_grid(masks: np.ndarray, grid: tuple[int, int], share: float = 0.5) -> np.ndarray:
    """Pixel masks bool [B, H, W] to token masks bool [B, h, w]: tokens that are covered by at least `share`.

    Numbers from 0 to 1 count as the share of a pixel that is covered. Raises ValueError for others, such as the 0 and
    255 of a mask that was read from a picture, and for a share that is not in 0 to 1.
    """
    masks = np.asarray(masks)
    if masks.ndim != 3 or masks.dtype.kind not in "biuf" or 0 in masks.shape:
        raise ValueError(f"masks of {masks.dtype} and shape {masks.shape}: expected bool [B, H, W]")
    if not 0 < share <= 1:
        raise ValueError(f"share={share}: expected more than 0, and at most 1")
    low, high = masks.min(), masks.max()
    if not (low >= 0 and high <= 1):
        raise ValueError(
            f"masks with values from {low} to {high}: expected bool, or numbers from 0 to 1. Of a mask that was read "
            "from a picture pass mask > 127"
        )
    return _resize(masks.astype(np.float32), grid, Image.Resampling.BOX) >= share


def _resize(maps, size, how) -> np.ndarray:
    images = (Image.fromarray(np.ascontiguousarray(m, np.float32)) for m in maps)
    return np.stack([np.asarray(i.resize((size[1], size[0]), how)) for i in images])


def _as_masks(name: str, masks) -> np.ndarray:
    masks = np.asarray(masks)
    if masks.dtype != bool or masks.ndim != 3:
        raise ValueError(f"{name} of {masks.dtype} and shape {masks.shape}: expected bool [B, h, w]")
    return masks


def _mean_over(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    axes = tuple(range(1, values.ndim))
    return (values * chosen).sum(axis=axes) / np.maximum(chosen.sum(axis=axes), 1)


def _check_name(what: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        raise ValueError(f"{what}={name!r}: expected one of {', '.join(known)}")


def _as_tokens(tokens, grid) -> np.ndarray:
    if hasattr(tokens, "detach"):
        tokens = tokens.detach().float().cpu().numpy()
    array = np.asarray(tokens)
    if array.ndim != 3 or 0 in array.shape:
        raise ValueError(f"tokens of shape {array.shape}: expected [samples, tokens, channels], none of them empty")
    if len(grid) != 2 or grid[0] * grid[1] != array.shape[1]:
        raise ValueError(
            f"grid={tuple(grid)} does not fit tokens of shape {array.shape}: expected h * w = {array.shape[1]}"
        )
    return array


def _as_channels(tokens: np.ndarray, channels, k, score) -> np.ndarray:
    batch, _, width = tokens.shape
    if channels is None:
        if k is None:
            return np.broadcast_to(np.arange(width), (batch, width))
        if not 1 <= k <= width:
            raise ValueError(f"k={k}: expected 1 to {width}, the number of channels of the tokens")
        _check_name("score", score, ("abs_mean", "mean_abs"))
        mean = np.abs(tokens) if score == "mean_abs" else tokens
        with np.errstate(invalid="ignore"):
            scores = np.abs(mean.mean(axis=1, dtype=np.float64))
        _check_finite(tokens, np.isfinite(scores).all(axis=1))  # nan would rank last, and its channel drop out
        return np.argsort(-scores, axis=1, kind="stable")[:, :k]
    if k is not None:
        raise ValueError("channels and k were both given; k only ranks where no channels are given")
    chosen = np.asarray(channels)
    if chosen.dtype.kind not in "iu" or chosen.ndim not in (1, 2) or chosen.shape[-1] == 0:
        raise ValueError(f"channels={channels!r}: expected a non-empty array of whole numbers, [k] or [samples, k]")
    if chosen.ndim == 2 and len(chosen) != batch:
        raise ValueError(f"channels of shape {chosen.shape} for {batch} samples: expected [k] or [{batch}, k]")
    if chosen.min() < 0 or chosen.max() >= width:
        raise ValueError(f"channels {chosen.min()} to {chosen.max()}: the tokens have channels 0 to {width - 1}")
    chosen = np.broadcast_to(chosen, (batch, chosen.shape[-1]))
    if any(len(set(row)) < len(row) for row in chosen.tolist()):
        raise ValueError(f"channels={channels!r}: a channel is named twice")
    return chosen
