"""Scores, channel sets, controls, overlap and concentration, on states whose answers are known."""

import json

import numpy as np
import pytest
import torch
from fewchannels import channels as ch
from fewchannels.watch.statistics import ChannelStats

S, L, T, N, D = 4, 3, 2, 64, 40


def measured(tokens):
    """A ChannelStats that was given tokens [S, L, T, N, D]."""
    stats = ChannelStats()
    stats.start(tuple(f"blocks.{i}" for i in range(tokens.shape[1])), (8, 8))
    for step in range(tokens.shape[2]):
        for layer in range(tokens.shape[1]):
            seen = torch.from_numpy(np.ascontiguousarray(tokens[:, layer, step]))
            stats.add(seen, layer=layer, step=step, samples=range(len(seen)), grid=(8, 8))
    return stats


@pytest.fixture(scope="module")
def tokens():
    """Gaussian tokens in which channel 7 has a large mean everywhere and channel 11 is large with alternating sign."""
    x = np.random.default_rng(0).standard_normal((S, L, T, N, D))
    x[..., 7] += 30
    x[..., 11] = 50 * np.where(np.arange(N) % 2, 1, -1)
    return x


@pytest.fixture(scope="module")
def stats(tokens):
    return measured(tokens)


def test_the_two_scores_part_on_mixed_sign(stats):
    by_mean = ch.top_channels(stats, k=1)
    by_size = ch.top_channels(stats, k=1, score="mean_abs")
    assert [c.tolist() for c in by_mean] == [[7]] * L
    assert [c.tolist() for c in by_size] == [[11]] * L
    assert ch.channel_scores(stats).shape == (S, L, T, D)
    with pytest.raises(ValueError, match=r"'largest'.*'abs_mean', 'mean_abs'"):
        ch.channel_scores(stats, "largest")


def test_ranking_is_per_entry_and_breaks_ties_by_index():
    scores = np.array([[3.0, 3.0, 1.0, 3.0], [0.0, 1.0, 2.0, 3.0]])
    assert ch.rank_channels(scores, 3).tolist() == [[0, 1, 3], [3, 2, 1]]


@pytest.mark.parametrize("k", [0, -1, D + 1])
def test_k_out_of_range_names_the_width(stats, k):
    with pytest.raises(ValueError, match=rf"k={k}: expected 1 to {D}"):
        ch.top_channels(stats, k=k)
    with pytest.raises(ValueError, match=rf"k={k}: expected 1 to {D}"):
        ch.random_directions(D, k, L)


def test_k_must_be_whole(stats):
    with pytest.raises(TypeError, match=r"2\.5"):
        ch.top_channels(stats, k=2.5)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_scores_that_are_not_finite_are_not_ranked(bad):
    scores = np.ones((2, 5))
    scores[1, 3] = bad
    with pytest.raises(ValueError, match=r"1 of 10 scores.*\(1, 3\)"):
        ch.rank_channels(scores, 2)


def test_a_channel_set_is_frozen_and_checks_itself(stats):
    top = ch.top_channels(stats, k=3)
    assert (len(top), top.k, top.width, top.label) == (L, 3, D, "top 3")
    assert top.mask().sum() == 3 * L
    before = top[0].tolist()
    top[0][0] = 1  # a copy
    assert top[0].tolist() == before
    with pytest.raises(ValueError, match="read-only"):
        top.indices[0][0] = 1
    with pytest.raises(AttributeError):
        top.width = 4
    with pytest.raises(ValueError, match="layer 1: channel 40 is out of range; expected 0 to 39"):
        ch.ChannelSet(([1], [40]), D)
    with pytest.raises(ValueError, match="channel -1 is out of range"):
        ch.ChannelSet(([-1],), D)
    with pytest.raises(ValueError, match="channel 2 is named twice"):
        ch.ChannelSet(([2, 2],), D)
    with pytest.raises(ValueError, match="'nothing' is empty"):
        ch.ChannelSet(([], []), D, "nothing")
    with pytest.raises(TypeError, match="float64"):
        ch.ChannelSet(([0.5],), D)
    with pytest.raises(IndexError, match="layers 0 to 2"):
        top[3]


