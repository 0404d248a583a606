"""capture and edit: what they see, in which order, what they refuse, and that they leave nothing behind."""

import fewchannels as fc
import numpy as np
import pytest
import torch
from tiny_models import Keep
from tiny_pipelines import PIPELINES

STEPS = 3


def generate(model, prompts, **more):
    return model.generate(prompts, steps=STEPS, **more)


@pytest.fixture
def pair(prompts):
    return prompts[:2]


def hook_count(model):
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.transformer.modules())


def test_a_sink_hears_of_every_block_and_step_once(toy, pair):
    with fc.capture(toy, sink := Keep()) as yielded:
        generate(toy, pair)
    assert yielded is sink
    assert sink.started == [(toy.layers, (12, 12))]
    assert [call[:2] for call in sink.calls] == [(layer, step) for step in range(STEPS) for layer in range(6)]
    for _, _, samples, grid, tokens in sink.calls:
        assert (samples, grid, tokens.shape) == ([0, 1], (12, 12), (2, 144, 192))


def test_tokens_are_what_the_blocks_return(toy, pair):
    seen = []
    handle = toy.transformer.transformer_blocks[4].register_forward_hook(lambda m, a, out: seen.append(out[1].clone()))
    with fc.capture(toy, sink := Keep(), layers=4):
        generate(toy, pair)
    handle.remove()
    assert len(seen) == len(sink.calls) == STEPS
    for truth, call in zip(seen, sink.calls, strict=True):
        assert torch.equal(truth, call[-1])


def test_guidance_gives_the_conditional_branch_and_not_the_last_forward(toy, pair):
    both = []
    handle = toy.transformer.transformer_blocks[1].register_forward_hook(lambda m, a, out: both.append(out[1].clone()))
    with fc.capture(toy, cond := Keep(), layers=1), fc.capture(toy, uncond := Keep(), layers=1, branch="uncond"):
        generate(toy, pair, guidance_scale=3.0)
    handle.remove()
    for rows, one, other in zip(both, cond.calls, uncond.calls, strict=True):
        assert rows.shape[0] == 4
        assert torch.equal(rows[2:], one[-1])
        assert torch.equal(rows[:2], other[-1])
    with fc.capture(toy, plain := Keep(), layers=1, steps=0):
        generate(toy, pair)
    assert torch.allclose(plain.calls[0][-1], cond.calls[0][-1], atol=1e-4), "step 0 starts from the same noise"
    assert not torch.allclose(plain.calls[0][-1], uncond.calls[0][-1], atol=1e-2)


def test_flux_with_true_guidance_runs_two_passes_and_they_are_told_apart(flux, pair):
    options = {"height": 48, "width": 80, "true_cfg_scale": 2.0, "negative_prompt": ["a red star"] * 2}
    passes = []
    handle = flux.transformer.single_transformer_blocks[0].register_forward_hook(
        lambda m, a, out: passes.append(out[1].clone())
    )
    with fc.capture(flux, cond := Keep(), layers=2), fc.capture(flux, uncond := Keep(), layers=2, branch="uncond"):
        generate(flux, pair, **options)
    handle.remove()
    assert len(passes) == 2 * STEPS
    assert [call[:4] for call in cond.calls] == [(2, step, [0, 1], (3, 5)) for step in range(STEPS)]
    for step in range(STEPS):
        assert torch.equal(cond.calls[step][-1], passes[2 * step])
        assert torch.equal(uncond.calls[step][-1], passes[2 * step + 1])


def test_samples_count_on_over_calls_and_batches(toy, prompts):
    with fc.capture(toy, sink := Keep(), layers=0, steps=0):
        generate(toy, prompts, batch_size=2)
        generate(toy, prompts[:1], seed=5)
    assert [call[2] for call in sink.calls] == [[0, 1], [2], [3]]


def test_a_pipeline_called_directly_is_labelled_too(toy, pair):
    with fc.capture(toy, sink := Keep(), layers=0):
        for scale in (1.0, 3.0):
            toy.pipeline(pair, num_inference_steps=2, guidance_scale=scale, output_type="np")
    assert [call[1:3] for call in sink.calls] == [(0, [0, 1]), (1, [0, 1]), (0, [2, 3]), (1, [2, 3])]
    assert {call[-1].shape[0] for call in sink.calls} == {2}


