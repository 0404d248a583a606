"""Content and gain on the toy world: transport, nesting, choices of reads, half precision, and what is refused."""

from contextlib import ExitStack
from dataclasses import replace

import accelerate
import fewchannels as fc
import numpy as np
import pytest
import torch
from fewchannels import layouts
from fewchannels.edits import patching
from fewchannels.layouts import Blocks, reads_of
from fewchannels.names import THROUGH

STEPS, LAST = 2, 5
PARTED = THROUGH[1:]
CHANNELS = [3, 90, 124]


def generate(model, prompts, **more):
    return model.generate(prompts, seed=0, steps=STEPS, output="float", **more)


@pytest.fixture(scope="module")
def source(toy, prompts):
    with fc.record(toy) as kept:
        generate(toy, prompts[:2])
    return kept


@pytest.fixture(scope="module")
def clean(toy, prompts):
    return generate(toy, prompts[1:])


class Norms:
    """What each norm was given before, and put out after all edits, in turn: name -> [(given, out)]."""

    def __init__(self, model):
        self.model, self.sites, self.seen = model, reads_of(model.layout, model.transformer), {}

    def of(self, make, prompts, **more):
        with ExitStack() as stack:
            for site in self.sites:
                own = self.seen.setdefault(site.name, [])
                hook = lambda m, args, own=own: own.append([args[0].clone()])  # noqa: E731
                stack.callback(site.module.register_forward_pre_hook(hook).remove)
            make(stack)
            for site in self.sites:
                own = self.seen[site.name]
                hook = lambda m, args, out, own=own: own[-1].append(out.clone())  # noqa: E731
                stack.callback(site.module.register_forward_hook(hook).remove)
            self.images = generate(self.model, prompts, **more)
        return self


def layer_norm(values, sizes):
    values, sizes = values.double(), sizes.double()
    return (values - sizes.mean(-1, True)) / (sizes.var(-1, unbiased=False, keepdim=True) + 1e-6).sqrt()


def with_channels(tokens, channels, values):
    tokens = tokens.clone()
    tokens[..., channels] = values
    return tokens


