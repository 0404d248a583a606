"""Which channels are massive, which ones to compare them with, and how lopsided a hidden state is.

    massive = top_channels(stats, k=8)                 # frozen, one index array a layer
    random = random_channels(stats, k=8, outside=massive, draws=5)
    energy_share(stats, massive)                       # [L], what the eight of each layer hold

`scores` ranks, `sets` holds and compares, `controls` draws what a top-k set must be compared with, `sparsity`
measures concentration, `agreement` measures overlap. Everything works on NumPy arrays; no model is needed.

The score follows the project page of arXiv 2605.13974 ("absolute channel means"); the other one is SPARK's.
"""

from .agreement import Overlap, expected_jaccard, jaccard, overlap, pairwise_jaccard
from .controls import (
    EnergyMatch,
    bottom_channels,
    complement,
    energy_matched_channels,
    pca_directions,
    random_channels,
    random_directions,
    second_moments,
)
from .scores import SCORES, channel_scores, layer_energy, layer_scores, overflowed, rank_channels
from .sets import ChannelSet, Directions, energy_share, top_channels
from .sparsity import (
    Concentration,
    StrictCriterion,
    concentration,
    gini,
    kurtosis,
    largest_over_median,
    meets_strict_criterion,
    rotated_kurtosis,
    top_share,
)

__all__ = [
    "SCORES",
    "ChannelSet",
    "Concentration",
    "Directions",
    "EnergyMatch",
    "Overlap",
    "StrictCriterion",
    "bottom_channels",
    "channel_scores",
    "complement",
    "concentration",
    "energy_matched_channels",
    "energy_share",
    "expected_jaccard",
    "gini",
    "jaccard",
    "kurtosis",
    "largest_over_median",
    "layer_energy",
    "layer_scores",
    "meets_strict_criterion",
    "overflowed",
    "overlap",
    "pairwise_jaccard",
    "pca_directions",
    "random_channels",
    "random_directions",
    "rank_channels",
    "rotated_kurtosis",
    "second_moments",
    "top_channels",
    "top_share",
]
