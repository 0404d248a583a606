"""Masks that owe nothing to the channels: what sees no picture, what sees the noisy one, what reads the prompt.

A mask from massive channels says something only where it beats these. `priors` see neither picture nor prompt, and
are fitted on calibration masks; `masks_from_words` sees the prompt and no picture, by averaging over scenes that were
rendered from the same words; `two_clusters` divides pixels, or the model's own estimate of the clean picture, by the
same K-means and the same polarity rule as channels are divided by; `attention_masks` divides the attention to words.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from ..masks.subjects import partition, to_grid
from ..masks.two_means import two_means
from ..metrics import iou
from ..toyworld.prompts import POSITIONS, SHAPES, SIZES, Attributes, Subject
from ..toyworld.scenes import render

SCENES_A_PHRASE = 16
THRESHOLDS = np.linspace(0.05, 0.95, 19)


def priors(calibration: np.ndarray) -> dict[str, np.ndarray]:
    """Masks that see nothing of a picture, from calibration masks bool [C, h, w]: bool [h, w] each.

    "everything"; "centred disc" of the radius, and "average mask" of the threshold, that give the best mean IoU on
    the calibration masks.
    """
    calibration = np.asarray(calibration, bool)
    if calibration.ndim != 3 or not calibration.any():
        raise ValueError(f"calibration masks of shape {calibration.shape}: expected bool [C, h, w], not all empty")
    height, width = calibration.shape[1:]
    y, x = np.mgrid[:height, :width]
    distance = np.hypot((y + 0.5) / height - 0.5, (x + 0.5) / width - 0.5)
    average = calibration.mean(axis=0)
    return {
        "everything": np.ones((height, width), bool),
        "centred disc": _best([distance < radius for radius in np.linspace(0.1, 0.75, 27)], calibration),
        "average mask": _fitted(average, calibration),
    }


def priors_of_others(truth: np.ndarray) -> dict[str, np.ndarray]:
    """`priors` for each of n masks bool [n, h, w], fitted on all the others: bool [n, h, w] each. Where the others are
    empty, there is nothing to fit, and everything is covered."""
    if len(truth) < 2:
        raise ValueError(f"{len(truth)} mask: what is fitted on the others needs at least 2")
    others = [np.delete(truth, i, axis=0) for i in range(len(truth))]
    found = [priors(known if known.any() else np.ones_like(known)) for known in others]
    return {name: np.stack([masks[name] for masks in found]) for name in found[0]}


def random_half(n: int, grid: tuple[int, int], seed: int = 0) -> np.ndarray:
    """bool [n, h, w]: each token is in the mask with probability one half, independently for each sample."""
    return np.stack([np.random.default_rng((seed, 5, i)).random(grid) < 0.5 for i in range(n)])


def masks_from_words(attributes: Sequence[Attributes], grid: tuple[int, int]) -> np.ndarray:
    """The best that a prompt's words alone can say, bool [n, h, w]: for every subject the tokens that are covered in
    scenes rendered anew from the same size, shape and position, at the share that fits those scenes best."""
    found = np.zeros((len(attributes), *grid), bool)
    for mask, asked in zip(found, attributes, strict=True):
        for one in asked.subjects:
            mask |= _phrase(one.size, one.shape, one.position, tuple(grid))
    return found


def two_clusters(tokens: np.ndarray, grid: tuple[int, int], normalise: str | None = None) -> np.ndarray:
    """Two clusters of token values [S, T, N, C], the brighter one as bool [S, 1, T, h, w], with an axis for the block
    that they do not come from.

    normalise: None takes the values as they are, which suits pixels, whose channels share a unit; else as for
    `masks.partition`, each channel scaled by itself.
    """
    samples, steps = tokens.shape[:2]
    flat = tokens.reshape(samples * steps, *tokens.shape[2:])
    if normalise is None:
        labels, _ = two_means(flat)
        level = flat.mean(axis=2)
        inside, outside = ((level * part).sum(axis=1) / np.maximum(part.sum(axis=1), 1) for part in (labels, ~labels))
        brighter = np.where((inside < outside)[:, None], ~labels, labels)
    else:
        brighter = partition(flat, grid=grid, normalise=normalise, polarity="larger_sum").larger_sum
    return brighter.reshape(samples, 1, steps, *grid)


def attention_masks(maps: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """The tokens that look at a word, by K-means with K = 2 on one number a token: maps [S, L, T, N] to bool
    [S, L, T, h, w]. More attention is the subject; there is no polarity to guess."""
    flat = maps.reshape(-1, maps.shape[-1], 1)
    return partition(flat, grid=grid, polarity="larger_sum").larger_sum.reshape(*maps.shape[:3], *grid)


def _fitted(average: np.ndarray, truths: np.ndarray) -> np.ndarray:
    """Where the average mask reaches the share that fits the truths best."""
    return _best([average >= share for share in THRESHOLDS * average.max()], truths)


def _best(candidates: Sequence[np.ndarray], truths: np.ndarray) -> np.ndarray:
    scores = [np.nanmean(iou(np.broadcast_to(mask, truths.shape), truths)) for mask in candidates]
    return candidates[int(np.argmax(scores))]


@functools.cache
def _phrase(size: str, shape: str, position: str, grid: tuple[int, int]) -> np.ndarray:
    scene = Attributes((Subject(size, "red", shape, position),), "plain", "white")
    seed = (11, SIZES.index(size), SHAPES.index(shape), POSITIONS.index(position))
    truths = to_grid(np.stack([render(scene, (*seed, i)).mask for i in range(SCENES_A_PHRASE)]), grid)
    average = truths.mean(axis=0)
    return _fitted(average, truths) if truths.any() else average > 1
