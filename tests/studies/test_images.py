"""Pictures as sources: what moving everything, pasting, image to image and inversion make of a reference."""

import fewchannels as fc
import numpy as np
import pytest
import torch
from fewchannels.edits.image_latents import encode
from fewchannels.reading.readers import Adoption, Distances, Regions
from fewchannels.reading.worlds import ToyWorld
from fewchannels.studies.condition import Condition, each
from fewchannels.studies.groups import references
from fewchannels.studies.sets import Sets
from fewchannels.studies.study import Study, run
from fewchannels.studies.subject_transport import trajectory, transport_picture

STEPS, N = 2, 2
READERS = (Distances(), Adoption(), Regions())
MOVED, PASTE, SHOWN = Condition("transport", "top"), Condition("paste"), Condition("image to image")


@pytest.fixture(scope="module")
def model():
    return fc.load("toyworld")


@pytest.fixture(autouse=True)
def _few_calibration_prompts(monkeypatch):
    monkeypatch.setattr(ToyWorld, "calibration", 4)


def shown(model, *conditions, steps=STEPS, **group):
    study = Study("shown", lambda sets, blocks, steps: conditions, {"all": references(**group)}, READERS, base=MOVED)
    return run(study, model, n=N, steps=steps, pictures=True)


@pytest.fixture(scope="module")
def group():
    return references().of(ToyWorld(), N, 0)


def test_moving_everything_everywhere_draws_the_reference(model, group):
    everything, source, untouched = MOVED.but(channels="all"), Condition("source"), Condition("")
    found = shown(model, everything, source, untouched)
    # re-noising ends in the image itself, as the autoencoder gives it back
    with torch.no_grad():
        back = model.pipeline.vae.decode(encode(model, list(group.images))).sample.movedim(1, -1).numpy()
    shown_at_the_end = found.cells[source]["pictures"]
    assert np.abs(shown_at_the_end - (back / 2 + 0.5).clip(0, 1) * 255).max() <= 0.51
    assert np.square((shown_at_the_end.astype(float) - group.images) / 255).mean() < 1e-3
    assert (found.cells[source]["to_source"] == 0).all()
    assert (found.cells[source]["subject_apart"] < 1e-3).all()  # from the reference itself, which was not decoded
    assert (found.cells[untouched]["scene_apart"] == 0).all()
    far, near = (found.cells[c]["to_source"].mean() for c in (untouched, everything))
    assert near < 0.3 * far


def test_image_to_image_takes_more_of_the_reference_the_longer_it_holds(model):
    held = each(SHOWN, steps=[range(count) for count in (1, 2, 4)])  # before the last of 4 steps no noise is left
    found = shown(model, Condition(""), *held, SHOWN, steps=4)
    never, once, half, every, by_default = (found.cells[c]["to_source"].mean() for c in found.cells)
    assert never > once > half > every == by_default == 0
    with pytest.raises(ValueError, match="shown in the first steps"):
        shown(model, SHOWN.but(steps=(1,)))


def test_pasting_takes_the_subject_and_leaves_the_scene(model):
    pasted, untouched = PASTE.but(mask="truth"), Condition("")
    found = shown(model, pasted, untouched)
    assert found.cells[pasted]["subject_apart"].mean() < 0.25 * found.cells[untouched]["subject_apart"].mean()
    assert found.cells[pasted]["scene_apart"].mean() < found.cells[pasted]["to_source"].mean()


def test_inversion_gives_noise_that_leads_back(model):
    sets, ways = Sets(model, ToyWorld(), 8, steps=4), {"once": 1, "more": 4}
    found = {
        name: trajectory(model, references(way="invert", iterations=rounds).of(ToyWorld(), N, 0), sets)
        for name, rounds in ways.items()
    }
    assert found["more"]["error"].mean() < found["once"]["error"].mean()
    assert set(found["more"]) == {"error", "mean", "deviation", "neighbours"}
    assert (np.abs(found["more"]["neighbours"]) <= 1).all()
    renoise = trajectory(model, references().of(ToyWorld(), N, 0), sets)
    assert set(renoise) == {"error"}
    assert (renoise["error"] > 0).all()  # what the autoencoder loses
    assert (renoise["error"] < 1e-3).all()


def test_targets_start_from_the_inverted_noise_or_from_their_own(model):
    plain, shared, own = (
        shown(model, Condition(""), **way).pictures(edit="", channels="")
        for way in ({}, {"way": "invert"}, {"way": "invert", "own_noise": True})
    )
    np.testing.assert_array_equal(own, plain)
    assert not np.array_equal(shared, plain)


def test_one_picture_is_carried_into_several_scenes(model, group, prompts, tmp_path):
    top, plain = Sets(model, ToyWorld(), 8, steps=STEPS).of("top"), model.generate(prompts[1:], seed=0, steps=STEPS)
    for way in ("renoise", "invert"):
        done = transport_picture(model, group.images[0], group.sources[0], prompts[1:], top, way, steps=STEPS)
        assert done.images.shape == (2, 48, 48, 3)
        assert not np.array_equal(done.images, done.target_images)
    (tmp_path / "notes.png").write_text("no image")
    with pytest.raises(ValueError, match="no image file"):
        transport_picture(model, tmp_path / "notes.png", group.sources[0], prompts[1:], top, steps=STEPS)
    np.testing.assert_array_equal(model.generate(prompts[1:], seed=0, steps=STEPS), plain)
