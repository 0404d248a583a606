"""Pairs differ as promised, are read as adopted, retained or neither, and hold what a transport needs."""

from dataclasses import replace

import fewchannels as fc
import numpy as np
import pytest
from fewchannels.channels import ChannelSet, pca_directions, top_channels
from fewchannels.natural_prompts import natural_prompts, swapped_pairs
from fewchannels.patching import inject
from fewchannels.prompts import toyworld_prompts
from fewchannels.studies.cases import Calibration
from fewchannels.studies.pair_readers import WordsReader
from fewchannels.studies.pair_runs import affordable, apart
from fewchannels.studies.pairs import (
    PAIR_ATTRIBUTES,
    SCENE,
    SUBJECT,
    NaturalPairReader,
    PairCase,
    PairReader,
    harmonic_mean,
    mean_over,
    pair_case,
    pairs_for,
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


def test_side_by_side_is_the_transport_from_a_recording(case, massive):
    middle = [np.arange(0)] * 3 + [massive[3]] + [np.arange(0)] * 2
    bare = replace(case, keep=ChannelSet(tuple(middle), 192))
    assert not bare.holds(massive)
    assert np.array_equal(bare.masks["union"], case.masks["union"])
    where = {"everything": {}, "other source": {"sources": [1, 2, 0]}, "mask": {"mask": "union", "layers": [2, 4]}}
    for given in where.values():
        one, other = (c.transport(massive, **given)() for c in (case, bare))
        for name in ("to_source", "to_target", "moved", "energy"):
            assert np.allclose(one[name], other[name], rtol=2e-2, atol=1e-4), name
    one, other = (c.transport([massive] * 3, strength=0.5)() for c in (case, bare))
    assert np.allclose(one["to_source"], other["to_source"], rtol=2e-2, atol=1e-4)
    assert np.allclose(bare.difference, case.difference, rtol=1e-3, atol=1e-5)
    seen = apart(bare, massive)
    on = (case.difference * massive.mask()).sum(axis=2)
    assert np.allclose(seen.array("whole"), on, rtol=1e-3, atol=1e-5)
    assert (seen.array("level") <= seen.array("whole")).all()


def test_an_empty_mask_moves_nothing(case, massive):
    still = case.transport(massive, mask=np.zeros((3, 12, 12), bool))()
    assert (still["to_target"] == still["moved"]).all()
    assert (still["energy"] == 1).all()


def test_what_is_recorded_fits(toy):
    with fc.capture(toy, stats := fc.ChannelStats()):
        toy.generate(toyworld_prompts(1, "calibration"), seed=1, steps=2)
    found, top, wide = Calibration(stats, None), top_channels(stats, 4), top_channels(stats, 64)
    tokens = 2 * 2 * 144 * 4  # of one channel in one block: pairs, steps, tokens, bytes
    assert affordable(found, [top, wide], 2, 4, limit=tokens * 6 * 192) is None
    assert affordable(found, [top, wide], 2, 4, limit=tokens * 6 * 70).sizes == (64,) * 6
    assert affordable(found, [top, wide], 2, 4, limit=tokens * 6 * 4) == ChannelSet.from_mask(
        top.mask(), "what is recorded"
    )
    least = affordable(found, [top, wide], 2, 4, limit=1)
    assert least.sizes == (0, 0, 0, 4, 0, 0)


def test_our_own_prompts_are_read_by_a_choice_among_them():
    prompts = natural_prompts(3)

    class Sees:
        def fits(self, images, texts):
            return np.array([[text in (prompts[1].subject, prompts[i].scene) for text in texts] for i in range(3)])

    found = WordsReader(prompts, Sees())(np.zeros((3, 8, 8, 3), np.uint8))
    assert found["agree"].tolist() == [[0, 1], [1, 1], [0, 1]]
    assert WordsReader(prompts)(np.zeros((3, 8, 8, 3), np.uint8)) == {}
    with pytest.raises(ValueError, match="2 pictures of 3 prompts"):
        WordsReader(prompts, Sees())(np.zeros((2, 8, 8, 3), np.uint8))


def test_our_own_pairs_are_read_by_what_fits_better(toy):
    pairs = swapped_pairs(2)

    class Sees:
        def fits(self, images, texts):
            words = [pairs[0][0].subject, pairs[1][1].subject, pairs[0][1].scene, pairs[1][1].scene]
            return np.tile([0.3 if text in words else 0.2 for text in texts], (len(images), 1))

    found = NaturalPairReader(pairs, Sees())(np.zeros((2, 8, 8, 3), np.uint8))
    assert found["adopted"].tolist() == [[1, 0], [0, 0]]
    assert found["retained"].tolist() == [[0, 1], [1, 1]]
    assert np.allclose(found["score"], [[0.1, -0.1], [-0.1, -0.1]])
    assert mean_over(found["adopted"], SUBJECT).tolist() == [1, 0]
    assert mean_over(found["retained"], SCENE).tolist() == [1, 1]
    assert mean_over(found["adopted"], ("size", "position")).tolist() == [1, 0]
    assert mean_over(found["adopted"]).tolist() == [0.5, 0]
    assert mean_over([[1], [0]], SCENE).tolist() == [1, 0]
    with pytest.raises(ValueError, match="3 pictures of 2 pairs"):
        NaturalPairReader(pairs, Sees())(np.zeros((3, 8, 8, 3), np.uint8))
    with pytest.raises(ValueError, match="expected \\[pairs, 1, 2 or 6"):
        mean_over(np.zeros((2, 3)))
    reader = NaturalPairReader(pairs, Sees())
    assert reader.exchanged[0] == f"{pairs[0][0].subject} {pairs[0][1].scene}"
    assert pair_case(toy, pairs).sources == [str(source) for source, _ in pairs]
    assert pairs_for(toy, 2) == prompt_pairs(2)
