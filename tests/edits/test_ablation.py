"""Ablation: every edit does what it says, an identity edit changes nothing, and the model is left as it was."""

import fewchannels as fc
import numpy as np
import pytest
import torch
from fewchannels import names
from fewchannels.channels import random_directions
from fewchannels.edits.ablation import NAMES, NEEDS
from fewchannels.watch.trajectories import Trajectory

STEPS = 3
WIDTH, LAYERS = 192, 6


def generate(model, prompts, **more):
    return model.generate(prompts, seed=0, steps=STEPS, output="float", **more)


@pytest.fixture(scope="module")
def stats(toy, prompts):
    with fc.capture(toy, found := fc.ChannelStats()):
        generate(toy, prompts[1:])
    return found


@pytest.fixture(scope="module")
def massive(stats):
    return fc.top_channels(stats, k=8)


@pytest.fixture(scope="module")
def clean(toy, prompts):
    return generate(toy, prompts)


class Keep:
    """A sink that keeps tokens [B, N, D] by (layer, step)."""

    def __init__(self):
        self.tokens = {}

    def add(self, tokens, *, layer, step, samples, grid):
        self.tokens[layer, step] = tokens.clone()


def before_and_after(model, prompts, channels, how, **more):
    """Tokens of one block and step as the block returned them, and as the edit left them."""
    outer, inner = Keep(), Keep()
    with (
        fc.capture(model, outer, layers=2, steps=1),
        fc.ablate(model, channels, how, layers=2, steps=1, **more) as done,
        fc.capture(model, inner, layers=2, steps=1),
    ):
        generate(model, prompts)
    return outer.tokens[2, 1], inner.tokens[2, 1], done


def test_zeroing_the_top_breaks_more_than_zeroing_the_bottom(toy, prompts, stats, massive, clean):
    with fc.ablate(toy, massive, how="zero") as done:
        broken = generate(toy, prompts)
    with fc.ablate(toy, fc.bottom_channels(stats, 8)) as little:
        kept = generate(toy, prompts)
    assert ((broken - clean) ** 2).mean() > 3 * ((kept - clean) ** 2).mean()
    assert done.change.shape == (3, LAYERS, STEPS)
    assert np.nanmean(done.change) > np.nanmean(little.change)
    assert (done.energy_ratio < 1).all()
    np.testing.assert_allclose(1 - done.energy_ratio, done.change**2, rtol=1e-3)  # of zeroing, by Pythagoras


@pytest.mark.parametrize(
    ("how", "more"), [("scale", {"factor": 1.0}), ("zero", {"strength": 0.0}), (lambda values, **_: values, {})]
)
def test_an_identity_edit_changes_no_bit(toy, flux, prompts, massive, clean, how, more):
    with fc.ablate(toy, massive, how, **more) as done:
        assert np.array_equal(generate(toy, prompts), clean)
    assert (done.change == 0).all()
    with fc.ablate(toy, random_directions(WIDTH, 4, LAYERS), how, **more):
        assert np.array_equal(generate(toy, prompts), clean)
    small = {"height": 64, "width": 96, "guidance_scale": 1.0}
    plain = generate(flux, prompts[:1], **small)
    with fc.ablate(flux, [3, 7], how, **more):
        assert np.array_equal(generate(flux, prompts[:1], **small), plain)


def test_edits_on_chosen_channels_touch_no_others(toy, prompts, massive):
    channels = massive[2]
    rest = np.setdiff1d(np.arange(WIDTH), channels)
    for how in ("zero", "own_mean", "no_level", "shuffle", "noise", "shift", "resample"):
        old, new, done = before_and_after(toy, prompts[:2], massive, how)
        assert torch.equal(old[..., rest], new[..., rest]), how
        assert not torch.equal(old[..., channels], new[..., channels]), how
        chosen, edited = old[..., channels], new[..., channels]
        norm = chosen.square().sum((1, 2)).sqrt()
        change = (edited - chosen).square().sum((1, 2)).sqrt()
        if how == "zero":
            assert not edited.any()
        elif how == "own_mean":
            torch.testing.assert_close(edited, chosen.mean(1, keepdim=True).expand_as(chosen))
        elif how == "no_level":
            torch.testing.assert_close(edited, chosen - chosen.mean(1, keepdim=True))
        elif how == "shuffle":  # the same tokens in another order, all channels together
            assert torch.equal(edited.sort(dim=1).values, chosen.sort(dim=1).values)
            rows = {tuple(row) for row in chosen[0].tolist()}
            assert {tuple(row) for row in edited[0].tolist()} == rows
        elif how == "resample":
            assert torch.equal(edited, chosen.flip(0))
        else:
            torch.testing.assert_close(change, norm)
            constant = (edited - chosen).std(dim=1).max() < 1e-3 * norm.max()
            assert bool(constant) == (how == "shift")
        total = old.square().sum((1, 2)).sqrt()
        np.testing.assert_allclose(done.change[:, 2, 1], (change / total).numpy(), rtol=1e-4)
        assert np.isnan(done.change[:, 1]).all()