def test_a_channel_set_survives_json(stats):
    top = ch.top_channels(stats, k=3)
    again = ch.ChannelSet.from_json(json.dumps(top.to_json()))
    assert again == top
    assert hash(again) == hash(top)
    assert again != ch.top_channels(stats, k=2)
    assert ch.ChannelSet.from_mask(top.mask(), "top 3").mask().tolist() == top.mask().tolist()
    with pytest.raises(ValueError, match="width"):
        ch.ChannelSet.from_json({"indices": [[1]]})


@pytest.mark.parametrize(
    ("record", "error", "words"),
    [
        ("channels.json", ValueError, "no JSON .* for a file give its text"),
        ("[[1, 2]]", ValueError, "expected an object, got list"),
        ({"indices": "12", "width": 4}, ValueError, "one list of numbers a layer"),
        ({"indices": [[1]], "width": "4"}, ValueError, "one list of numbers a layer"),
        ({"indices": [[1.5]], "width": 4}, TypeError, "must be integers"),
        ({"indices": [[4]], "width": 4}, ValueError, "channel 4 is out of range"),
        ({"indices": [[], []], "width": 4}, ValueError, "is empty"),
    ],
)
def test_json_that_is_no_channel_set_says_so(record, error, words):
    with pytest.raises(error, match=words):
        ch.ChannelSet.from_json(record)


def test_uneven_sets_have_sizes_and_no_k():
    uneven = ch.ChannelSet(([1, 2], []), D, "uneven")
    assert uneven.sizes == (2, 0)
    with pytest.raises(ValueError, match="0 to 2 channels a layer"):
        _ = uneven.k


def test_bottom_random_and_complement_leave_the_top_alone(stats):
    top = ch.top_channels(stats, k=4)
    bottom = ch.bottom_channels(stats, k=4)
    scores = ch.layer_scores(stats)
    for layer in range(L):
        assert scores[layer][bottom[layer]].max() <= np.sort(scores[layer])[3]
    for drawn in ch.random_channels(stats, outside=top, draws=20):
        assert not (drawn.mask() & top.mask()).any()
        assert drawn.k == 4
    rest = ch.complement(top)
    assert (rest.mask() ^ top.mask()).all()
    assert ch.energy_share(stats, top) + ch.energy_share(stats, rest) == pytest.approx(np.ones(L))
    with pytest.raises(ValueError, match="is empty"):
        ch.complement(ch.top_channels(stats, k=D))


def test_random_draws_come_from_seed_and_number_alone(stats):
    few = ch.random_channels(stats, k=3, seed=5, draws=2)
    many = ch.random_channels(stats, k=3, seed=5, draws=4)
    assert [d.to_json()["indices"] for d in few] == [d.to_json()["indices"] for d in many[:2]]
    assert many[0].mask().tolist() != many[1].mask().tolist()
    assert ch.random_channels(stats, k=3, seed=6)[0].mask().tolist() != few[0].mask().tolist()
    with pytest.raises(ValueError, match=rf"only 2 of {D} channels are left"):
        ch.random_channels(stats, k=3, outside=ch.top_channels(stats, k=D - 2))
    with pytest.raises(ValueError, match="random_channels needs k"):
        ch.random_channels(stats)


def test_random_channels_are_drawn_evenly(stats):
    top = ch.top_channels(stats, k=8)
    drawn = np.sum([d.mask()[0] for d in ch.random_channels(stats, outside=top, draws=400)], axis=0)
    rest = ~top.mask()[0]
    # 400 draws of 8 from 32: each channel 100 times, deviation 8.7
    assert drawn[rest].min() > 60
    assert drawn[rest].max() < 140


