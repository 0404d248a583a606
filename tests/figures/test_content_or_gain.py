"""Content and gain: the committed run bears out the registered claims, and figures take what the study measured."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from fewchannels.figures import content_or_gain as figures
from fewchannels.notebook.claims import FOUND, claims_file, read_claims
from fewchannels.studies.content_or_gain import RANKS
from fewchannels.studies.results import Results

CONTENT, GAIN, BOTH = ({"through": way} for way in ("content", "gain", "both"))
SEVEN, MATCHED = ({"channels": f"{kind} without the first"} for kind in ("top", "matched"))
FIRST, UP, MOVED = {"k": 1}, {"strength": -0.5}, {"edit": "transport"}
GENTLE = GAIN | {"strength": 0.25}
CHECKED = {
    "gain_turned_up": lambda r: r.minus("change", UP | GAIN, UP | CONTENT),
    "gain_zero_both_needed": figures.more_than_added,
    "gain_zero_seen": lambda r: r.by_both("minus", "right", rows=({"edit": ""}, GAIN)),
    "gain_transport_is_content": lambda r: r.by_both("minus", "taken", rows=(MOVED | CONTENT, MOVED | GAIN)),
    "gain_transport_content_suffices": lambda r: r.by_both("ratio", "taken", rows=(MOVED | CONTENT, MOVED | BOTH)),
    "gain_first_channel": lambda r: r.minus("change", FIRST | GAIN, FIRST | CONTENT),
    "gain_other_seven": lambda r: r.minus("change", SEVEN | CONTENT, SEVEN | GAIN),
    "gain_content_per_energy": lambda r: r.minus("change", SEVEN | CONTENT, MATCHED | CONTENT),
    "gain_level_over_pattern": lambda r: r.minus(
        "to_target", *({"edit": f"transport {part}"} | GAIN for part in ("level", "pattern"))
    ),
    "gain_as_guidance": lambda r: r.by_both("minus", "right", rows=(GENTLE, {"edit": ""})),
    "gain_below_guidance": lambda r: r.by_both("minus", "right", rows=({"edit": "guidance", "strength": 2}, GENTLE)),
}


@pytest.fixture(scope="module")
def found():
    return Results.read(Path(__file__).resolve().parents[2] / "results/content_or_gain.safetensors")


@pytest.mark.parametrize("claim", CHECKED)
def test_claims_come_out_as_the_text_says(found, claim):
    registered = read_claims(claims_file())[claim]
    outcome = registered.test(CHECKED[claim](found))
    assert registered.found == FOUND[not outcome.holds if outcome.known else 2]


def test_all_claims_of_the_chapter_are_checked_here():
    assert {name for name in read_claims(claims_file()) if name.startswith("gain_")} == set(CHECKED)


def test_what_is_lost_and_what_is_left_add_up(found):
    parts = figures.left_out(found)["groups"]
    change = {way: found.mean("change", through=way).value for way in ("both", "content", "gain")}
    assert parts["lost without content"].value == pytest.approx(change["both"] - change["gain"])
    assert parts["lost without gain"].value == pytest.approx(change["both"] - change["content"])
    assert parts["more than added up"].value == pytest.approx(change["both"] - change["content"] - change["gain"])


def test_strengths_are_drawn_as_factors_with_nothing_at_one(found):
    curves = figures.over_strengths(found, "change")
    assert curves["x"] == sorted(curves["x"])
    at = curves["x"].index(1)
    for way, (value, low, high) in curves["lines"].items():
        assert value[at] == low[at] == high[at] == 0, way
        assert value[curves["x"].index(0)] == pytest.approx(found.mean("change", through=way).value, rel=0.2), way


def test_ranks_blocks_and_windows_are_all_there(found):
    assert figures.by_rank(found)["x"] == list(range(1, RANKS + 1))
    assert figures.by_place(found, "blocks")["x"] == [str(block) for block in range(6)]
    assert figures.by_place(found, "steps")["x"] == ["1 to 3", "4 to 6", "7 to 8"]
    assert set(figures.turns(found)["groups"]) == {"times a factor", "a set at zero", "one block at zero"}


def test_costs_are_passes_and_a_model_without_the_study_is_unknown(found):
    rows = [line.split("|")[1:3] for line in figures.quality_and_cost(found).splitlines()[2:]]
    passes = {name.strip(): int(cost) for name, cost in rows}
    assert passes["nothing"] == passes["gain of the top at 0.75"] == 8
    assert passes["guidance of 2"] == passes["Detail Guidance of 0.5"] == passes["2 times the steps"] == 16
    assert passes["4 times the steps"] == 32
    bare = dataclasses.replace(found, instruments={})
    assert all(np.isnan(row).all() for row, _, _ in figures.blindness(bare)["lines"].values())
