"""Pairs differ as promised, are read as adopted, retained or neither, and hold what a transport needs."""

import fewchannels as fc
import numpy as np
import pytest
from fewchannels.channels import pca_directions, top_channels
from fewchannels.patching import inject
from fewchannels.prompts import toyworld_prompts
from fewchannels.studies.pairs import (
    PAIR_ATTRIBUTES,
    SCENE,
    SUBJECT,
    PairCase,
    PairReader,
    harmonic_mean,
    mean_over,
    pair_case,
    prompt_pairs,
)
from fewchannels.toyworld.prompts import format_prompt
from fewchannels.toyworld.scenes import render


@pytest.fixture(scope="module")
def toy():
    return fc.load("toyworld")


@pytest.fixture(scope="module")
def massive(toy):
    with fc.capture(toy, stats := fc.ChannelStats()):
        toy.generate(toyworld_prompts(2, "calibration"), seed=1, steps=2)
    return top_channels(stats, 8)


@pytest.fixture(scope="module")
def case(toy, massive):
    return pair_case(toy, prompt_pairs(3, first=1), steps=2, masks_on=massive)


def test_pairs_differ_in_all_but_every_fourth_shares_place_and_size():
    pairs = prompt_pairs(12)
    assert [pair.same_place for pair in pairs] == [i % 4 == 3 for i in range(12)]
    for pair in pairs:
        shared = set(PAIR_ATTRIBUTES) - set(pair.differ)
        assert shared == ({"size", "position"} if pair.same_place else set())
        assert pair.source.second is None
        assert pair.target.second is None
        assert pair.source.subjects[0].colour != pair.target.background


def test_a_pair_depends_on_its_number_alone_and_splits_share_no_prompt():
    assert prompt_pairs(2, first=5) == prompt_pairs(7)[5:]
    sides = [
        {format_prompt(side) for pair in prompt_pairs(24, split) for side in (pair.source, pair.target)}
        for split in ("evaluation", "calibration")
    ]
    assert not sides[0] & sides[1]
    with pytest.raises(ValueError, match="n=0"):
        prompt_pairs(0)
    with pytest.raises(ValueError, match="train"):
        prompt_pairs(1, "train")


def test_reading_of_rendered_scenes_is_adopted_retained_or_neither():
    pairs = prompt_pairs(8)
    reader = PairReader(pairs)
    sources = np.stack([render(pair.source, i).image for i, pair in enumerate(pairs)])
    targets = np.stack([render(pair.target, i).image for i, pair in enumerate(pairs)])
    differ = np.array([[name in pair.differ for name in PAIR_ATTRIBUTES] for pair in pairs])
    for images, full, empty in ((sources, "adopted", "retained"), (targets, "retained", "adopted")):
        found = reader(images)
        assert (np.isnan(found[full]) == ~differ).all()
        assert np.nanmean(found[full]) > 0.9
        assert np.nanmean(found[empty]) < 0.1
    nothing = reader(np.full_like(sources, 128))
    assert np.nansum(mean_over(nothing["adopted"], SUBJECT)) == np.nansum(mean_over(nothing["retained"], SUBJECT)) == 0
    assert (nothing["subjects"] == 0).all()
    with pytest.raises(ValueError, match="7 pictures of 8 pairs"):
        reader(sources[:7])


def test_two_subjects_count_half_each():
    pair = prompt_pairs(1)[0]
    both = type(pair.source)((pair.source.subjects[0], pair.target.subjects[0]), pair.target.texture, "red", None)

    class Sees:
        def attributes(self, images):
            return [both]

    found = PairReader([pair], Sees())(np.zeros((1, 48, 48, 3), np.uint8))
    assert mean_over(found["adopted"], SUBJECT) == mean_over(found["retained"], SUBJECT) == 0.5
    assert found["retained"][0, PAIR_ATTRIBUTES.index("texture")] == 1
    assert harmonic_mean([0.5, 0], [1, 0]).tolist() == [2 / 3, 0]


def test_moving_everything_gives_the_source_and_nothing_the_target(toy, case):
    assert np.array_equal(case.untouched, toy.generate(case.prompts, seed=0, steps=2))
    assert np.array_equal(case.source.images, toy.generate(case.sources, seed=0, steps=2))
    still = case.measure(case.untouched)
    assert (still["to_target"] == 0).all()
    assert (still["to_source"] > 0).all()
    moved = case.condition(inject, case.source)()
    # the last block's output decides the picture, but for the modulation by the target's prompt after it
    assert (moved["to_source"] < 0.1 * still["to_source"]).all()


def test_masks_and_shares_of_the_difference(toy, case, massive):
    assert case.masks["union"].shape == (3, 12, 12)
    assert np.array_equal(case.masks["union"], case.masks["source"] | case.masks["target"])
    assert case.differences.shape == (3, 6, 2, 192)
    moments = case.difference_moments
    assert np.allclose(np.trace(moments, axis1=1, axis2=2), case.differences.mean(axis=(0, 2)).sum(axis=1), rtol=1e-4)
    top = case.difference_share(massive)
    assert ((top > 0) & (top < 1)).all()
    assert (case.difference_share(pca_directions(moments, 8)) >= top - 1e-9).all()
    assert np.allclose(case.difference_share([massive] * 3), top)
    few = PairCase(toy, case.prompts[:1], case.read, steps=2, sources=case.sources[:1], keep=massive)
    with pytest.raises(ValueError, match="keep=None"):
        _ = few.differences
    with pytest.raises(ValueError, match="masks_on"):
        _ = few.masks
    few = PairCase(toy, case.prompts, case.read, steps=2, sources=case.sources, keep=massive, masks_on=massive)
    assert np.array_equal(few.masks["union"], case.masks["union"])


def test_groups_of_attributes():
    rows = np.array([[1, 0, np.nan, np.nan, 1, 1], [np.nan] * 4 + [0, 1]])
    assert mean_over(rows, SUBJECT)[0] == 0.5
    assert np.isnan(mean_over(rows, SUBJECT)[1])
    assert mean_over(rows, SCENE).tolist() == [1, 0.5]
