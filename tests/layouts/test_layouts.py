"""Every row of the table against the real class at toy size: are these the image tokens, in grid order?"""

import fewchannels as fc
import pytest
import torch
from fewchannels import layouts
from fewchannels.layout_checks import check_layout, one_forward
from fewchannels.layouts import TABLE, Blocks, Frame, blocks_of, frame_of, layout_of, read, write
from tiny_models import TEXT as TEXT_TOKENS

ROWS = sorted(TABLE)
# Tokens of the text stream, where they are not the five that most tiny models are given.
TEXT = {
    "CogView4Transformer2DModel": 16,
    "ZImageTransformer2DModel": 64,
    "HiDreamImageTransformer2DModel": TEXT_TOKENS + 3,
}


def run(transformer, call, change=None, only=None, text_only=False, **arguments):
    """(model output, frame, {block name: (group, output)}), with change(group, output, frame) after block `only`."""
    return one_forward(fc.load(transformer), call, change, only, text_only, **arguments)


def parts(output):
    return [output] if isinstance(output, torch.Tensor) else list(output)


@pytest.mark.parametrize("name", ROWS)
def test_every_entry_is_right(name, tiny):
    """Blocks in order, grid, tokens in place from block to block, read and write inverse, text left alone, and more."""
    assert name in tiny.names, f"add a tiny {name} to tests/tiny_models.py"
    transformer, call = tiny(name)
    square = name == "DiTTransformer2DModel"  # it draws nothing else
    report = check_layout(fc.load(transformer), call, (4, 4) if square else (3, 12))
    assert report.ok, str(report)
    unmade = ["grid"] * square + ["text"] * (TABLE[name].text != "joint")
    assert [finding.name for finding in report.findings if finding.passed is None] == unmade


@pytest.mark.parametrize("name", [r for r in ROWS if TABLE[r].text == "joint"])
def test_the_text_stream_is_as_long_as_the_text(name, tiny):
    transformer, call = tiny(name)
    _, frame, seen = run(transformer, call)
    texts = [text.shape[1] for found in seen.values() if (text := read(*found, frame, "text")) is not None]
    assert set(texts) == {TEXT.get(name, TEXT_TOKENS)}


def token_changed(frame, place, shape):
    """A mask of an output of this shape, packed or a picture: what belongs to token `place` of sample 1."""
    mask = torch.zeros(shape[0], *frame.grid, dtype=torch.bool)
    mask.view(shape[0], -1)[1, place] = True
    if len(shape) == 3:
        return mask.view(shape[0], -1, 1)
    side = shape[-1] // frame.grid[1]
    return mask.repeat_interleave(side, 1).repeat_interleave(side, 2)[:, None]


@pytest.mark.parametrize("name", [r for r in ROWS if any(b.returns == "txt" for b in TABLE[r].blocks)])
def test_blocks_of_text_alone_are_no_layers_of_the_image(name, tiny):
    transformer, call = tiny(name)
    _, frame, seen = run(transformer, call, text_only=True)
    assert seen
    for group, output in seen.values():
        assert read(group, output, frame) is None
        text = read(group, output, frame, "text")
        assert text.shape[1] == (64 if "ZImage" in name else TEXT_TOKENS)
        assert torch.equal(write(group, output, frame, text + 1, "text"), output + 1)
    named = {path for path, _, _ in blocks_of(layout_of(transformer), transformer)}
    assert not named & set(seen)


@pytest.mark.parametrize(("lengths", "places"), [([3, 5], "each its own"), ([4, 4], "one slice")])
def test_lumina_images_follow_their_own_text(lengths, places, tiny):
    transformer, call = tiny("Lumina2Transformer2DModel")
    _, frame, seen = run(transformer, call, lengths=lengths)
    assert (frame.image_at is None) == (places == "one slice")
    group, output = seen["layers.0"]
    tokens = read(group, output, frame)
    for sample, length in enumerate(lengths):
        assert torch.equal(tokens[sample], output[sample, length : length + 24])
    changed = write(group, output, frame, tokens + 1)
    assert torch.equal(changed[0, : lengths[0]], output[0, : lengths[0]])
    assert torch.equal(changed[0, lengths[0] + 24 :], output[0, lengths[0] + 24 :])


