"""Image files to latents: read, encoded by the pipeline's own autoencoder, scaled and packed as the pipeline does.

    clean = encode(model, ["star.png"])                    # what model.generate(latents=...) takes

What each family does with its latents is read from its parts: their configurations hold the shift, scale, mean and
deviation, the pipeline's own methods pack, and FLUX.2's encode.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError

from ..layouts import mentions

SMALLEST, LARGEST = 16, 50_000_000  # side in px; pixels in all


def encode(model, images, height: int | None = None, width: int | None = None) -> torch.Tensor:
    """Images to the latents that `generate(latents=)` takes: pixels in -1 to 1 where there is no VAE, else encoded,
    scaled, and packed where the pipeline packs. float32 [S, ...].

    height, width: of the run, in px (None: the model's defaults). Raises as `read_image` does, and ValueError naming
    the pipeline and its autoencoder where they give no latents of pictures.
    """
    pipeline = model.pipeline
    if pipeline is None:
        raise ValueError(f"{model.name} is a bare transformer: images need a whole pipeline")
    vae = getattr(pipeline, "vae", None)
    size = size_of(model, height, width)
    pixels = np.stack([read_image(image, size) for image in several(images)])
    pixels = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
    if vae is None:
        return pixels.to(model.device)
    pixels = pixels.to(device=model.device, dtype=vae.dtype)
    with torch.no_grad():
        if hasattr(pipeline, "_encode_vae_image") and hasattr(pipeline, "_patchify_latents"):
            each = [pipeline._encode_vae_image(one, generator=None) for one in pixels.split(1)]  # scaled by batch norm
            return torch.cat(each).float()
        latents = torch.cat([_normalised(pipeline, vae, one) for one in pixels.split(1)])  # memory of one at a time
    if hasattr(pipeline, "_pack_latents"):
        return pipeline._pack_latents(latents, *latents.shape)
    return latents


def decode(model, latents: torch.Tensor) -> torch.Tensor:
    """Latents [S, C, h, w] of a run as pictures, through the pipeline's autoencoder: float32 [S, 3, H, W], 0 to 1.

    Raises ValueError where the pipeline packs or normalises its latents in a way of its own, and for another shape.
    """
    vae = getattr(model.pipeline, "vae", None)
    scale = getattr(getattr(vae, "config", None), "scaling_factor", None)
    if scale is None or hasattr(model.pipeline, "_pack_latents") or latents.ndim != 4:
        raise ValueError(f"latents of shape {tuple(latents.shape)}: {model.name} has a way of its own to decode them")
    shift = getattr(vae.config, "shift_factor", None) or 0
    scaled = latents.to(device=model.device, dtype=vae.dtype) / scale + shift
    with torch.no_grad():
        drawn = torch.cat([vae.decode(one, return_dict=False)[0] for one in scaled.split(8)])  # memory of few at a time
    return (drawn.float() / 2 + 0.5).clamp(0, 1).cpu()


def size_of(model, height: int | None = None, width: int | None = None) -> tuple[int, int]:
    """Height and width in px of what a run draws. Raises ValueError where neither the pipeline nor the caller says."""
    pipeline, transformer = model.pipeline, model.transformer
    side = getattr(pipeline, "default_sample_size", None) or getattr(transformer.config, "sample_size", None)
    scale = getattr(pipeline, "vae_scale_factor", 8) if getattr(pipeline, "vae", None) is not None else 1
    default = side * scale if isinstance(side, int) else None
    height, width = height or model.defaults.get("height", default), width or model.defaults.get("width", default)
    if height is None or width is None:
        raise ValueError(f"{type(pipeline).__name__} tells no default image size: pass height= and width=")
    return height, width


def _normalised(pipeline, vae, pixels: torch.Tensor) -> torch.Tensor:
    """[S, C, h, w] with the mean and scale that the pipeline takes back before it decodes."""
    config = vae.config
    film = hasattr(config, "temperal_downsample")  # Qwen-Image's is one of films, and a picture one of a frame
    encoded = vae.encode(pixels[:, :, None] if film else pixels)
    if hasattr(encoded, "latent_dist"):
        latents = encoded.latent_dist.mode()
    else:  # AutoencoderTiny has the latter
        latents = getattr(encoded, "latent", getattr(encoded, "latents", None))
    if latents is not None and latents.ndim == 5 and latents.shape[2] == 1:
        latents = latents[:, :, 0]
    mean, deviation = getattr(config, "latents_mean", None), getattr(config, "latents_std", None)
    scale = getattr(config, "scaling_factor", None)
    if latents is None or latents.ndim != 4 or (scale is None and (mean is None or deviation is None)):
        raise ValueError(
            f"{type(pipeline).__name__} with {type(vae).__name__} gives no latents [S, C, h, w] of a known scale, so "
            f"images cannot enter it yet"
        )
    latents = latents.float()
    if mean is not None and deviation is not None:
        mean, deviation = (torch.tensor(x, device=latents.device).view(1, -1, 1, 1) for x in (mean, deviation))
        return (latents - mean) / deviation
    # Not every pipeline takes the shift back that its autoencoder's configuration may name; its own code tells.
    shifts = mentions(type(pipeline), "__call__", "shift_factor")
    return (latents - ((getattr(config, "shift_factor", None) or 0.0) if shifts else 0.0)) * scale


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


def several(images) -> list:
    if isinstance(images, (str, Path, Image.Image)):
        return [images]
    shape = getattr(images, "shape", None)
    one = shape is not None and (len(shape) == 2 or (len(shape) == 3 and shape[2] in (3, 4)))
    return [images] if one else list(images)
