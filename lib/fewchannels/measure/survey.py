"""Massive channels of any supported model, by one call: do they exist, how steady, how concentrated are they?

    report = survey_channels(model, prompts, seeds=(0, 1, 2, 3), k=8)
    report.ratio            # [L, 3]: largest over median channel, with its interval
    report.over_prompts     # [L, 3]: overlap of the top k between prompts, with its interval

Every number is a row [value, low, high]: the mean over prompts and the 95 % interval that comes from resampling
prompts. Channels are ranked per prompt, layer and step, as the replication says that the paper does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..channels import (
    SCORES,
    StrictCriterion,
    channel_scores,
    concentration,
    expected_jaccard,
    jaccard,
    meets_strict_criterion,
    overflowed,
    overlap,
    pairwise_jaccard,
    rank_channels,
    top_channels,
)
from ..metrics import bootstrap_interval
from ..models.arguments import texts
from ..reading.worlds import world_of
from ..watch.statistics import ChannelStats
from .statistics import measure_channels, spread

DRAWS = 1000
MOST_STEPS = 16  # measured of a run; 57 blocks, 50 steps and 16 prompts of FLUX.1 would be 3 GB of statistics


@dataclass(frozen=True)
class Survey:
    """What `survey_channels` measured. L layers, T steps, D channels, P prompts; [L, 3] is value, low, high.

    stats: ChannelStats of the first seed, one sample a prompt. ratio: largest over median score. energy_share: of the
    k channels with the largest scores. gini: of the channel energies. over_prompts, over_seeds, over_steps: mean
    Jaccard overlap of the top k; None where there is one seed or one step. over_layers [L, L]: overlap of the sets that
    are frozen over prompts and steps. chance: overlap of random sets. scores_agree: overlap of the top k by the two
    scores. strict: Sun et al.'s criterion.
    """

    layers: tuple[str, ...]
    k: int
    width: int
    score: str
    stats: ChannelStats
    ratio: np.ndarray
    energy_share: np.ndarray
    gini: np.ndarray
    over_prompts: np.ndarray
    over_seeds: np.ndarray | None
    over_steps: np.ndarray | None
    over_layers: np.ndarray
    chance: float
    scores_agree: np.ndarray
    strict: StrictCriterion


def survey_channels(
    model,
    prompts: Sequence[str],
    seeds: Sequence[int] = (0, 1, 2, 3),
    seed_prompts: int = 8,
    steps: int | None = None,
    k: int = 8,
    score: str = "abs_mean",
    stream: str = "image",
    batch_size: int | None = None,
    store: str | Path | None = None,
) -> Survey:
    """Generate all prompts with the first seed and `seed_prompts` of them with every seed, and measure.

    stream: "image" or "text" tokens. batch_size: prompts at once (None: 16 on the toy world, else the model's preset).
    store: a folder that keeps every batch's statistics as they come. The memory is that of the statistics, whatever
    the number of tokens; of a run of more than 16 steps, 16 evenly spread ones are measured. Raises ValueError for
    fewer than two prompts; other errors are those of capture and of the channel functions.
    """
    prompts = texts("prompts", prompts)
    if len(prompts) < 2:
        raise ValueError(f"{len(prompts)} prompts: an interval over prompts needs at least 2, and 16 to say anything")
    taken = steps or model.steps
    at = spread(taken, MOST_STEPS) if taken and taken > MOST_STEPS else None
    size = batch_size or (16 if world_of(model).exact else None)
    ranked = []  # each [P, L, T, k]
    for i, seed in enumerate(seeds):
        run = measure_channels(
            model,
            prompts if i == 0 else prompts[:seed_prompts],
            seed=seed,
            steps=steps,
            at=at,
            stream=stream,
            batch_size=size,
            store=store,
        )
        if i == 0:
            stats = run
        ranked.append(rank_channels(channel_scores(run, score), k, overflowed(run)))
    width = stats.mean.shape[-1]
    measures = concentration(stats, k, score)
    by_score = [rank_channels(channel_scores(stats, name), k, overflowed(stats)) for name in SCORES]
    by_seed = np.stack([run[:seed_prompts] for run in ranked], axis=3)  # [P, L, T, seeds, k]
    frozen = top_channels(stats, k, score)
    count = len(stats.layers)
    return Survey(
        layers=tuple(stats.layers),
        k=k,
        width=width,
        score=score,
        stats=stats,
        ratio=per_layer(measures.largest_over_median),
        energy_share=per_layer(measures.energy_share),
        gini=per_layer(measures.gini),
        over_prompts=overlap_of_prompts(ranked[0], width),
        over_seeds=per_layer(overlap(by_seed, width, axis=3).mean) if len(seeds) > 1 else None,
        over_steps=per_layer(overlap(ranked[0], width, axis=2).mean) if ranked[0].shape[2] > 1 else None,
        over_layers=np.array([[jaccard(frozen[a], frozen[b]) for b in range(count)] for a in range(count)]),
        chance=expected_jaccard(k, width),
        scores_agree=per_layer(pairwise_jaccard(np.stack(by_score, axis=-2), width)[..., 0, 1]),
        strict=meets_strict_criterion(stats),
    )


def per_layer(values: np.ndarray) -> np.ndarray:
    """Values [P, L] or [P, L, T] (averaged over steps) to rows [L, 3]: mean over prompts, low, high."""
    values = np.asarray(values, dtype=np.float64)
    values = values.mean(axis=2) if values.ndim == 3 else values
    return np.array([bootstrap_interval(column, draws=DRAWS) for column in values.T])


def overlap_of_prompts(ranked: np.ndarray, width: int) -> np.ndarray:
    """Mean Jaccard overlap between different prompts: ranked [P, L, T, k] to rows [L, 3].

    The interval resamples prompts. A prompt that is drawn twice is not compared with itself, which would count an
    overlap of one that no pair of prompts has.
    """
    prompts = ranked.shape[0]
    matrix = pairwise_jaccard(np.moveaxis(ranked, 0, 2), width).mean(axis=1)  # [L, P, P], mean over steps
    rng = np.random.default_rng(0)
    weights = rng.multinomial(prompts, np.full(prompts, 1 / prompts), size=DRAWS).astype(float)
    weights = weights[(weights > 0).sum(axis=1) > 1]  # a draw of one prompt alone has no pair
    weights = np.concatenate([np.ones((1, prompts)), weights])
    rows = []
    for pairs in matrix:
        pairs = pairs * (1 - np.eye(prompts))
        total = weights.sum(axis=1) ** 2 - (weights**2).sum(axis=1)
        means = np.einsum("np,pq,nq->n", weights, pairs, weights) / total
        rows.append([means[0], *np.quantile(means[1:], [0.025, 0.975])])
    return np.array(rows)
