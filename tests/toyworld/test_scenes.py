import numpy as np
import pytest
from fewchannels.toyworld import scenes
from fewchannels.toyworld.prompts import COLOURS, POSITIONS, SHAPES, SIZES, TEXTURES


def test_same_seed_same_pixels_and_another_seed_others():
    first, again, other = scenes.random_scene(5), scenes.random_scene(5), scenes.random_scene(6)
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.subject_masks, again.subject_masks)
    assert not np.array_equal(first.image, other.image)


def test_shapes_and_types():
    scene = scenes.random_scene(3, subjects=2)
    assert scene.image.shape == (48, 48, 3)
    assert scene.image.dtype == np.uint8
    assert scene.subject_masks.shape == (2, 48, 48)
    assert scene.subject_masks.dtype == bool
    assert np.array_equal(scene.mask, scene.subject_masks[0] | scene.subject_masks[1])


@pytest.mark.parametrize(
    ("size", "low", "high"), [("small", 0.035, 0.065), ("large", 0.11, 0.18), ("huge", 0.35, 0.60)]
)
def test_sizes_are_shares_of_the_picture_for_every_shape(size, low, high):
    drawn = [scenes.random_scene((1, i), subjects=1, size=size) for i in range(200)]
    shares = np.array([s.mask.mean() for s in drawn])
    assert {s.attributes.subjects[0].shape for s in drawn} == set(SHAPES)
    assert low <= shares.min()
    assert shares.max() <= high


def test_the_mask_is_where_the_subject_was_painted():
    for i in range(40):
        rng = np.random.default_rng((2, i))
        attributes = scenes.sample_attributes(rng, subjects=1)
        bare = scenes.Attributes((), attributes.texture, attributes.background, attributes.second)
        with_subject = scenes.render(attributes, 7).image.astype(int)
        without = scenes.render(bare, 7).image.astype(int)
        changed = (with_subject != without).any(axis=-1)
        mask = scenes.render(attributes, 7).mask
        grown = mask.copy()  # antialiasing reaches one pixel beyond the mask
        for axis in (0, 1):
            for step in (-1, 1):
                grown |= np.roll(mask, step, axis)
        for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
            grown |= np.roll(mask, (a, b), (0, 1))
        assert (changed & ~grown).sum() <= 6  # tips that are thinner than a pixel
        assert changed[mask].mean() > 0.95


def test_two_subjects_do_not_share_pixels_and_stand_apart():
    for i in range(60):
        scene = scenes.random_scene((3, i), subjects=2)
        first, second = scene.attributes.subjects
        assert not (scene.subject_masks[0] & scene.subject_masks[1]).any()
        assert scene.subject_masks.sum(axis=(1, 2)).min() > 40
        assert first.position != second.position
        assert first.colour != second.colour


def test_positions_are_on_their_side():
    for i in range(100):
        scene = scenes.random_scene((4, i), subjects=1)
        y, x = (axis.mean() - 23.5 for axis in np.nonzero(scene.mask))
        position = scene.attributes.subjects[0].position
        side = {"left": -x, "right": x, "top": -y, "bottom": y, "center": 6 - max(abs(x), abs(y))}[position]
        assert side > 1, (position, x, y)


def test_the_distribution_of_the_world():
    drawn = [scenes.sample_attributes((5, i)) for i in range(4000)]
    counts = np.bincount([len(a.subjects) for a in drawn]) / len(drawn)
    assert np.allclose(counts, (0.05, 0.75, 0.20), atol=0.025)
    singles = [a for a in drawn if len(a.subjects) == 1]
    assert np.isclose(np.mean([a.subjects[0].size == "huge" for a in singles]), 0.25, atol=0.03)
    own = np.mean([bool(a.subjects) and a.second == a.subjects[0].colour for a in drawn])
    assert 0.05 < own < 0.11
    assert {a.texture for a in drawn} == set(TEXTURES)
    assert {a.background for a in drawn} == set(COLOURS)
    assert {a.subjects[0].position for a in singles} == set(POSITIONS)
    assert all(a.subjects[0].colour != a.background for a in singles)
    assert all(a.second is None for a in drawn if a.texture == "plain")


def test_what_cannot_be_drawn_is_said():
    with pytest.raises(ValueError, match="0, 1 or 2"):
        scenes.sample_attributes(0, subjects=3)
    with pytest.raises(ValueError, match="no huge one beside another"):
        scenes.sample_attributes(0, subjects=2, size="huge")
    with pytest.raises(ValueError, match="expected one of"):
        scenes.sample_attributes(0, subjects=1, size="tiny")
    assert len(SIZES) == 3
