"""Steps, branches and samples of every forward: labelled, never guessed."""

import copy
from types import SimpleNamespace

import fewchannels as fc
import pytest
import torch
from fewchannels.layouts import Labels, blocks_of, layout_of
from fewchannels.models.model import Run


class Guided(SimpleNamespace):
    """What Labels needs of a model, with a forward of the real signature."""


def labels_for(name, rows, samples, timesteps, tiny, run=True, pipeline=None):
    transformer, _ = tiny(name)
    model = Guided(
        layout=layout_of(name), transformer=transformer, pipeline=pipeline, run=Run(samples) if run else None
    )
    labels, told = Labels(model), []
    for timestep in timesteps:
        hidden = torch.zeros(rows, 4, 8, 8) if labels.layout.grid == "latent" else torch.zeros(rows, 4, 4)
        given = {"hidden_states": hidden, "timestep": torch.full((rows,), timestep)}
        if labels.layout.grid == "img_ids":
            given["img_ids"] = torch.tensor([[0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 1]])
        labels.forward_begins(transformer, (), given)
        told.append((labels.step, {k: (v.start, v.stop) for k, v in labels.rows.items()}))
    return labels, told


def test_two_passes_are_labelled_in_turn(tiny):
    _, told = labels_for("ChromaTransformer2DModel", 2, 2, [9.0, 9.0, 5.0, 5.0, 1.0], tiny)
    assert told == [
        (0, {"cond": (0, 2)}),
        (0, {"uncond": (0, 2)}),
        (1, {"cond": (0, 2)}),
        (1, {"uncond": (0, 2)}),
        (2, {"cond": (0, 2)}),
    ]


@pytest.mark.parametrize(
    ("name", "order"), [("SD3Transformer2DModel", ("uncond", "cond")), ("DiTTransformer2DModel", ("cond", "uncond"))]
)
def test_a_doubled_batch_is_split_in_the_order_of_the_pipeline(name, order, tiny):
    _, told = labels_for(name, 6, 3, [9.0, 5.0], tiny)
    assert told == [(0, {order[0]: (0, 3), order[1]: (3, 6)}), (1, {order[0]: (0, 3), order[1]: (3, 6)})]


def test_a_pass_of_skip_layer_guidance_is_no_branch(tiny):
    """SD3 calls the transformer once more at the same timestep, with the conditional rows alone and layers skipped."""
    transformer, _ = tiny("SD3Transformer2DModel")
    model = Guided(layout=layout_of(transformer), transformer=transformer, pipeline=None, run=Run(2))
    labels = Labels(model)
    for rows, expected in ((4, {"uncond", "cond"}), (2, {"perturbed"})):
        labels.forward_begins(transformer, (torch.zeros(rows, 4, 8, 8),), {"timestep": torch.ones(rows)})
        assert set(labels.rows) == expected
        assert labels.step == 0


def test_without_a_pipeline_to_ask_rows_are_samples_and_odd_batches_are_refused(tiny):
    labels, told = labels_for("SD3Transformer2DModel", 4, None, [9.0], tiny, run=False)
    assert told == [(0, {"cond": (0, 4)})]
    assert labels.samples == range(4)
    with pytest.raises(RuntimeError, match="batch of 5 for 2 samples; expected 2 or 4"):
        labels_for("SD3Transformer2DModel", 5, 2, [9.0], tiny)
    with pytest.raises(RuntimeError, match="does not tell whether guidance is on"):
        labels_for("SD3Transformer2DModel", 4, None, [9.0], tiny, run=False, pipeline=object())


def test_equal_timesteps_of_low_precision_are_told_apart_by_the_scheduler(tiny):
    """In bf16 the timesteps 1000 and 999 are one number; the scheduler's own count tells the steps apart."""
    transformer, _ = tiny("SD3Transformer2DModel")
    scheduler = SimpleNamespace(timesteps=torch.tensor([1000.0, 999.0]), step_index=None)
    pipeline = SimpleNamespace(scheduler=scheduler, do_classifier_free_guidance=False)
    labels = Labels(Guided(layout=layout_of(transformer), transformer=transformer, pipeline=pipeline, run=None))
    given = {"hidden_states": torch.zeros(1, 4, 8, 8), "timestep": torch.tensor([999.0]).bfloat16()}
    labels.forward_begins(transformer, (), given)
    scheduler.step_index = 1
    labels.forward_begins(transformer, (), given)
    assert (labels.step, labels.total, set(labels.rows)) == (1, 2, {"cond"})
    scheduler.timesteps, scheduler.step_index = torch.tensor([1000.0, 999.0]), None  # the next call of the pipeline
    labels.forward_begins(transformer, (), given)
    assert (labels.step, labels.trajectories, labels.samples) == (0, 2, range(1, 2))


