"""Masks that owe nothing to channels: the best of their kind, fitted on others alone."""

import numpy as np
import pytest
from fewchannels.instruments.clusters import iou_of
from fewchannels.instruments.mask_baselines import (
    attention_masks,
    masks_from_words,
    priors,
    priors_of_others,
    random_half,
    two_clusters,
)
from fewchannels.masks import to_grid
from fewchannels.reading.worlds import ToyWorld
from fewchannels.studies.groups import scenes

GRID = (12, 12)


def test_priors_are_the_best_of_their_kind_and_words_say_where_a_subject_is():
    group = scenes(split="calibration").of(ToyWorld(), 24, 0)
    truth = to_grid(group.masks, GRID)
    found = priors(truth)
    scores = {name: np.nanmean(iou_of(np.broadcast_to(mask, truth.shape), truth)) for name, mask in found.items()}
    assert scores["everything"] == pytest.approx(truth.mean(), abs=1e-6)
    assert scores["centred disc"] >= scores["everything"]
    words = masks_from_words(group.truth, GRID)
    assert np.nanmean(iou_of(words, truth)) > 2 * scores["average mask"]
    with pytest.raises(ValueError, match="not all empty"):
        priors(np.zeros((2, 3, 3), bool))


def test_priors_are_fitted_on_the_others_alone():
    masks = np.zeros((3, 6, 6), bool)
    masks[0, :2], masks[1, 3:5, 3:5], masks[2, 3:5, 3:5] = True, True, True
    found = priors_of_others(masks)
    assert (found["average mask"][0] == masks[1]).all()
    assert found["everything"].shape == masks.shape
    assert priors_of_others(np.zeros((2, 3, 3), bool))["average mask"].all()
    with pytest.raises(ValueError, match="at least 2"):
        priors_of_others(masks[:1])


def test_clusters_of_pixels_find_a_bright_square_whatever_the_scaling():
    truth = np.zeros((1, 6, 6), bool)
    truth[:, 1:4, 2:5] = True
    tokens = (truth.reshape(1, 1, 36, 1) * np.array([0.5, 0.2, 0.9])).astype(np.float32)
    for scaling in (None, "minmax"):
        assert (two_clusters(tokens, (6, 6), scaling)[:, 0, 0] == truth).all()
    assert (attention_masks(tokens[:, None, :, :, 0], (6, 6))[:, 0, 0] == truth).all()


def test_a_coin_is_thrown_anew_for_each_sample():
    found = random_half(4, (30, 30))
    assert found.mean(axis=(1, 2)) == pytest.approx(0.5, abs=0.06)
    assert (found[0] != found[1]).any()
    assert (random_half(2, (30, 30)) == found[:2]).all()
    assert (random_half(2, (30, 30), seed=1) != found[:2]).any()
