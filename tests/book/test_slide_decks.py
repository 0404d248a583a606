"""Decks of slides: what tagged cells give, what every chapter's deck has, and that a page needs nothing beside it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import contents
import links
import nbformat
import pytest
import slide_decks
import stripped
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = [ROOT / name for name in contents.toc_notebooks() if Path(name).stem < "90"]
REQUIRED = {"title", "question", "code", "falsifier", "limits", "exercise"}
PROGRAM = '<script type="text/plain" data-fc-module>cHJvZ3JhbQ==</script>'
WIDGET = (
    '<div class="fc-widget"></div><script type="application/json">{}</script>'
    '<script>(function (script) {\n  "use strict";})(document.currentScript);</script>'
)


def markdown(text, kind=""):
    return new_markdown_cell(text, metadata={"slideshow": {"slide_type": kind}} if kind else {})


def code(source, kind="", *outputs, **more):
    metadata = {"slideshow": {"slide_type": kind, **more}} if kind else {}
    return new_code_cell(source, metadata=metadata, outputs=list(outputs))


def shown(**data):
    return new_output("display_data", data={name.replace("_", "/"): text for name, text in data.items()})


def figure(width, height, caption="What it shows."):
    picture = f'<img alt="dots" src="data:," width="{width}" height="{height}">'
    return shown(text_html=f"<figure>{picture}<figcaption>{caption}</figcaption></figure>")


def checked(holds, text):
    verdict = "**Holds here.**" if holds else "**Does not hold here.**"
    record = {"fewchannels": {"check": {"id": "it", "holds": holds}}}
    return new_output("display_data", data={"text/markdown": f"{verdict} {text}"}, metadata=record)


def deck(*cells):
    notebook = new_notebook(cells=list(cells))
    return slide_decks.slides_of(notebook, notebook)


INTRO = """# A chapter

> **In this chapter.** You see a thing.

> **Question before you run.** What will come of it?

The settings are these."""
CLOSE = """**Try it yourself** in the <a href="../book/live_lab.html#fc=lab;k.1">live lab</a>, after
[chapter 1](01_massive.ipynb).

> **Verdict.** It holds.

> **What it means.** Size is not all.

