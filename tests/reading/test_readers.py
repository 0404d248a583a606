"""Readers: rendered scenes are read as what they are, and each kind of change is told from the others."""

import numpy as np
import pytest
from fewchannels.identity import digest
from fewchannels.prompts.natural import natural_prompts
from fewchannels.prompts.pairs import SCENE, SUBJECT, toyworld_pairs
from fewchannels.reading.judges import ImageJudge, ToyJudge
from fewchannels.reading.readers import (
    PAIR_ATTRIBUTES,
    Adoption,
    Agreement,
    Change,
    Coarse,
    Distances,
    Features,
    Reader,
    Regions,
    Seen,
    Tone,
    cells_of,
    detail,
    mean_over,
    smaller,
)
from fewchannels.reading.worlds import NaturalWorld, ToyWorld
from fewchannels.studies.groups import Group
from fewchannels.toyworld.judge import ATTRIBUTES
from fewchannels.toyworld.prompts import Attributes
from fewchannels.toyworld.scenes import render

TOY, NATURAL = ToyWorld(), NaturalWorld()


def seen(world=TOY, pictures=None, union=None, prompts=(), truth=(), **group):
    """What stands beside pictures: a group with these parts, pictures by name, and the subjects' mask."""
    group = Group("all", list(prompts), list(truth), **group)
    return Seen(world, group, (pictures or {}).__getitem__, {"union": union}.__getitem__)


def of_pairs(pairs, world=TOY, **more):
    return seen(world, pairs=pairs, sources=["a"] * len(pairs), prompts=["b"] * len(pairs), **more)


def rendered(pairs, side):
    return np.stack([render(getattr(pair, side), i).image for i, pair in enumerate(pairs)])


# Pairs


def test_rendered_scenes_are_adopted_retained_or_neither():
    pairs = toyworld_pairs(8)
    differ = np.array([[name in pair.differ for name in PAIR_ATTRIBUTES] for pair in pairs])
    sources, targets = (rendered(pairs, side) for side in ("source", "target"))
    for images, full, empty in ((sources, "adopted", "retained"), (targets, "retained", "adopted")):
        found = Adoption()(images, of_pairs(pairs))
        assert (np.isnan(found[full]) == ~differ).all()
        assert np.nanmean(found[full]) > 0.9
        assert np.nanmean(found[empty]) < 0.1
    nothing = Adoption()(np.full_like(sources, 128), of_pairs(pairs))
    assert np.nansum(mean_over(nothing["adopted"], SUBJECT)) == np.nansum(mean_over(nothing["retained"], SUBJECT)) == 0
    assert (nothing["subjects"] == 0).all()


class Sees(ImageJudge):
    """A judge that says what it is told to."""

    def __init__(self, attributes=None, fits=None):
        self.said, self.told = attributes, fits

    def attributes(self, images):
        return self.said

    def fits(self, images, texts):
        return self.told(images, texts)

    def scores(self, images, prompts):
        return images.mean(axis=(1, 2, 3)) / 255 + np.array([len(prompt) for prompt in prompts])

    def features(self, images):
        return images.reshape(len(images), -1)[:, :4].astype(float)


def test_two_subjects_count_half_each():
    pair = toyworld_pairs(1)[0]
    both = type(pair.source)((pair.source.subjects[0], pair.target.subjects[0]), pair.target.texture, "red", None)
    found = Adoption()(np.zeros((1, 48, 48, 3), np.uint8), of_pairs([pair], ToyWorld(Sees([both]))))
    assert mean_over(found["adopted"], SUBJECT) == mean_over(found["retained"], SUBJECT) == 0.5
    assert found["retained"][0, PAIR_ATTRIBUTES.index("texture")] == 1
    assert found["subjects"].tolist() == [2]