def test_a_transformer_called_by_hand_is_labelled_within_a_trajectory(tiny):
    transformer, call = tiny("FluxTransformer2DModel")
    model = fc.load(transformer)
    with fc.capture(model, sink := Keep(), layers=0):
        for _ in range(2):
            with model.trajectory(samples=2, steps=2):
                call(timestep=0.9)
                call(timestep=0.4)
    assert [c[1:3] for c in sink.calls] == [(0, [0, 1]), (1, [0, 1]), (0, [2, 3]), (1, [2, 3])]
    with pytest.raises(RuntimeError, match="bare transformer"):
        model.generate("a red star")


def test_the_text_stream(toy, flux, pair):
    with fc.capture(toy, sink := Keep(), stream="text", steps=0):
        generate(toy, pair)
    assert [c[0] for c in sink.calls] == [0, 1, 2, 3, 4], "the last block of SD3 returns no text"
    assert sink.calls[0][-1].shape == (2, 24, 192)
    with pytest.raises(ValueError, match=r"transformer_blocks.5 returns no text tokens"):
        with fc.capture(toy, Keep(), stream="text", layers=-1):
            generate(toy, pair)
    with fc.capture(flux, sink := Keep(), stream="text", steps=0):
        generate(flux, pair, height=32, width=32)
    assert len(sink.calls) == 4


@pytest.mark.parametrize(
    ("layers", "steps", "expected"),
    [
        (None, -1, {(layer, 2) for layer in range(6)}),
        ([0, "transformer_blocks.5"], slice(1, None), {(0, 1), (0, 2), (5, 1), (5, 2)}),
        (slice(2, 4), [0, -1], {(2, 0), (2, 2), (3, 0), (3, 2)}),
    ],
)
def test_layers_and_steps_are_chosen(toy, pair, layers, steps, expected):
    with fc.capture(toy, sink := Keep(), layers=layers, steps=steps):
        generate(toy, pair)
    assert {call[:2] for call in sink.calls} == expected


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_an_identity_edit_changes_exactly_nothing(toy, pair, guidance):
    bare = generate(toy, pair, guidance_scale=guidance, output="latent")
    with fc.edit(toy, lambda tokens, **_: tokens):
        same = generate(toy, pair, guidance_scale=guidance, output="latent")
    assert torch.equal(bare, same)
    with fc.edit(toy, lambda tokens, **_: None):
        assert torch.equal(bare, generate(toy, pair, guidance_scale=guidance, output="latent"))


def test_an_identity_edit_of_flux_changes_exactly_nothing(flux, pair):
    size = {"height": 32, "width": 48, "output": "latent"}
    bare = generate(flux, pair, **size)
    for stream in ("image", "text"):
        with fc.edit(flux, lambda tokens, **_: tokens, stream=stream):
            assert torch.equal(bare, generate(flux, pair, **size))


def test_an_edit_takes_effect_where_and_when_it_was_asked_for(toy, pair):
    def zero(tokens, **_):
        return tokens.zero_()  # in place is fine: the tokens are a copy

    with fc.edit(toy, zero, layers=2, steps=1), fc.capture(toy, sink := Keep()):
        generate(toy, pair)
    for layer, step, _, _, tokens in sink.calls:
        assert (layer, step) != (2, 1) or not tokens.any()
        assert (layer, step) == (2, 1) or tokens.any()


def test_an_edit_of_one_branch_leaves_the_other(toy, pair):
    def generate_with(branch):
        with (
            fc.edit(toy, lambda tokens, **_: tokens * 0, layers=2, branch=branch),
            fc.capture(toy, cond := Keep(), layers=2, steps=0),
            fc.capture(toy, uncond := Keep(), layers=2, steps=0, branch="uncond"),
        ):
            generate(toy, pair, guidance_scale=3.0)
        return bool(cond.calls[0][-1].any()), bool(uncond.calls[0][-1].any())

    assert generate_with("cond") == (False, True)
    assert generate_with("uncond") == (True, False)
    assert generate_with("both") == (False, False)


def test_an_edit_of_the_image_leaves_the_text_of_that_block(toy, pair):
    with fc.capture(toy, before := Keep(), layers=2, steps=0, stream="text"):
        generate(toy, pair)
    after = Keep()
    with fc.edit(toy, lambda t, **_: t + 1, layers=2), fc.capture(toy, after, layers=2, steps=0, stream="text"):
        generate(toy, pair)
    assert torch.equal(before.calls[0][-1], after.calls[0][-1])


