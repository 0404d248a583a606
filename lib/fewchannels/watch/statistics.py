"""Streaming statistics of image tokens per sample x layer x step x channel, and a sink that keeps chosen tokens.

    with fc.capture(model, stats := fc.ChannelStats(), tokens := fc.KeepTokens(layers=[3], channels=[5, 163])):
        model.generate(prompts, seed=0)
    stats.mean        # float32 [S, L, T, D]
    tokens.array      # float16 [S, 1, T, N, 2]

How the numbers are taken is in reductions.py. They are float32 or better whatever the model's dtype, and a mean of
1e5 with a deviation of 30 keeps its deviation.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch

from .reductions import FIELDS, pooled, reduce_tokens
from .tokens import KeepTokens

__all__ = ["ChannelStats", "KeepTokens"]

FP16_MAX = 65504.0


@dataclass
class _Part:
    """Statistics of R rows (samples, or all of them as one): arrays [R, D] of finite values; count: tokens a row."""

    samples: np.ndarray
    count: int
    bad: np.ndarray | None
    mean: np.ndarray
    mean_abs: np.ndarray
    max_abs: np.ndarray
    var: np.ndarray


class ChannelStats:
    """A sink of capture: mean, mean |x|, max |x|, variance and non-finite count of each channel over image tokens.

    per_sample: True keeps samples apart (S samples), False merges them as they come (S = 1), so that memory does not
    grow with prompts. After a capture, arrays over [S, L, T, D] (samples, layers, steps, channels):

    mean, mean_abs, max_abs, var, energy (= var + mean**2, the mean square): float32, over finite values only;
    nonfinite: integers no wider than they need be, the inf and nan that were left out, of which a warning tells;
    count: int64 [S, L, T], tokens.
    layers: names of the layers seen; steps: their step indices; grid: (height, width) in tokens of the first image.

    One object can be given to several captures in turn: samples count on. Raises RuntimeError where it is read
    before anything was captured, or where samples have different steps.
    """

    def __init__(self, per_sample: bool = True):
        self.per_sample = per_sample
        self.grid: tuple[int, int] | None = None
        self._names: tuple[str, ...] | None = None
        self._parts: dict[tuple[int, int], list[_Part]] = {}
        self._pending: list = []
        self._scratch: dict = {}
        self._numbered: tuple = (None, None)
        self._first_sample = 0
        self._next_sample = 0
        self._arrays: dict[str, np.ndarray] | None = None
        self._saturated = self._warned = False

    def start(self, layers: tuple[str, ...], grid: tuple[int, int]) -> None:
        if self._names is not None and tuple(layers) != self._names:
            raise ValueError(
                f"these statistics are of a model with {len(self._names)} layers ({self._names[0]} ...), and now come "
                f"{len(layers)} ({layers[0]} ...): use a new ChannelStats for another model"
            )
        self._flush()
        self._names = tuple(layers)
        self.grid = self.grid or tuple(grid)
        self._first_sample = self._next_sample
        self._numbered = (None, None)

    def add(self, tokens: torch.Tensor, *, layer: int, step: int, samples, grid=None) -> None:
        """Take in tokens [B, N, D] of any float dtype; they are neither kept nor changed."""
        if tokens.ndim != 3 or tokens.shape[0] != len(samples) or not tokens.shape[1]:
            raise ValueError(f"tokens of shape {tuple(tokens.shape)} for {len(samples)} samples: expected [B, N, D]")
        if self._pending and self._pending[-1][1] != step:
            self._flush()
        if self._numbered[0] is not samples:
            numbers = np.asarray(samples) + self._first_sample
            self._next_sample = max(self._next_sample, int(numbers.max()) + 1)
            self._numbered = (samples, numbers)
        numbers = self._numbered[1]
        sums, bad = reduce_tokens(tokens.detach() if tokens.requires_grad else tokens, self._scratch)
        self._pending.append((layer, step, numbers, tokens.shape[1], tokens.dtype, sums, bad))
        self._arrays = None

    def _flush(self):
        """Bring pending reductions to the host in one copy a step, and merge them."""
        pending, self._pending = self._pending, []
        for layer, step, numbers, count, dtype, sums, bad in pending:
            mean, mean_abs, max_abs, var = sums.cpu().numpy()
            if dtype is torch.float16 and not self._saturated and (max_abs >= FP16_MAX).any():
                self._saturated = True
                warnings.warn(
                    f"float16 activations reached {FP16_MAX:.0f} in layer {layer}, step {step}: massive channels are "
                    f"cut off there. Load the model with dtype=torch.bfloat16 or torch.float32",
                    stacklevel=4,
                )
            bad = bad.cpu().numpy().astype(np.int64) if bad is not None else None
            bad = bad if bad is not None and bad.any() else None
            if bad is not None and not self._warned:
                self._warned = True
                channels = np.flatnonzero(bad.any(axis=0))
                shown = ", ".join(map(str, channels[:8])) + (", ..." if len(channels) > 8 else "")
                warnings.warn(
                    f"activations are inf or nan, first in {self._names[layer] if self._names else f'layer {layer}'}, "
                    f"step {step}, channels {shown}. They are counted (stats.nonfinite) and left out of all else; "
                    f"top_channels ranks their channels first. Load the model with dtype=torch.bfloat16 or "
                    f"torch.float32",
                    stacklevel=4,
                )
            part = _Part(numbers, count, bad, mean, mean_abs, max_abs, var)
            self._put(layer, step, part if self.per_sample else _as_one(part))

    def _put(self, layer, step, part):
        parts = self._parts.setdefault((layer, step), [])
        if self.per_sample or not parts:
            parts.append(part)
        else:
            parts[0] = _merged(parts[0], part)

    @property
    def layers(self) -> tuple[str, ...]:
        self._finish()
        return tuple(self._names[layer] for layer in sorted({layer for layer, _ in self._parts}))

    @property
    def steps(self) -> tuple[int, ...]:
        self._finish()
        return tuple(sorted({step for _, step in self._parts}))

    def _finish(self) -> dict[str, np.ndarray]:
        self._flush()
        self._scratch.clear()
        if not self._parts:
            raise RuntimeError("no statistics yet: generate inside `with fc.capture(model, stats):` and read them then")
        if self._arrays is None:
            self._arrays = self._assembled()
            self._share()
        return self._arrays

    def _share(self):
        """Have the parts be views of the arrays, so that nothing is held twice."""
        places = sorted({layer for layer, _ in self._parts}), sorted({step for _, step in self._parts})
        samples = np.unique(np.concatenate([part.samples for parts in self._parts.values() for part in parts]))
        for layer, step in self._parts:
            row = slice(None), places[0].index(layer), places[1].index(step)
            if len(np.unique(self._arrays["count"][row])) == 1:
                self._parts[layer, step] = [_part_at(self._arrays, row, samples)]

    def _assembled(self):
        layers = sorted({layer for layer, _ in self._parts})
        steps = sorted({step for _, step in self._parts})
        samples = np.unique(np.concatenate([part.samples for parts in self._parts.values() for part in parts]))
        width = next(iter(self._parts.values()))[0].mean.shape[-1]
        shape = (len(samples), len(layers), len(steps))
        arrays = {name: np.zeros((*shape, width), np.float32) for name in FIELDS}
        arrays["nonfinite"] = self._no_counts((*shape, width))
        arrays["count"] = np.zeros(shape, np.int64)
        for (layer, step), parts in self._parts.items():
            at = layers.index(layer), steps.index(step)
            for part in parts:
                rows = (np.searchsorted(samples, part.samples), *at)
                if arrays["count"][rows].any():
                    part = _merged(_part_at(arrays, rows, part.samples), part)
                for name in FIELDS:
                    arrays[name][rows] = getattr(part, name)
                if part.bad is not None:
                    arrays["nonfinite"][rows] = part.bad
                arrays["count"][rows] = part.count
        if not arrays["count"].all():
            sample, layer, step = np.argwhere(arrays["count"] == 0)[0]
            raise RuntimeError(
                f"sample {samples[sample]} has no statistics for layer {self._names[layers[layer]]}, step "
                f"{steps[step]}, which others have: use one ChannelStats for each number of steps and choice of layers"
            )
        return arrays

    def _no_counts(self, shape):
        """Zeros for the counts of what was left out: without memory where there is none, as is nearly always so."""
        most = [[0 if part.bad is None else int(part.bad.max()) for part in parts] for parts in self._parts.values()]
        if not any(map(any, most)):
            return np.broadcast_to(np.int64(0), shape)
        return np.zeros(shape, np.min_scalar_type(max(map(sum, most))))

    mean = property(lambda self: self._finish()["mean"], doc="Mean over tokens, float32 [S, L, T, D].")
    mean_abs = property(lambda self: self._finish()["mean_abs"], doc="Mean of |x| over tokens, float32 [S, L, T, D].")
    max_abs = property(lambda self: self._finish()["max_abs"], doc="Largest |x| over tokens, float32 [S, L, T, D].")
    var = property(lambda self: self._finish()["var"], doc="Variance over tokens (by N), float32 [S, L, T, D].")
    nonfinite = property(lambda self: self._finish()["nonfinite"], doc="inf and nan left out, integers [S, L, T, D].")
    count = property(lambda self: self._finish()["count"], doc="Tokens seen, int64 [S, L, T].")

    @property
    def energy(self) -> np.ndarray:
        """Mean square over tokens, var + mean**2, float32 [S, L, T, D]."""
        return self.var + self.mean**2

    def merged(self) -> ChannelStats:
        """The same statistics over all samples as one (S = 1)."""
        new = ChannelStats(per_sample=False)
        new._take(self)
        return new

    def merge(self, other: ChannelStats) -> ChannelStats:
        """Both together, as one run would have given them: the other's samples follow where they are kept apart,
        and are merged in where they are not. Raises ValueError for other layers or steps."""
        if self.per_sample != other.per_sample:
            raise ValueError("one of the two keeps samples apart and the other does not: merge x.merged() instead")
        if self.layers != other.layers or self.steps != other.steps:
            raise ValueError(
                f"statistics over {len(self.layers)} layers and steps {self.steps} cannot be merged with those over "
                f"{len(other.layers)} layers and steps {other.steps}: capture the same in both"
            )
        new = ChannelStats(self.per_sample)
        new._take(self)
        new._take(other)
        return new

    def _take(self, other):
        arrays = other._finish()
        samples = np.arange(len(arrays["count"])) + self._next_sample
        self._names, self.grid = other.layers, self.grid or other.grid
        self._next_sample += len(samples)
        for layer in range(len(other.layers)):
            for place, step in enumerate(other.steps):
                # Samples of different sizes saw different numbers of tokens.
                for count in np.unique(arrays["count"][:, layer, place]):
                    rows = np.flatnonzero(arrays["count"][:, layer, place] == count)
                    part = _part_at(arrays, (rows, layer, place), samples[rows])
                    self._put(layer, step, part if self.per_sample else _as_one(part))
        self._arrays = None

    def to_arrays(self) -> dict[str, np.ndarray]:
        """mean, mean_abs, max_abs, var, nonfinite [S, L, T, D], count [S, L, T], steps [T], grid [2]."""
        return {**self._finish(), "steps": np.asarray(self.steps), "grid": np.asarray(self.grid or (0, 0))}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], layers: tuple[str, ...]) -> ChannelStats:
        """The inverse of to_arrays, "nonfinite" being 0 where it is missing; layers: the L names. Raises ValueError
        where the shapes do not agree."""
        shape = arrays["mean"].shape
        if len(shape) != 4 or shape[1] != len(layers) or shape[2] != len(arrays["steps"]):
            raise ValueError(f"mean of shape {shape} for {len(layers)} layers and {len(arrays['steps'])} steps")
        new = cls(per_sample=True)
        new._names = tuple(layers)
        grid = tuple(int(side) for side in arrays.get("grid", (0, 0)))
        new.grid = grid if any(grid) else None
        new._next_sample = shape[0]
        for layer in range(shape[1]):
            for place, step in enumerate(arrays["steps"]):
                row = slice(None), layer, place
                new._put(layer, int(step), _part_at(arrays, row, np.arange(shape[0])))
        return new


def record_bytes(layers: int, steps: int, channels: int, samples: int = 1) -> int:
    """Bytes that the statistics of a run take, in memory and in its file, where no value was inf or nan.

    >>> record_bytes(57, 50, 3072) / 1e6   # FLUX.1
    140.1...
    """
    return samples * layers * steps * (len(FIELDS) * 4 * channels + 8)


def _part_at(arrays, row, samples) -> _Part:
    bad = np.asarray(arrays["nonfinite"][row], np.int64) if "nonfinite" in arrays else np.zeros(1, np.int64)
    counts = np.unique(arrays["count"][row])
    if len(counts) != 1:
        raise ValueError(f"samples saw different numbers of tokens ({counts.tolist()}): merge them first")
    return _Part(samples, int(counts[0]), bad if bad.any() else None, *(arrays[name][row] for name in FIELDS))


def _as_one(part: _Part) -> _Part:
    """The statistics of all rows together."""
    bad = np.zeros_like(part.mean, dtype=np.int64) if part.bad is None else part.bad
    fields = [getattr(part, name).astype(np.float64) for name in FIELDS]
    together = [field[None] for field in pooled(part.count - bad, *fields)]
    bad = None if part.bad is None else bad.sum(0, keepdims=True)
    return _Part(np.zeros(1, int), part.count * len(part.samples), bad, *together)


def _merged(a: _Part, b: _Part) -> _Part:
    """The statistics of a and b together, row by row."""
    bads = [np.zeros_like(a.mean, dtype=np.int64) if part.bad is None else part.bad for part in (a, b)]
    counts = np.stack([a.count - bads[0], b.count - bads[1]])
    fields = [np.stack([getattr(a, name), getattr(b, name)]).astype(np.float64) for name in FIELDS]
    return _Part(a.samples, a.count + b.count, sum(bads) if any(map(np.any, bads)) else None, *pooled(counts, *fields))
