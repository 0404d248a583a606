"""A table of conditions gives what its conditions give one at a time, in fewer forwards."""

from __future__ import annotations

import functools
import threading

import fewchannels as fc
import numpy as np
import pytest
import torch
from fewchannels.choices import chosen_steps
from fewchannels.measure.statistics import key_of
from fewchannels.metrics import squared_distance
from fewchannels.origins import digest_of
from fewchannels.sweep import SweepFailed, code_digest, grid, pieces, sweep_conditions
from fewchannels.sweep.batches import change_and_pictures
from fewchannels.sweep.conditions import complete
from fewchannels.sweep.prefix import Prefix
from fewchannels.sweep.table import batched, first_step
from tiny_pipelines import PIPELINES

STEPS = 3
TOP, LOW = [160, 5, 33], [2, 3]


def one_at_a_time(condition, model) -> dict[str, np.ndarray]:
    """What a condition gives by itself, by the library's plain calls."""
    generation = {"seed": condition["seed"], "samples": condition["samples"], **condition["generation"]}
    untouched = model.generate(condition["prompts"], batch_size=len(condition["prompts"]), **generation)
    if condition["edit"] is None:
        return {"pictures": untouched}
    options = dict(condition["options"])
    with fc.ablate(
        model, condition["channels"], condition["edit"], layers=condition["blocks"], steps=condition["steps"], **options
    ) as log:
        pictures = model.generate(condition["prompts"], batch_size=len(condition["prompts"]), **generation)
    return {
        "pictures": pictures,
        "change": squared_distance(pictures, untouched).astype(np.float32),
        "moved": np.nanmean(log.change, axis=(1, 2)).astype(np.float32),
        "energy": np.nanmean(log.energy_ratio, axis=(1, 2)).astype(np.float32),
    }


def test_batches_and_shared_steps_give_what_each_condition_gives_by_itself(toy, prompts):
    """Every kind of edit, in blocks, steps, streams, branches and reads that differ within the batch."""
    shared = {"model": toy, "prompts": prompts[:2], "seed": 3, "generation": {"steps": STEPS}}
    table = [
        {"name": "none"},
        {"edit": "zero", "channels": TOP},
        {"edit": "zero", "channels": LOW, "blocks": [1, "transformer_blocks.4"], "steps": [2]},
        {"edit": "shuffle", "channels": TOP, "steps": [1, 2], "options": {"seed": 5}},
        {"edit": "noise", "channels": LOW, "steps": [-1], "options": {"match": TOP}},
        {"edit": "own_mean", "channels": [TOP, None], "steps": [2], "options": {"strength": 0.5}},
        {"edit": "zero", "channels": TOP, "blocks": [0, 1], "options": {"stream": "text"}},
        {"edit": "zero", "channels": TOP, "options": {"through": "both"}},
        {"edit": "zero", "channels": TOP, "blocks": [4], "steps": [2], "options": {"through": "content"}},
        {"edit": "zero", "channels": [TOP, None], "options": {"through": "gain"}},
        {"edit": "scale", "channels": TOP, "options": {"factor": 2.0, "through": "gain", "into": ["mlp", "last"]}},
        {
            "edit": "noise",
            "channels": LOW,
            "steps": [1],
            "options": {"match": TOP, "through": "content", "into": "mlp"},
        },
        {"edit": "shuffle", "channels": TOP, "blocks": [1, 5], "options": {"through": "gain", "branch": "cond"}},
    ]
    table = [complete({**shared, "name": str(i), **condition}, i) for i, condition in enumerate(table)]
    table[5]["name"] = "half"
    alone = {condition["name"]: one_at_a_time(condition, toy) for condition in table}
    together = sweep_conditions(table, measure=change_and_pictures)
    same_rows = sweep_conditions(table, measure=change_and_pictures, rows=2)
    for name, parts in alone.items():
        for part, array in parts.items():
            np.testing.assert_array_equal(same_rows[name][part], array, err_msg=f"{name}: {part}")
            limit = {"atol": 1, "rtol": 0} if part == "pictures" else {"atol": 1e-4}  # 1 of 255, by rounding
            wide = np.asarray(array, np.float64)
            np.testing.assert_allclose(np.asarray(together[name][part], np.float64), wide, **limit, err_msg=name)
    assert alone["half"]["change"][0] > 0 == alone["half"]["change"][1]


