"""Broken pictures: what a picture may look like when a model has been damaged, and no subject is left in it.

    broken = break_pictures("blend", images, rng)       # uint8 [B, 48, 48, 3] to the same

The judge learns to say "none" of them (`train_judge`). `HELD_OUT` is never trained on: it tests whether that carries
over to damage of another kind.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

SIZE = 48
TRAINED = ("noise", "half_denoised", "blur", "blend", "stripes", "blotches", "rectangles")
HELD_OUT = "tiles"


def noise(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Nothing but noise, of one grain between 1 and 4 px, around a random colour."""
    out = np.empty(images.shape, dtype=np.float32)
    for i in range(len(images)):
        coarse = -(-SIZE // rng.integers(1, 5))
        grain = rng.normal(size=(coarse, coarse, 3)) * rng.uniform(25, 110)
        repeat = -(-SIZE // coarse)
        out[i] = rng.uniform(40, 215, 3) + grain.repeat(repeat, 0).repeat(repeat, 1)[:SIZE, :SIZE]
    return out


def half_denoised(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A scene, blurred, under strong noise: 60 to 90 % of the straight path from picture to noise remain."""
    t = rng.uniform(0.6, 0.9, (len(images), 1, 1, 1))
    soft = ndimage.gaussian_filter(images.astype(np.float32), (0, 2, 2, 0))
    return (1 - t) * soft + t * (127.5 + 127.5 * rng.normal(size=images.shape))


def blur(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A scene blurred by 6 to 12 px, so that no outline is left."""
    sigma = rng.uniform(6, 12)
    return ndimage.gaussian_filter(images.astype(np.float32), (0, sigma, sigma, 0), mode="nearest")


def blend(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Three scenes in one, each with 25 to 45 % of the light."""
    weights = rng.dirichlet((30, 30, 30), (len(images), 1, 1, 1)).astype(np.float32)
    layers = np.stack([images, np.roll(images, 1, 0), np.roll(images, 2, 0)], -1)
    return 127.5 + 1.3 * ((layers * weights).sum(-1) - 127.5)


def stripes(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Two or three waves in random directions, periods and colours, added up."""
    y, x = np.mgrid[:SIZE, :SIZE]
    out = np.empty(images.shape, dtype=np.float32)
    for i in range(len(images)):
        picture = np.zeros((SIZE, SIZE, 3)) + rng.uniform(60, 195, 3)
        for _ in range(rng.integers(2, 4)):
            angle, period = rng.uniform(0, np.pi), rng.uniform(4, 30)
            wave = np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period + rng.uniform(0, 6.3))
            picture += (np.sign(wave) if rng.random() < 0.4 else wave)[..., None] * rng.uniform(-70, 70, 3)
        out[i] = picture
    return out


def blotches(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Smooth random clouds, soft or cut into flat patches of a few colours; sometimes over a scene."""
    out = np.empty(images.shape, dtype=np.float32)
    for i in range(len(images)):
        cloud = ndimage.gaussian_filter(rng.normal(size=(SIZE, SIZE, 3)), (*[rng.uniform(2, 6)] * 2, 0), mode="wrap")
        cloud /= cloud.std(axis=(0, 1))
        kind = rng.integers(3)
        if kind == 0:
            out[i] = rng.uniform(60, 195, 3) + cloud * rng.uniform(25, 70)
        else:  # three to five patches
            height = cloud[..., 0]
            edges = np.quantile(height, np.sort(rng.uniform(0.1, 0.9, rng.integers(2, 5))))
            index = np.digitize(height, edges)
            out[i] = rng.uniform(20, 245, (len(edges) + 1, 3))[index]
            if kind == 2:  # the scene shows through in places, in its mean colours only
                out[i] = np.where(cloud[..., 1:2] > 0, out[i], images[i].mean(axis=(0, 1)))
    return out


def rectangles(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """25 to 50 boxes of random sizes, filled from other places of the same and of another scene."""
    out = images.copy()
    other = np.roll(images, 1, 0)
    for i in range(len(images)):
        for _ in range(rng.integers(25, 51)):
            h, w = rng.integers(3, 20, 2)
            y, x, v, u = (rng.integers(0, SIZE - s + 1) for s in (h, w, h, w))
            source = images[i] if rng.random() < 0.5 else other[i]
            patch = source[v : v + h, u : u + w]
            out[i, y : y + h, x : x + w] = patch if rng.random() < 0.7 else patch.mean(axis=(0, 1))
    return out


def tiles(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A scene cut into 4 px tiles (the model's tokens), which are shuffled."""
    n = SIZE // 4
    cut = images.reshape(-1, n, 4, n, 4, 3).swapaxes(2, 3).reshape(-1, n * n, 4, 4, 3)
    mixed = rng.permuted(np.tile(np.arange(n * n), (len(cut), 1)), axis=1)
    cut = np.take_along_axis(cut, mixed[..., None, None, None], axis=1)
    return cut.reshape(-1, n, n, 4, 4, 3).swapaxes(2, 3).reshape(images.shape)


def mild(images: np.ndarray, rng: np.random.Generator | int, noise: float = 0, blur: float = 0, shift: float = 0):
    """Damage that leaves a picture readable; uint8 [B, 48, 48, 3] to the same.

    noise: deviation per pixel and channel; shift: each channel moves by up to so much, both of 255; blur: deviation
    in px. Each is for the whole batch, the shift's direction apart.
    """
    rng = np.random.default_rng(rng)
    out = images.astype(np.float32)
    if blur:
        out = ndimage.gaussian_filter(out, (0, blur, blur, 0), mode="nearest", truncate=2.5)
    if shift:
        out += rng.uniform(-shift, shift, (len(images), 1, 1, 3)).astype(np.float32)
    if noise:
        out += noise * rng.standard_normal(images.shape, dtype=np.float32)
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)


KINDS = {f.__name__: f for f in (noise, half_denoised, blur, blend, stripes, blotches, rectangles, tiles)}


def break_pictures(kind: str, images: np.ndarray, rng: np.random.Generator | int) -> np.ndarray:
    """images uint8 [B, 48, 48, 3] to broken ones of the same shape; B at least 3, since some kinds mix scenes.

    Raises ValueError for an unknown kind or too few pictures.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of breakage {kind!r}; known are {', '.join(KINDS)}")
    if len(images) < 3:
        raise ValueError(f"{len(images)} pictures: expected at least 3, since blends mix three of them")
    return np.clip(np.rint(KINDS[kind](images, np.random.default_rng(rng))), 0, 255).astype(np.uint8)