> **Limits.** One model, which we trained. One world, of simple scenes on a ground of two colours and of nothing
> else. Two readers, which do not always agree on what they see in a broken picture, and which are no people, and no
> judge of what a picture is worth."""
EXERCISES = "## Exercises\n\nThe first checks itself.\n\n**1. How many?** Count them.\n\n**2. And then?** No."


def test_cells_become_slides():
    slides = deck(
        code("import sys"),
        markdown(INTRO, "slide"),
        markdown("## By hand\n\nFirst with four."),
        code("with fc.capture(dit):\n    dit.generate()", "slide"),
        markdown("Look at the dots.", "notes"),
        code("show(dots)", "slide", figure(500, 200, "Each alone. From a study of 24 prompts: n.")),
        code("check('it')", "-", checked(True, "It is so.")),
        code("show(rows)", "slide", figure(500, 480), checked(False, "And so."), code=True),
        code("Flipbook()", "slide", shown(text_html=PROGRAM + WIDGET)),
        markdown("## Verdict"),
        markdown(CLOSE, "slide"),
        markdown(EXERCISES),
        code("mine = None"),
    )
    parts = "title question code figure code figure explorer outcomes verdict limits exercise".split()
    assert [slide.part for slide in slides] == parts
    title, question, by_hand, dots, _, rows, explorer, outcomes, verdict, limits, exercise = slides
    assert (title.title, "You see a thing." in title.html) == ("A chapter", True)
    assert question.title == "Question before you run"
    assert "The settings are these." in question.notes
    assert "The settings" not in question.html
    assert by_hand.title == "By hand"
    assert "capture" in by_hand.html
    assert "Look at the dots." in by_hand.notes
    assert (dots.layout, rows.layout) == ("wide", "tall")
    assert '<p class="source">From a study of 24 prompts: n.</p>' in dots.html
    assert 'class="outcome holds"' in dots.html
    assert 'class="outcome not"' in rows.html
    assert PROGRAM not in explorer.html
    assert [outcomes.html.count(name) for name in ("outcome holds", "outcome not")] == [1, 1]
    assert "Size is not all." in verdict.notes
    assert limits.html.count("<li>") == 3
    assert "<strong>1. How many?</strong>" in exercise.html
    assert "mine" in exercise.html
    assert "And then" not in exercise.html
    site = links.declared().site
    assert f'href="{site}book/live_lab.html#fc=lab;k.1" data-beside="../book/live_lab.html#fc=lab;k.1"' in exercise.html
    assert f'href="{site}notebooks/01_massive.html"' in exercise.html


def test_many_outcomes_take_more_than_one_slide():
    long = "Of the eight " + "and of the others " * 12
    cells = [markdown(INTRO, "slide"), code("check()", "", *(checked(i % 2, f"{i}. {long}") for i in range(9)))]
    pages = [slide for slide in deck(*cells) if slide.part == "outcomes"]
    assert len(pages) == 3
    assert [page.html.count('class="outcome') for page in pages] == [3, 3, 3]
    assert pages[1].title.endswith("(2 of 3)")
    beside = code("show()", "slide", figure(500, 200), *(checked(True, long) for _ in range(2)))
    slides = deck(markdown(INTRO, "slide"), beside)
    assert [slide.html.count('class="outcome') for slide in slides] == [0, 0, 0, 2]


def test_a_claim_that_cannot_be_told_is_among_the_outcomes():
    untold = new_output("display_data", data={"text/markdown": "**Cannot be told here**. Energy for energy."})
    slides = deck(markdown(INTRO, "slide"), code("check()", "", untold, shown(text_markdown="A sentence.")))
    assert slides[-1].part == "outcomes"
    assert slides[-1].html.count("<div") == slides[-1].html.count('class="outcome unknown"') == 1


def test_what_a_cell_printed_is_left_out_and_what_it_returned_is_not():
    result = new_output("execute_result", data={"text/plain": "[124, 72]"})
    slides = deck(
        markdown(INTRO, "slide"),
        code("first", "slide", new_output("stream", text="at /tmp"), result),
        code("more", "-"),
    )
    assert "[124, 72]" in slides[-1].html
    assert "more" in slides[-1].html
    assert "/tmp" not in slides[-1].html


def test_wrong_tags_and_old_runs_are_refused():
    with pytest.raises(ValueError, match="tagged '-', and no slide begins before it"):
        deck(code("first", "-"))
    source, executed = (new_notebook(cells=[new_code_cell(text, id="one")]) for text in ("n = 1", "n = 2"))
    with pytest.raises(ValueError, match="cells one have changed since it was run"):
        slide_decks.slides_of(source, executed)


def test_a_page_holds_each_program_once_and_only_what_it_uses():
    explorer = code("Flipbook()", "slide", shown(text_html=PROGRAM + WIDGET))
    again = code("Flipbook()", "slide", shown(text_html=WIDGET))
    plot = code("show(plot)", "slide", shown(text_html='<figure><div class="fc-plotly"></div></figure>'))
    for cells, programs, plotly in (((), 0, False), ((explorer, again), 1, False), ((plot,), 0, True)):
        notebook = new_notebook(cells=[markdown(INTRO, "slide"), *cells])
        text = slide_decks.page("03_where", slide_decks.slides_of(notebook, notebook), notebook)
        assert text.count("data-fc-module") == programs
        assert (len(text) > 3_000_000) is plotly
        assert "<title>3 · A chapter · slides</title>" in text
        outside = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
        assert not re.search(r'(src|srcset)="(?!data:)|<link [^>]*href="(?!data:)|@import|url\((?!"?data:)', outside)
    # the program of an explorer that is on no slide
    notebook = new_notebook(cells=[markdown(INTRO, "slide"), code("Flipbook()", "", *explorer.outputs), again])
    assert PROGRAM in slide_decks.page("03_where", slide_decks.slides_of(notebook, notebook), notebook)


@pytest.mark.parametrize("notebook", CHAPTERS, ids=lambda file: file.stem)
def test_every_chapter_has_slides(notebook):
    """From its tags alone; a new chapter tags its cells, as slide_decks.py says."""
    source = nbformat.read(notebook, as_version=4)
    parts = [slide.part for slide in slide_decks.slides_of(source, source)]
    assert set(parts) >= REQUIRED
    assert {"verdict", "meaning"} & set(parts)
    looked_at = [
        cell
        for cell in source.cells
        if slide_decks.slide_type(cell) == "slide" and cell.cell_type == "code" and "show(" in cell.source
    ]
    assert len(looked_at) >= 3
    assert 9 <= len(parts) <= 18


def test_a_failed_deck_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(slide_decks, "SRC", tmp_path)
    monkeypatch.setattr(slide_decks, "SLIDES", tmp_path / "slides")
    with pytest.raises(slide_decks.SlidesFailed, match="was not run yet: `make book` does, or `make slides`"):
        slide_decks.build()


def test_stripping_keeps_the_tags_and_tags_alone_run_nothing_again(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    file = tmp_path / "notebooks" / "00_one.ipynb"
    notebook = new_notebook(cells=[code("n = 1", "slide", figure(1, 1), code=True)])
    nbformat.write(notebook, file)
    subprocess.run(stripped.command(str(file)), check=True)
    cell = json.loads(file.read_text())["cells"][0]
    assert cell["outputs"] == []
    assert cell["metadata"]["slideshow"] == {"slide_type": "slide", "code": True}
    monkeypatch.setattr(contents, "ROOT", tmp_path)
    monkeypatch.setattr(contents, "_shared_digest", lambda: "")
    digests = []
    for change in ({}, {"slideshow": {"slide_type": "notes"}}, {"tags": ["parameters"]}):
        cell["metadata"] = change
        file.write_text(json.dumps({"cells": [cell]}))
        digests.append(contents.digest_of("notebooks/00_one.ipynb"))
    assert digests[0] == digests[1] != digests[2]
