"""Probes read what is there, do not read what is not, and never see a test prompt in training."""

from __future__ import annotations

import numpy as np
import pytest
from fewchannels.channels import ChannelSet, random_directions
from fewchannels.instruments.probes import (
    STRENGTHS,
    best_strength,
    features,
    pooled_cells,
    probe,
    probe_scenes,
    probe_sets,
    read_all,
)

FEW = ChannelSet(tuple(np.arange(4) for _ in range(6)), 192, "four a block")
PARTLY = ChannelSet((*[np.arange(4)] * 3, np.arange(0), *[np.arange(4)] * 2), 192, "none in the middle block")


@pytest.fixture(scope="module")
def scenes(toy):
    return probe_scenes(toy, 24)


def test_scenes_are_seen_once(toy, scenes):
    assert scenes.pooled.shape == (24, 10, 192)
    assert scenes.pixels.shape == (24, 10, 8)
    assert len(scenes.labels["shape"]) == len(scenes.groups) == 24
    bare = probe_scenes(toy, 4, captions=False)
    assert np.array_equal(bare.pixels, scenes.pixels[:4])
    assert not np.allclose(bare.pooled, scenes.pooled[:4], atol=1e-2)
    with pytest.raises(ValueError, match="t=0"):
        probe_scenes(toy, 4, t=0)


def test_only_the_toy_world_has_scenes(flux):
    with pytest.raises(ValueError, match="not the toy world"):
        probe_scenes(flux, 2)


def test_cells_cover_the_grid():
    maps = np.random.default_rng(0).standard_normal((2, 12, 6, 5))
    pooled = pooled_cells(maps)
    assert pooled.shape == (2, 10, 5)
    assert np.allclose(pooled[:, 0], pooled[:, 1:].mean(axis=1))
    assert np.allclose(pooled[:, 5], maps[:, 4:8, 2:4].mean(axis=(1, 2)))
    with pytest.raises(ValueError, match="at least 3"):
        pooled_cells(maps[:, :2])


def test_features_of_parts():
    pooled = np.random.default_rng(0).standard_normal((6, 10, 8)).astype(np.float32)
    level, pattern = features(pooled, [1, 5], "level"), features(pooled, [1, 5], "pattern")
    assert np.array_equal(level, pooled[:, 0, [1, 5]])
    assert pattern.shape == (6, 18)
    assert np.allclose(features(pooled + 7, [1, 5], "pattern"), pattern, atol=1e-5)
    assert features(pooled).shape == (6, 80)
    assert features(pooled, random_directions(8, 2, 1), layer=0).shape == (6, 20)
    for wrong, match in (({"part": "shape"}, "part="), ({"chosen": []}, "no channels")):
        with pytest.raises(ValueError, match=match):
            features(pooled, **wrong)


def test_a_probe_reads_what_is_there():
    rng = np.random.default_rng(0)
    labels = np.array(["a", "b", "c", "d"] * 12)
    x = rng.standard_normal((48, 3))
    groups = [f"prompt {i}" for i in range(48)]
    assert probe(x, labels, groups).mean() < 0.5
    x[:, 0] += 20 * (np.unique(labels, return_inverse=True)[1] > 1)
    x[:, 1] += 20 * (np.unique(labels, return_inverse=True)[1] % 2)
    assert probe(x, labels, groups).mean() > 0.8


def test_more_features_than_samples_give_the_same_probe():
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(1)
    labels = np.array(["a", "b", "c"] * 10)
    x = rng.standard_normal((30, 90)) + np.unique(labels, return_inverse=True)[1][:, None] * rng.uniform(size=90)
    expected = np.zeros(30, bool)
    for train, test in GroupKFold(4).split(x, labels, range(30)):
        scaler = StandardScaler().fit(x[train])
        fitted = LogisticRegression(C=0.1, max_iter=1000).fit(scaler.transform(x[train]), labels[train])
        expected[test] = fitted.predict(scaler.transform(x[test])) == labels[test]
    found = probe(x, labels, range(30))
    assert np.array_equal(found, expected)
    assert found.mean() > 0.5


def test_a_prompt_is_not_in_training_and_test():
    # what identifies the prompt is of no use, where all of a prompt's samples are held out together
    names = np.repeat(np.arange(12), 4)
    x = np.eye(12)[names]
    labels = np.random.default_rng(0).permutation(["a", "b"] * 6)[names]
    assert probe(x, labels, names.tolist()).mean() < 0.7
    assert probe(x, labels, list(range(48))).mean() > 0.9
    with pytest.raises(ValueError, match="2 prompts"):
        probe(x, labels, ["p", "q"] * 24)


def test_sets_side_by_side(scenes):
    found = probe_sets(scenes, scenes, {"top": FEW, "empty": PARTLY}, layer=3)
    names = ["top", "top level", "top pattern", "all", "pixels"]
    assert list(found) == [one for name in names for one in (name, f"{name}, ridge")]
    assert all(right.shape == (24, 4) and right.dtype == bool for right in found.values())


def test_the_penalty_is_the_best_on_calibration_scenes_for_each_set(scenes):
    """Few features that tell everything are hardly penalised; many that tell nothing are penalised most."""
    codes = {name: np.unique(words, return_inverse=True)[1] for name, words in scenes.labels.items()}
    told = np.stack([np.eye(12)[code] for code in codes.values()], axis=1).reshape(24, -1)
    for kind in ("logistic", "ridge"):
        reads = {one: read_all(told, scenes, one, kind).mean() for one in STRENGTHS}
        chosen = best_strength(told, scenes, kind)
        assert reads[chosen] == max(reads.values())
        assert best_strength(np.zeros((24, 3)), scenes, kind) == STRENGTHS[0]


def test_an_unknown_kind_of_probe_is_refused():
    with pytest.raises(ValueError, match="kind='forest': expected 'logistic' or 'ridge'"):
        probe(np.eye(8), list("abababab"), range(8), kind="forest")
