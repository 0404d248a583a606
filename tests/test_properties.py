"""What must hold for any input: statistics merge as one run, masks do not mind scale, layouts give back what they took,
run files come back, and no bytes whatever make the readers do anything but read or refuse."""

from __future__ import annotations

import json
import math
import os
import struct

import numpy as np
import pytest
import torch
from fewchannels.layouts import Blocks
from fewchannels.layouts.frames import Frame
from fewchannels.layouts.tokens import read, write
from fewchannels.masks import POLARITIES, choose_cluster, partition
from fewchannels.runfile import PROVENANCE, Run, RunFileError, load_run, read_header, save_run
from fewchannels.sweep import Store
from fewchannels.watch.statistics import ChannelStats
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SOME = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
MANY = settings(max_examples=5_000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NUMBERS = st.floats(-1e6, 1e6, width=32)
FIELDS = ("mean", "mean_abs", "max_abs", "var")


# Statistics


def stats_of(array: np.ndarray, per_sample=True) -> ChannelStats:
    stats = ChannelStats(per_sample)
    stats.start(("block",), (1, array.shape[1]))
    stats.add(torch.from_numpy(array.copy()), layer=0, step=0, samples=range(len(array)))
    return stats


@st.composite
def token_arrays(draw, odd=False):
    shape = draw(st.tuples(st.integers(2, 4), st.integers(1, 6), st.integers(1, 3)))
    numbers = st.one_of(NUMBERS, st.sampled_from([math.nan, math.inf, -math.inf])) if odd else NUMBERS
    return draw(hnp.arrays(np.float32, shape, elements=numbers))


@QUICK
@given(token_arrays(odd=True), st.data())
def test_statistics_of_parts_merge_into_those_of_the_whole(array, data):
    cut = data.draw(st.integers(1, len(array) - 1))
    whole = stats_of(array)
    together = stats_of(array[:cut]).merge(stats_of(array[cut:]))
    for name in ("nonfinite", "count"):
        np.testing.assert_array_equal(getattr(together, name), getattr(whole, name))
    # a deviation of nearly equal values is what is left of their squares
    close = 1e-6 + 1e-8 * np.abs(array[np.isfinite(array)]).max(initial=0)
    for name in FIELDS:  # one sample's nan may move another's last bit: the batch is then summed in another way
        np.testing.assert_allclose(getattr(together, name), getattr(whole, name), rtol=1e-5, atol=close)
    one = stats_of(array[:cut], per_sample=False).merge(stats_of(array[cut:], per_sample=False))
    merged = whole.merged()
    np.testing.assert_array_equal(one.nonfinite, merged.nonfinite)
    for name in FIELDS:
        a, b = getattr(one, name), getattr(merged, name)
        scale = np.abs(np.nan_to_num(merged.max_abs)) ** (2 if name == "var" else 1)
        assert (np.abs(a - b) <= 1e-5 * scale + 1e-6).all() or np.array_equal(a, b, equal_nan=True)


@QUICK
@given(token_arrays())
def test_statistics_are_those_of_numpy(array):
    stats, wide = stats_of(array), array.astype(np.float64)
    size = np.abs(wide).max(axis=1)
    for name, truth in (("mean", wide.mean(1)), ("mean_abs", np.abs(wide).mean(1)), ("max_abs", size)):
        assert (np.abs(getattr(stats, name)[:, 0, 0] - truth) <= 1e-5 * size + 1e-30).all()
    assert (np.abs(stats.var[:, 0, 0] - wide.var(1)) <= 1e-5 * size**2 + 1e-30).all()
    assert (stats.var >= 0).all()


@QUICK
@given(token_arrays(odd=True))
def test_statistics_come_back_from_arrays(array):
    stats = stats_of(array)
    again = ChannelStats.from_arrays(stats.to_arrays(), layers=stats.layers)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(again, name), getattr(stats, name))


# Masks


@st.composite
def pictures_of_tokens(draw):
    h, w, k = draw(st.integers(2, 5)), draw(st.integers(2, 5)), draw(st.integers(1, 3))
    return draw(hnp.arrays(np.float32, (2, h * w, k), elements=st.integers(-8, 8).map(float))), (h, w)


