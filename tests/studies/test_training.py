"""Courses of trainings, at equal images and at equal loss."""

from __future__ import annotations

import numpy as np
import pytest
from fewchannels.studies.training import Training, by_seed, common_loss, over_seeds


def training(loss, size, arm="base", seed=0, images=(1000, 2000, 4000, 8000)):
    """size: of two blocks, the second ten times as large."""
    size = np.asarray(size, dtype=np.float16)
    course = {"images": np.array(images), "loss": np.array(loss), "size": np.stack([size, 10 * size], axis=1)}
    return Training(arm, seed, f"{arm}, seed {seed}", course)


FAST = training([1.0, 0.8, 0.4, 0.2], [1, 2, 4, 6])
SLOW = training([1.2, 1.1, 1.0, 0.8], [1, 1, 2, 3], "slow")


def test_a_measure_at_equal_images_lies_between_two_moments():
    assert FAST.at_images("size").tolist() == [6, 60]
    assert FAST.at_images("size", 4000).tolist() == [4, 40]
    between = FAST.at_images("size", 1000 * 2**1.5)
    assert between == pytest.approx([3, 30]), "half-way in log images"
    assert FAST.at_images("size", 10).tolist() == [1, 10], "before the first moment as there"
    assert FAST.at_images("loss") == 0.2
    with pytest.raises(ValueError, match="images=9000: base, seed 0 ended at 8000"):
        FAST.at_images("size", 9000)
    with pytest.raises(KeyError, match="no measure 'sizes'; it has images, loss, size"):
        FAST["sizes"]


def test_the_images_of_a_loss_are_those_of_its_first_crossing():
    assert FAST.images_at(0.8) == pytest.approx(2000)
    assert FAST.images_at(0.6) == pytest.approx(2000 * 2**0.5)
    assert FAST.images_at(2.0) == 1000
    assert np.isnan(FAST.images_at(0.1))
    wavering = training([1.0, 0.6, 0.9, 0.5], [1, 2, 3, 4])
    assert wavering.images_at(0.8) == pytest.approx(1000 * 2**0.5)


def test_at_equal_loss_the_slow_one_is_compared_with_an_early_moment_of_the_fast_one():
    level = common_loss({"base": [FAST], "slow": [SLOW]})
    assert level == 0.8
    assert over_seeds([FAST], "size", loss=level)[0] == pytest.approx([2, 20])
    assert over_seeds([SLOW], "size", loss=level)[0] == pytest.approx([3, 30])
    assert np.isnan(over_seeds([SLOW], "size", loss=0.5)).all()
    assert over_seeds([FAST, SLOW], "size").shape == (2, 2)
    assert by_seed([SLOW], [FAST], "size") == {0: pytest.approx(0.5)}
    assert by_seed([SLOW], [FAST], "size", at="loss") == {0: pytest.approx(1.5)}
    assert by_seed([SLOW], [FAST], "loss") == {0: pytest.approx(4)}
    with pytest.raises(ValueError, match="compare at one of them"):
        over_seeds([FAST], "size", images=2000, loss=0.5)
    with pytest.raises(ValueError, match="expected 'images' or 'loss'"):
        by_seed([SLOW], [FAST], "size", at="time")


def test_seeds_are_compared_with_themselves():
    others = [training([1, 1, 1, 0.5], [1, 1, 1, size], "slow", seed) for seed, size in ((0, 3), (1, 12), (2, 9))]
    found = by_seed(others, [FAST, training([1, 1, 1, 0.5], [1, 1, 1, 4], seed=1)], "size", block=0)
    assert found == {0: pytest.approx(0.5), 1: pytest.approx(3)}


def test_a_loss_reached_at_the_very_end_is_within_the_training():
    images = np.array([1024, 5664, 50_000])
    one = Training("muon", 0, "muon, seed 0", {"images": images, "loss": np.array([1.6, 1.2, 0.8]), "size": images})
    assert one.images_at(0.8) <= 50_000
    assert one.at_loss("size", 0.8) == pytest.approx(50_000)
