"""The headlines on other trainings: every model gets the same conditions, and the differences are the claims'."""

from __future__ import annotations

import json

import fewchannels as fc
import numpy as np
import pytest
from fewchannels.reading.worlds import ToyWorld
from fewchannels.studies import Condition, Results
from fewchannels.studies.replicas import HEADLINES, OWN, beside, differences, replicas_in, run_models
from fewchannels.toyworld.recipe import build_pipeline


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An untrained PixArt-class pipeline on disk, as training leaves it."""
    place = tmp_path_factory.mktemp("replica")
    build_pipeline(5, "pixart").save_pretrained(place, safe_serialization=True)
    (place / "training.json").write_text(json.dumps({"images": 0, "seed": 5}))
    return place


def test_every_model_gets_the_same_conditions(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(ToyWorld, "calibration", 4)
    found = run_models({OWN: fc.load("toyworld"), **replicas_in([folder])}, n=2, steps=2)
    names = found.index["order"]
    assert names == [OWN, "PixArt class, weights 5, data 5"]
    assert found.index["models"]["PixArt class, weights 5, data 5"]["class"] == "PixArtTransformer2DModel"
    per_model = [[c.but(prompts="all") for c in found.cells if c.prompts == name] for name in names]
    assert per_model[0] == per_model[1]
    kept = Results.read(found.save(tmp_path / "replicas.safetensors"))
    for headline in (*HEADLINES, "spatial"):
        assert list(differences(kept, headline)) == names
    assert found.index["models"]["PixArt class, weights 5, data 5"]["images"] == 0
    # the trained model's top stands out; the untrained one's output layer is zero, so nothing changes its picture
    assert differences(kept, "critical")[OWN].value > 0
    assert differences(kept, "critical")["PixArt class, weights 5, data 5"].value == 0
    ratios = [kept.instruments[f"channels of {name}"]["ratio"] for name in names]
    assert ratios[0].min() > ratios[1].max()


def test_differences_follow_the_claims_direction():
    top, moved = Condition(channels="top", prompts="m"), Condition("transport", "top", prompts="m")
    cells = {
        top: {"change": np.float32([3, 4])},
        top.but(channels="bottom"): {"change": np.float32([1, 1])},
        moved: {"to_source": np.float32([1, 1])},
        moved.but(channels="random"): {"to_source": np.float32([2, 4])},
    }
    masks = {"top": np.float32([0.5, np.nan]), "bottom": np.float32([0.25, 0.5])}
    base, index = Condition(channels="top"), {"order": ["m"]}
    found = Results("replicas", cells, {"m": 2}, instruments={"masks of m": masks}, base=base, index=index)
    values = {name: differences(found, name)["m"].value for name in (*HEADLINES, "spatial")}
    assert values == {"critical": 2.5, "transport": 2.0, "spatial": 0.25}
    with pytest.raises(ValueError, match="expected one of critical, transport, spatial"):
        differences(found, "other")


def test_a_predecessor_stands_beside_the_models_with_what_its_file_knows():
    def run(name, change, image):
        cell = {Condition(channels=kind, prompts=name): {"change": np.float32([v])} for kind, v in change.items()}
        index = {"order": [name], "models": {name: {"images": image}}}
        return Results("replicas", cell, {name: 1}, {f"masks of {name}": {"top": np.ones(1)}}, index=index)

    now, before = run(OWN, {"top": 3, "bottom": 1}, 5), run(OWN, {"top": 1, "bottom": 2}, 4)
    both = beside(now, before, "the predecessor")
    assert {name: one.value for name, one in differences(both, "critical").items()} == {OWN: 2, "the predecessor": -1}
    assert both.index["models"]["the predecessor"]["images"] == 4
    assert set(both.instruments) == {f"masks of {OWN}", "masks of the predecessor"}
    assert now.index["order"] == [OWN]
