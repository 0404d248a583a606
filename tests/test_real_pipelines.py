"""Whole random pipelines of diffusers through generate, capture, ablate, mask and transport, guidance on and off."""

import inspect

import diffusers
import fewchannels as fc
import numpy as np
import pytest
import torch
from fewchannels.edits import patching
from PIL import Image
from tiny_more_pipelines import ALL
from tiny_pipelines import NEGATIVE, PIPELINES, guidance_of

QUICK = {"SD3", "Z-Image", "FLUX.2-klein"}
NAMES = [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in ALL if name != "PRX"
]  # under guidance its pipeline takes one prompt alone
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
            case = ALL[name]()
            made[name] = case, fc.load(case.pipeline)
        return made[name]

    return build


def generate(model, prompts, **more):
    output = "float" if isinstance(model.pipeline, diffusers.DiTPipeline) else "latent"  # it hands over no latents
    own = {"steps": STEPS, "output": output, "batch_size": len(prompts)}
    return torch.as_tensor(model.generate(prompts, seed=0, **{**own, **more}))


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
    plain = captured(model, "cond", case.prompts, **off)
    assert plain.grids == {case.grid}
    assert set(plain.tokens) == {(layer, step) for layer in range(len(model.layers)) for step in range(STEPS)}
    against = captured(model, "cond", [NEGATIVE] * 2, **off) if case.negative and case.alike else None
    guidance_of(case, True)
    with fc.capture(model, cond := Keep()), fc.capture(model, uncond := Keep(), branch="uncond"):
        generate(model, case.prompts, **on)
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
    bare = generate(model, case.prompts, **options)
    with fc.edit(model, lambda tokens, **_: tokens):
        assert torch.equal(generate(model, case.prompts, **options), bare), "an identity edit changes nothing"
    with fc.ablate(model, [3, 7], "zero"), fc.capture(model, sink := Keep()):
        assert not torch.equal(generate(model, case.prompts, **options), bare)
    assert not any(tokens[..., [3, 7]].any() for tokens in sink.tokens.values())
    assert torch.equal(generate(model, case.prompts, **options), bare), "nothing is left behind"

    tokens = sink.tokens[len(model.layers) // 2, STEPS - 1]
    assert fc.subject_masks(tokens, [0, 1], grid=case.grid).shape == (2, *case.grid)

    once = {"seed": 0, "steps": STEPS, **options}
    same = fc.transport(model, case.prompts[0], case.prompts[0], [3, 7], **once)
    assert np.array_equal(same.images, same.target_images)
    assert same.masks.shape == (1, *case.grid)
    with fc.capture(model, source := Keep()), patching.record(model, [3, 7]) as recorded:
        generate(model, case.prompts, **options)
    with patching.inject(model, recorded, [3, 7]), fc.capture(model, moved := Keep()):
        generate(model, case.prompts[::-1], **options)
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


def perturbed(case):
    """A pipeline of the parts of another that perturbs attention."""
    kinds = {
        diffusers.PixArtSigmaPipeline: diffusers.PixArtSigmaPAGPipeline,
        diffusers.StableDiffusion3Pipeline: diffusers.StableDiffusion3PAGPipeline,
    }
    parts = {name: part for name, part in case.pipeline.components.items() if part is not None}
    return fc.load(kinds[type(case.pipeline)](**parts, pag_applied_layers=["blocks.0"]))


@pytest.mark.parametrize(
    ("kind", "guided"), [("skip-layer", True), ("perturbed attention", False), ("perturbed attention", True)]
)
def test_an_edit_of_both_branches_leaves_out_no_pass_of_guidance(kind, guided):
    case = PIPELINES["SD3"]()
    model, options = fc.load(case.pipeline), {**guidance_of(case, guided), "steps": 3}
    if kind == "perturbed attention":
        model = perturbed(case)
        options["pag_scale"] = 3.0
    else:
        options |= {"skip_guidance_layers": [1], "skip_layer_guidance_start": 0.0, "skip_layer_guidance_stop": 0.7}
    rows = []

    def entered(block, args, kwargs):
        rows.append(kwargs["hidden_states"][..., 3].flatten(1).any(1))

    handle = model.transformer.transformer_blocks[-1].register_forward_pre_hook(entered, with_kwargs=True)
    try:
        with fc.edit(model, lambda tokens, **_: tokens):
            bare = generate(model, PROMPTS, **options)
        assert torch.cat(rows).all()
        rows.clear()
        with fc.ablate(model, [3]) as done:
            edited = generate(model, PROMPTS, **options)
        assert not torch.cat(rows).any(), "the channel is zero in every row of every pass"
        assert done.change.shape == (2, 3, 3)
        rows.clear()
        with (
            pytest.warns(UserWarning, match="left the rows of perturbed-attention"),
            fc.ablate(model, [3], branch="cond"),
        ):
            one = generate(model, PROMPTS, **options)
        assert torch.cat(rows).any()
    finally:
        handle.remove()
    assert not torch.equal(edited, bare)
    assert not torch.equal(edited, one)
    assert torch.equal(generate(model, PROMPTS, **options), bare)


def test_a_transport_says_that_it_leaves_out_perturbed_rows():
    case = PIPELINES["SD3"]()
    model, options = perturbed(case), {**guidance_of(case, False), "steps": 2, "pag_scale": 3.0}
    with pytest.warns(UserWarning, match="inject with branch='both'"):
        same = fc.transport(model, PROMPTS[0], PROMPTS[0], [3, 7], **options)
    assert np.array_equal(same.images, same.target_images)


def controlled(name):
    """(case, a pipeline of its parts with a ControlNet, that ControlNet's argument)."""
    case = PIPELINES[name]()
    parts, transformer = case.pipeline.components, case.pipeline.transformer
    heads = {"attention_head_dim": 16, "num_attention_heads": 2}
    if name == "SD3":
        net = diffusers.SD3ControlNetModel.from_transformer(transformer, 2, num_extra_conditioning_channels=0)
        kind = diffusers.StableDiffusion3ControlNetPipeline
    elif name == "FLUX.1":
        net = diffusers.FluxControlNetModel.from_transformer(transformer, num_layers=1, num_single_layers=1, **heads)
        kind = diffusers.FluxControlNetPipeline
    elif name == "Qwen-Image":
        net = diffusers.QwenImageControlNetModel.from_transformer(transformer, num_layers=1, **heads)
        kind = diffusers.QwenImageControlNetPipeline
    elif name == "Sana":
        known = inspect.signature(diffusers.SanaControlNetModel.__init__).parameters
        own = {key: value for key, value in transformer.config.items() if key in known}
        net, kind = diffusers.SanaControlNetModel(**{**own, "num_layers": 1}), diffusers.SanaControlNetPipeline
    else:
        net = diffusers.ZImageControlNetModel(
            control_layers_places=[0],
            control_refiner_layers_places=[0],
            control_in_dim=4,
            dim=32,
            n_refiner_layers=1,
            n_heads=2,
            n_kv_heads=2,
        )
        net = diffusers.ZImageControlNetModel.from_transformer(net, transformer)
        kind = diffusers.ZImageControlNetPipeline
    for parameter in (net.control_layers if name == "Z-Image" else net).parameters():
        if not parameter.any():  # a new ControlNet adds nothing
            parameter.data.normal_(0, 0.3, generator=torch.Generator().manual_seed(1))
    pipeline = kind(**{k: v for k, v in parts.items() if k in kind._get_signature_keys(kind)[0]}, controlnet=net.eval())
    if name == "Qwen-Image":
        pipeline.prompt_template_encode, pipeline.prompt_template_encode_start_idx = "on the {}", 2
    return case, pipeline


@pytest.mark.parametrize(
    "name",
    ["SD3", "Z-Image", *(pytest.param(name, marks=pytest.mark.slow) for name in ("FLUX.1", "Qwen-Image", "Sana"))],
)
def test_the_residuals_of_a_controlnet_are_seen_and_edited(name):
    case, pipeline = controlled(name)
    model = fc.load(pipeline)
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (*case.size, 3), dtype=np.uint8))
    options = {**guidance_of(case, False), "control_image": picture}

    def drawn():
        torch.manual_seed(0)  # SD3's draws from the global generator
        return generate(model, PROMPTS[:1], **options)

    bare = drawn()
    last = model.transformer.get_submodule(model.layers[-1])
    entered = []

    def enters(block, args, kwargs):
        tokens = kwargs.get("hidden_states", args[0] if args else None)
        entered.append(tokens[:, : case.grid[0] * case.grid[1]].clone())

    class One(Keep):
        def add(self, tokens, *, layer, step, samples, grid):
            self.tokens[layer, step] = tokens.clone()

    handle = last.register_forward_pre_hook(enters, with_kwargs=True)
    try:
        with fc.capture(model, kept := One()):
            assert torch.equal(drawn(), bare)
        before = len(model.layers) - 2
        for step, tokens in enumerate(entered):
            assert torch.equal(tokens, kept.tokens[before, step])
        entered.clear()
        with fc.ablate(model, [3, 7]):
            assert not torch.equal(drawn(), bare)
        assert len(entered) == STEPS
        assert not any(tokens[..., [3, 7]].any() for tokens in entered)
    finally:
        handle.remove()
    assert torch.equal(drawn(), bare)


@pytest.mark.parametrize(
    ("name", "argument"),
    [("Z-Image", {"cfg_truncation": 0.3}), pytest.param("Lumina 2", {"cfg_trunc_ratio": 0.5}, marks=pytest.mark.slow)],
)
def test_guidance_that_stops_early(name, argument, whole):
    case, model = whole(name)
    options = {**guidance_of(case, True), **argument, "steps": 4}
    cond, uncond = (captured(model, branch, PROMPTS, **options) for branch in ("cond", "uncond"))
    assert {step for _, step in cond.tokens} == {0, 1, 2, 3}
    assert 0 < len({step for _, step in uncond.tokens}) < 4


@pytest.mark.slow
def test_perturbed_attention_guidance_is_no_branch(whole):
    case, model = whole("PixArt-Sigma")
    perturbing = perturbed(case)
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
