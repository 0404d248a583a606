"""Conditions are computed once, kept as they come, and computed again only when what they hang on changes."""

from __future__ import annotations

import numpy as np
import pytest
from fewchannels.sweep import digest_of, sweep

KEY = {"model": "toyworld", "seed": 0}


class Counting:
    """Conditions that count how often they were computed."""

    def __init__(self, *names, failing=()):
        self.calls = []
        self.cells = {name: (lambda name=name: self(name)) for name in names}
        self.failing = failing

    def __call__(self, name):
        if name in self.failing:
            raise RuntimeError(f"{name} failed")
        self.calls.append(name)
        return {"value": np.arange(3) + len(name), "other": np.float32([0.5])}


def test_arrays_come_back_in_the_order_of_the_conditions():
    work = Counting("b", "a")
    found = sweep(work.cells)
    assert list(found) == ["b", "a"]
    np.testing.assert_array_equal(found["a"]["value"], [1, 2, 3])


def test_what_is_in_the_store_is_read_and_not_computed(tmp_path):
    first, second = Counting("a", "b"), Counting("a", "b", "c")
    kept = sweep(first.cells, tmp_path / "store", KEY)
    found = sweep(second.cells, tmp_path / "store", KEY)
    assert second.calls == ["c"]
    for part in ("value", "other"):
        np.testing.assert_array_equal(found["b"][part], kept["b"][part])
        assert found["b"][part].dtype == kept["b"][part].dtype


def test_another_key_is_another_result(tmp_path):
    sweep(Counting("a").cells, tmp_path, KEY)
    again = Counting("a")
    sweep(again.cells, tmp_path, {**KEY, "seed": 1})
    assert again.calls == ["a"]
    assert digest_of("a", KEY) != digest_of("a", {**KEY, "seed": 1}) != digest_of("b", {**KEY, "seed": 1})


def test_a_failure_keeps_what_was_done_before_it(tmp_path):
    work = Counting("a", "b", "c", failing=("b",))
    with pytest.raises(RuntimeError, match="b failed"):
        sweep(work.cells, tmp_path, KEY)
    again = Counting("a", "b", "c")
    assert list(sweep(again.cells, tmp_path, KEY)) == ["a", "b", "c"]
    assert again.calls == ["b", "c"]


@pytest.mark.parametrize("damage", [b"", b"not a safetensors file", None])
def test_a_damaged_file_is_computed_again(tmp_path, damage):
    sweep(Counting("a").cells, tmp_path, KEY)
    file = tmp_path / f"{digest_of('a', KEY)}.safetensors"
    file.write_bytes(file.read_bytes()[:-2] if damage is None else damage)
    again = Counting("a")
    np.testing.assert_array_equal(sweep(again.cells, tmp_path, KEY)["a"]["value"], [1, 2, 3])
    assert again.calls == ["a"]
    assert sweep(Counting("a").cells, tmp_path, KEY)["a"]["value"].sum() == 6


def test_a_store_needs_a_key(tmp_path):
    with pytest.raises(ValueError, match="needs key="):
        sweep(Counting("a").cells, tmp_path)


def test_progress_is_told_for_what_was_computed(tmp_path):
    lines = []
    sweep(Counting("a", "b").cells, tmp_path, KEY, lines.append)
    assert [line.split(" ")[:2] for line in lines] == [["[1/2]", "a:"], ["[2/2]", "b:"]]
    sweep(Counting("a", "b").cells, tmp_path, KEY, lines.append)
    assert len(lines) == 2


def test_what_a_function_gave_when_its_code_was_another_is_computed_anew(tmp_path):
    """Its own code, or that of what it reaches; under another function's name the key says all."""

    def made(factor, body):
        space = {"np": np, "factor": factor, "__name__": "of_a_notebook"}
        exec(f"def helper(): return {body}\ndef compute(): return {{'x': np.full(2, float(helper()))}}", space)
        return space["compute"]

    lines = []
    for factor, body, expected, computed in ((2, "3", 3, 1), (2, "3", 3, 1), (2, "4", 4, 2), (5, "4", 4, 2)):
        found = sweep({"a": made(factor, body)}, tmp_path, KEY, lines.append)
        assert found["a"]["x"].tolist() == [expected] * 2
        assert len(lines) == computed
    assert sweep({"a": lambda: pytest.fail("computed")}, tmp_path, KEY)["a"]["x"].tolist() == [4, 4]
    assert len(list(tmp_path.glob("*.safetensors"))) == 1, "the new one takes the place of the old"
