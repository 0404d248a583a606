"""The survey measures what its names say, on any supported model; the growth of training reads a run's snapshots."""

import numpy as np
import pytest
from fewchannels import load, load_run
from fewchannels.channels import largest_over_median
from fewchannels.measure.survey import overlap_of_prompts, per_layer, survey_channels


@pytest.fixture(scope="module")
def report(toy, prompts):
    return survey_channels(toy, prompts, seeds=(0, 1), seed_prompts=2, steps=2, k=4)


def test_it_measures_every_block_with_intervals(report, toy):
    assert report.layers == toy.layers
    for name in ("ratio", "energy_share", "gini", "over_prompts", "over_seeds", "over_steps", "scores_agree"):
        rows = getattr(report, name)
        assert rows.shape == (len(toy.layers), 3), name
        assert (np.diff(rows[:, [1, 0, 2]]) >= 0).all(), name
    assert report.over_layers.shape == (6, 6)
    assert np.allclose(np.diag(report.over_layers), 1)


def test_its_numbers_are_those_of_the_statistics(report):
    expected = largest_over_median(np.abs(report.stats.mean)).mean(axis=(0, 2))
    assert np.allclose(report.ratio[:, 0], expected, rtol=1e-5)
    assert report.stats.mean.shape == (3, 6, 2, 192)
    assert report.chance == pytest.approx(0.0117, abs=5e-4)


def test_the_text_stream_ends_before_the_last_block(toy, prompts):
    words = survey_channels(toy, prompts[:2], seeds=(0,), steps=1, k=4, stream="text")
    assert words.layers == toy.layers[:-1]
    assert words.over_seeds is None
    assert words.over_steps is None


def test_another_model_goes_through_the_same_call(flux):
    report = survey_channels(flux, ["a", "b"], seeds=(0,), steps=2, k=2)
    assert report.ratio.shape == (len(flux.layers), 3)


def test_a_long_run_is_measured_at_sixteen_steps_and_kept(flux, tmp_path):
    flux = load(flux.pipeline, generation={"height": 32, "width": 48})
    first, again = (survey_channels(flux, ["a", "b"], seeds=(0, 1), steps=18, k=2, store=tmp_path) for _ in range(2))
    assert len(first.stats.steps) == 16
    assert (first.stats.steps[0], first.stats.steps[-1]) == (0, 17)
    assert len(list(tmp_path.glob("*.safetensors"))) == 2
    np.testing.assert_array_equal(first.over_seeds, again.over_seeds)


def test_one_prompt_is_too_few(toy, prompts):
    with pytest.raises(ValueError, match="at least 2"):
        survey_channels(toy, prompts[:1])


def test_overlap_never_compares_a_prompt_with_itself():
    apart = np.arange(12).reshape(3, 1, 1, 4)  # three prompts that share no channel
    assert np.allclose(overlap_of_prompts(apart, 16), 0)
    same = np.tile(np.arange(4), (3, 1, 1, 1))
    assert np.allclose(overlap_of_prompts(same, 16), 1)


def test_the_interval_over_prompts_holds_the_mean():
    values = np.random.default_rng(0).normal(5, 1, size=(200, 2))
    value, low, high = per_layer(values)[0]
    assert value == pytest.approx(values[:, 0].mean())
    assert 0.1 < high - low < 0.5


def test_growth_reads_the_moments_of_a_run(tmp_path):
    from fewchannels.toyworld import growth, train

    trainer = train.Trainer(train.parse_args(["--state", str(tmp_path), "--images", "32", "--device", "cpu"]))
    with pytest.raises(FileNotFoundError, match="no snapshot"):
        growth.moments(tmp_path)
    trainer.export(tmp_path / "snapshot-00001008")
    growth.main(["--state", str(tmp_path), "--out", str(tmp_path / "g.safetensors"), "--prompts", "2", "--steps", "1"])
    run = load_run(tmp_path / "g.safetensors")
    assert run.index["images"] == [0, 1008]
    assert run.stats["abs_mean"].shape == (2, 6, 1, 192)
    # the same untrained weights at both moments, once in 16 bit
    assert np.allclose(run.stats["energy"][0], run.stats["energy"][1], rtol=0.02)
