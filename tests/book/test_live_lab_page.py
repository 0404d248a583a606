"""The live lab's page: the example is the model's own, the scripts lie where the page looks, nothing is left open."""

from __future__ import annotations

import json
import re
from pathlib import Path

import fewchannels as fc
import live_lab_page
import numpy as np
import pytest
from fewchannels.toyworld.by_eye import by_eye
from fewchannels.toyworld.prompts import format_prompt
from fewchannels.widgets import live_lab
from safetensors.numpy import load_file

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The page's runs with few prompts and steps, in a folder of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live_lab_page, "BUILT", tmp_path_factory.mktemp("lab"))
        patch.setattr(live_lab_page, "STEPS", 4)
        patch.setattr(live_lab, "CALIBRATION", {"prompts": 2, "seed": 1, "steps": 2})
        yield live_lab_page.runs()


@pytest.fixture(scope="module")
def page(small, tmp_path_factory):
    src = tmp_path_factory.mktemp("src")
    (src / "book" / "assets").mkdir(parents=True)
    text = (ROOT / "book" / "live_lab.md").read_text(encoding="utf-8")
    (src / "book" / "live_lab.md").write_text(text, encoding="utf-8")
    assert live_lab_page.write_page(src)
    return src


def test_the_example_is_what_the_model_draws(small):
    kept, facts = (
        load_file(small / live_lab_page.RUNS),
        json.loads((small / live_lab_page.FACTS).read_text(encoding="utf-8")),
    )
    model = fc.load("toyworld")
    picture = model.generate([live_lab_page.PROMPT], seed=live_lab_page.SEED, steps=4)
    np.testing.assert_array_equal(kept["untouched"], picture[0])
    change = ((kept["edited"] / 255.0 - kept["untouched"] / 255.0) ** 2).mean()
    assert facts["change"] == f"{change:.4f}"
    assert change > 0.001
    for name in ("untouched", "edited"):
        assert facts[f"{name}_text"].endswith(f"Seen: {format_prompt(by_eye(kept[name][None])[0])}.")
    assert format_prompt(by_eye(kept["sample"][None])[0]) == live_lab_page.SAMPLE


def test_the_page_is_filled_and_its_scripts_are_there(page):
    text = (page / "book" / "live_lab.md").read_text(encoding="utf-8")
    assert "<!-- live-lab" not in text
    scripts = page / "book" / "assets" / live_lab_page.FOLDER
    data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', text, re.DOTALL)[1])["data"]
    assert data["base"] == f"../_static/{live_lab_page.FOLDER}/"
    assert data["bytes"] == sum(path.stat().st_size for path in scripts.iterdir())
    assert f"{data['bytes'] / 1e6:.0f} MB" in text
    for address in data["chapters"].values():
        assert (ROOT / "book" / address.replace(".html", ".ipynb")).resolve().exists()
    assert len(text) < 400_000


def test_without_a_placeholder_nothing_is_made(tmp_path):
    (tmp_path / "book").mkdir()
    assert live_lab_page.write_page(tmp_path) is False
    (tmp_path / "book" / "live_lab.md").write_text("# No lab\n", encoding="utf-8")
    assert live_lab_page.write_page(tmp_path) is False


@pytest.mark.parametrize(
    ("after", "found"),
    [
        ("a large red star at the left on a plain blue background", []),
        ("a small red ring at the left on a plain blue and white background", ["size", "shape", "background"]),
        ("nothing on a dotted blue background", ["number of subjects", "texture"]),
    ],
)
def test_changed_words_are_named(after, found):
    from fewchannels.toyworld.prompts import parse_prompt

    before = parse_prompt("a large red star at the left on a plain blue background")
    assert live_lab_page._changed(before, parse_prompt(after)) == found
