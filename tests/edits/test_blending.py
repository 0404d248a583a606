"""Blends of latents, velocities and prompts: their ends are source and target, and masks and steps bound them."""

from contextlib import nullcontext

import fewchannels as fc
import numpy as np
import pytest
from fewchannels.edits.blending import CannotMix, blend_latents, blend_velocities, interpolate_prompts, record_steps
from fewchannels.masks import upsample
from fewchannels.prompts.pairs import toyworld_pairs
from fewchannels.toyworld.prompts import format_prompt
from tiny_pipelines import PIPELINES, guidance_of

STEPS = 2
PAIRS = toyworld_pairs(3, first=1)
SOURCES, TARGETS = ([format_prompt(getattr(pair, side)) for pair in PAIRS] for side in ("source", "target"))


@pytest.fixture(scope="module")
def toy():
    return fc.load("toyworld")


def drawn(model, context=None, prompts=TARGETS, **more):
    with context or nullcontext():
        return model.generate(prompts, **{"seed": 0, "steps": STEPS, **more})


@pytest.fixture(scope="module")
def recorded(toy):
    with record_steps(toy) as steps:
        images = toy.generate(SOURCES, seed=0, steps=STEPS)
    return steps, images


@pytest.fixture(scope="module")
def untouched(toy):
    return drawn(toy)


def test_blending_all_gives_the_source_and_nothing_the_target(toy, recorded, untouched):
    steps, source = recorded
    nowhere = np.zeros((3, 12, 12), bool)
    for blend in (blend_latents, blend_velocities):
        assert np.array_equal(drawn(toy, blend(toy, steps)), source)
        assert np.array_equal(drawn(toy, blend(toy, steps, weight=0.0)), untouched)
        assert np.array_equal(drawn(toy, blend(toy, steps, nowhere)), untouched)
    pairs = dict(zip(TARGETS, SOURCES, strict=True))
    assert np.array_equal(drawn(toy, interpolate_prompts(toy, pairs, 1.0)), source)
    assert np.array_equal(drawn(toy, interpolate_prompts(toy, pairs, 0.0)), untouched)
    half = drawn(toy, interpolate_prompts(toy, pairs, 0.5))
    assert (half != untouched).any()
    assert (half != source).any()


def test_latents_stay_inside_their_mask_and_their_steps(toy, recorded):
    steps, _ = recorded
    mask = np.zeros((12, 12), bool)
    mask[3:6, 3:6] = True
    inside = upsample(mask[None], steps.latents[-1].shape[-2:])[0]

    def latents(context=None):
        return drawn(toy, context, output="latent").numpy()

    own, pasted = latents(), latents(blend_latents(toy, steps, mask, steps=-1))
    np.testing.assert_array_equal(pasted[..., inside], steps.latents[-1].numpy()[..., inside])
    np.testing.assert_array_equal(pasted[..., ~inside], own[..., ~inside])
    assert not np.array_equal(latents(blend_latents(toy, steps, mask, steps=0)), pasted)
    mixed = latents(blend_velocities(toy, steps, mask, weight=0.5, steps=-1))
    np.testing.assert_array_equal(mixed[..., ~inside], own[..., ~inside])
    assert not np.array_equal(mixed[..., inside], own[..., inside])


def test_batches_are_matched_with_their_sources(toy, recorded):
    steps, source = recorded
    with record_steps(toy) as again:
        toy.generate(SOURCES, seed=0, steps=STEPS, batch_size=2)
    assert again.samples == 3
    assert all(np.allclose(a, b, atol=1e-3) for a, b in zip(again.latents, steps.latents, strict=True))
    np.testing.assert_allclose(again.sigmas, steps.sigmas)
    assert np.array_equal(drawn(toy, blend_latents(toy, steps), batch_size=2), source)


def test_packed_latents_are_blended_by_token(flux, prompts):
    size = {"height": 64, "width": 96, "steps": STEPS, "seed": 0}
    mask = np.zeros((2, 4, 6), bool)
    mask[0, 1], mask[1, :, 2] = True, True
    with record_steps(flux) as steps:
        flux.generate(prompts[:2], **size)
    with blend_latents(flux, steps, mask):
        latents = flux.generate(prompts[1:], output="latent", **size).numpy()
    np.testing.assert_array_equal(latents[mask.reshape(2, -1)], steps.latents[-1].numpy()[mask.reshape(2, -1)])
    assert not np.array_equal(latents, steps.latents[-1].numpy())
    with (
        pytest.raises(ValueError, match=r"\(12, 12\) does not fit latents"),
        blend_latents(flux, steps, np.ones((12, 12), bool)),
    ):
        flux.generate(prompts[1:], **size)


def test_a_pipeline_is_left_as_it_was_and_what_does_not_fit_is_refused(toy, recorded, untouched):
    steps, source = recorded
    for mask, message in ((np.ones((2, 12, 12), bool), "sample 2 has none"), (np.ones((12, 12)), "expected bool")):
        with pytest.raises(ValueError, match=message), blend_latents(toy, steps, mask):
            drawn(toy)
    with pytest.raises(ValueError, match="over 2 steps"):
        drawn(toy, blend_velocities(toy, steps), steps=3)
    with pytest.raises(ValueError, match="3 samples of the source, and sample 3 has none"):
        drawn(toy, blend_latents(toy, steps), prompts=[*TARGETS, TARGETS[0]])
    for weight in (2, -0.1):
        with pytest.raises(ValueError, match=f"weight={weight}"), interpolate_prompts(toy, {}, weight):
            pass
        with pytest.raises(ValueError, match=f"weight={weight}"), blend_latents(toy, steps, weight=weight):
            pass
    with pytest.raises(TypeError, match="record_steps"), blend_latents(toy, source):
        pass
    with record_steps(toy) as empty:
        pass
    with pytest.raises(ValueError, match="the recording is empty"), blend_velocities(toy, empty):
        pass
    with pytest.raises(RuntimeError, match="on purpose"), interpolate_prompts(toy, {}, 0.5):
        raise RuntimeError("on purpose")
    assert "step" not in vars(toy.pipeline.scheduler)
    assert "encode_prompt" not in vars(toy.pipeline)
    assert np.array_equal(drawn(toy), untouched)


def test_a_pipeline_that_encodes_no_prompts_cannot_mix_them(toy, monkeypatch):
    monkeypatch.setattr(toy.pipeline, "encode_prompt", None)
    with pytest.raises(CannotMix, match="no encode_prompt"), interpolate_prompts(toy, {}, 0.5):
        pass


def test_prompts_of_several_encoders_are_mixed_and_the_negative_one_is_not():
    case = PIPELINES["SD3"]()
    model = fc.load(case.pipeline)
    given = {"seed": 0, "steps": 1, **guidance_of(case, True)}
    one, other = case.prompts
    source, target = (model.generate([prompt], **given) for prompt in (one, other))
    for weight, expected in ((1.0, source), (0.0, target)):
        with interpolate_prompts(model, {other: one}, weight):
            assert np.array_equal(model.generate([other], **given), expected)
    with interpolate_prompts(model, {given["negative_prompt"]: one}, 1.0):
        assert np.array_equal(model.generate([other], **given), target)
