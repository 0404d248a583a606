"""Run files of several models: what the command line writes is read and compared, what is no run is refused by name."""

import json
import shutil

import numpy as np
import pytest
from fewchannels import plots
from fewchannels.cli import main
from fewchannels.measure.contributed import (
    ModelRun,
    channels_for_share,
    energy_held,
    measured_run,
    read_folder,
    results_folder,
)
from fewchannels.runfile import Run, RunFileError, load_run, save_run
from tiny_pipelines import PIPELINES


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two runs of the command line, of the toy world and of a pipeline of random weights, which the file says."""
    folder = tmp_path_factory.mktemp("real")
    saved = folder / "SD3 of random weights"
    PIPELINES["SD3"]().pipeline.save_pretrained(saved, safe_serialization=True)
    words = ["--prompt", "a large red star at the left", "--prompt", "a small blue circle at the top", "--steps", "2"]
    more = [*words, "--quiet", "--maps", "1"]
    assert main(["run", "--k", "4", "--out", str(folder / "toy.safetensors"), *more]) == 0
    size = ["--height", "32", "--width", "48", "--k", "3", "--merge"]
    assert main(["run", "--model", str(saved), "--out", str(folder / "random.safetensors"), *size, *more]) == 0
    shutil.rmtree(saved)
    return folder


def test_files_of_the_command_line_are_read(folder):
    found, refused = read_folder(folder)
    assert not refused
    assert set(found) == {"SD3 of random weights", "toyworld"}
    toy, random = found["toyworld"], found["SD3 of random weights"]
    assert (toy.scores.shape, toy.k, toy.merged) == ((2, 6, 2, 192), 4, False)
    assert (random.scores.shape, random.k, random.merged) == ((1, 3, 2, 32), 3, True)
    assert np.array_equal(toy.scores, np.abs(toy.run.stats["mean"]))
    assert (random.depth == [0, 0.5, 1]).all()
    for run in found.values():
        image, maps, channels, layer, step = run.maps(2)
        assert image.ndim == 3
        assert len(maps) == len(channels) == 2
        assert step == 1
        assert layer == len(run.depth) // 2
        assert run.ratio().shape == run.share().shape == (len(run.depth), 3)
        assert (run.share()[:, 0] <= 1).all()
        assert run.over_steps().shape == (len(run.depth), 3)
        for part in ("seed 0", "2 steps", "float32", "torch", "2 prompts", str(run.run.provenance["revision"])[:19]):
            assert part in run.source()
    assert random.over_prompts() is None
    assert np.isnan(random.ratio()[:, 1:]).all()
    assert np.isfinite(toy.over_prompts()).all()


def test_bad_files_are_named_and_skipped(folder, tmp_path):
    for file in folder.glob("*.safetensors"):
        shutil.copy(file, tmp_path)
    shutil.copy(tmp_path / "toy.safetensors", tmp_path / "zweimal.safetensors")
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "toy.safetensors").read_bytes()[:-100])
    (tmp_path / "text.safetensors").write_text(json.dumps({"a": 1}))
    (tmp_path / "notes.txt").write_text("not a run, and not looked at")
    run = load_run(tmp_path / "toy.safetensors")
    stats, size = dict(run.stats), run.stats["mean"].size
    some = np.eye(1, size, 5, dtype=np.uint8).reshape(run.stats["mean"].shape)
    bad = {
        "empty": {"other": np.zeros(2)},
        "nan": stats | {"mean": np.full_like(stats["mean"], np.nan)},
        "left out": stats | {"nonfinite": some},
        "shape": stats | {"mean": stats["mean"][:, :2]},
    }
    for name, arrays in bad.items():
        save_run(tmp_path / f"{name}.safetensors", Run(run.provenance, run.prompts, arrays, index=run.index))
    no_axes = Run(run.provenance, run.prompts, stats)
    save_run(tmp_path / "axes.safetensors", no_axes)
    found, refused = read_folder(tmp_path)
    assert set(found) == {"SD3 of random weights", "toyworld", "toyworld (zweimal)"}
    words = {
        "cut": "cut",
        "text": "no safetensors",
        "empty": "stats/mean",
        "nan": "inf or nan",
        "left out": "inf or nan",
        "shape": "expected",
        "axes": "layers and steps",
    }
    assert set(refused) == {f"{name}.safetensors" for name in words}
    for name, word in words.items():
        assert word in refused[f"{name}.safetensors"]
        assert str(tmp_path) not in refused[f"{name}.safetensors"]
    assert read_folder(tmp_path / "nothing") == ({}, {})
    with pytest.raises(RunFileError, match="samples for 1 prompts"):
        ModelRun.of(Run(run.provenance, run.prompts[:1], stats, index=run.index))


def test_a_run_measured_here_is_a_run_file(toy, prompts, tmp_path):
    run = measured_run(toy, prompts[:2], seed=3, steps=3, k=4, store=tmp_path)
    again = measured_run(toy, prompts[:2], seed=3, steps=3, k=4)
    assert np.array_equal(run.stats["mean"], again.stats["mean"])
    save_run(tmp_path / "mine.safetensors", run)
    own = read_folder(tmp_path)[0]["toyworld"]
    assert (own.steps, own.k, own.run.provenance["seed"]) == ((0, 1, 2), 4, 3)
    image, maps, channels, layer, step = own.maps()
    assert (maps.shape, step, image.shape) == ((3, 12, 12), 2, (48, 48, 3))
    assert channels == list(run.index["channels"]["top"]["indices"][layer][:3])
    score = own.scores[0, layer, -1, channels]
    assert np.abs(maps.mean(axis=(1, 2))) == pytest.approx(score, rel=1e-3)  # maps and statistics are of one run


def test_equal_shares_of_the_energy():
    scores, energy = np.array([[4.0, 3.0, 2.0, 1.0], [1.0, 2.0, 3.0, 4.0]]), np.array([[5.0, 3.0, 1.0, 1.0]] * 2)
    assert np.allclose(energy_held(scores, energy)[0], [0.5, 0.8, 0.9, 1.0])
    assert channels_for_share(scores, energy, 0.5).tolist() == [1, 3]
    assert channels_for_share(scores, energy, 0.8).tolist() == [2, 4]
    assert channels_for_share(scores, energy, 1.0).tolist() == [4, 4]
    with pytest.raises(ValueError, match="share=0"):
        channels_for_share(scores, energy, 0)


def test_the_folder_is_the_repository_s_unless_given(tmp_path, monkeypatch):
    assert results_folder(tmp_path) == tmp_path
    (tmp_path / "results").mkdir()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert results_folder() == tmp_path / "results" / "real"


def test_lines_of_several_lengths_in_one_figure():
    figure = plots.lines(
        {"a": ([0, 1], [1, 10]), "b": ([0, 0.5, 1], [1, 2, 3], [0.5, 1, 2], [2, 3, 4])},
        "x",
        "y",
        {"chance": 0.7},
        log_y=True,
    )
    assert [len(line.get_xdata()) for line in figure.axes[0].lines] == [2, 3, 2]
    assert [text.get_text() for text in figure.legends[0].texts] == ["a", "b", "chance"]
    with pytest.raises(ValueError, match="low, high"):
        plots.lines({"a": ([0, 1], [1, 2, 3])}, "x", "y")
    with pytest.raises(ValueError, match="at least one"):
        plots.lines({}, "x", "y")