def test_captures_and_edits_nest_in_the_order_of_entry(toy, pair):
    def plus_one(tokens, **_):
        return tokens + 1

    with (
        fc.capture(toy, outer := Keep(), layers=3, steps=0),
        fc.edit(toy, plus_one, layers=3, steps=0),
        fc.capture(toy, between := Keep(), layers=3, steps=0),
        fc.edit(toy, lambda tokens, **_: tokens * 2, layers=3, steps=0),
        fc.capture(toy, inner := Keep(), layers=3, steps=0),
    ):
        generate(toy, pair)
    first, second, third = (sink.calls[0][-1] for sink in (outer, between, inner))
    assert torch.equal(second, first + 1)
    assert torch.equal(third, (first + 1) * 2)


def test_leaving_restores_the_model_bit_for_bit(toy, pair):
    bare, hooks_before = generate(toy, pair, output="latent"), hook_count(toy)
    state = {name: value.clone() for name, value in toy.transformer.state_dict().items()}
    with fc.edit(toy, lambda tokens, **_: tokens * 0), fc.capture(toy, Keep()):
        generate(toy, pair)
    assert hook_count(toy) == hooks_before
    assert torch.equal(bare, generate(toy, pair, output="latent"))
    assert all(torch.equal(value, state[name]) for name, value in toy.transformer.state_dict().items())


def test_leaving_restores_the_model_after_an_exception_too(toy, pair):
    bare, hooks_before = generate(toy, pair, output="latent"), hook_count(toy)

    def fails(tokens, *, step, **_):
        if step == 1:
            raise ZeroDivisionError("in the middle of a trajectory")
        return tokens * 0

    with pytest.raises(ZeroDivisionError), fc.edit(toy, fails), fc.capture(toy, Keep()):
        generate(toy, pair)
    assert hook_count(toy) == hooks_before
    assert toy.run is None
    assert torch.equal(bare, generate(toy, pair, output="latent"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"layers": 6}, "layer 6 is out of range: the model has 6 blocks, 0 to 5"),
        ({"layers": "blocks.0"}, "unknown layer 'blocks.0'; the model has transformer_blocks.0"),
        ({"layers": []}, "chooses no block"),
        ({"branch": "last"}, "branch='last': expected 'cond' or 'uncond'"),
        ({"stream": "pixels"}, "stream='pixels': expected 'image' or 'text'"),
        ({"steps": 3}, "step 3 is out of range: the trajectory has 3 steps, 0 to 2"),
    ],
)
def test_what_cannot_be_is_refused_with_its_name(toy, pair, options, words):
    with pytest.raises(ValueError, match=words), fc.capture(toy, Keep(), **options):
        generate(toy, pair)


def test_sinks_are_checked(toy):
    with pytest.raises(ValueError, match="capture got no sink"), fc.capture(toy):
        pass
    with pytest.raises(TypeError, match="is no sink"), fc.capture(toy, []):
        pass


def test_what_never_ran_is_an_error_that_says_what_to_do(toy, tiny, pair):
    with pytest.raises(RuntimeError, match=r"call model.generate\(...\) inside"), fc.capture(toy, Keep()):
        pass
    with pytest.raises(RuntimeError, match="the model never ran"), fc.edit(toy, lambda tokens, **_: None):
        pass
    with pytest.raises(RuntimeError, match="only with guidance on"), fc.capture(toy, Keep(), branch="uncond"):
        generate(toy, pair)
    with pytest.raises(RuntimeError, match="chose no step"), fc.capture(toy, Keep(), steps=slice(5, 9)):
        generate(toy, pair)
    transformer, call = tiny("FluxTransformer2DModel")
    with pytest.raises(RuntimeError, match=r"steps \[2\] never ran: the trajectory had 1 steps"):
        with fc.capture(fc.load(transformer), Keep(), steps=[0, 2]):
            call()


def test_a_block_whose_hook_does_not_fire_is_named(toy, pair, monkeypatch):
    """As in a fused or compiled model, which calls a block's forward without the module's hooks."""
    blocks = toy.transformer.transformer_blocks
    block = blocks[3]
    monkeypatch.setattr(blocks, "_modules", dict(blocks._modules))

    class Fused(torch.nn.Module):
        def forward(self, *args, **kwargs):
            return block.forward(*args, **kwargs)

    def fuse_and_generate():
        with fc.capture(toy, sink):
            blocks._modules["3"] = Fused()
            generate(toy, pair)

    sink = Keep()
    with pytest.raises(RuntimeError, match=r"no hook fired on transformer_blocks.3:"):
        fuse_and_generate()
    assert {call[0] for call in sink.calls} == {0, 1, 2, 4, 5}