def test_means_values_and_norms_come_from_where_they_are_said_to(toy, prompts, stats, massive):
    channels = massive[2]
    mean = stats.mean.mean(axis=0)
    for reference in (stats, mean):
        _, new, _ = before_and_after(toy, prompts[:1], massive, "mean", reference=reference)
        np.testing.assert_allclose(new[0, :, channels], np.tile(mean[2, 1, channels], (144, 1)), rtol=1e-6)
        old, new, _ = before_and_after(toy, prompts[:1], massive, "mean_level", reference=reference)
        level, own = (tokens[..., channels].mean(dim=1, keepdim=True) for tokens in (new, old))
        np.testing.assert_allclose(level[0, 0], mean[2, 1, channels], rtol=1e-4)
        torch.testing.assert_close(new[..., channels] - level, old[..., channels] - own, rtol=1e-4, atol=1e-4)
    _, new, _ = before_and_after(toy, prompts[:1], massive, "replace", values=np.full((LAYERS, WIDTH), 7.0))
    assert (new[..., channels] == 7).all()
    bottom = fc.bottom_channels(stats, 8)
    for how in ("noise", "shift"):
        old, new, _ = before_and_after(toy, prompts[:1], bottom, how, match=massive)
        removed = old[..., channels].square().sum().sqrt()
        torch.testing.assert_close((new - old).square().sum().sqrt(), removed, rtol=1e-3, atol=0)
    _, new, _ = before_and_after(toy, prompts[:1], bottom, "scale", factor=0.5)
    _, half, _ = before_and_after(toy, prompts[:1], bottom, "zero", strength=0.5)
    torch.testing.assert_close(new, half)


def test_a_level_or_a_pattern_that_is_taken_away_is_gone_from_the_states(toy, prompts, massive):
    where = np.arange(LAYERS)[:, None], slice(None), massive.mask().nonzero()[1].reshape(LAYERS, -1)
    for how, field in (("no_level", "mean"), ("own_mean", "var")):
        with fc.ablate(toy, massive, how), fc.capture(toy, left := fc.ChannelStats()):
            generate(toy, prompts[:2])
        with fc.capture(toy, own := fc.ChannelStats()):
            generate(toy, prompts[:2])
        found, before = (np.abs(getattr(one, field)[:, *where]).max() for one in (left, own))
        assert found < 1e-4 * before, how


def test_directions_are_projected_out(toy, prompts):
    directions = random_directions(WIDTH, 5, LAYERS)
    basis = torch.from_numpy(directions[2].copy()).float()
    old, new, _ = before_and_after(toy, prompts[:1], directions, "zero")
    scale = old.abs().max()
    assert (new @ basis.T).abs().max() < 1e-5 * scale
    torch.testing.assert_close(new, old - old @ basis.T @ basis, rtol=0, atol=1e-5 * float(scale))


def test_many_conditions_in_one_batch_equal_one_by_one(toy, prompts, stats, massive, clean):
    prompt = prompts[0]
    bottom = fc.bottom_channels(stats, 4)
    conditions = [(massive, "zero"), (None, "zero"), (bottom, "shuffle"), (massive, "own_mean")]
    sets, hows = zip(*conditions, strict=True)
    with fc.ablate(toy, list(sets), list(hows), seed=3) as done:
        together = generate(toy, [prompt] * 4, samples=[0] * 4)
    for i, (channels, how) in enumerate(conditions):
        if channels is None:
            alone = clean[:1]
            assert np.isnan(done.change[i]).all()
        else:
            # a sample's randomness is its place in the context, so the shuffled one must stay third
            with fc.ablate(toy, [None] * i + [channels], how, seed=3):
                alone = generate(toy, [prompt] * (i + 1), samples=[0] * (i + 1))[i:]
        assert np.abs(alone[0] - together[i]).max() < 1e-4, how


