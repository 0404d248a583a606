"""Levels and patterns of untouched runs: the variance is shared out exactly, and what patterns follow is found."""

import numpy as np
import pytest
import torch
from fewchannels.channels import ChannelSet
from fewchannels.instruments.levels import Normaliser, States, pattern_correlations, variance_shares
from fewchannels.watch.hooks import capture
from fewchannels.watch.statistics import ChannelStats

FEW = ChannelSet(tuple(np.arange(layer, layer + 4) for layer in range(6)), 192, "four a block")
PARTLY = ChannelSet((*[np.arange(20, 22)] * 5, np.arange(0)), 192, "two a block, in the last one none")


def test_states_of_untouched_runs(toy, prompts):
    run = States(toy, prompts[:2], {"top": FEW, "partly": PARTLY}, noises=2, seed=0, steps=2)
    cell = run.cell("top")
    assert cell["level"].shape == (2, 2, 6, 2, 4)
    assert cell["level_share"].shape == (2, 6, 2)
    assert ((cell["level_share"] >= 0) & (cell["level_share"] <= 1)).all()
    assert cell["same_prompt"].shape == cell["neither"].shape == (2, 2)
    assert np.abs([cell[name] for name in ("same_prompt", "same_noise", "neither")]).max() <= 1
    with capture(toy, stats := ChannelStats()):
        toy.generate(prompts[:2], seed=0, steps=2, samples=[1, 1])
    assert np.allclose(cell["level"][:, 1, 3], stats.mean[:, 3][..., FEW[3]], rtol=2e-3, atol=1e-4)
    other = run.cell("partly")
    assert "level" not in other, "blocks have another number of channels"
    assert np.isnan(other["level_share"][:, 5]).all()
    assert other["gain_both"][:, 5] == pytest.approx(1)
    with pytest.raises(ValueError, match="noises=0"):
        States(toy, prompts, {"top": FEW}, noises=0)


def test_variance_is_shared_out():
    rng = np.random.default_rng(0)
    prompt, noise, step = rng.standard_normal((5, 1, 1)), rng.standard_normal((1, 3, 1)), rng.standard_normal((1, 1, 4))
    only = [np.broadcast_to(x, (5, 3, 4)) for x in (step, prompt, noise)]
    shares = variance_shares(np.stack([*only, sum(only), only[0] * only[1]], axis=-1))
    alone = np.stack([shares[name] for name in ("step", "prompt", "noise")])
    assert np.allclose(alone[:, :3], np.eye(3))
    assert np.allclose(shares["rest"][:4], 0)
    assert shares["rest"][4] > 0.1
    assert np.allclose(alone[:, 3].sum(), 1)
    levels = np.stack(only, axis=-1)[:, :, None]  # one block
    by_step, by_prompt, by_noise = ({n: s[..., i] for n, s in variance_shares(levels).items()} for i in range(3))
    assert by_step["step"] - by_step["prompt"] == pytest.approx(1)
    assert (by_prompt["step"] - by_prompt["prompt"] < -0.99).all()
    assert np.allclose(np.stack([*by_noise.values()]).T, [0, 0, 1, 0])
    assert np.isnan(variance_shares(np.ones((2, 2, 3, 1)))["step"]).all()
    with pytest.raises(ValueError, match=r"expected \[prompts, noises"):
        variance_shares(np.zeros((2, 3, 4)))


def test_correlations_find_what_patterns_follow():
    rng = np.random.default_rng(0)
    of_prompt, of_noise = rng.standard_normal((4, 1, 1, 50, 2)), rng.standard_normal((1, 3, 1, 50, 2))
    found = pattern_correlations(np.broadcast_to(of_prompt, (4, 3, 2, 50, 2)))
    assert np.allclose(found["same_prompt"], 1, atol=1e-5)
    assert np.abs(found["same_noise"]).max() < 0.5
    found = pattern_correlations(np.broadcast_to(of_noise, (4, 3, 2, 50, 2)) * 7 + 9)
    assert np.allclose(found["same_noise"], 1, atol=1e-5)
    assert np.allclose(found["same_prompt"], found["neither"])
    with np.errstate(all="raise"):
        assert np.isnan(pattern_correlations(rng.standard_normal((4, 1, 2, 9, 2)))["same_prompt"]).all()
    x = rng.standard_normal((3, 2, 1, 9, 1))
    expected = np.mean([np.corrcoef(x[0, j, 0, :, 0], x[p, 1 - j, 0, :, 0])[0, 1] for j in (0, 1) for p in (1, 2)])
    assert pattern_correlations(x)["neither"][0, 0] == pytest.approx(expected, abs=1e-6)


def test_the_normaliser_divides_by_less():
    tokens = torch.randn(2, 7, 192, generator=torch.Generator().manual_seed(2))
    tokens[..., FEW[0]] += 30
    sink = Normaliser({"top": FEW})
    sink.start(["a"], (1, 7))
    sink.add(tokens, layer=0, step=0, samples=range(2), grid=(1, 7))
    level, pattern, both = sink.array("top")[:, 0].T
    edited = tokens.clone()
    edited[..., FEW[0]] = 0
    expected = (edited.std(-1, correction=0) / tokens.std(-1, correction=0)).mean(1).numpy()
    assert np.allclose(both, expected, atol=1e-4)
    assert (level < 0.5).all()
    assert np.allclose(pattern, 1, atol=0.05)