def test_pairs_of_the_real_world_are_read_by_what_fits_better():
    pairs = NATURAL.pairs(2)

    def fits(images, texts):
        words = [pairs[0].source.subject, pairs[1].target.subject, pairs[0].target.scene, pairs[1].target.scene]
        return np.tile([0.3 if text in words else 0.2 for text in texts], (len(images), 1))

    found = Adoption()(np.zeros((2, 8, 8, 3), np.uint8), of_pairs(pairs, NaturalWorld(Sees(fits=fits))))
    assert found["adopted"].tolist() == [[1, 0], [0, 0]]
    assert found["retained"].tolist() == [[0, 1], [1, 1]]
    assert np.allclose(found["score"], [[0.1, -0.1], [-0.1, -0.1]])
    assert mean_over(found["adopted"], SUBJECT).tolist() == [1, 0]
    assert mean_over(found["retained"], SCENE).tolist() == [1, 1]
    assert mean_over(found["adopted"], ("size", "position")).tolist() == [1, 0]
    assert mean_over(found["adopted"]).tolist() == [0.5, 0]


def test_without_a_judge_the_nearer_picture_counts():
    images = np.full((3, 8, 8, 3), 100, np.uint8)
    pictures = {"source": images + np.uint8([90, 10, 20])[:, None, None, None], "untouched": images + np.uint8(50)}
    beside = of_pairs(NATURAL.pairs(3), NATURAL, pictures=pictures)
    found = Adoption()(images, beside)
    assert found["adopted"].tolist() == [[0], [1], [1]]
    assert found["retained"].tolist() == [[1], [0], [0]]
    apart = Distances()(images, beside)
    assert apart["to_source"] == pytest.approx(np.square(np.array([90, 10, 20]) / 255))
    assert apart["to_target"] == pytest.approx([(50 / 255) ** 2] * 3)


# Prompts


def test_toy_pictures_are_read_for_what_their_prompt_names():
    truth = TOY.prompts(6)
    images = np.stack([render(one, i).image for i, one in enumerate(truth)])
    found = Agreement()(images, seen(truth=truth))["agree"]
    assert found.shape == (6, len(ATTRIBUTES))
    assert not np.isnan(found).any()
    bare = Attributes((), "plain", "blue")
    named = Agreement()(render(bare, 0).image[None], seen(truth=[bare]))["agree"][0]
    unnamed = [name for name, value in zip(ATTRIBUTES, named, strict=True) if np.isnan(value)]
    assert set(unnamed) == set(SUBJECT), "a scene that asks for no subject names nothing of one"
    assert np.nanmean(found) > 0.9
    assert np.nanmean(Agreement()(images[::-1], seen(truth=truth))["agree"]) < 0.6
    assert Features()(images, seen())["features"].shape == (6, 32)


def test_our_own_prompts_are_read_by_a_choice_among_them():
    prompts = natural_prompts(3)

    def fits(images, texts):
        return np.array([[text in (prompts[1].subject, prompts[i].scene) for text in texts] for i in range(3)])

    images = np.full((3, 8, 8, 3), 51, np.uint8)
    beside = seen(NaturalWorld(Sees(fits=fits)), truth=prompts, prompts=[str(one) for one in prompts])
    found = Agreement()(images, beside)
    assert found["agree"].tolist() == [[0, 1], [1, 1], [0, 1]]
    assert found["score"] == pytest.approx([len(str(prompt)) + 0.2 for prompt in prompts])
    mine = seen(beside.world, truth=["a cup", "a dog", "a hat"], prompts=["a cup", "a dog", "a hat"])
    assert set(Agreement()(images, mine)) == {"score"}, "words of one's own name no subject and no scene"
    features = Features()(images, beside)["features"]
    assert (features.shape, features.dtype) == ((3, 4), np.float16)


def test_a_reader_fits_where_it_can_read_and_hangs_on_its_judge():
    bare, judged = seen(NATURAL), seen(ToyWorld())
    for reader in (Agreement(), Features()):
        assert not reader.fits(bare)
        assert reader.fits(judged)
        assert reader.hangs_on(judged) == {"judge": digest(ToyJudge())}
    paired = of_pairs(NATURAL.pairs(1), NATURAL)
    assert Adoption().fits(paired)
    assert Adoption().hangs_on(paired) == {}
    assert Adoption().hangs_on(of_pairs(toyworld_pairs(1))) == {"judge": digest(ToyJudge())}
    for reader in (Adoption(), Distances(), Regions()):
        assert not reader.fits(judged)
    assert not Change(prompts=("few",)).fits(judged)
    assert Change(prompts=("few", "all")).fits(judged)
    with pytest.raises(NotImplementedError):
        Reader()(np.zeros((1, 8, 8, 3), np.uint8), judged)


