"""The page of what changed: verdicts before and after beside each other, and nothing that nobody measured."""

import json
import shutil
from pathlib import Path

import changes_page
import pytest

ROOT = Path(__file__).parents[2]

OUTCOME = {"holds": True, "value": 0.5, "low": 0.25, "high": 0.75, "model": "toyworld"}
TOLD = {
    "before": {"critical_collapse": OUTCOME, "critical_alignment": OUTCOME},
    "numbers": {
        "old model, old judge": {"critical_collapse": [0.5, -0.25, 0.75]},
        "new model, by eye": {"right": [1, 1, 1]},
    },
    "draws": {"3 draws": {"critical_per_channel": [0.1, 0.0, 0.2]}},
}


@pytest.fixture
def staged(tmp_path):
    (tmp_path / "src" / "book").mkdir(parents=True)
    for name in (changes_page.PAGE, "claims.yml"):
        shutil.copy(ROOT / "book" / name, tmp_path / "src" / "book" / name)
    (tmp_path / "results").mkdir()
    failed = {**OUTCOME, "holds": False}
    checks = {"critical_collapse": failed, "critical_alignment": OUTCOME, "critical_one_channel": OUTCOME}
    (tmp_path / "results" / "02_critical.json").write_text(json.dumps({"values": {}, "checks": checks}))
    return tmp_path


def written(staged, told=TOLD):
    kept = staged / "instrument.json"
    kept.write_text(json.dumps(told))
    changes_page.write_page(staged / "src", kept, staged / "results")
    return (staged / "src" / "book" / changes_page.PAGE).read_text(encoding="utf-8")


def row(page, name):
    return next(line for line in page.splitlines() if line.startswith(f"| [{name}]"))


def test_verdicts_of_before_and_now_stand_side_by_side(staged):
    page = written(staged)
    turned = row(page, "critical_collapse").split(" | ")
    assert "**turned**" in turned[0]
    assert turned[1].startswith("[Holds]")
    assert turned[2].startswith("[Does not hold]")
    assert "turned" not in row(page, "critical_alignment")
    new = row(page, "critical_one_channel").split(" | ")
    assert new[1].startswith("[Not tested]")
    assert "**0.5** (95 % interval 0.25 to 0.75)" in new[2]
    assert row(page, "critical_over_bottom").count("[Not tested]") == 2
    assert "<!-- changed" not in page


def test_numbers_stand_under_their_model_and_reader(staged):
    page = written(staged)
    assert "| headline | old model, old judge | new model, by eye |" in page
    assert "| critical_collapse | 0.50 (\N{MINUS SIGN}0.25 to 0.75) |  |" in page
    assert "| right |  | 1.00 (1.00 to 1.00) |" in page


def test_a_claim_that_nobody_registered_is_an_error(staged):
    with pytest.raises(ValueError, match=r"claims\.yml lacks: unheard_of"):
        written(staged, {**TOLD, "before": {"unheard_of": OUTCOME}})
