"""The streaming statistics against the same numbers computed from whole arrays in float64."""

import tracemalloc
import warnings

import fewchannels as fc
import numpy as np
import pytest
import torch
from fewchannels.channels import layer_scores
from fewchannels.watch.reductions import reduce_tokens
from fewchannels.watch.statistics import record_bytes
from torch.utils._python_dispatch import TorchDispatchMode

FIELDS = ("mean", "mean_abs", "max_abs", "var")
NAMES = ("blocks.0", "blocks.1")


def truth(x, axis=-2):
    x = np.asarray(x, np.float64)
    return {"mean": x.mean(axis), "mean_abs": np.abs(x).mean(axis), "max_abs": np.abs(x).max(axis), "var": x.var(axis)}


def feed(stats, x, layers=NAMES, start=0, steps=None):
    """x: tensor [S, L, T, N, D], handed over as a capture of the samples start, start + 1, ... does."""
    samples, depth, times = x.shape[:3]
    for time in range(times):
        for layer in range(depth):
            step = time if steps is None else steps[time]
            stats.add(x[:, layer, time], layer=layer, step=step, samples=range(start, start + samples), grid=(2, 8))
    return stats


def fresh(x, per_sample=True, **more):
    stats = fc.ChannelStats(per_sample=per_sample)
    stats.start(NAMES, (2, 8))
    return feed(stats, x, **more)


@pytest.fixture
def x(tokens):
    scale = torch.linspace(0.1, 40, 12)
    return tokens(5, 2, 3, 16, 12) * scale + scale.flip(0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64])
def test_statistics_equal_those_of_whole_arrays(x, dtype):
    x = x.to(dtype)
    stats, right = fresh(x), truth(x.double())
    assert (stats.layers, stats.steps, stats.grid) == (NAMES, (0, 1, 2), (2, 8))
    for name in FIELDS:
        got = getattr(stats, name)
        assert got.shape == (5, 2, 3, 12)
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, right[name], rtol=2e-5, atol=1e-5, err_msg=name)
    np.testing.assert_allclose(stats.energy, (np.asarray(x.double()) ** 2).mean(-2), rtol=2e-5)
    assert (stats.count == 16).all()
    assert stats.nonfinite.dtype == np.int64
    assert not stats.nonfinite.any()


