"""Runs that come with the book: found where they fit a model, and held against a slice that was computed again."""

from dataclasses import replace

import numpy as np
import pytest
from fewchannels import studies
from fewchannels.studies.condition import Condition, each
from fewchannels.studies.results import Results
from fewchannels.studies.shipped import agrees, disagreeing, shipped

TOP = Condition(channels="top")


def results(n, shift=0.0, model=None, **more):
    rng = np.random.default_rng(0)
    listed = [*each(TOP, channels=("top", "bottom")), Condition("other prompt"), TOP.but(source="another pair")]
    cells = {c: {"change": rng.normal(1, 0.2, 64)[:n], "agree": np.ones((n, 8))} for c in listed}
    cells[TOP]["change"] = cells[TOP]["change"] + shift
    looks = {"levels": {"top: level": rng.normal(1, 0.2, (64, 3, 2))[:n], "other prompt: iou": rng.normal(size=n)}}
    origin = (
        {"model": "m", "revision": "r", "dtype": "float32", "versions": {}, "date": ""}
        if model is None
        else (model.provenance())
    )
    provenance = {**origin, "seed": 0, "steps": 2}
    return Results("critical", cells, {"all": n}, looks, provenance=provenance, prompts=["a"] * n, base=TOP, **more)


def test_a_slice_agrees_within_the_interval_and_not_beyond():
    kept = np.random.default_rng(0).normal(1, 0.2, 64)
    assert agrees(kept[:16] + 0.001, kept)
    assert not agrees(kept[:16] + 0.2, kept)
    assert agrees(np.full(4, np.nan), kept), "nothing was read: nothing disagrees"
    assert agrees(np.ones(4), np.ones(9))


def test_what_parts_is_named():
    kept = results(64)
    assert disagreeing(results(16), kept) == []
    assert disagreeing(results(16, shift=0.3), kept) == [TOP.name]
    looks = results(16)
    looks.instruments["levels"]["top: level"] += 0.3
    assert disagreeing(looks, kept) == ["levels, top: level"]


def test_what_hangs_on_how_many_there_are_is_not_compared():
    kept, fresh = results(64), results(16)
    for c in (Condition("other prompt"), TOP.but(source="another pair")):
        fresh.cells[c]["change"] += 5
    fresh.instruments["levels"]["other prompt: iou"] += 5
    fresh.instruments["another"] = {"part": np.zeros(16)}
    fresh.cells[TOP.but(k=1)] = {"change": np.zeros(16)}
    assert disagreeing(fresh, kept) == []


def test_a_run_is_found_where_it_fits(toy, tmp_path, monkeypatch):
    (tmp_path / "results").mkdir()
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    results(4, model=toy).save(tmp_path / "results" / "critical.safetensors")
    found = shipped(studies.critical, toy, steps=2, k=8)
    assert found.cells[TOP]["change"].tolist() == results(4).cells[TOP]["change"].tolist()
    for other in ({"steps": 3, "k": 8}, {"steps": 2, "k": 4}, {"steps": 2, "k": 8, "seed": 7}):
        assert shipped(studies.critical, toy, **other) is None
    assert shipped(replace(studies.critical, name="of_nobody"), toy, steps=2, k=8) is None


@pytest.mark.parametrize("name", [*studies.STUDIES, "replicas"])
def test_what_is_committed_is_of_the_toy_world_as_it_is_shipped(toy, name):
    found = shipped(studies.STUDIES.get(name, studies.replicas), toy, steps=8, k=8)
    assert found is not None, f"results/{name}.safetensors is of another model, k or steps"
    assert found.name == name
