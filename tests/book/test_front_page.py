"""The front page's figure: pictures and sizes are the model's, are made once, and need no model on the page."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import fewchannels as fc
import front_page
import numpy as np
import pytest
from safetensors.numpy import load_file

ROOT = Path(__file__).resolve().parents[2]
STRENGTHS, WORDS, STILL = front_page.STRENGTHS, front_page.WORDS, front_page.STILL  # which `small` has fewer of


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The page's runs with two prompts, three strengths and two steps, in a folder of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(front_page, "BUILT", tmp_path_factory.mktemp("front"))
        patch.setattr(front_page, "PROMPTS", front_page.PROMPTS[:2])
        for name, value in {"STRENGTHS": [0, 0.5, 1], "STILL": (0, 1), "STEPS": 2, "CALIBRATION": 4}.items():
            patch.setattr(front_page, name, value)
        patch.setattr(front_page, "WORDS", {0: "untouched", 1: "zero"})
        yield front_page.runs()


def test_pictures_and_sizes_are_those_of_the_edit(small):
    kept = load_file(small / front_page.RUNS)
    model = fc.load("toyworld")
    untouched = model.generate(front_page.PROMPTS, seed=0, steps=2)
    np.testing.assert_array_equal(kept["images"][0], untouched)
    chosen = kept["chosen"].astype(bool)
    assert chosen.shape == (len(model.layers), 192)
    assert (chosen.sum(axis=1) == front_page.K).all()
    assert (kept["sizes"][0][chosen] > 0).all()
    largest = kept["sizes"][0][0].argmax()
    assert kept["sizes"][1][0][largest] == pytest.approx(kept["sizes"][0][0][largest] / 2, rel=0.05)
    assert not kept["sizes"][2][chosen].any()
    with fc.ablate(model, fc.ChannelSet.from_mask(chosen), how="zero"):
        np.testing.assert_array_equal(kept["images"][2], model.generate(front_page.PROMPTS, seed=0, steps=2))


def test_runs_are_made_once(small, monkeypatch):
    monkeypatch.setattr(front_page.made, "digest_of", lambda *given: pytest.fail(f"asked {given[0]}"))
    with pytest.raises(pytest.fail.Exception, match=r"training\.json"):
        front_page.runs()
    monkeypatch.undo()
    before = (small / front_page.RUNS).stat().st_mtime_ns
    assert front_page.runs() == small
    assert (small / front_page.RUNS).stat().st_mtime_ns == before


def test_the_page_carries_the_figure_and_no_number_is_left_open(small, tmp_path):
    (tmp_path / "book").mkdir()
    assert front_page.write_page(tmp_path) is False
    text = (ROOT / "book" / "intro.md").read_text(encoding="utf-8")
    assert text.count(front_page.FIGURE) == 1
    (tmp_path / "book" / "intro.md").write_text(text, encoding="utf-8")
    assert front_page.write_page(tmp_path) is True
    page = (tmp_path / "book" / "intro.md").read_text(encoding="utf-8")
    assert "<!-- front-" not in page
    facts = json.loads((small / front_page.FACTS).read_text(encoding="utf-8"))
    assert f"{facts['blocks']} blocks of {facts['width']} channels, {facts['images']:,} pictures seen" in page
    assert page.count('class="fc-widget"') == 1
    still = page.split("<noscript>")[1].split("</noscript>")[0]
    assert f'src="../_static/{front_page.STRIP}"' in still
    assert all(prompt in still for prompt in front_page.PROMPTS)
    assert (tmp_path / "book" / "assets" / front_page.STRIP).stat().st_size > 1000


def test_the_slider_begins_untouched_and_names_every_stop(small):
    widget = front_page.figure(small)
    (axis,) = widget.data["axes"]
    assert axis["labels"] == ["0: untouched", "0.5: times 0.5", "1: zero"]
    assert axis["marks"] == [[0, "untouched"], [2, "zero"]]
    assert axis["control"] == "slider"
    assert widget.state == {"axis0": 0}
    assert widget.data["tile_labels"] == front_page.PROMPTS


def test_the_stops_span_what_the_page_promises():
    """From doubled over untouched and zero to the sign turned, all named, in even steps."""
    assert (STRENGTHS[0], STRENGTHS[-1]) == (-1, 2)
    assert {right - left for left, right in pairwise(STRENGTHS)} == {0.25}
    assert set(WORDS) == {-1, 0, 1, 2}
    assert {*WORDS, *STILL} <= set(STRENGTHS)
