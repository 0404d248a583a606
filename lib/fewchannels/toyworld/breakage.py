"""Broken pictures: no scene is left in them, so there is nothing to be named.

    broken = break_pictures("clouds", images, rng)      # uint8 [B, 48, 48, 3] to the same

The judge learns to say "none" of them (`train_judge`); what edits do to a scene that is still there is in `damage`.
`HELD_OUT` is never trained on: it tests whether "none" carries over to breakage of another kind.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

SIZE = 48
TRAINED = ("noise", "stripes", "clouds")
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


def clouds(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Smooth random clouds of colour, without an outline."""
    out = np.empty(images.shape, dtype=np.float32)
    for i in range(len(images)):
        cloud = ndimage.gaussian_filter(rng.normal(size=(SIZE, SIZE, 3)), (*[rng.uniform(2, 6)] * 2, 0), mode="wrap")
        out[i] = rng.uniform(60, 195, 3) + cloud / cloud.std(axis=(0, 1)) * rng.uniform(25, 70)
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


KINDS = {f.__name__: f for f in (noise, stripes, clouds, tiles)}


def break_pictures(kind: str, images: np.ndarray, rng: np.random.Generator | int) -> np.ndarray:
    """images uint8 [B, 48, 48, 3] to broken ones of the same shape. Raises ValueError for an unknown kind."""
    if kind not in KINDS:
        raise ValueError(f"unknown kind of breakage {kind!r}; known are {', '.join(KINDS)}")
    return np.clip(np.rint(KINDS[kind](images, np.random.default_rng(rng))), 0, 255).astype(np.uint8)
