"""The explorer's subject mask in the page is that of `masks.py`: same protocol, same starts, same clusters."""

from __future__ import annotations

import json

import numpy as np
import pytest
from fewchannels import masks
from in_node import node

GRID = (9, 12)


def blobs(samples: int = 40, k: int = 8, seed: int = 0) -> np.ndarray:
    """Token values [samples, N, k]: an ellipse somewhere, channels of either sign, much noise, one of them constant."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: GRID[0], : GRID[1]]
    cy, cx = rng.uniform(2, 7, samples), rng.uniform(2, 10, samples)
    inside = ((y - cy[:, None, None]) / 2.5) ** 2 + ((x - cx[:, None, None]) / 3) ** 2 < 1
    level = rng.normal(0, 2, (samples, 1, 1, k))
    values = inside[..., None] * level + rng.normal(0, 1, (samples, *GRID, k))
    values[:, :, :, -1] = 3.0
    return values.reshape(samples, -1, k).astype(np.float32)


def in_the_page(tokens: np.ndarray, folder) -> list:
    path = folder / "maps.json"
    path.write_text(json.dumps({"samples": np.moveaxis(tokens, 2, 1).tolist(), "grid": list(GRID)}))
    return json.loads(node("tests/js/mask.mjs", str(path)))


@pytest.mark.parametrize("k", [1, 2, 8])
def test_page_and_library_find_the_same_subject(tmp_path, k):
    tokens = blobs()[..., :k]
    wanted = masks.subject_masks(tokens, grid=GRID).reshape(len(tokens), -1)
    found = np.array(in_the_page(tokens, tmp_path), dtype=bool)
    assert 0.02 < wanted.mean() < 0.98
    np.testing.assert_array_equal(found, wanted)


def test_maps_that_tell_no_two_tokens_apart_give_no_mask(tmp_path):
    tokens = np.full((1, GRID[0] * GRID[1], 3), 7, np.float32)
    assert in_the_page(tokens, tmp_path) == [None]
    assert masks.partition(tokens, grid=GRID).empty.all()
