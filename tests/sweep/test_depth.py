"""The blocks before the first edited one are computed once, and only where that gives the same bits."""

from __future__ import annotations

import fewchannels as fc
import numpy as np
import pytest
from fewchannels.sweep import depth as depth_module
from fewchannels.sweep import grid, sweep_conditions
from fewchannels.sweep.batches import change_and_pictures
from fewchannels.sweep.depth import Depth
from tiny_pipelines import PIPELINES

STEPS = 3
TOP = [160, 5, 33]


def by_block(model, prompts, blocks, **generation):
    """A table of conditions that differ in the block they edit."""
    shared = {"model": model, "prompts": prompts, "generation": {"steps": STEPS, **generation}, "edit": "zero"}
    return grid(
        {**shared, "channels": [1, 2]},
        blocks={"all" if b is None else str(b[0]): b for b in blocks},
        steps={"late": [1, 2], "all": None},
    )


def computed(blocks, function):
    """(what function gives, how many samples each block computed): a stand-in for a block calls nothing inside it."""
    counts = [0] * len(blocks)

    def counting(i):
        def hook(*_):
            counts[i] += 1

        return hook

    inside = [next(m for m in block.modules() if m is not block) for block in blocks]
    handles = [module.register_forward_hook(counting(i)) for i, module in enumerate(inside)]
    try:
        return function(), counts
    finally:
        for handle in handles:
            handle.remove()


def test_blocks_before_the_edit_are_computed_once(toy, prompts):
    blocks = list(toy.transformer.transformer_blocks)
    last = len(blocks) - 1
    table = by_block(toy, prompts[:2], [[0], [last], None])
    sweep_conditions(table, rows=2)  # each depth is tried once a model
    full, run = computed(blocks, lambda: sweep_conditions(table, measure=change_and_pictures, share=False, rows=2))
    found, fewer = computed(blocks, lambda: sweep_conditions(table, measure=change_and_pictures, rows=2))
    for name, parts in full.items():
        for part, array in parts.items():
            np.testing.assert_array_equal(found[name][part], array, err_msg=f"{name}: {part}")
    assert full["0, late"]["change"].min() > 0
    assert run == [STEPS * 7] * len(blocks)
    # the run without an edit; three conditions in steps 1 and 2, of which 1 is the first; three in all steps
    whole = STEPS + 3 * 2 + 3 * 3
    assert fewer == [whole - 6, *[whole - 2] * last]
    assert "forward" not in vars(blocks[0])


@pytest.mark.parametrize("name", ["FLUX.1", "FLUX.2-klein", "SD3", "PixArt-Sigma", "Sana", "Qwen-Image", "Chroma"])
def test_other_pipelines_give_the_same_bits(name):
    """Blocks of several families, guidance in one batch or in two passes."""
    made = PIPELINES[name]()
    model = fc.load(made.pipeline)
    height, width = made.size
    generation = {"height": height, "width": width, **made.common, **made.guided}
    last = len(model.layers) - 1
    table = by_block(model, ["a dog", "a cat"], [[0], [last], None], **generation)
    full = sweep_conditions(table, measure=change_and_pictures, share=False, rows=2)
    found = sweep_conditions(table, measure=change_and_pictures, rows=2)
    for condition in full:
        np.testing.assert_array_equal(found[condition]["pictures"], full[condition]["pictures"], err_msg=condition)
    depth = Depth([(1, last)], 2)
    with depth.recorded(model, [0, 1]):
        whole = model.generate(["a dog", "a cat"], batch_size=2, steps=STEPS, **generation)
    with depth.replayed(model, [0, 1], 1, last):
        again = model.generate(["a dog", "a cat"], batch_size=2, steps=STEPS, **generation)
    assert depth.hits > 0
    assert depth.misses == 0
    np.testing.assert_array_equal(again, whole)


def test_blocks_that_hand_on_something_beside_their_tokens_are_not_left_out(prompts):
    model = fc.load("toyworld", device="cpu")
    blocks = model.transformer.transformer_blocks
    kept = {}
    blocks[0].register_forward_hook(lambda block, args, output: kept.update(skip=output[1].clone()))
    blocks[4].register_forward_hook(lambda block, args, output: (output[0], output[1] + 0.1 * kept["skip"]))
    depth = Depth([(1, 0), (1, 2), (1, 5)], 1)
    with depth.recorded(model, [0]):
        whole = model.generate(prompts[:1], steps=2)
    with depth.replayed(model, [0], 1, 5):
        again = model.generate(prompts[:1], steps=2)
    np.testing.assert_array_equal(again, whole)
    assert depth.hits == 1
    [[moment]] = depth._joined().values()
    assert moment.depths == [0, 5], "of the depths that begin within the skip and end before its end, none is sound"
    with depth.replayed(model, [0], 1, 3):
        again = model.generate(prompts[:1], steps=2)
    np.testing.assert_array_equal(again, whole)
    assert (depth.hits, depth.misses) == (2, 0)


def test_other_inputs_are_computed(toy, prompts):
    depth = Depth([(0, 3)], 2)
    with depth.recorded(toy, [0, 1]):
        toy.generate(prompts[:2], steps=2)
    with depth.replayed(toy, [1, 0], 0, 3):
        turned = toy.generate(prompts[1::-1], samples=[1, 0], steps=2, output="latent")
    assert (depth.hits, depth.misses) == (1, 0)
    plain = toy.generate(prompts[1::-1], samples=[1, 0], steps=2, output="latent")
    np.testing.assert_allclose(turned, plain, atol=1e-4)
    with depth.replayed(toy, [0, 1], 0, 3):
        other = toy.generate(prompts[:2], seed=1, steps=2, output="latent")
    assert (depth.hits, depth.misses) == (1, 1)
    assert (other == toy.generate(prompts[:2], seed=1, steps=2, output="latent")).all()


def test_of_too_many_depths_some_are_held(toy, prompts, monkeypatch):
    depth = Depth([(1, block) for block in range(6)], 3)
    tokens = 3 * (144 + 77) * toy.transformer.config.num_attention_heads * toy.transformer.config.attention_head_dim * 4
    monkeypatch.setattr(depth_module, "BUDGET", 2.5 * tokens)
    for samples in ([0, 1], [2]):
        with depth.recorded(toy, samples):
            toy.generate([prompts[i] for i in samples], samples=samples, steps=2)
    [[moment]] = depth._joined().values()
    assert 0 < len(moment.depths) < 6
    held = sum(leaf.nbytes for leaves, _ in moment.outputs.values() for leaf in leaves)
    assert held <= depth_module.BUDGET
