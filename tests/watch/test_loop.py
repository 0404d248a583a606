"""A run seen from its scheduler: it stops where it is told to, and what the loop held is what the model saw."""

import fewchannels as fc
import numpy as np
import pytest
import torch
from fewchannels.edits.inversion import encode, renoised
from fewchannels.reading.worlds import ToyWorld
from fewchannels.studies.groups import scenes
from fewchannels.watch.loop import at_levels, tokens_of, watched
from tiny_pipelines import PIPELINES, guidance_of

GRID = (12, 12)


@pytest.fixture(scope="module")
def group():
    return scenes().of(ToyWorld(), 3, 0)


def loaded(name):
    case = PIPELINES[name]()
    return fc.load(case.pipeline, generation={**guidance_of(case, False), "height": 64, "width": 96})


def test_a_run_stops_at_the_levels_it_is_given_and_sees_noise_and_picture_in_that_share(toy, group):
    clean = encode(toy, list(group.images))
    with at_levels(toy, (1.0, 0.5, 0.1)), watched(toy) as loop, renoised(toy, clean):
        toy.generate(group.prompts, steps=3)
    assert loop.sigmas == pytest.approx([1.0, 0.5, 0.1])
    noise, half, tenth = np.moveaxis(loop.pixels(), 1, 0)
    assert half == pytest.approx(0.5 * clean.numpy() + 0.5 * noise, abs=1e-5)
    assert tenth == pytest.approx(0.9 * clean.numpy() + 0.1 * noise, abs=1e-5)
    truth = tokens_of(clean, GRID).numpy()
    error = np.abs(loop.estimate(GRID) - truth[:, None]).mean(axis=(0, 2, 3))
    assert error[0] > error[1] > error[2]
    assert not {"step", "set_timesteps"} & set(vars(toy.pipeline.scheduler))


def test_levels_that_make_no_sense_and_wrong_step_counts_are_refused(toy):
    for levels in ((0.5, 0.8), (1.2, 0.5), (1.0, 0.0), ()):
        with pytest.raises(ValueError, match="falling noise levels"), at_levels(toy, levels):
            pass
    with pytest.raises(ValueError, match="pass steps=2"), at_levels(toy, (1.0, 0.5)):
        toy.generate("a large red star at the center on a plain white background", steps=4)
    with watched(toy) as loop:
        pass
    with pytest.raises(RuntimeError, match="nothing ran"):
        loop.noisy(GRID)


def test_noise_levels_of_choice_need_a_flow():
    model = loaded("PixArt-Sigma")
    with pytest.raises(ValueError, match="DPMSolverMultistepScheduler has no noise levels"), at_levels(model, [0.5]):
        pass


@pytest.mark.parametrize("name", ["SD3", "PixArt-Sigma"])
def test_the_last_estimate_is_the_picture_itself_whatever_the_scheduler(name):
    model = loaded(name)
    with watched(model) as loop:
        latents = model.generate(["a blue teapot on a wooden kitchen table"], steps=3, output="latent")
    assert (np.diff(loop.sigmas) < 0).all()
    assert loop.estimate((4, 6))[:, -1] == pytest.approx(tokens_of(latents.float(), (4, 6)).numpy(), abs=2e-2)


def test_a_sink_is_handed_what_the_loop_would_keep(toy, prompts):
    seen = []
    with watched(toy, lambda step, noisy, estimate: seen.append((step, noisy.clone(), estimate.clone()))):
        toy.generate(prompts, seed=0, steps=2, batch_size=2)
    with watched(toy) as loop:
        toy.generate(prompts, seed=0, steps=2, batch_size=2)
    assert [(step, len(noisy)) for step, noisy, _ in seen] == [(0, 2), (1, 2), (0, 1), (1, 1)]
    np.testing.assert_array_equal(torch.cat([seen[1][1], seen[3][1]]).numpy(), loop.pixels()[:, 1])


def test_latents_of_one_frame_are_read_and_others_refused():
    latents = torch.arange(24.0).reshape(1, 1, 1, 4, 6)
    assert tokens_of(latents, (2, 3)).shape == (1, 6, 1)
    assert tokens_of(latents.flatten(2).transpose(1, 2), (4, 6)).shape == (1, 24, 1)
    with pytest.raises(ValueError, match="do not divide"):
        tokens_of(latents.expand(1, 1, 2, 4, 6), (2, 3))