def test_a_block_that_runs_twice_in_a_forward_is_refused(tiny):
    transformer, call = tiny("PixArtTransformer2DModel")
    blocks = transformer.transformer_blocks
    second = blocks._modules["1"]
    blocks._modules["1"] = blocks._modules["0"]
    try:
        with pytest.raises(RuntimeError, match="ran twice in one forward"), fc.capture(fc.load(transformer), Keep()):
            call()
    finally:
        blocks._modules["1"] = second


CACHES = [
    "FirstBlockCacheConfig",
    "PyramidAttentionBroadcastConfig",
    "TaylorSeerCacheConfig",
    "MagCacheConfig",
    "FasterCacheConfig",
    "TextKVCacheConfig",
]


@pytest.mark.parametrize("kind", CACHES)
def test_an_active_cache_is_refused_until_it_is_turned_off(kind, tiny):
    import diffusers

    transformer, call = tiny("NucleusMoEImageTransformer2DModel" if "Text" in kind else "FluxTransformer2DModel")
    options = {
        "PyramidAttentionBroadcastConfig": {
            "spatial_attention_block_skip_range": 2,
            "current_timestep_callback": lambda: 500,
        },
        "MagCacheConfig": {"num_inference_steps": 4, "mag_ratios": [1.0] * 4},
        "FasterCacheConfig": {"current_timestep_callback": lambda: 500},
    }.get(kind, {})
    model = fc.load(transformer)
    transformer.enable_cache(getattr(diffusers, kind)(**options))
    try:
        with pytest.raises(RuntimeError, match=rf"{kind}.*disable_cache"), fc.capture(model, Keep()):
            call()
    finally:
        transformer.disable_cache()
    with fc.capture(model, sink := Keep()):
        call()
    assert len(sink.calls) == len(model.layers)


def test_a_cache_turned_on_inside_a_capture_is_refused(tiny):
    from diffusers import FirstBlockCacheConfig

    transformer, call = tiny("FluxTransformer2DModel")

    def turn_on_and_call():
        transformer.enable_cache(FirstBlockCacheConfig())
        call()

    try:
        with pytest.raises(RuntimeError, match="FirstBlockCacheConfig"), fc.capture(fc.load(transformer), Keep()):
            turn_on_and_call()
    finally:
        transformer.disable_cache()


@pytest.mark.parametrize("name", ["pyramid_attention_broadcast", "mag_cache", "first_block_cache", "layer_skip"])
@pytest.mark.parametrize("after", [0, 1])
def test_what_is_put_on_by_hand_inside_an_open_context_is_noticed_at_the_next_forward(name, after, tiny):
    """By functions of diffusers that leave no mark on the transformer itself."""
    from diffusers import hooks as theirs

    transformer, call = tiny("FluxTransformer2DModel")
    layers = theirs.LayerSkipConfig(indices=[0], fqn="transformer_blocks")
    config = {
        "pyramid_attention_broadcast": lambda: theirs.PyramidAttentionBroadcastConfig(
            spatial_attention_block_skip_range=2, current_timestep_callback=lambda: 500
        ),
        "mag_cache": lambda: theirs.MagCacheConfig(num_inference_steps=4, mag_ratios=[1.0] * 4),
        "first_block_cache": theirs.FirstBlockCacheConfig,
        "layer_skip": lambda: layers,
    }[name]()

    def put_on_and_call():
        for _ in range(after):
            call()
        getattr(theirs, f"apply_{name}")(transformer, config)
        call()

    try:
        with pytest.raises(RuntimeError, match="the diffusers hook '"), fc.capture(fc.load(transformer), Keep()):
            put_on_and_call()
    finally:
        for module in transformer.modules():
            registry = theirs.HookRegistry.check_if_exists_or_initialize(module)
            for hook in list(registry.hooks):
                registry.remove_hook(hook, recurse=False)
            del module._diffusers_hook
    with fc.capture(fc.load(transformer), sink := Keep()):
        call()
    assert len(sink.calls) == 4


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        ("sea_cache_leader_block", "skips or reuses"),
        ("text_kv_cache_block", "skips or reuses"),
        ("layer_skip_hook", "skips layers"),
        ("smoothed_energy_guidance_hook", "changes the attention"),
        ("cp_input---transformer_blocks.0", "over several devices"),
    ],
)
def test_hooks_of_diffusers_that_change_blocks_are_refused_by_name(hook, words, tiny):
    from diffusers.hooks import HookRegistry, ModelHook

    transformer, call = tiny("Flux2Transformer2DModel")
    registry = HookRegistry.check_if_exists_or_initialize(transformer.transformer_blocks[1])
    registry.register_hook(ModelHook(), hook)
    try:
        with pytest.raises(RuntimeError, match=f"'{hook}' on transformer_blocks.1 .*{words}.*remove_hook"):
            with fc.capture(fc.load(transformer), Keep()):
                call()
    finally:
        registry.remove_hook(hook)


