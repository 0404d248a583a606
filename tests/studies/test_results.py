"""Results: what a selection fits, what a comparison resamples, and that a run file gives back what was saved."""

import numpy as np
import pytest
from fewchannels.runfile import Run, RunFileError, save_run
from fewchannels.studies.condition import Condition, each
from fewchannels.studies.results import Results

PROVENANCE = {
    "model": "toyworld", "revision": "r", "seed": 0, "steps": 8, "dtype": "float32", "versions": {"torch": "2"},
    "date": "2026-01-01",
}  # fmt: skip


def made(**more):
    """Ten prompts on "all", four on "few"; the change of a condition is its place in the list plus prompt / 100."""
    top = Condition(channels="top")
    listed = [
        Condition(""), Condition("other noise"), top, top.but(channels="bottom"),
        *each(top, channels=("random",), draw=range(3)),
        *each(top.but(prompts="few"), k=(1, 2, 4)), *each(top, edit=("shuffle",)),
    ]  # fmt: skip
    cells = {}
    for i, c in enumerate(listed):
        n = 10 if c.prompts == "all" else 4
        agree = np.tile(np.float16([1, 0, 1, 0, 1, 0, np.nan, 0]), (n, 1))
        cells[c] = {"change": (i + np.arange(n) / 100).astype(np.float32), "agree": agree}
    return Results(
        "critical", cells, {"all": 10, "few": 4}, provenance=PROVENANCE, prompts=["a"] * 10, base=top, **more
    )


def test_fields_that_are_not_named_are_the_studys_own():
    found = made()
    assert [c.name for c in found.select(channels="top")] == ["zero, top, k 8"]
    assert found.select() == found.select(channels="top", edit="zero", k=8)
    assert [c.draw for c in found.select(channels="random")] == [0, 1, 2]
    assert found.select(edit="other noise")[0].channels == ""
    assert found.select(edit="shuffle")[0].channels == "top"


def test_the_largest_group_is_taken_and_another_can_be_named():
    found = made()
    assert found.select(k=2)[0].prompts == "few"
    assert found.has(k=8, prompts="all")
    assert not found.has(k=8, prompts="few")


def test_a_selection_that_fits_nothing_names_the_nearest():
    with pytest.raises(KeyError, match=r"no condition with channels='top', k=3; the nearest .* are: zero, top, k 8"):
        made().mean("change", channels="top", k=3)
    with pytest.raises(ValueError, match="no field 'kind'"):
        made().mean("change", kind="top")
    with pytest.raises(KeyError, match=r"fits 3 conditions: zero, random, k 8; zero, random 2"):
        made().one(channels="random")
    with pytest.raises(KeyError, match="has no measure 'adopt'; it has change, agree"):
        made().mean("adopt")


def test_a_difference_is_paired_by_prompt_and_draws_are_crossed():
    found = made()
    one = found.minus("change", {"channels": "bottom"}, {"channels": "top"})
    assert (one.value, one.low, one.high) == pytest.approx((1, 1, 1), abs=1e-6)
    over_draws = found.minus("change", {"channels": "top"}, {"channels": "random"})
    assert over_draws.value == pytest.approx(-3, abs=1e-6)
    assert over_draws.low < -3 < over_draws.high
    assert found.minus("change", {"k": 4}, {"channels": "top"}).value == pytest.approx(7, abs=1e-5)


def test_ratios_means_and_derived_measures():
    found = made()
    assert found.ratio("change", {"channels": "bottom"}, {"channels": "top"}).value == pytest.approx(3.045 / 2.045)
    found.one(edit="")["change"][:] = 0
    assert np.isnan(found.ratio("change", {"channels": "top"}, {"edit": ""}).value)
    assert found.mean("right").value == pytest.approx(0.5)  # three of the six that are named and are not "all"
    assert np.isnan(found.mean("taken").value)  # nobody read that


def test_what_plots_take():
    found = made()
    curve = found.curve("change", over="k", prompts="few")
    assert curve["x"] == [1, 2, 4]
    assert len(curve["lines"]["change"]) == 3
    dots = found.dots("change", rows="channels", lines=["another seed"])
    assert list(dots["groups"]) == ["top", "bottom", "random"]
    assert dots["lines"]["another seed"] == pytest.approx(1.045)


def test_the_best_of_some_is_by_both_goals():
    found = made()
    for i, c in enumerate(found.cells):
        rows = np.full((len(found.cells[c]["change"]), 6), 0.5, np.float16)
        found.cells[c] |= {"adopted": rows * (2 if i == 3 else 1), "retained": rows}
    assert found.best("subject taken", "scene kept").channels == "bottom"
    assert found.best("subject taken", "scene kept", channels=("top", "random").__contains__).channels == "top"
    with pytest.raises(KeyError, match="no condition with edit='paste'"):
        found.best("subject taken", "scene kept", edit="paste")


def test_it_prints_as_a_table_and_as_rows():
    found = made()
    assert "| zero, random 2, k 8 | 10 | 5.045 (5.027 to 5.063) | 0.500 (0.500 to 0.500) |" in found.table()
    rows = found.rows("change")
    assert len(rows) == len(found.cells)
    assert rows[2]["channels"] == "top"
    assert rows[2]["change low"] < rows[2]["change"] < rows[2]["change high"]


def test_a_run_file_gives_back_what_was_saved(tmp_path):
    instruments = {"levels": {"top: level": np.ones((10, 2, 3), np.float32), "probes": np.ones((5, 4), np.int8)}}
    found = made(instruments=instruments, left_out={"zero, PCA, k 8": "too wide"}, index={"blocks": 6})
    found.shares["top", 8, 0] = {"count": 8.0, "width": 0.04, "energy": 0.3}
    found.cells[Condition("")]["pictures"] = np.zeros((10, 4, 4, 3), np.uint8)
    again = Results.read(found.save(tmp_path / "critical.safetensors"))
    assert list(again.cells) == list(found.cells)
    assert "pictures" not in again.cells[Condition("")]
    for c, cell in again.cells.items():
        np.testing.assert_array_equal(cell["change"], found.cells[c]["change"])
    assert again.instruments["levels"]["top: level"].dtype == np.float16
    for part in ("name", "groups", "left_out", "shares", "base", "index", "prompts"):
        assert getattr(again, part) == getattr(found, part), part


def test_a_run_file_of_something_else_is_refused(tmp_path):
    save_run(tmp_path / "run.safetensors", Run(PROVENANCE, ["a"], stats={"mean": np.ones((1, 2, 3, 4))}))
    with pytest.raises(RunFileError, match="holds no study"):
        Results.read(tmp_path / "run.safetensors")
    with pytest.raises(FileNotFoundError):
        Results.read(tmp_path / "none.safetensors")
