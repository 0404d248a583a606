"""Prompt sets. Channel sets are frozen on calibration prompts, and effects are measured on evaluation prompts.

from fewchannels.prompts import toyworld_prompts
calibration = toyworld_prompts(32, split="calibration")
evaluation = toyworld_prompts(128, split="evaluation", subjects=1)
"""

from __future__ import annotations

import zlib

import numpy as np

from ..toyworld.prompts import Attributes, format_prompt
from ..toyworld.scenes import sample_attributes
from .natural import SPLITS, check_split


def toyworld_attributes(n: int, split: str = "evaluation", first: int = 0, **fixed) -> list[Attributes]:
    """`n` scenes' attributes from the toy world's own distribution; the i-th depends on the split and i alone.

    A prompt belongs to one split only, by its checksum, so no evaluation prompt was ever calibrated on.
    first: number of the first one. fixed: `subjects=` or `size=`, as in `toyworld.scenes.sample_attributes`.
    Raises ValueError for an unknown split or n < 1.

    >>> len(toyworld_attributes(3, "calibration", subjects=2)[0].subjects)
    2
    """
    check_split(split)
    if n < 1:
        raise ValueError(f"n={n}: expected at least 1 prompt")
    return [_draw(SPLITS.index(split), i, fixed) for i in range(first, first + n)]


def _draw(split: int, i: int, fixed: dict) -> Attributes:
    rng = np.random.default_rng((1_001, split, i))
    while True:
        attributes = sample_attributes(rng, **fixed)
        if zlib.crc32(format_prompt(attributes).encode()) % len(SPLITS) == split:
            return attributes


def toyworld_prompts(n: int, split: str = "evaluation", first: int = 0, **fixed) -> list[str]:
    """The prompts of `toyworld_attributes`.

    >>> toyworld_prompts(1, "calibration", subjects=1)[0].split()[0]
    'a'
    """
    return [format_prompt(a) for a in toyworld_attributes(n, split, first, **fixed)]
