"""Results: what a selection fits, what a comparison resamples, and that a run file gives back what was saved."""

import numpy as np
import pytest
from fewchannels.runfile import Run, RunFileError, save_run
from fewchannels.studies.condition import Condition, each
from fewchannels.studies.critical import matched_blocks
from fewchannels.studies.results import Results
from fewchannels.studies.shipped import disagreeing

PROVENANCE = {
    "model": "toyworld",
    "revision": "r",
    "seed": 0,
    "steps": 8,
    "dtype": "float32",
    "versions": {"torch": "2"},
    "date": "2026-01-01",
}


def made(**more):
    """Ten prompts on "all", four on "few"; the change of a condition is its place in the list plus prompt / 100."""
    top = Condition(channels="top")
    listed = [
        Condition(""),
        Condition("other noise"),
        top,
        top.but(channels="bottom"),
        *each(top, channels=("random",), draw=range(3)),
        *each(top.but(prompts="few"), k=(1, 2, 4)),
        *each(top, edit=("shuffle",)),
    ]
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


def test_places_and_lines_that_no_one_field_says():
    found = made()
    places = {"small": {"k": 1}, "usual": {"k": 8}, "huge": {"k": 99}}
    series = found.series("change", places, {"top": {"channels": "top"}}, n=4)
    assert series["x"] == ["small", "usual", "huge"]
    value, low, high = series["lines"]["top"]
    assert value[:2] == pytest.approx([7.015, 2.015])
    assert np.isnan([value[2], low[2], high[2]]).all()
    grid = found.grid("change", {"k": [1, 99], "blocks": [None, (0,)]})
    assert (grid["rows"], grid["columns"]) == (["1", "99"], ["all", "0"])
    np.testing.assert_allclose(grid["values"], [[7.015, np.nan], [np.nan, np.nan]], rtol=1e-5)


def test_a_verdict_under_several_choices():
    found = made()
    choices = {"as registered": {}, "for one": {"draw": 1}}
    top = {"channels": "top", "draw": 0}
    versus = found.versus(["change"], {"channels": "random"}, top, {"as registered": {}})
    assert versus["lines"] == {"no difference": 0}
    assert versus["groups"]["change"]["as registered"].value == pytest.approx(3, abs=1e-6)
    rows = found.versus(["change"], {"channels": "random"}, {**top}, choices)["groups"]["change"]
    assert list(rows) == list(choices)
    assert rows["for one"].value == pytest.approx(3, abs=1e-6)


def test_what_a_judge_read_is_told_attribute_by_attribute():
    found = made()
    groups = found.by_attribute({"top": {"channels": "top"}, "absent": {"k": 99}})["groups"]
    assert list(groups)[:3] == ["background", "second", "texture"]
    assert groups["background"] == {"top": (1, 1, 1)}
    assert np.isnan(groups["shape"]["top"].value)
    found.cells[found.select(channels="random")[2]]["agree"][:, 0] = 0
    mean, low, high = found.by_attribute({"random": {"channels": "random"}})["groups"]["background"]["random"]
    assert mean == pytest.approx(2 / 3), "of its three draws"
    assert low < mean < high
    for cell in found.cells.values():
        del cell["agree"]
    groups = found.by_attribute({"top": {"channels": "top"}})["groups"]
    assert np.isnan(groups["agree"]["top"])


def test_where_an_energy_match_exists():
    found = made()
    assert matched_blocks(found) is None
    found.cells[found.base.but(blocks=(0, 2))] = found.cells[found.base]
    assert matched_blocks(found) == (0, 2)


def test_an_other_prompt_hangs_on_how_many_there_are():
    kept, fresh = made(), made()
    for found, change in ((kept, 1.0), (fresh, 2.0)):
        for c in (Condition("other prompt"), Condition("", source="another pair")):
            found.cells[c] = {"change": np.full(10, change, np.float32)}
    assert disagreeing(fresh, kept) == []
    fresh.cells[Condition("other noise")]["change"] += 1
    assert disagreeing(fresh, kept) == ["other noise"]


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


def test_several_measures_are_groups_of_rows_and_lines_of_curves():
    found = made()
    both = found.dots(["change", "right"], {"few": {"channels": "top"}, "others": {"channels": "bottom"}})["groups"]
    assert list(both) == ["change", "right"]
    assert both["change"]["others"] == found.mean("change", channels="bottom")
    curve = found.curve(["change", "right"], over="k", prompts="few")
    assert (curve["x"], list(curve["lines"])) == ([1, 2, 4], ["change", "right"])


def test_a_field_that_is_left_open_runs_along_a_line_of_the_frontier():
    found = made().frontier("right", "change", {"few": {"k": ..., "prompts": "few"}, "shuffled": {"edit": "shuffle"}})
    assert found["labels"] == {"few": [1, 2, 4], "shuffled": []}
    assert [len(points) for points in found["points"].values()] == [3, 1]
    assert found["points"]["shuffled"][0][1] == made().mean("change", edit="shuffle").value


def test_what_is_left_out_is_nan_and_what_is_misspelt_is_an_error():
    found = made(
        left_out={"zero, energy-matched, k 8": "nowhere", "untouched, on pairs": "no pairs", "maps": "no text"}
    )
    assert np.isnan(found.mean("change", channels="energy-matched")).all()
    assert np.isnan(found.minus("change", {"channels": "top"}, {"channels": "energy-matched"})).all()
    assert np.isnan(found.mean("change", edit="", prompts="pairs")).all()
    assert np.isnan(found.instrument("maps", "share")).all()
    with pytest.raises(KeyError, match="no condition"):
        found.mean("change", channels="energy matched")


def test_instruments_and_sizes_are_read_by_name():
    shares = {("top", 8, 0): {"count": 8.0, "width": 0.04, "energy": 0.3}}
    found = made(instruments={"maps": {"share": np.float32([0, 1, np.nan])}}, shares=shares)
    assert found.instrument("maps", "share").value == 0.5
    with pytest.raises(KeyError):
        found.instrument("maps", "shares")
    sizes = found.sizes({"top": {"channels": "top"}, "bottom": {"channels": "bottom"}})["groups"]
    assert sizes["share of the energy"]["top"] == 0.3
    assert np.isnan(sizes["share of the width"]["bottom"])


def test_a_condition_is_a_selection():
    found = made()
    assert found.mean("change", **Condition(channels="bottom")) == found.mean("change", channels="bottom")
    assert found.select(**Condition(channels="random", draw=1))[0].draw == 1


def test_what_both_readers_say_is_asked_by_one_name():
    """The second reader's arrays stand under their own names, and are measured in the same way."""
    found = made()
    top, random = {"channels": "top"}, {"channels": "random"}
    for c, cell in found.cells.items():
        seen = 1.0 if c.channels == "random" else 0.25
        cell["agree_by_eye"] = np.full((len(cell["change"]), 8), seen, np.float16)
    both = found.by_both("mean", "right", **top)
    assert {reader: one.value for reader, one in both.items()} == pytest.approx({"judge": 0.5, "by eye": 0.25})
    ahead = found.by_both("minus", "right", rows=(random, top))
    assert ahead["judge"].value == 0
    assert ahead["by eye"].value == pytest.approx(0.75)
    assert found.mean("right subject by eye", **top).value == 0.25
    assert np.isnan(found.mean("taken by eye", **top).value)  # nobody read what was taken
