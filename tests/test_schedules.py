"""Schedules that begin late, come twice to a time, or are joined midway: steps and noise levels are those that run."""

from contextlib import ExitStack

import diffusers
import fewchannels as fc
import numpy as np
import pytest
import torch
from fewchannels.edits.blending import blend_latents, record_steps
from fewchannels.edits.patching import inject, record
from fewchannels.measure.recording import record_run as recorded
from fewchannels.scheduler import noise_levels, step_count
from fewchannels.watch.loop import watched
from tiny_pipelines import PIPELINES, guidance_of

PROMPT = ["a large red star"]
LATE = {  # pipeline -> the noise levels of eight steps
    "StableDiffusion3Img2ImgPipeline": np.linspace(1, 0.001, 8),
    "FluxImg2ImgPipeline": np.arange(8, 0, -1) / 8,
    "FluxInpaintPipeline": np.arange(8, 0, -1) / 8,
}
SD3, FLUX = list(LATE)[:2]


class Times:
    """A sink that notes steps, and at what times the transformer ran."""

    def __init__(self, model):
        self.model, self.steps, self.told, self.times = model, [], [], []

    def trajectory(self, steps):
        self.told.append(steps)

    def add(self, tokens, *, layer, step, samples, grid):
        self.steps.append(step)

    def __enter__(self):
        self._hook = self.model.transformer.register_forward_pre_hook(self._begins, with_kwargs=True)
        return self

    def _begins(self, module, args, kwargs):
        self.times.append(float(kwargs["timestep"].flatten()[0]))

    def __exit__(self, *error):
        self._hook.remove()


@pytest.fixture(scope="module")
def late():
    """late(name) -> (model, arguments of generate for a run from strength 0.5 of 8 steps, the same of a whole run)."""
    made = {}

    def build(name, scheduler=None):
        if name not in made:
            case = PIPELINES["SD3" if "3" in name else "FLUX.1"]()
            parts = {n: part for n, part in case.pipeline.components.items() if part is not None}
            model = fc.load(getattr(diffusers, name)(**parts))
            made[name] = model, guidance_of(case, False), case.pipeline.scheduler
        model, options, own = made[name]
        model.pipeline.scheduler = own if scheduler is None else scheduler
        image = torch.from_numpy(np.random.default_rng(0).random((1, 3, 32, 48), np.float32))
        common = {**options, "image": image, "output": "latent", "steps": 8}
        if "Inpaint" in name:
            common["mask_image"] = torch.ones(1, 1, 32, 48)
        return model, {**common, "strength": 0.5}, {**common, "strength": 1.0}

    return build


@pytest.mark.parametrize("name", LATE)
def test_steps_and_levels_of_a_late_run_are_those_that_run(late, name):
    (model, half, whole), levels = late(name), LATE[name]
    with Times(model) as seen, fc.capture(model, seen, layers=0):
        model.generate(PROMPT, **half)
    assert (seen.steps, seen.told) == ([0, 1, 2, 3], [4])
    assert np.array(seen.times) * (1 if max(seen.times) <= 1 else 1e-3) == pytest.approx(levels[4:], abs=1e-3)
    assert noise_levels(model) == pytest.approx(levels[4:], abs=1e-3)
    assert step_count(model) == 4
    for steps, expected in ((slice(None, 2), [0, 1]), (-1, [3]), (slice(2, None), [2, 3]), ([True] + 3 * [False], [0])):
        with fc.capture(model, again := Times(model), layers=0, steps=steps):
            model.generate(PROMPT, **half)
        assert again.steps == expected
    with pytest.raises(ValueError, match="step 4 is out of range: the trajectory has 4 steps"):
        with fc.capture(model, Times(model), steps=4):
            model.generate(PROMPT, **half)
    with fc.capture(model, full := Times(model), layers=0):
        model.generate(PROMPT, **whole)
    assert full.steps == list(range(8))
    assert noise_levels(model) == pytest.approx(levels, abs=1e-3)


