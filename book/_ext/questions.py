"""Sphinx extension: a chapter's page asks its three questions before and after, and the reader's guess comes back.

The questions stand in book/questions.yml and nowhere else, so that no notebook carries them: a chapter's notebook keeps
its cells for the experiment, and in Colab its first cell links to the page. What is put in here is text that can be
answered on paper; `questions.js`, built from lib/fewchannels/widgets/js/questions, makes forms of it.

    before   a section before the callout "Question before you run"
    guess    right behind that callout
    guessed  before the callout "Verdict", in a chapter without one before "What it means"
    after    a section at the page's end
"""

from __future__ import annotations

import html
import importlib.util
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from callouts import kind_of
from docutils import nodes
from sphinx.errors import ExtensionError

CHAPTER = re.compile(r"notebooks/(\d+)_")
SCRIPT = "questions.js"
BEFORE, AFTER = "Before you read", "After you read"
ON_PAPER = "Three questions, and the same three at the end. Choose what you would say now, and write it down."
ON_PAPER_AGAIN = "Answer the three questions at the beginning once more, and compare."


def as_data(questions: Iterable[Any]) -> list[dict]:
    """Questions (fewchannels.notebook.questions) as questions.js takes them."""
    return [
        {
            "id": one.id,
            "ask": set_well(one.ask),
            "options": [
                {
                    "id": option.id,
                    "says": set_well(option.says),
                    "why": set_well(option.why),
                    "right": option.id == one.right,
                }
                for option in one.options.values()
            ],
        }
        for one in questions
    ]


def set_well(text: str) -> str:
    """With the apostrophe that the rest of a page has, whose text goes through Sphinx's smart quotes."""
    return text.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}")


def on_paper(questions: Iterable[Mapping]) -> str:
    """HTML of the questions without forms, for paper and for browsers without scripts."""
    items = []
    for one in questions:
        options = "".join(f"<li>{html.escape(option['says'])}</li>" for option in one["options"])
        items.append(f"<li><p>{html.escape(one['ask'])}</p><ul>{options}</ul></li>")
    return f"<p>{ON_PAPER}</p><ol>{''.join(items)}</ol>"


def place(name: str, text: str = "") -> nodes.raw:
    """A place on the page that questions.js fills."""
    kind = "fc-guess" if name.startswith("guess") else "fc-questions"
    return nodes.raw("", f'<div class="{kind}" data-fc-place="{name}">{text}</div>', format="html")


def data_of(chapter: int, questions: list[dict]) -> nodes.raw:
    """The questions as data. No text can end the script that carries it: each "<" is written \\u003c."""
    text = json.dumps({"chapter": str(chapter), "questions": questions}, ensure_ascii=False).replace("<", "\\u003c")
    return nodes.raw("", f'<script type="application/json" id="fc-questions-data">{text}</script>', format="html")


def section(title: str, *children: nodes.Node) -> nodes.section:
    made = nodes.section("", nodes.title("", title), *children, ids=[nodes.make_id(title)], names=[title.lower()])
    made["classes"].append("fc-questions-section")
    return made


def put_in(doctree: nodes.document, chapter: int, questions: list[dict]) -> None:
    """Put the four places and the data into a chapter. Raises ValueError where it lacks the callouts."""
    found = {}
    for quote in doctree.findall(nodes.block_quote):
        found.setdefault(kind_of(quote), quote)
    asked, verdict = found.get("question"), found.get("verdict") or found.get("meaning")
    if asked is None or verdict is None:
        raise ValueError(f"chapter {chapter}: expected the callouts 'Question before you run' and 'Verdict'")
    whole = next(doctree.findall(nodes.section))
    parent = asked.parent
    parent.insert(parent.index(asked) + 1, place("guess"))
    parent.insert(parent.index(asked), section(BEFORE, place("before", on_paper(questions))))
    verdict.parent.insert(verdict.parent.index(verdict), place("guessed"))
    whole += section(AFTER, place("after", f"<p>{ON_PAPER_AGAIN}</p>"), data_of(chapter, questions))


def _read(app) -> None:
    from fewchannels.notebook.questions import read_questions

    file = Path(app.srcdir) / "book" / "questions.yml"
    try:
        app.fc_questions = read_questions(file) if file.exists() else {}  # a site of a few pages may have none
    except (OSError, ValueError) as error:
        raise ExtensionError(str(error)) from error


def _ask(app, doctree: nodes.document) -> None:
    chapter = CHAPTER.match(app.env.docname)
    asked = [one for one in app.fc_questions.values() if chapter and one.chapter == int(chapter[1])]
    if not asked:
        return
    app.env.note_dependency(str(Path(app.srcdir) / "book" / "questions.yml"))
    try:
        put_in(doctree, asked[0].chapter, as_data(asked))
    except ValueError as error:
        raise ExtensionError(f"{app.env.docname}: {error}") from error
    app.env.metadata[app.env.docname]["fc_questions"] = True


def _script(app, config) -> None:
    package = Path(importlib.util.find_spec("fewchannels").origin).parent
    config.html_static_path.append(str(package / "widgets" / SCRIPT))


def _on_page(app, pagename, templatename, context, doctree) -> None:
    if app.env.metadata.get(pagename, {}).get("fc_questions"):
        app.add_js_file(SCRIPT, loading_method="defer")


def setup(app) -> dict:
    app.connect("config-inited", _script)
    app.connect("builder-inited", _read)
    app.connect("doctree-read", _ask, priority=100)  # before titles are collected
    app.connect("html-page-context", _on_page)
    return {"version": "1", "parallel_read_safe": True}