def test_merged_statistics_are_those_of_all_tokens_together(x):
    everything = truth(x.double().permute(1, 2, 0, 3, 4).reshape(2, 3, 80, 12))
    streamed = fc.ChannelStats(per_sample=False)
    streamed.start(NAMES, (2, 8))
    feed(streamed, x[:2])
    feed(streamed, x[2:], start=2)
    for stats in (streamed, fresh(x).merged()):
        assert stats.mean.shape == (1, 2, 3, 12)
        assert (stats.count == 80).all()
        for name in FIELDS:
            np.testing.assert_allclose(getattr(stats, name)[0], everything[name], rtol=2e-5, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("per_sample", [True, False])
def test_merging_two_runs_equals_one_run(x, per_sample):
    one = fresh(x, per_sample)
    two = fresh(x[:3], per_sample).merge(fresh(x[3:], per_sample))
    assert (two.layers, two.steps) == (one.layers, one.steps)
    for name in (*FIELDS, "nonfinite", "count"):
        np.testing.assert_allclose(getattr(two, name), getattr(one, name), rtol=1e-5, atol=1e-5, err_msg=name)


def test_one_object_in_two_captures_counts_samples_on(x):
    stats = fresh(x[:3])
    stats.start(NAMES, (2, 8))
    feed(stats, x[3:])  # a new capture numbers its samples from 0 again
    np.testing.assert_array_equal(stats.mean, fresh(x).mean)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("order", [(True, False), (False, True)])
def test_captures_inside_and_outside_of_inference_mode_count_together(x, order, dtype):
    x, stats = x[:4], fc.ChannelStats()
    for part, inference in zip((x[:2], x[2:]), order, strict=True):
        with torch.inference_mode(inference):
            stats.start(NAMES, (2, 8))
            feed(stats, part.to(dtype, copy=True))
    np.testing.assert_array_equal(stats.mean, fresh(x.to(dtype)).mean)
    np.testing.assert_array_equal(stats.var, fresh(x.to(dtype)).var)


@pytest.mark.parametrize("per_sample", [True, False])
@pytest.mark.parametrize("first", ["like the others", "far away"])
def test_a_mean_of_1e5_with_a_deviation_of_30_keeps_its_deviation(tokens, per_sample, first):
    x = tokens(4, 2, 1, 4096, 3).double() * 30 + torch.tensor([1e5, -1e5, 0.0]).double()
    if first == "far away":
        x[..., 0, :] = 0  # a shift taken from the first token would lose the deviation of the rest
    x = x.float()
    stats = fresh(x, per_sample)
    right = truth(x.double() if per_sample else x.double().permute(1, 2, 0, 3, 4).reshape(1, 2, 1, -1, 3))
    np.testing.assert_allclose(stats.var, right["var"], rtol=1e-4)
    np.testing.assert_allclose(stats.mean, right["mean"], rtol=1e-6, atol=1e-3)
    np.testing.assert_allclose(stats.mean_abs, right["mean_abs"], rtol=5e-6)
    if first != "far away":
        np.testing.assert_allclose(np.sqrt(stats.var), 30, rtol=0.05)


def test_many_small_batches_at_1e5_stay_exact(tokens):
    x = (tokens(400, 1, 1, 16, 2).double() * 30 + 1e5).float()
    stats = fc.ChannelStats(per_sample=False)
    stats.start(NAMES, (2, 8))
    for sample in range(400):
        feed(stats, x[sample : sample + 1], start=sample)
    right = truth(x.double().reshape(-1, 2))
    np.testing.assert_allclose(stats.var[0, 0, 0], right["var"], rtol=1e-4)
    np.testing.assert_allclose(stats.mean[0, 0, 0], right["mean"], rtol=1e-7)


@pytest.mark.parametrize("per_sample", [True, False])
def test_what_is_not_finite_is_counted_and_left_out(x, per_sample):
    bad = x.clone()
    bad[1, 0, 2, 3, 4] = float("inf")
    bad[1, 0, 2, 7, 4] = float("nan")
    bad[4, 1, 0, 0, 11] = -float("inf")
    stats = fresh(bad, per_sample)
    assert stats.nonfinite.sum() == 3
    places = np.argwhere(stats.nonfinite)[:, 1:].tolist()
    assert places == [[0, 2, 4], [1, 0, 11]]
    masked = np.ma.masked_invalid(bad.double().numpy())
    if not per_sample:
        masked = np.moveaxis(masked, 0, 2).reshape(1, 2, 3, 80, 12)
    for name, right in {
        "mean": masked.mean(3),
        "mean_abs": np.abs(masked).mean(3),
        "max_abs": np.abs(masked).max(3),
        "var": masked.var(3),
    }.items():
        np.testing.assert_allclose(getattr(stats, name), np.asarray(right), rtol=3e-5, atol=1e-5, err_msg=name)
    merged = stats.merged() if per_sample else stats
    assert merged.nonfinite.sum() == 3
    assert np.isfinite(merged.var).all()


@pytest.mark.parametrize("per_sample", [True, False])
@pytest.mark.parametrize("bad", [float("inf"), float("nan")])
def test_what_is_not_finite_is_warned_of_once_and_ranked_first(x, per_sample, bad):
    x = x.clone()
    x[:, 1, 1, :, 7] = 1e-3
    quiet = fresh(x, per_sample)
    x[3, 1, 1, 2:, 7] = bad
    x[3, 1, 2, 0, 5] = bad
    words = r"inf or nan, first in blocks\.1, step 1, channels 7\. .*stats\.nonfinite"
    with pytest.warns(UserWarning, match=words) as told:
        (stats := fresh(x, per_sample)).to_arrays()
    assert len(told) == 1
    for score in ("abs_mean", "mean_abs"):
        top, before = (fc.top_channels(one, k=4, score=score) for one in (stats, quiet))
        assert top[1][:2].tolist() == sorted([5, 7], key=by_score(stats, score, layer=1))
        assert set(before[1]) - {5, 7} >= set(top[1][2:])
        assert top[0].tolist() == before[0].tolist(), "the other layer is ranked as it was"
        whole, lowest = (fc.bottom_channels(one, k=12, score=score) for one in (stats, quiet))
        assert set(whole[1][-2:]) == {5, 7}
        assert whole[0].tolist() == lowest[0].tolist()
    again = fc.ChannelStats.from_arrays(stats.to_arrays(), NAMES)
    assert fc.top_channels(again, k=4)[1].tolist() == fc.top_channels(stats, k=4)[1].tolist()


def by_score(stats, score, layer):
    return lambda channel: -layer_scores(stats, score)[layer, channel]


def test_where_all_channels_overflow_scores_rank_them(x):
    right = fc.top_channels(fresh(x), k=12)
    x = x.clone()
    x[2, :, :, 3] = float("nan")
    with pytest.warns(UserWarning, match=r"channels 0, 1, 2, 3, 4, 5, 6, 7, \.\.\."):
        top = fc.top_channels(stats := fresh(x), k=12)
    assert sorted(top[0]) == sorted(right[0])
    assert (np.diff(layer_scores(stats)[0][top[0]]) <= 0).all()


def test_a_channel_without_a_finite_value_is_zero_and_counted():
    x = torch.ones(1, 4, 2)
    x[..., 1] = float("nan")
    sums, bad = reduce_tokens(x)
    assert sums[:, 0].T.tolist() == [[1, 1, 1, 0], [0, 0, 0, 0]]
    assert bad.tolist() == [[0, 4]]


def test_finite_values_whose_squares_overflow_float32_are_not_taken_for_inf():
    x = torch.tensor([[[3e30], [-3e30]]])
    sums, bad = reduce_tokens(x)
    assert bad.sum() == 0
    np.testing.assert_allclose(sums[:3, 0, 0], [0, 3e30, 3e30], rtol=1e-6)


def test_saturation_of_float16_is_warned_of_once(tokens):
    x = tokens(1, 2, 2, 16, 4).half()
    x[..., 2] = 65504
    with pytest.warns(UserWarning, match="float16 activations reached 65504 in layer 0, step 0") as caught:
        assert fresh(x).max_abs.max() == 65504
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fresh(x.float()).max_abs.max() == 65504


def test_arrays_go_round(x):
    x[0, 0, 0, 0, 0] = float("nan")
    stats = fresh(x, steps=[2, 5, 7])
    arrays = stats.to_arrays()
    assert {value.dtype.kind for value in arrays.values()} <= {"f", "i", "u"}
    back = fc.ChannelStats.from_arrays(arrays, layers=stats.layers)
    assert (back.layers, back.steps, back.grid, back.per_sample) == (NAMES, (2, 5, 7), (2, 8), True)
    for name in (*FIELDS, "nonfinite", "count", "energy"):
        np.testing.assert_array_equal(getattr(back, name), getattr(stats, name))
    np.testing.assert_allclose(back.merged().mean, stats.merged().mean)
    with pytest.raises(ValueError, match="for 1 layers"):
        fc.ChannelStats.from_arrays(arrays, layers=("one",))


def test_errors_say_what_to_do(x):
    with pytest.raises(RuntimeError, match="no statistics yet"):
        fc.ChannelStats().mean.shape  # noqa: B018
    stats = fresh(x)
    with pytest.raises(ValueError, match="use a new ChannelStats for another model"):
        stats.start(("other.0",), (2, 8))
    with pytest.raises(ValueError, match="for 3 samples"):
        stats.add(x[:, 0, 0], layer=0, step=0, samples=range(3), grid=(2, 8))
    with pytest.raises(ValueError, match=r"steps \(0, 1\)"):
        stats.merge(fresh(x[:, :, :2]))
    with pytest.raises(ValueError, match=r"merge x.merged\(\)"):
        stats.merge(fresh(x, per_sample=False))
    feed(stats, x[:, :, :2], start=5)
    with pytest.raises(RuntimeError, match=r"sample 5 has no statistics for layer blocks\.0, step 2"):
        stats.mean.shape  # noqa: B018


def test_the_tokens_given_are_not_changed(x):
    for dtype in (torch.float32, torch.float16):
        given = x.to(dtype)
        before = given.clone()
        fresh(given).mean  # noqa: B018
        assert torch.equal(given, before)


def test_memory_grows_neither_with_tokens_nor_with_merged_prompts():
    def peak(samples, tokens):
        stats = fc.ChannelStats(per_sample=False)
        stats.start(NAMES, (1, tokens))
        batch = torch.zeros(1, tokens, 64)
        tracemalloc.start()
        for sample in range(samples):
            for step in range(4):
                stats.add(batch, layer=0, step=step, samples=[sample], grid=(1, tokens))
        stats.mean  # noqa: B018
        kept = [part for parts in stats._parts.values() for part in parts]
        held = sum(getattr(part, name).nbytes for name in FIELDS for part in kept)
        _, top = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return held, top

    few, many, long = peak(4, 64), peak(200, 64), peak(4, 2048)
    assert few[0] == many[0] == long[0]
    assert many[1] < 1.5 * few[1] + 20_000
    assert long[1] < 1.5 * few[1] + 20_000


def test_the_record_of_a_flux_run_is_at_most_150_megabytes():
    """57 blocks, 3,072 channels, 50 steps, four float32 numbers each: computed from one block and step."""
    stats = fc.ChannelStats(per_sample=False)
    stats.start(tuple(f"blocks.{i}" for i in range(57)), (64, 64))
    stats.add(torch.ones(1, 8, 3072), layer=0, step=0, samples=[0], grid=(64, 64))
    arrays = stats.to_arrays()
    assert sum(arrays[name].nbytes for name in FIELDS) * 57 * 50 <= 150e6


def test_capture_on_the_toy_gives_what_the_blocks_return(toy, prompts):
    with fc.capture(toy, stats := fc.ChannelStats(), kept := fc.KeepTokens(dtype="float32")):
        toy.generate(prompts, steps=2, batch_size=2)
    assert kept.array.shape == (3, 6, 2, 144, 192)
    assert (kept.grid, kept.layers, kept.steps) == ((12, 12), toy.layers, [0, 1])
    for name, right in truth(kept.array).items():
        np.testing.assert_allclose(getattr(stats, name), right, rtol=1e-4, atol=1e-4, err_msg=name)


def test_keep_tokens_keeps_what_was_chosen(toy, prompts):
    everything, chosen = fc.KeepTokens(dtype="float32"), fc.KeepTokens(layers=[1, -1], steps=1, channels=[5, 3])

    class Channels:  # the form of a ChannelSet
        indices = tuple([layer, layer + 7] for layer in range(6))

        def __getitem__(self, layer):
            return self.indices[layer]

    by_layer = fc.KeepTokens(layers="transformer_blocks.4", channels=Channels(), dtype="float32")
    with fc.capture(toy, everything, chosen, by_layer):
        toy.generate(prompts[:2], steps=2)
    assert chosen.array.dtype == np.float16
    assert chosen.layers == ("transformer_blocks.1", "transformer_blocks.5")
    np.testing.assert_array_equal(chosen.array, everything.array[:, [1, 5]][:, :, [1]][..., [5, 3]].astype(np.float16))
    np.testing.assert_array_equal(by_layer.array, everything.array[:, [4]][..., [4, 11]])


def test_keep_tokens_says_what_is_wrong(tokens):
    with pytest.raises(ValueError, match="dtype='int8'"):
        fc.KeepTokens(dtype="int8")
    with pytest.raises(RuntimeError, match="no tokens kept"):
        fc.KeepTokens().array.shape  # noqa: B018
    keep = fc.KeepTokens()
    keep.start(NAMES, (2, 2))
    with pytest.warns(UserWarning, match="beyond 65504"):
        keep.add(tokens(1, 4, 3) * 1e6, layer=0, step=0, samples=[0], grid=(2, 2))
    with pytest.raises(ValueError, match="one KeepTokens for each size"):
        keep.add(tokens(1, 4, 3), layer=0, step=1, samples=[0], grid=(1, 4))
    keep.add(tokens(1, 4, 3), layer=0, step=1, samples=[1], grid=(2, 2))
    with pytest.raises(RuntimeError, match="different layers or steps"):
        keep.array.shape  # noqa: B018


def held(stats):
    """Bytes of all arrays that statistics hold, views counted with what they are views of, and once."""
    owners = {}
    parts = [vars(part).values() for parts in stats._parts.values() for part in parts]
    for array in (item for group in (stats.to_arrays().values(), *parts) for item in group):
        while isinstance(getattr(array, "base", None), np.ndarray):
            array = array.base
        if isinstance(array, np.ndarray):
            owners[id(array)] = array.nbytes
    return sum(owners.values())


def test_the_record_of_flux_takes_at_most_150_mb():
    assert record_bytes(layers=57, steps=50, channels=3072) <= 150e6
    tokens = torch.ones(1, 1, 3072)
    stats = fc.ChannelStats()
    stats.start(tuple(f"blocks.{i}" for i in range(57)), (1, 1))
    for step in range(50):
        for layer in range(57):
            stats.add(tokens, layer=layer, step=step, samples=range(1), grid=(1, 1))
    assert stats.mean.shape == (1, 57, 50, 3072)
    assert abs(held(stats) - record_bytes(57, 50, 3072)) < 1000, "and nothing is held twice"


def test_what_was_left_out_is_counted_in_few_bytes(x):
    x[2, 1, 0, 3:9, 4] = float("nan")
    x[3, 1, 0, :, 5] = float("inf")
    stats = fresh(x)
    assert stats.nonfinite.dtype == np.uint8
    assert (stats.nonfinite[2, 1, 0, 4], stats.nonfinite[3, 1, 0, 5], stats.nonfinite.sum()) == (6, 16, 22)
    again = fc.ChannelStats.from_arrays(stats.to_arrays(), NAMES)
    np.testing.assert_array_equal(again.nonfinite, stats.nonfinite)
    assert stats.merge(again).merged().nonfinite.sum() == 44


def test_reading_in_between_changes_nothing(x):
    whole, parts = fresh(x), fc.ChannelStats()
    for place in (0, 2):
        parts.start(NAMES, (2, 8))
        feed(parts, x[place : place + (2 if place == 0 else 3)])
        assert len(parts.mean) == (2 if place == 0 else 5)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


class OnTheHost(TorchDispatchMode):
    """Notes the largest tensor that any operation puts into main memory."""

    largest = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(tensor, torch.Tensor) and tensor.device.type == "cpu":
                self.largest = max(self.largest, tensor.numel())
        return result


def test_tokens_are_reduced_where_they_are():
    """On torch's device without data nothing can be brought to the host: whatever tried would raise."""
    stats = fc.ChannelStats()
    stats.start(NAMES, (64, 64))
    with OnTheHost() as host:
        for layer in range(2):
            tokens = torch.empty(1, 4096, 3072, dtype=torch.bfloat16, device="meta")
            stats.add(tokens, layer=layer, step=0, samples=range(1), grid=(64, 64))
    kept = [tensor for entry in stats._pending for tensor in entry[-2:]]
    assert {tensor.device.type for tensor in kept} == {"meta"}
    assert sum(tensor.numel() for tensor in kept) == 2 * 5 * 3072, "four numbers and a count a channel, and no tokens"
    assert host.largest <= 16, "no more than counts of pieces"
    with pytest.raises(NotImplementedError, match="meta"):
        stats._flush()