def test_every_hook_of_diffusers_is_refused_or_known_to_be_harmless():
    """A hook that a later diffusers brings is looked at before it is let through."""
    import pkgutil
    import re

    import diffusers.hooks
    from fewchannels.layouts.guards import CACHES as refused

    names = set()
    for module in pkgutil.iter_modules(diffusers.hooks.__path__):
        text = open(f"{diffusers.hooks.__path__[0]}/{module.name}.py").read()
        names |= set(re.findall(r'^_[A-Z_]*(?:HOOK|TEMPLATE)[A-Z_]* = "([^"]+)"', text, re.MULTILINE))
    harmless = {"layerwise_casting", "peft_autocast_disable"}
    assert len(names) > 12
    assert {name for name in names if not any(word in name for word in refused)} == harmless


def test_a_cache_hook_applied_by_hand_is_refused(tiny):
    from diffusers.hooks import FirstBlockCacheConfig, HookRegistry, apply_first_block_cache

    transformer, call = tiny("Flux2Transformer2DModel")
    apply_first_block_cache(transformer, FirstBlockCacheConfig(threshold=0.1))
    try:
        with pytest.raises(RuntimeError, match="the diffusers hook 'fbc_"), fc.capture(fc.load(transformer), Keep()):
            call()
    finally:
        for module in transformer.modules():
            registry = HookRegistry.check_if_exists_or_initialize(module)
            for name in list(registry.hooks):
                registry.remove_hook(name, recurse=False)


def test_compiled_blocks_are_refused(toy):
    block = toy.transformer.transformer_blocks[0]

    def compile_and_generate():
        block._compiled_call_impl = block._call_impl
        toy.generate(["a large red star"], steps=1)

    block._compiled_call_impl = block._call_impl  # what Module.compile() sets, without seconds of imports
    try:
        with pytest.raises(RuntimeError, match=r"transformer_blocks.0 is compiled"), fc.capture(toy, Keep()):
            pass
        block._compiled_call_impl = None
        with pytest.raises(RuntimeError, match=r"transformer_blocks.0 is compiled"), fc.capture(toy, Keep()):
            compile_and_generate()
    finally:
        block._compiled_call_impl = None


def test_what_was_compiled_or_replaced_after_loading_is_refused_before_anything_runs():
    plain = PIPELINES["SD3"]().pipeline
    model, ran = fc.load(plain), []
    loaded, blocks = model.transformer, model.transformer.transformer_blocks
    loaded.register_forward_pre_hook(lambda *_: ran.append(1))

    def captured():
        with fc.capture(model, Keep()):
            model.generate("a", steps=1, height=32, width=32, max_sequence_length=24)

    plain.transformer = torch.compile(loaded, backend="eager")
    with pytest.raises(RuntimeError, match=r"model\.pipeline\.transformer is wrapped by torch\.compile.*\._orig_mod$"):
        captured()
    plain.transformer, blocks[1] = loaded, torch.compile(blocks[1], backend="eager")
    with pytest.raises(RuntimeError, match=r"transformer\.transformer_blocks\.1 is wrapped by torch\.compile"):
        captured()
    blocks[1] = blocks[1]._orig_mod
    plain.transformer = PIPELINES["SD3"]().pipeline.transformer
    with pytest.raises(RuntimeError, match=r"another SD3Transformer2DModel than the one that was loaded: load the pip"):
        captured()
    assert not ran
    plain.transformer = loaded
    captured()
    assert ran


@pytest.mark.parametrize("wrong", [torch.zeros(2, 3, 192), "text", np.zeros((2, 144, 192))])
def test_an_edit_that_returns_something_else_is_refused(toy, pair, wrong):
    with pytest.raises(ValueError, match=r"the edit of layer 0 returned .*expected a tensor of shape \(2, 144, 192\)"):
        with fc.edit(toy, lambda tokens, **_: wrong, layers=0):
            generate(toy, pair)
