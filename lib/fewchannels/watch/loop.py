"""A run seen from its scheduler: at noise levels of our choice, and with what the loop held at every step.

    with at_levels(model, (1.0, 0.8, 0.6)), watched(model) as loop, renoised(model, clean):
        model.generate(captions, steps=3)                # three forwards: the pictures under less and less noise
    loop.noisy((12, 12))                                 # [S, 3, 144, 3], what the model saw, averaged over each token
    loop.estimate((12, 12))                              # the clean picture that it expected at that moment

Both contexts are put on before `inversion.renoised`, which may stand inside of them. `scheduler` says what a prediction
means to each kind of scheduler; noise levels of our choice need a flow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch

from ..scheduler import clean_estimate, is_flow, noise_levels, scheduler_of, signal_and_noise, stepping
from ..wrapping import around


class Loop:
    """What the denoising loop held: `noisy` and `estimate`, each read on a token grid.

    sigmas: float [T], the share of noise at each step; for a scheduler that does not tell, the share of the steps that
    is still to go. unknown: why there is no estimate, "" where there is one. sink: is given
    sink(step, noisy, estimate or None), tensors [B, ...] that it may keep, in place of them being kept here.
    """

    def __init__(self, sink: Callable | None = None):
        self.sigmas = np.zeros(0)
        self.unknown = ""
        self._sink = sink
        self._levels: tuple[np.ndarray, np.ndarray] | None = None
        self._noisy: list[list[torch.Tensor]] = []
        self._estimate: list[list[torch.Tensor]] = []

    def add(self, model, step, output: torch.Tensor, sample: torch.Tensor) -> None:
        scheduler = scheduler_of(model)
        if step.index == 0:
            self._begin(model, scheduler)
        noisy, estimate = sample.detach().float(), None
        if self._levels is not None:
            alpha, sigma = (float(level[step.index]) for level in self._levels)
            try:
                estimate = clean_estimate(scheduler, output.detach(), noisy, alpha, sigma)
            except ValueError as error:
                self.unknown, self._levels = str(error), None
        if self._sink is not None:
            self._sink(step.index, noisy, estimate)
        else:
            self._noisy[-1].append(noisy.cpu())
            if estimate is not None:
                self._estimate[-1].append(estimate.cpu())

    def _begin(self, model, scheduler) -> None:
        self._noisy.append([])
        self._estimate.append([])
        self.sigmas = noise_levels(model)
        try:
            self._levels = signal_and_noise(scheduler)
        except ValueError as error:
            self.unknown, self._levels = str(error), None

    def noisy(self, grid: tuple[int, int]) -> np.ndarray:
        """What the model saw at each step, float32 [S, T, N, C]: the mean over each token's pixels (or latents)."""
        return self._read(self._noisy, grid)

    def estimate(self, grid: tuple[int, int]) -> np.ndarray:
        """The model's own estimate of the clean picture at each step, float32 [S, T, N, C]."""
        if self.unknown:
            raise RuntimeError(f"there is no estimate of the clean picture: {self.unknown}")
        return self._read(self._estimate, grid)

    def pixels(self) -> np.ndarray:
        """What the model saw, as it was: float32 [S, T, C, H, W] (or packed, [S, T, N, C])."""
        return torch.cat([torch.stack(steps, dim=1) for steps in self._noisy]).numpy()

    def colours(self, grid: tuple[int, int]) -> np.ndarray:
        """What the model saw at each step, for the eye: uint8 [S, T, h, w, 3], the three directions in which the tokens
        of the last step differ most as red, green and blue, each step on its own scale. Grey where latents do not lie
        on the grid."""
        try:
            noisy = self.noisy(grid)
        except ValueError:
            return np.full((sum(len(steps[0]) for steps in self._noisy), len(self._noisy[0]), *grid, 3), 128, np.uint8)
        last = noisy[:, -1].reshape(-1, noisy.shape[-1])
        directions = np.linalg.svd(last - last.mean(axis=0), full_matrices=False)[2][:3]
        seen = np.zeros((*noisy.shape[:3], 3), np.float32)
        seen[..., : len(directions)] = noisy @ directions.T
        low, high = np.percentile(seen, (2, 98), axis=(0, 2), keepdims=True)
        shown = np.clip((seen - low) / np.maximum(high - low, 1e-6), 0, 1)
        return np.rint(255 * shown).astype(np.uint8).reshape(*noisy.shape[:2], *grid, 3)

    @staticmethod
    def _read(batches, grid) -> np.ndarray:
        if not batches:
            raise RuntimeError("nothing ran inside `watched`: call model.generate(...) inside the `with` block")
        parts = [torch.stack([tokens_of(latents, grid) for latents in steps], dim=1) for steps in batches]
        return torch.cat(parts).numpy()


