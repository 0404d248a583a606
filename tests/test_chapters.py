"""What a notebook does first: quiet on the toy world; a token, a first picture and a cost on other models."""

from __future__ import annotations

import huggingface_hub
import pytest
import tiny_judges
import torch
from fewchannels import chapters
from fewchannels.chapters import cost, judged_by, log_in, open_chapter, picture_judge, study_steps, toy_only
from fewchannels.judges import ClipJudge, ClipSegJudge
from tiny_pipelines import PIPELINES, guidance_of

GATED, OPEN = "black-forest-labs/FLUX.1-dev", "black-forest-labs/FLUX.2-klein-4B"


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


def test_the_toy_world_opens_without_a_word(capsys):
    dit = open_chapter("toyworld")
    cost(dit, pictures=1000, steps=8)
    assert toy_only(dit, "The mask")
    assert picture_judge(dit) is None
    assert (study_steps(dit), dit.preset.k) == (8, 8)
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


def test_only_a_gated_model_without_a_token_asks_for_one(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(huggingface_hub, "notebook_login", lambda: asked.append(True))
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    for model in ("toyworld", OPEN, "some/other-model"):
        log_in(model)
    assert (asked, capsys.readouterr().out) == ([], "")
    log_in(GATED)
    told = capsys.readouterr().out
    assert asked == [True]
    assert f"https://huggingface.co/{GATED}" in told
    assert "Accept its licence" in told
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "hf_x")
    log_in(GATED)
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


@pytest.mark.parametrize(("pictures", "steps", "said"), [(1, 2, "about 1 minute**"), (120, 1, "about 3 minutes**")])
def test_the_cost_goes_by_the_first_picture(opened, monkeypatch, capsys, pictures, steps, said):
    monkeypatch.setattr(opened, "seconds", 3.0)
    cost(opened, pictures=pictures, steps=steps)
    told = capsys.readouterr().out
    assert f"about {pictures} pictures, {steps} step" in told
    assert said in told
    assert "Set `store` to a folder" in told
    cost(opened, pictures=pictures, steps=steps, store="kept")
    assert "Results are kept in kept" in capsys.readouterr().out


def test_toy_parts_are_skipped_with_a_sentence(opened, capsys):
    assert not toy_only(opened, "The comparison with exact masks")
    assert "*The comparison with exact masks needs scenes whose truth is known exactly" in capsys.readouterr().out
    assert study_steps(opened) == 2


def test_judges_come_from_folders_and_what_is_missing_is_said(opened, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    folder = tiny_judges.save(tiny_judges.clip(), tmp_path / "clip")
    judge = picture_judge(opened, {"clip": str(folder)})
    assert isinstance(judge, ClipJudge)
    assert picture_judge(opened, {"clip": judge}) is judge
    assert "that network's opinion, not the truth" in judged_by(judge)
    assert picture_judge(opened, {"clip": None}) is None
    assert judged_by(None) == ""
    assert isinstance(
        picture_judge(
            opened, {"segmenter": str(tiny_judges.save(tiny_judges.clipseg(), tmp_path / "seg"))}, "segmenter"
        ),
        ClipSegJudge,
    )
    capsys.readouterr()
    for name in (str(tmp_path / "none"), "nobody/no-such-clip"):
        assert picture_judge(opened, {"clip": name}) is None
        assert f"The judge {name} could not be loaded" in capsys.readouterr().out
    with pytest.raises(ValueError, match=r"judges has clipp: expected clip, segmenter"):
        picture_judge(opened, {"clipp": "x"})
    with pytest.raises(ValueError, match="kind='dino'"):
        picture_judge(opened, kind="dino")
