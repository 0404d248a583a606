"""What an edit takes from another run is of the model as it is now, and is made once for many conditions."""

import threading

import fewchannels as fc
import numpy as np
import pytest
from fewchannels.edits.patching import inject, record
from fewchannels.identity import NoContent, digest
from fewchannels.metrics import squared_distance
from fewchannels.sweep import Recording, sweep_conditions, unchanged

STEPS = {"steps": 2}


@pytest.fixture
def model():
    return fc.load("toyworld")


@pytest.fixture
def drawn(model, monkeypatch):
    """What the model was asked for."""
    calls, generate = [], model.generate
    monkeypatch.setattr(model, "generate", lambda prompts, **more: calls.append(prompts) or generate(prompts, **more))
    return calls


def test_a_recording_is_of_the_model_as_it_is_now(model, prompts):
    one, weight = Recording(prompts[:1], 0, generation=STEPS), model.transformer.transformer_blocks[2].ff.net[2].weight
    before = one.of(model).images
    weight.data.mul_(4)
    assert not np.array_equal(one.of(model).images, before)
    with fc.ablate(model, [5]):
        edited = one.of(model).images
    assert not np.array_equal(one.of(model).images, edited)
    weight.data.div_(4)
    assert np.array_equal(one.of(model).images, before)


def test_a_model_that_nobody_can_read_is_recorded_anew_each_time(model, prompts):
    lock = threading.Lock()
    model.transformer.proj_out.register_forward_hook(lambda module, args, output: output if lock else None)
    with pytest.raises(NoContent):
        digest(model)
    one = Recording(prompts[:1], 0, generation=STEPS, layers=[2])
    assert one.of(model) is not one.of(model)
    with unchanged(model), unchanged(model):
        assert one.of(model) is one.of(model)
    assert one.of(model) is not one.of(model)


def test_a_sweep_moves_what_the_model_gives_now(model, prompts, tmp_path):
    row = {
        "model": model,
        "prompts": prompts[1:],
        "generation": STEPS,
        "edit": "transport",
        "channels": [5, 33, 60],
        "options": {"source": Recording(prompts[:2], 0, generation=STEPS)},
    }
    sweep_conditions([row], tmp_path)
    model.transformer.transformer_blocks[0].ff.net[2].weight.data.mul_(2)
    kept, again = (sweep_conditions([row], store)["condition 0"] for store in (tmp_path, None))
    with record(model) as source:
        model.generate(prompts[:2], seed=0, **STEPS)
    untouched = model.generate(prompts[1:], seed=0, **STEPS)
    with inject(model, source, [5, 33, 60]):
        images = model.generate(prompts[1:], seed=0, **STEPS)
    for found in (kept, again):
        assert found["change"] == pytest.approx(squared_distance(images, untouched), rel=1e-3)


def test_many_conditions_of_a_sweep_share_one_recording(model, prompts, drawn):
    source = Recording(prompts[:2], 0, generation=STEPS)
    base = {"model": model, "prompts": prompts[1:], "generation": STEPS, "edit": "transport"}
    rows = [
        {**base, "name": f"{k} channels", "channels": list(range(k)), "options": {"source": source}} for k in (1, 2, 4)
    ]
    found = sweep_conditions(rows, rows=2)
    assert [calls for calls in drawn if calls == prompts[:2]] == [prompts[:2]]
    assert found["4 channels"]["moved"].min() > found["1 channels"]["moved"].min() > 0
