"""Scenes that are encoded once: the bits that training would have made, in files that others read."""

from __future__ import annotations

import pytest
import torch
from fewchannels.toyworld import encoded_scenes
from fewchannels.toyworld.encoded_scenes import EncodedScenes
from fewchannels.toyworld.recipe import SceneStream, clean_latents
from tiny_training import tiny_pipeline


@pytest.fixture
def vae(monkeypatch):
    monkeypatch.setattr(encoded_scenes, "PART", 8)
    return tiny_pipeline(0, "sd3", None).vae


def test_they_are_what_a_training_makes_of_its_batches(tmp_path, vae):
    stream = SceneStream(3, 18)  # two files, and a rest
    encoded = EncodedScenes(stream, vae, tmp_path, batch=4)
    assert len(encoded) == 18
    for first in range(0, 18, 4):
        rows = range(first, min(first + 4, 18))
        images, ids = zip(*(stream[i] for i in rows), strict=True)
        wanted = clean_latents(vae, torch.stack(images))
        for i, latents, words in zip(rows, wanted, ids, strict=True):
            assert torch.equal(encoded[i][0], latents)
            assert torch.equal(encoded[i][1], words)
    assert encoded[3][0].dtype == torch.float32


def test_another_training_reads_them_and_other_scenes_are_others(tmp_path, vae, monkeypatch):
    first = EncodedScenes(SceneStream(3, 8), vae, tmp_path, batch=4)
    kept = [first[i][0].clone() for i in range(8)]
    other = EncodedScenes(SceneStream(4, 8), vae, tmp_path, batch=4)
    assert not torch.equal(other[0][0], kept[0])
    monkeypatch.setattr(encoded_scenes, "clean_latents", lambda *_: pytest.fail("encoded again"))
    again = EncodedScenes(SceneStream(3, 8), vae, tmp_path, batch=4)
    assert all(torch.equal(again[i][0], kept[i]) for i in (7, 0, 5))
    with pytest.raises(pytest.fail.Exception, match="encoded again"):
        EncodedScenes(SceneStream(5, 8), vae, tmp_path, batch=4)[0]
    with pytest.raises(pytest.fail.Exception, match="encoded again"):
        EncodedScenes(SceneStream(3, 8), vae, tmp_path, "bf16", batch=4)[0]  # their bits are not the same