@QUICK
@given(pictures_of_tokens(), st.sampled_from(POLARITIES), st.sampled_from([0.5, 4.0]), st.sampled_from([0.0, 16.0]))
def test_masks_do_not_mind_scale_and_level(made, polarity, factor, shift):
    tokens, grid = made
    one = partition(tokens, grid=grid, polarity=polarity)
    other = partition(tokens * factor + shift, grid=grid, polarity=polarity)  # exact in float32
    np.testing.assert_array_equal(one.mask, other.mask)
    assert one.mask.shape == (2, *grid)
    assert (0 <= one.heat).all()
    assert (one.heat <= 1).all()
    distinct = [len(np.unique(sample, axis=0)) > 1 for sample in tokens]
    np.testing.assert_array_equal(~one.empty, distinct)
    assert not one.mask[one.empty].any()


@QUICK
@given(
    hnp.arrays(bool, st.tuples(st.integers(1, 3), st.integers(2, 5), st.integers(2, 5))), st.sampled_from(POLARITIES)
)
def test_a_rule_takes_one_of_the_two_clusters(larger, polarity):
    chosen = choose_cluster(larger, polarity)
    for one, both in zip(chosen, larger, strict=True):
        assert (one == both).all() or (one == ~both).all()


# Layouts


@st.composite
def outputs(draw):
    """A block's form, its output of distinct numbers, and the frame of that forward."""
    h, w, text, rows, width = (draw(st.integers(1, 4)) for _ in range(5))
    behind = draw(st.integers(0, 3))  # reference images, behind the drawn one
    returns = draw(st.sampled_from(["txt_img", "img_txt", "img", "fused"]))
    registers = draw(st.integers(0, 2)) if returns == "fused" else 0
    image = draw(st.sampled_from(["first", "last"])) if returns == "fused" else "all"
    axes = draw(st.sampled_from(["BSD", "SBD"]))
    group = Blocks("blocks", returns, image, axes, registers if image == "last" else 0)
    registers = group.registers
    frame = Frame((h, w), h * w, h * w + behind, rows)

    def made(length, start):
        tensor = torch.arange(start, start + rows * length * width, dtype=torch.float32).reshape(rows, length, width)
        return tensor.transpose(0, 1).contiguous() if axes == "SBD" else tensor

    if returns == "fused":
        return group, made(registers + text + frame.packed, 0), frame
    img, txt = made(frame.packed, 0), made(text, 10_000)
    return group, {"txt_img": (txt, img), "img_txt": (img, txt), "img": img}[returns], frame


def parts(output) -> list[torch.Tensor]:
    return list(output) if isinstance(output, tuple) else [output]


@SOME
@given(outputs(), st.sampled_from(["image", "text"]))
def test_a_layout_gives_back_what_it_took(made, stream):
    group, output, frame = made
    before = [part.clone() for part in parts(output)]
    tokens = read(group, output, frame, stream)
    if tokens is None:
        assert group.returns == "img"
        assert stream == "text"
        return
    if stream == "image":
        assert tokens.shape[:2] == (frame.rows, frame.tokens)
    same = write(group, output, frame, tokens, stream)
    assert all(torch.equal(a, b) for a, b in zip(parts(same), before, strict=True)), "an identity changed something"
    marked = write(group, output, frame, -1 - tokens, stream)
    assert all(torch.equal(a, b) for a, b in zip(parts(output), before, strict=True)), "it wrote in place"
    assert torch.equal(read(group, marked, frame, stream), -1 - tokens)
    other = "text" if stream == "image" else "image"
    theirs = read(group, output, frame, other)
    if theirs is not None:
        assert torch.equal(read(group, marked, frame, other), theirs), "the other stream was touched"
    changed = sum(int((a != b).sum()) for a, b in zip(parts(marked), before, strict=True))
    assert changed == tokens.numel(), "more or less was changed than the stream's tokens"


# Files

VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(-1e300, 1e300), st.text()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
ARRAYS = hnp.arrays(
    st.sampled_from([np.float16, np.float32, np.float64, np.int8, np.int64, np.uint8, np.uint32, bool]),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
)


def run_of(prompts=(), index=None, stats=None, masks=None) -> Run:
    provenance = {**dict.fromkeys(PROVENANCE), "model": "none"}
    images = np.arange(2 * 4 * 6 * 3, dtype=np.uint8).reshape(2, 4, 6, 3)
    return Run(provenance, list(prompts), stats or {}, {}, masks or {}, images, index or {})


