"""Claims as data: what a rule says of an interval, and what is wrong with a file of claims."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from fewchannels.metrics import Interval
from fewchannels.notebook.claims import Claim, claims_file, read_claims, register

LINE = "- id: a\n  statement: b\n  direction: c\n  falsifier: d\n  rule: "


def claim(bound, limit, every=""):
    return Claim("a", "b", "c", "d", bound, limit, every)


@pytest.mark.parametrize(
    ("bound", "limit", "interval", "holds"),
    [
        ("above", 0, (0.2, 0.1, 0.3), True),
        ("above", 0, (0.2, 0.0, 0.3), False),
        ("above", 0, (0.2, -0.1, 0.3), False),
        ("below", 0.5, (0.2, 0.1, 0.3), True),
        ("below", 0.3, (0.2, 0.1, 0.3), False),
        ("not above", 0.05, (0.2, 0.05, 0.3), True),
        ("not above", 0.05, (0.2, 0.06, 0.3), False),
    ],
)
def test_a_rule_reads_the_end_of_the_interval_that_could_falsify_it(bound, limit, interval, holds):
    assert claim(bound, limit).test(Interval(*interval)).holds is holds


@pytest.mark.parametrize("number", [0.2, np.float32(0.2), np.array(0.2), 1])
def test_a_number_is_an_interval_of_no_width(number):
    outcome = claim("above", 0.1).test(number)
    assert outcome.holds
    assert outcome.low == outcome.value == outcome.high


def test_every_takes_the_one_that_is_nearest_to_failing():
    rows = {"0": Interval(0.9, 0.8, 1.0), "1": Interval(0.6, 0.1, 0.7)}
    outcome = claim("above", 0.5, "block").test(rows)
    assert (outcome.holds, outcome.where, outcome.low) == (False, "block 1", 0.1)
    assert claim("below", 1.5, "block").test(list(rows.values())).where == "block 0"


def test_a_number_that_is_not_known_is_not_passed_over():
    rows = [Interval(0.9, 0.8, 1.0), Interval(np.nan, np.nan, np.nan)]
    assert not claim("above", 0.5, "block").test(rows).known


@pytest.mark.parametrize(
    ("every", "measured", "words"),
    [
        ("", [Interval(0.9, 0.8, 1.0)] * 2, "is about one interval; got list"),
        ("block", Interval(0.9, 0.8, 1.0), "one interval for each block; got Interval"),
        ("block", 0.3, "one interval for each block; got float"),
    ],
)
def test_what_a_claim_is_not_about(every, measured, words):
    with pytest.raises(TypeError, match=words):
        claim("above", 0, every).test(measured)


def test_none_of_each_is_an_error():
    with pytest.raises(ValueError, match="every block, and there is none"):
        claim("above", 0, "block").test({})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- id: a\n  statement: b\n", "lacks direction, rule, falsifier"),
        ((LINE + "{above: 0}\n") * 2, "'a' is there twice"),
        ("just text", "lacks id"),
        (LINE + "{over: 0}\n", "has the rule"),
        (LINE + "{above: 0, below: 1}\n", "has the rule"),
        (LINE + "{above: many}\n", "has the rule"),
        (LINE + "{above: 0}\n  found: perhaps\n", "has found: 'perhaps'"),
    ],
)
def test_a_broken_claims_file_says_so(tmp_path, text, words):
    path = tmp_path / "claims.yml"
    path.write_text(text)
    with pytest.raises(ValueError, match=words):
        read_claims(path)


def test_the_file_is_found_from_below_and_from_anywhere(tmp_path, monkeypatch):
    (tmp_path / "book").mkdir()
    own = tmp_path / "book" / "claims.yml"
    own.write_text(LINE + "{above: 0}\n")
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert claims_file() == own
    monkeypatch.chdir(os.path.abspath(os.sep))
    assert claims_file() == Path(__file__).parents[2] / "book" / "claims.yml"


def test_every_registered_claim_has_a_rule_that_its_direction_states():
    """The number of the rule stands in the words of the direction, or the direction speaks of a difference."""
    for name, one in read_claims(Path(__file__).parents[2] / "book" / "claims.yml").items():
        said = f"{one.direction} {one.falsifier} {one.statement}"
        words = {2: "twice", 3: "three", 1: "above"}
        assert f"{one.limit:g}" in said or words.get(int(one.limit), "\0") in said or one.limit in (0, 1), name


# Claims of one's own

MINE = {"id": "mine", "statement": "It is so.", "direction": "up", "rule": {"above": 0}, "falsifier": "An end at 0."}


def test_a_claim_is_written_down_once_with_the_day_and_read_from_then_on(tmp_path):
    file = tmp_path / "project" / "claims.yml"
    claim = register(file, **MINE)
    assert claim == Claim("mine", "It is so.", "up", "An end at 0.", "above", 0.0)
    before = file.read_bytes()
    assert re.search(rb"registered: '?\d{4}-\d\d-\d\d", before)
    assert register(file, **MINE) == claim
    assert file.read_bytes() == before
    other = register(file, **MINE | {"id": "other", "rule": {"below": 0.5, "every": "block"}})
    assert read_claims(file) == {"mine": claim, "other": other}
    assert file.read_bytes().startswith(before)


@pytest.mark.parametrize("change", [{"statement": "It was so."}, {"rule": {"above": -1}}, {"falsifier": "Nothing."}])
def test_a_registered_claim_is_not_reworded(tmp_path, change):
    file = tmp_path / "claims.yml"
    register(file, **MINE)
    before = file.read_bytes()
    with pytest.raises(ValueError, match=r"'mine' is registered in other words: It is so\. \(above 0\); .* another id"):
        register(file, **MINE | change)
    assert file.read_bytes() == before


def test_a_claim_without_its_falsifier_or_rule_is_refused(tmp_path):
    with pytest.raises(ValueError, match="lacks falsifier; it needs id, statement"):
        register(tmp_path / "claims.yml", **MINE | {"falsifier": ""})
    with pytest.raises(ValueError, match=r"has the rule \{'over': 0\}; expected one of above"):
        register(tmp_path / "claims.yml", **MINE | {"rule": {"over": 0}})
    assert not (tmp_path / "claims.yml").exists()