@pytest.mark.parametrize("name", ["FLUX.1", "SD3", "Qwen-Image", "PixArt-Sigma", "Z-Image"])
def test_other_pipelines_share_steps_too_or_say_why_not(name):
    """With guidance in one batch, in two passes, and where rows are not rows: the same bits as in full."""
    made = PIPELINES[name]()
    model = fc.load(made.pipeline)
    height, width = made.size
    generation = {"steps": 3, "height": height, "width": width, **made.common, **made.guided}
    shared = {"model": model, "prompts": ["a dog", "a cat"], "generation": generation, "edit": "zero"}
    table = [complete({**shared, "channels": [1, 2], "steps": [2], "name": "late"}, 0)]
    counted = []
    handle = next(iter(model.transformer.children())).register_forward_hook(lambda *_: counted.append(1))
    full = sweep_conditions(table, measure=change_and_pictures, share=False, rows=2)
    run, counted[:] = len(counted), []
    found = sweep_conditions(table, measure=change_and_pictures, rows=2)
    handle.remove()
    np.testing.assert_array_equal(found["late"]["pictures"], full["late"]["pictures"])
    prefix = Prefix(2)
    with prefix.recorded(model, [0, 1]):
        model.generate(shared["prompts"], batch_size=2, **generation)
    if prefix.why is None:
        assert len(counted) < run, "no forward was saved"
    else:
        assert "has no row a sample" in prefix.why
        assert len(counted) == run


def test_steps_are_replayed_only_on_the_same_inputs(toy, prompts):
    prefix = Prefix(2)
    with prefix.recorded(toy, [0, 1]):
        whole = toy.generate(prompts[:2], steps=3, output="latent")
    with prefix.replayed(toy, [0, 1], 2):
        again = toy.generate(prompts[:2], steps=3, output="latent")
    assert (prefix.hits, prefix.misses) == (2, 0)
    assert (again == whole).all()
    with prefix.replayed(toy, [1, 0], 2):
        turned = toy.generate(prompts[1::-1], samples=[1, 0], steps=3, output="latent")
    assert prefix.hits == 4
    np.testing.assert_allclose(turned[[1, 0]], whole, atol=1e-4)
    with prefix.replayed(toy, [0, 1], 2):
        other = toy.generate(prompts[:2], seed=1, steps=3, output="latent")
    assert prefix.misses == 2
    assert (other == toy.generate(prompts[:2], seed=1, steps=3, output="latent")).all()
    assert "forward" not in vars(toy.transformer)


def test_forwards_are_saved(toy, prompts):
    rows = []
    shared = {"model": toy, "prompts": prompts[:1], "generation": {"steps": STEPS}, "edit": "zero"}
    table = grid(shared, channels={"top": TOP, "low": LOW}, steps=[[2], [0]])
    # within the first block: the block itself is called where what it gave is at hand, and computes nothing
    handle = toy.transformer.transformer_blocks[0].attn.register_forward_pre_hook(
        lambda m, a, k: rows.append(len(k["hidden_states"])), with_kwargs=True
    )
    try:
        sweep_conditions(table)
        saved = list(rows)
        rows.clear()
        sweep_conditions(table, share=False, rows=1)
    finally:
        handle.remove()
    # the run without an edit; four conditions from the first step on, in which the first block is not computed: a batch
    # of their own for the two that begin at step 2 would cost more
    assert saved == [1] * STEPS + [4] * (STEPS - 1)
    assert rows == [1] * STEPS * 5


