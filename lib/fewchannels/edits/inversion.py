"""An image to a trajectory, so that its channels can be transported (paper, image-conditioned transport).

    source = image_trajectory(model, "star.png", "a large red star at the center on a plain white background", massive)
    moved = fc.transport(model, source, target_prompts, massive)

The paper does not say how the image enters. Two ways, both measured in the book: "renoise" hands the model at each
step the image itself, noised to that step's level, with its own caption (as SDEdit does once, Meng et al., 2022);
"invert" runs the flow's Euler steps backwards from the image to the noise that leads to it (as DDIM inversion does
for diffusion, Song et al., 2021), and then generates from there. Inversion needs a flow-matching Euler scheduler;
re-noising also takes DPM-Solver, whose noise levels are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch

from ..scheduler import first_step, noise_share, scheduler_of, stepping
from ..watch.trajectories import Trajectory, record
from ..wrapping import around
from .image_latents import encode, read_image, several

__all__ = ["can_invert", "can_renoise", "encode", "image_trajectory", "inverted_noise", "read_image", "renoised"]


def image_trajectory(
    model,
    images,
    captions: str | Sequence[str],
    channels=None,
    how: str = "renoise",
    *,
    seed: int = 0,
    steps: int | None = None,
    iterations: int = 1,
    dtype: str | None = None,
    **generation,
) -> Trajectory:
    """Record the channels that the model holds when it draws given images.

    images: one or several of a file's path, a PIL image, or an array [H, W], [H, W, 3] or [H, W, 4] (uint8, or floats
    in 0 to 1); the middle is cut out and resized to what the model draws. captions: one each. channels, dtype: as for
    record. how: "renoise" (noise from `seed`, as in generate) or "invert" (`iterations` as for inverted_noise).
    generation: to model.generate (height, width, guidance_scale, batch_size, ...).

    Returns a Trajectory with images uint8 [S, H, W, 3] (what came back: the images themselves, or their
    reconstruction), prompts, and latents, the noise it starts from, where it was inverted. Raises ValueError and
    FileNotFoundError for what is no image, too small or too large, and for captions that do not fit in number.
    """
    if how not in ("renoise", "invert"):
        raise ValueError(f"how={how!r}: expected 'renoise' or 'invert'")
    images, captions = several(images), [captions] if isinstance(captions, str) else list(captions)
    if len(images) != len(captions):
        raise ValueError(f"{len(images)} images and {len(captions)} captions: pass one caption an image")
    clean = encode(model, images, generation.get("height"), generation.get("width"))
    given = {"seed": seed, "steps": steps, **generation}
    if how == "invert":
        noise = inverted_noise(model, clean, captions, steps=steps, iterations=iterations, **generation)
        with record(model, channels, dtype=dtype) as trajectory:
            trajectory.images = model.generate(captions, latents=noise, **given)
        trajectory.latents = noise
    else:
        with record(model, channels, dtype=dtype) as trajectory, renoised(model, clean):
            trajectory.images = model.generate(captions, **given)
    trajectory.prompts = captions
    return trajectory


@contextmanager
def renoised(model, clean: torch.Tensor, steps: int | None = None, mask: np.ndarray | None = None) -> Iterator[None]:
    """While open, each step of a generation sees (1 - sigma) clean + sigma noise, whatever the model said before; with
    DPM-Solver on a diffusion model, alpha clean + sigma noise.

    clean: latents of S images from `encode`, one for each sample that is generated; noise: what each sample starts
    from. The last step gives the images back. steps: only so many steps at the start; then the model goes on alone,
    which is SDEdit's image-to-image (Meng et al., 2022). mask: bool [h, w] or [S, h, w] on any grid that divides the
    latents' own (for packed latents: one entry a token); the rest of the picture stays the model's, which is pasting
    latents (as in Blended Diffusion, Avrahami et al., 2022).

    Raises ValueError where images, samples, steps and mask do not fit; the scheduler is always left as it was.
    """
    if steps is not None and steps < 1:
        raise ValueError(f"steps={steps}: expected at least 1, or None for all")
    if mask is not None:
        mask = np.asarray(mask)
        if mask.dtype != bool or mask.ndim not in (2, 3) or (mask.ndim == 3 and len(mask) != len(clean)):
            raise ValueError(f"mask of {mask.dtype} {mask.shape}: expected bool [h, w] or [{len(clean)}, h, w]")
    scheduler = _scheduler(model, NOISING)
    state = {"clean": None, "noise": None, "mask": None}

    def visit(take, step, output, sample):
        result = take(output)
        if step.index == 0:
            level = noise_share(scheduler)[0]
            if first_step(scheduler) or (type(scheduler).__name__ in FLOWS and abs(level - 1) > 1e-3):
                raise ValueError(f"the first noise level is {level:.3f}: re-noising needs 1")
            if step.rows.stop > len(clean):
                raise ValueError(f"{len(clean)} images, and sample {step.rows.stop - 1} has none: pass one a sample")
            state.update(clean=_in_steps(model, clean[step.rows], sample), noise=sample.float())
            if mask is not None:
                state["mask"] = _over_latents(mask if mask.ndim == 2 else mask[step.rows], sample)
        if steps is not None and step.index + 1 > steps:
            return result
        kept, sigma = _mixture(scheduler, step.index + 1, sample.device)
        drawn = (kept * state["clean"] + sigma * state["noise"]).to(sample.dtype)
        return drawn if mask is None else torch.where(state["mask"], drawn, result)

    with stepping(model, visit):
        yield


def inverted_noise(
    model, clean: torch.Tensor, captions, steps: int | None = None, iterations: int = 1, **generation
) -> torch.Tensor:
    """The noise from which the model's own Euler steps lead back to images: [S, ...] as `generate(latents=)` takes it.

    clean: latents [S, ...] from `encode`. Backwards, x = x' - (sigma' - sigma) v(x, sigma) has x on both sides:
    `iterations` = 1 takes v at x' (plain Euler backwards, quick, with an error that falls with the step size), more
    iterate to the fixed point, which is exact where they converge. Pass the same `steps` and options to generate. The
    result need not look like standard noise: flat rendered pictures of the toy world lead to a smaller spread.
    """
    if iterations < 1:
        raise ValueError(f"iterations={iterations}: expected at least 1")
    scheduler = _scheduler(model, FLOWS)
    done, sigmas, base, state = [], [], None, None

    def backwards(set_timesteps, *args, **more):
        nonlocal sigmas
        set_timesteps(*args, **more)
        sigmas = scheduler.sigmas.double().tolist()
        scheduler.timesteps = scheduler.timesteps.flip(0).repeat_interleave(iterations)

    def visit(take, step, output, sample):
        nonlocal base, state
        turn, inner = divmod(step.index, iterations)
        if inner == 0:
            base = state if turn else sample.float()
        last = len(sigmas) - 2
        state = base + (sigmas[last - turn] - sigmas[last - turn + 1]) * output.float()
        if step.index + 1 == step.total:
            done.append(state)
        return state.to(sample.dtype)

    with around(scheduler, "set_timesteps", backwards), stepping(model, visit):
        model.generate(captions, latents=clean, steps=steps, output="latent", **generation)
    noise = torch.cat(done)
    if noise.shape != clean.shape:  # packed in the pipeline's loop, as in FLUX.2
        noise = noise.permute(0, 2, 1).reshape(clean.shape)
    return noise


FLOWS = ("FlowMatchEulerDiscreteScheduler",)
NOISING = (*FLOWS, "DPMSolverMultistepScheduler")


def can_renoise(model) -> bool:
    """Whether `renoised` knows the noise levels of the model's scheduler."""
    return type(scheduler_of(model)).__name__ in NOISING


