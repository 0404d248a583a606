"""Transport without a recording: source and target in one batch give what a recording gives."""

import sys

import fewchannels as fc
import numpy as np
import pytest
from fewchannels.edits.patching import record
from fewchannels.reading.readers import Distances
from fewchannels.reading.worlds import ToyWorld
from fewchannels.studies.condition import Condition, each
from fewchannels.studies.groups import pairs
from fewchannels.studies.sets import Sets
from fewchannels.studies.side_by_side import differences
from fewchannels.studies.study import Study, run
from fewchannels.watch.subspaces import subspace

edits = sys.modules["fewchannels.studies.edits"]
STEPS, N = 2, 3
MOVED = Condition("transport", "top")
ALL = 2 * N * STEPS * 144 * 192 * 6 * 4  # bytes of all channels of the sources, and as many again
WAYS = [
    MOVED,
    MOVED.but(source="another pair"),
    MOVED.but(mask="union", blocks=(2, 4)),
    MOVED.but(steps=(1,), strength=0.5),
    MOVED.but(through="content"),
    MOVED.but(through="gain", into="mlp", blocks=(1, 4)),
    MOVED.but(channels="top of the difference"),
]


@pytest.fixture(scope="module")
def model():
    return fc.load("toyworld")


@pytest.fixture(autouse=True)
def _few_calibration_prompts(monkeypatch):
    monkeypatch.setattr(ToyWorld, "calibration", 4)


def moved(model, *conditions):
    study = Study("moved", lambda sets, blocks, steps: conditions, {"all": pairs()}, (Distances(),), base=MOVED)
    return run(study, model, n=N, steps=STEPS, pictures=True)


@pytest.mark.parametrize("limit", [1, 8 * ALL // 192])  # nothing is recorded; the top 8 are, and no set of each pair
def test_side_by_side_is_the_transport_from_a_recording(model, monkeypatch, limit):
    recorded = moved(model, *WAYS)
    monkeypatch.setattr(edits, "LIMIT", limit)
    drawn = []
    draw = edits.SideBySide.draw
    monkeypatch.setattr(edits.SideBySide, "draw", lambda self, model: drawn.append(self) or draw(self, model))
    beside = moved(model, *WAYS)
    assert len(drawn) == (len(WAYS) if limit == 1 else 1)
    assert beside.left_out == {}
    for c in WAYS:
        one, other = recorded.cells[c], beside.cells[c]
        for name in ("to_source", "to_target", "moved", "energy"):
            np.testing.assert_allclose(other[name], one[name], rtol=2e-2, atol=1e-4, err_msg=f"{c.name}: {name}")
        assert (one["to_target"] > 0).all(), c.name


def test_a_part_of_the_states_needs_a_recording(model, monkeypatch):
    monkeypatch.setattr(edits, "LIMIT", 1)
    found = moved(model, MOVED.but(edit="transport level"))
    assert "do not fit into one recording" in found.left_out[MOVED.but(edit="transport level").name]


@pytest.mark.parametrize("limit", [1, ALL])
def test_an_empty_mask_moves_nothing(model, monkeypatch, limit):
    mask = np.zeros((N, 12, 12), bool)
    monkeypatch.setitem(edits.MASKS, "source", lambda ground: mask.copy())
    monkeypatch.setattr(edits, "LIMIT", limit)
    masked = each(MOVED.but(mask="source"), edit=("transport", "blend latents"))
    still = moved(model, *masked)
    for c in masked:
        assert (still.cells[c]["to_target"] == 0).all(), c.name
    mask[1, 3:9, 3:9] = True
    some = moved(model, *masked)
    for c in masked:
        assert (some.cells[c]["to_target"] > 1e-4).tolist() == [False, True, False], c.name


def test_what_sources_and_targets_differ_in_is_that_of_two_recordings(model):
    sets, group = Sets(model, ToyWorld(), 8, steps=STEPS), pairs().of(ToyWorld(), N, 0)
    top, sides = sets.of("top"), []
    for prompts in (group.sources, group.prompts):
        with record(model) as trajectory:
            model.generate(prompts, seed=0, steps=STEPS)
        sides.append(trajectory)
    found = differences(model, group, {"steps": STEPS}, top, moments=True)
    assert found["channels"].shape == (N, 6, 192)
    for layer in range(6):
        every = subspace(sets.of("all"), layer, 192, "cpu")
        rows = [[side.take(layer, step, list(range(N)), every) for step in (0, 1)] for side in sides]
        apart = np.mean([(a - b).float().square().mean(dim=1).numpy() for a, b in zip(*rows, strict=True)], axis=0)
        np.testing.assert_allclose(found["channels"][:, layer], apart, rtol=1e-2, atol=1e-4)
    whole = (found["channels"] * top.mask()).sum(axis=2)
    np.testing.assert_allclose(found["level"] + found["pattern"], whole, rtol=1e-3, atol=1e-5)
    assert ((found["level"] > 0) & (found["pattern"] > 0)).all()
    traces = np.trace(found["moments"], axis1=1, axis2=2)
    np.testing.assert_allclose(traces, found["channels"].mean(axis=0).sum(axis=1), rtol=1e-4)