@QUICK
@given(
    st.lists(TEXTS, max_size=3), st.dictionaries(TEXTS, VALUES, max_size=3), st.dictionaries(NAMES, ARRAYS, max_size=3)
)
def test_a_run_file_comes_back(tmp_path, prompts, index, stats):
    path = save_run(tmp_path / "run", run_of(prompts, index, stats), quality=None)
    again = load_run(path)
    assert (again.prompts, again.index) == (prompts, index)
    assert again.stats.keys() == stats.keys()
    for name, array in stats.items():
        assert (again.stats[name].dtype, again.stats[name].shape) == (array.dtype, array.shape)
        assert again.stats[name].tobytes() == array.tobytes()
    np.testing.assert_array_equal(again.images, run_of().images)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    path = tmp_path_factory.mktemp("sound") / "run"
    stats = {"mean": np.ones((2, 2), np.float32), "count": np.arange(3)}
    return save_run(path, run_of(["one", "two"], {"layers": ["a"]}, stats, {"m": np.ones((1, 2), bool)})).read_bytes()


def only_refuses(path, data: bytes) -> None:
    """Whatever the bytes are, reading them gives a run or a RunFileError."""
    path.write_bytes(data)
    for function in (read_header, load_run):
        try:
            function(path)
        except RunFileError:
            pass


def changed(draw, data: bytes) -> bytes:
    """Some bytes of a sound file flipped, cut out, doubled or put in."""
    data = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(["flip", "cut", "insert", "end"]))
        if kind == "flip" and at < len(data):
            data[at] ^= draw(st.integers(1, 255))
        elif kind == "cut":
            del data[at : at + draw(st.integers(1, 40))]
        elif kind == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=9))
        else:
            del data[at:]
    return bytes(data)


def fuzzed(path, sound, draw):
    only_refuses(path, changed(draw, sound))


@SOME
@given(st.data())
def test_a_damaged_run_file_is_read_or_refused(tmp_path, sound, data):
    fuzzed(tmp_path / "run", sound, data.draw)


@pytest.mark.slow
@MANY
@given(st.data())
def test_a_damaged_run_file_is_read_or_refused_at_length(tmp_path, sound, data):
    fuzzed(tmp_path / "run", sound, data.draw)


def with_header(header, rest: bytes = b"") -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + rest


TENSOR = {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}
HEADERS = st.dictionaries(
    st.sampled_from(["__metadata__", "stats/a", "images/00000", "x", "masks/"]),
    st.one_of(
        VALUES,
        st.fixed_dictionaries(
            {
                "dtype": st.sampled_from(["U8", "BOOL", "F99"]) | VALUES,
                "shape": st.lists(st.integers(-(2**40), 2**65), max_size=3) | VALUES,
                "data_offsets": st.lists(st.integers(-2, 2**65), max_size=3) | VALUES,
            }
        ),
        st.fixed_dictionaries({"fewchannels": VALUES.map(json.dumps) | VALUES}),
    ),
)


@SOME
@given(HEADERS, st.binary(max_size=4))
@example({"__metadata__": 3}, b"")
@example({"__metadata__": {"fewchannels": 3}}, b"")
@example({"__metadata__": {"fewchannels": "[" * 100_000}}, b"")
@example({"stats/a": {**TENSOR, "shape": [2**40, 2**40]}}, b"x")
def test_a_header_of_any_json_is_read_or_refused(tmp_path, header, rest):
    only_refuses(tmp_path / "run", with_header(header, rest))


@SOME
@given(st.binary(max_size=60))
@example(with_header(b"[" * 100_000))
@example(with_header(b"\xff\xfe{}"))
@example(struct.pack("<Q", 2**63) + b"{}")
def test_any_bytes_are_read_or_refused(tmp_path, data):
    only_refuses(tmp_path / "run", data)


@SOME
@given(st.data())
def test_a_damaged_cell_of_a_sweep_is_read_whole_or_not_at_all(tmp_path, data):
    store, arrays = Store(tmp_path), {"x": np.arange(5.0), "y": np.ones((2, 2), bool)}
    store.write("d" * 32, "cell", arrays, {"seed": 0})
    path = store.path("d" * 32)
    sound = path.read_bytes()
    path.write_bytes(changed(data.draw, sound))
    found = store.read("d" * 32)
    if found is None:
        assert store.damaged == ["d" * 32]
    else:
        assert {name: array.tobytes() for name, array in found.items()} == {n: a.tobytes() for n, a in arrays.items()}
    os.unlink(path)