def test_z_image_padding_belongs_to_no_stream(tiny):
    transformer, call = tiny("ZImageTransformer2DModel")
    _, frame, seen = run(transformer, call)
    assert (frame.tokens, frame.packed) == (24, 32)
    for group, output in seen.values():
        tokens = read(group, output, frame)
        assert torch.equal(tokens, output[:, :24])
        assert torch.equal(write(group, output, frame, tokens + 1)[:, 24:], output[:, 24:])


def test_hidream_pads_what_is_not_square_and_appends_llama_tokens(tiny):
    transformer, call = tiny("HiDreamImageTransformer2DModel")
    for grid, packed in (((4, 6), transformer.max_seq), ((4, 4), 16)):
        _, frame, seen = run(transformer, call, height=grid[0], width=grid[1])
        assert (frame.grid, frame.packed, frame.trailing) == (grid, packed, 3)
        for group, output in seen.values():
            text = read(group, output, frame, "text")
            last = output[1] if isinstance(output, tuple) else output
            assert torch.equal(text, last[:, -3 - text.shape[1] : -3])


def test_the_text_of_qwen_21_leaves_out_condition_images_amid_it(tiny):
    transformer, call = tiny("QwenImage21Transformer2DModel")
    _, frame, seen = run(transformer, call, references=2)
    group, output = next(iter(seen.values()))
    text = read(group, output, frame, "text")
    assert torch.equal(text, output[:, [0, 1, 14, 15, 16]])
    changed = write(group, output, frame, text + 1, "text")
    assert torch.equal(changed[:, 2:14], output[:, 2:14])
    assert torch.equal(read(group, changed, frame), output[:, 17:])


@pytest.mark.parametrize(
    ("lengths", "gists", "start"), [([5, 5], 5, 5), ([9, 8], 10, 10), ([5, 10], 10, 0), ([3, 20], 10, 0)]
)
def test_gist_tokens_stand_where_fibo_2_puts_them(lengths, gists, start, tiny):
    """Before the images, and behind them where samples have several numbers of them."""
    transformer, call = tiny("BriaFibo2Transformer2DModel")
    out, frame, seen = run(transformer, call, lengths=lengths, references=2)
    group, output = seen["layers.1"]
    assert output.shape[1] == gists + 24 + 18
    assert torch.equal(read(group, output, frame), output[:, start : start + 24])
    text = read(group, output, frame, "text")
    assert torch.equal(text, output[:, :gists] if start else output[:, -gists:])
    changed = write(group, output, frame, read(group, output, frame) + 1)
    assert (changed != output).any(-1).sum() == 2 * 24
    moved, _, _ = run(
        transformer,
        call,
        lambda g, o, f: write(g, o, f, read(g, o, f, "text") + 1, "text"),
        only="layers.1",
        lengths=lengths,
        references=2,
    )
    assert torch.equal(moved, out), "the text of the last block is cut off"


def test_the_last_sd3_block_has_no_text(tiny):
    transformer, call = tiny("SD3Transformer2DModel")
    _, frame, seen = run(transformer, call)
    group, output = list(seen.values())[-1]
    assert output[0] is None
    assert read(group, output, frame, "text") is None
    with pytest.raises(ValueError, match="returns no text tokens"):
        write(group, output, frame, torch.zeros(1), "text")


REFERENCES = {
    "FluxTransformer2DModel": 36,
    "Flux2Transformer2DModel": 36,
    "QwenImageTransformer2DModel": 36,
    "LongCatImageTransformer2DModel": 36,
    "JoyImageEditTransformer3DModel": 72,
    "Flux3Transformer2DModel": 24,
    "QwenImage21Transformer2DModel": 24,
    "BriaFibo2Transformer2DModel": 24 + 2 + 16,
    "JoyImageEditPlusTransformer3DModel": 36,
}


