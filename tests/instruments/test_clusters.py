"""Clusters of tokens as they pass: those of `partition`, on the channels that a rule names."""

import fewchannels as fc
import numpy as np
import pytest
from fewchannels.channels import ChannelSet, Directions
from fewchannels.instruments.clusters import Clusters, Maps, PictureClusters, Rule, iou_of
from fewchannels.masks import partition
from fewchannels.metrics import iou
from fewchannels.watch.hooks import capture
from fewchannels.watch.tokens import KeepTokens

GRID = (12, 12)


def test_clusters_are_those_of_partition_and_their_energy_is_right(toy, prompts):
    rules = {
        "top": Rule("top", 4),
        "bottom": Rule("bottom", 4),
        "all": Rule("all"),
        "late": Rule(steps=(1,)),
        "mean of abs": Rule("top", 4, score="mean_abs", normalise="percentile", layers=(3,)),
    }
    with capture(toy, found := Clusters(rules), kept := KeepTokens(dtype="float32")):
        toy.generate(prompts, seed=0, steps=2, batch_size=2)
    tokens = kept.array[:, 3, 1]
    assert found.grid == GRID
    assert found.larger_sum["top"].shape == (3, 6, 2, 12, 12)
    assert found.larger_sum["late"].shape == (3, 6, 1, 12, 12)
    expected = partition(tokens, k=4, grid=GRID, polarity="larger_sum")
    assert (found.larger_sum["top"][:, 3, 1] == expected.mask).all()
    share = np.take_along_axis((tokens**2).sum(axis=1), expected.channels, axis=1).sum(axis=1) / (tokens**2).sum((1, 2))
    assert found.energy["top"][:, 3, 1] == pytest.approx(share, rel=1e-4)
    assert (found.energy["bottom"] < found.energy["top"]).all()
    assert found.energy["all"] == pytest.approx(1, rel=1e-5)
    other = partition(tokens, k=4, grid=GRID, score="mean_abs", normalise="percentile", polarity="larger_sum")
    assert (found.larger_sum["mean of abs"][:, 0, 1] == other.mask).all()


def test_random_channels_lie_outside_each_samples_own_top():
    scores = np.random.default_rng(0).random((5, 40))
    top, drawn, other = (rule.channels(scores, 2) for rule in (Rule("top"), Rule("random"), Rule("random", draw=1)))
    for a, b, c in zip(top, drawn, other, strict=True):
        assert not set(a) & set(b)
        assert set(b) != set(c)
    frozen = Rule("frozen", frozen=ChannelSet.same([3, 5], 4, 40))
    assert (frozen.channels(scores, 2) == [3, 5]).all()


def test_what_directions_read_is_clustered_as_channels_are(toy, prompts):
    """Directions along channels are those channels, and ranks that follow are none of the top."""
    few = ChannelSet.same([3, 5, 7], 6, 192)
    along = Directions(tuple(np.eye(192)[[3, 5, 7]] for _ in range(6)), "three channels")
    rules = {"channels": Rule("frozen", frozen=few), "directions": Rule("frozen", frozen=along)}
    with capture(toy, found := Clusters(rules)):
        toy.generate(prompts, seed=0, steps=1)
    assert (found.larger_sum["channels"] == found.larger_sum["directions"]).all()
    assert found.energy["channels"] == pytest.approx(found.energy["directions"], rel=1e-4)
    scores = np.random.default_rng(0).random((5, 40))
    order = np.argsort(-scores, axis=1)
    assert (np.sort(Rule("next", 4).channels(scores, 2)) == np.sort(order[:, 4:8])).all()


def test_rules_that_cannot_be_followed_are_refused():
    for wrong, message in (
        ({"choose": "best"}, "expected one of top"),
        ({"choose": "frozen"}, "frozen=ChannelSet"),
        ({"frozen": ChannelSet.same([3], 4, 40)}, "frozen=ChannelSet"),
    ):
        with pytest.raises(ValueError, match=message):
            Rule(**wrong)
    with pytest.raises(ValueError, match="only 10 of 40 channels are left outside the top"):
        Rule("random", 30).channels(np.ones((1, 40)), 0)
    with pytest.raises(ValueError, match="no rules"):
        Clusters({})


def test_maps_are_those_of_partition(flux, prompts):
    with capture(flux, maps := Maps(4), kept := fc.KeepTokens(dtype="float32")):
        flux.generate(prompts[:2], steps=2, height=64, width=96)
    expected = partition(kept.array[:, 1, 1], k=4, grid=kept.grid)
    assert maps.width == kept.array.shape[-1]
    assert (maps.mask[:, 1, 1] == expected.mask).all()
    assert (maps.larger_sum[:, 1, 1] == expected.larger_sum).all()
    assert maps.heat[:, 1, 1] == pytest.approx(expected.heat)
    assert maps.largest[:, 1, 1].std(axis=(1, 2)) == pytest.approx(1, abs=1e-3)


def test_one_truth_a_sample_stands_for_all_blocks_and_steps():
    rng = np.random.default_rng(0)
    masks, truth = rng.random((2, 3, 4, 5, 6)) < 0.5, rng.random((2, 5, 6)) < 0.5
    found = iou_of(masks, truth)
    assert found.shape == (2, 3, 4)
    assert found[1, 2, 3] == iou(masks[1:, 2, 3], truth[1:])[0]
    assert np.isnan(iou_of(masks, np.zeros_like(truth))).all()


def test_without_a_segmenter_a_picture_is_divided_by_its_own_pixels():
    pictures = np.full((2, 60, 90, 3), 30, np.uint8)
    pictures[0, 20:40, 30:60] = 220
    masks = PictureClusters().masks(pictures)
    truth = np.zeros((60, 90), bool)
    truth[20:40, 30:60] = True
    assert (masks[0] & truth).sum() / (masks[0] | truth).sum() > 0.9
    assert not masks[1].any(), "nothing to divide"
    with pytest.raises(NotImplementedError, match="PictureClusters gives no attributes"):
        PictureClusters().attributes(pictures)
