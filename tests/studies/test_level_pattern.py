"""Level and pattern: what is lent, what sources and targets differ in, and who is looked at in untouched runs."""

import sys

import fewchannels as fc
import numpy as np
import pytest
from fewchannels.reading.worlds import NaturalWorld, ToyWorld
from fewchannels.studies.condition import Condition
from fewchannels.studies.groups import NotHere, evaluation, pairs
from fewchannels.studies.sets import Sets
from tiny_pipelines import PIPELINES, guidance_of

study = sys.modules["fewchannels.studies.level_pattern"]
STEPS = 2


@pytest.fixture(scope="module")
def model():
    return fc.load("toyworld")


@pytest.fixture(scope="module")
def sets(model):
    few = [ToyWorld().text(one) for one in ToyWorld().prompts(4, "calibration")]
    return Sets(model, ToyWorld(), 8, prompts=few, steps=STEPS)


def measured(name, model, sets, group):
    return study.instruments(sets)[name].measure(model, group, sets)


def test_parts_are_removed_in_every_block_and_in_each_alone(sets):
    listed = study.conditions(sets, 6, 8)
    for edit in ("no_level", "own_mean"):
        alone = [c for c in listed if c.edit == edit and c.blocks is not None]
        assert [c.blocks for c in alone] == [(block,) for block in range(6)]
        assert {c.prompts for c in alone} == {"half"}
        assert len([c for c in listed if c.edit == edit and c.channels == "random"]) == study.DRAWS
    assert Condition("transport pattern", "top", prompts="pairs") in listed
    assert len(set(listed)) == len(listed)


def test_prompts_of_one_background_differ_in_their_subject_alone(model, sets, monkeypatch):
    asked, generate = [], model.generate
    monkeypatch.setattr(model, "generate", lambda prompts, **more: asked.append(prompts) or generate(prompts, **more))
    monkeypatch.setattr(study, "SCENES", 3)
    sets.of("top")
    asked.clear()
    for number in (1, 2):
        found = measured(f"one background {number}", model, sets, evaluation().of(ToyWorld(), 2, 0))
        assert found["level"].shape == (3, 2, 6, STEPS, 8)
    for prompts in asked:
        assert len({text.partition(" on a ")[2] for text in prompts}) == 1
        assert len({text.partition(" on a ")[0] for text in prompts}) == 3
    assert len({prompts[0].partition(" on a ")[2] for prompts in asked}) == 2


def test_level_and_pattern_of_the_difference_are_within_all_of_it(model, sets):
    found = measured("difference", model, sets, pairs().of(ToyWorld(), 2, 0))
    assert {part: array.shape for part, array in found.items()} == dict.fromkeys(("all", "level", "pattern"), (2, 6))
    assert (found["level"] >= 0).all()
    assert (found["pattern"] >= 0).all()
    assert (found["level"] + found["pattern"] <= found["all"] * 1.001).all()


def test_writers_and_levels_of_each_set(model, sets):
    group = evaluation().of(ToyWorld(), 2, 0)
    found = measured("writers", model, sets, group)
    assert found["top: gate"].shape == (2, 6, 3)
    assert {name.partition(":")[0] for name in found} == {"top", "random", "bottom"}
    assert sets.find("energy-matched") is None  # which would be the fourth
    levels = measured("levels", model, sets, group)
    assert levels["top: level"].shape == (2, study.NOISES, 6, STEPS, 8)
    assert "bottom: level_share" in levels
    assert "bottom: level" not in levels


def test_probes_read_scenes_with_their_caption_and_without(model, sets, monkeypatch):
    monkeypatch.setattr(study, "PROBE_SCENES", 16)
    captioned = measured("probes", model, sets, None)
    bare = measured("probes, no caption", model, sets, None)
    assert set(bare) < set(captioned)
    assert {"top", "top level", "random 3", "PCA", "all", "pixels"} <= set(captioned)
    assert {(array.shape, array.dtype) for array in captioned.values()} == {((16, 4), np.dtype(np.int8))}


def test_another_model_has_no_scenes_and_other_blocks_no_writers():
    case = PIPELINES["PixArt-Sigma"]()
    pixart = fc.load(case.pipeline, generation={**guidance_of(case, False), "height": 64, "width": 96})
    world = NaturalWorld()
    sets = Sets(pixart, world, 4, prompts=["a cup", "a red fox"], steps=STEPS)
    assert not [name for name in study.instruments(sets) if "background" in name]
    for name, words in (("writers", "JointTransformerBlock only"), ("probes", "rendered for the toy world only")):
        with pytest.raises(NotHere, match=words):
            measured(name, pixart, sets, evaluation().of(world, 2, 0))
