"""Detail Guidance: what it adds to a step is the weight times what the channels say, and it is refused under CFG."""

from contextlib import ExitStack

import fewchannels as fc
import numpy as np
import pytest
import torch
from fewchannels.edits.blending import record_steps
from fewchannels.edits.guidance import detail_guidance
from tiny_pipelines import PIPELINES, guidance_of

PROMPTS = ["a large red star at the left on a plain white background", "nothing on a plain blue background"]
CHANNELS = [3, 77, 124]


@pytest.fixture(scope="module")
def toy():
    return fc.load("toyworld")


def steps_of(model, *contexts):
    """What a run of two steps held, inside of contexts."""
    with ExitStack() as stack:
        for context in contexts:
            stack.enter_context(context)
        kept = stack.enter_context(record_steps(model))
        kept.images = model.generate(PROMPTS, seed=0, steps=2)
    return kept


@pytest.mark.parametrize("layers", [None, [2]])
def test_a_step_is_guided_by_what_the_channels_say(toy, layers):
    plain, without = steps_of(toy), steps_of(toy, fc.ablate(toy, CHANNELS, how="zero", layers=layers))
    guided = steps_of(toy, detail_guidance(toy, CHANNELS, weight=1.5, layers=layers))
    said = plain.velocities[0] - without.velocities[0]
    expected = plain.latents[0] + 1.5 * float(plain.sigmas[1] - plain.sigmas[0]) * said
    assert said.abs().max() > 0.01
    torch.testing.assert_close(guided.latents[0], expected, atol=1e-5, rtol=1e-5)


def test_weight_0_changes_no_bit_and_nothing_stays_on_the_model(toy):
    plain = steps_of(toy)
    still = steps_of(toy, detail_guidance(toy, CHANNELS, weight=0))
    again = steps_of(toy)
    for kept in (still, again):
        assert all(torch.equal(a, b) for a, b in zip(plain.latents, kept.latents, strict=True))
        assert np.array_equal(plain.images, kept.images)


def test_what_does_not_fit_is_refused(toy):
    before = toy.generate(PROMPTS, seed=0, steps=2)
    refused = pytest.raises(ValueError, match="needs guidance off, such as guidance_scale=1")
    with refused, detail_guidance(toy, CHANNELS):
        toy.generate(PROMPTS, seed=0, steps=1, guidance_scale=2)
    with pytest.raises(ValueError, match="one set for all samples"), detail_guidance(toy, [CHANNELS, CHANNELS]):
        pass
    assert np.array_equal(before, toy.generate(PROMPTS, seed=0, steps=2))


@pytest.mark.parametrize("name", ["FLUX.1", "PixArt-Sigma"])
def test_other_pipelines(name):
    """One sequence of text and image, and text by cross-attention."""
    case = PIPELINES[name]()
    model = fc.load(case.pipeline)
    given = {"seed": 0, "steps": 2, **guidance_of(case, False)}
    plain = model.generate(case.prompts, **given)
    with detail_guidance(model, [0, 1, 2], weight=0):
        assert np.array_equal(plain, model.generate(case.prompts, **given))
    with detail_guidance(model, [0, 1, 2], weight=3):
        assert not np.array_equal(plain, model.generate(case.prompts, **given))