@pytest.mark.parametrize("through", ["both", "content", "gain"])
def test_what_is_recorded_is_carried_to_reads_alike_in_a_batch(toy, prompts, through):
    """Transport and resampling, whose values are of a block's output, beside an edit of the stream."""
    with fc.record(toy) as source:
        toy.generate(prompts[1:], seed=3, steps=STEPS)
    reads = {"through": through, "into": "mlp"}
    shared = {"model": toy, "prompts": prompts[:2], "seed": 3, "generation": {"steps": STEPS}, "channels": TOP}
    table = [
        {"name": "moved", "edit": "transport", "options": {"source": source, "branch": "cond", **reads}},
        {"name": "level", "edit": "transport", "blocks": [2], "options": {"source": source, "part": "level", **reads}},
        {"name": "drawn", "edit": "resample", "options": {"reference": source, **reads}},
        {"name": "stream", "edit": "transport", "options": {"source": source}},
    ]
    found = sweep_conditions([{**shared, **one} for one in table], measure=change_and_pictures, rows=8)
    contexts = {
        "moved": lambda: fc.inject(toy, source, TOP, **reads),
        "level": lambda: fc.inject(toy, source, TOP, part="level", layers=2, branch="both", **reads),
        "drawn": lambda: fc.ablate(toy, TOP, "resample", reference=source, **reads),
        "stream": lambda: fc.inject(toy, source, TOP, branch="both"),
    }
    for name, make in contexts.items():
        with make() as log:
            pictures = toy.generate(prompts[:2], seed=3, steps=STEPS)
        np.testing.assert_allclose(found[name]["pictures"].astype(int), pictures, atol=1, err_msg=name)
        np.testing.assert_allclose(found[name]["moved"], np.nanmean(log.change, axis=(1, 2)), rtol=1e-3, err_msg=name)
    assert found["moved"]["change"].max() > 0


def test_a_store_knows_a_condition_by_what_it_is_about(tmp_path, toy, prompts):
    lines = []
    base = {"prompts": prompts[:1], "generation": {"steps": 1}, "edit": "zero", "channels": TOP}
    found = sweep_conditions([{**base, "name": "first"}], tmp_path, lines.append)
    again = sweep_conditions([{**base, "name": "second", "channels": tuple(TOP), "model": toy}], tmp_path, lines.append)
    np.testing.assert_array_equal(found["first"]["change"], again["second"]["change"])
    assert len(lines) == 2, "a model in memory has a dtype, and one by name has what load chooses"
    sweep_conditions([{**base, "name": "third"}], tmp_path, lines.append)
    assert len(lines) == 2, "another name is not another condition"
    others = [{"seed": 1}, {"steps": [0]}, {"channels": LOW}, {"options": {"strength": 0.5}}, {"samples": [4]}]
    sweep_conditions([{**base, **other, "name": str(i)} for i, other in enumerate(others)], tmp_path, lines.append)
    assert len(lines) == 2 + len(others)


def one_cell(model, **more):
    table = [{"model": model, "prompts": ["a red star"], "edit": "zero", "channels": [0], "name": "cell"}]
    return [{**table[0], "generation": {"steps": 1, "height": 32, "width": 48}, **more}]


def test_a_kept_condition_is_of_the_model_as_it_is_now(tmp_path):
    """Whether it was loaded or made in memory, and however it was changed; and that of before is still there."""
    model, lines = fc.load(PIPELINES["FLUX.1"]().pipeline), []
    weight = model.transformer.transformer_blocks[0].attn.to_q.weight
    plain = model.pipeline.scheduler

    def kept():
        fresh = sweep_conditions(one_cell(model), rows=1)["cell"]["change"]
        before = len(lines)
        np.testing.assert_array_equal(
            sweep_conditions(one_cell(model), tmp_path, lines.append)["cell"]["change"], fresh
        )
        return len(lines) == before

    def scheduler(made):
        model.pipeline.scheduler = made

    assert not kept()
    assert kept()
    changes = [
        (lambda: weight.data.mul_(4), lambda: weight.data.div_(4)),
        (lambda: scheduler(type(plain)(shift=4.0)), lambda: scheduler(plain)),
        (lambda: model.defaults.update(guidance_scale=2.0), lambda: model.defaults.pop("guidance_scale")),
    ]
    for change, back in changes:
        change()
        assert not kept()
        back()
        assert kept()
    assert len(list(tmp_path.glob("*.safetensors"))) == 1 + len(changes)