class Keep:
    """A sink that notes step, samples and tokens."""

    def __init__(self):
        self.calls = []

    def add(self, tokens, *, layer, step, samples, grid):
        self.calls.append((step, list(samples), tokens.clone()))


def captured(model, act, branch="cond"):
    with fc.capture(model, sink := Keep(), layers=0, branch=branch):
        with model.trajectory(samples=2, steps=2):
            act()
    return sink.calls


def watched(transformer, act):
    """What block 0 returned in each forward, as its image tokens."""
    seen, (_, group, block) = [], blocks_of(layout_of(transformer), transformer)[0]
    handle = block.register_forward_hook(lambda module, args, out: seen.append(out))
    act()
    handle.remove()
    return seen, group


@pytest.mark.parametrize("order", [("cond", "uncond"), ("uncond", "cond"), ("pred_uncond", "pred_cond")])
def test_the_name_that_a_pipeline_gives_a_pass_counts_and_not_its_turn(order, tiny):
    transformer, call = tiny("FluxTransformer2DModel")
    own = transformer.cache_context

    def act():
        for timestep in (0.9, 0.4):
            for seed, name in enumerate(order):
                with transformer.cache_context(name):
                    call(timestep=timestep, seed=seed)
            with transformer.cache_context("pred_cond_skip"):
                call(timestep=timestep, seed=7)

    seen, _ = watched(transformer, act)
    for branch in ("cond", "uncond"):
        place = [name.removeprefix("pred_") for name in order].index(branch)
        calls = captured(fc.load(transformer), act, branch)
        assert [c[:2] for c in calls] == [(0, [0, 1]), (1, [0, 1])]
        for step, (_, _, tokens) in enumerate(calls):
            assert torch.equal(tokens, seen[3 * step + place][1])
    assert transformer.cache_context == own, "nothing is left on the transformer"
    assert "cache_context" not in vars(transformer)


def test_nested_captures_all_hear_the_names(tiny):
    transformer, call = tiny("FluxTransformer2DModel")
    model = fc.load(transformer)

    def act():
        for name in ("uncond", "cond"):
            with transformer.cache_context(name):
                call(seed=len(name))

    with fc.capture(model, outer := Keep(), layers=0, branch="uncond"):
        inner = captured(model, act)
    assert len(outer.calls) == len(inner) == 1
    assert not torch.equal(outer.calls[0][-1], inner[0][-1])
    assert "cache_context" not in vars(transformer)


def test_guidance_that_ends_early_leaves_the_conditional_pass(tiny):
    """Lumina 2 in passes, Z-Image in a batch whose second half is dropped."""
    transformer, call = tiny("Lumina2Transformer2DModel")

    def in_turn():
        call(timestep=0.9, seed=1)
        call(timestep=0.9, seed=2)
        call(timestep=0.4, seed=3)

    assert [c[0] for c in captured(fc.load(transformer), in_turn)] == [0, 1]
    assert [c[0] for c in captured(fc.load(transformer), in_turn, "uncond")] == [0]

    transformer, call = tiny("ZImageTransformer2DModel")

    def batched():
        call(batch=4, timestep=0.9)
        call(batch=2, timestep=0.4)

    seen, _ = watched(transformer, batched)
    cond = captured(fc.load(transformer), batched)
    assert [c[:2] for c in cond] == [(0, [0, 1]), (1, [0, 1])]
    assert torch.equal(cond[0][-1], seen[0][:2, :24])
    uncond = captured(fc.load(transformer), batched, "uncond")
    assert [c[0] for c in uncond] == [0]
    assert torch.equal(uncond[0][-1], seen[0][2:, :24])


