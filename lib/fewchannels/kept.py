"""A sink that does keep: the tokens of chosen layers, steps and channels, as one array on the CPU.

with fc.capture(model, tokens := fc.KeepTokens(layers=[3], steps=[8], channels=[5, 163])):
    model.generate(prompts, seed=0)
tokens.array.shape      # (len(prompts), 1, 1, 144, 2)
"""

from __future__ import annotations

import warnings

import numpy as np
import torch

from .choices import chosen_layers, chosen_steps, listed


class KeepTokens:
    """A sink of capture that does keep tokens, on the CPU: array [S, L, T, N, C], samples x layers x steps x tokens
    x channels, where N runs over the grid row by row.

    layers, steps: which of those that are captured to keep, written as for capture (None for all). channels:
    None for all, a list of C indices, or anything that gives C indices a layer as channels[layer], such as a
    ChannelSet. dtype: "float16" or "float32". After a capture: array, grid (height, width), layers (names), steps.
    """

    def __init__(self, layers=None, steps=None, channels=None, dtype: str = "float16"):
        if dtype not in ("float16", "float32"):
            raise ValueError(f"dtype={dtype!r}: expected 'float16' or 'float32'")
        self._only_layers, self._only_steps = listed("layers", layers, names=True), listed("steps", steps)
        self._layers: frozenset[int] | None = None
        self._steps: frozenset[int] | None = None
        self._channels, self._dtype = channels, getattr(torch, dtype)
        self._names: tuple[str, ...] | None = None
        self.grid: tuple[int, int] | None = None
        self._kept: dict[tuple[int, int], dict[int, np.ndarray]] = {}
        self._first_sample = self._next_sample = 0

    def start(self, layers, grid):
        self._names = tuple(layers)
        self._layers = chosen_layers(self._names, self._only_layers)
        self._first_sample = self._next_sample

    def trajectory(self, steps):
        self._steps = chosen_steps(self._only_steps, steps)

    def add(self, tokens, *, layer, step, samples, grid):
        if any(only is not None and one not in only for only, one in ((self._layers, layer), (self._steps, step))):
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
