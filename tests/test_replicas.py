"""The headlines on other trainings: every model gets the same conditions, and the differences are the claims'."""

from __future__ import annotations

import json

import numpy as np
import pytest
from fewchannels.studies import files, replicas
from fewchannels.toyworld.recipe import build_pipeline


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An untrained PixArt-class pipeline on disk, as training leaves it."""
    place = tmp_path_factory.mktemp("replica")
    build_pipeline(5, "pixart").save_pretrained(place, safe_serialization=True)
    (place / "training.json").write_text(json.dumps({"images": 0, "seed": 5}))
    return place


def test_a_study_holds_the_same_for_every_model(toy, folder, tmp_path):
    case, cells, index = replicas.full_study(toy, tmp_path / "store", None, n=2, folders=[folder])
    names = index["order"]
    assert names == ["this model", "PixArt class, seed 5"]
    assert index["models"]["PixArt class, seed 5"]["class"] == "PixArtTransformer2DModel"
    per_model = [{c.partition("/")[2] for c in cells if c.startswith(name)} for name in names]
    assert per_model[0] == per_model[1]
    path = files.save_study(tmp_path / "replicas.safetensors", case, cells, index)
    study = files.load_study(path)
    for headline in replicas.HEADLINES:
        assert list(replicas.differences(study, headline)) == names
    table = replicas.described(study).splitlines()
    assert [row.split(" | ")[0].removeprefix("| ") for row in table[2:]] == names
    assert table[3].split(" | ")[1] == "0"
    # the trained model's top eight stand out; the untrained one's output layer is zero, so nothing changes its picture
    assert replicas.differences(study, "critical")["this model"].value > 0
    assert replicas.differences(study, "critical")["PixArt class, seed 5"].value == 0
    assert study["this model/channels"]["ratio"].min() > study["PixArt class, seed 5/channels"]["ratio"].max()


def test_differences_follow_the_claims_direction():
    cells = {
        "m/zero top": {"change": np.float32([3, 4])}, "m/zero bottom": {"change": np.float32([1, 1])},
        "m/carry top": {"to_source": np.float32([1, 1])}, "m/carry random 1": {"to_source": np.float32([2, 4])},
        "m/masks": {"top": np.float32([0.5, np.nan]), "bottom": np.float32([0.25, 0.5])},
    }  # fmt: skip
    study = files.Study(cells, ["a", "b"], {}, {"models": {"m": {}}, "order": ["m"]})
    values = {name: replicas.differences(study, name)["m"].value for name in replicas.HEADLINES}
    assert values == {"critical": 2.5, "transport": 2.0, "spatial": 0.25}
    with pytest.raises(ValueError, match="expected one of critical, transport, spatial"):
        replicas.differences(study, "other")
