"""Every row of the table against the real class at toy size: are these the image tokens, in grid order?"""

from types import SimpleNamespace

import pytest
import torch
from fewchannels import layouts
from fewchannels.layouts import TABLE, Blocks, Frame, Labels, blocks_of, frame_of, layout_of, read, write

ROWS = sorted(TABLE)
# In these the per-token output head follows the last block, so an edit of one of its tokens changes one patch only.
PATCH = {"SD3Transformer2DModel": 2, "PixArtTransformer2DModel": 2, "SanaTransformer2DModel": 1,
         "CogView4Transformer2DModel": 2, "AuraFlowTransformer2DModel": 2, "ErnieImageTransformer2DModel": 1,
         "DiTTransformer2DModel": 2}  # fmt: skip


def run(transformer, call, change=None, only=None, **arguments):
    """(model output, frame, {block name: (group, output)}), with change(group, output, frame) after block `only`."""
    layout, seen, frames = layout_of(transformer), {}, []

    def begins(module, args, kwargs):
        model = SimpleNamespace(layout=layout, transformer=module, pipeline=None, run=None)
        labels = Labels(model)
        labels.forward_begins(module, args, kwargs)
        frames.append(labels.frame)

    def block_hook(name, group):
        def returned(module, args, output):
            seen[name] = (group, output)
            return change(group, output, frames[-1]) if change is not None and name == only else None

        return returned

    handles = [transformer.register_forward_pre_hook(begins, with_kwargs=True)]
    handles += [block.register_forward_hook(block_hook(name, group))
                for name, group, block in blocks_of(layout, transformer)]  # fmt: skip
    try:
        out = call(**arguments)
    finally:
        for handle in handles:
            handle.remove()
    return out, frames[-1], seen


@pytest.fixture(params=ROWS)
def row(request, tiny):
    assert request.param in tiny.names, f"add a tiny {request.param} to tests/conftest.py"
    return tiny(request.param)


def test_the_grid_is_read_and_not_square_rooted(row):
    transformer, call = row
    height, width = (4, 4) if "DiT" in type(transformer).__name__ else (3, 12)  # 36 tokens, but no square
    _, frame, seen = run(transformer, call, height=height, width=width, batch=3)
    assert frame.grid == (height, width)
    assert (frame.tokens, frame.rows) == (height * width, 3)
    for group, output in seen.values():
        assert read(group, output, frame).shape[:2] == (3, height * width)


def test_blocks_come_in_depth_order_with_their_module_names(row):
    transformer, call = row
    layout = layout_of(transformer)
    _, _, seen = run(transformer, call)
    names = [name for name, _, _ in blocks_of(layout, transformer)]
    assert list(seen) == names, "the order of running is the order of the table"
    for name, _, block in blocks_of(layout, transformer):
        assert transformer.get_submodule(name) is block


def test_read_and_write_are_inverse_and_leave_the_text_alone(row):
    transformer, call = row
    _, frame, seen = run(transformer, call)
    for group, output in seen.values():
        before = [None if part is None else part.clone() for part in parts(output)]
        tokens = read(group, output, frame)
        new = tokens + torch.randn_like(tokens)
        changed = write(group, output, frame, new)
        assert type(changed) is type(output)
        assert torch.equal(read(group, changed, frame), new)
        for stream in ("text",):
            text = read(group, output, frame, stream)
            if text is not None:
                assert torch.equal(read(group, changed, frame, stream), text)
                back = write(group, changed, frame, text + 1, stream)
                assert torch.equal(read(group, back, frame), new)
                assert torch.equal(read(group, back, frame, stream), text + 1)
        same = write(group, output, frame, tokens)
        for old, part, now in zip(before, parts(same), parts(output), strict=True):
            assert (old is None and part is None) or torch.equal(old, part)
            assert (old is None and now is None) or torch.equal(old, now), "nothing is written in place"


def parts(output):
    return [output] if isinstance(output, torch.Tensor) else list(output)


