"""What a critic would do instead of moving channels: blend prompts, noisy pictures, or velocities.

    with interpolate_prompts(model, {"a small blue ring ...": "a large red star ..."}, weight=0.5):
        model.generate(targets, seed=0)

    with record_steps(model) as steps:
        model.generate(sources, seed=0)
    with blend_latents(model, steps, mask=masks):          # or blend_velocities
        model.generate(targets, seed=0)

Nothing here looks inside the transformer. `blend_latents` pastes one picture's noisy latents into another's after each
step, as Blended Diffusion does (Avrahami et al., 2022, arXiv 2111.14818), there with an image and here with another
prompt's trajectory from the same noise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch

from ..choices import chosen_steps
from ..masks.subjects import upsample
from ..scheduler import Step, noise_levels, stepping
from ..wrapping import around


class CannotMix(ValueError):
    """A pipeline does not say how it encodes a prompt, or encodes two prompts in two shapes."""


@dataclass
class Steps:
    """What the scheduler was given and gave at each step, [S, ...] on the CPU in its own dtype, S samples:
    `velocities`, the model's output (guidance included), and `latents` after the step. sigmas: float [T], the noise
    level at each."""

    velocities: list[torch.Tensor] = field(default_factory=list)
    latents: list[torch.Tensor] = field(default_factory=list)
    sigmas: np.ndarray | None = None

    @property
    def samples(self) -> int:
        return len(self.latents[0]) if self.latents else 0


@contextmanager
def record_steps(model) -> Iterator[Steps]:
    """Keep the latents and the model's outputs of every step of the generations inside."""
    kept = Steps()

    def visit(take, step, output, sample):
        result = take(output)
        kept.sigmas = noise_levels(model)
        for listed, tensor in ((kept.velocities, output), (kept.latents, result)):
            tensor = tensor.detach().to("cpu", copy=True)
            if step.rows.start == 0:
                listed.append(tensor)
            else:
                listed[step.index] = torch.cat([listed[step.index], tensor])
        return result

    with stepping(model, visit):
        yield kept


@contextmanager
def blend_latents(model, source: Steps, mask: np.ndarray | None = None, weight: float = 1.0, steps=None):
    """After each of `steps` (None: all), latents <- (1 - weight) latents + weight source latents inside the mask.

    source: from record_steps, as many samples, in the same order. mask: bool [h, w] or [S, h, w] on the grid of the
    model's tokens, as in inject; None for everywhere. Raises ValueError for what does not fit; the scheduler is left
    as it was, also after an exception.
    """
    _check(source, weight)

    def visit(take, step, output, sample):
        result = take(output)
        if not _chosen(step, steps):
            return result
        return _mixed(result, _of(source, "latents", model, step), _where(mask, step.rows, result), weight)

    with stepping(model, visit):
        yield


@contextmanager
def blend_velocities(model, source: Steps, mask: np.ndarray | None = None, weight: float = 1.0, steps=None):
    """The same with what the model says at each step: the velocity that it had on the source's own trajectory.
    Arguments and errors as for blend_latents."""
    _check(source, weight)

    def visit(take, step, output, sample):
        if _chosen(step, steps):
            output = _mixed(output, _of(source, "velocities", model, step), _where(mask, step.rows, output), weight)
        return take(output)

    with stepping(model, visit):
        yield


@contextmanager
def interpolate_prompts(model, sources: Mapping[str, str], weight: float) -> Iterator[None]:
    """Encode (1 - weight) of each target prompt and `weight` of its source: states and pooled vectors, word by word.

    sources: {target prompt: source prompt}; prompts that are not in it (an empty one, for guidance) stay as they are.
    Raises CannotMix where the two encodings have different shapes; the pipeline is left as it was.
    """
    _check_weight(weight)
    pipeline = model.pipeline
    if not callable(getattr(pipeline, "encode_prompt", None)):
        raise CannotMix(f"{type(pipeline).__name__} has no encode_prompt: its prompts cannot be interpolated here")

    def swapped(value):
        if isinstance(value, str):
            return sources.get(value, value)
        return [swapped(one) for one in value] if isinstance(value, list) else value

    def encode_prompt(encode, *args, **options):
        own = encode(*args, **options)
        named = {name: value if "negative" in name else swapped(value) for name, value in options.items()}
        other_args = [swapped(value) for value in args]
        if other_args == list(args) and named == options:
            return own
        return _between(own, encode(*other_args, **named), weight)

    with around(pipeline, "encode_prompt", encode_prompt):
        yield


