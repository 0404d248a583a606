"""Prompts of our own: two splits that share nothing, and pairs in which every prompt is a target once."""

import itertools

import pytest
from fewchannels.prompts.natural import SPLITS, natural_prompts, swapped_pairs

MOST = {"evaluation": 32, "calibration": 16}


def test_the_splits_share_neither_subject_nor_scene():
    rows = {split: natural_prompts(MOST[split], split) for split in SPLITS}
    for part in ("subject", "scene"):
        words = [getattr(row, part) for row in itertools.chain(*rows.values())]
        assert len(set(words)) == sum(MOST.values())


def test_a_prompt_is_a_subject_and_a_scene():
    prompt = natural_prompts(1)[0]
    assert str(prompt) == f"{prompt.subject} {prompt.scene}" == "a red fox in fresh snow under pine trees"
    assert natural_prompts(3)[1:] == natural_prompts(2, first=1)


@pytest.mark.parametrize("split", SPLITS)
def test_every_prompt_is_a_target_once_and_no_pair_shares_a_part(split):
    pairs = swapped_pairs(MOST[split], split)
    assert [target for _, target in pairs] == natural_prompts(MOST[split], split)
    assert all(a.subject != b.subject and a.scene != b.scene for a, b in pairs)
    assert swapped_pairs(2, split, first=3) == pairs[3:5]


def test_more_than_there_are_is_an_error_that_says_what_to_do():
    with pytest.raises(ValueError, match=r"n=33.*32 evaluation prompts.*prompts.files"):
        natural_prompts(33)
    with pytest.raises(ValueError, match=r"n=2 from number 15.*16 calibration"):
        swapped_pairs(2, "calibration", first=15)
    with pytest.raises(ValueError, match="n=0"):
        natural_prompts(0)
    with pytest.raises(ValueError, match=r"split='train'.*calibration, evaluation"):
        natural_prompts(1, "train")
