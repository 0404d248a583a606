"""An image to a trajectory, so that its channels can be transported (paper, image-conditioned transport).

    source = image_trajectory(model, "star.png", "a large red star at the center on a plain white background", massive)
    moved = fc.transport(model, source, target_prompts, massive)

The paper does not say how the image enters. Two ways, both measured in the book: "renoise" hands the model at each
step the image itself, noised to that step's level, with its own caption (as SDEdit does once, Meng et al., 2022);
"invert" runs the flow's Euler steps backwards from the image to the noise that leads to it (as DDIM inversion does
for diffusion, Song et al., 2021), and then generates from there. Both need a flow-matching Euler scheduler.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError

from .trajectories import Trajectory, record

SMALLEST, LARGEST = 16, 50_000_000  # side in px; pixels in all


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
    images, captions = _several(images), [captions] if isinstance(captions, str) else list(captions)
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
    """While open, each step of a generation sees (1 - sigma) clean + sigma noise, whatever the model said before.

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
    scheduler = _flow_scheduler(model)
    original, state = scheduler.step, {"seen": 0, "clean": None, "noise": None, "mask": None}

    def step(model_output, timestep, sample, *args, **more):
        first = scheduler.step_index is None
        result = original(model_output, timestep, sample, *args, **more)
        if first:
            if abs(float(scheduler.sigmas[0]) - 1) > 1e-3:
                raise ValueError(f"the first noise level is {float(scheduler.sigmas[0]):.3f}: re-noising needs 1")
            rows = slice(state["seen"], state["seen"] + len(sample))
            if rows.stop > len(clean):
                raise ValueError(f"{len(clean)} images, and sample {rows.stop - 1} has none: pass one a sample")
            state.update(seen=rows.stop, clean=_in_steps(model, clean[rows], sample), noise=sample.float())
            if mask is not None:
                state["mask"] = _over_latents(mask if mask.ndim == 2 else mask[rows], sample)
        if steps is not None and scheduler.step_index > steps:
            return result
        sigma = scheduler.sigmas[scheduler.step_index].to(sample.device)
        drawn = ((1 - sigma) * state["clean"] + sigma * state["noise"]).to(sample.dtype)
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
    scheduler = _flow_scheduler(model)
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


def encode(model, images, height: int | None = None, width: int | None = None) -> torch.Tensor:
    """Images to the latents that `generate(latents=)` takes: pixels in -1 to 1 where there is no VAE, else encoded,
    scaled, and packed where the pipeline packs. float32 [S, ...]. Raises as `read_image` does."""
    pipeline, transformer = model.pipeline, model.transformer
    if pipeline is None:
        raise ValueError(f"{model.name} is a bare transformer: images need a whole pipeline")
    vae = getattr(pipeline, "vae", None)
    side = getattr(pipeline, "default_sample_size", None) or getattr(transformer.config, "sample_size", None)
    default = side * getattr(pipeline, "vae_scale_factor", 8) if vae is not None and side else side
    height, width = height or default, width or default
    if height is None or width is None:
        raise ValueError(f"{type(pipeline).__name__} tells no default image size: pass height= and width=")
    pixels = np.stack([read_image(image, (height, width)) for image in _several(images)])
    pixels = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
    if vae is None:
        return pixels.to(model.device)
    pixels = pixels.to(device=vae.device, dtype=vae.dtype)
    with torch.no_grad():
        if hasattr(pipeline, "_encode_vae_image") and hasattr(pipeline, "_patchify_latents"):
            return pipeline._encode_vae_image(pixels, generator=None).float()  # FLUX.2 scales by batch-norm statistics
        encoded = vae.encode(pixels)
    latents = encoded.latent_dist.mode() if hasattr(encoded, "latent_dist") else getattr(encoded, "latent", None)
    if latents is None or latents.ndim != 4:
        raise ValueError(f"{type(vae).__name__} gives no latents [S, C, h, w]: no images for this model yet")
    shift = getattr(vae.config, "shift_factor", None) or 0.0
    latents = (latents.float() - shift) * vae.config.scaling_factor
    if hasattr(pipeline, "_pack_latents"):
        return pipeline._pack_latents(latents, *latents.shape)
    return latents


def read_image(image, size: tuple[int, int] | None = None) -> np.ndarray:
    """A file, PIL image or array as uint8 [H, W, 3], upright, on white where it is transparent; with a size
    (height, width) the largest middle part of that shape, resized.

    Raises FileNotFoundError for a path without a file, ValueError for what is no image, has a side below 16 px or
    more than 50 million pixels.
    """
    if isinstance(image, (str, Path)):
        if not Path(image).is_file():
            raise FileNotFoundError(f"no image file at {str(image)!r}")
        try:
            image = Image.open(image)
        except UnidentifiedImageError:
            raise ValueError(f"{str(image)!r} is no image file: expected a PNG, JPEG or WebP") from None
        except Image.DecompressionBombError as error:
            raise ValueError(f"the image is too large: {error}") from None
    elif not isinstance(image, Image.Image):
        image = _from_array(image)
    across, down = image.size
    if min(across, down) < SMALLEST:
        raise ValueError(f"the image is {across} x {down} px: expected at least {SMALLEST} px a side")
    if across * down > LARGEST:
        raise ValueError(f"the image is {across} x {down} px: expected at most {LARGEST // 10**6} million pixels")
    try:
        image = ImageOps.exif_transpose(image).convert("RGBA")
    except OSError as error:
        raise ValueError(f"the image file is damaged: {error}") from None
    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    if size is not None and image.size != (size[1], size[0]):
        image = ImageOps.fit(image, (size[1], size[0]), Image.Resampling.LANCZOS)
    return np.asarray(image)


def _from_array(image) -> Image.Image:
    array = image.detach().cpu().numpy() if hasattr(image, "detach") else np.asarray(image)
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise ValueError(f"an array of shape {array.shape} is no image: expected [H, W], [H, W, 3] or [H, W, 4]")
    if array.dtype != np.uint8:
        if array.dtype.kind != "f" or not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
            raise ValueError(f"an image array of {array.dtype}: expected uint8, or floats between 0 and 1")
        array = np.rint(array * 255).astype(np.uint8)
    return Image.fromarray(array)


def _several(images) -> list:
    if isinstance(images, (str, Path, Image.Image)):
        return [images]
    shape = getattr(images, "shape", None)
    one = shape is not None and (len(shape) == 2 or (len(shape) == 3 and shape[2] in (3, 4)))
    return [images] if one else list(images)


def _flow_scheduler(model):
    scheduler = getattr(model.pipeline, "scheduler", None)
    if type(scheduler).__name__ != "FlowMatchEulerDiscreteScheduler":
        raise ValueError(
            f"the scheduler is {type(scheduler).__name__}: an image's trajectory needs FlowMatchEulerDiscreteScheduler "
            "(set model.pipeline.scheduler to one made from its config, where the model is a flow model)"
        )
    return scheduler


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
