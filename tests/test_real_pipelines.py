"""Whole random pipelines of diffusers through generate, capture, ablate, mask and transport, guidance on and off."""

import diffusers
import fewchannels as fc
import numpy as np
import pytest
import torch
from fewchannels import patching
from PIL import Image
from tiny_pipelines import NEGATIVE, PIPELINES, guidance_of

QUICK = {"SD3", "Z-Image", "FLUX.2-klein"}
NAMES = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in PIPELINES]
PROMPTS = ["a large red star at the center on a plain white background", "a green square on a yellow background"]
STEPS = 2


class Keep:
    """A sink that notes tokens by layer and step, and that each came once a batch."""

    def __init__(self):
        self.tokens, self.grids = {}, set()

    def add(self, tokens, *, layer, step, samples, grid):
        assert (layer, step) not in self.tokens, "one call a layer and step"
        assert list(samples) == list(range(len(PROMPTS)))
        self.tokens[layer, step] = tokens.clone()
        self.grids.add(grid)


@pytest.fixture(scope="module")
def whole():
    """whole(name) -> (case, model), built once."""
    made = {}

    def build(name):
        if name not in made:
            case = PIPELINES[name]()
            made[name] = case, fc.load(case.pipeline)
        return made[name]

    return build


def generate(model, prompts, **more):
    return model.generate(prompts, seed=0, **{"steps": STEPS, "output": "latent", **more})


def captured(model, branch, prompts, **more):
    with fc.capture(model, sink := Keep(), branch=branch):
        generate(model, prompts, **more)
    return sink


def distance(one, other):
    return float((one - other).abs().max())


@pytest.mark.parametrize("name", NAMES)
def test_each_branch_holds_what_its_prompt_alone_gives(name, whole):
    """At the first step all start from one noise, so that a branch equals a run without guidance on its prompt."""
    case, model = whole(name)
    off, on = guidance_of(case, False), guidance_of(case, True)
    guidance_of(case, False)
    plain = captured(model, "cond", PROMPTS, **off)
    assert plain.grids == {case.grid}
    assert set(plain.tokens) == {(layer, step) for layer in range(len(model.layers)) for step in range(STEPS)}
    against = captured(model, "cond", [NEGATIVE] * 2, **off) if case.negative and case.alike else None
    guidance_of(case, True)
    with fc.capture(model, cond := Keep()), fc.capture(model, uncond := Keep(), branch="uncond"):
        generate(model, PROMPTS, **on)
    assert set(cond.tokens) == set(uncond.tokens) == set(plain.tokens)
    place = len(model.layers) - 1, 0
    apart = distance(cond.tokens[place], uncond.tokens[place])
    assert apart > 0
    assert distance(cond.tokens[place], plain.tokens[place]) < 0.02 * apart
    if against is not None:
        assert distance(uncond.tokens[place], against.tokens[place]) < 0.02 * apart
    assert not torch.equal(cond.tokens[place[0], 1], plain.tokens[place[0], 1]), "guidance moved the latents"


