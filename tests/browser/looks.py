"""Screenshots as arrays, and when two of them differ.

Two screenshots of one unchanged page differ by one level in some pixels of rounded corners, so their bytes say nothing.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from PIL import Image

NOISE = 1  # level of 255; one percent of opacity makes more


def pixels(element) -> np.ndarray:
    """What an element or locator shows, [H, W, 3]."""
    return np.array(Image.open(io.BytesIO(element.screenshot(animations="disabled"))).convert("RGB"))


def differ(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape != b.shape or bool((np.abs(a.astype(int) - b) > NOISE).any())


def all_differ(looks: Sequence[np.ndarray]) -> bool:
    return all(differ(a, b) for a, b in combinations(looks, 2))
