"""What a model draws: its prompts and pairs, who reads them, and words that it does not know."""

import pytest
from fewchannels.prompts import toyworld_prompts
from fewchannels.prompts.files import PromptFileError
from fewchannels.reading.judges import ToyJudge
from fewchannels.reading.readers import PAIR_ATTRIBUTES
from fewchannels.reading.worlds import NaturalWorld, ToyWorld, texts, world_of


def test_the_world_is_the_models(toy, flux):
    assert isinstance(world_of(toy), ToyWorld)
    assert isinstance(world_of(flux), NaturalWorld)
    assert world_of(flux).judge is None
    judge, segmenter = ToyJudge(), ToyJudge()
    for model in (toy, flux):
        world = world_of(model, judge, segmenter)
        assert world.judge is judge
        assert world.segmenter is segmenter


def test_the_toys_judge_is_its_own_and_made_once():
    world = ToyWorld()
    assert isinstance(world.judge, ToyJudge)
    assert world.judge is world.judge


@pytest.mark.parametrize("world", [ToyWorld(), NaturalWorld()], ids=["toy", "natural"])
def test_prompts_begin_alike_and_splits_are_apart(world):
    some = texts(world, world.prompts(8))
    assert some[:3] == texts(world, world.prompts(3))
    assert some[5:] == texts(world, world.prompts(3, first=5))
    assert not {*some} & {*texts(world, world.prompts(8, "calibration"))}
    assert len(world.prompts(world.calibration, "calibration")) == world.calibration
    pairs = world.pairs(3)
    assert pairs == world.pairs(4)[:3]
    assert all(world.text(pair.source) != world.text(pair.target) for pair in pairs)


def test_a_toy_prompt_says_all_and_its_words_lead_back():
    world = ToyWorld()
    drawn = world.prompts(4)
    assert texts(world, drawn) == toyworld_prompts(4, "evaluation", subjects=1)
    assert [world.parsed(text) for text in texts(world, drawn)] == drawn
    assert world.text("as it is") == "as it is"
    with pytest.raises(ValueError, match="unknown word 'fox'"):
        world.parsed("a red fox")
    assert {len(one.subjects) for one in world.prompts(40, subjects=None)} > {1}


@pytest.mark.parametrize("world", [ToyWorld(), NaturalWorld()], ids=["toy", "natural"])
def test_what_asks_for_both_has_the_sources_subject_and_the_targets_scene(world):
    pair = world.pairs(1)[0]
    both = world.exchanged(pair.source, pair.target)
    subject, scene = ("subjects", "background") if world.exact else ("subject", "scene")
    assert getattr(both, subject) == getattr(pair.source, subject)
    assert getattr(both, scene) == getattr(pair.target, scene)
    assert world.subject_words(pair.source) in world.text(pair.source)


def test_prompts_of_a_file_are_read_by_the_world(tmp_path):
    file = tmp_path / "mine.txt"
    file.write_text("a red fox in snow\na cup\n")
    assert NaturalWorld().from_file(file, 2) == ["a red fox in snow", "a cup"]
    assert NaturalWorld().subject_words("a cup") == "a cup"
    with pytest.raises(PromptFileError, match="holds 2 prompts: n=3 is more"):
        NaturalWorld().from_file(file, 3)
    with pytest.raises(ValueError, match="unknown word 'fox'"):
        ToyWorld().from_file(file, 1)
    file.write_text("a Large red star at the left on a plain blue background\n")
    assert ToyWorld().from_file(file, 1)[0].subjects[0].shape == "star"


def test_captions_of_a_readers_own_pictures_get_new_scenes():
    toy, caption = ToyWorld(), "a large red star at the left on a plain blue background"
    pair = toy.of_captions([caption])[0]
    assert toy.text(pair.source) == caption
    assert pair.differ == ("colour", "shape", "background", "texture")
    with pytest.raises(ValueError, match="names no subject"):
        toy.of_captions(["nothing on a plain blue background"])
    natural = NaturalWorld().of_captions(["a red fox"])[0]
    assert str(natural.source) == "a red fox on a plain background"
    with pytest.raises(ValueError, match="evaluation prompts"):
        NaturalWorld().of_captions(["a red fox"] * 1_000)


def test_more_prompts_than_there_are_is_an_error():
    with pytest.raises(ValueError, match="evaluation prompts"):
        NaturalWorld().prompts(1_000)


def test_a_world_names_what_a_reader_of_its_pictures_can_tell_apart():
    for world in (ToyWorld(), NaturalWorld()):
        pairs = world.pairs(4)
        assert len(world.attributes) == (len(PAIR_ATTRIBUTES) if world.exact else 2)
        assert {name for pair in pairs for name in getattr(pair, "differ", ())} <= set(world.attributes)