def test_a_token_of_the_last_block_is_a_patch_of_the_picture(row):
    """The output head works token by token, so that it says which token stands where in the picture."""
    transformer, call = row
    name = type(transformer).__name__
    _, frame, seen = run(transformer, call)
    last = list(seen)[-1]
    place = frame.grid[1] + 2  # row 1, column 2

    def bump(group, output, frame):
        tokens = read(group, output, frame).clone()
        tokens[1, place] = tokens[1, place] * -1 + 0.5
        return write(group, output, frame, tokens)

    bare, _, _ = run(transformer, call)
    moved, _, _ = run(transformer, call, bump, only=last)
    differs = bare != moved
    if name in PATCH:
        side = PATCH[name]
        expected = torch.zeros_like(differs[:, 0])
        expected[1, side : 2 * side, 2 * side : 3 * side] = True
        assert torch.equal(differs.any(1), expected)
    else:
        expected = torch.zeros_like(differs[..., 0])
        expected[1, place] = True
        assert torch.equal(differs.any(-1), expected)


def test_an_edit_of_any_block_reaches_the_output_and_leaves_no_trace(row):
    transformer, call = row
    bare, _, seen = run(transformer, call)
    for name in seen:
        changed, _, _ = run(transformer, call, lambda g, o, f: write(g, o, f, read(g, o, f) * 2 + 1), only=name)
        assert not torch.equal(bare, changed), name
    again, _, _ = run(transformer, call)
    assert torch.equal(bare, again)


@pytest.mark.parametrize("name", [r for r in ROWS if TABLE[r].text == "joint"])
def test_the_text_stream_is_the_text(name, tiny):
    """Text, image and registers together are all that a block returns."""
    transformer, call = tiny(name)
    _, frame, seen = run(transformer, call)
    for group, output in seen.values():
        text = read(group, output, frame, "text")
        if text is not None:
            assert text.shape[1] == (16 if "CogView4" in name else 5)
            total = sum(part.shape[0 if group.axes == "SBD" else 1] for part in parts(output))
            assert text.shape[1] + frame.packed + group.registers == total


def test_the_last_sd3_block_has_no_text(tiny):
    transformer, call = tiny("SD3Transformer2DModel")
    _, frame, seen = run(transformer, call)
    group, output = list(seen.values())[-1]
    assert output[0] is None
    assert read(group, output, frame, "text") is None
    with pytest.raises(ValueError, match="returns no text tokens"):
        write(group, output, frame, torch.zeros(1), "text")


@pytest.mark.parametrize("name", ["FluxTransformer2DModel", "Flux2Transformer2DModel", "QwenImageTransformer2DModel"])
def test_reference_images_behind_the_drawn_one_are_left_out(name, tiny):
    transformer, call = tiny(name)
    _, frame, seen = run(transformer, call, references=2)
    assert (frame.grid, frame.tokens, frame.packed) == ((4, 6), 24, 36)
    for group, output in seen.values():
        tokens = read(group, output, frame)
        assert tokens.shape[1] == 24
        changed = write(group, output, frame, tokens + 1)
        old, new = parts(output)[-1], parts(changed)[-1]
        assert torch.equal(old[:, -12:], new[:, -12:])
    _, frame, seen_too = run(transformer, call)
    assert frame.packed == 24
    assert list(seen) == list(seen_too)


def test_unknown_class_names_the_known_ones():
    with pytest.raises(KeyError, match=r"no layout for the transformer class 'Linear'.*SD3Transformer2DModel"):
        layout_of(torch.nn.Linear(1, 1))
    with pytest.raises(ValueError, match=r"torch\.compile"):
        layout_of("OptimizedModule")


def test_ids_that_do_not_fit_are_refused(tiny):
    transformer, _ = tiny("FluxTransformer2DModel")
    layout = layout_of(transformer)
    with pytest.raises(ValueError, match="called without img_ids"):
        frame_of(layout, transformer, {"hidden_states": torch.zeros(1, 4, 4), "img_ids": None})
    scattered = torch.tensor([[0, 0, 0], [0, 5, 5]])
    with pytest.raises(ValueError, match="pass ids that belong to the latents"):
        frame_of(layout, transformer, {"hidden_states": torch.zeros(1, 2, 4), "img_ids": scattered})


