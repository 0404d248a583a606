"""What can be seen: a written rule over the pixels of a rendered scene that something was done to.

    contrast(image, mask)                # of a subject whose exact mask is known
    is_visible(image, mask)              # contrast of at least VISIBLE
    is_gone(image, mask)                 # contrast of at most GONE: nothing there to be named

The rule asks how far the surround lies from the subject's own colour, in units of how uneven the subject is. Colours
are RGB in 0 to 255. The subject S is its mask without the outermost pixel; the surround R is what lies 2 to 5 px from
it and belongs to no subject. An eye takes in a few pixels at once, so each colour x is a mean over 3 x 3 px, of pixels
of the same region alone; m is the mean of x over S. With

    apart^2 = mean over R of |x - m|^2        uneven^2 = mean over S of |x - m|^2

    contrast = sqrt(max(0, apart^2 - uneven^2)) / sqrt(uneven^2 + FLOOR^2)

A pattern around a subject is no noise: it counts as apart. Grain, blotches and a scene that shows through a subject
make it uneven. FLOOR is a difference of colour that is hard to see in itself, so a picture that is washed out loses its
contrast although it has no noise.

The thresholds were chosen on three sheets of 50 pictures near them and then checked by eye on a fourth (contrasts of
0.6 to 2; what was seen was written down before the rule was asked). Of the 25 that the rule calls visible 22 were seen,
of the 25 others 10, most of them under patches or washed out without grain: near its threshold the rule is the stricter
one. Between GONE and VISIBLE nothing is said, and the judge is not trained.

The rule needs the exact mask, so it reads no model's pictures. It labels what the judge is trained on (`damage`), and
says in the judge's card which share of damaged scenes can be named at all.
"""

from __future__ import annotations

import functools

import numpy as np

FLOOR = 4.0  # of 255, length of a difference in RGB
VISIBLE, GONE = 1.2, 0.8


def contrast(image: np.ndarray, mask: np.ndarray, others: np.ndarray | None = None) -> float:
    """The rule's number for one subject.

    image: [H, W, 3] in 0 to 255; mask: bool [H, W], the subject's; others: bool [H, W], further subjects, which are not
    its surround. Zero for an empty mask and where no surround is left.
    """
    near = _sum_around(mask, 1)
    inner = mask & (near == _sum_around(np.ones_like(mask), 1))
    subject = inner if inner.sum() >= 20 else mask  # thin or small ones have no inside
    surround = (_sum_around(mask, 5) > 0) & (near == 0)
    if others is not None:
        surround &= _sum_around(others, 1) == 0
    if not subject.any() or not surround.any():
        return 0.0
    inside, outside = (_colours(image, region) for region in (subject, surround))
    middle = inside.mean(axis=0)
    uneven, apart = (np.square(x - middle).sum(axis=1).mean() for x in (inside, outside))
    return float(np.sqrt(max(0.0, apart - uneven) / (uneven + FLOOR**2)))


def is_visible(image: np.ndarray, mask: np.ndarray, others: np.ndarray | None = None) -> bool:
    """Whether a person could name something of the subject (arguments of `contrast`)."""
    return contrast(image, mask, others) >= VISIBLE


def is_gone(image: np.ndarray, mask: np.ndarray, others: np.ndarray | None = None) -> bool:
    """Whether there is nothing to be named where the subject was (arguments of `contrast`). Between the two lies what
    one person sees and another does not."""
    return contrast(image, mask, others) <= GONE


def _colours(image: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Colours [N, 3] of a region's N pixels, each a mean over those of its 3 x 3 neighbours that are in the region."""
    total = np.stack([_sum_around(np.where(region, image[..., c], 0), 1)[region] for c in range(3)], axis=1)
    return total / _sum_around(region, 1)[region][:, None]


@functools.cache
def _band(size: int, reach: int) -> np.ndarray:
    return (np.abs(np.subtract.outer(np.arange(size), np.arange(size))) <= reach).astype(np.float32)


def _sum_around(values: np.ndarray, reach: int) -> np.ndarray:
    """Sums [H, W] over squares of 2 reach + 1 px; nothing lies outside of the picture."""
    height, width = values.shape
    return _band(height, reach) @ values.astype(np.float32) @ _band(width, reach)
