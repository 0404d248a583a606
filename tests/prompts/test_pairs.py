"""Pairs of prompts differ as promised, depend on their number alone, and stay in their split."""

import pytest
from fewchannels.prompts.pairs import SCENE, SUBJECT, new_scene, subject_pairs, toyworld_pairs, value_of
from fewchannels.toyworld.prompts import format_prompt

ALL = {*SUBJECT, *SCENE}


def test_pairs_differ_in_all_but_every_fourth_shares_place_and_size():
    for i, pair in enumerate(toyworld_pairs(12)):
        shared = {"size", "position"} if i % 4 == 3 else set()
        assert ALL - set(pair.differ) == shared
        assert pair.source.second is None
        assert pair.target.second is None
        assert value_of(pair.source, "colour") != pair.target.background
        assert value_of(pair.target, "colour") != pair.source.background


@pytest.mark.parametrize("make", [toyworld_pairs, subject_pairs])
def test_a_pair_depends_on_its_number_alone_and_splits_share_no_prompt(make):
    assert make(2) == make(7)[:2]
    sides = [
        {format_prompt(side) for pair in make(20, split) for side in (pair.source, pair.target)}
        for split in ("evaluation", "calibration")
    ]
    assert not sides[0] & sides[1]
    with pytest.raises(ValueError, match="at least 1"):
        make(0)
    with pytest.raises(ValueError, match="train"):
        make(1, "train")


def test_the_first_pair_can_be_any():
    assert toyworld_pairs(2, first=5) == toyworld_pairs(7)[5:]


def test_new_scenes_ask_for_another_subject_at_the_same_place_or_elsewhere():
    same, elsewhere = subject_pairs(20), subject_pairs(20, place="elsewhere")
    for a, b in zip(same, elsewhere, strict=True):
        assert a.source == b.source
        assert a.differ == ("colour", "shape", "background", "texture")
        assert set(b.differ) == ALL
        for pair in (a, b):
            colours = {value_of(pair.source, "colour"), value_of(pair.target, "colour")}
            assert not colours & {pair.source.background, pair.target.background}
    assert new_scene(same[0].source, "evaluation", "same", 1) == same[0].target
    with pytest.raises(ValueError, match="place='above': expected one of same, elsewhere, nothing"):
        subject_pairs(1, place="above")


def test_the_second_subjects_word_can_be_asked_for():
    pair = toyworld_pairs(1)[0]
    both = type(pair.source)((*pair.source.subjects, *pair.target.subjects), "plain", "red")
    assert value_of(both, "shape", 1) == value_of(pair.target, "shape")
    assert value_of(both, "background", 1) == "red"
