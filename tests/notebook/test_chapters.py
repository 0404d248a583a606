"""What a notebook does first: quiet on the toy world; a token, a first picture and a cost on other models."""

from __future__ import annotations

from dataclasses import replace

import huggingface_hub
import numpy as np
import pytest
import tiny_judges
import torch
from fewchannels import studies
from fewchannels.notebook import chapters
from fewchannels.notebook.chapters import open_chapter, picture_judge, prompts_for, run_study, truth_for
from fewchannels.prompts import toyworld_prompts
from fewchannels.reading.judges import ClipJudge, ClipSegJudge
from fewchannels.reading.worlds import ToyWorld
from fewchannels.studies.condition import Condition
from fewchannels.studies.groups import evaluation
from tiny_pipelines import PIPELINES, guidance_of

GATED, OPEN = "black-forest-labs/FLUX.1-dev", "black-forest-labs/FLUX.2-klein-4B"
TOP = Condition(channels="top")


@pytest.fixture(scope="module")
def sd3():
    """A random SD3 pipeline of toy size, and options for it."""
    case = PIPELINES["SD3"]()
    settings = {"guidance_scale": guidance_of(case, True)["guidance_scale"], "height": 64, "width": 96, "steps": 2}
    return case.pipeline, {"generation": {**settings, "max_sequence_length": 24}}


@pytest.fixture(scope="module")
def opened(sd3):
    """The same, opened as a chapter does."""
    return open_chapter(*sd3)


# Opening


def test_the_toy_world_opens_without_a_word(capsys):
    dit = open_chapter("toyworld")
    assert picture_judge(dit) is None
    assert prompts_for(dit, 3) == toyworld_prompts(3, "evaluation", subjects=1)
    assert dit.preset.k == 8
    assert capsys.readouterr().out == ""


def test_another_model_is_introduced_and_tried_on_one_prompt(sd3, capsys):
    dit = open_chapter(*sd3)
    told = capsys.readouterr().out
    assert "SD3Transformer2DModel" in told
    assert "3 blocks, float32 on cpu, 2 steps, height 64, width 96, guidance_scale 4.0" in told
    assert "a brown bear in a river between rocks" in told
    assert "One picture took" in told
    assert f"at 2 steps, on 4 x 6 image tokens of {dit.transformer.inner_dim} channels." in told
    assert "inf or nan" not in told
    assert dit.seconds > 0


def test_a_first_picture_that_overflows_says_so(sd3):
    bias = sd3[0].transformer.transformer_blocks[1].ff.net[2].bias
    kept = bias.detach().clone()
    try:
        with torch.no_grad():
            bias[0] = float("inf")
        with pytest.raises(FloatingPointError, match=r"overflowed. Load it with dtype=torch.bfloat16"):
            open_chapter(*sd3)
    finally:
        with torch.no_grad():
            bias.copy_(kept)


def test_an_option_that_load_does_not_take_is_an_error():
    with pytest.raises(TypeError, match="placement"):
        open_chapter("toyworld", {"placement": "model"})


class Arrived(Exception):
    """A chapter that came as far as loading."""


def test_only_a_gated_model_without_a_token_asks_for_one(monkeypatch, capsys):
    asked = []

    def load(model, **options):
        raise Arrived

    monkeypatch.setattr(huggingface_hub, "notebook_login", lambda: asked.append(True))
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    monkeypatch.setattr(chapters, "load", load)
    for model in ("toyworld", OPEN, "some/other-model"):
        with pytest.raises(Arrived):
            open_chapter(model)
    assert (asked, capsys.readouterr().out) == ([], "")
    with pytest.raises(PermissionError, match=f"accept its licence on https://huggingface.co/{GATED}"):
        open_chapter(GATED)
    assert asked == [True]
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "hf_x")
    with pytest.raises(Arrived):
        open_chapter(GATED)
    assert asked == [True]


def test_a_store_on_drive_is_mounted_on_colab_alone(monkeypatch, tmp_path):
    mounted = []

    class Drive:
        mount = staticmethod(mounted.append)

    drive = tmp_path / "drive"
    monkeypatch.setattr(chapters, "DRIVE", drive)
    open_chapter("toyworld", store=drive / "MyDrive" / "few-channels")
    assert mounted == []
    monkeypatch.setitem(chapters.sys.modules, "google.colab", Drive)
    monkeypatch.setitem(chapters.sys.modules, "google.colab.drive", Drive)
    open_chapter("toyworld", store=tmp_path / "elsewhere")
    assert mounted == []
    open_chapter("toyworld", store=drive / "MyDrive" / "few-channels")
    assert mounted == [str(drive)]
    drive.mkdir()
    open_chapter("toyworld", store=drive / "MyDrive" / "few-channels")
    assert mounted == [str(drive)]


# Judges


