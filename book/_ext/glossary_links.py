"""Sphinx extension: the first use of a glossary's term in a page's prose becomes a link to its definition.

MyST's roles stay out of notebooks, which Colab shows raw, so nobody writes these links. Of each term the first use
counts that stands in a sentence: no heading, code, formula, link, caption, table or output of a cell. Plurals match. A
term to which the page's author has linked with {term} is left to that link.

Some terms are everyday words as well: "a norm reads them", "the critical reader". `AS_TERM` has the company in which
such a word is the term, and `NOT_AS_TERM` that in which another word is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from docutils import nodes
from sphinx import addnodes

GLOSSARY = "book/glossary"
LEFT_ALONE = (GLOSSARY, "book/api")  # the definitions themselves, and docstrings
NO_PROSE = (
    *(nodes.title, nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.reference, nodes.caption),
    *(nodes.figure, nodes.table, nodes.raw, nodes.citation, nodes.footnote, nodes.field_list, nodes.topic),
    *(addnodes.desc, addnodes.toctree),
)
NO_PROSE_CLASSES = {"cell_output", "cell_input", "fc-label", "fc-lead"}
AS_TERM = {
    "arm": ("each {}", "every {}", "{} of the study", "fourteen {}"),
    "birth": ("the {}", "their {}", "after {}", "at {}"),
    "block": ("a {}", "the {}", "each {}", "every {}", "of {}", "middle {}", "first {}", "last {}", "{} by block"),
    "branch": ("guidance {}", "each {}", "per {}"),
    "claim": ("a {}", "the {}", "registered {}"),
    "complement": ("the {}", "their {}"),
    "content": ("by {}", "its {}", "{} alone", "{} or gain", "{} and gain", "gain and {}"),
    "control": ("a {}", "the {}", "with {}", "of {}", "every {}", "each {}", "one {}"),
    "critical": ("{} channel", "channels are {}", "is {}", "are {}"),
    "direction": ("large {}", "random {}", "principal {}", "eight {}", "few {}", "long {}", "set of {}"),
    "frozen": ("{} channels", "{} top", "{} set", "sets are {}", "set is {}", "channels, {}"),
    "gate": ("the {}", "a {}", "blocks' {}", "blocks’ {}"),
    "judge": ("the {}", "a {}", "our {}"),
    "level": ("its {}", "the {} of", "a {} and", "{} or pattern", "{} and pattern", "{} alone"),
    "mask": ("a {}", "the {}", "their {}", "its {}", "of {}", "subject's {}", "subject’s {}"),
    "necessary": ("channels are {}", "they are {}", "{} and sufficient", "{} nor", "is {} for"),
    "null": ("a {}", "the {}"),
    "pattern": ("its {}", "the {}", "their {}", "a {}", "level and {}", "level or {}"),
    "prior": ("a {}", "the {}", "simple {}"),
    "read": ("the {} of", "at the {}", "at a {}", "norms' {}", "norms’ {}", "at {}"),
    "register": ("a {}", "as {}", "called {}"),
    "resample": ("by {}", "under {}"),
    "score": ("a {}", "the {}", "two {}", "both {}", "other {}", "by two {}", "which {}"),
    "source": ("the {}", "from a {}", "from the {}"),
    "study": ("a {}", "the {}", "this {}", "whole {}"),
    "sufficient": ("channels are {}", "they are {}", "{} and necessary", "{} nor", "is {} for"),
    "target": ("the {}", "a {}"),
    "width": ("the {}", "its {}", "of the {}"),
}
NOT_AS_TERM = {
    "arm": ("each {}", "every {}", "{} of the study", "fourteen {}"),
    "block": ("code {}",),
    "claim": ("the {} that we",),
    "level": ("noise {}", "chance {}"),
    "seed": ("{} of the", "from other {}"),
    "source": ("the {} code", "the {} of"),
}


def spellings(entry: str) -> list[str]:
    """The terms of an entry: "source, target" defines two.

    >>> spellings("source, target"), spellings("K-means")
    (['source', 'target'], ['K-means'])
    """
    return [part.strip() for part in entry.split(",") if part.strip()]


def _words(term: str) -> str:
    """A pattern for a term and its plural, at the start of a sentence or within."""
    words = [re.escape(word) for word in term.split()]
    last = words[-1]
    if last.endswith("y") and last[-2:-1] not in "aeiou":
        words[-1] = f"{last[:-1]}(?:y|ies)"
    elif last.endswith(("s", "x", "ch", "sh")):
        words[-1] = f"{last}(?:es)?"
    else:
        words[-1] = f"{last}s?"
    own = r"\s+".join(words)
    # MMDiT is a name only as it is written
    if not any(letter.isupper() for letter in term):
        own = f"[{own[0].upper()}{own[0]}]{own[1:]}"
    return rf"(?<![\w-]){own}(?![\w-])"


@cache
def _patterns(term: str) -> tuple[list[re.Pattern], list[re.Pattern]]:
    def compiled(company: str) -> re.Pattern:
        before, after = (re.escape(part).replace(r"\ ", r"\s+").replace(r"\*", "") for part in company.split("{}"))
        if before:
            before = rf"(?<![\w-])[{before[0].upper()}{before[0]}]{before[1:]}" if before[0].isalpha() else before
        return re.compile(f"{before}(?P<term>{_words(term)}){after}")

    wanted = [compiled(company) for company in AS_TERM.get(term, ("{}",))]
    return wanted, [compiled(company) for company in NOT_AS_TERM.get(term, ())]


def uses(term: str, text: str) -> list[tuple[int, int]]:
    """Where a term, or its plural, is used in a text, as (start, end).

    >>> text = "Energies of a block; block 3 reads them at the reads."
    >>> [text[slice(*place)] for term in ("energy", "block", "read") for place in uses(term, text)]
    ['Energies', 'block', 'reads']
    """
    wanted, unwanted = _patterns(term)
    other = {found.span("term") for one in unwanted for found in one.finditer(text)}
    return sorted({found.span("term") for one in wanted for found in one.finditer(text)} - other)


def linked(text: str, terms: dict[str, str], done: set[str]) -> list[tuple[str, str | None]]:
    """A text in pieces (words, where they link to or None), with a link at the first use of each term.

    terms: address by term; of two that overlap the longer one is used. done: terms that have their link; grows.

    >>> linked("Channels: massive channels.", {"channel": "#c", "massive channel": "#m"}, set())
    [('Channels', '#c'), (': ', None), ('massive channels', '#m'), ('.', None)]
    """
    found = [(start, -end, term) for term in terms for start, end in uses(term, text)]
    pieces: list[tuple[str, str | None]] = []
    at = 0
    end_of_last = 0
    for start, minus_end, term in sorted(found):
        if start < end_of_last:
            continue
        end_of_last = -minus_end
        if terms[term] in done:
            continue
        done.add(terms[term])
        pieces += [(text[at:start], None), (text[start:end_of_last], terms[term])]
        at = end_of_last
    return [piece for piece in [*pieces, (text[at:], None)] if piece[0]]


def _prose(node: nodes.Node, in_paragraph: bool = False) -> Iterator[tuple[nodes.Element, nodes.Text]]:
    """The texts of a page that are read as sentences, each with the node that holds it."""
    for child in node.children:
        if isinstance(child, nodes.Text):
            if in_paragraph:
                yield node, child
        elif not isinstance(child, NO_PROSE) and not NO_PROSE_CLASSES & set(child.get("classes", ())):
            yield from _prose(child, in_paragraph or isinstance(child, nodes.paragraph))


def _link_first_uses(app, doctree: nodes.document, docname: str) -> None:
    if docname in LEFT_ALONE or app.builder.format != "html":
        return
    home = app.builder.get_relative_uri(docname, GLOSSARY) if GLOSSARY in app.env.found_docs else None
    terms = {
        term: f"{home}#{label}"
        for kind, entry in app.env.get_domain("std").objects
        if kind == "term" and home is not None
        for page, label in [app.env.get_domain("std").objects[kind, entry]]
        if page == GLOSSARY
        for term in spellings(entry)
    }
    done = {link.get("refuri") for link in doctree.findall(nodes.reference)}
    for holder, text in list(_prose(doctree)):
        pieces = linked(text.astext(), terms, done)
        if any(address for _, address in pieces):
            holder.replace(text, [_link(words, to) if to else nodes.Text(words) for words, to in pieces])


def _link(words: str, address: str) -> nodes.reference:
    # as Sphinx writes the links of {term}, so that both look alike
    inside = nodes.inline("", words, classes=["xref", "std", "std-term"])
    return nodes.reference("", "", inside, internal=True, refuri=address)


def setup(app) -> dict:
    app.connect("doctree-resolved", _link_first_uses)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
