"""The reader without a network: how well it reads renders that its rules were not chosen on, and its parts."""

import re
import time
from pathlib import Path

import numpy as np
import pytest
from fewchannels.toyworld import by_eye as eye
from fewchannels.toyworld import damage, scenes
from fewchannels.toyworld.judge import ATTRIBUTES, agreement
from fewchannels.toyworld.prompts import COLOURS, POSITIONS, SHAPES


@pytest.fixture(scope="module")
def drawn():
    return [scenes.random_scene((51_337, i)) for i in range(300)]


@pytest.fixture(scope="module")
def images(drawn):
    return np.stack([s.image for s in drawn])


def scores(images, drawn):
    rows = [agreement(r, s.attributes) for r, s in zip(eye.by_eye(images), drawn, strict=True)]
    return {name: np.nanmean([row[name] for row in rows]) for name in ATTRIBUTES}


def test_reads_clean_scenes(images, drawn):
    found = scores(images, drawn)
    for name in ("colour", "size", "position", "background", "texture"):
        assert found[name] >= 0.95, found  # the target is 0.97, less what 300 scenes can miss it by chance
    assert found["shape"] >= 0.9, found


def test_copes_with_grain_and_blur(images, drawn):
    rng = np.random.default_rng(0)
    grainy = np.clip(np.rint(damage.grain(images, 40, rng)), 0, 255).astype(np.uint8)
    soft = np.rint(damage.blurred(images, 1.0)).astype(np.uint8)
    for pictures, shape in ((grainy, 0.8), (soft, 0.8)):
        found = scores(pictures, drawn)
        assert min(found[n] for n in ("colour", "position", "background")) >= 0.88, found
        assert found["shape"] >= shape, found


def test_scenes_without_a_subject_have_none_and_two_are_two(drawn):
    empty = np.stack([scenes.random_scene((51_338, i), subjects=0).image for i in range(60)])
    assert np.mean([not r.subjects for r in eye.by_eye(empty)]) >= 0.95
    assert not eye.by_eye(np.full((1, 48, 48, 3), 77, np.uint8))[0].subjects
    pairs = [scenes.random_scene((51_339, i), subjects=2) for i in range(60)]
    read = eye.by_eye(np.stack([s.image for s in pairs]))
    assert np.mean([len(r.subjects) == 2 for r in read]) >= 0.85
    for r in read:
        places = [POSITIONS.index(s.position) for s in r.subjects]
        assert places == sorted(set(places))


def test_masks_are_the_subjects(images, drawn):
    ious = []
    for image, scene in zip(images[:60], drawn, strict=False):
        seen = eye.look(image)
        assert seen.masks.shape == (len(seen.attributes.subjects), 48, 48)
        union = seen.masks.any(axis=0)
        if scene.mask.any():
            ious.append((union & scene.mask).sum() / (union | scene.mask).sum())
    assert np.median(ious) >= 0.85


@pytest.mark.parametrize("shape", SHAPES)
def test_templates_name_their_own_shape(shape):
    y, x = np.mgrid[:48, :48]
    exact = [scenes._DISTANCE[shape]((x - 23.5) / r, (y - 22.0) / r) < 0 for r in (9, 12, 15)]
    assert [eye.shape_of(mask) for mask in exact] == [shape] * 3


def test_tones_are_one_colour_with_its_tint_or_two():
    for i, name in enumerate(COLOURS):
        assert eye.named(eye.PALETTE[i] + 3, eye.TINTS[i] - 3) == [i], name
        assert eye.named(eye.TINTS[i], eye.PALETTE[i]) == [i], name
    assert eye.named(eye.PALETTE[0], eye.PALETTE[5]) == [0, 5]
    assert eye.between((eye.PALETTE[0] + eye.PALETTE[5]) / 2, eye.PALETTE[[0, 5]], 16)
    assert not eye.between(eye.PALETTE[8], eye.PALETTE[[0, 5]], 16)


def test_it_shares_nothing_with_the_judge_or_the_rule():
    source = Path(eye.__file__).read_text(encoding="utf-8")
    assert set(re.findall(r"^from \.(\w+) import", source, re.M)) == {"prompts", "scenes"}
    assert not re.search(r"\btorch\b|scipy", source)


def test_it_is_fast(images):
    eye.templates()
    start = time.process_time()
    eye.by_eye(images[:100])
    assert (time.process_time() - start) / 100 < 0.02  # 3 ms on an idle core
