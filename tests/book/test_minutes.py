"""Minutes are counted, and stand where they should."""

import doctest
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "book"))
import minutes


def cell(kind, text, *tags):
    return {"cell_type": kind, "source": [text], "metadata": {"tags": list(tags)}}


def test_what_counts():
    cells = [
        cell("markdown", "badge and more words", "remove-cell"),
        cell("markdown", "# Two words\n\nand [three more words](a/long/address.ipynb)"),
        cell("code", "# a comment\n\nx = 1\nshow(\n    x,\n)\n"),
        cell("markdown", "last\n\n## Exercises\n\n**1.** not counted"),
        cell("code", "show(2)"),
    ]
    assert minutes.counted(cells) == minutes.Counted(words=7, lines=4, figures=1)


def test_examples():
    assert doctest.testmod(minutes).failed == 0


def test_chapters_and_the_page_for_teachers_say_what_is_counted():
    assert [file.name for file, text in minutes.rewritten().items() if file.read_text(encoding="utf-8") != text] == []


def test_a_chapter_without_the_sentence_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "teach.md").write_text("| chapters |")
    (tmp_path / "notebooks" / "00_start_here.ipynb").write_text('{"cells": []}')
    seconds = minutes.measured()
    monkeypatch.setattr(minutes, "ROOT", tmp_path)
    monkeypatch.setattr(minutes, "measured", lambda: seconds)
    with pytest.raises(ValueError, match=r"00_start_here\.ipynb: expected the sentence"):
        minutes.rewritten()
    monkeypatch.setattr(minutes, "measured", dict)
    with pytest.raises(ValueError, match="nobody measured how long 00_start_here runs"):
        minutes.rewritten()