def test_judges_come_from_folders_and_what_is_missing_is_said(opened, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    folder = tiny_judges.save(tiny_judges.clip(), tmp_path / "clip")
    judge = picture_judge(opened, {"clip": str(folder)})
    assert isinstance(judge, ClipJudge)
    assert picture_judge(opened, {"clip": judge}) is judge
    assert picture_judge(opened, {"clip": None}) is None
    segmenter = {"segmenter": str(tiny_judges.save(tiny_judges.clipseg(), tmp_path / "seg"))}
    assert isinstance(picture_judge(opened, segmenter, "segmenter"), ClipSegJudge)
    capsys.readouterr()
    for name in (str(tmp_path / "none"), "nobody/no-such-clip"):
        assert picture_judge(opened, {"clip": name}) is None
        assert f"The judge {name} could not be loaded" in capsys.readouterr().out
    with pytest.raises(ValueError, match=r"judges has clipp: expected clip, segmenter"):
        picture_judge(opened, {"clipp": "x"})
    with pytest.raises(ValueError, match="kind='dino'"):
        picture_judge(opened, kind="dino")


def test_without_a_segmenter_the_truth_is_in_the_pictures_own_pixels(opened):
    pictures = np.full((1, 64, 96, 3), 30, np.uint8)
    pictures[0, 16:48, 32:64] = 220
    truth = truth_for(opened, pictures, prompts_for(opened, 1), (4, 6), {"segmenter": None})
    assert truth[0].nonzero()[0].tolist() == [1, 1, 2, 2]
    assert truth[0].nonzero()[1].tolist() == [2, 3, 2, 3]


# Studies


@pytest.fixture
def small(monkeypatch):
    """The study of chapter 2, of two conditions on all prompts and one on few."""
    monkeypatch.setattr(ToyWorld, "calibration", 4)

    def conditions(sets, blocks, steps):
        return [TOP.but(k=sets.k), TOP.but(k=sets.k, channels="bottom"), TOP.but(k=1, prompts="few")]

    prompts = {"all": evaluation(), "few": evaluation(share=1 / 2)}
    return replace(studies.critical, conditions=conditions, prompts=prompts)


NO_JUDGES = {"clip": None, "segmenter": None}


def test_a_study_of_another_model_is_run_after_its_cost_was_said(opened, small, monkeypatch, capsys):
    monkeypatch.setattr(opened, "seconds", 30.0)
    found = run_study(small, opened, 4, k=2, judges=NO_JUDGES)
    told = capsys.readouterr().out
    assert found.groups == {"all": 4, "few": 2}
    assert found.provenance["steps"] == 2
    assert "3 conditions, 10 pictures of 2 steps" in told
    assert "About 5 minutes on this machine" in told
    assert "Set `store` to a folder" in told
    assert "There is no run of the study *critical* on this model with these settings here" in told
    assert "come from a run of 4 prompts just now" in told
    assert "[1/" not in told, "what it will cost, and no line for each condition"


def test_a_store_is_named_and_what_is_left_out_is_told(opened, small, tmp_path, capsys):
    wide = replace(small, conditions=lambda sets, blocks, steps: [TOP.but(k=2), TOP.but(k=10_000)])
    run_study(wide, opened, 2, k=2, judges=NO_JUDGES, store=str(tmp_path))
    told = capsys.readouterr().out
    assert f"Results are kept in {tmp_path} as they come" in told
    assert "*Left out: zero, top, k 10000: k=10000 is more than the" in told
    assert list(tmp_path.glob("*.safetensors"))


def test_a_committed_run_is_read_after_a_slice_of_it_agrees(toy, small, tmp_path, monkeypatch, capsys):
    (tmp_path / "results").mkdir()
    monkeypatch.chdir(tmp_path)
    studies.run(small, toy, n=8, steps=2, k=8).save(tmp_path / "results" / "critical.safetensors")
    kept = run_study(small, toy, 2, steps=2, pictures=True)
    told = capsys.readouterr().out
    assert kept.groups["all"] == 8
    assert "a run that comes with the book" in told
    assert "2 conditions of it were run again just now, on 2 prompts, and agree" in told
    assert kept.pictures(channels="top").shape == (2, 48, 48, 3)
    single = replace(small, again=lambda c: c.channels == "bottom")
    run_study(single, toy, 2, steps=2)
    assert "1 condition of it was run again just now, on 2 prompts, and agrees" in capsys.readouterr().out
    weight = toy.transformer.proj_out.weight
    try:
        weight.data.mul_(4)
        with pytest.raises(AssertionError, match="disagree with the study critical: zero"):
            run_study(small, toy, 2, steps=2)
    finally:
        weight.data.div_(4)
    other = run_study(small, toy, 2, steps=2, k=4)
    assert other.groups["all"] == 2, "of other settings there is no committed run"
    (tmp_path / "mine.txt").write_text("\n".join(toyworld_prompts(2, "calibration")))
    own = run_study(small, toy, 2, steps=2, prompts=str(tmp_path / "mine.txt"))
    assert own.prompts == toyworld_prompts(2, "calibration")
