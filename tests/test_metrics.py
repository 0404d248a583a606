"""Metrics against values known from theory or by hand."""

import numpy as np
import pytest
from fewchannels import metrics


def test_the_interval_covers_the_true_mean_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = 0
    for i in range(150):
        value, low, high = metrics.bootstrap_interval(rng.normal(2, 1, 40), draws=200, seed=i)
        assert low <= value <= high
        hits += low <= 2 <= high
    assert 0.87 <= hits / 150 <= 0.99


def test_the_interval_has_the_width_of_theory():
    values = np.random.default_rng(1).normal(0, 1, 400)
    _, low, high = metrics.bootstrap_interval(values)
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)


def test_crossing_a_second_axis_widens_the_interval_where_that_axis_varies():
    rng = np.random.default_rng(2)
    values = rng.normal(0, 0.1, (50, 6)) + rng.normal(0, 1, 6)  # the draws of sets differ, the prompts hardly
    one = metrics.bootstrap_interval(values, draws=400)
    two = metrics.bootstrap_interval(values, draws=400, crossed=True)
    assert one.value == two.value
    assert two.high - two.low > 5 * (one.high - one.low)
    with pytest.raises(ValueError, match="second axis"):
        metrics.bootstrap_interval(values[:, 0], crossed=True)


def test_the_interval_takes_any_statistic_and_the_same_seed_gives_the_same_bits():
    values = np.array([0.1, 0.9, np.nan, 0.5, 0.6])
    interval = metrics.bootstrap_interval(values, statistic=np.nanmedian, seed=3)
    assert interval.value == pytest.approx(0.55)
    assert interval == metrics.bootstrap_interval(values, statistic=np.nanmedian, seed=3)
    ratio = metrics.bootstrap_interval(np.array([[1, 2], [3, 4]]), statistic=lambda v: v[:, 0].sum() / v[:, 1].sum())
    assert ratio.value == pytest.approx(4 / 6)
    with pytest.raises(ValueError, match="at least one row"):
        metrics.bootstrap_interval([])


def test_iou_counts_empty_masks_apart():
    truth = np.zeros((4, 4, 4), dtype=bool)
    truth[0, :2], truth[1, :2] = True, True
    mask = np.zeros_like(truth)
    mask[0, :1], mask[2, 0] = True, True
    np.testing.assert_array_equal(metrics.iou(mask, truth), [0.5, 0, np.nan, np.nan])
    assert metrics.count_empty(mask, truth) == {"mask": 1, "truth": 1, "both": 1}
    with pytest.raises(ValueError, match="same shape"):
        metrics.iou(mask, truth[:, :2])
    with pytest.raises(ValueError, match="bool"):
        metrics.iou(mask.astype(float), truth)


def test_the_ceiling_is_the_best_of_all_token_masks():
    truth = np.random.default_rng(4).random((5, 6, 6)) < 0.4
    tokens = (np.arange(512)[:, None] >> np.arange(9) & 1).astype(bool).reshape(-1, 3, 3)  # every mask there is
    pixels = tokens.repeat(2, axis=1).repeat(2, axis=2)
    for t, ceiling in zip(truth, metrics.iou_ceiling(truth, (3, 3)), strict=True):
        assert ceiling == pytest.approx(max(metrics.iou(pixels, np.broadcast_to(t, pixels.shape))))
    assert np.isnan(metrics.iou_ceiling(np.zeros((1, 6, 6), dtype=bool), (3, 3)))[0]
    with pytest.raises(ValueError, match="does not divide"):
        metrics.iou_ceiling(truth, (4, 4))


def test_chance_levels_and_shuffling():
    assert metrics.chance_levels([0, 0, 1], classes=range(4)) == {"uniform": 0.25, "constant": pytest.approx(2 / 3)}
    for n in (2, 3, 100):
        order = metrics.shuffled(n, seed=n)
        assert sorted(order) == list(range(n))
        assert (order != np.arange(n)).all()


def test_accuracy_leaves_out_what_a_prompt_does_not_name():
    result = metrics.attribute_accuracy({"shape": [1, np.nan, 0, 1, 1], "colour": [np.nan] * 5})
    assert list(result) == ["shape"]
    assert result["shape"].value == 0.75
    assert result["shape"].low < 0.75 < result["shape"].high