class Threshold:
    def __init__(self, value):
        self.value = value

    def above(self, images, untouched):
        return {"above": (images.mean(axis=(1, 2, 3)) > self.value).astype(np.float32)}

    __call__ = above


def above(images, untouched, value=0.0):
    return Threshold(value).above(images, untouched)


@pytest.mark.parametrize(
    "make",
    [
        Threshold,
        lambda value: Threshold(value).above,
        lambda value: functools.partial(above, value=value),
        lambda value: lambda images, untouched: above(images, untouched, value),
    ],
    ids=["object", "bound method", "partial", "closure"],
)
def test_a_kept_condition_is_of_the_reader_that_is_asked(tmp_path, flux, make):
    for value in (0, 255, 0):
        found = sweep_conditions(one_cell(flux), tmp_path, measure=make(value))["cell"]["above"]
        assert found.tolist() == [value == 0]
    assert len(list(tmp_path.glob("*.safetensors"))) == 2


def test_two_conditions_of_one_sweep_whose_functions_hold_other_values_are_two(tmp_path, flux):
    table = [
        {**one_cell(flux)[0], "name": str(i), "options": {"values": np.full(1, i)}, "edit": "replace"} for i in (0, 9)
    ]
    table += [
        {**one_cell(flux)[0], "name": f"closure {i}", "edit": lambda tokens, i=i, **_: tokens * 0 + i} for i in (0, 9)
    ]
    found = sweep_conditions(table, tmp_path)
    assert len(list(tmp_path.glob("*.safetensors"))) == 4
    assert found["0"]["change"] != found["9"]["change"]
    assert found["closure 0"]["change"] != found["closure 9"]["change"]


def test_what_cannot_be_known_is_refused_where_there_is_a_store_and_nowhere_else(tmp_path, flux):
    lock = threading.Lock()

    def measure(images, untouched):
        with lock:
            return {"mean": images.mean(axis=(1, 2, 3))}

    with pytest.raises(TypeError, match=r"lock \('lock' of .*measure\) has no content"):
        sweep_conditions(one_cell(flux), tmp_path / "store", measure=measure)
    assert not (tmp_path / "store").exists()
    assert "mean" in sweep_conditions(one_cell(flux), measure=measure)["cell"]


def test_a_folder_is_known_by_all_of_its_files_wherever_one_stands(tmp_path, flux, monkeypatch):
    for name, factor in (("here", 1), ("there", 2)):
        weight = flux.pipeline.text_encoder_2.shared.weight
        with torch.no_grad():
            kept = weight.clone()
            weight.mul_(factor)
        try:
            flux.pipeline.save_pretrained(tmp_path / name / "model", safe_serialization=True)
        finally:
            with torch.no_grad():
                weight.copy_(kept)
    found = []
    for name in ("here", "there", "here"):
        monkeypatch.chdir(tmp_path / name)
        found.append(sweep_conditions(one_cell("model"), tmp_path / "store")["cell"]["change"])
        model = fc.load("model")
        revision = model.revision
        monkeypatch.chdir(tmp_path)
        assert fc.load(model.folder).revision == revision
        assert key_of(fc.load(model.folder), ["a"]) == key_of(model, ["a"])
    assert found[0] == found[2] != found[1], "their transformers are the same, and another encoder speaks to them"
    assert len(list((tmp_path / "store").glob("*.safetensors"))) == 2
    with pytest.raises(FileNotFoundError, match="holds no safetensors file"):
        digest_of(tmp_path)


