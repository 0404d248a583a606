"""Each arm trains and draws, and what it says is changed is changed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fewchannels.toyworld.arms import ARMS, is_inner_matrix, stream_axis
from fewchannels.toyworld.recipe import SceneStream, clean_latents, flow_loss
from tiny_training import WIDTH, tiny_pipeline
from torch import nn

PROMPT = "a large red star at the center on a plain white background"


def changed(arm, seed=0):
    pipeline = tiny_pipeline(seed)
    torch.manual_seed(seed)
    ARMS[arm].change(pipeline.transformer)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def stirred(pipeline):
    """The pipeline with nothing at zero, so that every part counts."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in pipeline.transformer.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return pipeline


def named(pipeline):
    parts = {"transformer": pipeline.transformer, "text_encoder": pipeline.text_encoder}
    return {f"{part}.{name}": p for part, module in parts.items() for name, p in module.named_parameters()}


def optimiser_of(arm, pipeline, lr):
    parameters = named(pipeline)
    groups = [
        {"params": [p for p in parameters.values() if p.ndim >= 2], "weight_decay": 0.01},
        {"params": [p for p in parameters.values() if p.ndim < 2], "weight_decay": 0.0},
    ]
    return ARMS[arm].optimiser(parameters, groups, lr * ARMS[arm].rate)


@pytest.fixture(scope="module")
def batch():
    stream = SceneStream(0, 4)
    images, ids = zip(*(stream[i] for i in range(4)), strict=True)
    return clean_latents(changed("base").vae, torch.stack(images)), torch.stack(ids)


