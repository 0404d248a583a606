"""Tokens on chosen channels to two clusters (two_means.py), and those to a mask of the subject (subjects.py)."""

from .subjects import (
    NORMALISATIONS,
    PERCENTILES,
    POLARITIES,
    Partition,
    best_of_two,
    channel_maps,
    choose_cluster,
    partition,
    subject_masks,
    to_grid,
    upsample,
)
from .two_means import CACHED, MAX_ITERATIONS, POWER_ITERATIONS, RESTARTS, two_means

__all__ = [
    "CACHED",
    "MAX_ITERATIONS",
    "NORMALISATIONS",
    "PERCENTILES",
    "POLARITIES",
    "POWER_ITERATIONS",
    "RESTARTS",
    "Partition",
    "best_of_two",
    "channel_maps",
    "choose_cluster",
    "partition",
    "subject_masks",
    "to_grid",
    "two_means",
    "upsample",
]