@pytest.mark.parametrize("on", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_edits_masks_and_transport(name, on, whole):
    case, model = whole(name)
    options = guidance_of(case, on)
    bare = generate(model, PROMPTS, **options)
    with fc.edit(model, lambda tokens, **_: tokens):
        assert torch.equal(generate(model, PROMPTS, **options), bare), "an identity edit changes nothing"
    with fc.ablate(model, [3, 7], "zero"), fc.capture(model, sink := Keep()):
        assert not torch.equal(generate(model, PROMPTS, **options), bare)
    assert not any(tokens[..., [3, 7]].any() for tokens in sink.tokens.values())
    assert torch.equal(generate(model, PROMPTS, **options), bare), "nothing is left behind"

    tokens = sink.tokens[len(model.layers) // 2, STEPS - 1]
    assert fc.subject_masks(tokens, [0, 1], grid=case.grid).shape == (2, *case.grid)

    once = {"seed": 0, "steps": STEPS, **options}
    same = fc.transport(model, PROMPTS[0], PROMPTS[0], [3, 7], **once)
    assert np.array_equal(same.images, same.target_images)
    assert same.masks.shape == (1, *case.grid)
    with fc.capture(model, source := Keep()), patching.record(model, [3, 7]) as recorded:
        generate(model, PROMPTS, **options)
    with patching.inject(model, recorded, [3, 7]), fc.capture(model, moved := Keep()):
        generate(model, PROMPTS[::-1], **options)
    for place, tokens in source.tokens.items():
        assert torch.equal(tokens[..., [3, 7]], moved.tokens[place][..., [3, 7]])
    assert any(not torch.equal(tokens, moved.tokens[place]) for place, tokens in source.tokens.items())


def test_skip_layer_guidance_adds_no_step_and_no_branch(whole):
    case, model = whole("SD3")
    options = {**guidance_of(case, True), "steps": 4}
    plain = captured(model, "cond", PROMPTS, **options)
    more = {"skip_guidance_layers": [1], "skip_layer_guidance_start": 0.0, "skip_layer_guidance_stop": 0.6}
    skipped = captured(model, "cond", PROMPTS, **options, **more)
    assert set(plain.tokens) == set(skipped.tokens) == {(layer, step) for layer in range(3) for step in range(4)}
    assert torch.equal(plain.tokens[2, 1], skipped.tokens[2, 1]), "before the extra pass has moved the latents"
    assert not torch.equal(plain.tokens[2, 2], skipped.tokens[2, 2])


@pytest.mark.parametrize(("name", "argument"), [
    ("Z-Image", {"cfg_truncation": 0.3}),
    pytest.param("Lumina 2", {"cfg_trunc_ratio": 0.5}, marks=pytest.mark.slow),
])  # fmt: skip
def test_guidance_that_stops_early(name, argument, whole):
    case, model = whole(name)
    options = {**guidance_of(case, True), **argument, "steps": 4}
    cond, uncond = (captured(model, branch, PROMPTS, **options) for branch in ("cond", "uncond"))
    assert {step for _, step in cond.tokens} == {0, 1, 2, 3}
    assert 0 < len({step for _, step in uncond.tokens}) < 4


@pytest.mark.slow
def test_perturbed_attention_guidance_is_no_branch(whole):
    case, model = whole("PixArt-Sigma")
    parts = {name: part for name, part in case.pipeline.components.items() if part is not None}
    perturbing = fc.load(diffusers.PixArtSigmaPAGPipeline(**parts, pag_applied_layers=["blocks.0"]))
    for on in (False, True):
        options = guidance_of(case, on)
        plain = captured(model, "cond", PROMPTS, **options)
        found = captured(perturbing, "cond", PROMPTS, **options, pag_scale=3.0)
        torch.testing.assert_close(found.tokens[1, 0], plain.tokens[1, 0], atol=1e-3, rtol=1e-3)
        bare = generate(perturbing, PROMPTS, **options, pag_scale=3.0)
        with fc.edit(perturbing, lambda tokens, **_: tokens):
            assert torch.equal(generate(perturbing, PROMPTS, **options, pag_scale=3.0), bare)


def test_a_pipeline_called_directly_tells_whether_guidance_is_on(whole):
    case, model = whole("SD3")
    own = {"height": 32, "width": 48, "num_inference_steps": 2, "output_type": "latent", "max_sequence_length": 24}
    for scale in (1.0, 4.0):
        with fc.capture(model, sink := Keep()):
            case.pipeline(PROMPTS, guidance_scale=scale, **own)
        assert len(sink.tokens) == 6
        assert all(len(tokens) == 2 for tokens in sink.tokens.values())


@pytest.mark.parametrize("name", NAMES)
def test_all_channels_moved_give_the_source_but_for_what_the_pooled_prompt_does_behind_the_blocks(name, whole):
    """As the docstring of `transport` and the page of methods say."""
    case, model = whole(name)
    options = guidance_of(case, False)
    with patching.record(model) as recorded:
        source = generate(model, PROMPTS[:1], **options)
    with patching.inject(model, recorded):
        moved = generate(model, PROMPTS[1:], **options)
    target = generate(model, PROMPTS[1:], **options)
    assert not torch.equal(source, target)
    assert torch.equal(moved, source) == (name not in ("SD3", "FLUX.1"))


def test_the_batch_tells_on_a_picture_where_padding_is_not_masked(whole):
    """As the docstring of `generate` and the page of models say of CogView4."""
    case, model = whole("CogView4")
    options = {**guidance_of(case, False), "output": "float"}
    long = f"{PROMPTS[0]} and a small blue circle at the left"
    apart = {}
    for prompts in ([long, PROMPTS[1]], [PROMPTS[1]] * 2):
        alone = [generate(model, [prompt], samples=[i], **options) for i, prompt in enumerate(prompts)]
        apart[prompts[0]] = np.abs(generate(model, prompts, **options) - np.concatenate(alone)).max()
    assert apart[PROMPTS[1]] < 1e-4 < 1e-3 < apart[long]


def test_the_controlnet_of_sd3_draws_from_the_global_generator():
    """As the docstring of `generate` and the page of models say."""
    case = PIPELINES["SD3"]()
    net = diffusers.SD3ControlNetModel.from_transformer(
        case.pipeline.transformer, num_extra_conditioning_channels=0, load_weights_from_transformer=False
    )
    for weight in [*net.controlnet_blocks.parameters(), *net.pos_embed_input.parameters()]:
        torch.nn.init.normal_(weight, std=0.3)  # they begin at zero
    model = fc.load(diffusers.StableDiffusion3ControlNetPipeline(**case.pipeline.components, controlnet=net))
    options = {**guidance_of(case, False), "control_image": Image.new("RGB", (48, 32), "red")}
    one, other = (generate(model, PROMPTS[:1], **options) for _ in range(2))
    assert not torch.equal(one, other)
    seeded = []
    for _ in range(2):
        torch.manual_seed(0)
        seeded.append(generate(model, PROMPTS[:1], **options))
    assert torch.equal(*seeded)
