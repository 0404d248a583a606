"""Frozen sets of channels, and of directions, one entry a layer.

A set is chosen once, on calibration prompts, and then only read: `ChannelSet` cannot be changed, compares by
content, and goes to JSON and back, so that a result can say exactly which channels it is about.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .scores import layer_energy, layer_scores, overflowed, rank_channels


@dataclass(frozen=True, eq=False, repr=False)
class ChannelSet:
    """Channels of each layer: `massive[layer]` is an int array [k] (a copy), in the order in which they were chosen.

    indices: one sequence of distinct channels a layer. width: number of channels D. label: what to call the set in
    a legend, e.g. "top 8". A layer may be empty (nothing is edited there), all layers may not.
    Raises ValueError for an empty set, a channel out of range or named twice, TypeError for what is not an integer.
    """

    indices: tuple[np.ndarray, ...]
    width: int
    label: str = ""

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ValueError(f"width={self.width}: expected the model's number of channels, at least 1")
        kept = []
        for layer, given in enumerate(self.indices):
            raw = np.asarray(given)
            if raw.ndim != 1:
                raise ValueError(f"layer {layer}: expected a list of channels, got an array of shape {raw.shape}")
            if raw.size and raw.dtype.kind not in "iu":
                raise TypeError(
                    f"layer {layer}: channels must be integers, got {raw.dtype}; for a mask see from_mask()"
                )
            array = raw.astype(np.int64)
            out = array[(array < 0) | (array >= self.width)]
            if out.size:
                raise ValueError(f"layer {layer}: channel {out[0]} is out of range; expected 0 to {self.width - 1}")
            values, counts = np.unique(array, return_counts=True)
            if (counts > 1).any():
                raise ValueError(f"layer {layer}: channel {values[counts > 1][0]} is named twice")
            array.setflags(write=False)
            kept.append(array)
        if not any(a.size for a in kept):
            raise ValueError(f"the channel set {self.label!r} is empty: expected at least one channel in one layer")
        object.__setattr__(self, "indices", tuple(kept))

    def known_by(self) -> dict[str, Any]:
        """What it chooses, for `identity`: the label is a name."""
        return {"indices": [row.tolist() for row in self.indices], "width": int(self.width)}

    @classmethod
    def same(cls, channels: Any, layers: int, width: int, label: str = "") -> ChannelSet:
        """The same channels in every one of `layers` layers."""
        return cls((np.asarray(channels),) * layers, width, label)

    @classmethod
    def from_mask(cls, mask: np.ndarray, label: str = "") -> ChannelSet:
        """From bool [L, D]; channels come out in rising order."""
        mask = np.asarray(mask)
        if mask.ndim != 2 or mask.dtype != bool:
            raise ValueError(f"expected a bool mask [layers, channels], got {mask.dtype} of shape {mask.shape}")
        return cls(tuple(np.flatnonzero(row) for row in mask), mask.shape[1], label)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, layer: int) -> np.ndarray:
        try:
            return self.indices[layer].copy()  # torch warns of arrays that cannot be written to
        except IndexError:
            raise IndexError(f"layer {layer}: this set has the layers 0 to {len(self) - 1}") from None

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[layer] for layer in range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ChannelSet):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple:
        return self.width, self.label, tuple(tuple(a.tolist()) for a in self.indices)

    def __repr__(self) -> str:
        sizes = sorted(set(self.sizes))
        count = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
        return f"ChannelSet({self.label!r}: {count} of {self.width} channels in each of {len(self)} layers)"

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of channels in each layer."""
        return tuple(a.size for a in self.indices)

    @property
    def k(self) -> int:
        """Number of channels a layer, where it is the same in all; ValueError where it is not (then see `sizes`)."""
        if len(set(self.sizes)) > 1:
            raise ValueError(f"{self.label!r} has {min(self.sizes)} to {max(self.sizes)} channels a layer: see .sizes")
        return self.sizes[0]

    @property
    def width_share(self) -> float:
        """Share of all channels that are in the set, averaged over layers."""
        return float(np.mean(self.sizes) / self.width)

    def mask(self) -> np.ndarray:
        """bool [L, D], true at the channels of the set."""
        mask = np.zeros((len(self), self.width), dtype=bool)
        for row, channels in zip(mask, self.indices, strict=True):
            row[channels] = True
        return mask

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON values: {"indices": [[...], ...], "width": D, "label": "..."}."""
        return {"indices": [a.tolist() for a in self.indices], "width": int(self.width), "label": self.label}

    @classmethod
    def from_json(cls, record: Mapping[str, Any] | str) -> ChannelSet:
        """What `to_json` or the explorer's "Channels as JSON" gave, as a dict or as JSON text.

        Raises ValueError for what is no JSON or no such object, and as ChannelSet itself does.
        """
        if isinstance(record, str):
            try:
                record = json.loads(record)
            except ValueError as error:
                raise ValueError(
                    f"no channel set: the text is no JSON ({error}); for a file give its text, as in "
                    'Path("channels.json").read_text()'
                ) from None
        if not isinstance(record, Mapping):
            raise ValueError(f"no channel set: expected an object, got {type(record).__name__}")
        missing = {"indices", "width"} - set(record)
        if missing:
            raise ValueError(f"no channel set: missing {sorted(missing)}, found {sorted(record)}")
        rows, width, label = record["indices"], record["width"], record.get("label", "")
        lists = isinstance(rows, (list, tuple)) and all(isinstance(row, (list, tuple)) for row in rows)
        if not lists or type(width) is not int:
            raise ValueError('no channel set: expected "indices", one list of numbers a layer, and "width", a number')
        return cls(tuple(rows), width, str(label))


@dataclass(frozen=True, eq=False)
class Directions:
    """Orthonormal directions of each layer, [k, D] float64: a control that is not tied to the channel basis.

    Raises ValueError where the rows are not orthonormal to 1e-6.
    """

    bases: tuple[np.ndarray, ...]
    label: str = ""

    def __post_init__(self) -> None:
        kept = []
        for layer, given in enumerate(self.bases):
            basis = np.array(given, dtype=np.float64)
            if basis.ndim != 2 or not 1 <= basis.shape[0] <= basis.shape[1]:
                raise ValueError(f"layer {layer}: expected directions [k, D] with 1 <= k <= D, got shape {basis.shape}")
            if not np.allclose(basis @ basis.T, np.eye(len(basis)), atol=1e-6):
                raise ValueError(f"layer {layer}: the {len(basis)} directions are not orthonormal")
            basis.setflags(write=False)
            kept.append(basis)
        if not kept:
            raise ValueError("no layers: expected a basis [k, D] for at least one")
        object.__setattr__(self, "bases", tuple(kept))

    def known_by(self) -> dict[str, Any]:
        """What it holds, for `identity`: the label is a name."""
        return {"directions": list(self.bases)}

    def __len__(self) -> int:
        return len(self.bases)

    def __getitem__(self, layer: int) -> np.ndarray:
        return self.bases[layer]

    @property
    def width(self) -> int:
        return self.bases[0].shape[1]

    @property
    def k(self) -> int:
        return self.bases[0].shape[0]

    def energy_share(self, moments: np.ndarray) -> np.ndarray:
        """[L]: the share of the mean square that lies along the directions; moments [L, D, D] from `second_moments`."""
        moments = np.asarray(moments)
        if moments.shape != (len(self), self.width, self.width):
            raise ValueError(
                f"moments of shape {moments.shape}: expected ({len(self)}, {self.width}, {self.width}), [D, D] a layer"
            )
        along = np.array([np.sum((b @ m) * b) for b, m in zip(self.bases, moments, strict=True)])
        return along / np.trace(moments, axis1=1, axis2=2)


def top_channels(stats: Any, k: int = 8, score: str = "abs_mean") -> ChannelSet:
    """The k channels of each layer that score highest, averaged over samples and steps: the massive channels.

    Freeze them on calibration prompts that nothing is evaluated on. Ranking always returns k channels, massive or
    not: `concentration` and `meets_strict_criterion` say whether they tower. A channel that held inf or nan stands
    before those that did not: its score is of the values that were left. For one ranking a sample see
    `rank_channels(channel_scores(stats), k, overflowed(stats))`.
    """
    ranked = rank_channels(layer_scores(stats, score), k, overflowed(stats).any(axis=(0, 2)))
    return ChannelSet(tuple(ranked), np.shape(stats.mean)[-1], f"top {k}")


def energy_share(stats: Any, channels: ChannelSet) -> np.ndarray:
    """[L]: the share of each layer's mean square (over tokens, samples and steps) that the set's channels hold.

    Raises ValueError where set and statistics disagree on layers or width.
    """
    energy = layer_energy(stats)
    check_fit(channels, energy.shape)
    return np.where(channels.mask(), energy, 0).sum(axis=1) / energy.sum(axis=1)


def check_fit(channels: ChannelSet, shape: tuple[int, int]) -> None:
    if (len(channels), channels.width) != tuple(shape):
        raise ValueError(
            f"the set {channels.label!r} has {len(channels)} layers of {channels.width} channels, the statistics have "
            f"{shape[0]} of {shape[1]}: choose the set on the same model and the same layers"
        )
