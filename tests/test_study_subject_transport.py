"""Subjects from image files: pairs and files are what they say, and the rivals do what their names say."""

import shutil

import fewchannels as fc
import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler
from fewchannels.inversion import encode, renoised
from fewchannels.natural_prompts import natural_prompts
from fewchannels.patching import inject
from fewchannels.prompts import toyworld_prompts
from fewchannels.studies import natural_subjects as natural
from fewchannels.studies import subject_transport as study
from fewchannels.studies.cases import calibrate
from fewchannels.studies.subjects import carry, subject_case, subject_pairs
from fewchannels.toyworld.prompts import format_prompt, parse_prompt
from PIL import Image
from tiny_pipelines import PIPELINES, guidance_of

STEPS = 2


@pytest.fixture(scope="module")
def calibration(toy):
    return calibrate(toy, toyworld_prompts(8, "calibration"), steps=STEPS)


@pytest.fixture(scope="module")
def case(toy, calibration, tmp_path_factory):
    return subject_case(toy, 3, tmp_path_factory.mktemp("references"), steps=STEPS, masks_on=calibration.top(8))


def test_pairs_differ_in_what_they_should_and_stay_in_their_split():
    same, elsewhere = subject_pairs(20), subject_pairs(20, place="elsewhere")
    for a, b in zip(same, elsewhere, strict=True):
        assert a.source == b.source
        assert a.differ == ("colour", "shape", "background", "texture")
        assert b.differ == ("colour", "shape", "size", "position", "background", "texture")
        for pair in (a, b):
            subjects = {pair.source.subjects[0].colour, pair.target.subjects[0].colour}
            assert not subjects & {pair.source.background, pair.target.background}
    prompts = [{format_prompt(p.target) for p in subject_pairs(20, split)} for split in ("calibration", "evaluation")]
    assert not prompts[0] & prompts[1]
    assert subject_pairs(2) == same[:2]
    with pytest.raises(ValueError, match="elsewhere"):
        subject_pairs(1, place="above")
    with pytest.raises(ValueError, match="at least 1"):
        subject_pairs(0)


def test_references_go_through_image_files(case):
    assert [file.suffix for file in case.files] == [".png"] * 3
    with Image.open(case.files[0]) as image:
        assert np.array_equal(np.asarray(image), case.references[0])
    assert np.array_equal(case.source.images, case.references)  # re-noising ends in the image itself
    assert set(case.masks) == {"source", "target", "union", "truth"}
    assert case.masks["truth"].shape == (3, 12, 12)
    cell = case.measure(case.references)
    assert np.nanmean(study.goals(cell)[:, 0]) == 1  # the judge reads the reference's own subject in the reference
    assert (cell["subject_apart"] == 0).all()
    assert (case.measure(case.untouched)["scene_apart"] == 0).all()


def test_a_scene_that_asks_for_nothing_keeps_its_background(toy, calibration, tmp_path):
    bare = subject_case(toy, 2, tmp_path, "nothing", steps=STEPS, masks_on=calibration.top(8), caption="")
    assert [parse_prompt(p).subjects for p in bare.prompts] == [(), ()]
    assert [parse_prompt(p).background for p in bare.prompts] == [p.target.background for p in bare.pairs]
    assert bare.sources == ["", ""]
    with pytest.raises(ValueError, match="'renoise' or 'invert'"):
        subject_case(toy, 2, tmp_path, way="ddim")


def test_moving_everything_everywhere_draws_the_reference(case):
    everything = study.moved(case, None, mask=None)()
    assert everything["to_source"].mean() < 0.3 * study.untouched(case)()["to_source"].mean()


def test_rivals_take_more_of_the_reference_the_longer_they_hold_it(case):
    none, all_of_it = study.image_to_image(case, 1)(), study.image_to_image(case, STEPS)()
    assert (all_of_it["to_source"] == 0).all()
    assert none["to_source"].mean() > 0
    pasted = study.pasted(case, STEPS, "truth")()
    assert pasted["subject_apart"].mean() < 0.25 * study.untouched(case)()["subject_apart"].mean()
    assert pasted["scene_apart"].mean() < pasted["to_source"].mean()


def test_pasting_leaves_the_rest_to_the_model_and_restores_the_scheduler(toy, case):
    clean = encode(toy, case.files)
    nothing = np.zeros((12, 12), bool)
    with renoised(toy, clean, mask=nothing):
        images = case.draw()
    assert np.array_equal(images, case.untouched)
    half = nothing.copy()
    half[:, :6] = True
    with renoised(toy, clean, mask=half):
        images = case.draw()
    assert np.array_equal(images[:, :, :24], case.references[:, :, :24])
    assert not np.array_equal(images[:, :, 24:], case.references[:, :, 24:])
    for mask, message in [(np.ones((12, 12)), "bool"), (np.ones((2, 12, 12), bool), r"\[3, h, w\]"),
                          (np.ones((7, 7), bool), r"grid \(7, 7\)")]:  # fmt: skip
        with pytest.raises(ValueError, match=message), renoised(toy, clean, mask=mask):
            case.draw()
    with pytest.raises(ValueError, match="steps=0"), renoised(toy, clean, steps=0):
        case.draw()
    with pytest.raises(ValueError, match="grid"), inject(toy, case.source, mask=np.ones((5, 5), bool)):
        case.draw()
    assert not {"step", "set_timesteps"} & set(vars(toy.pipeline.scheduler))
    assert np.array_equal(case.draw(), case.untouched)


