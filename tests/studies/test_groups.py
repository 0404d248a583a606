"""Groups of prompts: how many, what is rendered for them, and what a world does not have."""

import numpy as np
import pytest
from fewchannels.reading.worlds import NaturalWorld, ToyWorld
from fewchannels.studies.groups import NotHere, evaluation, pairs, references, scenes


@pytest.mark.parametrize(
    ("made", "n", "count"),
    [
        (evaluation(), 24, 24),
        (evaluation(share=3 / 8), 128, 48),
        (evaluation(share=1 / 4), 4, 2),
        (evaluation(share=1 / 4), 1, 1),
        (pairs(20), 128, 20),
        (pairs(20), 8, 8),
        (pairs(), 5, 5),
    ],
)
def test_how_many(made, n, count):
    assert made.count(n) == count


def test_a_smaller_group_is_the_beginning_of_the_larger():
    world = ToyWorld()
    whole, part = (made.of(world, 16, 0) for made in (evaluation(), evaluation(share=1 / 4)))
    assert whole.prompts[:4] == part.prompts
    assert whole.seed == part.seed
    assert [world.text(one) for one in whole.truth] == whole.prompts


def test_calibration_pairs_have_other_prompts_and_other_noise():
    world = ToyWorld()
    tried, shown = pairs(16, "calibration", noise=1).of(world, 8, 0), pairs().of(world, 8, 0)
    assert not {*tried.prompts, *tried.sources} & {*shown.prompts, *shown.sources}
    assert (tried.seed, shown.seed) == (1, 0)


def test_references_are_rendered_with_their_exact_masks():
    made = references(place="nothing").of(ToyWorld(), 3, 0)
    assert made.images.shape == (3, 48, 48, 3)
    assert made.masks.any(axis=(1, 2)).all()
    assert all(prompt.startswith("nothing on a ") for prompt in made.prompts)
    assert references(caption="").of(ToyWorld(), 2, 0).sources == ["", ""]
    assert references(way="invert").of(ToyWorld(), 2, 0).inverted
    assert not references(way="invert", own_noise=True).of(ToyWorld(), 2, 0).inverted


def test_scenes_have_subjects_and_are_no_references():
    made = scenes().of(ToyWorld(), 12, 0)
    assert made.masks.any(axis=(1, 2)).all()
    assert not made.inverted
    assert max(len(one.subjects) for one in made.truth) == 2


def test_what_the_real_world_has_and_has_not():
    world, drawn = NaturalWorld(), []

    def draw(prompts, seed):
        drawn.append((prompts, seed))
        return np.zeros((len(prompts), 8, 8, 3), np.uint8)

    made = references().of(world, 3, 5, draw=draw)
    assert drawn == [(made.sources, 1_005)]
    assert made.masks is None
    for absent in (scenes(), references(place="elsewhere")):
        with pytest.raises(NotHere):
            absent.of(world, 3, 0, draw=draw)
    with pytest.raises(NotHere, match="nobody draws them"):
        references().of(world, 3, 0)


def test_prompts_of_ones_own_stand_in():
    world = ToyWorld()
    own = [world.parsed("a large red star at the left on a plain blue background")]
    assert evaluation().of(world, 8, 0, given=own).prompts == [world.text(own[0])]