def test_a_trajectory_is_matched_by_noise_level(late):
    """Recorded over the whole schedule, a late run takes its last four steps; and none where there are none."""
    model, half, whole = late(SD3)
    with record(model, [3]) as full:
        model.generate(PROMPT, **whole)
    with record(model, [3]) as part:
        model.generate(PROMPT, **half)
    assert full.sigmas == pytest.approx(LATE[SD3], abs=1e-3)
    assert part.sigmas == pytest.approx(LATE[SD3][4:], abs=1e-3)
    for source, run, levels in ((full, half, LATE[SD3][4:]), (full, whole, LATE[SD3]), (part, half, LATE[SD3][4:])):
        with inject(model, source, [3]), record(model, [3]) as moved:
            model.generate(PROMPT, **run)
        for step, level in enumerate(levels):
            own = source.take(1, int(np.abs(source.sigmas - level).argmin()), [0], None)
            assert torch.equal(moved.take(1, step, [0], None), own)
    four = {**whole, "steps": 4}
    with pytest.raises(ValueError, match=r"noise level 1\.000 lies outside"), inject(model, part, [3]):
        model.generate(PROMPT, **four)
    with fc.ablate(model, [3], "resample", reference=full), record(model, [3]) as moved:
        model.generate(PROMPT, **half)
    assert torch.equal(moved.take(1, 0, [0], None), full.take(1, 4, [0], None))


def test_transport_and_the_mean_take_a_reference_of_the_same_run(late):
    model, half, _ = late(FLUX)
    common = {name: value for name, value in half.items() if name != "strength"}  # transport has one of its own
    model.defaults["strength"] = half["strength"]
    moved = fc.transport(model, "a large red star", "a small blue circle", [3], **common)
    del model.defaults["strength"]
    assert moved.change.shape == (1, len(model.layers), 4)
    assert moved.masks.shape == (1, 2, 3)
    with fc.capture(model, stats := fc.ChannelStats()):
        model.generate(PROMPT, **half)
    with fc.ablate(model, [3], "mean", reference=stats), fc.capture(model, after := fc.ChannelStats()):
        model.generate(PROMPT, **half)
    assert after.mean[..., 3] == pytest.approx(stats.mean[..., 3], abs=1e-5)
    run = recorded(
        model,
        PROMPT,
        **{name: value for name, value in half.items() if name not in ("image", "output")},
        image=half["image"],
        k=2,
        shown=(0, 0, 0),
    )
    assert run.index["sigmas"] == pytest.approx(LATE[FLUX][4:], abs=1e-3)


def test_what_stands_around_the_scheduler_counts_late_runs_too(late):
    model, half, whole = late(SD3)
    with watched(model) as loop, record_steps(model) as kept:
        latents = model.generate(PROMPT, **half)
    assert loop.sigmas == pytest.approx(LATE[SD3][4:], abs=1e-3)
    assert loop.pixels().shape[1] == len(kept.latents) == 4
    ends = loop.estimate((2, 3))[:, -1]
    assert ends == pytest.approx(latents.unfold(2, 2, 2).unfold(3, 2, 2).mean((4, 5)).flatten(2).mT.numpy(), abs=1e-4)
    with blend_latents(model, kept, steps=-1):
        assert torch.equal(model.generate(PROMPT, **half, seed=1), latents)
    with pytest.raises(ValueError, match=r"4 steps \(noise levels 0.429 to 0.001\), and this run has 8"):
        with blend_latents(model, kept):
            model.generate(PROMPT, **whole)
    four = {**whole, "steps": 4}
    with pytest.raises(ValueError, match=r"0.429 to 0.001\), and this run has 4 \(1.000 to 0.001\)"):
        with blend_latents(model, kept):
            model.generate(PROMPT, **four)


