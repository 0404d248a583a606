"""The moments of a training: each gets the same small study, and their course is read off the results."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from fewchannels.cli.command import main
from fewchannels.reading.worlds import ToyWorld
from fewchannels.studies import Results
from fewchannels.studies.birth import SHOWN, courses, run_trainings
from fewchannels.toyworld.recipe import build_pipeline
from fewchannels.toyworld.scenes import IMAGE_SIZE

LARGE = 77  # a channel that the made-up training makes massive


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """A training's state folder with one kept moment, at which one channel of the last block is large."""
    place = tmp_path_factory.mktemp("training")
    pipeline = build_pipeline(3)
    with torch.no_grad():
        pipeline.transformer.transformer_blocks[-1].ff.net[2].bias[LARGE] = 40
        pipeline.transformer.transformer_blocks[-1].norm1.linear.bias[5 * 192 + LARGE] = 1  # its gate of the MLP
        torch.nn.init.normal_(pipeline.transformer.proj_out.weight, std=0.05)
    folder = place / "snapshot-00001024"
    pipeline.save_pretrained(folder, safe_serialization=True)
    (folder / "training.json").write_text(json.dumps({"images": 1024, "seed": 3, "seed_data": 4}))
    return place


@pytest.fixture(scope="module")
def found(state, tmp_path_factory):
    out = tmp_path_factory.mktemp("results") / "birth.safetensors"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ToyWorld, "calibration", 4)
        store = str(out.parent / "store")
        asked = ["study", "birth", "--trainings", str(state), "--n", "3", "--steps", "2", "--store", store, "--quiet"]
        assert main([*asked, "--out", str(out)]) == 0
    return Results.read(out)


def test_a_course_tells_when_a_channel_became_large_and_what_it_does(found, state):
    (name, course), *others = courses(found).items()
    assert (name, others) == ("weights 3, data 4", [])
    assert course.images.tolist() == [0, 1024]
    score = course.array("size", "score").astype(float)
    assert np.allclose(course.size, score.max(axis=2) / np.median(score, axis=2))
    assert course.size.shape == (2, 6)
    assert course.size[1, -1] > 5 * course.size[0, -1]
    assert course.top[1, -1, 0] == LARGE
    assert course.top.shape == (2, 6, found.base.k)
    shares = course.shares
    assert shares["first"][1, -1] > 0.5 > shares["first"][0, -1]
    assert (shares["first"] <= shares["top"]).all()
    assert (shares["principal"] <= 1.001).all()
    assert course.first(course.size[:, -1] > 5) == 1
    assert course.first(course.size[:, 0] > 1e9) is None
    # the untrained model's output layer is zero: no edit changes its picture; later the large channel does
    lost = course.mean("change", channels="top")
    assert lost[0].value == 0 < lost[1].value
    apart = course.minus("change", {"channels": "top"}, {"channels": "random"})
    assert apart[1].value == pytest.approx(lost[1].value - course.mean("change", channels="random")[1].value, abs=1e-7)
    assert ((course.right >= 0) & (course.right <= 1)).all()
    assert course.array("look", "pictures").shape == (2, SHOWN, IMAGE_SIZE, IMAGE_SIZE, 3)
    assert course.array("look", "map").shape == (2, SHOWN, 12, 12)


def test_a_folder_without_a_training_is_named(tmp_path, capsys):
    with pytest.raises(FileNotFoundError, match=r"no snapshot-\* folder in .*: give the --state folder"):
        run_trainings([tmp_path])
    assert main(["study", "birth"]) == 1
    assert "birth needs --trainings FOLDER" in capsys.readouterr().err