def test_pieces_have_the_noise_that_they_have_in_the_whole(toy, prompts):
    shared = {"model": toy, "generation": {"steps": 1}, "edit": "zero", "channels": TOP}
    whole = sweep_conditions([{**shared, "prompts": prompts}])["condition 0"]
    parts = sweep_conditions(grid(shared, pieces(prompts, 2)))
    assert list(parts) == ["prompts 0 to 1", "prompts 2 to 2"]
    np.testing.assert_allclose(np.concatenate([p["change"] for p in parts.values()]), whole["change"], atol=1e-4)


def test_a_condition_that_cannot_be_leaves_the_others_alone(toy, prompts):
    shared = {"model": toy, "prompts": prompts[:1], "generation": {"steps": 1}, "edit": "zero", "channels": TOP}
    wrong = {"steps": [7]}, {"blocks": [99]}, {"edit": "melt"}, {"options": {"sreed": 1}}, {"channels": [9999]}
    table = [{**shared, **more, "name": str(i)} for i, more in enumerate([{}, *wrong])]
    with pytest.raises(SweepFailed) as stop:
        sweep_conditions(table)
    assert list(stop.value.found) == ["0"]
    told = str(stop.value)
    for words in ("step 7 is out of range", "layer 99 is out of range", "how='melt'", "sreed", "channels 9999 to 9999"):
        assert words in told


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"prompt": "a"}, "no column 'prompt'; the columns are name, model"),
        ({}, "expected a list of at least one text"),
        ({"prompts": ["a"], "samples": [0, 1]}, "expected 1 different numbers"),
        ({"prompts": ["a"], "seed": "one"}, "seed='one': expected a whole number"),
        ({"prompts": ["a"], "edit": "zero"}, "needs channels"),
        ({"prompts": ["a"], "channels": [0]}, "but no edit"),
        ({"prompts": ["a"], "edit": "resample", "channels": [0]}, "needs options"),
        ({"prompts": ["a"], "steps": [], "edit": "zero", "channels": [0]}, "expected a list of numbers"),
        ({"prompts": ["a"], "generation": 8}, "expected a dict"),
    ],
)
def test_a_wrong_condition_says_what_is_wrong(condition, words):
    with pytest.raises((ValueError, TypeError), match=words.replace("(", r"\(")):
        sweep_conditions([condition])


def test_two_conditions_of_one_name_are_refused(prompts):
    with pytest.raises(ValueError, match="two conditions are called 'a'"):
        sweep_conditions([{"name": "a", "prompts": prompts}] * 2)


def test_a_grid_needs_values():
    with pytest.raises(ValueError, match="edit is empty"):
        grid({"prompts": ["a"]}, edit=[])
    with pytest.raises(ValueError, match="edit='zero': expected a list"):
        grid(edit="zero")
    with pytest.raises(ValueError, match="no column 'edits'"):
        grid(edits=["zero"])


def test_batches_join_what_begins_together():
    group = [complete({"name": str(i), "prompts": ["a"] * 4}, i) for i in range(6)]
    first = dict(zip("012345", [0, 6, 0, 6, 6, 0], strict=True))
    names = [[c["name"] for c in batch] for batch in batched(group, first, rows=8)]
    assert names == [["1", "3"], ["4"], ["0", "2"], ["5"]]
    assert [len(batch) for batch in batched(group, first, rows=2)] == [1] * 6


@pytest.mark.parametrize(("steps", "first"), [(None, 0), ([3, 2], 2), ([-1], 7), ([-8, 7], 0), ([0], 0)])
def test_the_first_step_is_where_the_edit_begins(steps, first):
    condition = complete({"prompts": ["a"], "steps": steps, "generation": {"steps": 8}}, 0)
    assert first_step(condition) == first == min(chosen_steps(steps, 8) or [0])


def test_the_digest_of_code_sees_code_alone(tmp_path):
    import importlib.util

    def digest(text):
        path = tmp_path / f"m{abs(hash(text))}.py"
        path.write_text(text)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return code_digest(module)

    plain = digest("def f(x):\n    return x + 1\n")
    assert plain == digest('"""Words."""\n# more\ndef f(x):\n    "words"\n    return (x  +  1)\n')
    assert plain != digest("def f(x):\n    return x + 2\n")
