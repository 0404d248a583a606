"""A run seen from its scheduler: at noise levels of our choice, and with what the loop held at every step.

    with at_levels(model, (1.0, 0.8, 0.6)), watched(model) as loop, renoised(model, clean):
        model.generate(captions, steps=3)                # three forwards: the pictures under less and less noise
    loop.noisy((12, 12))                                 # [S, 3, 144, 3], what the model saw, averaged over each token
    loop.estimate((12, 12))                              # the clean picture that it expected at that moment

Both contexts are put on before `inversion.renoised`, which may stand inside of them. The estimate is x - sigma v, which
is the clean picture for a flow whose velocity is noise minus picture (Esser et al., 2024, arXiv 2403.03206).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch


class Loop:
    """What the denoising loop held: sigmas float [T], and `noisy` and `estimate`, each read on a token grid."""

    def __init__(self):
        self.sigmas = np.zeros(0)
        self._noisy: list[list[torch.Tensor]] = []
        self._estimate: list[list[torch.Tensor]] = []

    def begin(self, sigmas) -> None:
        self.sigmas = np.asarray(sigmas, np.float64)
        self._noisy.append([])
        self._estimate.append([])

    def add(self, noisy: torch.Tensor, estimate: torch.Tensor) -> None:
        self._noisy[-1].append(noisy.detach().float().cpu())
        self._estimate[-1].append(estimate.detach().float().cpu())

    def noisy(self, grid: tuple[int, int]) -> np.ndarray:
        """What the model saw at each step, float32 [S, T, N, C]: the mean over each token's pixels (or latents)."""
        return self._read(self._noisy, grid)

    def estimate(self, grid: tuple[int, int]) -> np.ndarray:
        """The model's own estimate of the clean picture at each step, float32 [S, T, N, C]."""
        return self._read(self._estimate, grid)

    def pixels(self) -> np.ndarray:
        """What the model saw, as it was: float32 [S, T, C, H, W] (or packed, [S, T, N, C])."""
        return torch.cat([torch.stack(steps, dim=1) for steps in self._noisy]).numpy()

    @staticmethod
    def _read(batches, grid) -> np.ndarray:
        if not batches:
            raise RuntimeError("nothing ran inside `watched`: call model.generate(...) inside the `with` block")
        parts = [torch.stack([tokens_of(latents, grid) for latents in steps], dim=1) for steps in batches]
        return torch.cat(parts).numpy()


def tokens_of(latents: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
    """Pixels or latents [B, C, H, W], averaged over each token, or packed ones [B, N, C], as [B, h * w, C].

    Raises ValueError where the grid does not fit.
    """
    if latents.ndim == 3 and latents.shape[1] == grid[0] * grid[1]:
        return latents
    if latents.ndim != 4 or latents.shape[2] % grid[0] or latents.shape[3] % grid[1]:
        raise ValueError(f"latents of shape {tuple(latents.shape)} do not divide into a grid of {tuple(grid)} tokens")
    height, width = latents.shape[2] // grid[0], latents.shape[3] // grid[1]
    return torch.nn.functional.avg_pool2d(latents, (height, width)).flatten(2).transpose(1, 2)


@contextmanager
def watched(model) -> Iterator[Loop]:
    """Keep what the denoising loop holds at each step. Raises ValueError for a scheduler without noise levels."""
    scheduler, loop = _scheduler(model), Loop()
    original = scheduler.step

    def step(model_output, timestep, sample, *args, **more):
        if scheduler.step_index is None:
            loop.begin(scheduler.sigmas[:-1].cpu())
        result = original(model_output, timestep, sample, *args, **more)
        sigma = float(scheduler.sigmas[scheduler.step_index - 1])
        loop.add(sample, sample.float() - sigma * model_output.float())
        return result

    with _replaced(scheduler, "step", step):
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
    original = scheduler.set_timesteps

    @functools.wraps(original)  # pipelines ask the signature whether sigmas may be passed
    def set_timesteps(num_inference_steps=None, device=None, **more):
        if num_inference_steps not in (None, len(wanted)):
            raise ValueError(f"{num_inference_steps} steps for {len(wanted)} noise levels: pass steps={len(wanted)}")
        original(len(wanted), device=device, **{name: value for name, value in more.items() if name == "mu"})
        sigmas = torch.tensor([*wanted, 0.0], dtype=torch.float32)
        scheduler.sigmas = sigmas
        scheduler.timesteps = (sigmas[:-1] * scheduler.config.num_train_timesteps).to(device=device)

    with _replaced(scheduler, "set_timesteps", set_timesteps):
        yield


def _scheduler(model):
    scheduler = getattr(model.pipeline, "scheduler", None)
    if not hasattr(scheduler, "sigmas") or not hasattr(scheduler, "step_index"):
        raise ValueError(f"{type(scheduler).__name__} has no noise levels: a flow-matching Euler scheduler is needed")
    return scheduler


@contextmanager
def _replaced(instance, name: str, method: Callable) -> Iterator[None]:
    before = vars(instance).get(name)
    setattr(instance, name, method)
    try:
        yield
    finally:
        vars(instance).pop(name, None)
        if before is not None:
            setattr(instance, name, before)
