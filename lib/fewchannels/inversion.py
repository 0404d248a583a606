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

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch

from .image_latents import encode, read_image, several
from .trajectories import Trajectory, record

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
    original, state = scheduler.step, {"seen": 0, "clean": None, "noise": None, "mask": None}

    def step(model_output, timestep, sample, *args, **more):
        first = scheduler.step_index is None
        result = original(model_output, timestep, sample, *args, **more)
        if first:
            if type(scheduler).__name__ in FLOWS and abs(float(scheduler.sigmas[0]) - 1) > 1e-3:
                raise ValueError(f"the first noise level is {float(scheduler.sigmas[0]):.3f}: re-noising needs 1")
            rows = slice(state["seen"], state["seen"] + len(sample))
            if rows.stop > len(clean):
                raise ValueError(f"{len(clean)} images, and sample {rows.stop - 1} has none: pass one a sample")
            state.update(seen=rows.stop, clean=_in_steps(model, clean[rows], sample), noise=sample.float())
            if mask is not None:
                state["mask"] = _over_latents(mask if mask.ndim == 2 else mask[rows], sample)
        if steps is not None and scheduler.step_index > steps:
            return result
        kept, sigma = _mixture(scheduler, scheduler.step_index, sample.device)
        drawn = (kept * state["clean"] + sigma * state["noise"]).to(sample.dtype)
        if mask is not None:
            drawn = torch.where(state["mask"], drawn, result[0] if isinstance(result, tuple) else result.prev_sample)
        return (drawn,) if isinstance(result, tuple) else type(result)(prev_sample=drawn)

    with _replaced(scheduler, step=step):
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
    set_timesteps, done, now = scheduler.set_timesteps, [], {}

    @functools.wraps(set_timesteps)
    def backwards(*args, **more):
        set_timesteps(*args, **more)
        now.update(call=0, sigmas=scheduler.sigmas.double().tolist(), base=None)
        scheduler.timesteps = scheduler.timesteps.flip(0).repeat_interleave(iterations)

    def step(model_output, timestep, sample, return_dict=True, **more):
        turn, inner = divmod(now["call"], iterations)
        last = len(now["sigmas"]) - 2
        base = sample.float() if now["base"] is None else now["base"] if inner else now["state"]
        gap = now["sigmas"][last - turn] - now["sigmas"][last - turn + 1]
        state = base + gap * model_output.float()
        now.update(call=now["call"] + 1, base=base, state=state)
        if now["call"] == (last + 1) * iterations:
            done.append(state)
        state = state.to(sample.dtype)
        return {"prev_sample": state} if return_dict else (state,)

    with _replaced(scheduler, set_timesteps=backwards, step=step):
        model.generate(captions, latents=clean, steps=steps, output="latent", **generation)
    noise = torch.cat(done)
    if noise.shape != clean.shape:  # packed in the pipeline's loop, as in FLUX.2
        noise = noise.permute(0, 2, 1).reshape(clean.shape)
    return noise


FLOWS = ("FlowMatchEulerDiscreteScheduler",)
NOISING = (*FLOWS, "DPMSolverMultistepScheduler")


def can_renoise(model) -> bool:
    """Whether `renoised` knows the noise levels of the model's scheduler."""
    return type(getattr(model.pipeline, "scheduler", None)).__name__ in NOISING


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
    return type(getattr(model.pipeline, "scheduler", None)).__name__ in FLOWS


def _scheduler(model, known: tuple[str, ...]):
    scheduler = getattr(model.pipeline, "scheduler", None)
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


@contextmanager
def _replaced(instance, **methods) -> Iterator[None]:
    for name, method in methods.items():
        setattr(instance, name, method)
    try:
        yield
    finally:
        for name in methods:
            delattr(instance, name)