@pytest.mark.parametrize("kind", ["FlowMatchEulerDiscreteScheduler", "FlowMatchHeunDiscreteScheduler"])
def test_a_shortened_schedule_that_nobody_tells_of_is_refused(late, kind):
    """As a loop of one's own may have it; with the remedy that the error names it is counted."""
    model = late(SD3, getattr(diffusers, kind)())[0]
    scheduler, latents = model.pipeline.scheduler, torch.zeros(1, 4, 4, 6)
    width = model.transformer.config

    def loop(begin):
        scheduler.set_timesteps(4)
        if begin:
            scheduler.set_begin_index(begin)
        x = latents
        for t in scheduler.timesteps[2:]:
            text = torch.zeros(1, 4, width.joint_attention_dim)
            out = model.transformer(x, text, torch.zeros(1, width.pooled_projection_dim), t[None], return_dict=False)[0]
            x = scheduler.step(out, t, x, return_dict=False)[0]

    with torch.no_grad(), fc.capture(model, seen := Times(model), layers=0), model.trajectory(1, None):
        loop(2)
    assert seen.steps == list(range(len(scheduler.timesteps) - 2))
    with torch.no_grad(), pytest.raises(RuntimeError, match=r"step [12] of the \d of Flow.*set_begin_index\([12]\)"):
        with fc.capture(model, Times(model)), model.trajectory(1, None):
            loop(0)
    late(SD3)


@pytest.fixture(scope="module")
def pixart():
    case = PIPELINES["PixArt-Sigma"]()
    return fc.load(case.pipeline), guidance_of(case, False), guidance_of(case, True)


TWICE = {
    "PNDM": (diffusers.PNDMScheduler, {"skip_prk_steps": True}),
    "PNDM with Runge-Kutta": (diffusers.PNDMScheduler, {"skip_prk_steps": False}),
    "Heun": (diffusers.HeunDiscreteScheduler, {}),
    "KDPM2": (diffusers.KDPM2DiscreteScheduler, {}),
    "KDPM2 ancestral": (diffusers.KDPM2AncestralDiscreteScheduler, {}),
    "Euler": (diffusers.EulerDiscreteScheduler, {}),
    "DDIM": (diffusers.DDIMScheduler, {}),
    "DDPM": (diffusers.DDPMScheduler, {}),
    "UniPC": (diffusers.UniPCMultistepScheduler, {}),
    "DPM-Solver, SDE": (diffusers.DPMSolverMultistepScheduler, {"algorithm_type": "sde-dpmsolver++"}),
    "DPM-Solver, single": (diffusers.DPMSolverSinglestepScheduler, {}),
}


@pytest.mark.parametrize("name", TWICE)
def test_every_forward_is_a_step_of_its_own(pixart, name):
    """A channel at zero is zero in every forward, whether a time comes once or twice."""
    model, plain, guided = pixart
    model.pipeline.scheduler = TWICE[name][0](**TWICE[name][1])
    for options, branches in ((plain, 1), (guided, 2)):
        after = []
        with Times(model) as seen, fc.ablate(model, [3], layers=1) as done, fc.capture(model, seen, layers=1):
            hook = model.transformer.transformer_blocks[1].register_forward_hook(
                lambda m, a, out, kept=after: kept.append(out)
            )
            model.generate(PROMPT, steps=4, batch_size=1, **options)
            hook.remove()
        assert seen.steps == list(range(len(seen.times)))
        assert seen.told == [len(seen.times)] == [len(model.pipeline.scheduler.timesteps)]
        assert done.change.shape == (1, 2, len(seen.times))
        assert all(len(out) == branches and not out[..., 3].any() for out in after)
        assert len(noise_levels(model)) == len(seen.times)


def test_a_scheduler_that_is_set_inside_a_capture_is_heard_too(pixart):
    model, plain, _ = pixart
    model.pipeline.scheduler = diffusers.DDIMScheduler()
    with fc.capture(model, seen := Times(model), layers=0):
        for scheduler in (diffusers.PNDMScheduler(skip_prk_steps=False), model.pipeline.scheduler):
            model.pipeline.scheduler = scheduler
            model.generate(PROMPT, steps=4, **plain)
        assert "step" in vars(scheduler)
    assert seen.steps == [*range(13), *range(4)]
    assert "step" not in vars(scheduler)


