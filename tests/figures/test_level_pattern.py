"""Level and pattern: the committed run bears out the registered claims, and what a model cannot have is unknown."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from fewchannels.figures import level_pattern as figures
from fewchannels.notebook.claims import claims_file, read_claims
from fewchannels.studies.results import Results
from fewchannels.studies.shipped import disagreeing

LEVEL, PATTERN = {"edit": "transport level"}, {"edit": "transport pattern"}
CHECKED = {
    "pattern_draws_the_subject": lambda r: r.minus("right subject", {"edit": "no_level"}, {"edit": "own_mean"}),
    "pattern_is_transported": lambda r: r.minus("taken", PATTERN, LEVEL),
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
    assert registered.test(CHECKED[claim](found)).holds == (registered.found == "holds")


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


def test_groups_hold_every_set_and_part(found):
    removed = figures.removed(found, "right subject")
    assert list(removed["groups"]) == ["no level", "mean level", "no pattern", "zero"]
    assert list(removed["groups"]["no level"]) == ["top", "random", "energy-matched"]
    assert removed["lines"]["untouched"] == found.mean("right subject", edit="").value
    carried = figures.carried(found)["groups"]
    assert [len(sets) for sets in carried.values()] == [4, 4, 1]
    turns = figures.turns(found)["groups"]
    assert len(turns) == 1 + 4 + 6
    assert turns["top in block 0"] == found.minus(
        "right subject", {"edit": "no_level", "blocks": (0,)}, {"edit": "own_mean", "blocks": (0,)}
    )
    step, prompt = figures.dependence(found)["groups"].values()
    assert all(0 <= step[name].value < prompt[name].value <= 1 for name in figures.LEVELS)


def test_random_probes_are_draws_of_one_kind(found):
    drawn = figures._answers(found, "random")
    assert drawn.shape == (512, 4, 3)
    assert figures.probed(found)["groups"]["random"].value == pytest.approx(drawn.mean())
    assert list(figures.probed(found)["groups"]) == list(figures.READ)
    by_attribute = figures.probed_by_attribute(found)["groups"]
    assert by_attribute["position"]["top pattern"].value > by_attribute["position"]["top level"].value


def test_tables_leave_blank_what_nobody_knows(found, bare):
    assert "| top | 8 | 4% | 31% | 70% |" in figures.described(found)
    assert "| energy-matched | 50 | 26% | 21% |  |" in figures.described(found)
    assert "| level | 36% |" in figures.of_the_difference(found)
    assert "| level |  |  |  |" in figures.of_the_difference(bare)
    assert "| top | 8 | 4% | 31% |  |" in figures.described(bare)


def test_figures_of_nothing_are_drawn(bare):
    from fewchannels import plots

    for dots in (figures.probed(bare), figures.probed_by_attribute(bare), figures.dependence(bare)):
        plots.dots(**dots, xlabel="x")
    for curves in (figures.gates(bare), figures.follows(bare), figures.divisors(bare)):
        drawn = plots.curves(**curves, xlabel="x", ylabel="y", log_y=True)
        assert "not measured on this model" in [text.get_text() for text in drawn.axes[0].texts]


def test_what_hangs_on_all_prompts_is_not_held_against_a_slice(found):
    def slice_of(parts):
        levels = {name: a[:8] + np.float16(parts.get(name, 0)) for name, a in found.instruments["levels"].items()}
        return dataclasses.replace(found, cells={}, instruments={"levels": levels})

    assert disagreeing(slice_of({"top: same_noise": 1, "top: neither": 1}), found) == []
    assert disagreeing(slice_of({"top: same_prompt": 1}), found) == ["levels, top: same_prompt"]