def test_content_of_the_source_with_the_targets_gain_and_the_reverse(toy, prompts, source):
    for through in PARTED:
        norms = Norms(toy).of(
            lambda stack, through=through: stack.enter_context(
                fc.inject(toy, source, CHANNELS, layers=2, steps=1, through=through)
            ),
            prompts[1:],
        )
        taken = source.take(2, 1, [0, 1], None)[..., CHANNELS]
        block = norms.seen["transformer_blocks.3.norm1.norm"][1][0]
        for name in ("norm1.norm", "norm2"):
            given, out = norms.seen[f"transformer_blocks.3.{name}"][1]
            added = given[..., CHANNELS] - block[..., CHANNELS]  # by the target's attention
            moved = with_channels(given, CHANNELS, taken + added)
            values, sizes = (given if through == "gain" else moved), (given if through == "content" else moved)
            torch.testing.assert_close(out.double(), layer_norm(values, sizes), rtol=1e-4, atol=1e-4)
        for name, pairs in norms.seen.items():
            for step, (given, out) in enumerate(pairs):
                if step == 0 or ".3." not in name:
                    torch.testing.assert_close(out.double(), layer_norm(given, given), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("through", PARTED)
def test_a_runs_own_states_at_its_reads_change_no_bit(toy, prompts, source, through):
    own = generate(toy, prompts[:2])
    for part in patching.PARTS:
        with fc.inject(toy, source, CHANNELS, part=part, through=through, branch="both") as done:
            images = generate(toy, prompts[:2])
        same = part == "both"  # level and pattern are taken apart and put together again
        assert np.array_equal(images, own) if same else np.abs(images - own).max() < 1e-3
        assert np.nanmax(done.change) < (1e-12 if same else 1e-5)


def test_behind_the_last_block_reads_and_stream_are_one(toy, prompts, source, clean):
    for channels in (CHANNELS, None):
        found = {}
        for through in ("stream", "both", "content", "gain"):
            with fc.inject(toy, source, channels, layers=LAST, through=through):
                found[through] = generate(toy, prompts[1:])
        assert np.array_equal(found["stream"], found["both"])
        assert len({image.tobytes() for image in (clean, *found.values())}) == 4
    moved = fc.transport(toy, prompts[:2], prompts[1:], CHANNELS, mask=None, through="gain", steps=STEPS)
    with fc.inject(toy, source, CHANNELS, through="gain"):
        assert np.array_equal(moved.images, toy.generate(prompts[1:], seed=0, steps=STEPS))


def test_another_prompt_of_the_batch_is_what_a_recording_of_it_is(toy, prompts, source):
    """Side by side a source's values are of its block's output too, and not of its own norms."""
    for through in PARTED:
        with fc.ablate(toy, [None, CHANNELS], "resample", partners=[0, 0], through=through):
            beside = generate(toy, prompts[:2])[1]
        with fc.inject(toy, source, CHANNELS, sources=[0], through=through):
            recorded = toy.generate([prompts[1]], seed=0, samples=[1], steps=STEPS, output="float")[0]
        np.testing.assert_allclose(beside, recorded, atol=1e-3)


def test_one_guidance_branch_is_edited_alone(toy, prompts):
    for branch, rows in (("cond", slice(2, 4)), ("uncond", slice(0, 2))):
        norms = Norms(toy).of(
            lambda stack, branch=branch: stack.enter_context(fc.ablate(toy, CHANNELS, branch=branch, through="gain")),
            prompts[1:],
            guidance_scale=3.0,
        )
        given, out = norms.seen["transformer_blocks.4.norm2"][0]
        plain = torch.nn.functional.layer_norm(given, (192,), eps=1e-6)
        for own in (slice(0, 2), slice(2, 4)):
            assert torch.equal(out[own], plain[own]) == (own != rows)


@pytest.mark.parametrize("turned", [False, True])
def test_contexts_nest_and_close_in_any_order(toy, prompts, clean, turned):
    """One edits the values and another the sizes, whichever is first; both in turn are one after the other."""
    first, second = [3, 90], [124, 5]
    contexts = [
        fc.ablate(toy, first, "scale", factor=-2.0, through="content"),
        fc.ablate(toy, second, "scale", factor=3.0, through="gain"),
    ]
    contexts = contexts[::-1] if turned else contexts
    norms = Norms(toy).of(lambda stack: [stack.enter_context(context) for context in contexts], prompts[1:])
    given, out = norms.seen["transformer_blocks.2.norm2"][1]
    values = with_channels(given, first, given[..., first] * -2)
    sizes = with_channels(given, second, given[..., second] * 3)
    torch.testing.assert_close(out.double(), layer_norm(values, sizes), rtol=1e-4, atol=1e-4)
    with fc.ablate(toy, first, through="both"), fc.ablate(toy, second, through="both"):
        apart = generate(toy, prompts[1:])
    with fc.ablate(toy, first + second, through="both"):
        assert np.array_equal(generate(toy, prompts[1:]), apart)
    one, other = fc.ablate(toy, first, through="gain"), fc.ablate(toy, second, through="content")
    one.__enter__()
    other.__enter__()
    generate(toy, prompts[1:])
    one.__exit__(None, None, None)
    left = generate(toy, prompts[1:])
    other.__exit__(None, None, None)
    with fc.ablate(toy, second, through="content"):
        assert np.array_equal(generate(toy, prompts[1:]), left)
    assert np.array_equal(generate(toy, prompts[1:]), clean)


def test_an_edit_of_the_stream_is_read_by_edits_of_reads(toy, prompts):
    """A read edit sees the stream as edits of it left it, and captures see the stream as it is."""
    stats, plain = fc.ChannelStats(), fc.ChannelStats()
    with fc.capture(toy, plain, steps=0):
        generate(toy, prompts[1:])
    with fc.ablate(toy, CHANNELS, layers=LAST), fc.ablate(toy, CHANNELS, "scale", factor=2.0, through="both") as done:
        with fc.capture(toy, stats, steps=0, layers=0):
            generate(toy, prompts[1:])
    assert np.array_equal(stats.mean[:, 0], plain.mean[:, 0])
    assert (done.change[:, LAST] == 0).all(), "twice nothing is nothing"
    assert (done.change[:, :LAST] > 0).all()


def test_into_chooses_the_reads(toy, prompts, clean):
    every = Norms(toy)
    for into in ("attention", "mlp", "last", ["attention", "last"]):
        norms = Norms(toy).of(
            lambda stack, into=into: stack.enter_context(fc.ablate(toy, CHANNELS, through="content", into=into)),
            prompts[1:],
        )
        changed = set()
        for site in every.sites:
            given, out = norms.seen[site.name][0]
            if not torch.equal(out, site.module.forward(given)):
                changed.update(site.readers)
        assert changed == ({into} if isinstance(into, str) else set(into))
        assert not np.array_equal(norms.images, clean)
    with fc.ablate(toy, CHANNELS, through="gain", into=("attention", "mlp", "last")):
        asked = generate(toy, prompts[1:])
    with fc.ablate(toy, CHANNELS, through="gain"):
        assert np.array_equal(generate(toy, prompts[1:]), asked)


def test_only_masked_tokens_are_read_otherwise(toy, prompts):
    mask = np.zeros((12, 12), bool)
    mask[2:5, 3:9] = True
    norms = Norms(toy).of(
        lambda stack: stack.enter_context(fc.ablate(toy, CHANNELS, tokens=mask, through="gain", layers=1)), prompts[1:]
    )
    given, out = norms.seen["transformer_blocks.2.norm1.norm"][0]
    moved = (out != torch.nn.functional.layer_norm(given, (192,), eps=1e-6)).any(-1)
    assert np.array_equal(moved.numpy(), np.broadcast_to(mask.ravel(), (2, 144)))


def test_in_half_precision_identity_is_exact_and_massive_channels_are_held(prompts):
    model = fc.load("toyworld", device="cpu", dtype=torch.bfloat16)
    plain = generate(model, prompts[1:])
    for through in PARTED:
        with fc.ablate(model, CHANNELS, "scale", factor=1.0, through=through):
            assert np.array_equal(generate(model, prompts[1:]), plain)
        norms = Norms(model).of(
            lambda stack, through=through: stack.enter_context(fc.ablate(model, CHANNELS, through=through)), prompts[1:]
        )
        given, out = norms.seen["transformer_blocks.4.norm2"][1]
        zeroed = with_channels(given, CHANNELS, 0)
        values, sizes = (given if through == "gain" else zeroed), (given if through == "content" else zeroed)
        torch.testing.assert_close(out.double(), layer_norm(values, sizes), rtol=2**-7, atol=1e-3)


def test_functions_are_told_of_the_blocks_output_where_they_ask(toy, prompts):
    found = []

    def keep(tokens, *, layer, step, samples, grid, block):
        found.append((layer, torch.equal(tokens, block)))

    with fc.edit(toy, keep, layers=2, steps=0, through="both"):
        generate(toy, prompts[1:])
    assert found == [(2, True), (2, False)]  # before attention and behind it
    with fc.edit(toy, lambda tokens, *, layer, step, samples, grid: tokens * 2, layers=LAST, through="gain"):
        generate(toy, prompts[1:])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"through": "norm"}, "through='norm': expected 'stream' or 'both' or 'content' or 'gain'"),
        ({"into": "mlp"}, "through='stream' is before all of them"),
        ({"through": "gain", "into": "cross"}, "is read for attention, mlp, last; expected some of these"),
        ({"through": "gain", "into": []}, r"into=\[\]"),
        ({"through": "gain", "stream": "text"}, "the picture's tokens alone"),
        ({"through": "gain", "layers": 9}, "out of range"),
    ],
)
def test_bad_choices_are_named(toy, prompts, more, message):
    with pytest.raises(ValueError, match=message):
        with fc.ablate(toy, CHANNELS, **more):
            generate(toy, prompts[1:])
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in toy.transformer.modules())


