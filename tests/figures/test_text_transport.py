"""The text transport's results as figures and tables, on the committed run and where a model cannot have all."""

import fewchannels as fc
import numpy as np
import pytest
from fewchannels import plots, studies
from fewchannels.figures import text_transport as figures
from fewchannels.notebook.chapters import other_trainings, pairs_for, prompts_for
from fewchannels.notebook.claims import beside_the_code
from fewchannels.plots.effects import MARKERS
from fewchannels.studies import Condition, each
from fewchannels.studies.results import Results
from fewchannels.studies.side_by_side import differences
from fewchannels.studies.text_transport import GOALS, METHODS, set_name, settings
from matplotlib.figure import Figure
from tiny_pipelines import PIPELINES, guidance_of


@pytest.fixture(scope="module")
def found():
    return Results.read(beside_the_code("results/text_transport.safetensors", ""))


@pytest.fixture(scope="module")
def toy():
    return fc.load("toyworld")


@pytest.fixture(scope="module")
def random():
    """A part of the study on a pipeline of random weights, without a judge or a segmenter."""
    case = PIPELINES["SD3"]()
    model = fc.load(case.pipeline)
    made = {
        "guidance_scale": guidance_of(case, True)["guidance_scale"],
        "height": 64,
        "width": 96,
        "max_sequence_length": 24,
    }
    moved = Condition("transport", "top", 4)
    conditions = [moved, moved.but(channels="random", k=64), moved.but(mask="judge"), Condition("source", k=4)]
    return studies.run(
        studies.text_transport, model, n=2, steps=2, k=4, conditions=conditions, instruments=False, **made
    )


def test_every_method_is_at_the_setting_that_it_chose(found):
    chosen = settings(found)
    assert list(chosen) == list(METHODS)
    assert {own["prompts"] for own in chosen.values()} == {"all"}
    table = figures.chosen(found)
    assert "| transport | steps 1 to " in table
    assert "| blend prompts | weight " in table
    assert "| asked for |  |" in table
    assert table.count("by eye") == 3
    assert table._repr_markdown_() == table


def test_the_table_of_sets_says_what_each_is_and_did(found):
    rows = {
        row.split(" | ")[0].lstrip("| "): row.rstrip(" |").split(" | ")[1:]
        for row in figures.described(found).split("\n")[2:]
    }
    assert rows["all"][:4] == ["192", "100%", "100%", "100%"]
    assert rows["top"][0] == "8"
    assert rows["complement"][0] == "184"
    assert rows["first alone"][0] == "1"
    assert rows["top without the first"][0] == "7"
    for name, row in rows.items():
        own = {"channels": "top", "k": 1} if name == "first alone" else {"channels": name}
        told = [int(cell.rstrip("%")) for cell in row[4:7]]
        left = found.ratio("to_source", own, {"edit": ""}).value
        wanted = [found.mean("taken", **own).value, found.mean("neither", **own).value, 1 - left]
        assert np.allclose(told, [100 * share for share in wanted], atol=0.51)


def test_the_way_to_the_source_has_its_interval_the_right_way_round(found):
    groups = figures.ways(found, {"top": {"channels": "top"}, "all": {"channels": "all"}})["groups"]
    assert list(groups) == ["way to the source", "taken", "taken by eye"]
    for one in groups["way to the source"].values():
        assert one.low <= one.value <= one.high <= 1
    assert groups["taken by eye"]["top"] == found.mean("taken by eye", channels="top")


def test_other_choices_stand_beside_the_first_under_both_readers(found):
    dots = figures.under_choices(found, np.linspace(1, 0, 9))
    assert list(dots["groups"]) == ["taken", "taken by eye"]
    rows = dots["groups"]["taken"]
    assert rows["as above"] == found.mean("taken", found.groups["few"])
    assert {"k 64", "strength 2", "blocks 0 to 1", "noise 1.00 to 0.88"} <= set(rows)
    assert not any(label.startswith("strength -") for label in rows)
    assert np.isfinite([one.value for own in dots["groups"].values() for one in own.values()]).all()
    assert dots["lines"]["sufficient"] == 0.8 * found.mean("taken", channels="all").value


def test_random_channels_stand_at_the_sizes_that_were_drawn(found):
    curve = figures.by_size(found)
    drawn = np.isfinite(curve["lines"]["random by eye"][0])
    assert [size for size, there in zip(curve["x"], drawn, strict=True) if there] == [8, 32, 64]
    assert np.isfinite(curve["lines"]["top"][0]).all()


