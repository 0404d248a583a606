"""The script of the questions before and after: as built, quiet, and safe for any text."""

from __future__ import annotations

import re

from fewchannels.widgets import bundle


def test_the_script_is_fresh_and_small():
    text = bundle.QUESTIONS_BUNDLE.read_text(encoding="utf-8")
    assert text == bundle.build_questions(), "run python lib/fewchannels/widgets/bundle.py and commit questions.js"
    assert len(text.encode()) < 25_000  # every chapter loads it


def test_the_script_has_no_way_to_send_anything():
    text = bundle.QUESTIONS_BUNDLE.read_text(encoding="utf-8")
    ways = r"\b(fetch|XMLHttpRequest|sendBeacon|WebSocket|EventSource|Worker|import|Image|postMessage|action)\b"
    assert re.findall(ways, text) == []
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)", text) == []


def test_texts_go_in_as_texts():
    for path in (bundle.SOURCES / "questions").glob("*.js"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)