@pytest.mark.parametrize("arm", ARMS)
def test_an_arm_trains_and_draws(arm, batch):
    pipeline = changed(arm)
    optimiser, losses = optimiser_of(arm, pipeline, 1e-2), []
    for _ in range(25):
        loss = flow_loss(pipeline, *batch, torch.Generator().manual_seed(0))
        loss.backward()
        nn.utils.clip_grad_norm_(named(pipeline).values(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0]
    images = pipeline([PROMPT], num_inference_steps=2, output_type="np").images
    assert images.shape == (1, 48, 48, 3)
    assert np.isfinite(images).all()


def test_the_base_recipe_hangs_nothing_on_the_network():
    pipeline = changed("base")
    assert not any(module._forward_hooks for module in pipeline.transformer.modules())
    optimiser = optimiser_of("base", pipeline, 1e-3)
    assert type(optimiser) is torch.optim.AdamW
    assert {group["betas"] for group in optimiser.param_groups} == {(0.9, 0.95)}
    assert ARMS["double_rate"].rate == 4 * ARMS["half_rate"].rate == 2 * ARMS["base"].rate


def velocity(pipeline, t=500.0):
    generator = torch.Generator().manual_seed(1)
    latents = torch.randn(2, 8, 12, 12, generator=generator)
    with torch.no_grad():
        return pipeline.velocity(latents, torch.full((2,), t), *pipeline.encode_prompt([PROMPT, PROMPT]))


def gates(pipeline, t):
    """What the first block's norms give as gates: of image attention, image MLP, text attention, text MLP."""
    seen, block = [], pipeline.transformer.transformer_blocks[0]
    handles = [
        norm.register_forward_hook(lambda module, given, out: seen.extend((out[1], out[4])))
        for norm in (block.norm1, block.norm1_context)
    ]
    velocity(pipeline, t)
    for handle in handles:
        handle.remove()
    assert len(seen) == 4
    return seen


def test_gates_depend_on_the_noise_level_but_where_they_are_constant():
    for arm, alike in (("base", False), ("constant_gate", True)):
        pipeline = stirred(changed(arm))
        early, late = gates(pipeline, 900.0), gates(pipeline, 100.0)
        assert all(torch.equal(a, b) == alike for a, b in zip(early, late, strict=True)), arm
        assert all(gate.std() > 0 for gate in early), "a vector, not a number"
    bias = pipeline.transformer.transformer_blocks[0].norm1.linear.bias
    assert torch.equal(early[0][0], bias[2 * WIDTH : 3 * WIDTH])
    assert torch.equal(early[1][0], bias[5 * WIDTH :])
    assert not torch.equal(velocity(pipeline, 900.0), velocity(pipeline, 100.0)), "scale and shift still know it"


def test_without_gates_they_are_one():
    assert all((gate == 1).all() for gate in gates(stirred(changed("no_gate")), 500.0))


def test_without_the_final_norm_the_stream_is_scaled_as_it_is():
    x, condition = torch.randn(1, 4, WIDTH) * 7, torch.randn(1, WIDTH)
    with torch.no_grad():
        assert torch.equal(changed("no_final_norm").transformer.norm_out(x, condition), x)
        assert changed("base").transformer.norm_out(x, condition).std() < 1.1


def test_sandwich_norms_stand_before_the_gate():
    seen, block = [], stirred(changed("sandwich_norm")).transformer.transformer_blocks[0]
    x, text = torch.randn(1, 4, WIDTH), torch.randn(1, 3, WIDTH)
    with torch.no_grad():
        seen += [*block.attn(x, text), block.ff(9 * x), block.ff_context(9 * text)]
    for out in seen:
        assert torch.allclose(out.mean(dim=-1), torch.zeros(()), atol=1e-5)
        assert torch.allclose(out.std(dim=-1, unbiased=False), torch.ones(()), atol=1e-2)


@pytest.mark.parametrize(("arm", "total"), [("base", 1.0), ("softmax1", 7 / 8)])
def test_weights_of_softmax_1_sum_to_less_than_one(arm, total):
    """With queries of zero all logits are zero: seven tokens have a weight of 1/8 each, and 1/8 goes nowhere. Values of
    one make the output the weights' sum."""
    attention = changed(arm).transformer.transformer_blocks[0].attn
    with torch.no_grad():
        for name in ("to_q", "add_q_proj", "to_v", "add_v_proj"):
            layer = getattr(attention, name)
            layer.weight.zero_()
            layer.bias.fill_(float(name.endswith(("v", "v_proj"))))
        for layer in (attention.to_out[0], attention.to_add_out):
            layer.weight.copy_(torch.eye(WIDTH))
            layer.bias.zero_()
        image, text = attention(torch.randn(1, 4, WIDTH), torch.randn(1, 3, WIDTH))
    assert (image.shape, text.shape) == ((1, 4, WIDTH), (1, 3, WIDTH))
    assert torch.allclose(torch.cat([image, text], dim=1), torch.full((), total))


def test_without_a_zero_start_only_the_output_layer_is_zero():
    for arm, zero in (("base", True), ("no_zero_start", False)):
        transformer = changed(arm).transformer
        norms = [norm for block in transformer.transformer_blocks for norm in (block.norm1, block.norm1_context)]
        layers = [norm.linear for norm in (*norms, transformer.norm_out)]
        assert all((layer.weight == 0).all() == zero for layer in layers)
        assert (transformer.proj_out.weight == 0).all()


def mean_keeping_rotation(seed):
    """Orthonormal, and it leaves the vector of ones alone, so that a LayerNorm commutes with it."""
    generator = torch.Generator().manual_seed(seed)
    basis = torch.linalg.qr(torch.cat([torch.ones(WIDTH, 1), torch.randn(WIDTH, WIDTH - 1, generator=generator)], 1))[0]
    inner = torch.block_diag(
        torch.ones(1, 1), torch.linalg.qr(torch.randn(WIDTH - 1, WIDTH - 1, generator=generator))[0]
    )
    return basis @ inner @ basis.T


def with_open_gates(pipeline):
    """Stirred, with gates of one, scales of one and shifts of zero in the image stream, which a rotation passes."""
    transformer = stirred(pipeline).transformer
    with torch.no_grad():
        for norm in (*(block.norm1 for block in transformer.transformer_blocks), transformer.norm_out):
            norm.linear.weight.zero_()
            norm.linear.bias.zero_()
        for block in transformer.transformer_blocks:
            block.norm1.linear.bias.view(6, WIDTH)[[2, 5]] = 1
    return pipeline


def test_a_rotated_stream_is_the_same_network_with_its_weights_turned_along():
    base, turned = with_open_gates(changed("base")), with_open_gates(changed("rotated_stream"))
    transformer = turned.transformer
    parts = [module for module in transformer.modules() if "rotation" in dict(module.named_buffers(recurse=False))]
    assert len(parts) == 2 + 4 * 2, "embedding, last norm, and two reads and two writes of each block"
    found = torch.stack([part.rotation for part in parts])
    assert torch.allclose(found @ found.mT, torch.eye(WIDTH), atol=1e-5)
    assert len({float(one[0, 0]) for one in found}) == len(parts), "each its own"
    assert not torch.allclose(velocity(base), velocity(turned), atol=1e-2)
    for number, part in enumerate(parts):
        part.rotation.copy_(mean_keeping_rotation(number))
    stream = transformer.pos_embed.rotation
    with torch.no_grad():
        for block in transformer.transformer_blocks:
            for norm, layers in (
                (block.norm1.norm, (block.attn.to_q, block.attn.to_k, block.attn.to_v)),
                (block.norm2, (block.ff.net[0].proj,)),
            ):
                for layer in layers:
                    layer.weight.copy_(layer.weight @ stream @ norm.rotation)
            for branch, layer in ((block.attn, block.attn.to_out[0]), (block.ff, block.ff.net[2])):
                back = stream @ branch.rotation.T
                layer.weight.copy_(back.T @ layer.weight)
                layer.bias.copy_(layer.bias @ back)
        transformer.proj_out.weight.copy_(transformer.proj_out.weight @ stream @ transformer.norm_out.norm.rotation)
    assert torch.allclose(velocity(base), velocity(turned), atol=1e-4)


def test_layers_that_preserve_magnitude_have_rows_of_norm_one_also_after_steps(batch):
    pipeline = changed("magnitude_preserving")
    optimiser = optimiser_of("magnitude_preserving", pipeline, 1e-1)
    for _ in range(3):
        flow_loss(pipeline, *batch, torch.Generator().manual_seed(0)).backward()
        optimiser.step()
        optimiser.zero_grad()
    layers = [m for m in pipeline.transformer.modules() if isinstance(m, (nn.Linear, nn.Conv2d))]
    assert len(layers) > 20
    for layer in layers:
        assert layer.bias is None
        assert torch.allclose(layer.weight.flatten(1).norm(dim=1), torch.ones(()), atol=1e-5)
    originals = [layer.parametrizations.weight.original for layer in layers]
    assert max(float((one.flatten(1).norm(dim=1) - 1).abs().max()) for one in originals) > 0.1, "which grow by steps"
    attention, mlp, *text = gates(pipeline, 500.0)
    assert all(gate.unique().numel() == 1 for gate in (attention, mlp, *text))
    assert mlp[0, 0] > attention[0, 0] > 0


def test_the_streams_are_found_in_every_parameter_that_touches_one():
    without = ("time_text_embed.", "attn.norm_", "text_encoder.")
    inputs = ("to_q.bias", "to_k.bias", "to_v.bias", "q_proj.bias", "k_proj.bias", "v_proj.bias", "net.0.proj.bias")
    for name, parameter in named(tiny_pipeline()).items():
        axis = stream_axis(name)
        if any(part in name for part in without) or name.endswith((*inputs, "proj_out.bias")):
            assert axis is None, name
        else:
            assert parameter.shape[axis] % WIDTH == 0, name
    assert stream_axis("transformer.proj_out.weight") == 1


def test_muon_takes_the_inner_matrices():
    pipeline = tiny_pipeline()
    optimiser, parameters = optimiser_of("muon", pipeline, 1e-3), named(pipeline)
    taken = {id(p) for group in optimiser.param_groups if group["orthogonal"] for p in group["params"]}
    assert taken == {id(p) for name, p in parameters.items() if is_inner_matrix(name, p)}
    names = {name for name, p in parameters.items() if id(p) in taken}
    assert "transformer.transformer_blocks.1.ff.net.2.weight" in names
    assert not [name for name in names if name.endswith("bias") or "context_embedder" in name or "words" in name]
    assert sum(len(group["params"]) for group in optimiser.param_groups) == len(parameters)
