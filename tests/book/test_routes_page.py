"""Routes are parts of chapters that are there, with minutes that are counted and measured, and they fit."""

from __future__ import annotations

import json

import pytest
import routes_page
import yaml
from routes_page import Minutes


def cell(kind, text):
    return {"cell_type": kind, "source": [text], "metadata": {}}


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A book of one chapter: 200 words before its first section, 24 lines in "By hand", 400 words in "All of it"."""
    cells = [
        cell("markdown", "# First\n" + "word " * 199),
        cell("markdown", "## By hand"),
        cell("code", "x = 1\n" * 24),
        cell("markdown", "## All of it\n" + "word " * 397),
        cell("markdown", "## Exercises\n" + "word " * 999),
    ]
    rows = [{"what": "00_first", "sections": {"": 30.0, "By hand": 60.0, "All of it": 120.0, "Exercises": 600.0}}]
    for folder in ("notebooks", "bench", "book"):
        (tmp_path / folder).mkdir()
    (tmp_path / "notebooks" / "00_first.ipynb").write_text(json.dumps({"cells": cells}))
    (tmp_path / "bench" / "results.json").write_text(json.dumps({"benches": {"book": {"rows": rows}}}))
    monkeypatch.setattr(routes_page, "ROOT", tmp_path)
    return tmp_path


def test_minutes_are_read_and_run_by_section(small):
    whole = routes_page.minutes_of({"chapter": "00_first", "exercises": 2})
    assert (whole.run, whole.exercises, whole.talk) == (3.5, 21, 0)
    assert whole.read == pytest.approx(1 + 2 + 2, abs=0.02)
    part = routes_page.minutes_of({"chapter": "00_first", "sections": ["By hand"]})
    assert part.read == pytest.approx(2, abs=0.02)
    assert part.run == 1.5, "with what opens the chapter"
    assert routes_page.minutes_of({"chapter": "00_first", "run": True}).read == 0
    assert routes_page.minutes_of({"do": "talk", "minutes": 7}).all == 7
    assert Minutes(read=1.2).all == 2


def test_what_is_not_there_is_named(small):
    with pytest.raises(ValueError, match="no chapter '01_second'"):
        routes_page.minutes_of({"chapter": "01_second"})
    with pytest.raises(ValueError, match="no section 'By heart'; it has By hand, All of it"):
        routes_page.minutes_of({"chapter": "00_first", "sections": ["By heart"]})
    with pytest.raises(ValueError, match="a step has section; it may have chapter"):
        routes_page.minutes_of({"chapter": "00_first", "section": "By hand"})
    (small / "bench" / "results.json").write_text(json.dumps({"benches": {"book": {"rows": []}}}))
    with pytest.raises(ValueError, match="nobody measured 00_first"):
        routes_page.minutes_of({"chapter": "00_first"})


def test_a_route_is_told_meeting_by_meeting_and_has_to_fit(small):
    steps = [{"do": "Guess", "minutes": 10}, {"chapter": "00_first", "sections": ["By hand"], "exercises": 1}]
    meetings = [{"title": "One", "steps": steps}, {"title": "Two", "before": ["00_first"], "steps": steps}]
    route = {"name": "Short", "about": "For a try.", "minutes": 30, "meetings": meetings}
    told = routes_page.as_markdown([route], routes_page.chapter_titles())
    assert "**1. One**, 29 minutes." in told
    assert "**2. Two**, 29 minutes. Read before: [First](../notebooks/00_first.ipynb) (5 minutes)." in told
    assert (
        "| Read and run [First](../notebooks/00_first.ipynb); the section *By hand*; its first exercise | 19 |" in told
    )
    with pytest.raises(ValueError, match="Short, 'One' takes 29 minutes of 15"):
        routes_page.as_markdown([{**route, "minutes": 15}], routes_page.chapter_titles())


def test_the_books_own_routes_fit_and_fill_their_place(tmp_path):
    (tmp_path / "book").mkdir()
    page = tmp_path / "book" / "teach.md"
    page.write_text((routes_page.ROOT / "book" / "teach.md").read_text())
    routes_page.write_page(tmp_path)
    told = page.read_text()
    for route in yaml.safe_load(routes_page.ROUTES.read_text()):
        assert f"### {route['name']}" in told
    with pytest.raises(ValueError, match="no placeholder"):
        routes_page.write_page(tmp_path)