def test_conditions_run_on_over_batches_and_calls(toy, prompts, massive):
    with fc.ablate(toy, [None, massive, massive], strength=[1, 1, 0.5]) as done:
        generate(toy, prompts[:2], batch_size=1)
        generate(toy, prompts[:1])
    assert np.isnan(done.change[0]).all()
    assert (done.change[2] < done.change[1].max()).all()
    assert (done.change[1:] > 0).all()


def test_every_edit_and_transport_in_float64(prompts):
    model = fc.load("toyworld", device="cpu", dtype=torch.float64)
    with fc.capture(model, stats := fc.ChannelStats()):
        clean = generate(model, prompts[:2])
    hows = [how for how in NAMES if how != "resample"]  # it takes another kind of reference
    given = {"reference": stats, "factor": 2.0, "values": 1, "match": [7]}
    for channels in ([5, 60], random_directions(WIDTH, 2, LAYERS)):
        with fc.ablate(model, channels, "scale", factor=1.0):
            assert np.array_equal(generate(model, prompts[:2]), clean), "nothing is narrowed on the way"
        old, new, done = before_and_after(model, [prompts[0]] * len(hows), channels, hows, **given)
        assert old.dtype == new.dtype == torch.float64
        change = torch.linalg.vector_norm(new - old, dim=(1, 2)) / torch.linalg.vector_norm(old, dim=(1, 2))
        np.testing.assert_allclose(done.change[:, 2, 1], change.numpy(), rtol=1e-6)
        assert (change > 0).all()
    assert (fc.transport(model, prompts[0], prompts[1], [5, 60], steps=STEPS).change > 0).all()


def test_token_masks_choose_where(toy, prompts, massive):
    mask = np.zeros((2, 12, 12), bool)
    mask[0, 3:6, 4:8] = True
    mask[1, 0, 0] = True
    old, new, _ = before_and_after(toy, prompts[:2], massive, "zero", tokens=mask)
    touched = (old != new).any(-1).reshape(2, 12, 12).numpy()
    assert (touched == mask).all()
    old, new, _ = before_and_after(toy, prompts[:2], massive, "shuffle", tokens=mask[0])
    touched = (old != new).any(-1).reshape(2, 12, 12).numpy()
    assert (touched <= mask[:1]).all()
    assert touched.any()
    torch.testing.assert_close(new[0, :, massive[2]].sum(0), old[0, :, massive[2]].sum(0), rtol=1e-5, atol=1e-2)
    with (
        pytest.raises(ValueError, match=r"\(12, 12\).*to_grid"),
        fc.ablate(toy, massive, tokens=np.ones((48, 48), bool)),
    ):
        generate(toy, prompts[:1])


def test_resampling_from_a_recorded_run(toy, prompts, massive):
    with fc.capture(toy, source := Trajectory(massive)):
        generate(toy, prompts)
    _, new, _ = before_and_after(toy, prompts[:1], massive, "resample", reference=source, partners=[2])
    assert torch.equal(new[..., massive[2]], source.take(2, 1, [2], None))
    with (
        pytest.raises(ValueError, match="partners"),
        fc.ablate(toy, massive, "resample", reference=source, partners=[3]),
    ):
        generate(toy, prompts[:1])


def test_text_stream_layers_steps_and_branches(toy, prompts, massive, clean):
    with fc.ablate(toy, [5, 6], layers=[0, "transformer_blocks.1"], stream="text") as done:
        changed = generate(toy, prompts)
    assert not np.array_equal(changed, clean)
    assert np.isnan(done.change[:, 2:]).all()
    with fc.ablate(toy, massive, steps=slice(1, None)) as done:
        generate(toy, prompts)
    assert np.isnan(done.change[:, :, 0]).all()
    assert (done.change[:, :, 1:] > 0).all()
    guided = {"guidance_scale": 3.0}
    images = {}
    for branch in ("cond", "uncond", "both"):
        with fc.ablate(toy, massive, branch=branch):
            images[branch] = generate(toy, prompts[:1], **guided)
    assert not np.array_equal(images["cond"], images["uncond"])
    assert not np.array_equal(images["cond"], images["both"])


