"""The page of claims: verdicts by rule, from what the runs checked, and none without a run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import claims_page
import pytest
import yaml
from claims_page import FAILS, HOLDS, IN_PART, PER_CHANNEL, UNTESTED, Outcome, verdict_of
from fewchannels.notebook.claims import read_claims

BOOK = Path(__file__).resolve().parents[2] / "book"
CLAIMS = read_claims(BOOK / "claims.yml")
LISTED = yaml.safe_load((BOOK / "paper_claims.yml").read_text(encoding="utf-8"))
PARTS = {"says": {"a": "", "b": ""}, "per_channel": {"c": ""}, "per_energy": {"d": ""}, "elsewhere": {"e": ""}}


def outcomes(**holds):
    return {name: Outcome(held, 0.5, 0.4, 0.6, "toyworld", "02_critical") for name, held in holds.items()}


@pytest.fixture
def staged(tmp_path):
    """Stub, claims and one notebook as the builder stages them; no result yet."""
    (tmp_path / "book").mkdir()
    for name in ("claims.md", "intro.md", "method.md", "claims.yml", "paper_claims.yml"):
        shutil.copy2(BOOK / name, tmp_path / "book")
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "02_critical.ipynb").touch()
    return tmp_path


def written(staged, checks=None, notebook="02_critical"):
    results = staged / "results"
    if checks is not None:
        results.mkdir(exist_ok=True)
        (results / f"{notebook}.json").write_text(json.dumps({"values": {}, "checks": checks}), encoding="utf-8")
    assert claims_page.write_pages(staged, results) == ["claims.md", "intro.md"]
    return (staged / "book" / "claims.md").read_text(encoding="utf-8")


def entry(page, name):
    """The block of one claim."""
    return page.split(f":name: claim-{name.replace('_', '-')}\n")[1].split("\n::::")[0]


@pytest.mark.parametrize(
    ("held", "verdict"),
    [
        ({"a": 1, "b": 1, "c": 1, "d": 1}, HOLDS),
        ({"a": 1, "b": 1, "c": 1, "d": 1, "e": 0}, HOLDS),
        ({"a": 1, "b": 1, "c": 1, "d": 0}, PER_CHANNEL),
        ({"a": 1, "b": 1, "c": 0, "d": 0}, IN_PART),
        ({"a": 1, "b": 0, "c": 1, "d": 1}, IN_PART),
        ({"a": 0, "b": 0, "c": 1, "d": 1}, FAILS),
        ({"a": 1, "b": 1, "c": 1}, UNTESTED),
        ({"a": 0, "b": 0, "c": 1}, UNTESTED),
        ({}, UNTESTED),
    ],
)
def test_a_verdict_follows_from_its_parts(held, verdict):
    assert verdict_of(PARTS, outcomes(**{name: bool(value) for name, value in held.items()})) == verdict


def test_every_claim_has_one_chapter_and_every_part_is_registered(staged):
    chapters = claims_page.by_chapter(CLAIMS, LISTED["chapters"])
    assert sum(len(own) for _, own in chapters) == len(CLAIMS)
    kinds = {kind for paper in LISTED["paper"] for kind in paper["parts"]}
    assert kinds <= set(claims_page.KINDS)
    assert all(paper["parts"].get("says") for paper in LISTED["paper"])
    with pytest.raises(ValueError, match="'unheard_of' fits 0 chapters"):
        claims_page.by_chapter({"unheard_of": {}}, LISTED["chapters"])
    fewer = {name: claim for name, claim in CLAIMS.items() if name != "critical_over_bottom"}
    with pytest.raises(ValueError, match=r"claims\.yml lacks: critical_over_bottom"):
        claims_page.filled("", fewer, LISTED, {}, set())


def test_without_results_nothing_is_tested_and_nothing_breaks(staged):
    page = written(staged)
    assert page.count(":name: claim-") == len(CLAIMS)
    assert "Does not hold]{.fc-mark" not in page.split("does not enter the verdict")[1]
    assert "nothing that was tested contradicts" in page
    assert "<!-- claims" not in page


def test_numbers_intervals_and_verdicts_come_from_the_run(staged):
    held = {"holds": True, "value": 0.1234, "low": -0.01, "high": 0.25, "model": "toyworld"}
    failed = {"holds": False, "value": None, "low": None, "high": None, "model": "toyworld"}
    page = written(staged, {"critical_over_bottom": held, "critical_collapse": failed, "critical_alignment": failed})
    block = entry(page, "critical_over_bottom")
    assert "[Holds]{.fc-mark" in block
    assert "**0.123** (95 % interval \N{MINUS SIGN}0.01 to 0.25)" in block
    assert CLAIMS["critical_over_bottom"].falsifier in block
    assert "The paper\n: Zeroing the massive channels makes quality collapse" in block
    assert "(../notebooks/02_critical.ipynb)" in block
    assert "not as claimed" in entry(page, "critical_collapse")
    differences = page.split("## Where the toy contradicts the paper")[1].split("## Claim by claim")[0]
    assert "Generation collapses" in differences
    assert CLAIMS["critical_collapse"].reason in differences
    assert "No reason for it was tested." in differences.split("hurts prompt alignment")[1]


def test_a_reason_that_was_tested_is_told(staged):
    file = staged / "book" / "claims.yml"
    paper = "paper: Zeroing the massive channels hurts prompt alignment as well as quality."
    text = file.read_text(encoding="utf-8")
    assert text.count(paper) == 1
    told = text.replace(paper, f"{paper}\n  reason: the toy leans on *other* channels too.")
    file.write_text(told, encoding="utf-8")
    failed = {"holds": False, "value": 0.8, "low": 0.7, "high": 0.9, "model": "toyworld"}
    page = written(staged, {"critical_alignment": failed})
    assert "Most likely reason that was tested: the toy leans on \\*other\\* channels too." in page


def test_another_work_is_named_as_itself(staged):
    block = entry(written(staged), "level_follows_time")
    assert "Detail Guidance\n: The magnitude follows the timestep" in block


def test_notebooks_that_were_not_run_are_not_linked(staged):
    page = written(staged)
    assert "(../notebooks/02_critical.ipynb)" in entry(page, "critical_collapse")
    assert ".ipynb" not in entry(page, "spatial_over_bottom")


def test_notebooks_that_disagree_are_an_error(staged):
    held = {"holds": True, "value": 1.0, "low": None, "high": None, "model": "toyworld"}
    written(staged, {"critical_collapse": held})
    shutil.copy2(BOOK / "claims.md", staged / "book")
    with pytest.raises(ValueError, match="'critical_collapse': 02_critical and 03_spatial disagree"):
        written(staged, {"critical_collapse": held | {"holds": False}}, "03_spatial")


def groups(staged, checks):
    """The front page's groups: {word: its lines}, from what notebooks checked."""
    for name in ("claims.md", "intro.md"):
        shutil.copy2(BOOK / name, staged / "book")
    held = {"value": 0.5, "low": 0.4, "high": 0.6, "model": "toyworld"}
    written(staged, {name: held | {"holds": holds} for name, holds in checks.items()})
    front = (staged / "book" / "intro.md").read_text(encoding="utf-8")
    parts = front.split("::::{div} fc-found\n")[1].split("\n::::\n")[0].split("{.fc-found-word}\n")[1:]
    return {part.split("\n")[0]: part.split("\n- ")[1:] for part in parts}


