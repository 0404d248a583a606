"""The study of ingredients: an arm's training measures itself, goes on after a kill, and leaves one small file."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from fewchannels.cli.command import main
from fewchannels.reading.worlds import ToyWorld
from fewchannels.studies import Results, ingredients
from fewchannels.studies.held_out import HeldOut
from fewchannels.studies.training import trainings
from fewchannels.toyworld import train
from fewchannels.toyworld.arms import ARMS
from tiny_training import tiny_pipeline

IMAGES = 6 * 32


@pytest.fixture
def small(monkeypatch):
    """The tiny network, few prompts and scenes, a moment at every second step, a line of the log at every step."""
    monkeypatch.setattr(train, "build_pipeline", tiny_pipeline)
    monkeypatch.setattr(ingredients, "HeldOut", lambda vae: HeldOut(vae, 8))
    monkeypatch.setattr(ingredients, "snapshot_due", lambda before, after: after % 64 == 0)
    monkeypatch.setattr(ingredients, "PROMPTS", 8)
    monkeypatch.setattr(ingredients, "STATE_EVERY", 64)
    monkeypatch.setattr("fewchannels.toyworld.learner.LOG_EVERY", 32)
    monkeypatch.setattr(ToyWorld, "calibration", 4)
    monkeypatch.setattr(ToyWorld, "study_steps", 2)
    before = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGINT)}
    yield
    for name, handler in before.items():
        signal.signal(name, handler)


def course_of(file):
    found = Results.read(file)
    ((_, (one,)),) = trainings(found).items()
    return found, one


@pytest.mark.parametrize("arm", ["muon", "rotated_stream", "magnitude_preserving"])
def test_a_stopped_training_goes_on_and_ends_as_one_that_was_not(small, tmp_path, monkeypatch, arm):
    given = arm, 1, IMAGES
    parts = [tmp_path / name for name in ("whole", "stopped")]
    for folder in parts:
        folder.mkdir()
    assert ingredients.run_arm(*given, parts[0], tmp_path / "a")
    with monkeypatch.context() as patch:
        look = ingredients.ArmTrainer.look

        def stop(trainer):
            look(trainer)
            if trainer.images == 128:
                os.kill(os.getpid(), signal.SIGTERM)

        patch.setattr(ingredients.ArmTrainer, "look", stop)
        assert not ingredients.run_arm(*given, parts[1], tmp_path / "b")
    state = tmp_path / "b" / f"{arm}-1-{IMAGES}"
    assert json.loads((state / "state.json").read_text())["images"] == 160, "the step under way is kept"
    assert not list(parts[1].iterdir())
    assert ingredients.run_arm(*given, parts[1], tmp_path / "b")
    assert not state.exists(), "no weights are left"
    (found, whole), (_, stopped) = (course_of(ingredients.part_of(folder, arm, 1)) for folder in parts)
    assert whole.images.tolist() == [64, 128, 192]
    assert whole.course["trained"].tolist() == list(range(32, 193, 32))
    for name, array in whole.course.items():
        assert np.array_equal(array, stopped.course[name]), name
    assert whole["size"].shape == (3, 2)
    assert np.isfinite(whole["training_loss"]).all()
    name = f"{arm}, seed 1"
    assert found.index["models"][name] | {"arm": arm, "seed": 1, "images": IMAGES} == found.index["models"][name]
    assert found.mean("right", edit="", prompts=name).value >= 0
    assert found.mean("right by eye", edit="", prompts=name).value >= 0
    changes = [found.mean("change", channels=kind, prompts=name).value for kind in ("top", "random")]
    assert np.isfinite(changes).all()
    assert found.instruments[f"size of {name}"]["principal"].shape == (2,)


def test_a_training_that_diverges_says_so(small, tmp_path, monkeypatch):
    monkeypatch.setattr(train.Trainer, "rate", lambda trainer: float("nan"))
    with pytest.raises(FloatingPointError, match="the loss is nan after 32 images: this training has diverged"):
        ingredients.run_arm("base", 0, IMAGES, tmp_path, tmp_path / "state")


def made(arm, seed, images, parts, state):
    """Stands in for `run_arm`: a part without a training, or whatever the arm's name asks for."""
    if arm == "softmax1":
        raise ZeroDivisionError("made to fail")
    if arm == "no_gate":
        (state / "began").write_text(str(os.getpid()))
        time.sleep(3600)
    course = {"images": np.array([1000, 2000]), "loss": np.array([1.0, 0.5 + seed])}
    measures = {name: np.ones((2, 6), np.float32) for name in ("size", "kurtosis", "top_share", "first")}
    name = f"{arm}, seed {seed}"
    Results(
        "ingredients",
        {},
        {name: 8},
        {f"course of {name}": course | measures},
        provenance=dict.fromkeys(("model", "revision", "seed", "steps", "dtype", "versions", "date")),
        index={"models": {name: {"arm": arm, "seed": seed, "images": images}}, "order": [name]},
    ).save(ingredients.part_of(parts, arm, seed))
    return True