def test_random_edits_depend_on_seed_and_sample_alone(toy, prompts, massive):
    def noisy(seed, count):
        with fc.ablate(toy, massive, "noise", seed=seed):
            return generate(toy, prompts[:count])

    first = noisy(0, 1)
    assert np.array_equal(first, noisy(0, 1))
    assert np.abs(first[0] - noisy(0, 2)[0]).max() < 1e-4
    assert not np.array_equal(first, noisy(1, 1))


def test_the_model_is_restored_after_errors_inside(toy, prompts, massive, clean):
    def fails(values, *, layer, step, samples):
        if (layer, step) == (3, 1):
            raise FloatingPointError("in the middle")
        return values * 0

    with pytest.raises(FloatingPointError), fc.ablate(toy, massive, fails):
        generate(toy, prompts)
    with pytest.raises(KeyError), fc.ablate(toy, massive):
        raise KeyError
    assert np.array_equal(generate(toy, prompts), clean)


@pytest.mark.parametrize(
    ("channels", "more", "message"),
    [
        ([], {}, "empty"),
        ([4, 4], {}, "named twice"),
        ([-1], {}, "out of range"),
        ([0, 192], {}, "channels 0 to 191"),
        (fc.ChannelSet.same([1], 6, 64), {}, "64 channels.*192"),
        (fc.ChannelSet.same([1], 5, 192), {}, "5 layers.*6"),
        ([None, None], {}, "channels="),
        ([1], {"how": "remove"}, "own_mean"),
        ([1], {"how": "scale"}, "factor="),
        ([1], {"how": "mean"}, "reference="),
        ([1], {"how": "mean", "reference": np.zeros((6, 5, 192))}, "5 steps.*3"),
        ([1], {"how": "mean", "reference": np.zeros((2, 3, 192))}, "L = 6"),
        ([1], {"how": "resample"}, "batch has one"),
        ([1], {"how": lambda values, **_: values[:, :1]}, "expected a tensor of shape"),
        ([1], {"layers": 6}, "0 to 5"),
        ([1], {"layers": "blocks.0"}, "unknown layer"),
        ([1], {"steps": [7]}, "3 steps"),
        ([1], {"stream": "audio"}, "stream"),
        ([1], {"tokens": np.ones((12, 13), bool)}, r"\(12, 12\)"),
        ([1], {"tokens": np.zeros((12, 12), bool)}, "at least one"),
        ([1], {"tokens": np.ones((12, 12))}, "bool"),
    ],
)
def test_bad_input_is_named_and_leaves_the_model_alone(toy, prompts, channels, more, message):
    with pytest.raises(ValueError, match=message), fc.ablate(toy, channels, **more):
        generate(toy, prompts[:1])
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in toy.transformer.modules())


def test_lists_that_do_not_fit_the_samples_are_errors(toy, prompts, massive):
    with pytest.raises(ValueError, match="sample 1 has none"), fc.ablate(toy, [massive]):
        generate(toy, prompts[:2])
    with pytest.raises(ValueError, match="strength= holds 1"), fc.ablate(toy, massive, strength=[0.5]):
        generate(toy, prompts[:2])
    with pytest.raises(RuntimeError, match="only 1 samples ran"), fc.ablate(toy, [massive, massive]):
        generate(toy, prompts[:1])
    with pytest.raises(TypeError, match="channels="), fc.ablate(toy, "top"):
        generate(toy, prompts[:1])


def test_it_works_on_flux_with_a_grid_that_is_not_square(flux, prompts):
    size = {"height": 64, "width": 96, "guidance_scale": 1.0}
    plain = generate(flux, prompts[:2], **size)
    mask = np.zeros((4, 6), bool)
    mask[1:3, 2:5] = True
    with fc.ablate(flux, [3, 7], "own_mean", tokens=mask) as done:
        assert not np.array_equal(generate(flux, prompts[:2], **size), plain)
    assert done.change.shape == (2, 4, STEPS)
    assert np.array_equal(generate(flux, prompts[:2], **size), plain)


def test_every_named_edit_is_there_and_those_said_to_need_nothing_do(toy, prompts, massive):
    assert tuple(NAMES) == names.EDITS
    assert not set(names.ALONE) & set(NEEDS)
    for how in names.ALONE:
        with fc.ablate(toy, massive, how):
            toy.generate(prompts[:1], steps=1)
