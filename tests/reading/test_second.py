"""The second reader in studies, and how far two readers agree."""

import numpy as np
import pytest
from fewchannels.prompts.pairs import toyworld_pairs
from fewchannels.reading.judges import EyeJudge, ImageJudge
from fewchannels.reading.readers import Adoption, Agreement, Seen
from fewchannels.reading.second import AdoptionByEye, AgreementByEye, Concord, concord, no_headline
from fewchannels.reading.worlds import NaturalWorld, ToyWorld
from fewchannels.studies.groups import Group
from fewchannels.toyworld.judge import ATTRIBUTES
from fewchannels.toyworld.prompts import Attributes, Subject
from fewchannels.toyworld.scenes import random_scene, render

STAR, RING = Subject("large", "red", "star", "left"), Subject("small", "blue", "ring", "right")


class Sees(ImageJudge):
    """A judge that says what it is told to."""

    def __init__(self, said):
        self.said = said

    def attributes(self, images):
        return self.said


def beside(world, **group):
    return Seen(world, Group("all", **group), {}.__getitem__, {}.__getitem__)


def test_both_readers_read_rendered_scenes_into_arrays_of_their_own_names():
    drawn = [random_scene((71, i), subjects=1) for i in range(12)]
    images, truth = np.stack([s.image for s in drawn]), [s.attributes for s in drawn]
    seen = beside(ToyWorld(Sees(truth)), prompts=[s.prompt for s in drawn], truth=truth)
    found = Agreement()(images, seen) | AgreementByEye()(images, seen)
    assert set(found) == {"agree", "agree_by_eye"}
    assert (found["agree"] == 1).all()
    assert found["agree_by_eye"].shape == (12, len(ATTRIBUTES))
    assert 0.85 < found["agree_by_eye"][:, ATTRIBUTES.index("colour")].mean()
    told = Concord()(images, seen)["concord"]
    named = found["agree_by_eye"][:, ATTRIBUTES.index("shape")] == 1
    assert (told[named, ATTRIBUTES.index("shape")] >= 0.5).all(), "where both have the truth they agree"


def test_the_second_reader_sees_what_pairs_take_and_keep():
    pairs = toyworld_pairs(8)
    images = np.stack([render(pair.source, i).image for i, pair in enumerate(pairs)])
    seen = beside(ToyWorld(Sees([pair.target for pair in pairs])), prompts=[], truth=[], pairs=pairs, sources=["a"] * 8)
    found = Adoption()(images, seen) | AdoptionByEye()(images, seen)
    assert np.nanmean(found["adopted_by_eye"]) > 0.85 > 0.15 > np.nanmean(found["retained_by_eye"])
    assert np.nanmean(found["retained"]) == 1, "the judge was told otherwise"
    assert found["subjects_by_eye"].tolist() == [1] * 8
    grey = AdoptionByEye()(np.full_like(images, 128), seen)
    assert (grey["subjects_by_eye"] == 0).all()


def test_the_second_reader_knows_the_toy_world_alone():
    real = beside(NaturalWorld(Sees([])), prompts=[], truth=[], pairs=[1], sources=["a"])
    assert Adoption().fits(real)
    assert not any(reader.fits(real) for reader in (AgreementByEye(), AdoptionByEye(), Concord()))
    with pytest.raises(ValueError, match=r"uint8 arrays \[B, 48, 48, 3\]"):
        EyeJudge().attributes(np.zeros((1, 32, 32, 3), np.uint8))
    drawn = [random_scene((72, i)) for i in range(6)]
    masks = EyeJudge().masks(np.stack([s.image for s in drawn]))
    assert masks.shape == (6, 48, 48)
    assert np.mean([(m == s.mask).mean() for m, s in zip(masks, drawn, strict=True)]) > 0.9


def test_none_is_an_answer():
    one, two, none = (Attributes(subjects, "plain", "white") for subjects in ((STAR,), (STAR, RING), ()))
    rows = concord([one, none, one, two, none], [one, none, none, one, two])
    assert rows["shape"].tolist() == [1, 1, 0, 0.5, 0]
    assert rows["all"].tolist() == [1, 1, 0, 0, 0]
    assert rows["background"].tolist() == [1] * 5
    swapped = Attributes((RING, STAR), "plain", "white")
    assert concord([two], [swapped])["all"] == 1
    other = Attributes((Subject("large", "red", "heart", "top"),), "plain", "white")
    found = concord([one], [other])
    assert {n: found[n][0] for n in ("colour", "size", "position", "shape")} == {
        "colour": 1,
        "size": 1,
        "position": 0,
        "shape": 0,
    }
    with pytest.raises(ValueError, match="1 and 2 readings"):
        concord([one], [one, two])


def test_even_tones_have_no_order_between_readers_either():
    a, b = Attributes((), "striped", "blue", "white"), Attributes((), "striped", "white", "blue")
    assert concord([a], [b])["background"] == concord([a], [b])["second"] == 1
    dots = [Attributes((), "dotted", *tones) for tones in (("blue", "white"), ("white", "blue"))]
    assert concord(dots[:1], dots[1:])["background"] == 0


def test_attributes_in_which_readers_differ_are_no_headline():
    assert no_headline({"shape": np.array([1, 1, 0, 1]), "colour": np.ones(4)}) == ["shape"]
