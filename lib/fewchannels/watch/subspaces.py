"""A few channels, or a few directions, of one layer: read tokens on them, and write tokens that differ on them alone.

    part = subspace(massive, layer=3, width=192, device=tokens.device)
    values = part.read(tokens)                     # [B, N, D] -> [B, N, k]
    tokens = part.write(tokens, values, values * 0.5)

Writing back what was read changes no bit. Ablation and patching share this, so that channels and directions, one set
for all samples and one set for each sample, mean the same in both.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..channels import ChannelSet, Directions


class Subspace:
    """k channels (`index` int64 [k]) or k orthonormal directions (`basis` float32 [k, D]) of one layer."""

    def __init__(self, index: torch.Tensor | None, basis: torch.Tensor | None):
        self.index, self.basis = index, basis

    @property
    def k(self) -> int:
        return len(self.index if self.basis is None else self.basis)

    def to(self, device) -> Subspace:
        return Subspace(*(None if t is None else t.to(device) for t in (self.index, self.basis)))

    def read(self, tokens: torch.Tensor) -> torch.Tensor:
        """tokens [..., D] to a copy of their values [..., k]: in their own dtype, or `widened` along directions."""
        if self.basis is None:
            return tokens[..., self.index]
        tokens = widened(tokens)
        return tokens @ self.basis.T.to(tokens.dtype)

    def write(self, tokens: torch.Tensor, old: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
        """tokens [..., D] whose values `old` [..., k] become `new`; may change `tokens` itself."""
        if self.basis is None:
            tokens[..., self.index] = new.to(tokens.dtype)
            return tokens
        change = widened(new - old)
        return (widened(tokens) + change @ self.basis.to(change.dtype)).to(tokens.dtype)


def widened(tokens: torch.Tensor) -> torch.Tensor:
    """In float32 at least: half precisions are widened, float64 stays as it is."""
    return tokens.to(torch.promote_types(tokens.dtype, torch.float32))


def subspace(channels, layer: int, width: int, device) -> Subspace | None:
    """The part of `channels` (a ChannelSet, Directions, or int [k] for every layer) that lies in a layer; None where
    the set is empty there. Raises ValueError for a set of another width and for channels out of range."""
    if isinstance(channels, (ChannelSet, Directions)) and channels.width != width:
        raise ValueError(
            f"the set {channels.label!r} is of a model with {channels.width} channels, and these tokens have {width}: "
            "choose it on the same model and the same stream"
        )
    if isinstance(channels, Directions):
        return Subspace(None, torch.tensor(channels[layer].copy(), dtype=torch.float32, device=device))
    index = channels[layer] if isinstance(channels, ChannelSet) else channels
    if not len(index):
        return None
    if min(index) < 0 or max(index) >= width:
        raise ValueError(f"channels {min(index)} to {max(index)}: the model's tokens have channels 0 to {width - 1}")
    return Subspace(torch.as_tensor(np.array(index), dtype=torch.int64, device=device), None)


class Subspaces:
    """The subspace of each sample and layer, from what the caller gave as channels.

    channels: one ChannelSet, Directions or list of ints for all samples, or a list that holds one of them (or None,
    for a sample that is left as it is) a sample. Raises ValueError for none, or for a set of another number of layers.
    """

    def __init__(self, channels, layers: tuple[str, ...]):
        self.listed = not _is_one(channels)
        given = list(channels) if self.listed else [channels]
        self._sets = [_checked(one, len(layers)) for one in given]
        if all(one is None for one in self._sets):
            raise ValueError(
                f"channels={channels!r}: expected a ChannelSet, Directions, channel numbers, or one a sample"
            )
        self._made: dict = {}

    def __len__(self) -> int:
        return len(self._sets)

    def key(self, sample: int) -> int:
        """Which of the given sets is a sample's: equal keys, equal set."""
        if not self.listed:
            return 0
        if sample >= len(self._sets):
            raise ValueError(f"{len(self._sets)} channel sets were given, one a sample, and sample {sample} has none")
        chosen = self._sets[sample]
        return next(i for i, one in enumerate(self._sets) if one is chosen)

    def at(self, key: int, layer: int, width: int, device) -> Subspace | None:
        """The subspace of the set `key` in a layer, or None where nothing is chosen."""
        where = (key, layer, width, str(device))
        if where not in self._made:
            chosen = self._sets[key]
            self._made[where] = None if chosen is None else subspace(chosen, layer, width, device)
        return self._made[where]


def _is_one(channels) -> bool:
    if isinstance(channels, (ChannelSet, Directions)):
        return True
    if isinstance(channels, np.ndarray):
        return channels.ndim == 1
    if not isinstance(channels, Sequence) or isinstance(channels, str):
        raise TypeError(f"channels={channels!r}: expected a ChannelSet, Directions, channel numbers, or a list of sets")
    return all(isinstance(one, (int, np.integer)) for one in channels)


def _checked(channels, layers: int):
    if channels is None:
        return None
    if isinstance(channels, (ChannelSet, Directions)):
        if len(channels) != layers:
            raise ValueError(f"the set {channels.label!r} has {len(channels)} layers, and the model has {layers}")
        return channels
    return ChannelSet.same(channels, layers, int(np.max(channels, initial=0)) + 1).indices[0]


def positions_on(mask: np.ndarray, count: int, grid: tuple[int, ...], device) -> torch.Tensor:
    """Positions int64 of the tokens that a bool mask on the grid chooses. Raises ValueError for another grid."""
    if mask.shape not in (tuple(grid), (count,)):
        raise ValueError(
            f"a token mask of shape {mask.shape}: expected {tuple(grid)}, the grid of this model's tokens here "
            "(masks.to_grid brings a pixel mask to it)"
        )
    return torch.as_tensor(np.flatnonzero(mask), device=device)