def tokens_of(latents: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
    """Pixels or latents [B, C, H, W] or [B, C, 1, H, W], averaged over each token, or packed ones [B, N, C], as
    [B, h * w, C].

    Raises ValueError where the grid does not fit.
    """
    if latents.ndim == 5 and latents.shape[2] == 1:
        latents = latents[:, :, 0]
    if latents.ndim == 3 and latents.shape[1] == grid[0] * grid[1]:
        return latents
    if latents.ndim != 4 or latents.shape[2] % grid[0] or latents.shape[3] % grid[1]:
        raise ValueError(f"latents of shape {tuple(latents.shape)} do not divide into a grid of {tuple(grid)} tokens")
    height, width = latents.shape[2] // grid[0], latents.shape[3] // grid[1]
    return torch.nn.functional.avg_pool2d(latents, (height, width)).flatten(2).transpose(1, 2)


@contextmanager
def watched(model, sink: Callable | None = None) -> Iterator[Loop]:
    """Keep what the denoising loop holds at each step, or hand it to a sink (see `Loop`). Errors as for
    `scheduler.stepping`."""
    loop = Loop(sink)

    def visit(take, step, output, sample):
        loop.add(model, step, output, sample)
        return take(output)

    with stepping(model, visit):
        yield loop


@contextmanager
def at_levels(model, levels: Sequence[float]) -> Iterator[None]:
    """Let every run stop at these noise levels, and at nothing between; call generate with as many `steps`.

    levels: sigma, falling, between 1 (nothing but noise) and 0. Raises ValueError for others.
    """
    wanted = np.asarray(levels, np.float64)
    if wanted.ndim != 1 or not len(wanted) or wanted[0] > 1 or wanted[-1] <= 0 or (np.diff(wanted) >= 0).any():
        raise ValueError(f"levels={levels!r}: expected falling noise levels in 0 to 1, such as (1.0, 0.8, 0.6)")
    scheduler = _scheduler(model)

    def set_timesteps(own, num_inference_steps=None, device=None, **more):
        given = next((more[name] for name in ("sigmas", "timesteps") if more.get(name) is not None), None)
        asked = num_inference_steps if given is None else len(given)
        if asked not in (None, len(wanted)):
            raise ValueError(f"{asked} steps for {len(wanted)} noise levels: pass steps={len(wanted)}")
        own(len(wanted), device=device, **{name: value for name, value in more.items() if name == "mu"})
        sigmas = torch.tensor([*wanted, 0.0], dtype=torch.float32)
        scheduler.sigmas = sigmas
        scheduler.timesteps = (sigmas[:-1] * scheduler.config.num_train_timesteps).to(device=device)

    with around(scheduler, "set_timesteps", set_timesteps):
        yield


def _scheduler(model):
    scheduler = scheduler_of(model)
    if not hasattr(scheduler, "sigmas") or not hasattr(scheduler, "step_index") or not is_flow(scheduler):
        raise ValueError(f"{type(scheduler).__name__} has no noise levels: a flow-matching Euler scheduler is needed")
    return scheduler
