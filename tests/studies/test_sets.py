"""Channel sets: frozen on calibration prompts, made once, and what cannot be made says why."""

import fewchannels as fc
import numpy as np
import pytest
from fewchannels.channels import Directions, layer_energy
from fewchannels.reading.worlds import ToyWorld
from fewchannels.studies.groups import NotHere, evaluation, pairs
from fewchannels.studies.sets import KINDS, Sets


@pytest.fixture(scope="module")
def sets():
    world = ToyWorld()
    few = [world.text(one) for one in world.prompts(4, "calibration")]
    return Sets(fc.load("toyworld"), world, 8, prompts=few, steps=8)


def of(sets, kind, **more):
    """A kind at the study's k; where the top holds more than half of every block, nothing can match it: the largest
    channel alone does not in the last block."""
    return sets.of(kind, 1 if kind == "energy-matched" else None, **more)


def test_where_the_top_holds_more_than_half_of_every_block_nothing_matches_its_energy(sets):
    assert (sets.calibration().shares(sets.of("top"))["energy"] > 0.5).all()
    assert sets.find("energy-matched") is None
    with pytest.raises(NotHere, match="in no block do channels outside the top 8 hold as much energy as the top"):
        sets.of("energy-matched")
    largest = sets.calibration().shares(sets.of("top", 1))["energy"]
    assert [size > 0 for size in of(sets, "energy-matched").sizes] == (largest < 0.5).tolist()


def test_every_kind_has_the_count_that_it_says(sets):
    for kind in KINDS:
        if kind == "PCA of the difference":
            continue
        chosen = of(sets, kind)
        if isinstance(chosen, Directions):
            assert chosen.k == 8, kind
        elif kind == "top without the first":
            assert set(chosen.sizes) == {7}
        elif kind == "one of the top":
            assert set(chosen.sizes) == {1}
        elif kind not in ("energy-matched", "matched without the first", "complement", "all"):
            assert set(chosen.sizes) == {8}, kind


def test_sets_beside_the_top_hold_none_of_it(sets):
    top = sets.of("top").mask()
    assert not (of(sets, "energy-matched").mask() & sets.of("top", 1).mask()).any()
    for kind in ("random", "random outside the top", "complement", "next ranks", "bottom", "matched without the first"):
        assert not (sets.of(kind).mask() & top).any(), kind
    assert (sets.of("complement").mask() | top).all()


def test_without_the_first_is_the_top_but_for_the_largest_and_its_match_has_its_energy(sets):
    rest, top, first = sets.of("top without the first"), sets.of("top"), sets.of("top", 1)
    assert (rest.mask() ^ first.mask() == top.mask()).all()
    energy = layer_energy(sets.calibration().stats)
    matched = sets.of("matched without the first")
    for row, own, found in zip(energy, rest, matched, strict=True):
        if len(found):  # the last channel drawn passes the mark
            smallest = row[found].sum() - row[found].max()
            assert smallest < row[own].sum() <= row[found].sum() * (1 + 1e-9)
    assert sets.find("top without the first", 1) is None


def test_a_set_is_made_once_and_draws_differ(sets):
    assert sets.of("random", draw=1) is sets.of("random", draw=1)
    for kind in ("random", "energy-matched", "matched without the first", "random directions"):
        one, other = of(sets, kind), of(sets, kind, draw=1)
        rows = zip(one, other, strict=True)
        assert not all(np.array_equal(np.sort(a), np.sort(b)) for a, b in rows), kind


def test_a_larger_random_set_lies_outside_the_studys_top(sets):
    wide = sets.of("random outside the top", 160)
    assert not (wide.mask() & sets.of("top").mask()).any()
    with pytest.raises(NotHere, match="outside the top 160 of 192 channels are fewer than 160"):
        sets.of("random", 160)


def test_what_cannot_be_made_says_why(sets):
    with pytest.raises(NotHere, match="k=500 is more than the 192 channels"):
        sets.of("top", 500)
    assert sets.find("next ranks", 100) is None
    with pytest.raises(ValueError, match="no set is called 'largest'; there are top, top without the first, one of"):
        sets.of("largest")
    with pytest.raises(ValueError, match="pass the group of prompts"):
        sets.of("top of each prompt")


def test_shares_of_directions_are_of_the_same_energy(sets):
    assert sets.shares("PCA")["energy"] > sets.shares("top")["energy"] > sets.shares("bottom")["energy"]
    assert sets.shares("all") == pytest.approx({"count": 192, "width": 1, "energy": 1})


def test_sets_of_a_group_are_one_a_prompt(sets):
    world = ToyWorld()
    each = sets.of("top of each prompt", group=evaluation().of(world, 2, 0, "all"))
    assert [one.k for one in each] == [8, 8]
    of_pairs = sets.of("top of the difference", group=pairs().of(world, 2, 0, "pairs"))
    assert len(of_pairs) == 2
    with pytest.raises(NotHere, match="no pairs"):
        sets.of("top of the difference", group=evaluation().of(world, 2, 0, "all"))


def test_a_twin_is_the_same_draw_without_its_top_channels(sets):
    top, held = sets.of("top").mask(), 0
    for draw in range(4):
        drawn, twin = (sets.of(kind, draw=draw).mask() for kind in ("random of all", "random of all, twin"))
        assert not (twin & top).any()
        assert ((drawn & ~top) & ~twin).sum() == 0  # what is not massive stays
        held += (drawn & top).sum()
    assert held > 0
    with pytest.raises(NotHere, match="too few of 192 channels"):
        sets.of("random of all, twin", 120)