# Kinds of change


def test_the_coarse_part_is_a_part_of_the_change():
    rng = np.random.default_rng(0)
    before, after = rng.integers(0, 255, (2, 3, 48, 48, 3), dtype=np.uint8)
    beside = seen(NATURAL, pictures={"untouched": before})
    change, coarse = Change()(after, beside)["change"], Coarse()(after, beside)["coarse"]
    assert (0 < coarse).all()
    assert (coarse < change).all()
    assert Change()(before, beside)["change"].tolist() == [0, 0, 0]
    cells = cells_of(after)
    assert cells.shape == (3, 12, 12, 16, 3)
    assert cells[0, 1, 2].mean(axis=0) == pytest.approx(after[0, 4:8, 8:12].mean(axis=(0, 1)) / 255)
    assert cells_of(after[:, :47, :40]).shape == (3, 12, 12, 9, 3)


def test_detail_is_of_edges_alone():
    flat = np.full((1, 6, 6, 3), 0.3)
    checks = flat + 0.1 * ((np.indices((6, 6)).sum(0) % 2) * 2 - 1)[None, :, :, None]
    assert detail(flat)[0] == pytest.approx(0, abs=1e-12)
    assert detail(checks)[0] > 0.005
    assert detail(checks + 0.4)[0] == pytest.approx(detail(checks)[0], rel=1e-4)
    tone = Tone()(np.rint(255 * checks).astype(np.uint8), seen())
    assert tone["colour"] == pytest.approx(np.full((1, 3), 0.3), abs=2e-3)
    assert tone["detail"] == pytest.approx(detail(checks), rel=2e-2)


def test_regions_are_the_subject_and_what_neither_subject_covers():
    truth = np.zeros((1, 48, 48), bool)
    truth[0, :24, :24] = True
    union = np.zeros((1, 12, 12), bool)
    union[0, :6, :9] = True  # of 12 tokens a side: the target's subject is wider than the reference's
    black, white = np.zeros((1, 48, 48, 3), np.uint8), np.full((1, 48, 48, 3), 255, np.uint8)
    image = black.copy()
    image[0, :24] = 255
    found = Regions()(image, seen(images=white, masks=truth, pictures={"untouched": black}, union=union))
    assert found["subject_apart"].tolist() == [0]
    assert found["scene_apart"] == pytest.approx([12 * 24 / (48 * 48 - 36 * 24)])
    drawn = Regions()(image, seen(images=black, pictures={"untouched": black}, union=union))
    assert drawn["subject_apart"].tolist() == [1], "without an exact mask, where tokens are moved"


# Helpers


def test_means_over_groups_of_attributes():
    rows = np.array([[1, 0, np.nan, np.nan, 1, 1], [np.nan] * 4 + [0, 1]])
    assert mean_over(rows, SUBJECT)[0] == 0.5
    assert np.isnan(mean_over(rows, SUBJECT)[1])
    assert mean_over(rows, SCENE).tolist() == [1, 0.5]
    assert mean_over([[1], [0]], SCENE).tolist() == [1, 0]
    agree = np.ones((2, len(ATTRIBUTES)))
    agree[0, ATTRIBUTES.index("shape")], agree[1, ATTRIBUTES.index("second")] = 0, np.nan
    agree[:, ATTRIBUTES.index("all")] = 0  # no attribute of its own
    assert mean_over(agree, ("shape", "colour")).tolist() == [0.5, 1]
    assert np.allclose(mean_over(agree), [6 / 7, 1])
    with pytest.raises(ValueError, match=r"shape \(2, 3\): expected \[prompts, 1, 2, 8, 6 attributes\]"):
        mean_over(np.zeros((2, 3)))


def test_pictures_that_are_kept_are_small():
    images = np.zeros((2, 64, 96, 3), np.uint8)
    assert smaller(images) is images
    images[:, :, 48:] = 200
    wide = np.repeat(images, 6, axis=2)
    assert smaller(wide).shape == (2, 28, 256, 3)
    assert smaller(wide.transpose(0, 2, 1, 3)).shape == (2, 256, 28, 3)
    assert set(np.unique(smaller(wide))) == {0, 200}