def test_passes_that_fill_a_cache_are_no_step(tiny):
    """GLM-Image reads each condition image once, of another size, before the first step."""
    from diffusers.models.transformers.transformer_glm_image import GlmImageKVCache

    transformer, call = tiny("GlmImageTransformer2DModel")

    def act():
        kept = GlmImageKVCache(num_layers=2)
        kept.set_mode("write")
        for _ in range(2):
            call(batch=1, height=2, width=2, timestep=0.0, kv_caches=kept)
            kept.next_sample()
        for timestep in (0.9, 0.4):
            kept.set_mode("read")
            call(timestep=timestep, kv_caches=kept)
            kept.set_mode("skip")
            call(timestep=timestep, kv_caches=kept)

    seen, _ = watched(transformer, act)
    for branch, first in (("cond", 2), ("uncond", 3)):
        calls = captured(fc.load(transformer), act, branch)
        assert [c[:2] for c in calls] == [(0, [0, 1]), (1, [0, 1])]
        for step, (_, _, tokens) in enumerate(calls):
            assert torch.equal(tokens, seen[first + 2 * step][0])


class TwoTransformers:
    """As Ideogram 4's pipeline has them."""

    def __init__(self, transformer):
        self.transformer, self.unconditional_transformer = transformer, copy.deepcopy(transformer)

    def progress_bar(self):
        pass


def test_a_second_transformer_is_the_unconditional_branch(tiny):
    transformer, call = tiny("Ideogram4Transformer2DModel")
    pipeline = TwoTransformers(transformer)
    model = fc.load(pipeline)

    def act():
        for timestep in (0.9, 0.4):
            call(timestep=timestep)
            outs.append(call(timestep=timestep, text=0, run=pipeline.unconditional_transformer))

    outs = []
    seen, _ = watched(transformer, act)
    cond = captured(model, act)
    assert [c[:2] for c in cond] == [(0, [0, 1]), (1, [0, 1])]
    assert all(torch.equal(c[-1], out[:, 5:]) for c, out in zip(cond, seen, strict=True))
    seen, _ = watched(pipeline.unconditional_transformer, act)
    uncond = captured(model, act, "uncond")
    assert [c[:2] for c in uncond] == [(0, [0, 1]), (1, [0, 1])]
    assert all(torch.equal(c[-1], out) for c, out in zip(uncond, seen, strict=True))

    before = len(outs)
    with fc.edit(model, lambda tokens, **_: tokens * 0, layers=-1, branch="uncond"):
        with model.trajectory(samples=2, steps=2):
            act()
    assert not torch.equal(outs[0], outs[before]), "the edit of the branch reached the second transformer"
    act()
    assert torch.equal(outs[0], outs[-2])


def test_rows_of_perturbed_attention_guidance_are_no_branch(tiny):
    """They stand behind the branches, and without the unconditional one the batch is twice the samples too."""
    for guided, expected in (
        (True, {"uncond": (0, 2), "cond": (2, 4), "perturbed": (4, 6)}),
        (False, {"cond": (0, 2), "perturbed": (2, 4)}),
    ):
        pipeline = SimpleNamespace(do_perturbed_attention_guidance=True, do_classifier_free_guidance=guided)
        rows = 6 if guided else 4
        for run in (True, False):
            labels, told = labels_for("PixArtTransformer2DModel", rows, 2, [9.0], tiny, run=run, pipeline=pipeline)
            assert told == [(0, expected)]
            assert len(labels.samples) == 2


def test_a_batch_with_a_third_branch(tiny):
    """OmniGen with input images."""
    _, told = labels_for("OmniGenTransformer2DModel", 6, 2, [9.0], tiny)
    assert told == [(0, {"cond": (0, 2), "uncond": (2, 4), "image only": (4, 6)})]
    with pytest.raises(RuntimeError, match=r"batch of 8 for 2 samples; expected 2 or 4 .*or 6"):
        labels_for("OmniGenTransformer2DModel", 8, 2, [9.0], tiny)


def test_kept_keys_of_earlier_steps_are_refused(tiny):
    from diffusers.models.transformers.transformer_qwenimage21 import QwenImage21KVCache

    transformer, call = tiny("QwenImage21Transformer2DModel")
    model = fc.load(transformer)
    with pytest.raises(RuntimeError, match=r"key/value cache.*use_kv_cache=False"), fc.capture(model, Keep()):
        call(kv_cache=QwenImage21KVCache(2), kv_cache_mode="extract")
    with fc.capture(model, sink := Keep()):
        call()
    assert len(sink.calls) == 2
