"""What schedulers say of noise and of the clean picture, held against their own ways of adding noise."""

import diffusers
import numpy as np
import pytest
import torch
from fewchannels.scheduler import around_step, clean_estimate, noise_share, signal_and_noise, stepping

MADE = {
    "flow": diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0),
    "DPM-Solver": diffusers.DPMSolverMultistepScheduler(),
    "DPM-Solver, flow": diffusers.DPMSolverMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True),
    "DPM-Solver, v": diffusers.DPMSolverMultistepScheduler(prediction_type="v_prediction"),
    "UniPC": diffusers.UniPCMultistepScheduler(),
    "DDIM": diffusers.DDIMScheduler(),
    "DDIM, v": diffusers.DDIMScheduler(prediction_type="v_prediction"),
    "DDPM": diffusers.DDPMScheduler(),
    "DDPM, picture": diffusers.DDPMScheduler(prediction_type="sample"),
    "Euler": diffusers.EulerDiscreteScheduler(),
}


def answered(scheduler, clean, noise, alpha, sigma):
    """What a perfect model would predict."""
    kind = "flow" if "flow" in scheduler.config.get("prediction_type", "flow") else scheduler.config.prediction_type
    return {"flow": noise - clean, "epsilon": noise, "v_prediction": alpha * noise - sigma * clean, "sample": clean}[
        kind
    ]


@pytest.mark.parametrize("name", MADE)
def test_noise_is_added_as_the_scheduler_adds_it_and_a_perfect_prediction_gives_the_picture_back(name):
    scheduler = MADE[name]
    scheduler.set_timesteps(5)
    clean, noise = torch.randn(2, 1, 3, 4, 4, generator=torch.Generator().manual_seed(0)).double().unbind(0)
    alpha, sigma = signal_and_noise(scheduler)
    share = noise_share(scheduler)
    assert alpha.shape == sigma.shape == share.shape == (5,)
    assert (np.diff(share) < 0).all()
    assert 0 <= share.min() < share.max() <= 1
    for step in (1, 3):
        at = torch.as_tensor(scheduler.timesteps[step]).reshape(1)
        add = getattr(scheduler, "scale_noise", None)
        own = add(clean, at, noise) if add else scheduler.add_noise(clean, noise, at)
        sample = alpha[step] * clean + sigma[step] * noise
        assert sample.numpy() == pytest.approx(own.numpy(), abs=1e-4)
        output = answered(scheduler, clean, noise, alpha[step], sigma[step])
        found = clean_estimate(scheduler, output, sample, alpha[step], sigma[step])
        assert found.numpy() == pytest.approx(clean.numpy(), abs=2e-4)


def test_a_predicted_variance_is_left_out():
    scheduler = MADE["DDPM"]
    sample, output = torch.ones(1, 2, 3, 3), torch.ones(1, 4, 3, 3)
    output[:, 2:] = 50
    assert clean_estimate(scheduler, output, sample, 0.5, 0.5).unique().tolist() == [1.0]


def test_what_is_not_known_is_refused():
    scheduler = diffusers.SCMScheduler()
    scheduler.set_timesteps(2)
    with pytest.raises(ValueError, match="SCMScheduler has noise levels of a kind"):
        signal_and_noise(scheduler)
    scheduler = diffusers.EulerDiscreteScheduler(prediction_type="v_prediction")
    with pytest.raises(ValueError, match="predicts 'v_prediction'"):
        clean_estimate(scheduler, torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2), 1.0, 3.0)


@pytest.mark.parametrize("name", ["flow", "DPM-Solver", "DDIM", "DDPM", "Euler"])
def test_a_step_is_taken_changed_or_left_out_in_every_form_of_call(name):
    scheduler, sample = MADE[name], torch.ones(1, 1, 2, 2)

    def begin():
        scheduler.set_timesteps(4)
        noise = {"generator": torch.Generator().manual_seed(0)} if name == "DDPM" else {}
        return scheduler.timesteps[0], noise

    def taken(positional=True, **form):
        time, noise = begin()
        if positional:
            return scheduler.step(sample, time, sample, **noise, **form)
        return scheduler.step(model_output=sample, timestep=time, sample=sample, **noise, **form)

    bare = taken(return_dict=False)[0]
    for visit, expected in (
        (lambda take, output, time, x: take(output), bare),
        (lambda take, output, time, x: take(output) + 1, bare + 1),
        (lambda take, output, time, x: x * 3, sample * 3),
    ):
        with around_step(scheduler, visit):
            for positional in (True, False):
                assert torch.equal(taken(positional, return_dict=False)[0], expected)
                assert torch.equal(taken(positional).prev_sample, expected)
    assert "step" not in vars(scheduler)


def test_a_scheduler_that_is_replaced_inside_is_named(toy):
    own = toy.pipeline.scheduler
    try:
        with pytest.raises(RuntimeError, match="FlowMatchEulerDiscreteScheduler was replaced inside"):
            with stepping(toy, lambda take, step, output, sample: take(output)):
                toy.pipeline.scheduler = type(own).from_config(own.config)
    finally:
        toy.pipeline.scheduler = own
