"""Level and pattern: the committed run bears out the registered claims, and what a model cannot have is unknown."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from fewchannels.figures import level_pattern as figures
from fewchannels.instruments.levels import variance_shares
from fewchannels.notebook.claims import FOUND, claims_file, read_claims
from fewchannels.studies.results import Results
from fewchannels.studies.shipped import disagreeing

WHOLE, FLAT = {"edit": "no_level"}, {"edit": "own_mean"}
LEVEL, PATTERN = {"edit": "transport level"}, {"edit": "transport pattern"}
CHECKED = {
    "pattern_draws_the_subject": lambda r: r.by_both("minus", "right subject", rows=(WHOLE, FLAT)),
    "pattern_is_transported": lambda r: r.by_both("minus", "taken", rows=(PATTERN, LEVEL)),
    "level_follows_time": figures.step_over_prompt,
    "pattern_follows_prompt": figures.prompt_over_noise,
    "gate_writes_massive": lambda r: figures.each_place(r, "writers", ("top: gate", 2)),
    "one_block_keeps_semantics": figures.kept_in_one_block,
    "probe_top_over_random": lambda r: figures.probe_ahead(r, "random"),
    "probe_top_over_matched": lambda r: figures.probe_ahead(r, "energy-matched"),
}


@pytest.fixture(scope="module")
def found():
    return Results.read(Path(__file__).resolve().parents[2] / "results/level_pattern.safetensors")


@pytest.fixture
def bare(found):
    """As on a model of another class, whose judge reads nothing."""
    cells = {c: {name: a for name, a in cell.items() if name in ("change", "moved")} for c, cell in found.cells.items()}
    return dataclasses.replace(found, cells=cells, instruments={})


@pytest.mark.parametrize("claim", CHECKED)
def test_claims_come_out_as_the_text_says(found, claim):
    registered = read_claims(claims_file())[claim]
    outcome = registered.test(CHECKED[claim](found))
    assert registered.found == FOUND[not outcome.holds if outcome.known else 2]


@pytest.mark.parametrize("claim", sorted(set(CHECKED) - {"pattern_is_transported", "one_block_keeps_semantics"}))
def test_what_was_not_measured_cannot_be_told(bare, claim):
    assert not read_claims(claims_file())[claim].test(CHECKED[claim](bare)).known


def test_lines_run_along_the_second_axis(found):
    over_blocks = figures.along(found, "levels", {"top": "top: level_share"})
    value, low, high = over_blocks["lines"]["top"]
    assert over_blocks["x"] == list(range(6))
    expected = found.instruments["levels"]["top: level_share"].astype(float).mean(axis=(0, 2))
    np.testing.assert_allclose(value, expected)
    assert (low < value).all()
    assert (value < high).all()
    over_steps = figures.follows(found)
    assert over_steps["x"] == list(range(1, 9))
    assert len(over_steps["lines"]) == 6


def test_a_place_of_the_last_axis_can_be_named(found):
    lines = figures.gates(found)["lines"]
    gate = found.instruments["writers"]["top: gate"].astype(float)
    np.testing.assert_allclose(lines["MLP gate"][0], gate[..., 1].mean(axis=0))


def test_groups_hold_every_set_and_reader(found):
    edits = {"no level": "no_level", "no pattern": "own_mean"}
    removed = figures.by_set(found, "right subject", edits)["groups"]
    assert list(removed) == ["no level", "no level, by eye", "no pattern", "no pattern, by eye"]
    assert all(list(sets) == list(figures.SETS) for sets in removed.values())
    assert removed["no level, by eye"]["first alone"] == found.mean("right subject by eye", edit="no_level", k=1)
    both = figures.by_set(found, "taken", {"both": "transport"})["groups"]
    assert list(both["both"]) == ["top"]


def test_turns_show_both_sides_of_each_choice(found):
    turns = figures.turns(found)["groups"]
    assert list(turns) == ["right subject", "right subject by eye"]
    for reading, scene in zip(turns, found.readings("right scene"), strict=True):
        rows = turns[reading]
        assert len(rows) == 4 + 5 + 6
        assert rows["as registered"] == found.minus(reading, WHOLE, FLAT)
        assert rows["the scene"] == found.minus(scene, WHOLE, FLAT)
        first = {"blocks": (0,)}
        assert rows["top in block 0"] == found.minus(reading, WHOLE | first, FLAT | first)
        assert rows["as registered"].high < 0 < rows["a mean level"].low
        assert rows["first alone"].high < 0 < rows["matched"].low
        assert rows["the scene, a mean level"].high < 0


def test_one_block_is_over_untouched(found):
    right = figures.one_block(found, "right")
    assert right["x"] == list(range(6))
    assert list(right["lines"]) == ["zero, right", "no level, right", "no pattern, right"]
    assert tuple(row[1] for row in right["lines"]["zero, right"]) == found.ratio(
        "right", {"blocks": (1,)}, {"edit": ""}
    )
    assert right["levels"] == {"every block, right": found.ratio("right", {}, {"edit": ""}).value}


def test_the_largest_channel_depends_on_another_thing_than_the_rest(found):
    rows = figures.dependence(found)["groups"]
    assert list(rows) == list(figures.LEVELS)
    assert rows["first alone"].low > 0 > rows["top but the first"].high
    level = found.instruments["levels"]["top: level"].astype(float)
    assert (np.abs(level).mean(axis=(0, 1, 3)).argmax(axis=-1) == 0).all()  # "first" is the largest in every block
    shares = variance_shares(level[..., :1])
    assert figures.step_over_prompt(found, "first").value == pytest.approx(np.median(shares["step"] - shares["prompt"]))


def test_the_difference_is_shared_out_block_by_block(found, bare):
    lines = figures.of_the_difference(found)["lines"]
    parts = {name: array.astype(float) for name, array in found.instruments["difference"].items()}
    np.testing.assert_allclose(lines["level"][0], (parts["level"] / parts["all"]).mean(axis=0))
    assert lines["level"][0][0] > lines["pattern"][0][0]
    assert lines["level"][0][0] + lines["pattern"][0][0] > 4 * (lines["level"][0][-1] + lines["pattern"][0][-1])
    assert np.isnan(figures.of_the_difference(bare)["lines"]["level"]).all()


def test_random_probes_are_draws_of_one_kind(found):
    drawn = figures._answers(found, "random")
    assert drawn.shape == (512, 4, 7)
    assert figures._answers(found, "random", ", ridge").shape == (512, 4, 7)
    assert figures._answers(found, "random", shown="probes, no caption").shape == (512, 4, 1)
    probed = figures.probed(found)["groups"]
    assert probed["random"].value == pytest.approx(drawn.mean())
    assert list(probed) == list(figures.READ)
    assert probed["top pattern"].low > probed["top level"].high


def test_the_probes_verdict_under_other_choices(found, bare):
    turns = figures.probe_turns(found)["groups"]
    assert turns["as registered"] == figures.probe_ahead(found, "random")
    each = [turns[name].value for name in ("colour", "shape", "size", "position")]
    assert np.mean(each) == pytest.approx(turns["as registered"].value)
    ridge = [figures._answers(found, kind, ", ridge").mean() for kind in ("top", "random")]
    assert turns["ridge"].value == pytest.approx(ridge[0] - ridge[1])
    assert turns["shape"].high < 0 < turns["colour"].low
    assert not any(np.isfinite(row.value) for row in figures.probe_turns(bare)["groups"].values())


def test_tables_leave_blank_what_nobody_knows(found, bare):
    assert "| top | 8 | 4% | 77% | 96% |" in figures.described(found)
    assert "| first alone | 1 | 0.5% | 69% |  |" in figures.described(found)
    assert "| matched | 56 | 29% | 8% |  |" in figures.described(found)
    assert "| top | 8 | 4% | 77% |  |" in figures.described(bare)


def test_figures_of_nothing_are_drawn(bare):
    from fewchannels import plots

    for dots in (figures.probed(bare), figures.probe_turns(bare), figures.dependence(bare), figures.turns(bare)):
        plots.dots(**dots, xlabel="x")
    for curves in (figures.gates(bare), figures.follows(bare), figures.divisors(bare), figures.of_the_difference(bare)):
        drawn = plots.curves(**curves, xlabel="x", ylabel="y", log_y=True)
        assert "not measured on this model" in [text.get_text() for text in drawn.axes[0].texts]


def test_what_hangs_on_all_prompts_is_not_held_against_a_slice(found):
    def slice_of(parts):
        levels = {name: a[:8] + np.float16(parts.get(name, 0)) for name, a in found.instruments["levels"].items()}
        return dataclasses.replace(found, cells={}, instruments={"levels": levels})

    assert disagreeing(slice_of({"top: same_noise": 1, "top: neither": 1}), found) == []
    assert disagreeing(slice_of({"top: same_prompt": 1}), found) == ["levels, top: same_prompt"]
