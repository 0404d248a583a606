"""Recordings: what a run keeps is what generate did; edits, stops and questions of an explorer."""

from __future__ import annotations

import threading
import time

import fewchannels as fc
import numpy as np
import pytest
from fewchannels.channels import ChannelSet
from fewchannels.measure.recording import Stopped, record_run, recorder
from fewchannels.runfile import load_run, save_run
from fewchannels.widgets import Explorer

STEPS = 2


@pytest.fixture(scope="module")
def run(toy, prompts):
    return record_run(toy, prompts[:2], seed=4, steps=STEPS, k=3, shown=(4, 2, 1), map_steps=[1])


def sets_of(run):
    return {name: ChannelSet.from_json(given) for name, given in run.index["channels"].items()}


def test_a_recording_is_what_generate_did(toy, prompts, run, tmp_path):
    with fc.capture(toy, stats := fc.ChannelStats(), tokens := fc.KeepTokens(steps=[1], channels=[0, 5])):
        images = toy.generate(prompts[:2], seed=4, steps=STEPS)
    np.testing.assert_array_equal(run.images, images)
    for name in ("mean", "mean_abs", "max_abs", "var"):
        np.testing.assert_array_equal(run.stats[name], getattr(stats, name))
    assert "nonfinite" not in run.stats  # there were none
    again = fc.ChannelStats.from_arrays(run.stats, tuple(run.index["layers"]))
    assert not again.nonfinite.any()
    sets = sets_of(run)
    assert sets["top"] == fc.top_channels(stats, k=3)
    assert not {int(c) for c in sets["random"][0]} & {int(c) for c in sets["top"][0]}
    assert [len(row) for row in sets["shown"]] == [7] * len(toy.layers)
    channel = int(sets["shown"][2][0])
    with fc.capture(toy, tokens := fc.KeepTokens(layers=[2], steps=[1], channels=[channel])):
        toy.generate(prompts[:2], seed=4, steps=STEPS)
    np.testing.assert_array_equal(run.maps["shown"][:, 2, 0, :, :, 0].reshape(2, -1), tokens.array[:, 0, 0, :, 0])
    assert run.index["maps"]["shown"]["steps"] == [1]
    assert len(run.index["sigmas"]) == STEPS
    assert load_run(save_run(tmp_path / "run.safetensors", run)).index == run.index
    assert Explorer(run).data["runs"][0]["about"]["seed"] == 4


def test_an_edited_recording_shows_what_the_model_goes_on_with(toy, prompts, run):
    top = sets_of(run)["top"]
    edited = record_run(
        toy, prompts[:2], seed=4, steps=STEPS, like=run, map_steps=[1], ablate={"how": "zero", "channels": top}
    )
    assert edited.index["channels"] == run.index["channels"]
    assert edited.provenance["edit"] == {"how": "zero", "channels": top.to_json(), "label": "zero top 3"}
    for layer, channels in enumerate(top):
        assert not edited.stats["max_abs"][:, layer, :, channels].any()
    assert edited.stats["mean"].any()
    with fc.ablate(toy, top, how="zero"):
        np.testing.assert_array_equal(edited.images, toy.generate(prompts[:2], seed=4, steps=STEPS))


def test_progress_rises_to_the_end_and_a_stop_ends_it(toy, prompts):
    shares = []
    record_run(toy, prompts[:1], steps=STEPS, shown=(1, 0, 0), k=1, report=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    assert len(shares) == 2 * STEPS * len(toy.layers)
    seen = []
    before = toy.generate(prompts[:1], seed=0, steps=1)
    with pytest.raises(Stopped):
        record_run(toy, prompts[:1], steps=50, report=seen.append, stopped=lambda: len(seen) >= 3)
    assert len(seen) == 3
    assert toy.run is None
    np.testing.assert_array_equal(toy.generate(prompts[:1], seed=0, steps=1), before)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prompt": "  "}, "the prompt is empty"),
        ({"steps": 0}, "steps 1 to 1000"),
        ({"seed": "1"}, "expected whole numbers"),
        ({"ablate": {"how": "mean", "channels": {}}}, "expected one of zero, own_mean, shuffle"),
        ({"ablate": {"how": "zero", "channels": {"indices": [[1]]}}}, "no channel set"),
    ],
)
def test_questions_that_are_none_say_what_is_wrong(toy, run, change, words):
    request = {"prompt": "a red star", "seed": 0, "steps": 1, "ablate": None, **change}
    with pytest.raises(ValueError, match=words):
        recorder(toy, like=run)(request)


