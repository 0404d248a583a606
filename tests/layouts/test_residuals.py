"""What a block returns, as it is read and written, is what the next block reads: also with a ControlNet's residuals."""

import inspect
import re
from contextlib import ExitStack, contextmanager

import fewchannels as fc
import pytest
import torch
from fewchannels.layouts import TABLE, blocks_of
from fewchannels.layouts.residuals import RULES
from tiny_models import random

CONTROLLED = [name for name in sorted(TABLE) if any(one.rule in RULES for one in TABLE[name].added)]


class Keep:
    def __init__(self):
        self.tokens = {}

    def add(self, tokens, *, layer, step, samples, grid):
        self.tokens[layer] = tokens.clone()


@contextmanager
def inputs_of_blocks(model):
    """{index: the tensors with three axes that each block is called with, sequence second}, while open; behind the last
    block those of the output norm, where it has one of its own."""
    seen, stack = {}, ExitStack()

    def hook(index, group):
        def called(block, args, kwargs):
            tensors = [x for x in (*args, *kwargs.values()) if torch.is_tensor(x) and x.ndim == 3]
            seen[index] = [(x.transpose(0, 1) if group.axes == "SBD" else x).clone() for x in tensors]

        return called

    with stack:
        blocks = [(group, block) for _, group, block in blocks_of(model.layout, model.transformer)]
        after = [part for name in ("norm", "norm_out") if (part := getattr(model.transformer, name, None)) is not None]
        blocks += [(blocks[-1][0], part) for part in after[:1]]
        for index, (group, block) in enumerate(blocks):
            stack.callback(block.register_forward_pre_hook(hook(index, group), with_kwargs=True).remove)
        yield seen


def arrive(tokens, tensors) -> bool:
    """Whether tokens [B, N, D] stand together somewhere in one of the tensors [B, M, D], bit for bit."""
    count = tokens.shape[1]
    for x in tensors:
        if x.shape[0] != tokens.shape[0] or x.shape[2] != tokens.shape[2]:
            continue
        for start in range(x.shape[1] - count + 1):
            if torch.equal(x[:, start : start + count], tokens):
                return True
    return False


@pytest.mark.parametrize("name", sorted(TABLE))
def test_nothing_is_added_between_blocks(name, tiny):
    transformer, call = tiny(name)
    model = fc.load(transformer)
    more = {"lengths": [5, 5]} if name == "Lumina2Transformer2DModel" else {}
    with model.trajectory(2, 1), inputs_of_blocks(model) as inputs, fc.capture(model, kept := Keep()):
        call(**more)
    for index in range(1, len(inputs)):
        assert arrive(kept.tokens[index - 1], inputs[index]), f"from {model.layers[index - 1]} on"


@pytest.mark.parametrize("name", sorted(TABLE))
def test_every_argument_of_a_controlnet_is_known(name, tiny):
    taken = inspect.signature(tiny(name)[0].forward).parameters
    found = {one for one in taken if re.search("controlnet|residual|block_samples", one)} - {"controlnet_blocks_repeat"}
    inside = {"CosmosTransformer3DModel"}  # its blocks add them before they return
    assert found <= {one.argument for one in TABLE[name].added} or name in inside


def runs_of(model, call):
    """Each call of it is a trajectory of its own."""

    def run(*args, **more):
        with model.trajectory(2, 1):
            return call(*args, **more)

    return run


def residuals_for(model, call, few=False):
    """Random residuals by argument, of the lengths that the transformer adds; few: fewer than blocks."""
    with model.trajectory(2, 1), inputs_of_blocks(model) as inputs, fc.capture(model, kept := Keep()):
        call()
    found = {}
    for one in model.layout.added:
        indices = [i for i, layer in enumerate(model.layers) if layer.startswith(f"{one.path}.")]
        shape = list(kept.tokens[indices[0]].shape)
        if one.rule == "by_number":
            shape[1] = inputs[indices[-1]][0].shape[1]
            found[one.argument] = {0: random(7, *shape)}
        elif one.rule in RULES and not one.refused:
            found[one.argument] = tuple(random(7 + i, *shape) for i in range(1 if few else len(indices)))
    return found


