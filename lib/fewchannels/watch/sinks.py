"""The base of the sinks that keep something of each sample, block and step.

    class Norms(PerSample):
        def look(self, tokens, *, layer, step, grid):
            return {"norm": tokens.norm(dim=(1, 2)).cpu().numpy()}       # one row a sample

    with fc.capture(model, norms := Norms()):
        model.generate(prompts, seed=0)
    norms.kept("norm")                                                   # [S, L, T]

Samples count on over several captures, as they do over several generations inside of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


class PerSample:
    """A sink of capture. `look` says what is kept; after a capture: samples (how many), grid (height, width), and
    `kept(name)`. Tokens on a second grid raise ValueError."""

    def __init__(self) -> None:
        self.grid: tuple[int, int] | None = None
        self.samples = 0
        self._first = 0
        self._rows: dict[str, dict[tuple[int, int, int], Any]] = {}

    def start(self, layers: Sequence[str], grid: tuple[int, int]) -> None:
        self._first = self.samples

    def look(self, tokens, *, layer: int, step: int, grid: tuple[int, int]) -> Mapping[str, Sequence[Any]]:
        """What is kept of one block's tokens [B, N, D] at one step: rows by name, one a sample."""
        raise NotImplementedError

    def add(self, tokens, *, layer, step, samples, grid) -> None:
        if self.grid not in (None, tuple(grid)):
            what = type(self).__name__
            raise ValueError(f"tokens on a grid {grid} after tokens on {self.grid}: use one {what} for each size")
        for name, rows in self.look(tokens, layer=layer, step=step, grid=grid).items():
            self.grid = tuple(grid)
            places = self._rows.setdefault(name, {})
            for sample, row in zip(samples, rows, strict=True):
                places[sample + self._first, layer, step] = row
                self.samples = max(self.samples, sample + self._first + 1)

    def axis(self, which: int, name: str | None = None) -> list[int]:
        """The samples (0), layers (1) or steps (2) of which something is kept, in their order."""
        listed = self._rows.values() if name is None else [self._rows.get(name, {})]
        return sorted({place[which] for places in listed for place in places})

    def kept(self, name: str) -> np.ndarray:
        """[S, L, T, ...] of one name, over its own samples, layers and steps.

        Raises RuntimeError where nothing was kept, or samples have different layers or steps.
        """
        places = self._rows.get(name, {})
        if not places:
            raise RuntimeError(f"no {name} kept: generate inside a capture of the layers and steps that are to be kept")
        samples, layers, steps = (self.axis(which, name) for which in range(3))
        try:
            return np.array([[[places[s, b, t] for t in steps] for b in layers] for s in samples])
        except KeyError:
            raise RuntimeError(
                f"samples with different layers or steps: use one {type(self).__name__} for each"
            ) from None