def test_a_model_at_work_is_not_disturbed(toy, run):
    request = {"prompt": "a red star", "seed": 0, "steps": 1, "ablate": None}
    with toy.trajectory(1, 1), pytest.raises(RuntimeError, match="at work in another cell"):
        recorder(toy, like=run)(request)
    assert recorder(toy)(request).maps["shown"].shape[2] == 1


@pytest.fixture
def live(toy, run):
    """An explorer that may ask, as its front end sees it: say(message), and the messages that came back."""
    explorer = Explorer(run, ask=recorder(toy, like=run))
    sent: list[tuple[dict, list]] = []
    told = threading.Condition()

    def send(content, buffers=None):
        with told:
            sent.append((content, buffers))
            told.notify_all()

    explorer._answers._send = send  # there is no kernel here, whose connection it would go through

    def until(kind):
        with told:
            assert told.wait_for(lambda: any(content["kind"] == kind for content, _ in sent), timeout=120)
        return next((content, buffers) for content, buffers in sent if content["kind"] == kind)

    yield explorer, lambda message: explorer._answers.hear(explorer, message, []), until, sent
    explorer.close()


def test_an_explorer_asks_and_is_answered(live, prompts):
    explorer, say, until, sent = live
    assert explorer.data["ask"] == {"edits": ["zero", "own_mean", "shuffle"]}
    top = explorer.data["runs"][0]["about"]["channels"]["top"]
    request = {"prompt": prompts[2], "seed": 9, "steps": STEPS, "ablate": {"how": "own_mean", "channels": top}}
    say({"kind": "ask", "id": "one", "request": request})
    answer, buffers = until("run")
    about = answer["run"]["about"]
    assert (answer["id"], about["prompts"], about["seed"]) == ("one", [prompts[2]], 9)
    assert about["edit"] == "own_mean top 3"
    assert len(buffers) == 1
    assert {content["kind"] for content, _ in sent} == {"progress", "run"}
    say({"kind": "ask", "id": "two", "request": {"prompt": ""}})
    assert until("failed")[0] == {
        "kind": "failed",
        "id": "two",
        "text": "the prompt is empty: write what the picture is to show",
    }


def test_a_cancelled_question_is_dropped_and_the_next_one_answered(live, prompts, toy):
    _, say, until, sent = live
    say({"kind": "ask", "id": "long", "request": {"prompt": prompts[0], "seed": 0, "steps": 1000, "ablate": None}})
    until("progress")
    say({"kind": "ask", "id": "waiting", "request": {"prompt": prompts[0], "seed": 0, "steps": 1000, "ablate": None}})
    say({"kind": "ask", "id": "next", "request": {"prompt": prompts[1], "seed": 0, "steps": 1, "ablate": None}})
    began = time.monotonic()
    say({"kind": "cancel", "id": "long"})
    say({"kind": "cancel", "id": "waiting"})
    assert until("run")[0]["id"] == "next"
    assert time.monotonic() - began < 60  # and not the minutes that 1000 steps take
    assert {content["id"] for content, _ in sent} <= {"long", "next"}
    for noise in (None, "ask", {"kind": "ask"}, {"kind": "cancel", "id": "never"}, {"kind": "ask", "id": 3}):
        say(noise)  # of other front ends: ignored
    assert toy.run is None