@contextmanager
def called_with(transformer, **more):
    handle = transformer.register_forward_pre_hook(lambda _, args, kwargs: (args, {**kwargs, **more}), with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


@pytest.mark.parametrize("few", [False, True])
@pytest.mark.parametrize("name", CONTROLLED)
def test_residuals_are_read_and_written_where_the_next_block_reads(name, few, tiny):
    transformer, call = tiny(name)
    model = fc.load(transformer)
    more, taken = residuals_for(model, call, few), inspect.signature(transformer.forward).parameters
    if not set(more) <= set(taken):
        pytest.skip(f"this diffusers has no ControlNet for {name}")
    call = runs_of(model, call)
    plain = call()
    if few and "controlnet_blocks_repeat" in taken:
        more["controlnet_blocks_repeat"] = True
    with called_with(transformer, **more):
        controlled = call()
        assert not torch.equal(controlled, plain)
        with inputs_of_blocks(model) as inputs, fc.capture(model, kept := Keep()):
            assert torch.equal(call(), controlled)
        for index in range(1, len(inputs)):
            assert arrive(kept.tokens[index - 1], inputs[index]), f"from {model.layers[index - 1]} on"
        with fc.edit(model, lambda tokens, **_: tokens):
            assert torch.equal(call(), controlled), "an identity edit changes nothing"
        with inputs_of_blocks(model) as inputs, fc.capture(model, outer := Keep()), fc.ablate(model, [3]):
            with fc.capture(model, inner := Keep(), layers=-1):
                assert not torch.equal(call(), controlled)
        last = len(model.layers) - 1
        assert outer.tokens[last][..., 3].any()
        assert not inner.tokens[last][..., 3].any()
        for index in range(1, len(inputs)):
            zeroed = outer.tokens[index - 1].clone()
            zeroed[..., 3] = 0
            assert arrive(zeroed, inputs[index]), f"from {model.layers[index - 1]} on"
        for through in ("both", "content", "gain"):
            with fc.ablate(model, [3], "scale", factor=1.0, through=through):
                assert torch.equal(call(), controlled), "an identity edit of what is read changes nothing"
        found = []
        for through in ("stream", "both"):
            with fc.ablate(model, [3], layers=-1, through=through):
                found.append(call())
        torch.testing.assert_close(*found, msg="behind the last block stream and reads are one")
        assert torch.equal(call(), controlled), "nothing is left behind"
    assert torch.equal(call(), plain)


def test_residuals_are_added_once_however_contexts_close(tiny):
    transformer, call = tiny("SD3Transformer2DModel")
    model = fc.load(transformer)
    more, call = residuals_for(model, call), runs_of(model, call)
    with called_with(transformer, **more):
        with fc.capture(model, kept := Keep()):
            controlled = call()
        first, second = fc.capture(model, one := Keep(), layers=2), fc.capture(model, two := Keep())
        first.__enter__()
        second.__enter__()
        assert torch.equal(call(), controlled)
        first.__exit__(None, None, None)
        assert torch.equal(call(), controlled)
        second.__exit__(None, None, None)
    assert all(torch.equal(tokens, kept.tokens[layer]) for layer, tokens in (*one.tokens.items(), *two.tokens.items()))


def test_residuals_given_by_position(tiny):
    transformer, call = tiny("SD3Transformer2DModel")
    model = fc.load(transformer)
    samples = residuals_for(model, call)["block_controlnet_hidden_states"]
    given = (random(0, 2, 4, 8, 12), random(1, 2, 5, 64), random(2, 2, 64), torch.full((2,), 0.5), list(samples))
    call, positional = runs_of(model, call), runs_of(model, transformer)
    with torch.no_grad():
        controlled = positional(*given, return_dict=False)[0]
        with fc.capture(model, kept := Keep()):
            assert torch.equal(positional(*given, return_dict=False)[0], controlled)
        with called_with(transformer, block_controlnet_hidden_states=samples), fc.capture(model, named := Keep()):
            call()
    assert all(torch.equal(tokens, named.tokens[layer]) for layer, tokens in kept.tokens.items())


def test_what_cannot_be_followed_is_refused(tiny):
    transformer, call = tiny("SD3Transformer2DModel")
    model = fc.load(transformer)
    more, call = residuals_for(model, call), runs_of(model, call)
    with called_with(transformer, **more, skip_layers=[1]):
        with pytest.raises(RuntimeError, match=r"skip_layers=\[1\]"), fc.capture(model, Keep()):
            call()
    transformer, call = tiny("BriaTransformer2DModel")
    model = fc.load(transformer)
    more, call = {"controlnet_single_block_samples": [random(3, 2, 24, 32)]}, runs_of(model, call)
    with called_with(transformer, **more):
        with pytest.raises(RuntimeError, match="wrong image tokens"), fc.capture(model, Keep()):
            call()


def test_residuals_on_long_skips_are_captured_and_not_edited(tiny):
    transformer, call = tiny("HunyuanDiT2DModel")
    model = fc.load(transformer)

    def given(_, args, kwargs):
        return args, {
            **kwargs,
            "controlnet_block_samples": [random(3, 2, 24, 16)],
        }  # taken from the list as they are used

    handle = transformer.register_forward_pre_hook(given, with_kwargs=True)
    try:
        call = runs_of(model, call)
        controlled = call()
        with inputs_of_blocks(model) as inputs, fc.capture(model, kept := Keep()):
            assert torch.equal(call(), controlled)
        assert all(arrive(kept.tokens[index - 1], inputs[index]) for index in range(1, 4))
        with pytest.raises(RuntimeError, match="out of reach of an edit"), fc.ablate(model, [3]):
            call()
        for factor in (1.0, -2.0):  # its norm reads the stream apart from the earlier one, and that is in reach
            with fc.ablate(model, [3], "scale", factor=factor, through="gain"):
                assert torch.equal(call(), controlled) == (factor == 1)
    finally:
        handle.remove()
