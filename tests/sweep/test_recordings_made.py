"""Recordings: a run as data, made once, known by what it says, and kept up to a budget."""

import fewchannels as fc
import numpy as np
import pytest
import torch
from fewchannels.channels import ChannelSet
from fewchannels.edits.patching import record
from fewchannels.sweep import Recording, recordings
from fewchannels.sweep.recordings import forget_recordings
from fewchannels.watch.subspaces import subspace

FEW = ChannelSet.same([3, 7], 6, 192, "few")


@pytest.fixture
def toy():
    model = fc.load("toyworld")
    yield model
    forget_recordings(model)


def of_one(prompt, **more):
    return Recording([prompt], **{"generation": {"steps": 1}, "channels": FEW, **more})


def test_a_run_is_recorded_as_it_is_drawn(toy, prompts):
    made = Recording(prompts[:2], 5, [3, 1], {"steps": 2}).of(toy)
    with record(toy) as own:
        images = toy.generate(prompts[:2], seed=5, samples=[3, 1], steps=2)
    np.testing.assert_array_equal(made.images, images)
    few = subspace(FEW, 2, own.width, "cpu")
    torch.testing.assert_close(made.trajectory.take(2, 1, [0, 1], few), own.take(2, 1, [0, 1], few))


def test_what_the_scheduler_gave_can_be_recorded_alone(toy, prompts):
    made = of_one(prompts[0], what="steps").of(toy)
    assert made.trajectory is None
    assert made.nbytes == 2 * made.steps.latents[0].nbytes
    np.testing.assert_array_equal(made.images, toy.generate(prompts[:1], seed=0, steps=1))


def test_a_recording_is_made_once_and_known_by_its_content(toy, prompts, monkeypatch):
    made = of_one(prompts[0]).of(toy)
    monkeypatch.setattr(toy, "generate", lambda *args, **more: pytest.fail("drawn again"))
    assert of_one(str(prompts[0]), channels=ChannelSet.same([3, 7], 6, 192, "few")).of(toy) is made


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 1},
        {"samples": [4]},
        {"generation": {"steps": 2}},
        {"channels": None},
        {"layers": [1]},
        {"what": "steps"},
        {"images": np.zeros((1, 48, 48, 3), np.uint8)},
    ],
)
def test_another_run_is_another_recording(toy, prompts, other):
    made = of_one(prompts[0]).of(toy)
    assert of_one(prompts[0], **other).of(toy) is not made
    assert of_one(prompts[0]).of(toy) is made


def test_beyond_the_budget_what_was_not_used_for_longest_goes(toy, prompts, monkeypatch):
    first, second = (of_one(prompt).of(toy) for prompt in prompts[:2])
    monkeypatch.setattr(recordings, "BUDGET", 2 * first.nbytes)
    assert of_one(prompts[0]).of(toy) is first, "used again, so the second goes"
    of_one(prompts[2]).of(toy)
    assert of_one(prompts[0]).of(toy) is first
    assert of_one(prompts[1]).of(toy) is not second
    monkeypatch.setattr(recordings, "BUDGET", 1)
    large = of_one(prompts[2], seed=1).of(toy)
    assert of_one(prompts[2], seed=1).of(toy) is large, "larger than the budget, it is kept alone"
    assert of_one(prompts[0]).of(toy) is not first


def test_models_keep_their_own_and_can_forget_them(toy, prompts):
    made, other = of_one(prompts[0]).of(toy), fc.load("toyworld")
    assert of_one(prompts[0]).of(other) is not made
    forget_recordings(toy)
    assert of_one(prompts[0]).of(toy) is not made


def test_only_an_inverted_picture_has_a_start_of_its_own(toy, prompts):
    shown = {"images": np.full((1, 48, 48, 3), 200, np.uint8), "generation": {"steps": 2}}
    assert of_one(prompts[0]).of(toy).trajectory.latents is None
    assert of_one(prompts[0], **shown).of(toy).trajectory.latents is None
    inverted = of_one(prompts[0], way="invert", **shown)
    np.testing.assert_allclose(
        toy.generate(prompts[:1], latents=inverted.of(toy).trajectory.latents, steps=2).astype(int),
        inverted.of(toy).images,
        atol=1,
    )
