"""The Sphinx extensions in book/_ext: docstrings become clean reStructuredText, blockquotes become callouts."""

from __future__ import annotations

import doctest
import importlib.util
import json
import re
import sys
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
sys.path.insert(0, str(FOLDER))  # which imports callouts by name, as Sphinx has it
try:
    questions = load("questions")
finally:
    sys.path.remove(str(FOLDER))
glossary_links = load("glossary_links")

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


# The questions before and after


def chapter_tree(*labels):
    quotes = [quote(nodes.strong("", label), nodes.Text(" Text.")) for label in labels]
    whole = nodes.section("", nodes.title("", "A chapter"), *quotes)
    tree = nodes.document(None, None)
    tree += whole
    return tree


def asked(text="Which?"):
    return [{"id": "ch3.one", "ask": text, "options": [{"id": "a", "says": text, "why": text, "right": True}]}]


def places(tree):
    found = []
    for node in tree.findall(lambda n: isinstance(n, (nodes.raw, nodes.strong))):
        name = re.search(r'data-fc-place="(\w+)"|id="(fc-[\w-]+)"', node.astext())
        found.append((name[1] or name[2]) if name else node.astext())
    return found


def test_questions_stand_around_the_callouts():
    tree = chapter_tree("In this chapter.", "Question before you run.", "Claims.", "Verdict.", "What it means.")
    questions.put_in(tree, 3, asked())
    assert places(tree) == [
        *("In this chapter.", "before", "Question before you run.", "guess", "Claims."),
        *("guessed", "Verdict.", "What it means.", "after", "fc-questions-data"),
    ]
    assert [node["ids"] for node in tree.findall(nodes.section)][1:] == [["before-you-read"], ["after-you-read"]]


def test_without_a_verdict_the_guess_comes_back_where_it_is_said_what_it_means():
    tree = chapter_tree("Question before you run.", "What it means.", "Limits.")
    questions.put_in(tree, 0, asked())
    assert places(tree)[3:5] == ["guessed", "What it means."]


def test_a_chapter_without_its_callouts_is_refused():
    with pytest.raises(ValueError, match="chapter 3: expected the callouts 'Question before you run' and 'Verdict'"):
        questions.put_in(chapter_tree("Question before you run."), 3, asked())


def test_no_text_of_a_question_can_leave_its_place():
    hostile = "</script><img src=x onerror=alert(1)> it's"
    tree = chapter_tree("Question before you run.", "Verdict.")
    questions.put_in(tree, 3, asked(hostile))
    raw = [node.astext() for node in tree.findall(nodes.raw)]
    [data] = [text for text in raw if "fc-questions-data" in text]
    assert data.count("<") == 2  # its own tag
    assert not any("<img" in text for text in raw)
    assert json.loads(re.search(r">(.*)<", data)[1])["questions"][0]["ask"] == hostile


def test_questions_reach_the_page_whole():
    from fewchannels.notebook.questions import read_questions

    read = read_questions().values()
    data = questions.as_data(read)
    assert [one["id"] for one in data] == [one.id for one in read]
    assert all([option["right"] for option in one["options"]].count(True) == 1 for one in data)
    assert "’" in questions.set_well("it's")


# Links to the glossary


def test_doctests_of_the_glossary_links():
    assert doctest.testmod(glossary_links).failed == 0


GLOSSARY, HOME = "book/glossary", "https://few.example/glossary.html"
TERMS = {"channel": "term-channel", "massive channel": "term-massive-channel", "energy": "term-energy"}


def page_with_links(markdown, docname="book/small"):
    """A small page of Markdown as the extension leaves it -> [(words, address), ...] of its links to the glossary."""
    from myst_parser.parsers.docutils_ import Parser

    page = docutils.core.publish_doctree(markdown, parser=Parser(), settings_overrides={"report_level": 5})
    objects = {("term", term): (GLOSSARY, label) for term, label in TERMS.items()}
    app = SimpleNamespace(
        builder=SimpleNamespace(format="html", get_relative_uri=lambda page, to: HOME),
        env=SimpleNamespace(found_docs={GLOSSARY}, get_domain=lambda name: SimpleNamespace(objects=objects)),
    )
    glossary_links._link_first_uses(app, page, docname)
    return [
        (link.astext(), link["refuri"])
        for link in page.findall(nodes.reference)
        if link.get("refuri", "").startswith(HOME)
    ]


SMALL = """# A channel in a title

`channel` in code, and [a channel](https://example.org) in a link, are left alone.

| a channel | in a table |
|---|---|
| energy | too |

Massive channels hold much of the *energy*, and a massive channel is a channel.
Channels again, with energies.
"""


def test_the_first_use_in_prose_is_linked_and_no_other():
    assert page_with_links(SMALL) == [
        ("Massive channels", f"{HOME}#term-massive-channel"),
        ("energy", f"{HOME}#term-energy"),
        ("channel", f"{HOME}#term-channel"),
    ]


def test_a_term_that_the_author_links_is_left_to_that_link():
    page = f"A channel, and [the channel]({HOME}#term-channel).\n"
    assert page_with_links(page) == [("the channel", f"{HOME}#term-channel")]


def test_the_glossary_itself_and_docstrings_are_left_alone():
    assert page_with_links(SMALL, GLOSSARY) == page_with_links(SMALL, "book/api") == []


def test_terms_are_found_in_a_real_chapter():
    """Chapter 10 with the book's own glossary: the words that only it uses, and everyday words in their other sense."""
    import json
    import re

    text = (FOLDER.parent / "glossary.md").read_text(encoding="utf-8")
    entries = re.findall(r"^(\S.*)$", re.search(r"```\{glossary\}\n(.*?)```", text, re.DOTALL)[1], re.MULTILINE)
    terms = {term: f"#{term}" for entry in entries for term in glossary_links.spellings(entry)}
    chapter = FOLDER.parents[1] / "notebooks" / "10_birth.ipynb"
    cells = json.loads(chapter.read_text(encoding="utf-8"))["cells"]
    prose = "".join("".join(cell["source"]) + "\n\n" for cell in cells if cell["cell_type"] == "markdown")
    pieces = glossary_links.linked(prose, terms, set())
    assert "".join(words for words, _ in pieces) == prose
    links = [address for _, address in pieces if address]
    assert len(links) == len(set(links)) > 15
    assert {"#massive channel", "#learning rate", "#channel", "#block"} <= set(links)
    assert "#read" not in {a for _, a in glossary_links.linked("How to read this, which a norm reads.", terms, set())}


def test_every_term_with_company_is_in_the_glossary():
    text = (FOLDER.parent / "glossary.md").read_text(encoding="utf-8")
    known = {term for line in text.splitlines() for term in glossary_links.spellings(line)}
    assert {*glossary_links.AS_TERM, *glossary_links.NOT_AS_TERM} - known - {"seed", "source"} == set()
