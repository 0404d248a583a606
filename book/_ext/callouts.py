"""Sphinx extension: a blockquote that opens with a known bold phrase becomes a callout of that kind.

Notebooks are read in Colab too, where MyST's directives would show raw. So they write

    > **Claim.** A few channels hold most of the energy.

which reads well everywhere, and the page's style sheet finds the classes `fc-callout fc-claim`.
"""

from __future__ import annotations

from docutils import nodes

KINDS = {
    "question before you run": "question",
    "in this chapter": "glance",
    "claim": "claim",
    "what would have falsified it": "falsifier",
    "common misconception": "misconception",
    "limits": "limits",
    "what the toy is, and is not": "limits",
    "verdict": "verdict",
    "what it means": "meaning",
    "try it": "try",
}


def kind_of(quote: nodes.block_quote) -> str | None:
    """The kind of callout that a blockquote's bold opening words ask for, or None."""
    if not quote.children or not isinstance(quote[0], nodes.paragraph) or not quote[0].children:
        return None
    first = quote[0][0]
    if not isinstance(first, nodes.strong):
        return None
    return KINDS.get(first.astext().strip().rstrip(".:?").strip().lower())


def _mark(app, doctree: nodes.document) -> None:
    for quote in doctree.findall(nodes.block_quote):
        kind = kind_of(quote)
        if kind:
            quote["classes"] += ["fc-callout", f"fc-{kind}"]
            _set_apart(quote[0])


def _set_apart(paragraph: nodes.paragraph) -> None:
    """Make the bold phrase a label on a line of its own, without its full stop."""
    label = paragraph[0]
    text = label.astext().strip().rstrip(".:")
    label.children = []
    label += nodes.Text(text)
    label["classes"].append("fc-label")
    if len(paragraph) > 1 and isinstance(paragraph[1], nodes.Text):
        paragraph.replace(paragraph[1], nodes.Text(paragraph[1].lstrip()))


def setup(app) -> dict:
    app.connect("doctree-read", _mark)
    return {"version": "1", "parallel_read_safe": True}