def test_one_norm_for_two_readers_is_not_parted(flux, tiny):
    size = {"height": 32, "width": 32, "steps": 1}
    with pytest.raises(ValueError, match=r"single_transformer_blocks.0.norm.norm is one norm for attention and mlp"):
        with fc.ablate(flux, [1], through="content", into="mlp"):
            flux.generate("a red star", **size)
    for more in ({"into": ["attention", "mlp"]}, {"into": "mlp", "layers": [0]}):
        with fc.ablate(flux, [1], through="content", **more):
            flux.generate("a red star", **size)
    with pytest.raises(RuntimeError, match="nothing that was edited was read"):
        with fc.ablate(flux, [1], through="content", into="mlp", layers=-1):
            flux.generate("a red star", **size)
    pixart, call = tiny("PixArtTransformer2DModel")
    with pytest.raises(ValueError, match="no norm at these reads, so there is no gain"):
        with fc.ablate(fc.load(pixart), [1], through="gain", into="cross"):
            call()


def test_what_cannot_be_placed_is_refused_by_name(toy, tiny, prompts, monkeypatch):
    transformer, call = tiny("SD3Transformer2DModel")
    model = fc.load(transformer)
    model.layout = replace(model.layout, blocks=(Blocks("transformer_blocks", "txt_img"),))
    with pytest.raises(ValueError, match="does not say where the picture's stream is read in transformer_blocks"):
        with fc.ablate(model, [1], through="gain"):
            call()
    model = fc.load(transformer)
    modules = transformer.transformer_blocks[1]._modules  # monkeypatch.setattr would not give a submodule back
    monkeypatch.setitem(modules, "norm2", torch.nn.GroupNorm(1, 32))
    with pytest.raises(ValueError, match=r"transformer_blocks.1.norm2 is a GroupNorm, whose mean and divisor"):
        with fc.ablate(model, [1], through="gain"):
            call()
    with pytest.raises(ValueError, match="readers="):
        layouts.Read("norm", ("eyes",))
    with pytest.raises(ValueError, match="image='middle'"):
        layouts.Read("norm", ("mlp",), image="middle")
    block = toy.transformer.transformer_blocks[3]
    monkeypatch.setattr(
        block, "forward", lambda hidden_states, encoder_hidden_states, *a, **k: (encoder_hidden_states, hidden_states)
    )
    with pytest.raises(RuntimeError, match=r"transformer_blocks.3.norm1.norm did not.*fused"):
        with fc.ablate(toy, CHANNELS, through="gain"):
            generate(toy, prompts[1:])


def test_an_offloaded_norm_with_a_weight_is_refused_and_one_without_is_edited():
    """accelerate holds weights as meta tensors while their module is not running, on a CPU as on a GPU."""
    from tiny_models import TINY

    for name, through, refused in (
        ("SD3Transformer2DModel", "content", False),
        ("ZImageTransformer2DModel", "both", False),
        ("ZImageTransformer2DModel", "content", True),
        ("ZImageTransformer2DModel", "gain", True),
    ):
        transformer, call = TINY[name]()
        model = fc.load(transformer)
        with model.trajectory(2, 1), fc.ablate(model, [1, 2], through=through):
            expected = call()
        accelerate.cpu_offload(transformer, execution_device=torch.device("cpu"))
        if refused:
            with pytest.raises(RuntimeError, match=r"weight of a RMSNorm is on meta.*offload='sequential'"):
                with model.trajectory(2, 1), fc.ablate(model, [1, 2], through=through):
                    call()
        else:
            with model.trajectory(2, 1), fc.ablate(model, [1, 2], through=through):
                assert torch.equal(call(), expected)
