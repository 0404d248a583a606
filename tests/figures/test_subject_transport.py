"""The subject transport's results as figures, on the committed run and where a model cannot have all."""

import numpy as np
import pytest
from fewchannels import plots
from fewchannels.figures import subject_transport as figures
from fewchannels.notebook.claims import beside_the_code
from fewchannels.studies.results import Results
from fewchannels.studies.subject_transport import GOALS, METHODS, best_of


@pytest.fixture
def found():
    return Results.read(beside_the_code("results/subject_transport.safetensors", ""))


def test_the_way_back_is_that_of_the_instruments(found):
    shown = figures.way_back(found)
    errors = shown["groups"]["error of the way back"]
    assert errors["three rounds"].value == found.instruments["way invert 3"]["error"].astype(float).mean()
    assert errors["three rounds"].value < errors["one round"].value
    spread = shown["groups"]["spread of the noise"]
    assert spread["one round"].value < spread["three rounds"].value
    assert spread["one round"].value < shown["lines"]["white noise"]
    assert plots.dots(**shown, xlabel="mean square, or deviation").axes


def test_a_way_that_a_model_does_not_have_has_no_dot(found):
    found.left_out["way invert 3"] = "this scheduler cannot go back"
    for group in figures.way_back(found)["groups"].values():
        assert np.isnan(group["three rounds"].value)
        assert np.isfinite(group["one round"].value)


@pytest.mark.parametrize(("prompts", "fields"), [("elsewhere", {}), ("nothing", {"mask": "source"})])
def test_other_scenes_hold_the_settings_that_were_chosen(found, prompts, fields):
    groups = figures.other_scenes(found, prompts, **fields)["groups"]
    assert list(groups) == [goal + reader for goal in GOALS for reader in ("", " by eye")]
    for goal, rows in groups.items():
        best = best_of(found, "transport").k
        assert rows["at its best"] == found.mean(goal, k=best, prompts=prompts, mask=fields.get("mask", "union"))
        assert rows["top"] == found.mean(goal, prompts=prompts, mask=fields.get("mask", "union"))
        for method in METHODS[1:]:
            assert rows[method] == found.mean(goal, **best_of(found, method).but(prompts=prompts))
        assert np.isfinite([row.value for row in rows.values()]).all()


def test_pasting_is_held_against_transport_on_the_same_pairs(found):
    shown = figures.against_pasting(found)
    assert list(shown["groups"]) == ["judge", "by eye"]
    ours, paste = best_of(found, "transport"), best_of(found, "paste")
    for reader, rows in shown["groups"].items():
        assert rows["as above"] == found.by_both("ahead", *GOALS, rows=(ours, paste))[reader]
        there = ours.but(prompts="elsewhere"), paste.but(prompts="elsewhere")
        assert rows["another place and size"] == found.by_both("ahead", *GOALS, rows=there)[reader]
        assert {"all channels", f"{ours.k} channels", "mask: truth", "nothing asked for"} <= set(rows)
        assert np.isfinite([row.value for row in rows.values()]).all()
