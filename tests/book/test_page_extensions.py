"""The Sphinx extensions in book/_ext: docstrings become clean reStructuredText, blockquotes become callouts."""

from __future__ import annotations

import doctest
import importlib.util
from pathlib import Path
from types import SimpleNamespace

import docutils.core
import pytest
from docutils import nodes

pytest.importorskip("sphinx")
FOLDER = Path(__file__).resolve().parents[2] / "book" / "_ext"


def load(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


docstrings, callouts, lightpages, bookparts = map(load, ("docstrings", "callouts", "lightpages", "bookparts"))

AWKWARD = """The mean |x| of `stats`, as *args and trailing_ names; `ChannelSet`s too.

    with capture(model, stats):
        ...

Returns float32 [S, L, T, D] where x_ is y * 2 * z.
k: how many, or **all**
layer: its name
    or its number
- an item
  that goes on
- another

>>> 1 + 1
2

Raises ValueError `at once.
"""


def test_doctests_of_the_extension():
    assert doctest.testmod(docstrings).failed == 0


def test_awkward_docstring_gives_no_warning():
    text = "\n".join(docstrings.to_rst(AWKWARD.splitlines()))
    tree = docutils.core.publish_doctree(text, settings_overrides={"report_level": 1, "halt_level": 2})
    assert "|x|" in tree.astext()
    assert "*args" in tree.astext()
    assert [node.astext() for node in tree.findall(nodes.literal)] == ["stats", "ChannelSet"]
    assert any("with capture" in node.astext() for node in tree.findall(nodes.literal_block))
    assert len(list(tree.findall(nodes.doctest_block))) == 1


def test_every_public_docstring_gives_no_warning():
    """The whole library, as the API page reads it."""
    import importlib
    import inspect

    for name in docstrings.public_modules():
        module = importlib.import_module(name)
        public = (value for key, value in vars(module).items() if not key.startswith("_"))
        ours = (value for value in public if str(getattr(value, "__module__", "")).startswith("fewchannels"))
        for thing in (module, *ours):
            if (inspect.isclass(thing) or inspect.isfunction(thing) or thing is module) and thing.__doc__:
                text = "\n".join(docstrings.to_rst(inspect.getdoc(thing).splitlines()))
                docutils.core.publish_doctree(text, settings_overrides={"report_level": 2, "halt_level": 2})


def quote(*children):
    return nodes.block_quote("", nodes.paragraph("", "", *children))


@pytest.mark.parametrize("phrase", ["Claim.", "claim", "Claim:"])
def test_known_phrase_makes_a_callout(phrase):
    assert callouts.kind_of(quote(nodes.Text(""), nodes.strong("", phrase), nodes.Text(" It is so."))) == "claim"


def test_other_quotes_are_left_alone():
    assert callouts.kind_of(quote(nodes.strong("", "Nota bene."), nodes.Text(" So."))) is None
    assert callouts.kind_of(quote(nodes.Text("A claim that is not bold."))) is None
    assert callouts.kind_of(nodes.block_quote()) is None


def test_every_kind_has_a_style():
    css = (FOLDER.parent / "assets" / "fewchannels.css").read_text(encoding="utf-8")
    assert [kind for kind in callouts.KINDS.values() if f".fc-{kind}" not in css] == []


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ("notebooks/00_start_here", "0 · A title"),
        ("notebooks/90_bring_your_own_model", "90 · A title"),
        ("book/method", "A title"),
    ],
)
def test_chapters_are_listed_by_their_numbers(page, shown):
    title = nodes.title("", "", nodes.Text("A title"))
    first, second = (nodes.reference("", "", nodes.Text(text)) for text in ("A title", "A section"))
    toc = nodes.bullet_list("", first, second)
    app = SimpleNamespace(env=SimpleNamespace(docname=page, titles={page: title}, tocs={page: toc}))
    bookparts.number_chapter(app, nodes.document(None, None))
    assert [node.astext() for node in (title, first, second)] == [shown, shown, "A section"]


def test_mended_page_lacks_script_and_roles():
    page = '<script defer src="../_static/scripts/fontawesome.js?x"></script><div role="list" class="citation-list">'
    page = lightpages.CITATION_ROLES.sub("", lightpages.FONTAWESOME.sub("", page))
    assert page == '<div class="citation-list">'