def _between(own, other, weight):
    if isinstance(own, (tuple, list)):
        if len(own) != len(other):
            raise CannotMix(f"encodings of {len(own)} and {len(other)} parts")
        return type(own)(_between(a, b, weight) for a, b in zip(own, other, strict=True))
    if not torch.is_tensor(own) or not own.is_floating_point():
        return own
    if own.shape != other.shape:
        raise CannotMix(f"encodings of {tuple(own.shape)} and {tuple(other.shape)}: pad both prompts to one length")
    return (1 - weight) * own + weight * other


def _chosen(step: Step, steps) -> bool:
    chosen = chosen_steps(steps, step.total)
    return chosen is None or step.index in chosen


def _of(source: Steps, kind: str, model, step: Step) -> torch.Tensor:
    levels = noise_levels(model)
    if levels.shape != source.sigmas.shape or not np.allclose(levels, source.sigmas, atol=1e-4):
        raise ValueError(
            f"the source was recorded over {len(source.sigmas)} steps (noise levels {_span(source.sigmas)}), and this "
            f"run has {len(levels)} ({_span(levels)}): record it at the same"
        )
    kept = getattr(source, kind)[step.index]
    if step.rows.stop > len(kept):
        raise ValueError(f"{len(kept)} samples of the source, and sample {step.rows.stop - 1} has none")
    return kept[step.rows]


def _span(levels: np.ndarray) -> str:
    return f"{levels[0]:.3f} to {levels[-1]:.3f}"


def _where(mask, rows: slice, tensor: torch.Tensor) -> torch.Tensor:
    """A mask on the token grid as bool, in the form of latents [B, C, H, W] or packed [B, N, C]."""
    if mask is None:
        return torch.ones((), dtype=torch.bool, device=tensor.device)
    mask = np.asarray(mask)
    if mask.dtype != bool or mask.ndim not in (2, 3):
        raise ValueError(f"mask {mask.dtype} {mask.shape}: expected bool [h, w] or [samples, h, w]")
    mask = np.broadcast_to(mask, (rows.stop, *mask.shape)) if mask.ndim == 2 else mask
    if rows.stop > len(mask):
        raise ValueError(f"{len(mask)} masks, and sample {rows.stop - 1} has none: pass one a sample")
    own = mask[rows]
    if tensor.ndim == 4:
        return torch.from_numpy(upsample(own, tensor.shape[-2:])).to(tensor.device)[:, None]
    if tensor.ndim != 3 or own[0].size != tensor.shape[1]:
        raise ValueError(f"a mask on {own.shape[1:]} does not fit latents of shape {tuple(tensor.shape)}")
    return torch.from_numpy(own.reshape(len(own), -1, 1)).to(tensor.device)


def _mixed(own: torch.Tensor, other: torch.Tensor, where: torch.Tensor, weight: float) -> torch.Tensor:
    if own.shape != other.shape:
        raise ValueError(f"latents of {tuple(own.shape)}, and of the source {tuple(other.shape)}: use one image size")
    other = other.to(own.device, own.dtype)
    return torch.where(where, (1 - weight) * own + weight * other, own)


def _check(source: Steps, weight: float) -> None:
    if not isinstance(source, Steps):
        raise TypeError(f"source={type(source).__name__}: expected Steps from record_steps()")
    if not source.samples:
        raise ValueError("the recording is empty: generate inside `with record_steps(model)` first")
    _check_weight(weight)


def _check_weight(weight: float) -> None:
    if not 0 <= weight <= 1:
        raise ValueError(f"weight={weight}: expected 0 (the target alone) to 1 (the source alone)")
