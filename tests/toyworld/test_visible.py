"""The rule of what is visible, and damage: what is gone loses its label, what can be seen keeps it."""

import numpy as np
import pytest
from fewchannels.toyworld import damage, scenes, train_judge
from fewchannels.toyworld.prompts import POSITIONS
from fewchannels.toyworld.visible import GONE, VISIBLE, contrast, is_gone, is_visible


@pytest.fixture(scope="module")
def drawn():
    return [scenes.random_scene((41_337, i), subjects=1) for i in range(60)]


@pytest.fixture(scope="module")
def images(drawn):
    return np.stack([s.image for s in drawn])


def square(inside, outside, size=48):
    """A square of one colour on another, and its mask."""
    mask = np.zeros((size, size), dtype=bool)
    mask[16:32, 16:32] = True
    return np.where(mask[..., None], inside, outside).astype(float), mask


def test_contrast_is_the_difference_over_the_floor_where_nothing_is_uneven():
    image, mask = square((100, 100, 100), (100, 112, 116))
    assert contrast(image, mask) == pytest.approx(20 / 4)
    assert contrast(image, np.zeros_like(mask)) == contrast(image, np.ones_like(mask)) == 0
    assert contrast(*square((90, 90, 90), (90, 90, 90))) == 0
    assert VISIBLE > GONE


def test_noise_over_the_subject_lowers_it_as_written():
    image, mask = square((60, 60, 60), (160, 60, 60))
    noise = np.random.default_rng(0).normal(size=image.shape)
    for deviation in (30, 60):
        # a mean of nine pixels has a third of their deviation in each of three channels
        expected = 100 / np.sqrt(3 * (deviation / 3) ** 2 + 4**2)
        assert contrast(image + deviation * noise, mask) == pytest.approx(expected, rel=0.15)


def test_a_pattern_around_a_subject_is_no_noise_and_one_through_it_is():
    image, mask = square((200, 40, 40), (40, 40, 200))
    stripes = np.where((np.arange(48) // 4 % 2)[None, :, None] == 0, 1.0, 0.0) * np.array([80, 80, 0])
    around, through = image + stripes * ~mask[..., None], image + stripes
    assert contrast(around, mask) > contrast(through, mask)
    assert contrast(around, mask) > 0.9 * contrast(image, mask)


def test_another_subject_is_no_surround():
    image, mask = square((200, 40, 40), (198, 40, 40))
    other = np.zeros_like(mask)
    other[:, 36:] = True
    image[other] = (0, 0, 255)
    assert contrast(image, mask) > VISIBLE > contrast(image, mask, other)


def test_scenes_are_visible_as_rendered_and_gone_when_covered(drawn, images):
    for image, scene in zip(images, drawn, strict=True):
        assert is_visible(image, scene.mask)
        assert not is_gone(image, scene.mask)
        assert is_gone(np.full_like(image, 90), scene.mask)


def test_most_scenes_are_visible_up_to_the_grain_and_washing_that_a_person_sees_through(drawn, images):
    rng = np.random.default_rng(1)

    def share(pictures):
        shown = np.clip(np.rint(pictures), 0, 255)
        return np.mean([is_visible(image, s.mask) for image, s in zip(shown, drawn, strict=True)])

    tint = rng.uniform(0, 255, (len(images), 3))
    assert share(damage.grain(images, 60, rng)) >= 0.9
    assert share(damage.washed(images, 0.6, tint)) >= 0.9
    assert share(damage.grain(images, 400, rng)) < 0.4
    assert share(damage.washed(images, 0.995, tint)) < 0.2


def test_damage_keeps_the_labels_of_what_is_visible(drawn, images):
    owned = np.stack([train_judge.owners(s) for s in drawn])
    hurt = damage.damage(images, owned, 3)
    again = damage.damage(images, owned, 3)
    np.testing.assert_array_equal(hurt.images, again.images)
    np.testing.assert_array_equal(hurt.shown, again.shown)
    assert (hurt.images != images).any(axis=(1, 2, 3)).mean() > 0.7
    for i, scene in enumerate(drawn):
        place = POSITIONS.index(scene.attributes.subjects[0].position)
        own = hurt.owners[i] == place
        assert own.any() == (hurt.shown[i, place] >= 0)
        others = np.delete(hurt.shown[i], place)
        assert set(others.tolist()) <= {damage.NONE, damage.DOUBT, (i + 1) % len(drawn)}
    assert (hurt.shown == np.arange(len(drawn))[:, None]).any(axis=1).mean() > 0.75


def test_without_damage_every_label_stays(drawn, images):
    owned = np.stack([train_judge.owners(s) for s in drawn])
    hurt = damage.damage(images, owned, 3, often=0)
    np.testing.assert_array_equal(hurt.images, images)
    np.testing.assert_array_equal(hurt.before, images)
    np.testing.assert_array_equal(hurt.owners, owned)
    assert (hurt.shown >= 0).sum() == len(drawn)
    assert hurt.known.all()


def test_what_is_washed_away_is_none_and_what_is_hardly_seen_is_open(drawn, images):
    owned = np.stack([train_judge.owners(s) for s in drawn])
    whole = [np.bincount(o.ravel(), minlength=6)[:5] for o in owned]
    nobody = np.full_like(owned, damage.NOBODY)
    flat = np.broadcast_to(images.mean(axis=(1, 2), keepdims=True), images.shape).astype(np.uint8)
    final, shown = damage.judged(flat, owned, nobody, whole)
    assert (shown == damage.NONE).all()
    assert (final == damage.NOBODY).all()
    half = owned.copy()
    half[:, :, ::2] = damage.NOBODY  # half of each is covered by something
    final, shown = damage.judged(images, half, nobody, whole)
    assert {*shown.ravel().tolist()} == {damage.NONE, damage.DOUBT}
    assert (final == damage.DOUBTFUL).any()


def test_targets_follow_what_is_shown(drawn):
    pool = train_judge.render_chunk((5, 5), 40)
    batch = train_judge.draw_batch(pool, 32, np.random.default_rng(2))
    nothing = slice(32 - int(32 * train_judge.BROKEN), None)
    assert not batch["known"][nothing].any()
    np.testing.assert_array_equal(batch["before"][nothing], batch["images"][nothing])
    for name, names in train_judge.SUBJECT_HEADS.items():
        assert (batch[name][nothing] == len(names)).all()
        assert batch[name].min() >= train_judge.OPEN
    there = (batch["shape"] >= 0) & (batch["shape"] < len(train_judge.SUBJECT_HEADS["shape"]))
    assert 0.5 < there.any(axis=1).mean() < 1
    sure = batch["sure"]
    named = batch["presence"][:, :8].sum(axis=1)
    assert (named[sure] == there[sure].sum(axis=1)).all() or (named[sure] <= there[sure].sum(axis=1)).all()
    whole = train_judge.draw_batch(pool, 32, np.random.default_rng(2), often=0)
    assert whole["known"].all()
    assert whole["sure"].all()
