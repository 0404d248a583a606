"""Streaming statistics of image tokens per sample x layer x step x channel, and a sink that keeps chosen tokens.

    with fc.capture(model, stats := fc.ChannelStats(), tokens := fc.KeepTokens(layers=[3], channels=[5, 163])):
        model.generate(prompts, seed=0)
    stats.mean        # float32 [S, L, T, D]
    tokens.array      # float16 [S, 1, T, N, 2]

Sums are taken in float32 around each channel's own mean and merged in float64 by Chan, Golub and LeVeque's formula
(1983), so a mean of 1e5 with a deviation of 30 keeps its deviation. A sum over tokens is a row of ones times the
tokens: as a matrix product it is several times faster on a CPU than a reduction down the columns.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch

FP16_MAX = 65504.0
FIELDS = ("mean", "mean_abs", "max_abs", "var")


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
    nonfinite: int64, the inf and nan that were left out; count: int64 [S, L, T], tokens seen.
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
        self._first_sample = 0
        self._next_sample = 0
        self._arrays: dict[str, np.ndarray] | None = None
        self._saturated = False

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

    def add(self, tokens: torch.Tensor, *, layer: int, step: int, samples, grid=None) -> None:
        """Take in tokens [B, N, D] of any float dtype; they are neither kept nor changed."""
        if tokens.ndim != 3 or tokens.shape[0] != len(samples) or not tokens.shape[1]:
            raise ValueError(f"tokens of shape {tuple(tokens.shape)} for {len(samples)} samples: expected [B, N, D]")
        if self._pending and self._pending[-1][1] != step:
            self._flush()
        numbers = np.asarray(samples) + self._first_sample
        self._next_sample = max(self._next_sample, int(numbers.max()) + 1)
        tokens = tokens.detach()
        if not self.per_sample:
            numbers = np.zeros(1, dtype=int)
            tokens = tokens.reshape(1, -1, tokens.shape[-1])
        self._pending.append((layer, step, numbers, tokens.shape[1], tokens.dtype, *reduce_tokens(tokens)))
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
            self._put(layer, step, _Part(numbers, count, bad, mean, mean_abs, max_abs, var))

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
        if not self._parts:
            raise RuntimeError("no statistics yet: generate inside `with fc.capture(model, stats):` and read them then")
        if self._arrays is None:
            self._arrays = self._assembled()
        return self._arrays

    def _assembled(self):
        layers = sorted({layer for layer, _ in self._parts})
        steps = sorted({step for _, step in self._parts})
        samples = np.unique(np.concatenate([part.samples for parts in self._parts.values() for part in parts]))
        width = next(iter(self._parts.values()))[0].mean.shape[-1]
        shape = (len(samples), len(layers), len(steps))
        arrays = {name: np.zeros((*shape, width), np.float32) for name in FIELDS}
        arrays["nonfinite"] = np.zeros((*shape, width), np.int64)
        arrays["count"] = np.zeros(shape, np.int64)
        for (layer, step), parts in self._parts.items():
            at = layers.index(layer), steps.index(step)
            for part in parts:
                rows = (np.searchsorted(samples, part.samples), *at)
                if arrays["count"][rows].any():
                    part = _merged(_part_at(arrays, rows, part.samples), part)
                for name in FIELDS:
                    arrays[name][rows] = getattr(part, name)
                arrays["nonfinite"][rows] = 0 if part.bad is None else part.bad
                arrays["count"][rows] = part.count
        if not arrays["count"].all():
            sample, layer, step = np.argwhere(arrays["count"] == 0)[0]
            raise RuntimeError(
                f"sample {samples[sample]} has no statistics for layer {self._names[layers[layer]]}, step "
                f"{steps[step]}, which others have: use one ChannelStats for each number of steps and choice of layers"
            )
        return arrays

    mean = property(lambda self: self._finish()["mean"], doc="Mean over tokens, float32 [S, L, T, D].")
    mean_abs = property(lambda self: self._finish()["mean_abs"], doc="Mean of |x| over tokens, float32 [S, L, T, D].")
    max_abs = property(lambda self: self._finish()["max_abs"], doc="Largest |x| over tokens, float32 [S, L, T, D].")
    var = property(lambda self: self._finish()["var"], doc="Variance over tokens (by N), float32 [S, L, T, D].")
    nonfinite = property(lambda self: self._finish()["nonfinite"], doc="inf and nan left out, int64 [S, L, T, D].")
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
                for sample in range(len(samples)):
                    row = slice(sample, sample + 1), layer, place
                    number = samples[row[0]] if self.per_sample else np.zeros(1, int)
                    self._put(layer, step, _part_at(arrays, row, number))
        self._arrays = None

    def to_arrays(self) -> dict[str, np.ndarray]:
        """mean, mean_abs, max_abs, var, nonfinite [S, L, T, D], count [S, L, T], steps [T], grid [2]."""
        return {**self._finish(), "steps": np.asarray(self.steps), "grid": np.asarray(self.grid or (0, 0))}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], layers: tuple[str, ...]) -> ChannelStats:
        """The inverse of to_arrays; layers: the L names. Raises ValueError where the shapes do not agree."""
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


def _part_at(arrays, row, samples) -> _Part:
    bad = arrays["nonfinite"][row]
    counts = np.unique(arrays["count"][row])
    if len(counts) != 1:
        raise ValueError(f"samples saw different numbers of tokens ({counts.tolist()}): merge them first")
    return _Part(samples, int(counts[0]), bad if bad.any() else None, *(arrays[name][row] for name in FIELDS))


def _merged(a: _Part, b: _Part) -> _Part:
    """Chan, Golub and LeVeque (1983), equation 2.1, a channel at a time."""
    finite_a = a.count - (0 if a.bad is None else a.bad)
    finite_b = b.count - (0 if b.bad is None else b.bad)
    total = np.maximum(finite_a + finite_b, 1)
    share = finite_b / total
    gap = np.asarray(b.mean, np.float64) - a.mean
    bad = None if a.bad is None and b.bad is None else (a.count - finite_a) + (b.count - finite_b)
    return _Part(
        a.samples,
        a.count + b.count,
        bad,
        a.mean + gap * share,
        a.mean_abs + (np.asarray(b.mean_abs, np.float64) - a.mean_abs) * share,
        np.maximum(a.max_abs, b.max_abs),
        a.var + (np.asarray(b.var, np.float64) - a.var) * share + gap**2 * share * (1 - share),
    )


def reduce_tokens(tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
    """tokens [B, N, D] to (float32 [4, B, D] of mean, mean |x|, max |x|, variance; non-finite counts [B, D] or None).

    None means that every value was finite.
    """
    x = tokens.float()
    if x.device.type != "cpu":
        # No look at the result here: waiting for a GPU costs more than counting every time.
        finite = torch.isfinite(x)
        return _reduce(torch.where(finite, x, 0.0), finite.sum(1)), (~finite).sum(1)
    sums = _reduce(x)
    if bool(torch.isfinite(sums).all()):
        return sums, None
    x = x.double()
    finite = torch.isfinite(x)
    return _reduce(torch.where(finite, x, 0.0), finite.sum(1), finite).float(), (~finite).sum(1)


def _reduce(x, counts=None, finite=None):
    rows, length, _ = x.shape
    ones = x.new_ones(1, 1, length).expand(rows, 1, length)
    counts = length if counts is None else counts.clamp(min=1)
    mean = torch.bmm(ones, x)[:, 0] / counts
    apart = x - mean[:, None]
    if finite is not None:
        apart = torch.where(finite, apart, 0.0)
    shift = torch.bmm(ones, apart)[:, 0] / counts
    var = torch.bmm(ones, apart.square_())[:, 0] / counts - shift.square()
    size = torch.abs(x, out=apart)
    return torch.stack([mean + shift, torch.bmm(ones, size)[:, 0] / counts, size.amax(1), var.clamp_(min=0)])


class KeepTokens:
    """A sink of capture that does keep tokens, on the CPU: array [S, L, T, N, C], samples x layers x steps x tokens
    x channels, where N runs over the grid row by row.

    layers, steps: which of those that are captured to keep (indices; None for all); layers may be names. channels:
    None for all, a list of C indices, or anything that gives C indices a layer as channels[layer], such as a
    ChannelSet. dtype: "float16" or "float32". After a capture: array, grid (height, width), layers (names), steps.
    """

    def __init__(self, layers=None, steps=None, channels=None, dtype: str = "float16"):
        if dtype not in ("float16", "float32"):
            raise ValueError(f"dtype={dtype!r}: expected 'float16' or 'float32'")
        self._only_layers, self._only_steps = layers, steps
        self._channels, self._dtype = channels, getattr(torch, dtype)
        self._names: tuple[str, ...] | None = None
        self.grid: tuple[int, int] | None = None
        self._kept: dict[tuple[int, int], dict[int, np.ndarray]] = {}
        self._first_sample = self._next_sample = 0

    def start(self, layers, grid):
        self._names = tuple(layers)
        self._first_sample = self._next_sample

    def add(self, tokens, *, layer, step, samples, grid):
        if not self._wants(self._only_layers, layer, self._names) or not self._wants(self._only_steps, step):
            return
        if self.grid not in (None, tuple(grid)):
            raise ValueError(f"tokens on a grid {grid} after tokens on {self.grid}: use one KeepTokens for each size")
        self.grid = tuple(grid)
        if self._channels is not None:
            indices = self._channels[layer] if hasattr(self._channels, "indices") else self._channels
            tokens = tokens[..., torch.as_tensor(np.asarray(indices), device=tokens.device, dtype=torch.long)]
        kept = tokens.detach().to(dtype=self._dtype, device="cpu", copy=True)
        if self._dtype is torch.float16 and bool(torch.isinf(kept).any()) and not bool(torch.isinf(tokens).any()):
            warnings.warn("values beyond 65504 became inf in float16: use KeepTokens(dtype='float32')", stacklevel=2)
        slot = self._kept.setdefault((layer, step), {})
        for sample, row in zip(samples, kept.numpy(), strict=True):
            slot[sample + self._first_sample] = row
            self._next_sample = max(self._next_sample, sample + self._first_sample + 1)

    @staticmethod
    def _wants(only, index, names=()):
        if only is None:
            return True
        only = [only] if isinstance(only, (int, str)) else only
        return any(index == (names.index(o) if isinstance(o, str) else o + len(names) if o < 0 else o) for o in only)

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(self._names[layer] for layer in sorted({layer for layer, _ in self._kept}))

    @property
    def steps(self) -> list[int]:
        return sorted({step for _, step in self._kept})

    @property
    def array(self) -> np.ndarray:
        """[S, L, T, N, C]. Raises RuntimeError where nothing was kept or samples have different steps."""
        if not self._kept:
            raise RuntimeError("no tokens kept: generate inside a capture of the layers and steps that are to be kept")
        layers, steps = sorted({layer for layer, _ in self._kept}), self.steps
        samples = sorted({sample for slot in self._kept.values() for sample in slot})
        try:
            return np.stack([
                np.stack([np.stack([self._kept[layer, step][sample] for step in steps]) for layer in layers])
                for sample in samples
            ])  # fmt: skip
        except KeyError:
            raise RuntimeError("samples with different layers or steps: use one KeepTokens for each") from None