def test_packed_latents_are_pasted_by_token(flux, prompts):
    size = {"height": 64, "width": 96, "guidance_scale": 1.0}
    clean = encode(flux, np.full((64, 96, 3), 200, np.uint8), 64, 96)
    mask = np.zeros((4, 6), bool)
    mask[0] = True
    with renoised(flux, clean, mask=mask):
        latents = flux.generate(prompts[:1], steps=2, output="latent", **size)
    torch.testing.assert_close(latents[0, :6], clean[0, :6].to(latents.dtype))
    assert not torch.allclose(latents[0, 6:], clean[0, 6:].to(latents.dtype), atol=1e-3)


def test_a_file_that_goes_missing_leaves_the_model_as_it_was(toy, calibration, tmp_path):
    gone = subject_case(toy, 2, tmp_path, steps=STEPS, masks_on=calibration.top(8))
    gone.files[1].unlink()
    with pytest.raises(FileNotFoundError, match="reference_001"):
        study.moved(gone, calibration.top(8))()
    assert not {"step", "set_timesteps"} & set(vars(toy.pipeline.scheduler))
    assert not toy.transformer._forward_pre_hooks


def test_any_file_can_be_carried_into_several_scenes(toy, prompts, calibration, case, tmp_path):
    top, plain = calibration.top(8), toy.generate(prompts[1:], steps=STEPS)
    for way in ("renoise", "invert"):
        done = carry(toy, case.files[0], case.sources[0], prompts[1:], top, way, steps=STEPS)
        assert done.images.shape == (2, 48, 48, 3)
        assert np.array_equal(done.masks[0], done.masks[1])
        assert not np.array_equal(done.images, done.target_images)
    (tmp_path / "notes.png").write_text("no image")
    for file, caption, message in [(tmp_path / "notes.png", case.sources[0], "no image file"),
                                   (case.files[0], "my dog", "unknown word 'my'")]:  # fmt: skip
        with pytest.raises(ValueError, match=message):
            carry(toy, file, caption, prompts[1:], top, steps=STEPS)
    assert np.array_equal(toy.generate(prompts[1:], steps=STEPS), plain)


def test_harmonic_means_and_the_choice_of_settings():
    rows = np.array([[1.0, 0.5], [0.0, 0.5]])
    assert study.harmonic(rows) == pytest.approx(0.5)
    assert study.harmonic(np.hstack([rows, np.zeros((2, 2))])) == pytest.approx(0.5)
    low, high = ({"adopted": np.full((2, 6), a), "retained": np.full((2, 6), 0.5)} for a in (0.1, 0.9))
    assert study.choose({"low": low, "high": high, "as high": high}) == "high"


def test_inversion_gives_noise_that_leads_back(toy, calibration, tmp_path):
    def case_of(**options):
        return subject_case(toy, 2, tmp_path, steps=4, masks_on=calibration.top(8), **options)

    found = study.trajectories(case_of, {"renoise": {}, "once": {"way": "invert"},
                                         "more": {"way": "invert", "iterations": 4}})  # fmt: skip
    assert (found["renoise"]["error"] == 0).all()
    assert found["more"]["error"].mean() < found["once"]["error"].mean()
    assert set(found["more"]) == {"error", "mean", "deviation", "neighbours"}
    assert (np.abs(found["more"]["neighbours"]) <= 1).all()
    inverted = case_of(way="invert")
    alone = case_of(way="invert", own_noise=True)
    assert not np.array_equal(inverted.untouched, alone.untouched)
    assert inverted.key() != alone.key()


@pytest.mark.parametrize("name", ["FLUX.2-klein", "PixArt-Sigma"])
def test_other_models_carry_subjects_of_their_own_pictures_or_of_files(name, tmp_path):
    options = guidance_of(pipeline := PIPELINES[name](), False)
    model = fc.load(pipeline.pipeline, generation=options)
    assert natural.why_not(model) == ""
    calibration = calibrate(model, [str(p) for p in natural_prompts(2, "calibration")], steps=STEPS)
    sets = {"top": calibration.top(4)}
    case = natural.natural_case(model, 2, tmp_path, steps=STEPS, masks_on=sets["top"])
    assert [file.suffix for file in case.files] == [".png"] * 2
    cells = {key: make() for key, make in natural.conditions(case, calibration, sets, 4).items()}
    assert ("inverted" in cells) == (name == "FLUX.2-klein")
    for cell in cells.values():
        assert cell["adopted"].shape == (2, 1)
        assert np.isfinite(cell["subject_apart"]).all()
    assert (cells["untouched"]["to_target"] == 0).all()
    again = natural.natural_case(model, 2, tmp_path, steps=STEPS, masks_on=sets["top"])
    assert again.files == case.files
    assert again.key() == case.key()
    shutil.copy(case.files[0], tmp_path / "a_red_fox.png")
    given = natural.natural_case(model, 9, tmp_path, [tmp_path / "a_red_fox.png"], steps=STEPS, masks_on=sets["top"])
    assert given.sources == [f"a red fox {natural.PLAIN}"]
    with pytest.raises(FileNotFoundError, match="nothing"):
        natural.natural_case(model, 1, tmp_path, [tmp_path / "nothing.png"], steps=STEPS)


def test_a_model_that_no_picture_can_enter_is_told_apart(toy):
    scheduler = toy.pipeline.scheduler
    toy.pipeline.scheduler = DDIMScheduler()
    try:
        assert "DDIMScheduler" in natural.why_not(toy)
    finally:
        toy.pipeline.scheduler = scheduler
    assert natural.why_not(toy) == ""