def why_no_picture(model) -> str:
    """Why no picture can enter the model's run, in words; "" where it can."""
    if not can_renoise(model):
        scheduler = type(getattr(model.pipeline, "scheduler", None)).__name__
        return f"the noise levels of its scheduler, {scheduler}, are not known here"
    try:
        encode(model, np.full((64, 64, 3), 128, np.uint8))
    except (ValueError, NotImplementedError) as error:
        return str(error)
    return ""


def can_invert(model) -> bool:
    """Whether `inverted_noise` can run the steps of the model's scheduler backwards."""
    return type(scheduler_of(model)).__name__ in FLOWS


def _scheduler(model, known: tuple[str, ...]):
    scheduler = scheduler_of(model)
    if type(scheduler).__name__ not in known:
        raise ValueError(
            f"the scheduler of {type(model.pipeline).__name__} is {type(scheduler).__name__}: an image's trajectory "
            f"needs {' or '.join(known)} (set model.pipeline.scheduler to one made from its config, where that fits "
            f"the model)"
        )
    return scheduler


def _mixture(scheduler, index: int, device) -> tuple[torch.Tensor, torch.Tensor]:
    """How much of the picture and how much of the noise a sample holds before step `index`."""
    sigma = scheduler.sigmas[index].to(device)
    if type(scheduler).__name__ in FLOWS:
        return 1 - sigma, sigma
    return scheduler._sigma_to_alpha_sigma_t(sigma)


def _in_steps(model, clean: torch.Tensor, sample: torch.Tensor) -> torch.Tensor:
    """Latents in the form in which the pipeline's loop holds them."""
    if clean.shape != sample.shape and clean.ndim == 4 and hasattr(model.pipeline, "_pack_latents"):
        clean = model.pipeline._pack_latents(clean)
    if clean.shape != sample.shape:
        raise ValueError(
            f"latents of the images {tuple(clean.shape)} do not fit those of the run {tuple(sample.shape)}: pass the "
            "height and width of the run to encode"
        )
    return clean.to(sample.device).float()


def _over_latents(mask: np.ndarray, sample: torch.Tensor) -> torch.Tensor:
    """A token mask [h, w] or [B, h, w] as bool over latents [B, C, H, W], or [B, N, C] where they are packed."""
    (h, w), rows = mask.shape[-2:], torch.from_numpy(mask).to(sample.device).reshape(-1, 1, *mask.shape[-2:])
    if sample.ndim == 3 and sample.shape[1] == h * w:
        return rows.reshape(-1, h * w, 1)
    if sample.ndim != 4 or sample.shape[2] % h or sample.shape[3] % w:
        raise ValueError(
            f"a mask on a grid {(h, w)} does not fit latents {tuple(sample.shape)}: bring it to their grid"
        )
    return rows.repeat_interleave(sample.shape[2] // h, 2).repeat_interleave(sample.shape[3] // w, 3)
