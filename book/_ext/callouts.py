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
    "claims": "claim",
    "what would have falsified it": "falsifier",
    "common misconception": "misconception",
    "limits": "limits",
    "what the toy is, and is not": "limits",
    "what is here, and what is not": "limits",
    "verdict": "verdict",
    "what it means": "meaning",
    "what it would have made us write": "misconception",
    "what can be said": "meaning",
    "try it": "try",
}


def opening(quote: nodes.block_quote) -> nodes.strong | None:
    """The bold phrase with which a blockquote opens, or None."""
    if not quote.children or not isinstance(quote[0], nodes.paragraph):
        return None
    # MyST puts an empty text before the bold one
    first = next((child for child in quote[0] if child.astext().strip()), None)
    return first if isinstance(first, nodes.strong) else None


def kind_of(quote: nodes.block_quote) -> str | None:
    """The kind of callout that a blockquote's opening phrase asks for, or None."""
    phrase = opening(quote)
    return None if phrase is None else KINDS.get(phrase.astext().strip().rstrip(".:?").strip().lower())


def _mark(app, doctree: nodes.document) -> None:
    for quote in doctree.findall(nodes.block_quote):
        kind = kind_of(quote)
        if kind:
            quote["classes"] += ["fc-callout", f"fc-{kind}"]
            _set_apart(quote[0], opening(quote))


def _set_apart(paragraph: nodes.paragraph, label: nodes.strong) -> None:
    """Make the bold phrase a label on a line of its own, without its full stop."""
    text = label.astext().strip().rstrip(".:")
    label.children = []
    label += nodes.Text(text)
    label["classes"].append("fc-label")
    after = paragraph.index(label) + 1
    if after < len(paragraph) and isinstance(paragraph[after], nodes.Text):
        paragraph[after] = nodes.Text(paragraph[after].lstrip())


def setup(app) -> dict:
    app.connect("doctree-read", _mark)
    return {"version": "1", "parallel_read_safe": True}