def test_a_tensor_of_the_wrong_length_is_refused():
    frame = Frame((2, 2), 4, 4, 1)
    with pytest.raises(ValueError, match="does not fit this model"):
        read(Blocks("blocks", "txt_img"), (torch.zeros(1, 3, 2), torch.zeros(1, 5, 2)), frame)
    with pytest.raises(ValueError, match="a cache that keeps part"):
        read(Blocks("blocks", "fused", image="last"), torch.zeros(1, 3, 2), frame)
    with pytest.raises(TypeError, match="expected txt_img"):
        read(Blocks("blocks", "txt_img"), torch.zeros(1, 4, 2), frame)
    with pytest.raises(ValueError, match=r"expected \(1, 4, 2\)"):
        write(Blocks("blocks", "img"), torch.zeros(1, 4, 2), frame, torch.zeros(1, 3, 2))
    with pytest.raises(ValueError, match="stream='words'"):
        read(Blocks("blocks", "img"), torch.zeros(1, 4, 2), frame, "words")


@pytest.mark.parametrize("axes", ["BSD", "SBD"])
@pytest.mark.parametrize(("image", "registers"), [("first", 0), ("last", 0), ("last", 3)])
def test_every_fused_form(axes, image, registers):
    frame = Frame((1, 4), 4, 6, 2)  # 4 drawn tokens and 2 of a reference image behind them
    text, drawn, reference = torch.zeros(2, 5, 3), torch.ones(2, 4, 3), torch.full((2, 2, 3), 2.0)
    extra = torch.full((2, registers, 3), 3.0)
    order = [drawn, reference, text] if image == "first" else [extra, text, drawn, reference]
    fused = torch.cat(order, 1)
    fused = fused.transpose(0, 1) if axes == "SBD" else fused
    group = Blocks("blocks", "fused", image=image, axes=axes, registers=registers)
    assert torch.equal(read(group, fused, frame), drawn)
    assert torch.equal(read(group, fused, frame, "text"), text)
    order[[part is drawn for part in order].index(True)] = drawn + 5
    expected = torch.cat(order, 1)
    written = write(group, fused, frame, drawn + 5)
    assert torch.equal(written.transpose(0, 1) if axes == "SBD" else written, expected)


class Guided(SimpleNamespace):
    """What Labels needs of a model, with a forward of the real signature."""


def labels_for(name, rows, samples, timesteps, tiny, run=True, pipeline=None):
    transformer, _ = tiny(name)
    model = Guided(layout=layout_of(name), transformer=transformer, pipeline=pipeline,
                   run=SimpleNamespace(samples=samples, steps=None) if run else None)  # fmt: skip
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
    assert told == [(0, {"cond": (0, 2)}), (0, {"uncond": (0, 2)}), (1, {"cond": (0, 2)}), (1, {"uncond": (0, 2)}),
                    (2, {"cond": (0, 2)})]  # fmt: skip


@pytest.mark.parametrize(("name", "order"), [("SD3Transformer2DModel", ("uncond", "cond")),
                                             ("DiTTransformer2DModel", ("cond", "uncond"))])  # fmt: skip
def test_a_doubled_batch_is_split_in_the_order_of_the_pipeline(name, order, tiny):
    _, told = labels_for(name, 6, 3, [9.0, 5.0], tiny)
    assert told == [(0, {order[0]: (0, 3), order[1]: (3, 6)}), (1, {order[0]: (0, 3), order[1]: (3, 6)})]


def test_a_pass_of_skip_layer_guidance_is_no_branch(tiny):
    """SD3 calls the transformer once more at the same timestep, with the conditional rows alone and layers skipped."""
    transformer, _ = tiny("SD3Transformer2DModel")
    model = Guided(layout=layout_of(transformer), transformer=transformer, pipeline=None,
                   run=SimpleNamespace(samples=2, steps=None))  # fmt: skip
    labels = Labels(model)
    for rows, expected in ((4, {"uncond", "cond"}), (2, set())):
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


def test_the_table_is_consistent():
    assert len(TABLE) == len(layouts.table._ROWS), "no class twice"
    for layout in TABLE.values():
        assert not (layout.batched and layout.turns), f"{layout.name}: branches are batched or in turn"
        assert set(layout.batched) <= {"cond", "uncond"}
        for group in layout.blocks:
            assert group.returns in layouts.table.RETURNS
            assert (group.returns == "fused") == (group.image in ("first", "last"))
