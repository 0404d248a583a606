"""Masks: the paper's protocol, the rules for the polarity, and their edge cases."""

import time

import numpy as np
import pytest
import torch
from fewchannels import masks
from fewchannels.masks.two_means import two_means
from fewchannels.metrics import iou_ceiling
from sklearn.cluster import KMeans


def tokens_with_subject(batch=3, grid=(6, 10), width=24, channel=5, sign=1.0, seed=0):
    """Noise, with a block of tokens (the subject) standing out on channels `channel` and `channel + 1`."""
    rng = np.random.default_rng(seed)
    truth = np.zeros((batch, *grid), bool)
    truth[:, 2:5, 3:7] = True
    x = rng.normal(size=(batch, grid[0] * grid[1], width)).astype(np.float32)
    x[..., channel : channel + 2] += 20 + sign * 30 * truth.reshape(batch, -1, 1)
    return x, truth


def inertia(points, labels):
    return sum(((points[labels == c] - points[labels == c].mean(axis=0)) ** 2).sum() for c in np.unique(labels))


def test_the_papers_protocol_finds_the_subject_on_a_grid_that_is_not_square():
    x, truth = tokens_with_subject()
    found = masks.partition(x, grid=(6, 10), k=2, polarity="larger_sum")
    assert found.mask.dtype == bool
    assert found.mask.shape == (3, 6, 10)
    assert (found.mask == truth).all()
    assert {tuple(sorted(row)) for row in found.channels.tolist()} == {(5, 6)}
    assert 0 <= found.heat.min()
    assert found.heat.max() <= 1
    assert found.heat.dtype == np.float32
    assert found.heat[truth].mean() > found.heat[~truth].mean() + 0.5


def test_tensors_in_half_precision_and_chosen_channels_give_the_same_mask():
    x, truth = tokens_with_subject()
    half = torch.from_numpy(x).to(torch.bfloat16)
    assert (masks.subject_masks(half, np.array([5, 6]), grid=(6, 10)) == truth).all()
    assert (masks.subject_masks(x[..., 5:7], grid=(6, 10)) == truth).all()  # kept on the chosen channels only
    per_sample = np.array([[5, 6], [6, 5], [5, 6]])
    assert (masks.subject_masks(x, per_sample, grid=(6, 10)) == truth).all()


def test_a_negative_subject_turns_the_papers_rule_over_and_the_other_rules_mend_it():
    x, truth = tokens_with_subject(sign=-1.0)
    assert (masks.subject_masks(x, [5, 6], grid=(6, 10), polarity="larger_sum") == ~truth).all()
    for rule in ("smaller_sum", "smaller", "border", "centre"):
        assert (masks.subject_masks(x, [5, 6], grid=(6, 10), polarity=rule) == truth).all(), rule


def test_huge_subjects_separate_the_rules():
    huge = np.zeros((1, 8, 8), bool)
    huge[:, 1:7, 1:7] = True  # 36 of 64 tokens
    assert (masks.choose_cluster(huge, "smaller") == ~huge).all()
    assert (masks.choose_cluster(huge, "border") == huge).all()
    assert (masks.choose_cluster(~huge, "centre") == huge).all()


def test_percentiles_withstand_speckles_where_the_plain_range_does_not():
    x, truth = tokens_with_subject(batch=1, grid=(24, 40))
    truth = np.zeros((1, 24, 40), bool)
    truth[:, 8:16, 12:28] = True
    x[..., 5:7] = 20 + 5 * truth.reshape(1, -1, 1) + np.random.default_rng(1).normal(size=x[..., 5:7].shape)
    x[:, [3, 700, 900], 5:7] = 2000.0
    plain = masks.subject_masks(x, [5, 6], grid=(24, 40))
    robust = masks.subject_masks(x, [5, 6], grid=(24, 40), normalise="percentile")
    assert plain.sum() == 3
    assert (robust == truth).mean() > 0.98


def test_constant_channels_count_as_zero_and_empty_samples_are_counted():
    x, truth = tokens_with_subject()
    x[:, :, 9] = 1e6  # constant: the largest score, and no information
    found = masks.partition(x, grid=(6, 10), k=3)
    assert (found.mask == truth).all()
    assert found.constant_channels.tolist() == [1, 1, 1]
    x[1] = 7.0
    found = masks.partition(x, grid=(6, 10), k=3)
    assert found.empty.tolist() == [False, True, False]
    assert not found.mask[1].any()
    assert found.constant_channels[1] == 3


def test_both_scores_rank_per_sample():
    x, _ = tokens_with_subject(batch=2)
    x[0, ::2, 11], x[0, 1::2, 11] = 500.0, -500.0  # large, and its mean is zero
    by_mean = masks.partition(x, grid=(6, 10), k=2).channels
    by_size = masks.partition(x, grid=(6, 10), k=2, score="mean_abs").channels
    assert 11 not in by_mean[0]
    assert by_size[0, 0] == 11
    assert 11 not in by_size[1]


