"""A subject from a picture: a reader's own files in place of references, rivals by their names, what is left out."""

import fewchannels as fc
import numpy as np
import pytest
from diffusers import DDIMScheduler
from fewchannels import studies
from fewchannels.edits.inversion import image_trajectory
from fewchannels.notebook.chapters import prompts_for, references_for
from fewchannels.reading.worlds import ToyWorld
from fewchannels.studies.condition import Condition
from fewchannels.studies.study import Plan
from fewchannels.studies.subject_transport import best_inversion, best_of, difference, transport_picture
from fewchannels.toyworld.prompts import parse_prompt
from fewchannels.toyworld.scenes import render
from fewchannels.watch.hooks import capture
from fewchannels.watch.tokens import KeepTokens
from PIL import Image
from tiny_pipelines import PIPELINES, guidance_of

STEPS = 2
CAPTIONS = (
    "a large red star at the center on a plain white background",
    "a small blue ring at the left on a plain pink",
)


@pytest.fixture(scope="module")
def model():
    return fc.load("toyworld")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two scenes as a reader might have saved them: larger than the model draws, and named by what they show."""
    folder = tmp_path_factory.mktemp("own")
    captions = [CAPTIONS[0], f"{CAPTIONS[1]} background"]
    paths = [folder / f"{caption.replace(' ', '_')}.png" for caption in captions]
    for path, caption in zip(paths, captions, strict=True):
        Image.fromarray(render(parse_prompt(caption), (1, 0)).image).resize((96, 96)).save(path)
    return paths


@pytest.fixture(autouse=True)
def _few_calibration_prompts(monkeypatch):
    monkeypatch.setattr(ToyWorld, "calibration", 4)


def asked(model, *conditions, **more):
    given = {"n": 4, "steps": STEPS, "instruments": False, "pictures": True, "conditions": conditions, **more}
    return studies.run(studies.subject_transport, model, **given)


def through_the_autoencoder(shown, pictures):
    """Each is its own picture but for what the autoencoder loses, far less than what another one differs by."""
    apart = np.square((shown[:, None].astype(float) - pictures[None]) / 255).mean(axis=(2, 3, 4))
    assert (np.diag(apart) < 2e-3).all()
    assert (apart.argmin(axis=1) == np.arange(len(pictures))).all()


def test_references_are_those_that_the_study_shows(model):
    pictures, captions, scenes = references_for(model, 3)
    found = asked(model, Condition("source"), n=3)
    through_the_autoencoder(found.pictures(edit="source"), pictures)
    assert found.prompts == scenes
    assert all(
        parse_prompt(a).subjects[0] != parse_prompt(b).subjects[0] for a, b in zip(captions, scenes, strict=True)
    )


def test_a_readers_files_take_the_place_of_evaluations_references(model, files):
    shown = Condition("source"), Condition("source", prompts="tried"), Condition("", prompts="elsewhere")
    found = asked(model, *shown, images=files)
    pictures, captions, scenes = references_for(model, 4, files)
    assert captions == [file.stem.replace("_", " ") for file in files]
    assert found.prompts == scenes
    through_the_autoencoder(found.pictures(edit="source", prompts="all"), pictures)
    assert found.groups["all"] == 2
    drawn = asked(model, shown[1])
    assert np.array_equal(
        found.pictures(edit="source", prompts="tried"), drawn.pictures(edit="source", prompts="tried")
    )
    assert "where the subjects of your own pictures stand is not known" in found.left_out["untouched, on elsewhere"]
    assert np.isnan(found.mean("kept", edit="", mask="", prompts="elsewhere").value)


def test_files_that_are_no_references_are_refused(model, files, tmp_path):
    with pytest.raises(FileNotFoundError, match="no image file"):
        asked(model, Condition(""), images=[tmp_path / "none.png"])
    for name, said in (("a_red_dog", "dog"), ("nothing_on_a_plain_blue_background", "names no subject")):
        Image.new("RGB", (64, 64)).save(tmp_path / f"{name}.png")
        with pytest.raises(ValueError, match=said):
            asked(model, Condition(""), images=[tmp_path / f"{name}.png"])
    with pytest.raises(ValueError, match="2 files have 1 names"):
        asked(model, Condition(""), images=[files[0], files[0].with_suffix(".png")])


def test_one_picture_goes_into_several_scenes_and_all_of_it_everywhere_is_the_picture(model, files):
    scenes = prompts_for(model, 2)
    everything = np.arange(192)
    moved = transport_picture(model, files[0], CAPTIONS[0], scenes, everything, mask=None, steps=STEPS)
    source = image_trajectory(model, files[0], CAPTIONS[0], everything, steps=STEPS)
    assert moved.images.shape == moved.target_images.shape == (2, 48, 48, 3)
    assert np.array_equal(moved.source_images[0], source.images[0])
    assert np.abs(moved.images.astype(int) - source.images).mean() < 30  # but for the norm behind the last block
    back = transport_picture(model, files[0], CAPTIONS[0], scenes, everything, "invert", steps=STEPS, iterations=2)
    assert not np.array_equal(back.target_images, moved.target_images)  # it starts from the picture's own noise


def test_settings_are_chosen_and_read_by_their_conditions(model):
    moved = Condition("transport", "top", mask="union", prompts="tried")
    found = asked(model, moved, moved.but(k=16), Condition("paste", steps=(0, 1), mask="source", prompts="tried"))
    assert best_of(found, "transport").k in (8, 16)
    assert best_of(found, "paste").prompts == "all"
    assert best_inversion(found) == "inverted 1, shared noise"  # none was tried
    assert found.mean("kept", **moved) == found.mean("kept", prompts="tried", k=8)


def test_a_model_draws_its_references_once_and_what_it_cannot_invert_is_left_out(monkeypatch):
    case = PIPELINES["PixArt-Sigma"]()
    more = {**guidance_of(case, on=True), "height": 64, "width": 96}
    model = fc.load(case.pipeline)
    drawn = []
    generate = model.generate

    def counted(prompts, *args, **given):
        drawn.append((tuple(prompts), given.get("seed")))
        return generate(prompts, *args, **given)

    monkeypatch.setattr(model, "generate", counted)
    found = asked(model, Condition("source"), Condition("", prompts="inverted 1, own noise"), n=4, **more)
    references = [prompts for prompts, seed in drawn if seed == 1_000]
    assert len(references) == 1
    assert len(references[0]) == 4
    assert "cannot be run backwards" in found.left_out["untouched, on inverted 1, own noise"]
    assert np.isnan(found.harmonic("taken", "kept", edit="", mask="", prompts="inverted 1, own noise").value)


def test_a_model_that_no_picture_can_enter_says_why():
    case = PIPELINES["SD3"]()
    case.pipeline.scheduler = DDIMScheduler()
    with pytest.raises(ValueError, match=r"no picture can enter .*DDIMScheduler, are not known here"):
        references_for(fc.load(case.pipeline), 2)


def test_shares_of_the_difference_to_a_reference_are_those_of_states_kept_whole(model):
    """Of the two runs recorded apart, at the same noise: what the study measures in passing."""
    plan = Plan(studies.subject_transport, model, n=2, steps=STEPS)
    group, top = plan.groups["all"], plan.sets.of("top")
    found = difference(model, group, plan.sets)
    assert found["all, k 8"] == pytest.approx(1)
    source = image_trajectory(model, list(group.images), group.sources, seed=group.seed, steps=STEPS)
    with capture(model, target := KeepTokens(dtype="float32")):
        model.generate(group.prompts, seed=group.seed, steps=STEPS)
    shares = []
    for block in range(len(model.layers)):
        theirs = np.stack([source.take(block, step, [0, 1], None).numpy() for step in range(STEPS)], axis=1)
        squares = np.square(theirs - target.array[:, block]).mean(axis=(1, 2))
        shares.append(squares[:, top[block]].sum(axis=1) / squares.sum(axis=1))
    assert found["top, k 8"] == pytest.approx(np.mean(shares, axis=0), rel=1e-3)