def parts_of(title):
    entry = next(entry for entry in LISTED["paper"] if entry["title"] == title)
    return {
        part: short for kind, parts in entry["parts"].items() if kind != "elsewhere" for part, short in parts.items()
    }


def test_the_front_page_says_what_holds_what_does_not_and_what_is_not_known(staged):
    nothing = groups(staged, {})
    assert list(nothing) == ["Not known"]
    assert len(nothing["Not known"]) == len(LISTED["paper"]) + 1
    assert (staged / "book" / "method.md").read_bytes() == (BOOK / "method.md").read_bytes()
    few, space, collapse = "The few are critical", "They are organised in space", "Without them generation collapses"
    checks = {part: True for title in (few, space) for part in parts_of(title)} | dict.fromkeys(
        parts_of(collapse), False
    )
    checks |= {"spatial_over_pca": False, "spatial_over_priors": False, "critical_alignment": True}
    told = groups(staged, checks)
    assert list(told) == ["Holds", "Holds in part", "Does not hold", "Not known"]
    assert [line.split("]")[0] for line in told["Holds"]] == [f"[{few}"]
    assert "([chapter 2](../notebooks/02_critical.ipynb))" in told["Holds"][0]
    assert told["Holds in part"][0].startswith(f"[{space}](#claim-they-are-organised-in-space) (chapter 3). Not so: ")
    fails = told["Holds in part"][0].split("Not so: ")[1].split(".\n")[0]
    assert fails == "as well as the eight principal directions; better than a mask that sees nothing"
    assert "Not so" not in told["Does not hold"][0]
    still = told["Does not hold"][0].split("Still so: ")[1]
    assert still.split(".\n")[0] == "more of the prompt is lost than without eight others at random"
    assert sum(map(len, told.values())) == len(LISTED["paper"]) + 1


def test_traps_that_were_set_on_purpose_change_nothing_on_the_front_page(staged):
    checks = dict.fromkeys(parts_of("The few are critical"), True)
    fool = {name: False for name in CLAIMS if name.startswith("fool_")}
    assert fool
    assert groups(staged, checks) == groups(staged, checks | fool)


@pytest.mark.parametrize(("runs", "words"), [(0, "No run of one"), (1, "One run stands"), (3, "3 runs stand")])
def test_larger_models_are_known_by_the_runs_that_are_there(staged, tmp_path, monkeypatch, runs, words):
    monkeypatch.setattr(claims_page, "REAL", tmp_path / "real")
    (tmp_path / "real").mkdir()
    for number in range(runs):
        (tmp_path / "real" / f"{number}.safetensors").touch()
    assert words in groups(staged, {})["Not known"][-1]


def test_a_book_without_the_page_is_left_alone(tmp_path):
    assert claims_page.write_pages(tmp_path, tmp_path) == []


def test_what_the_model_cannot_decide_does_not_count(staged):
    """Without a match of the same energy the rest of the claim decides its verdict; without any word of it, nothing."""
    entry_of = next(one for one in LISTED["paper"] if "critical_per_energy" in one["parts"].get("per_energy", {}))
    names = [name for kind in claims_page.COUNTED for name in entry_of["parts"].get(kind, {})]
    assert CLAIMS["critical_per_energy"].found == "cannot be told"
    held = {"holds": True, "value": 1.0, "low": 0.5, "high": 1.5, "model": "toyworld"}
    page = written(staged, {name: held for name in names if name != "critical_per_energy"})
    told = page.split(f"### {entry_of['title']}")[1].split("\n::::\n")[0]
    assert told.split("\n[")[1].startswith("Holds]")
    assert "[Not tested]" in told