def test_what_stands_around_a_scheduler_counts_what_runs_twice(pixart):
    model, plain, _ = pixart
    model.pipeline.scheduler = diffusers.PNDMScheduler(skip_prk_steps=False)
    with watched(model) as loop, record_steps(model) as kept:
        latents = model.generate(PROMPT * 2, steps=4, batch_size=1, output="latent", **plain)
    assert loop.sigmas.shape == (13,)
    assert loop.pixels().shape[:2] == (2, 13)
    assert torch.equal(kept.latents[-1], latents)
    with blend_latents(model, kept, steps=12):
        assert torch.equal(latents, model.generate(PROMPT * 2, seed=1, steps=4, output="latent", **plain))


def joined(model, at, sink, run, **where):
    """Runs, with a capture that is opened once `at` steps are over."""
    context = fc.capture(model, sink, **where)

    def between(pipeline, step, timestep, tensors):
        if step == at - 1:
            context.__enter__()
        return tensors

    run(between)
    context.__exit__(None, None, None)


@pytest.mark.parametrize("direct", [False, True])
def test_a_context_that_is_opened_midway_begins_where_the_run_is(direct):
    case = PIPELINES["FLUX.1"]()
    model, options = fc.load(case.pipeline), guidance_of(case, True)

    def run(between):
        given = {**options, "callback_on_step_end": between}
        if direct:
            noise = torch.Generator().manual_seed(0)
            case.pipeline(PROMPT, num_inference_steps=6, output_type="np", generator=noise, **given)
        else:
            model.generate(PROMPT, steps=6, **given)

    with fc.capture(model, whole := fc.ChannelStats()):
        run(lambda pipeline, step, timestep, tensors: tensors)
    joined(model, 3, stats := fc.ChannelStats(), run)
    assert list(stats.steps) == [3, 4, 5]
    assert np.array_equal(stats.mean, whole.mean[:, :, 3:])
    joined(model, 3, last := Times(model), run, steps=-1, layers=0)
    assert last.steps == [5]
    with pytest.raises(RuntimeError, match=r"steps \[1\] never ran: those that ran were 3 to 5"):
        joined(model, 3, Times(model), run, steps=1)
    with ExitStack() as stack:

        def late_watch(pipeline, step, timestep, tensors):
            if step == 1:
                stack.enter_context(watched(model))
            return tensors

        with pytest.raises(RuntimeError, match="opened at step 2 of a run: open it before"):
            run(late_watch)


def test_midway_without_a_count_of_the_schedulers_own(pixart):
    """model.generate counts for it; a direct call of the pipeline does not, and is refused."""
    model, plain, _ = pixart
    model.pipeline.scheduler = diffusers.PNDMScheduler(skip_prk_steps=True)
    for direct in (False, True):
        with ExitStack() as stack:
            seen = Times(model)

            def between(step, timestep, latents, seen=seen, stack=stack, direct=direct):
                if step == 1:
                    stack.enter_context(watched(model) if direct else fc.capture(model, seen, layers=0))

            options = {**plain, "callback": between, "callback_steps": 1}
            if direct:
                with pytest.raises(RuntimeError, match="of PNDMScheduler, which begins at 0"):
                    model.pipeline(PROMPT, num_inference_steps=4, output_type="np", **options)
            else:
                model.generate(PROMPT, steps=4, **options)
                assert seen.steps == [2, 3, 4]


def test_midway_in_a_trajectory_by_hand_is_refused(tiny):
    transformer, call = tiny("FluxTransformer2DModel")
    model = fc.load(transformer)
    with model.trajectory(samples=2, steps=2), fc.capture(model, seen := Times(model), layers=0):
        call(timestep=0.9)
        call(timestep=0.4)
    assert seen.steps == [0, 1]
    with model.trajectory(samples=2, steps=2):
        call(timestep=0.9)
        with pytest.raises(RuntimeError, match="opened within step 0 of a run"), fc.capture(model, Times(model)):
            call(timestep=0.4)