@pytest.mark.parametrize(("points", "width"), [(144, 8), (600, 3), (144, 192)])
def test_two_means_equals_scikit_learn(points, width):
    rng = np.random.default_rng(points)
    sets = rng.random((12, points, width)).astype(np.float32)
    sets[:, : points // 4] += rng.random((12, 1, width)).astype(np.float32) * 0.8
    labels, empty = two_means(sets)
    assert not empty.any()
    for own, x in zip(labels, sets, strict=True):
        theirs = KMeans(2, n_init=10, random_state=0, tol=0).fit(x)
        assert inertia(x, own) <= theirs.inertia_ * 1.002
        centres = np.stack([x[~own].mean(axis=0), x[own].mean(axis=0)])
        nearest = ((x[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1).astype(bool)
        assert (nearest == own).mean() > 0.999  # a fixed point of Lloyd's algorithm


def test_a_sample_does_not_depend_on_its_batch():
    x, _ = tokens_with_subject(batch=5)
    together = masks.partition(x, grid=(6, 10), k=8)
    for i in range(5):
        alone = masks.partition(x[i : i + 1], grid=(6, 10), k=8)
        assert (alone.mask[0] == together.mask[i]).all()
        np.testing.assert_array_equal(alone.heat[0], together.heat[i])


def test_all_blocks_of_a_large_model_take_about_a_second():
    rng = np.random.default_rng(0)
    x = rng.random((57, 4096, 12), dtype=np.float32)
    x[:, :900] += 0.4
    clock = time.perf_counter()
    masks.subject_masks(x, grid=(64, 64))
    assert time.perf_counter() - clock < 3  # 0.3 s on two idle cores


def test_grids_up_and_down():
    truth = np.zeros((1, 48, 64), bool)
    truth[:, 8:24, 16:40] = True
    small = masks.to_grid(truth, (12, 16))
    assert small.shape == (1, 12, 16)
    assert small.sum() == 4 * 6
    assert (masks.upsample(small, (48, 64)) == truth).all()
    soft = masks.upsample(small.astype(np.float32), (48, 64))
    assert soft.shape == truth.shape
    assert 0 < soft[0, 7, 20] < 1
    assert (masks.best_of_two(~truth, truth) == truth).all()
    assert (masks.best_of_two(truth, truth) == truth).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"grid": (6, 9)}, "does not fit"),
        ({"channels": []}, "non-empty"),
        ({"channels": [3, 24]}, "channels 0 to 23"),
        ({"channels": [-1]}, "channels 0 to 23"),
        ({"channels": [4, 4]}, "named twice"),
        ({"channels": [1.5]}, "whole numbers"),
        ({"channels": np.zeros((2, 1), int)}, r"\[3, k\]"),
        ({"k": 25}, "1 to 24"),
        ({"k": 2, "channels": [1]}, "both given"),
        ({"polarity": "darker"}, "larger_sum"),
        ({"normalise": "zscore"}, "percentile"),
        ({"score": "max", "k": 2}, "abs_mean"),
        ({"restarts": 0}, "at least 1"),
    ],
)
def test_bad_input_names_what_was_expected(change, message):
    x, _ = tokens_with_subject()
    with pytest.raises(ValueError, match=message):
        masks.subject_masks(x, **{"grid": (6, 10), **change})


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_channel_that_is_not_finite_does_not_drop_out_of_the_top(bad):
    x, _ = tokens_with_subject()
    x[1, 7, 5] = bad
    x[1, 8:11, 6] = [bad, -bad, bad]
    for score in ("abs_mean", "mean_abs"):
        with pytest.raises(ValueError, match=r"inf or nan \(4 in sample 1\); run the model in"):
            masks.partition(x, grid=(6, 10), k=1, score=score)
    assert masks.subject_masks(x, [3, 4], grid=(6, 10)).shape == (3, 6, 10), "channels that were named are not ranked"


def test_a_mask_of_0_and_255_is_not_taken_for_shares():
    truth = np.zeros((2, 48, 64), bool)
    truth[:, 8:24, 16:40] = True
    truth[:, 0, 0] = True
    small = masks.to_grid(truth, (12, 16))
    assert not small[0, 0, 0]
    for same in (truth.astype(np.uint8), truth.astype(np.float64)):
        np.testing.assert_array_equal(masks.to_grid(same, (12, 16)), small)
    for other in (truth * np.uint8(255), truth * 255.0, truth * np.uint8(2), truth * -1, truth * np.nan):
        with pytest.raises(ValueError, match=r"masks with values from .*expected bool, or numbers from 0 to 1"):
            masks.to_grid(other, (12, 16))
        with pytest.raises(ValueError, match=r"masks of .*expected bool \[B, h, w\]"):
            masks.best_of_two(other, truth)
        with pytest.raises(ValueError, match=r"larger_sum of .*expected bool \[B, h, w\]"):
            masks.choose_cluster(other, "border")
        with pytest.raises(ValueError, match=r"truths of .*expected bool"):
            iou_ceiling(other, (12, 16))
    with pytest.raises(ValueError, match=r"shape \(48, 64\): expected bool \[B, H, W\]"):
        masks.to_grid(truth[0], (12, 16))
    with pytest.raises(ValueError, match="share=50: expected more than 0, and at most 1"):
        masks.to_grid(truth, (12, 16), 50)


def test_non_finite_tokens_and_wrong_ranks_are_refused():
    x, truth = tokens_with_subject()
    x[2, 7, 5] = np.nan
    with pytest.raises(ValueError, match="1 in sample 2"):
        masks.subject_masks(x, [5], grid=(6, 10))
    with pytest.raises(ValueError, match=r"\(60, 24\)"):
        masks.subject_masks(x[0], [5], grid=(6, 10))
    with pytest.raises(ValueError, match="to_grid"):
        masks.best_of_two(truth, np.zeros((3, 48, 48), bool))