def test_adoption_counts_only_pairs_that_differ():
    source = np.array([["red", "star"], ["red", "star"], ["blue", "ring"]])
    target = np.array([["red", "ring"], ["blue", "ring"], ["blue", "ring"]])
    read = np.array([["red", "star"], ["blue", "moon"], ["red", "moon"]])
    result = metrics.adoption_retention(read, source, target)
    assert result["n"] == 3
    for outcome in ("adopted", "retained", "neither"):
        assert result[outcome].value == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match="agree everywhere"):
        metrics.adoption_retention(source, source, source)


def test_frechet_distance_has_its_closed_form():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(500, 4))
    assert metrics.frechet_distance(x, x) == pytest.approx(0, abs=1e-9)
    assert metrics.frechet_distance(x, x + [3, 0, 0, 4]) == pytest.approx(25)
    # scaled by s about its mean: the covariance becomes s^2 A, and the trace (1 - s)^2 tr A
    centred = x - x.mean(axis=0)
    assert metrics.frechet_distance(centred, 3 * centred) == pytest.approx(4 * np.trace(np.cov(x, rowvar=False)))
    # against the product of covariances that do not commute, by another route
    y = x @ rng.normal(size=(4, 4))
    a, b = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = np.sqrt(np.linalg.eigvals(a @ b).real).sum()
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a) + np.trace(b) - 2 * root
    assert metrics.frechet_distance(x, y) == pytest.approx(expected)
    for wrong in (x[:-1], rng.normal(size=(500, 3))):
        with pytest.raises(ValueError, match="expected"):
            metrics.frechet_distance(x, wrong)
    with pytest.raises(ValueError, match="at most 32"):
        metrics.frechet_distance(rng.normal(size=(500, 33)), rng.normal(size=(500, 33)))


def test_kernel_distance_is_unbiased_at_zero_and_known_for_points():
    # one feature: k(x, y) = (xy + 1)^3; a = {0, 1}, b = {1, 1}: 1 + 8 - 2 * (1 + 1 + 8 + 8) / 4
    assert metrics.kernel_distance([[0.0], [1.0]], [[1.0], [1.0]]) == pytest.approx(0)
    assert metrics.kernel_distance([[0.0], [0.0]], [[1.0], [1.0]]) == pytest.approx(1 + 8 - 2)
    rng = np.random.default_rng(6)
    same = [metrics.kernel_distance(*rng.normal(size=(2, 60, 8))) for _ in range(60)]
    assert abs(np.mean(same)) < 4 * np.std(same) / np.sqrt(60)
    assert min(same) < 0 < max(same)


def test_image_distances_are_per_picture_and_scale_bytes():
    black, white = np.zeros((2, 4, 4, 3), dtype=np.uint8), np.full((2, 4, 4, 3), 255, dtype=np.uint8)
    white[1] = 51
    np.testing.assert_allclose(metrics.squared_distance(black, white), [1, 0.04])
    np.testing.assert_allclose(metrics.absolute_distance(white, black), [1, 0.2])
    with pytest.raises(ValueError, match="equal shapes and types"):
        metrics.squared_distance(black, white / 255)


def test_the_mean_of_what_is_known_is_nan_without_a_word_where_nothing_is(recwarn):
    values = np.random.default_rng(5).normal(size=(4, 7, 3))
    values[values > 0.8] = np.nan
    assert np.array_equal(metrics.known_mean(values, axis=(1, 2)), np.nanmean(values, axis=(1, 2)))
    assert metrics.known_mean(values) == np.nanmean(values)
    values[1] = np.nan
    assert np.isnan(metrics.known_mean(values, axis=(1, 2))).tolist() == [False, True, False, False]
    assert not recwarn.list


def test_an_interval_of_a_mean_crosses_draws_where_there_are_several():
    values = np.random.default_rng(6).normal(size=(20, 3))
    values[3] = np.nan
    one, several = (metrics.bootstrap_interval(a, np.nanmean, crossed=a.ndim == 2) for a in (values[:, 0], values))
    assert metrics.mean_interval(values[:, 0]) == metrics.mean_interval(values[:, :1]) == one
    assert metrics.mean_interval(values) == several
    assert np.isnan(metrics.mean_interval(np.full((3, 2), np.nan))).all()


def test_a_mean_of_all_draws_at_once_is_that_of_one_draw_after_the_other():
    values = np.random.default_rng(5).normal(size=24)
    values[3] = np.nan
    for given, statistic in ((np.nan_to_num(values), np.mean), (values, np.nanmean)):
        one_by_one = metrics.bootstrap_interval(given, statistic=lambda x, own=statistic: own(x))
        assert metrics.bootstrap_interval(given, statistic=statistic) == pytest.approx(one_by_one, rel=1e-12)
