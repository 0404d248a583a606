import pytest
from fewchannels.prompts import SPLITS, toyworld_attributes, toyworld_prompts


def test_a_prompt_depends_on_its_split_and_number_alone():
    assert toyworld_prompts(8)[5:] == toyworld_prompts(3, first=5)
    assert toyworld_prompts(8, "calibration") != toyworld_prompts(8, "evaluation")


def test_calibration_and_evaluation_do_not_share_prompts():
    sets = [set(toyworld_prompts(1000, split)) for split in SPLITS]
    assert len(set.union(*sets)) == sum(len(s) for s in sets)


def test_what_is_fixed_is_fixed():
    assert {len(a.subjects) for a in toyworld_attributes(20, subjects=2)} == {2}
    assert {a.subjects[0].size for a in toyworld_attributes(20, subjects=1, size="huge")} == {"huge"}


def test_bad_calls_are_said():
    with pytest.raises(ValueError, match="calibration"):
        toyworld_prompts(3, "training")
    with pytest.raises(ValueError, match="at least 1"):
        toyworld_prompts(0)
