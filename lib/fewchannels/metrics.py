"""Arrays in, numbers with intervals out.

    accuracy = bootstrap_interval(right)                              # right [n]: one value a prompt
    effect = bootstrap_interval(change, crossed=True)                 # change [n, draws of random sets]
    bootstrap_interval(iou(masks, truths), statistic=np.nanmedian)
    adoption_retention(read, source, target)                          # {"adopted": Interval(...), ...}

Intervals come from resampling prompts, the first axis, and never tokens or pixels: they speak for other prompts to
the same model. Every score has its chance level (`chance_levels`, `shuffled`) and, for masks on a token grid, its
ceiling (`iou_ceiling`).

References: Efron & Tibshirani (1993), ch. 13, for percentile intervals; Owen (2007), Ann. Appl. Stat. 1, for
resampling two crossed axes; Heusel et al. (2017), arXiv 1706.08500, for the Fréchet distance; Binkowski et al.
(2018), arXiv 1801.01401, for the kernel distance.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

MAX_FEATURES = 32


class Interval(NamedTuple):
    """A value with the ends of its interval."""

    value: float
    low: float
    high: float


UNKNOWN = Interval(np.nan, np.nan, np.nan)


def bootstrap_interval(
    values,
    statistic: Callable[[np.ndarray], float] = np.mean,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
    crossed: bool = False,
) -> Interval:
    """A statistic with its percentile bootstrap interval.

    values: [n, ...], one row a prompt. statistic: [n, ...] to a number; np.nanmean and np.nanmedian pass over NaN.
    crossed: the second axis (draws of random sets, seeds) is resampled too, independently of the first.
    Raises ValueError for no rows, for one dimension with `crossed`, and for a level outside 0 to 1.

    >>> bootstrap_interval([1.0, 1.0, 1.0])
    Interval(value=1.0, low=1.0, high=1.0)
    """
    values = np.asarray(values)
    if values.ndim < 1 + crossed or 0 in values.shape[: 1 + crossed]:
        raise ValueError(
            f"values of shape {values.shape}: expected at least one row"
            + (" and a second axis to cross it with" if crossed else "")
        )
    if not 0 < level < 1:
        raise ValueError(f"level={level!r}: expected a share between 0 and 1, such as 0.95")
    rng = np.random.default_rng(seed)
    n = len(values)
    results = np.empty(draws)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "(All-NaN|Mean of empty)", RuntimeWarning)
        if statistic in (np.mean, np.nanmean) and values.ndim == 1:  # all draws at once, the same ones
            results = statistic(values[rng.integers(n, size=(draws, n))], axis=1)
        else:
            for i in range(draws):
                sample = values[rng.integers(n, size=n)]
                if crossed:
                    sample = sample[:, rng.integers(values.shape[1], size=values.shape[1])]
                results[i] = statistic(sample)
        value = float(statistic(values))
    # a statistic of a resample can be undefined (all of its values NaN); such a draw says nothing
    known = results[~np.isnan(results)]
    ends = np.quantile(known, [(1 - level) / 2, (1 + level) / 2]) if len(known) else (np.nan, np.nan)
    return Interval(value, float(ends[0]), float(ends[1]))


def mean_interval(values, draws: int = 2000) -> Interval:
    """The mean of [n], or of [n, draws of random sets] with both axes resampled, with its interval. NaN are passed
    over; where there is nothing else, all three numbers are NaN.

    >>> mean_interval([1.0, np.nan, 1.0])
    Interval(value=1.0, low=1.0, high=1.0)
    """
    values = np.asarray(values, np.float64)
    if np.isnan(values).all():
        return UNKNOWN
    values = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    return bootstrap_interval(values, np.nanmean, draws=draws, crossed=values.ndim == 2)


def known_mean(values, axis=None) -> np.ndarray:
    """The mean in float64 over one or several axes, passing over NaN; NaN, and no warning, where nothing else is left.

    >>> known_mean([[1.0, np.nan], [np.nan, np.nan]], axis=1)
    array([ 1., nan])
    """
    values = np.asarray(values, np.float64)
    known = ~np.isnan(values)
    total, count = np.where(known, values, 0).sum(axis=axis), known.sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def iou(masks, truths) -> np.ndarray:
    """Intersection over union of bool masks [B, h, w] with the truth [B, h, w]: float64 [B].

    An empty truth gives NaN (there is nothing to find: count such samples with `count_empty`); an empty mask on a
    truth that is not gives 0. Raises ValueError where shapes differ or a mask is not bool.

    >>> iou([[[True, True, False]]], [[[True, False, False]]])
    array([0.5])
    """
    masks, truths = _pair_of_masks(masks, truths)
    both, either = ((op(masks, truths)).sum(axis=(1, 2)) for op in (np.logical_and, np.logical_or))
    out = np.full(len(masks), np.nan)
    return np.divide(both, either, out=out, where=truths.any(axis=(1, 2)))


def count_empty(masks, truths) -> dict[str, int]:
    """How many of B samples have an empty mask where there is something ("mask"), a mask where there is nothing
    ("truth"), and neither ("both"): the three cases that a mean IoU hides."""
    masks, truths = _pair_of_masks(masks, truths)
    m, t = masks.any(axis=(1, 2)), truths.any(axis=(1, 2))
    return {"mask": int((~m & t).sum()), "truth": int((m & ~t).sum()), "both": int((~m & ~t).sum())}


def iou_ceiling(truths, grid: tuple[int, int]) -> np.ndarray:
    """The best IoU [B] that a mask of whole tokens on `grid` (h, w) reaches against pixel masks [B, H, W].

    The best set takes every token whose covered share is above half of the IoU that it results in, so it is found by
    taking tokens in the order of their share. Raises ValueError where the grid does not divide the picture, or a truth
    is not bool.

    >>> iou_ceiling(np.eye(4, dtype=bool)[None], (2, 2))
    array([0.5])
    """
    truths = np.asarray(truths)
    if truths.dtype != bool or truths.ndim != 3:
        raise ValueError(f"truths of {truths.dtype} and shape {truths.shape}: expected bool [B, H, W]")
    (h, w), (height, width) = grid, truths.shape[1:]
    if height % h or width % w:
        raise ValueError(f"grid={grid}: does not divide pictures of {height} x {width} px into equal tokens")
    covered = truths.reshape(-1, h, height // h, w, width // w).sum(axis=(2, 4)).reshape(len(truths), -1)
    covered = -np.sort(-covered, axis=1)
    cell = (height // h) * (width // w)
    total = covered.sum(axis=1, keepdims=True)
    hit = covered.cumsum(axis=1)
    union = np.arange(1, covered.shape[1] + 1) * cell + total - hit
    return np.where(total[:, 0] > 0, (hit / union).max(axis=1), np.nan)


def _pair_of_masks(masks, truths) -> tuple[np.ndarray, np.ndarray]:
    masks, truths = np.asarray(masks), np.asarray(truths)
    if masks.shape != truths.shape or masks.ndim != 3 or masks.dtype != bool or truths.dtype != bool:
        raise ValueError(
            f"masks {masks.dtype} {masks.shape} and truths {truths.dtype} {truths.shape}: expected two bool arrays of "
            "the same shape [B, h, w]; bring both to one grid, and threshold soft masks, first"
        )
    return masks, truths


def chance_levels(labels: Sequence, classes: Sequence | None = None) -> dict[str, float]:
    """Accuracies that need no picture. uniform: a guess among the classes; constant: always the most frequent label.

    labels: n of them, hashable; classes: all that could be guessed (default: those that occur).

    >>> chance_levels(["red", "red", "red", "blue"])
    {'uniform': 0.5, 'constant': 0.75}
    """
    labels = list(labels)
    if not labels:
        raise ValueError("no labels: expected at least one")
    known = set(labels) if classes is None else set(classes)
    return {"uniform": 1 / len(known), "constant": max(labels.count(c) for c in known) / len(labels)}


def shuffled(n: int, seed: int = 0) -> np.ndarray:
    """A permutation of n >= 2 indices that leaves none at its place: pair readings with other prompts' truths, and
    the same score gives its chance level, whatever its rules.

    >>> bool((shuffled(5) != np.arange(5)).all())
    True
    """
    if n < 2:
        raise ValueError(f"n={n}: expected at least 2 samples to exchange")
    order = np.random.default_rng(seed).permutation(n)
    result = np.empty(n, dtype=int)
    result[order] = np.roll(order, 1)  # one cycle through all
    return result


def attribute_accuracy(agreement: dict[str, np.ndarray], **options) -> dict[str, Interval]:
    """Mean agreement per attribute with its interval over prompts.

    agreement: attribute to values [n] in 0 to 1, NaN where a prompt does not name it (as from
    `toyworld.judge.agreement`). An attribute that no prompt names is left out. options: of `bootstrap_interval`.
    """
    columns = {name: np.asarray(column, dtype=float) for name, column in agreement.items()}
    named = {name: column[~np.isnan(column)] for name, column in columns.items()}
    return {name: bootstrap_interval(column, **options) for name, column in named.items() if len(column)}


def adoption_retention(read, source, target, **options) -> dict[str, Interval | int]:
    """What became of an attribute in an exchange: did the result take it from the source or keep the target's?

    read, source, target: labels [n], or [n, a] for several attributes; axis 0 is resampled. Only entries where source
    and target differ count. Returns "adopted" (read equals source), "retained" (read equals target), "neither", each
    with its interval, and "n", the number of entries counted. Raises ValueError where the pairs never differ.

    >>> result = adoption_retention(["red", "blue", "red"], ["red", "red", "red"], ["blue", "blue", "red"])
    >>> result["adopted"].value, result["retained"].value, result["n"]
    (0.5, 0.5, 2)
    """
    read, source, target = (np.asarray(a, dtype=object) for a in (read, source, target))
    if not read.shape == source.shape == target.shape:
        raise ValueError(f"read {read.shape}, source {source.shape}, target {target.shape}: expected equal shapes")
    counts = source != target
    if not counts.any():
        raise ValueError("source and target agree everywhere: nothing can be adopted; choose pairs that differ")
    outcomes = {"adopted": read == source, "retained": read == target}
    outcomes["neither"] = ~(outcomes["adopted"] | outcomes["retained"])
    rows = {name: np.where(counts, hit.astype(float), np.nan) for name, hit in outcomes.items()}
    used = counts.reshape(len(counts), -1).any(axis=1)
    result = {name: bootstrap_interval(row[used], statistic=np.nanmean, **options) for name, row in rows.items()}
    return result | {"n": int(counts.sum())}


def frechet_distance(a, b) -> float:
    """Fréchet distance of two Gaussians fitted to features a, b [n, d]: |mean difference|^2 plus the trace of
    A + B - 2 (A B)^(1/2), by the plain formula, with no shrinkage.

    It is biased upwards for small n, so n must be equal for numbers to be compared; d at most 32 and n above d keep
    the covariances regular. Raises ValueError otherwise. 0 for equal sets; compare with two sets of rendered scenes.
    """
    a, b = _pair_of_features(a, b)
    n, d = a.shape
    if d > MAX_FEATURES or n <= d or len(b) != n:
        raise ValueError(
            f"features {a.shape} and {b.shape}: expected equally many samples, at most {MAX_FEATURES} features "
            "and more samples than features"
        )
    cov_a, cov_b = (np.atleast_2d(np.cov(x, rowvar=False)) for x in (a, b))
    values, vectors = np.linalg.eigh(cov_a)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    # the eigenvalues of A^(1/2) B A^(1/2) are those of A B, and it is symmetric
    cross = np.sqrt(np.linalg.eigvalsh(root @ cov_b @ root).clip(0)).sum()
    return float(((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * cross)


def kernel_distance(a, b) -> float:
    """Kernel inception distance: the unbiased squared MMD of a [n, d] and b [m, d] with (x.y / d + 1)^3.

    Near 0, and negative as often as positive, for two sets from one distribution.
    """
    a, b = _pair_of_features(a, b)
    if min(len(a), len(b)) < 2:
        raise ValueError(f"features {a.shape} and {b.shape}: expected at least 2 samples in each")

    def kernel(x, y):
        return (x @ y.T / a.shape[1] + 1) ** 3

    def within(x):
        return (kernel(x, x).sum() - np.trace(kernel(x, x))) / (len(x) * (len(x) - 1))

    return float(within(a) + within(b) - 2 * kernel(a, b).mean())


def _pair_of_features(a, b) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ValueError(f"features {a.shape} and {b.shape}: expected two arrays [n, d] with the same d")
    return a, b


def squared_distance(a, b) -> np.ndarray:
    """Mean squared difference [B] of pictures [B, H, W, 3]; uint8 is brought to 0..1 first, floats stay as they are."""
    return np.square(_differences(a, b)).mean(axis=1)


def absolute_distance(a, b) -> np.ndarray:
    """Mean absolute difference [B] of pictures [B, H, W, 3]; uint8 is brought to 0..1 first."""
    return np.abs(_differences(a, b)).mean(axis=1)


def _differences(a, b) -> np.ndarray:
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.dtype != b.dtype:
        raise ValueError(f"pictures {a.dtype} {a.shape} and {b.dtype} {b.shape}: expected equal shapes and types")
    scale = 255.0 if a.dtype == np.uint8 else 1.0
    return ((a.astype(np.float64) - b) / scale).reshape(len(a), -1)
