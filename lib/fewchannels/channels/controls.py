"""What a top-k set has to be compared with.

Few channels hold much energy, so size alone could explain everything they do. Each control takes one explanation
away: `bottom_channels` and `random_channels` the number of channels, `energy_matched_channels` the energy,
`complement` necessity against sufficiency, `random_directions` and `pca_directions` the channel basis itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .scores import check_k, layer_energy, layer_scores, overflowed, rank_channels
from .sets import ChannelSet, Directions, check_fit


def bottom_channels(stats: Any, k: int = 8, score: str = "abs_mean") -> ChannelSet:
    """The k channels of each layer that score lowest, lowest first: the control of the paper's disruption probe.

    Channels that held inf or nan come last.
    """
    ranked = rank_channels(-layer_scores(stats, score), k, ~overflowed(stats).any(axis=(0, 2)))
    return ChannelSet(tuple(ranked), np.shape(stats.mean)[-1], f"bottom {k}")


def random_channels(
    stats: Any, k: int | None = None, outside: ChannelSet | None = None, seed: int = 0, draws: int = 1
) -> tuple[ChannelSet, ...]:
    """`draws` sets of k channels a layer, each drawn evenly from the channels that are not in `outside`.

    k: defaults to that of `outside`. Draw i depends on (seed, i) alone: more draws leave the first ones as they are.
    Raises ValueError where fewer than k channels are left.
    """
    layers, width = np.shape(stats.mean)[1], np.shape(stats.mean)[-1]
    if k is None:
        if outside is None:
            raise ValueError("random_channels needs k, or a set in outside= to take it from")
        k = outside.k
    check_k(k, width)
    if draws < 1:
        raise ValueError(f"draws={draws}: expected at least 1")
    if outside is not None:
        check_fit(outside, (layers, width))
    pools = [np.setdiff1d(np.arange(width), outside[i] if outside is not None else ()) for i in range(layers)]
    smallest = min(len(p) for p in pools)
    if smallest < k:
        raise ValueError(f"k={k}: only {smallest} of {width} channels are left outside {outside.label!r}")
    sets = []
    for draw in range(draws):
        rng = np.random.default_rng((seed, draw))
        chosen = tuple(rng.choice(pool, k, replace=False) for pool in pools)
        sets.append(ChannelSet(chosen, width, f"random {k}" if draws == 1 else f"random {k}, draw {draw + 1}"))
    return tuple(sets)


@dataclass(frozen=True)
class EnergyMatch:
    """Channels outside a set that together hold as much energy as it does.

    feasible: bool [L], false where even all the others hold less (there `channels[layer]` is empty).
    sizes: int [L], how many channels it takes; all the others where it is infeasible. ratio: float [L], their energy
    over that of the set, at least 1 where feasible. channels: None where no layer is feasible.
    """

    channels: ChannelSet | None
    feasible: np.ndarray
    sizes: np.ndarray
    ratio: np.ndarray

    def __str__(self) -> str:
        if not self.feasible.any():
            return f"infeasible in all {len(self.feasible)} layers: the other channels hold less energy than the set"
        sizes = self.sizes[self.feasible]
        took = f"{sizes.min()} to {sizes.max()}" if sizes.min() < sizes.max() else f"{sizes.min()}"
        text = f"{took} channels match the set's energy in {self.feasible.sum()} of {len(self.feasible)} layers"
        if not self.feasible.all():
            text += f"; infeasible in layers {', '.join(map(str, np.flatnonzero(~self.feasible)))}"
        return text


def energy_matched_channels(
    stats: Any, massive: ChannelSet, seed: int = 0, outside: ChannelSet | None = None
) -> EnergyMatch:
    """Random channels outside `massive` (or `outside`), one after the other until their energy reaches `massive`'s.

    Drawn in random order and not by size: the largest of the rest would be the next-ranked, nearly massive channels.
    Energy is the mean square over tokens, samples and steps. A layer where all the other channels together hold less
    is infeasible, and says so.
    """
    energy = layer_energy(stats)
    check_fit(massive, energy.shape)
    rng = np.random.default_rng(seed)
    chosen, feasible, sizes, ratios = [], [], [], []
    for row, inside, barred in zip(energy, massive, outside or massive, strict=True):
        others = rng.permutation(np.setdiff1d(np.arange(len(row)), barred))
        reached = np.cumsum(row[others])
        target = row[inside].sum()
        enough = inside.size > 0 and others.size > 0 and reached[-1] >= target
        size = int(np.searchsorted(reached, target)) + 1 if enough else len(others)
        chosen.append(others[:size] if enough else others[:0])
        feasible.append(bool(enough))
        sizes.append(size)
        ratios.append(reached[size - 1] / target if size and target else np.nan)
    channels = ChannelSet(tuple(chosen), massive.width, f"energy-matched to {massive.label}") if any(feasible) else None
    return EnergyMatch(channels, np.array(feasible), np.array(sizes), np.array(ratios))


def complement(channels: ChannelSet) -> ChannelSet:
    """All channels that are not in the set. Raises ValueError where nothing is left in any layer."""
    return ChannelSet.from_mask(~channels.mask(), f"all but {channels.label}")


def random_directions(width: int, k: int, layers: int, seed: int = 0) -> Directions:
    """k random orthonormal directions a layer, evenly distributed (QR of a Gaussian matrix, signs fixed)."""
    check_k(k, width)
    rng = np.random.default_rng(seed)
    return Directions(tuple(random_orthonormal(rng, k, width) for _ in range(layers)), f"random {k} directions")


def pca_directions(moments: np.ndarray, k: int) -> Directions:
    """The k directions a layer that hold most of the mean square: moments [L, D, D] from `second_moments`.

    Uncentred moments make it the strongest control by energy: no k directions hold more. For PCA in the usual sense
    take `second_moments(..., centred=True)`. Signs are fixed (largest entry positive).
    """
    moments = np.asarray(moments)
    if moments.ndim != 3 or moments.shape[1] != moments.shape[2]:
        raise ValueError(f"moments of shape {moments.shape}: expected [L, D, D] from second_moments()")
    check_k(k, moments.shape[-1])
    bases = []
    for moment in moments:
        basis = np.linalg.eigh(moment)[1][:, ::-1][:, :k].T
        largest = np.take_along_axis(basis, np.abs(basis).argmax(axis=1, keepdims=True), axis=1)
        bases.append(basis * np.sign(largest))
    return Directions(tuple(bases), f"PCA {k} directions")


def second_moments(tokens: np.ndarray | Sequence[np.ndarray], centred: bool = False) -> np.ndarray:
    """Mean of x x^T over all tokens of a layer: [L, D, D], float64.

    tokens: `KeepTokens.array` [S, L, T, N, D] with all channels kept, or a list of arrays [N, D], one a layer.
    centred: subtract each channel's mean over all those tokens first (covariance).
    """
    if isinstance(tokens, np.ndarray) and tokens.ndim == 5:
        tokens = [tokens[:, layer].reshape(-1, tokens.shape[-1]) for layer in range(tokens.shape[1])]
    moments = []
    for layer, array in enumerate(tokens):
        if np.ndim(array) != 2:
            raise ValueError(
                f"layer {layer}: tokens of shape {np.shape(array)}; expected [N, D], or all as [S, L, T, N, D]"
            )
        x = np.asarray(array, dtype=np.float64)
        x = x - x.mean(axis=0) if centred else x
        moments.append(x.T @ x / len(x))
    return np.stack(moments)


def random_orthonormal(rng: np.random.Generator, k: int, width: int) -> np.ndarray:
    """[k, D] with orthonormal rows, evenly distributed (Mezzadri 2007: signs of R's diagonal taken out)."""
    q, r = np.linalg.qr(rng.standard_normal((width, k)))
    return (q * np.sign(np.diag(r))).T
