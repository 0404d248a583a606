"""`fewchannels study` on the real toy world: what it would do, keeps, writes and prints, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import tiny_judges
from fewchannels import studies
from fewchannels.cli import main
from fewchannels.prompts import toyworld_prompts
from fewchannels.reading.worlds import ToyWorld
from fewchannels.studies.condition import Condition
from fewchannels.studies.results import Results
from fewchannels.toyworld.recipe import build_pipeline
from tiny_pipelines import PIPELINES

TOP = Condition(channels="top")


@pytest.fixture(autouse=True)
def _few_conditions(monkeypatch):
    """The study of chapter 2, of three conditions."""
    monkeypatch.setattr(ToyWorld, "calibration", 4)

    def few(sets, blocks, steps):
        return [Condition("", k=sets.k), TOP.but(k=sets.k), TOP.but(k=sets.k, channels="bottom"), TOP.but(k=500)]

    monkeypatch.setitem(studies.STUDIES, "critical", replace(studies.critical, conditions=few))


@pytest.fixture
def asked(tmp_path):
    return ["study", "critical", "--n", "2", "--steps", "2", "--k", "4", "--store", str(tmp_path / "store")]


def test_a_study_is_written_printed_and_taken_from_the_store_when_it_is_given_again(asked, tmp_path, capsys):
    out = tmp_path / "critical.safetensors"
    assert main([*asked, "--out", str(out)]) == 0
    shown = capsys.readouterr()
    found = Results.read(out)
    assert [c.name for c in found.cells] == ["untouched", "zero, top, k 4", "zero, bottom, k 4"]
    assert found.groups["all"] == 2
    assert (found.provenance["seed"], found.provenance["steps"], found.base.k) == (0, 2, 4)
    table = shown.out
    assert "| zero, top, k 4 | 2 |" in table
    assert "4 conditions, 8 pictures of 2 steps" in shown.err
    assert f"{out}: 3 conditions" in shown.err
    assert "left out: zero, top, k 500: k=500 is more than the 192 channels" in shown.err
    assert "[2/3]" in shown.err
    assert main([*asked, "--out", str(tmp_path / "again.safetensors")]) == 0
    assert "[" not in capsys.readouterr().err, "what is in the store was computed again"
    for c, cell in Results.read(tmp_path / "again.safetensors").cells.items():
        np.testing.assert_array_equal(cell["change"], found.cells[c]["change"])
    assert main([*asked, "--seed", "1", "--quiet"]) == 0
    shown = capsys.readouterr()
    assert "[" not in shown.err
    assert shown.out != table


def test_a_plan_says_what_would_be_done_and_does_nothing(asked, tmp_path, capsys):
    assert main([*asked, "--plan", "--out", str(tmp_path / "none.safetensors")]) == 0
    shown = capsys.readouterr().out
    assert "| zero | bottom | 4 | all | all |  | 2 |" in shown
    assert "4 conditions, 8 pictures of 2 steps" in shown
    assert "on this machine" in shown
    assert not (tmp_path / "none.safetensors").exists()


def test_prompts_of_ones_own_take_the_place_of_the_studys(asked, tmp_path, capsys):
    own, out = toyworld_prompts(2, "calibration"), tmp_path / "out.safetensors"
    (tmp_path / "mine.txt").write_text("\n".join(own))
    assert main([*asked, "--prompts", str(tmp_path / "mine.txt"), "--out", str(out), "--quiet"]) == 0
    assert Results.read(out).prompts == own
    capsys.readouterr()
    assert main([*asked, "--prompts", str(tmp_path / "mine.txt"), "--n", "3"]) == 1
    assert "holds 2 prompts: n=3 is more" in capsys.readouterr().err


def test_a_folders_pictures_are_read_by_the_judge_that_is_named(asked, tmp_path, capsys):
    PIPELINES["SD3"]().pipeline.save_pretrained(tmp_path / "sd3")
    judge = tiny_judges.save(tiny_judges.clip(), tmp_path / "clip")
    out = tmp_path / "sd3.safetensors"
    assert main([*asked, "--model", str(tmp_path / "sd3"), "--judge", str(judge), "--out", str(out)]) == 0
    found = Results.read(out)
    assert found.provenance["class"] == "SD3Transformer2DModel"
    assert found.one(channels="top")["agree"].shape == (2, 2)
    assert "left out" in capsys.readouterr().err


def test_replicas_are_named_by_their_training_card(tmp_path, capsys):
    folder, out = tmp_path / "seed5", tmp_path / "replicas.safetensors"
    build_pipeline(5, "pixart").save_pretrained(folder, safe_serialization=True)
    (folder / "training.json").write_text(json.dumps({"images": 0, "seed": 5}))
    asked = ["study", "replicas", "--n", "2", "--steps", "1", "--k", "4", "--store", str(tmp_path / "store")]
    assert main(asked) == 1
    assert "replicas needs --replicas FOLDER" in capsys.readouterr().err
    assert main([*asked, "--replicas", str(folder), "--out", str(out), "--quiet"]) == 0
    assert Results.read(out).index["order"] == ["this model", "PixArt class, weights 5, data 5"]


def test_what_cannot_be_done_is_one_line(asked, tmp_path, capsys):
    for more, words in (
        (["--out", str(tmp_path / "nowhere" / "out.safetensors")], "nowhere"),
        (["--model", str(tmp_path / "no_model")], "no_model"),
        (["--prompts", str(tmp_path / "none.txt")], "none.txt"),
    ):
        assert main([*asked, *more]) == 1
        error = capsys.readouterr().err
        assert words in error
        assert len(error.splitlines()) == 1
    for wrong in (["study", "critic"], ["study"], [*asked, "--n", "0"]):
        with pytest.raises(SystemExit) as stop:
            main(wrong)
        assert stop.value.code == 2
        assert "usage: fewchannels study" in capsys.readouterr().err


def test_names_are_those_of_the_studies():
    from fewchannels.cli.study import NAMES

    assert NAMES == tuple(studies.STUDIES)