@pytest.mark.parametrize("name", REFERENCES)
def test_reference_images_are_left_out(name, tiny):
    """Behind the drawn one, in a sequence of their own, or amid the text: a write leaves them as they are."""
    transformer, call = tiny(name)
    bare, frame, seen = run(transformer, call, references=2)
    assert (frame.grid, frame.tokens, frame.packed) == ((4, 6), 24, REFERENCES[name])
    for group, output in seen.values():
        tokens = read(group, output, frame)
        assert tokens.shape[1] == 24
        changed = write(group, output, frame, tokens + 1)
        differs = sum(int((a != b).any(-1)[0].sum()) for a, b in zip(parts(output), parts(changed), strict=True))
        assert differs == 24
    last, place = list(seen)[-1], 8

    def bump(group, output, frame):
        tokens = read(group, output, frame).clone()
        tokens[1, place] *= -1
        return write(group, output, frame, tokens)

    moved, _, _ = run(transformer, call, bump, only=last, references=2)
    if bare.ndim == 3:
        assert (bare != moved).any(-1)[1].nonzero().tolist() == [[place]]
    else:
        assert torch.equal((bare != moved).any(1, keepdim=True), token_changed(frame, place, bare.shape))
    _, frame, seen_too = run(transformer, call)
    assert frame.packed == 24
    assert list(seen) == list(seen_too)


def test_unknown_class_names_the_known_ones():
    with pytest.raises(KeyError, match=r"no layout for the transformer class 'Linear'.*SD3Transformer2DModel"):
        layout_of(torch.nn.Linear(1, 1))
    with pytest.raises(ValueError, match=r"torch\.compile"):
        layout_of("OptimizedModule")


@pytest.mark.parametrize(
    ("name", "hidden", "words"),
    [
        ("ZImageTransformer2DModel", [torch.zeros(4, 1, 8, 8), torch.zeros(4, 1, 8, 16)], "several sizes"),
        ("ZImageTransformer2DModel", [[torch.zeros(4, 1, 8, 8)] * 2], "reference images"),
        ("ZImageTransformer2DModel", [torch.zeros(4, 2, 8, 8)], "2 frames"),
        ("HunyuanImageTransformer2DModel", torch.zeros(1, 4, 3, 8, 8), "3 frames"),
        ("Kandinsky5Transformer3DModel", torch.zeros(1, 5, 8, 8, 4), "5 frames"),
        ("JoyImageEditTransformer3DModel", torch.zeros(1, 2, 4, 3, 8, 8), "3 frames"),
        ("CosmosTransformer3DModel", torch.zeros(1, 4, 3, 8, 8), "3 frames"),
    ],
)
def test_films_and_mixed_sizes_are_refused(name, hidden, words, tiny):
    layout = layout_of(name)
    with pytest.raises(ValueError, match=words):
        frame_of(layout, tiny(name)[0], {layout.hidden: hidden})


def test_inputs_that_reorder_tokens_or_mix_sizes_are_refused(tiny):
    transformer, _ = tiny("Kandinsky5Transformer3DModel")
    given = {"hidden_states": torch.zeros(1, 1, 16, 16, 4), "sparse_params": {"to_fractal": True}}
    with pytest.raises(ValueError, match="reorders its tokens"):
        frame_of(layout_of(transformer), transformer, given)
    indicator = torch.tensor([[3, 2, 2, 2, 2], [2, 2, 2, 2, 2]])
    for shapes, words in (([[(1, 2, 3)], [(1, 3, 2)]], "several sizes"), ([[(2, 2, 3)]], "2 frames")):
        with pytest.raises(ValueError, match=words):
            frame_of(
                layout_of("JoyImageEditPlusTransformer3DModel"),
                None,
                {"hidden_states": torch.zeros(2, 6, 4, 1, 2, 2), "shape_list": shapes},
            )
    with pytest.raises(ValueError, match="several sizes"):
        frame_of(
            layout_of("Ideogram4Transformer2DModel"),
            None,
            {"indicator": indicator, "position_ids": torch.zeros(2, 5, 3)},
        )


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


def test_the_table_is_consistent():
    assert len(TABLE) == len(layouts.table._ROWS), "no class twice"
    for layout in TABLE.values():
        assert not (layout.batched and layout.turns), f"{layout.name}: branches are batched or in turn"
        assert set(layout.batched[:2]) <= {"cond", "uncond"}
        assert layout.grid in layouts.frames.READERS
        assert layout.second is None or not (layout.batched or layout.turns)


def test_a_form_that_cannot_be_is_refused():
    for given, words in [
        ({"returns": "image"}, "expected one of txt_img"),
        ({"returns": "img", "axes": "DBS"}, "BSD"),
        ({"returns": "fused"}, '"first" or "last"'),
        ({"returns": "img", "image": "first"}, "image='first'"),
    ]:
        with pytest.raises(ValueError, match=words):
            Blocks("blocks", **given)
