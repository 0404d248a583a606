"""A sink that does keep: the tokens of chosen layers, steps and channels, as one array on the CPU.

with fc.capture(model, tokens := fc.KeepTokens(layers=[3], steps=[8], channels=[5, 163])):
    model.generate(prompts, seed=0)
tokens.array.shape      # (len(prompts), 1, 1, 144, 2)
"""

from __future__ import annotations

import warnings

import numpy as np
import torch

from ..choices import chosen_layers, chosen_steps, listed
from .sinks import PerSample


class KeepTokens(PerSample):
    """A sink of capture that does keep tokens, on the CPU: array [S, L, T, N, C], samples x layers x steps x tokens
    x channels, where N runs over the grid row by row.

    layers, steps: which of those that are captured to keep, written as for capture (None for all). channels:
    None for all, a list of C indices, or anything that gives C indices a layer as channels[layer], such as a
    ChannelSet. dtype: "float16" or "float32". After a capture: array, grid (height, width), layers (names), steps.
    """

    def __init__(self, layers=None, steps=None, channels=None, dtype: str = "float16"):
        if dtype not in ("float16", "float32"):
            raise ValueError(f"dtype={dtype!r}: expected 'float16' or 'float32'")
        super().__init__()
        self._only_layers, self._only_steps = listed("layers", layers, names=True), listed("steps", steps)
        self._layers: frozenset[int] | None = None
        self._steps: frozenset[int] | None = None
        self._channels, self._dtype = channels, getattr(torch, dtype)
        self._names: tuple[str, ...] | None = None

    def start(self, layers, grid):
        super().start(layers, grid)
        self._names = tuple(layers)
        self._layers = chosen_layers(self._names, self._only_layers)

    def trajectory(self, steps):
        self._steps = chosen_steps(self._only_steps, steps)

    def look(self, tokens, *, layer, step, grid):
        if any(only is not None and one not in only for only, one in ((self._layers, layer), (self._steps, step))):
            return {}
        if self._channels is not None:
            indices = self._channels[layer] if hasattr(self._channels, "indices") else self._channels
            tokens = tokens[..., torch.as_tensor(np.asarray(indices), device=tokens.device, dtype=torch.long)]
        kept = tokens.detach().to(dtype=self._dtype, device="cpu", copy=True)
        if self._dtype is torch.float16 and bool(torch.isinf(kept).any()) and not bool(torch.isinf(tokens).any()):
            warnings.warn("values beyond 65504 became inf in float16: use KeepTokens(dtype='float32')", stacklevel=2)
        return {"tokens": kept.numpy()}

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(self._names[layer] for layer in self.axis(1))

    @property
    def steps(self) -> list[int]:
        return self.axis(2)

    @property
    def array(self) -> np.ndarray:
        """[S, L, T, N, C]. Raises RuntimeError where nothing was kept or samples have different steps."""
        return self.kept("tokens")
