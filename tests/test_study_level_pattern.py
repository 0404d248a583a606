"""Level and pattern: the edits change one and keep the other, and the variance is shared out exactly."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from fewchannels.ablation import ablate
from fewchannels.channels import ChannelSet
from fewchannels.hooks import capture
from fewchannels.patching import inject, record
from fewchannels.stats import ChannelStats
from fewchannels.studies.level_pattern import (
    ablations,
    detail,
    detail_share,
    differences,
    full_study,
    interval,
    kept_share,
    mean_agreement,
    single_blocks,
    states,
    study_case,
    study_pairs,
    taken,
    tone_shift,
    transports,
)
from fewchannels.studies.levels import (
    Normaliser,
    looked_blocks,
    median_shares,
    pattern_correlations,
    step_minus_prompt,
    variance_shares,
)
from fewchannels.studies.parts import album, carried, mean_level, no_level
from fewchannels.sweep import sweep
from fewchannels.toyworld.judge import ATTRIBUTES

FEW = ChannelSet(tuple(np.arange(layer, layer + 4) for layer in range(6)), 192, "four a block")


@pytest.fixture(scope="module")
def case(toy):
    return study_case(toy, 2, steps=2)


@pytest.fixture(scope="module")
def runs(toy, case):
    with record(toy, FEW) as source:
        case.untouched  # noqa: B018 - generates
    return source


def values():
    return torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0)) + 3


def test_level_to_zero_keeps_the_pattern():
    old = values()
    new = no_level(old)
    assert torch.allclose(new.mean(dim=1), torch.zeros(2, 4), atol=1e-6)
    assert torch.allclose(new, old - old.mean(dim=1, keepdim=True))


def test_level_to_the_mean_of_a_reference():
    means = np.random.default_rng(0).standard_normal((6, 2, 192)).astype(np.float32)
    old = values()
    new = mean_level(means, FEW)(old, layer=2, step=1, samples=[0, 1])
    assert np.allclose(new.mean(dim=1).numpy(), means[2, 1, 2:6], atol=1e-5)
    assert torch.allclose(no_level(new), no_level(old), atol=1e-5)
    with pytest.raises(ValueError, match="2 steps and this is step 2"):
        mean_level(means, FEW)(old, layer=0, step=2, samples=[0, 1])
    with pytest.raises(ValueError, match="expected \\[6 blocks"):
        mean_level(means[:, :, :5], FEW)


def test_each_part_is_carried_alone(runs):
    old = torch.randn(1, 144, 4, generator=torch.Generator().manual_seed(1)) - 2
    taken = runs.take(3, 1, [1], None)
    parts = {p: carried(runs, FEW, p, partners=[1])(old, layer=3, step=1, samples=[0]) for p in ("level", "pattern")}
    assert torch.allclose(parts["level"].mean(dim=1), taken.mean(dim=1), atol=1e-5)
    assert torch.allclose(no_level(parts["level"]), no_level(old), atol=1e-5)
    assert torch.allclose(parts["pattern"].mean(dim=1), old.mean(dim=1), atol=1e-5)
    assert torch.allclose(no_level(parts["pattern"]), no_level(taken), atol=1e-5)
    assert torch.equal(carried(runs, FEW, "both", partners=[1])(old, layer=3, step=1, samples=[0]), taken)
    with pytest.raises(ValueError, match="part='mean'"):
        carried(runs, FEW, "mean")


def test_both_parts_together_are_the_transport(toy, case, runs):
    with ablate(toy, FEW, carried(runs, FEW, "both", partners=[1, 0]), branch="cond"):
        mine = case.draw()
    with inject(toy, runs, FEW, sources=[1, 0]):
        assert np.array_equal(mine, case.draw())
    assert not np.array_equal(mine, case.untouched)


def test_no_pattern_and_no_level_reach_the_states(toy, case):
    for how, field in ((no_level, "mean"), ("own_mean", "var")):
        with ablate(toy, FEW, how), capture(toy, stats := ChannelStats()):
            case.draw()
        left = getattr(stats, field)[:, np.arange(6)[:, None], :, FEW.mask().nonzero()[1].reshape(6, 4)]
        assert np.abs(left).max() < 1e-4


def test_conditions_of_the_study(toy, case):
    from fewchannels.studies.cases import Calibration

    with capture(toy, stats := ChannelStats()):
        case.draw()
    sets = {"top": FEW}
    cells = sweep(ablations(case, sets, Calibration(stats, None)) | single_blocks(dataclasses.replace(case), FEW))
    assert list(cells) == ["no level/top", "mean level/top", "no pattern/top"] + [
        f"zero in block {b}" for b in range(6)
    ]
    cell = cells["no pattern/top"]
    assert cell["colour"].shape == (2, 3)
    assert cell["detail"].shape == cell["change"].shape == (2,)
    assert (cell["change"] > 0).all()
    assert cell["agree"].shape == (2, len(ATTRIBUTES))
    with pytest.raises(ValueError, match="edit 'blur'"):
        ablations(case, sets, Calibration(stats, None), ("blur",))


def test_transport_of_parts_between_pairs(toy):
    pairs = study_pairs(toy, 2, steps=2)
    cells = sweep(transports(pairs, {"top": FEW}) | differences(pairs, FEW))
    assert list(cells) == ["carry level/top", "carry pattern/top", "carry both/top", "difference"]
    assert cells["carry both/top"]["adopted"].shape == (2, 6)
    apart = cells["difference"]
    assert (apart["level"] >= 0).all()
    assert (apart["pattern"] >= 0).all()
    together = pairs.differences[:, np.arange(6)[:, None], :, FEW.mask().nonzero()[1].reshape(6, 4)].sum(axis=1)
    assert np.allclose(together.mean(axis=-1).T, apart["level"] + apart["pattern"], rtol=1e-3)
    few = dataclasses.replace(pairs, keep=ChannelSet.same([191], 6, 192))  # a large model's sources: not on these
    again = sweep(differences(few, FEW) | transports(few, {"top": FEW}, ("level",)))
    for part in ("all", "level", "pattern"):
        assert np.allclose(again["difference"][part], apart[part], rtol=1e-2, atol=1e-4)
    assert np.allclose(again["carry level/top"]["to_source"], cells["carry level/top"]["to_source"], rtol=1e-3)


def test_deep_models_are_looked_at_in_eight_blocks():
    assert looked_blocks(6) == [0, 1, 2, 3, 4, 5]
    assert looked_blocks(57) == [0, 8, 16, 24, 32, 40, 48, 56]


def test_states_of_untouched_runs(toy, case):
    cell = sweep(states(case, {"top": FEW}, noises=2))["levels/top"]
    assert cell["level"].shape == (2, 2, 6, 2, 4)
    assert ((cell["level_share"] >= 0) & (cell["level_share"] <= 1)).all()
    assert cell["level_share"].shape == (2, 6, 2)
    assert cell["same_prompt"].shape == cell["neither"].shape == (2, 2)
    assert np.abs([cell[name] for name in ("same_prompt", "same_noise", "neither")]).max() <= 1
    with capture(toy, stats := ChannelStats()):
        toy.generate(case.prompts, seed=0, steps=2, samples=[1, 1])
    assert np.allclose(cell["level"][:, 1, 3], stats.mean[:, 3][..., FEW[3]], rtol=2e-3, atol=1e-4)


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
    assert step_minus_prompt(levels[..., :1]) == pytest.approx(1)
    assert step_minus_prompt(levels[..., 1:2]) < -0.99
    assert np.allclose(median_shares(levels[..., 2:]), [0, 0, 1, 0])
    with pytest.raises(ValueError, match="expected \\[prompts, noises"):
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


def test_detail_is_of_edges_alone():
    flat = np.full((1, 6, 6, 3), 0.3)
    checks = flat + 0.1 * ((np.indices((6, 6)).sum(0) % 2) * 2 - 1)[None, :, :, None]
    assert detail(flat)[0] == pytest.approx(0, abs=1e-12)
    assert detail(checks)[0] > 0.005
    assert detail(checks + 0.4)[0] == pytest.approx(detail(checks)[0], rel=1e-4)


def test_agreement_over_some_attributes():
    agree = np.ones((2, len(ATTRIBUTES)))
    agree[0, ATTRIBUTES.index("shape")], agree[1, ATTRIBUTES.index("second")] = 0, np.nan
    assert mean_agreement(agree, ("shape", "colour")).tolist() == [0.5, 1]
    assert np.allclose(mean_agreement(agree), [6 / 7, 1])
    assert kept_share(agree, np.ones_like(agree)).value == pytest.approx(13 / 14)


def test_draws_of_random_sets_are_crossed():
    cells = {f"no level/random {i}": {"change": np.arange(3.0) + i} for i in (1, 2)} | {
        "no level/top": {"change": np.ones(3)}
    }
    values = taken(cells, "no level", "random", lambda cell: cell["change"])
    assert values.tolist() == [[1, 2], [2, 3], [3, 4]]
    assert interval(values).value == 2.5
    assert interval(taken(cells, "no level", "top", lambda cell: cell["change"])) == (1, 1, 1)
    with pytest.raises(KeyError, match="zero/random 1"):
        taken(cells, "zero", "random", lambda cell: cell["change"])


def test_tone_and_detail_against_the_untouched():
    before = {"colour": np.zeros((2, 3)), "detail": np.array([1.0, 3.0])}
    after = {"colour": np.array([[0.3, 0, 0.4]]), "detail": np.array([2.0])}
    assert np.allclose(tone_shift(after, before), [0.5])
    assert detail_share(after, before).value == 2


def test_a_study_is_found_where_it_fits(toy, case, tmp_path, monkeypatch):
    from fewchannels.studies.files import fitting_study, save_study

    (tmp_path / "results").mkdir()
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    assert fitting_study("level_pattern", case, k=8) is None
    save_study(tmp_path / "results" / "level_pattern.safetensors", case, {"a": {"change": np.ones(2)}}, {"k": 8})
    assert fitting_study("level_pattern", case, k=8)["a"]["change"].tolist() == [1, 1]
    assert fitting_study("level_pattern", case, k=4) is None
    assert fitting_study("level_pattern", dataclasses.replace(case, seed=7), k=8) is None


def test_album_has_all_versions(toy, case, runs):
    del runs
    made = album(toy, case.prompts, {1: FEW, 2: FEW}, {"every block": None, "block 0": 0}, steps=2)
    assert made.shape == (4, 2, 2, 2, 48, 48, 3)
    assert made.dtype == np.uint8
    with ablate(toy, FEW, "own_mean", layers=0):
        assert np.abs(made[1, 0, 1].astype(int) - case.draw()).max() <= 2


def test_full_study_is_there_for_the_command():
    assert callable(full_study)
