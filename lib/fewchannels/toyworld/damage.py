"""What edits do to pictures, done to rendered scenes, and what can still be named afterwards.

    hurt = damage(images, owners, rng)      # uint8 [B, 48, 48, 3], and whose subject covers each pixel
    hurt.images, hurt.owners, hurt.shown    # which subjects are still there, by the rule of `visible`

Grain, washing out, blur, shifts of colour and contrast, blotches, patches of another scene, another scene shining
through, bent outlines: each picture gets a few of them or none. A subject that can be seen afterwards keeps its label,
also one that came with another scene; one that is gone loses it; what lies between is not trained on. So the judge
learns that a damaged picture is a picture (`train_judge`). No picture by a model is among them.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from .prompts import POSITIONS
from .visible import GONE, VISIBLE, contrast

SIZE = 48
NOBODY, DOUBTFUL = len(POSITIONS), 255  # in owners: no subject; one that is neither visible nor gone
NONE, DOUBT = -1, -2  # in shown


@dataclass(frozen=True)
class Damaged:
    """images: uint8 [B, 48, 48, 3]. owners: uint8 [B, 48, 48], the position whose visible subject covers a pixel,
    `NOBODY`, or `DOUBTFUL`. shown: int [B, 5], for each position the index of the picture from which the subject came
    that is visible there (its own or another one's), `NONE`, or `DOUBT`. known: bool [B], whether the background is
    still its own. before: uint8 [B, 48, 48, 3], the pictures with all that moved or covered something, and without
    blur, grain and changes of colour."""

    images: np.ndarray
    owners: np.ndarray
    shown: np.ndarray
    known: np.ndarray
    before: np.ndarray


def grain(images: np.ndarray, deviation: float | np.ndarray, rng: np.random.Generator, size: int = 1) -> np.ndarray:
    """Gaussian noise of this deviation (of 255, a number or one a picture) in each channel, on squares of `size` px."""
    coarse = -(-SIZE // size)
    noise = rng.standard_normal((len(images), coarse, coarse, 3), dtype=np.float32)
    noise = noise.repeat(size, axis=1).repeat(size, axis=2)[:, :SIZE, :SIZE]
    return images + np.reshape(np.asarray(deviation, np.float32), (-1, 1, 1, 1)) * noise


def washed(images: np.ndarray, share: float | np.ndarray, tint: np.ndarray) -> np.ndarray:
    """Pictures mixed with one colour: share in 0 to 1, a number or one a picture; tint [B, 3] of 255."""
    share = np.reshape(np.asarray(share, np.float32), (-1, 1, 1, 1))
    return (1 - share) * images + share * np.asarray(tint, np.float32)[:, None, None]


def blurred(images: np.ndarray, sigma: float | np.ndarray) -> np.ndarray:
    """Gaussian blur; sigma in px, a number or one a picture."""
    sigma = np.broadcast_to(np.asarray(sigma, np.float32), len(images))[:, None, None]
    apart = np.arange(SIZE)[:, None] - np.arange(SIZE)
    rows = np.exp(-0.5 * np.square(apart / np.maximum(sigma, 0.05)))
    rows = (rows / rows.sum(axis=2, keepdims=True)).astype(np.float32)
    planes = np.moveaxis(np.asarray(images, np.float32), 3, 1)
    return np.moveaxis(rows[:, None] @ planes @ rows[:, None].swapaxes(2, 3), 1, 3)


def recoloured(images: np.ndarray, gain: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Each channel stretched around middle grey and moved: gain and shift [B, 3]."""
    return (images - 127.5) * gain[:, None, None] + 127.5 + shift[:, None, None]


@functools.cache
def _bumps(cells: int) -> np.ndarray:
    at = (np.arange(SIZE) + 0.5) * cells / SIZE - 0.5
    rows = np.exp(-0.5 * np.square((at[:, None] - np.arange(-1, cells + 1)) / 0.6))
    return (rows / np.sqrt(np.square(rows).sum(axis=1, keepdims=True))).astype(np.float32)


def cloud(rng: np.random.Generator, cells: int) -> np.ndarray:
    """A smooth random field [48, 48] of mean 0 and deviation 1, with about so many bumps a side."""
    rows = _bumps(cells)
    return rows @ rng.standard_normal((cells + 2, cells + 2), dtype=np.float32) @ rows.T


def bent(image: np.ndarray, owner: np.ndarray, rng: np.random.Generator, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """A picture and its owners with every outline moved by about `reach` px, smoothly over 5 to 12 px."""
    cells = int(rng.integers(4, 10))
    y, x = np.mgrid[:SIZE, :SIZE] + reach * np.stack([cloud(rng, cells), cloud(rng, cells)])
    y, x = np.clip(y, 0, SIZE - 1), np.clip(x, 0, SIZE - 1)
    top, left = np.minimum(y.astype(int), SIZE - 2), np.minimum(x.astype(int), SIZE - 2)
    v, u = (y - top)[..., None], (x - left)[..., None]
    upper = (1 - u) * image[top, left] + u * image[top, left + 1]
    lower = (1 - u) * image[top + 1, left] + u * image[top + 1, left + 1]
    return (1 - v) * upper + v * lower, owner[np.rint(y).astype(int), np.rint(x).astype(int)]


def region(rng: np.random.Generator) -> np.ndarray:
    """bool [48, 48]: one to three boxes, or patches with smooth outlines."""
    if rng.random() < 0.5:
        return cloud(rng, int(rng.integers(2, 9))) > rng.uniform(0.3, 1.8)
    covered = np.zeros((SIZE, SIZE), dtype=bool)
    for _ in range(rng.integers(1, 4)):
        (h, w), (y, x) = rng.integers(4, 30, 2), rng.integers(-4, SIZE - 4, 2)
        covered[max(0, y) : y + h, max(0, x) : x + w] = True
    return covered


def damage(
    images: np.ndarray, owners: np.ndarray, rng: np.random.Generator | int, often: float = 0.3, most: float = 1.0
) -> Damaged:
    """Scenes, each with a few kinds of damage.

    images: uint8 [B, 48, 48, 3] with B at least 2, since some get parts of another; owners: uint8 [B, 48, 48], the
    position whose subject covers a pixel, or `NOBODY`; often: the chance of each kind; most: scales the amounts.
    """
    rng = np.random.default_rng(rng)
    count = len(images)
    out = images.astype(np.float32)
    own, other = owners.copy(), np.full_like(owners, NOBODY)  # whose pixels are left, and whose came with a patch
    whole = [np.bincount(o.ravel(), minlength=NOBODY + 1)[:NOBODY] for o in owners]  # px of each subject at first
    known = np.ones(count, dtype=bool)
    picked = rng.random((count, 7)) < often * np.array([1, 1, 1, 1, 1, 1.4, 1])
    picked[picked[:, 5], 4] = False  # washing out is a shift of colours by itself
    alone = rng.random(count)
    picked[alone < 0.25] = False  # some stay as they are
    picked[alone < 0.15, 5] = often > 0  # and some are washed out alone, where a faint rim still tells the colour
    for i in range(count):
        if picked[i, 0]:
            out[i], own[i] = bent(out[i], own[i], rng, most * rng.uniform(0.2, 2.5))
            whole[i] = np.bincount(own[i].ravel(), minlength=NOBODY + 1)[:NOBODY]
        j = (i + 1) % count
        if picked[i, 1]:  # the other scene, in patches or, more rarely, all over
            everywhere = rng.random() < 0.25
            share = rng.uniform(0.15, 0.6) if everywhere else rng.choice([1.0, rng.uniform(0.4, 1)])
            where = np.ones((SIZE, SIZE), dtype=bool) if everywhere else region(rng)
            out[i][where] = (1 - share) * out[i][where] + share * images[j][where]
            if share > 0.5:
                own[i][where] = NOBODY
            other[i][where] = owners[j][where]
            known[i] = share * where.mean() < 0.4
        if picked[i, 2]:  # blotches, in colours of this picture, of the other, or in any
            where = cloud(rng, int(rng.integers(5, 13))) > rng.uniform(0.7, 2)
            y, x = rng.integers(SIZE, size=2)
            colour = (images[i, y, x], images[j, y, x], rng.uniform(0, 255, 3))[rng.choice(3, p=(0.5, 0.25, 0.25))]
            share = rng.uniform(0.4, 1)
            out[i][where] = (1 - share) * out[i][where] + share * np.asarray(colour, np.float32)
            if share > 0.5:
                own[i][where] = other[i][where] = NOBODY
    before = np.clip(np.rint(out), 0, 255).astype(np.uint8)
    amounts = rng.random((count, 4), dtype=np.float32) * picked[:, 3:] * most
    strong = rng.random(count) < 0.1  # beyond what can be seen, so that "none" is learnt as well
    soft = 2.5 * amounts[:, 0] * np.where(strong, 3, 1)
    if soft.any():
        out = blurred(out, soft)
    tone, hue = amounts[:, 1:2], rng.uniform(-1, 1, (2, count, 3))  # of all channels together, and of each
    stretch = (1 + tone * rng.uniform(-0.5, 0.6, (count, 1))) * (1 + 0.2 * tone * hue[0])
    out = recoloured(out, stretch, tone * (rng.uniform(-40, 40, (count, 1)) + 25 * hue[1])).astype(np.float32)
    wash = np.where(strong & picked[:, 5], rng.uniform(0.7, 1, count), 0.72 * amounts[:, 2])
    out = washed(out, wash, rng.uniform(0, 255, (count, 3)))
    size = int(rng.choice([1, 1, 1, 2, 3]))
    out = grain(out, amounts[:, 3] * (85 if size == 1 else 60 / size) * np.where(strong, 2, 1), rng, size)
    out = np.clip(np.rint(out), 0, 255).astype(np.uint8)
    final, shown = judged(out, own, other, whole)
    return Damaged(out, final, shown, known, before)


def judged(images, own, other, whole) -> tuple[np.ndarray, np.ndarray]:
    """owners and shown of `Damaged`: the rule of `visible` over every subject, a picture's own and those of the next
    picture that came with a patch; whole: px that each had at first."""
    count = len(images)
    final, shown = np.full_like(own, NOBODY), np.full((count, NOBODY), NONE)
    for i in range(count):
        found: list[tuple[int, int, np.ndarray, bool]] = []
        anybody = (own[i] != NOBODY) | (other[i] != NOBODY)
        for source, owner in ((i, own[i]), ((i + 1) % count, other[i])):
            for position in np.unique(owner[owner != NOBODY]):
                mask = owner == position
                seen, left = contrast(images[i], mask, anybody & ~mask), mask.sum() / max(1, whole[source][position])
                if seen > GONE and left > 0.1:
                    found.append((source, int(position), mask, seen >= VISIBLE and left > 0.6))
        for source, position, mask, sure in found:
            alone = sum(p == position for _, p, *_ in found) == 1
            shown[i, position] = source if sure and alone else DOUBT
            final[i][mask] = position if sure and alone else DOUBTFUL
    return final, shown