def test_energy_match_reaches_the_energy_or_says_infeasible():
    x = np.random.default_rng(1).standard_normal((2, 2, 1, N, D))
    x[:, 0, ..., 3] *= 3  # layer 0: about 9 of 48, others can match; layer 1: nearly everything
    x[:, 1, ..., 3] *= 100
    stats = measured(x)
    massive = ch.ChannelSet.same([3], 2, D, "top 1")
    match = ch.energy_matched_channels(stats, massive)
    assert match.feasible.tolist() == [True, False]
    assert match.sizes[1] == D - 1
    assert match.ratio[1] < 1 <= match.ratio[0]
    assert match.channels[1].size == 0
    assert 3 not in match.channels[0]
    energy = ch.layer_energy(stats)[0]
    held, target = energy[match.channels[0]], energy[3]
    assert held.sum() >= target > held[:-1].sum()  # no more channels than it takes
    assert "infeasible in layers 1" in str(match)
    nowhere = ch.energy_matched_channels(stats, ch.complement(ch.bottom_channels(stats, 1)))
    assert nowhere.channels is None
    assert "infeasible in all 2 layers" in str(nowhere)


def test_a_set_of_another_model_is_refused(stats):
    with pytest.raises(ValueError, match=rf"has 2 layers of {D} channels, the statistics have 3 of {D}"):
        ch.energy_share(stats, ch.ChannelSet.same([1], 2, D, "other"))


def test_energy_share_is_the_share_of_the_mean_square(stats, tokens):
    expected = (tokens[..., [7, 11]] ** 2).sum(axis=(0, 2, 3, 4)) / (tokens**2).sum(axis=(0, 2, 3, 4))
    assert ch.energy_share(stats, ch.ChannelSet.same([7, 11], L, D)) == pytest.approx(expected)


def test_directions_hold_the_energy_that_their_projection_holds(tokens):
    moments = ch.second_moments(tokens)
    random, pca = ch.random_directions(D, 4, L, seed=3), ch.pca_directions(moments, 4)
    for directions in (random, pca):
        assert (len(directions), directions.k, directions.width) == (L, 4, D)
        flat = tokens[:, 1].reshape(-1, D)
        projected = np.sum((flat @ directions[1].T) ** 2) / np.sum(flat**2)
        assert directions.energy_share(moments)[1] == pytest.approx(projected)
    # no four directions hold more than the leading ones, channels included
    channels = ch.energy_share(measured(tokens), ch.top_channels(measured(tokens), 4, "mean_abs"))
    assert (pca.energy_share(moments) >= channels - 1e-9).all()
    assert (pca.energy_share(moments) > random.energy_share(moments)).all()
    with pytest.raises(ValueError, match="not orthonormal"):
        ch.Directions((np.ones((2, D)),))
    with pytest.raises(ValueError, match=r"expected \[N, D\]"):
        ch.second_moments(tokens[0])


def test_centred_moments_are_the_covariance(tokens):
    flat = tokens[:, 0].reshape(-1, D)
    assert ch.second_moments(tokens, centred=True)[0] == pytest.approx(np.cov(flat.T, bias=True), abs=1e-9)


def test_jaccard_and_its_chance_level():
    a, b = ch.ChannelSet(([1, 2], [3]), D), ch.ChannelSet(([2, 1], [4]), D)
    assert ch.jaccard(a, b).tolist() == [1.0, 0.0]
    assert ch.jaccard([1, 2], [2, 3]) == pytest.approx(1 / 3)
    with pytest.raises(TypeError, match="two ChannelSets"):
        ch.jaccard(a, [1])
    with pytest.raises(ValueError, match="empty"):
        ch.jaccard([], [1])
    rng = np.random.default_rng(0)
    drawn = np.mean([ch.jaccard(rng.choice(D, 8, False), rng.choice(D, 5, False)) for _ in range(4000)])
    assert ch.expected_jaccard(8, D, 5) == pytest.approx(drawn, abs=0.005)
    assert ch.expected_jaccard(D, D) == 1
    assert 0.33 < ch.expected_jaccard(1536, 3072) < 0.34  # large sets neither overflow nor lose weight


