"""The hidden states of a run on chosen channels, kept so that another run can be given them.

    with fc.record(model, massive) as source:
        model.generate(prompts, seed=0)
    source.take(layer=3, step=8, samples=[0], part=subspace(massive, 3, 192, "cpu"))      # [1, N, k]

Kept on the CPU in the model's own dtype, so that giving a run its own states back changes no bit, or in the dtype
asked for. Memory is samples x layers x steps x tokens x channels: 8 channels of 1,024 tokens in 57 blocks and 4 steps
are 4 MB a prompt in 16 bit, all channels 300 times as much.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from ..scheduler import noise_levels
from .hooks import capture
from .subspaces import Subspace, Subspaces

DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32, None: None}


class Trajectory:
    """A sink of capture that keeps tokens on `channels` (as ablate takes them; None for all), for transport.

    dtype: None for the model's own, "float16", "bfloat16" or "float32". After a capture: samples (how many), layers
    (depth indices), steps, grid, width (the model's number of channels); and where they were set: sigmas float [T],
    the noise level at each step of the run (its share of noise), prompts, images uint8 [S, H, W, 3], latents (what the
    run started from).
    """

    def __init__(self, channels=None, dtype: str | None = None):
        if dtype not in DTYPES:
            raise ValueError(f"dtype={dtype!r}: expected None, 'float16', 'bfloat16' or 'float32'")
        self.channels, self.dtype = channels, DTYPES[dtype]
        self.grid: tuple[int, int] | None = None
        self.width = 0
        self.samples = 0
        self.sigmas: np.ndarray | None = None
        self.images: np.ndarray | None = None
        self.prompts: list[str] = []
        self.latents: torch.Tensor | None = None
        self._spaces: Subspaces | None = None
        self._first = 0
        self._kept: dict[tuple[int, int], dict[int, tuple[Subspace | None, torch.Tensor]]] = {}

    def start(self, layers, grid):
        self._spaces = None if self.channels is None else Subspaces(self.channels, layers)
        self._first = self.samples

    def add(self, tokens, *, layer, step, samples, grid):
        if self.grid not in (None, tuple(grid)):
            raise ValueError(f"tokens on a grid {grid} after tokens on {self.grid}: use a new Trajectory for each size")
        self.grid, self.width = tuple(grid), tokens.shape[-1]
        slot = self._kept.setdefault((layer, step), {})
        for row, sample in enumerate(samples):
            part = None
            if self._spaces is not None:
                part = self._spaces.at(self._spaces.key(sample), layer, tokens.shape[-1], tokens.device)
                if part is None:
                    continue
            values = tokens[row] if part is None else part.read(tokens[row])
            kept = values.detach().to(device="cpu", dtype=self.dtype or values.dtype, copy=True)
            if kept.dtype is torch.float16 and values.dtype is not torch.float16 and bool(torch.isinf(kept).any()):
                raise ValueError(
                    f"layer {layer}, step {step} holds values beyond 65504, which float16 cannot: record them with "
                    "dtype=None, 'bfloat16' or 'float32'"
                )
            slot[sample + self._first] = (part, kept)
            self.samples = max(self.samples, sample + self._first + 1)

    @property
    def nbytes(self) -> int:
        """Bytes of what is kept."""
        return sum(values.nbytes for slot in self._kept.values() for _, values in slot.values())

    @property
    def layers(self) -> list[int]:
        return sorted({layer for layer, _ in self._kept})

    @property
    def steps(self) -> list[int]:
        return sorted({step for _, step in self._kept})

    def take(self, layer: int, step: int, samples: list[int], part: Subspace | None, device="cpu") -> torch.Tensor:
        """The kept values [len(samples), N, k] on a subspace (None: on all that was kept), as they were stored.

        Raises ValueError for a layer, step, sample, channel or direction that was not recorded.
        """
        slot = self._kept.get((layer, step))
        if slot is None:
            raise ValueError(
                f"layer {layer}, step {step} was not recorded; there are layers {self.layers}, steps {self.steps}"
            )
        rows = []
        for sample in samples:
            if sample not in slot:
                raise ValueError(f"sample {sample} was not recorded in layer {layer}; there are {sorted(slot)}")
            kept_on, values = slot[sample]
            rows.append(values if part is None else _narrowed(kept_on, values, part))
        return torch.stack(rows).to(device)

    def nearest_step(self, sigma: float) -> int:
        """The recorded step whose noise level is nearest, for a run with another number of steps.

        Raises ValueError where noise levels are not known, or where none is as near as the recorded steps lie apart.
        """
        if self.sigmas is None:
            raise ValueError("the recorded run has no noise levels, so its steps cannot be matched: use as many steps")
        levels = np.sort(self.sigmas[self.steps])
        place = bisect_left(levels.tolist(), sigma)
        near = levels[max(place - 1, 0) : place + 1]
        level = near[np.abs(near - sigma).argmin()]
        spacing = np.diff(levels).max() if len(levels) > 1 else 0.0
        if abs(level - sigma) > max(spacing, 1e-6):
            raise ValueError(
                f"noise level {sigma:.3f} lies outside of what was recorded ({levels[0]:.3f} to {levels[-1]:.3f}): "
                "record more steps, or leave this step out"
            )
        return next(step for step in self.steps if self.sigmas[step] == level)


@contextmanager
def record(
    model, channels=None, *, layers=None, steps=None, branch="cond", stream="image", dtype: str | None = None
) -> Iterator[Trajectory]:
    """Keep what a run holds on `channels`, for transport or resampling; arguments as for capture and Trajectory."""
    trajectory = Trajectory(channels, dtype)
    with capture(model, trajectory, layers=layers, steps=steps, branch=branch, stream=stream):
        yield trajectory
    trajectory.sigmas = noise_levels(model)


def matching_step(model, source: Trajectory, step: int) -> int:
    """The recorded step of the noise level at which a run is, which is `step` itself where both have the same levels.
    Errors as for `Trajectory.nearest_step`."""
    levels = noise_levels(model)
    if source.sigmas is None or levels is None:
        return step
    if len(levels) == len(source.sigmas) and np.allclose(levels, source.sigmas, atol=1e-4):
        return step
    return source.nearest_step(float(levels[step]))


def _narrowed(kept_on: Subspace | None, values: torch.Tensor, part: Subspace) -> torch.Tensor:
    """Values [N, k] on `part` from values on what was kept."""
    if kept_on is None:
        return part.to("cpu").read(values)
    if part.basis is not None or kept_on.basis is not None:
        same = part.basis is not None and kept_on.basis is not None and part.basis.shape == kept_on.basis.shape
        if not same or not torch.equal(part.basis.cpu(), kept_on.basis.cpu()):
            raise ValueError("these directions were not recorded: record the same ones, or all channels")
        return values
    kept, wanted = kept_on.index.cpu(), part.index.cpu()
    if torch.equal(kept, wanted):
        return values
    place = {int(channel): i for i, channel in enumerate(kept)}
    missing = [int(c) for c in wanted if int(c) not in place]
    if missing:
        raise ValueError(f"channels {missing[:8]} were not recorded: record with a set that holds them, or with all")
    return values[:, [place[int(c)] for c in wanted]]
