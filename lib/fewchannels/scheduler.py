"""The scheduler of a run: which of its steps run, what it knows of noise, and what stands around its `step`.

    with stepping(model, visit):                                 # visit(take, step, output, sample) -> latents
        model.generate(prompts)
    noise_levels(model)                                          # [T], 1 is nothing but noise
    alpha, sigma = signal_and_noise(scheduler)                   # [T] each: x = alpha clean + sigma noise
    clean_estimate(scheduler, output, x, alpha[t], sigma[t])     # the clean picture that the model expects

All are of the T steps that run: image-to-image begins later in the schedule, at the scheduler's `begin_index`.

Flow matching has alpha = 1 - sigma and predicts noise minus picture (Esser et al., 2024, arXiv 2403.03206). DDPM,
DDIM and DPM-Solver keep alpha^2 + sigma^2 = 1, and mostly predict the noise (Ho et al., 2020, arXiv 2006.11239).
Euler's own form of diffusion has alpha = 1 (Karras et al., 2022, arXiv 2206.00364). The share of noise,
sigma / (alpha + sigma), is the noise level t of the flow with the same ratio of noise to picture.
"""

from __future__ import annotations

import inspect
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from .wrapping import around

KARRAS = ("EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler", "HeunDiscreteScheduler")
STEP = ("model_output", "timestep", "sample")  # what every `step` takes, the first of them first
KINDS = ("epsilon", "v_prediction", "sample")
Stepped = namedtuple("Stepped", "prev_sample")  # read as a tuple or by name, as pipelines do


def scheduler_of(model):
    """The scheduler of the model's pipeline, None where there is none."""
    return getattr(model.pipeline, "scheduler", None)


def first_step(scheduler) -> int:
    """Where in the schedule the run begins: 0, or later where only the end of it is run."""
    return getattr(scheduler, "begin_index", None) or 0


def step_count(model) -> int | None:
    """How many steps the run has, as `Model.trajectory` says or else the scheduler; None where nothing tells."""
    if model.run is not None and model.run.steps is not None:
        return model.run.steps
    timesteps = getattr(scheduler_of(model), "timesteps", None)
    return None if timesteps is None else len(timesteps) - first_step(scheduler_of(model))


def noise_levels(model) -> np.ndarray | None:
    """float [T]: the share of noise at each step of the run that the scheduler was last set to, or where that is not
    known the share of the steps that is still to go. None for a model without a scheduler."""
    scheduler = scheduler_of(model)
    if getattr(scheduler, "timesteps", None) is None:
        return None
    try:
        return noise_share(scheduler)
    except ValueError:
        count = len(scheduler.timesteps)
        return 1 - np.arange(first_step(scheduler), count) / count


def is_flow(scheduler) -> bool:
    """Whether the model behind it is a flow, whose velocity is noise minus picture."""
    config = scheduler.config
    named = type(scheduler).__name__.startswith("FlowMatch")
    return bool(named or config.get("use_flow_sigmas") or config.get("prediction_type") == "flow_prediction")


def signal_and_noise(scheduler) -> tuple[np.ndarray, np.ndarray]:
    """alpha, sigma float [T] at each step of the run that the scheduler is set to: x = alpha clean + sigma noise.

    Raises ValueError for a scheduler whose noise levels are not known here.
    """
    run = slice(first_step(scheduler), len(scheduler.timesteps))
    if getattr(scheduler, "sigmas", None) is not None:
        sigma = np.asarray(torch.as_tensor(scheduler.sigmas).cpu(), np.float64)[run]
        if is_flow(scheduler):
            return 1 - sigma, sigma
        if hasattr(scheduler, "_sigma_to_alpha_sigma_t"):  # its sigmas are the ratio of noise to picture
            alpha = 1 / np.sqrt(1 + sigma**2)
            return alpha, alpha * sigma
        if type(scheduler).__name__ in KARRAS:
            return np.ones(len(sigma)), sigma
    elif hasattr(scheduler, "alphas_cumprod"):
        at = torch.as_tensor(scheduler.timesteps).cpu().long()[run]
        kept = scheduler.alphas_cumprod.cpu()[at].double().numpy()
        return np.sqrt(kept), np.sqrt(1 - kept)
    raise ValueError(f"{type(scheduler).__name__} has noise levels of a kind that is not known here")


def noise_share(scheduler) -> np.ndarray:
    """float [T]: how much of what the model sees is noise, 1 for nothing else; of a flow its sigma. Errors as for
    `signal_and_noise`."""
    alpha, sigma = signal_and_noise(scheduler)
    return sigma if is_flow(scheduler) else sigma / (alpha + sigma)