def test_what_is_finished_is_skipped_and_what_fails_is_left(tmp_path, capfd):
    parts, state, out = tmp_path / "parts", tmp_path / "state", tmp_path / "out.safetensors"
    given = 2_000, parts, state
    missing = ingredients.run_arms(["muon", "softmax1", "base"], [0, 1], *given, 2, made)
    assert missing == [("softmax1", 0), ("softmax1", 1)]
    assert "softmax1, seed 1: failed" in capfd.readouterr().err
    times = {file: file.stat().st_mtime_ns for file in parts.iterdir()}
    assert len(times) == 4
    assert ingredients.run_arms(["muon", "base"], [0, 1], *given, 2, made) == []
    assert {file: file.stat().st_mtime_ns for file in parts.iterdir()} == times
    ingredients.merge(parts, out)
    arms = trainings(Results.read(out))
    assert {arm: [one.seed for one in some] for arm, some in arms.items()} == {"base": [0, 1], "muon": [0, 1]}
    assert arms["muon"][1].at_images("loss") == 1.5
    assert ingredients.table(Results.read(out)).count("\n") == 4
    with pytest.raises(ValueError, match="is of 2000 images, not 3000: name another folder"):
        ingredients.run_arms(["base"], [0], 3_000, parts, state, 1, made)
    assert ingredients.merge(tmp_path / "none", None) is None


def test_a_file_that_is_gone_on_with_keeps_what_it_held(tmp_path):
    out, parts = tmp_path / "out.safetensors", [tmp_path / "here", tmp_path / "there"]
    ingredients.unpack(out, parts[0])  # nothing to go on with
    parts[0].mkdir()
    for arm in ("muon", "base"):
        made(arm, 0, 2_000, parts[0], tmp_path)
    ingredients.merge(parts[0], out)
    ingredients.unpack(out, parts[1])
    kept = {file.name: file.read_bytes() for file in parts[1].iterdir()}
    assert sorted(kept) == ["base-0.safetensors", "muon-0.safetensors"]
    assert ingredients.run_arms(["muon", "base"], [0], 2_000, parts[1], tmp_path, 1, made) == []  # and none begins
    for arm in ("muon", "base"):
        made(arm, 1, 2_000, parts[1], tmp_path)
    ingredients.unpack(out, parts[1])
    assert {file.name: file.read_bytes() for file in parts[1].iterdir() if file.name in kept} == kept
    ingredients.merge(parts[1], out)
    assert Results.read(out).index["order"] == ["base, seed 0", "base, seed 1", "muon, seed 0", "muon, seed 1"]
    assert trainings(Results.read(out))["base"][1].at_images("loss") == 1.5


def run_until_told(parts, state):
    ingredients.run_arms(["no_gate"], [0], 2_000, parts, state, 1, made)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_processes_end_with_the_command(tmp_path, how):
    process = multiprocessing.get_context("spawn").Process(target=run_until_told, args=(tmp_path, tmp_path / "state"))
    process.start()
    began, end = tmp_path / "state" / "began", time.monotonic() + 600
    try:
        while not began.exists() or not began.read_text():
            assert process.is_alive()
            assert time.monotonic() < end
            time.sleep(0.1)
        worker = int(began.read_text())
        os.kill(process.pid, how)
        process.join(60)
        assert not process.is_alive()
    finally:
        process.kill()
    while alive(worker):
        assert time.monotonic() < end, "a worker outlives the command"
        time.sleep(0.1)
    assert not list(tmp_path.glob("*.safetensors"))


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_the_command_runs_all_and_says_what_is_left(monkeypatch, capsys, tmp_path):
    asked = []
    monkeypatch.setattr(ingredients, "run_arms", lambda *given: asked.append(given) or [("muon", 2)])
    monkeypatch.setattr(ingredients, "PARTS", tmp_path)
    monkeypatch.setattr(ingredients, "merge", lambda parts, out: None)
    assert main(["study", "ingredients", "--out", str(tmp_path / "out.safetensors")]) == 1
    told = capsys.readouterr()
    assert "not finished: muon, seed 2" in told.out
    assert "give the same command again" in told.err
    ((arms, seeds, images, *_),) = asked
    assert (tuple(arms), tuple(seeds), images) == (tuple(ARMS), (0, 1, 2), 50_000)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--only", "base,mulon"], "--only mulon: there are base, muon"),
        (["--jobs", "0"], "expected at least one of --jobs"),
        (["--images", "100"], "2,000 --images"),
    ],
)
def test_wrong_options_are_named(capsys, options, words):
    with pytest.raises(SystemExit):
        ingredients.main(options)
    assert words in capsys.readouterr().err


def test_a_beginning_is_measured_as_the_training_is_at_that_moment(small, tmp_path, monkeypatch):
    monkeypatch.setattr(ingredients, "IMAGES", IMAGES)
    assert ingredients.run_arm("rotated_stream", 1, IMAGES, tmp_path, tmp_path / "state")
    _, whole = course_of(ingredients.part_of(tmp_path, "rotated_stream", 1))
    begun = ingredients.begin("rotated_stream", 1, 64)
    for name, array in begun.items():
        kept = whole.course[name][0]
        assert np.array_equal(array.astype(kept.dtype), kept), name
    with pytest.raises(ValueError, match="arm='adam': expected one of base, muon"):
        ingredients.begin("adam")
    with pytest.raises(ValueError, match=r"images=16: expected 32 \(a step\) to 192"):
        ingredients.begin("base", images=16)
