"""The writers' parts add up to what the block gave, and its gates are those that it used."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fewchannels.channels import ChannelSet
from fewchannels.instruments.writers import (
    check_blocks,
    columns,
    gate_shares,
    over_others,
    read_blindness,
    watch_writers,
    why_not,
    writers_cell,
    writing_weights,
)
from fewchannels.models import load
from fewchannels.toyworld.recipe import build_pipeline
from fewchannels.watch.hooks import capture
from fewchannels.watch.statistics import ChannelStats

FEW = ChannelSet(tuple(np.arange(layer, layer + 4) for layer in range(6)), 192, "four a block")


@pytest.fixture(scope="module")
def seen(toy, prompts):
    with capture(toy, stats := ChannelStats()), watch_writers(toy) as writers:
        toy.generate(prompts[:2], seed=0, steps=2)
    return writers, stats


def test_parts_add_up_to_the_energy(seen):
    writers, stats = seen
    assert writers.written.shape == (2, 6, 2, 3, 192)
    assert np.allclose(writers.written.sum(axis=(2, 3)), stats.energy.mean(axis=2), rtol=1e-3, atol=1e-5)
    level = (stats.mean.astype(np.float64) ** 2).mean(axis=2)
    assert np.allclose(writers.written[:, :, 0].sum(axis=2), level, rtol=1e-3, atol=1e-5)


def test_gates_are_the_blocks_own(toy, prompts, seen):
    writers, _ = seen
    assert writers.gates.shape == (2, 6, 2, 2, 192)
    found = []
    handle = toy.transformer.transformer_blocks[2].norm1.register_forward_hook(lambda m, a, out: found.append(out))
    try:
        toy.generate(prompts[:2], seed=0, steps=2)
    finally:
        handle.remove()
    for step, (_, gate_msa, _, _, gate_mlp) in enumerate(found):
        assert np.allclose(writers.gates[:, 2, step, 0], gate_msa.detach().numpy(), atol=1e-5)
        assert np.allclose(writers.gates[:, 2, step, 1], gate_mlp.detach().numpy(), atol=1e-5)


def test_read_is_weight_times_scale(toy, seen):
    writers, _ = seen
    assert writers.read.shape == (2, 6, 2, 192)
    block = toy.transformer.transformer_blocks[1]
    stacked = torch.cat([block.attn.to_q.weight, block.attn.to_k.weight, block.attn.to_v.weight]).detach()
    assert np.allclose(columns(block)[0], stacked.norm(dim=0).numpy(), rtol=1e-5)
    gain = writers.read[:, 0, 0] / columns(block)[0]
    assert (gain >= 0).all()
    assert np.isnan(writers.read[:, -1, 1]).all()
    assert np.isfinite(writers.read[:, -1, 0]).all()


def test_cell_of_a_set(seen):
    cell = writers_cell(seen[0], FEW)
    assert cell["gate"].shape == (2, 6, 3)
    assert cell["gate_size"].shape == (2, 2, 2)
    assert np.allclose(cell["written"].sum(axis=-1), 1, atol=1e-2)
    assert cell["gate_by"].shape == (2, 2)
    assert (cell["gate_by"].sum(axis=1) <= 1.001).all()
    partly = ChannelSet((*[np.arange(4)] * 5, np.arange(0)), 192, "none in the last block")
    cell = writers_cell(seen[0], partly)
    assert np.isnan(cell["gate"][:, 5]).all()
    assert np.isfinite(cell["gate_size"]).all()


def test_what_a_gate_follows():
    gates = np.zeros((3, 1, 4, 2, 5))
    gates[:, :, :, 0] += np.arange(4.0)[:, None]  # the first gate by step, the second by prompt
    gates[:, :, :, 1] += np.arange(3.0)[:, None, None, None]
    assert np.allclose(gate_shares(gates, ChannelSet(([1, 2],), 5)), np.eye(2))


def test_over_others_by_hand():
    values = np.ones((1, 1, 4))
    values[0, 0, 1] = 6
    assert over_others(values, ChannelSet(([1],), 4))[0, 0] == 6
    with pytest.raises(ValueError, match="expected \\[samples, 1 blocks, 4 channels\\]"):
        over_others(values[..., :3], ChannelSet(([1],), 4))


def test_with_guidance_the_conditional_half_is_seen(toy, prompts):
    with capture(toy, stats := ChannelStats()), watch_writers(toy) as writers:
        toy.generate(prompts[:2], seed=0, steps=2, guidance_scale=2.0)
    assert np.allclose(writers.written.sum(axis=(2, 3)), stats.energy.mean(axis=2), rtol=1e-3, atol=1e-5)
    assert writers.read.shape == (2, 6, 2, 192)


def test_hooks_are_gone_also_after_an_error(toy, prompts):
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in toy.transformer.modules()]
    with pytest.raises(RuntimeError, match="stop"), watch_writers(toy):
        raise RuntimeError("stop")
    assert hooks == [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in toy.transformer.modules()]


def test_other_classes_are_refused(toy, flux):
    with pytest.raises(NotImplementedError, match="JointTransformerBlock"):
        check_blocks(flux)
    assert "Stable Diffusion 3 and the toy world" in why_not(flux)
    assert why_not(toy) == ""
    toy.transformer.transformer_blocks[0].set_chunk_feed_forward(4, 1)
    try:
        with pytest.raises(ValueError, match="set_chunk_feed_forward"):
            check_blocks(toy)
    finally:
        toy.transformer.transformer_blocks[0].set_chunk_feed_forward(None, 0)


def test_weights_that_write_a_channel():
    model = load(build_pipeline(3))
    before = writing_weights(model)
    assert {name: a.shape for name, a in before.items()} == {
        "gate": (6, 192),
        "output": (6, 192),
        "embedding": (192,),
        "head": (192,),
    }
    block = model.transformer.transformer_blocks[2]
    with torch.no_grad():
        block.norm1.linear.weight[2 * 192 + 5] += 1  # attention's gate
        block.norm1.linear.weight[5 * 192 + 6] += 2  # the MLP's
        block.norm1.linear.weight[3 * 192 + 7] += 9  # a shift, which is no gate
        block.attn.to_out[0].weight[8] += 9
        model.transformer.pos_embed.proj.weight[9] += 9
        model.transformer.norm_out.linear.weight[10] += 9  # its scale
        model.transformer.norm_out.linear.weight[192 + 11] += 9  # its shift
    after = writing_weights(model)
    grown = {name: np.argwhere(after[name] - before[name] > 0.1).tolist() for name in after}
    assert grown == {"gate": [[2, 5], [2, 6]], "output": [[2, 8]], "embedding": [[9]], "head": [[10]]}
    assert after["gate"][2, 5] - before["gate"][2, 5] == pytest.approx(0.5, abs=1e-4)


def test_what_is_not_read_is_seen_from_the_weights_alone():
    model = load(build_pipeline(3))
    blocks, width = model.transformer.transformer_blocks, 192
    before = read_blindness(model)
    assert before.shape == (6, width)
    assert (before[5] == 1).all(), "the untrained last layer is zero, and reads nothing"
    with torch.no_grad():
        for layer in (blocks[3].attn.to_q, blocks[3].attn.to_k, blocks[3].attn.to_v, blocks[3].ff.net[0].proj):
            layer.weight[:, 5] = 0  # nobody reads what block 2 leaves there
        model.transformer.proj_out.weight[:] = 1
        model.transformer.proj_out.weight[:, 7] = 3
    after = read_blindness(model)
    assert after[2, 5] == 1
    assert after[2, 6] == pytest.approx(before[2, 6], abs=0.01)
    assert after[1] == pytest.approx(before[1])
    mean = (width - 1 + 9) / width
    assert after[5, 7] == pytest.approx(1 / (1 + 9 / mean))
    assert after[5, 0] == pytest.approx(1 / (1 + 1 / mean))