def clean_estimate(scheduler, output: torch.Tensor, sample: torch.Tensor, alpha: float, sigma: float) -> torch.Tensor:
    """The clean picture that a prediction `output` expects behind `sample`, both [B, ...]: float32 [B, ...].

    An output with twice the channels holds a variance in its second half, which is left out. Raises ValueError for a
    kind of prediction that is not known here.
    """
    sample = sample.float()
    if output.shape != sample.shape and output.shape[1] == 2 * sample.shape[1]:
        output = output.chunk(2, dim=1)[0]
    output = output.float()
    if is_flow(scheduler):
        return sample - sigma * output
    kind = scheduler.config.get("prediction_type", "epsilon")
    if kind == "epsilon":
        return (sample - sigma * output) / alpha
    if kind == "v_prediction" and abs(alpha**2 + sigma**2 - 1) < 1e-4:
        return alpha * sample - sigma * output
    if kind == "sample":
        return output
    raise ValueError(
        f"{type(scheduler).__name__} predicts {kind!r}: the clean picture is read from a flow, or from "
        f"{', '.join(KINDS)}"
    )


class Clock:
    """Where a run is when its first forward or step is seen, which is later than its beginning where a context was
    opened while it ran. Made when the context opens."""

    def __init__(self, model):
        self._model, self._joined = model, model.run
        self._stepped, self._passes = (0, 0) if model.run is None else (model.run.stepped, model.run.passes)

    def place(self) -> int:
        """The number of steps that were taken before the one that comes next. Raises RuntimeError where the context was
        opened within a step."""
        run, scheduler = self._model.run, scheduler_of(self._model)
        if run is not None:
            if run is not self._joined:
                return 0
            if self._passes:
                raise RuntimeError(
                    f"the context was opened within step {self._stepped} of a run, after a forward of it: open it "
                    f"before the run, or between two steps (callback_on_step_end)"
                )
            return self._stepped
        index, first = getattr(scheduler, "step_index", None), first_step(scheduler)
        # Past the end it is of a run that is over.
        return index - first if index is not None and first < index < len(scheduler.timesteps) else 0


def refuse_late_start(scheduler, timestep) -> None:
    """Raise RuntimeError where a run, at its first step, is not where the scheduler says that it begins."""
    times = [float(t) for t in scheduler.timesteps]
    first, now = first_step(scheduler), float(timestep)
    if now in times and first < len(times) and now != times[first]:
        at = times.index(now)
        raise RuntimeError(
            f"the first step that was seen is step {at} of the {len(times)} of {type(scheduler).__name__}, which "
            f"begins at {first}: its number and noise level are not known. Open the context before the run; where the "
            f"schedule is shortened, say so by scheduler.set_begin_index({at}), or set scheduler.timesteps to those "
            f"that run"
        )


@contextmanager
def around_step(scheduler, visit: Callable) -> Iterator[None]:
    """While open, a step is visit(take, output, timestep, sample) -> latents; take(output) takes it, and gives the
    latents after it."""
    parameters = inspect.signature(scheduler.step).parameters
    names = parameters if set(STEP) <= set(parameters) else STEP

    def layer(inner, *args, **kwargs):
        given, result = {**dict(zip(names, args, strict=False)), **kwargs}, None

        def take(output):
            nonlocal result
            result = inner(output, *args[1:], **{name: kwargs[name] for name in kwargs if name != STEP[0]})
            return result if torch.is_tensor(result) else result[0]

        latents = visit(take, *(given[name] for name in STEP))
        if result is None:
            return Stepped(latents)
        if torch.is_tensor(result):
            return latents
        if latents is result[0]:
            return result
        if isinstance(result, tuple):
            return (latents, *result[1:])
        return type(result)(**{**result, "prev_sample": latents})

    with around(scheduler, "step", layer):
        yield


@dataclass(frozen=True)
class Step:
    """A step of a run that is seen from its beginning. index: from 0; total: the steps of the run; rows: which samples
    it is about, counting on over the runs of a context."""

    index: int
    total: int
    rows: slice


@contextmanager
def stepping(model, visit: Callable) -> Iterator[None]:
    """While open, each step of the model's scheduler is visit(take, step, output, sample) -> latents; step: a `Step`,
    take(output): takes it, and gives the latents after it.

    Raises ValueError for a model without a scheduler, and RuntimeError for a run that had begun before, or one by
    another scheduler.
    """
    scheduler, clock = scheduler_of(model), Clock(model)
    if not callable(getattr(scheduler, "step", None)):
        raise ValueError(f"{model.name} has no scheduler, so what its loop holds cannot be seen: load a whole pipeline")
    run, step = (None, None), None

    def counted(take, output, timestep, sample):
        nonlocal run, step
        now = model.run, scheduler.timesteps
        total = len(scheduler.timesteps) - first_step(scheduler)
        if step is None or any(a is not b for a, b in zip(now, run, strict=True)) or step.index + 1 == step.total:
            if place := clock.place():
                raise RuntimeError(f"the context was opened at step {place} of a run: open it before the run begins")
            refuse_late_start(scheduler, timestep)
            seen = 0 if step is None else step.rows.stop
            run, step = now, Step(0, total, slice(seen, seen + len(sample)))
        else:
            step = Step(step.index + 1, total, step.rows)
        return visit(take, step, output, sample)

    with around_step(scheduler, counted):
        yield
    if scheduler_of(model) is not scheduler:
        raise RuntimeError(f"the {type(scheduler).__name__} was replaced inside the context: replace it before")