def test_overlap_compares_along_the_axis_that_is_asked_for(stats):
    ranked = ch.rank_channels(ch.channel_scores(stats), 5)
    over_samples, over_layers = ch.overlap(ranked, D), ch.overlap(ranked, D, axis=1)
    assert over_samples.mean.shape == (L, T)
    assert over_layers.mean.shape == (S, T)
    assert over_samples.matrix.shape == (L, T, S, S)
    pair = ch.jaccard(ranked[0, 2, 1], ranked[3, 2, 1])
    assert over_samples.matrix[2, 1, 0, 3] == pytest.approx(pair)
    others = [ch.jaccard(ranked[i, 2, 1], ranked[j, 2, 1]) for i in range(S) for j in range(i)]
    assert over_samples.mean[2, 1] == pytest.approx(np.mean(others))
    assert over_samples.chance == pytest.approx(ch.expected_jaccard(5, D))
    with pytest.raises(ValueError, match="at least two"):
        ch.overlap(ranked[:1], D)
    with pytest.raises(ValueError, match="axis=3"):
        ch.overlap(ranked, D, axis=3)


def test_concentration_of_extremes():
    even, single = np.ones(D), np.eye(D)[4]
    assert ch.gini(even) == pytest.approx(0)
    assert ch.gini(single) == pytest.approx((D - 1) / D)
    assert ch.kurtosis(even) == pytest.approx(1)
    assert ch.kurtosis(single) == pytest.approx(D)
    assert ch.top_share(even, 4) == pytest.approx(4 / D)
    assert ch.largest_over_median(np.array([1.0, 1.0, 2.0, 8.0])) == pytest.approx(8 / 1.5)
    with pytest.raises(ValueError, match="Gini"):
        ch.gini(-even)


def test_concentration_has_a_value_for_each_sample_layer_and_step(stats):
    found = ch.concentration(stats, k=2, score="mean_abs")
    for measure in (found.largest_over_median, found.energy_share, found.gini, found.kurtosis):
        assert measure.shape == (S, L, T)
    energy = stats.energy[1, 2, 0]
    assert found.energy_share[1, 2, 0] == pytest.approx(energy[[7, 11]].sum() / energy.sum())
    with pytest.raises(ValueError, match=f"expected 1 to {D}"):
        ch.concentration(stats, k=D + 1)


def test_a_rotation_shows_whether_the_basis_is_privileged():
    rng = np.random.default_rng(0)
    spread = rng.standard_normal((4000, D))
    spread[:, 3] *= 20  # one channel: the basis matters
    turned = spread @ ch.random_directions(D, D, 1, seed=9)[0]  # the same cloud in a basis of no importance
    moments = ch.second_moments([spread, turned])
    before = ch.kurtosis(np.diagonal(moments, axis1=1, axis2=2))
    after = ch.rotated_kurtosis(moments, draws=32).mean(axis=1)
    assert before[0] > 5 * after[0]
    assert before[1] < 2 * after[1]
    assert after[0] == pytest.approx(after[1], rel=0.5)


def test_strict_criterion_says_yes_and_no_with_numbers():
    x = np.random.default_rng(0).standard_normal((2, 3, 500, D)) * 0.1
    assert not ch.meets_strict_criterion(x).holds
    x[1, 2, 17, 5] = -150
    yes = ch.meets_strict_criterion(x)
    assert yes.holds
    assert yes.exact
    assert (yes.largest, yes.channel) == (150, 5)
    assert yes.median == pytest.approx(np.median(np.abs(x[1, 2])))
    big = ch.meets_strict_criterion(x * 100)  # large everywhere: 15,000 but no more than its share
    assert big.holds == (big.ratio >= 1000)
    level = ch.meets_strict_criterion(np.full((10, 4), 500.0))
    assert not level.holds
    assert "not met" in str(level)
    small = ch.meets_strict_criterion(np.array([[1e-9, 1e-9, 99.0], [1e-9, 1e-9, 1e-9]]))
    assert not small.holds


def test_strict_criterion_from_statistics_says_that_it_estimates():
    x = np.random.default_rng(0).standard_normal((1, 1, 1, 500, D)) * 0.1
    x[..., 5] = 200
    found = ch.meets_strict_criterion(measured(x))
    assert found.holds
    assert not found.exact
    assert "about" in str(found)