def test_figures_are_drawn_from_what_is_found(found):
    whole, both, held = figures.whole_picture(found), figures.both_goals(found), figures.against_difference(found)
    assert whole["labels"]["all of one block"] == list(range(6))
    assert [name for name, row in both["points"].items() if len(row) > 1] == list(METHODS)
    assert all(len(points["points"]) <= 6 for points in (whole, both, held))
    assert all(0 <= x <= 1 and 0 <= y <= 1 for row in held["points"].values() for x, y in row)
    shares = [x for x, _ in held["points"]["top"]]
    assert shares == sorted(shares)
    for points in (whole, both, held):
        assert isinstance(plots.frontier(**points, xlabel="taken", ylabel="kept"), Figure)
    assert len(MARKERS) >= 10


def test_a_method_s_choice_has_its_colour_and_an_empty_one_no_line():
    figure = plots.frontier({"a": [], "one": [(0, 0), (1, 1)], "best: one": [(0.5, 0.5)]}, "x", "y")
    lines = [line for line in figure.axes[0].lines if not line.get_label().startswith("_")]
    assert [line.get_label() for line in lines] == ["one", "best: one"]
    assert lines[0].get_color() == lines[1].get_color()


def test_what_a_model_cannot_have_is_nan_and_what_nobody_asked_is_an_error(random):
    assert random.lacks(channels="random", k=64)
    assert np.isnan(random.mean("taken", channels="random", k=64).value)
    assert np.isnan(random.minus("taken", {"channels": "top"}, {"channels": "random", "k": 64}).low)
    assert np.isnan(random.harmonic(*GOALS, channels="random", k=64).value)
    assert np.isnan(random.ratio("taken", {"channels": "top"}, {"mask": "judge"}).value)
    assert random.points(*GOALS, mask="judge") == []
    assert random.per_attribute("adopted", ("subject", "scene"), mask="judge") == {}
    assert not random.lacks(channels="PCA")
    with pytest.raises(KeyError, match="no condition with channels='PCA'"):
        random.mean("taken", channels="PCA")


def test_a_grid_counts_blocks_from_zero_and_steps_from_one(found):
    grid = found.grid("taken", {"blocks": [None, (0, 1)], "steps": [None, (0, 1), (3,)]}, 20)
    assert grid["rows"] == ["all", "0 to 1"]
    assert grid["columns"] == ["all", "1 to 2", "4"]
    assert np.isfinite(grid["values"][:, :2]).all()
    assert np.isnan(grid["values"][:, 2]).all()
    assert grid["values"][0, 0] == found.mean("taken", 20).value


def test_dots_and_curves_of_several_measures(found):
    dots = found.dots(GOALS, rows="mask", n=20)
    assert list(dots["groups"]) == list(GOALS)
    assert set(dots["groups"]["scene kept"]) == {"none", "source", "target", "union", "judge"}
    lines = found.dots("taken", rows="channels", lines={"ceiling": {"edit": "source"}})["lines"]
    assert lines == {"ceiling": found.mean("taken", edit="source").value}
    curve = found.curve(["taken", "kept", "neither", "colour taken"], over="strength", n=20)
    assert curve["x"] == [-1, -0.5, 0.25, 0.5, 0.75, 1.0, 1.5, 2]
    total = sum(curve["lines"][name][0] for name in ("taken", "kept", "neither"))
    assert np.allclose(total, 1)


def test_the_difference_along_directions_is_that_of_their_moments(toy):
    plan = studies.study.Plan(studies.text_transport, toy, n=2, steps=2)
    group, directions = plan.groups["all"], plan.sets.of("PCA", 8)
    apart = differences(toy, group, plan.generation, moments=True, directions={"PCA": directions})
    squares = apart["channels"].sum(axis=-1)  # [P, L]
    share = apart["PCA"].sum(axis=0) / squares.sum(axis=0)
    assert np.allclose(share, directions.energy_share(apart["moments"]), rtol=1e-4)
    assert squares.shape == (2, 6)


def test_a_set_and_the_others_hold_the_whole_difference(found):
    shares = found.instruments["difference"]
    assert np.allclose(shares[set_name("top", 8)] + shares[set_name("complement", 8)], 1, atol=2e-3)
    assert np.allclose(shares[set_name("all", 8)], 1)


def test_a_condition_that_is_listed_twice_is_done_once(toy):
    twice = each(Condition("transport", "bottom", 2), k=(2, 2))
    made = studies.run(studies.text_transport, toy, n=1, steps=1, k=2, conditions=twice, instruments=False)
    assert [c.k for c in made.cells] == [2]


def test_pairs_and_calibration_prompts_of_any_world(toy, capsys):
    sources, targets = pairs_for(toy, 2)
    assert len(sources) == len(targets) == 2
    assert not set(sources) & set(targets)
    assert len(prompts_for(toy, 32, "calibration")) == 32
    model = fc.load(PIPELINES["SD3"]().pipeline)
    assert len(prompts_for(model, 32, "calibration")) == 16
    others, before = other_trainings(model, "transport")
    assert np.isnan(others["another training"].value)
    assert before == {}
    assert "No run of other trainings" in capsys.readouterr().out
