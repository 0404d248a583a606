"""Slides of the chapters, one self-contained page each, from tagged cells of the notebooks as they were run.

    build()                       # -> the decks in _build/html/slides, one for each chapter with tagged cells
    slides_of(source, executed)   # -> list[Slide]; two notebooks: where the tags are read, and where the outputs are

A cell's tag is nbconvert's, `slideshow.slide_type`, which JupyterLab's property inspector sets:

    slide     begins a slide: a code cell shows its figures, tables and outcomes of claims, else its code; with
              `slideshow.code` true the code is shown before them. Of a Markdown cell each callout ("> **Limits.** ...")
              gets a slide, and the rest goes to the speaker's notes; without callouts the cell is a slide as it is.
    -         goes on with the slide before
    notes     goes to the speaker's notes (S opens them)

Cells without a tag are left out, unlike nbconvert's slides, which show them. Added without tags: what came of the
claims, before the first verdict; at the end the first exercise, with the way into the live lab. reveal.js (committed,
see vendor.py), the face, plotly and the explorers' program stand in the page, which needs neither a network nor a file
beside it.
"""

from __future__ import annotations

import base64
import html
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import contents
import links
import nbformat
from _ext.callouts import KINDS
from jinja2 import Environment, FileSystemLoader
from markdown_it import MarkdownIt
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "_build" / "src"
HTML = ROOT / "_build" / "html"
SLIDES = HTML / "slides"
TEMPLATES = ROOT / "book" / "slides"
ASSETS = ROOT / "book" / "assets"
CODE_STYLE = "a11y-high-contrast-light"

WIDE, TALL = (1168, 430), (780, 560)  # room for a figure above its caption, and beside it
WORDS, SPACED = 300, 12  # of outcomes on a slide, and what the space between two is worth
BESIDE = 80  # words of outcomes that have room beside a figure
LONG = 40  # words of a callout, from which its sentences are set as a list
LISTED = ("claim", "verdict", "falsifier", "limits", "meaning")
PROGRAM = re.compile(r'<script type="text/plain" data-fc-module(?:="(?P<name>[^"]*)")?>.*?</script>', re.DOTALL)
STARTED = re.compile(r'<script(?: data-fc-program="([^"]*)")?>\(function \(script\) \{\s*"use strict"')
SOURCE = "From a study of"  # where a caption goes on to say which run it shows
UNKNOWN = "**Cannot be told here**"
LAB = "**Try it yourself**"
CALLOUT = re.compile(r"\*\*(?P<label>.+?)\*\*\s*(?P<text>.*)", re.DOTALL)
SENTENCE = re.compile(r"(?:(?<=[.?!])|(?<=[.?!][\"”*]))\s+(?=[*\"“A-Z\[`])")
markdown = MarkdownIt("commonmark", {"html": True}).enable("table")


class SlidesFailed(Exception):
    """A deck cannot be made; the message says of which notebook, and what to do."""


@dataclass
class Slide:
    """part: what it is ("title", "question", "code", "figure", "explorer", "outcomes", "exercise", ...). kind and
    layout are classes of slides/deck.css. html and notes: what stands on it, and what its speaker sees."""

    part: str
    title: str
    kind: str = ""
    layout: str = ""
    html: str = ""
    notes: str = ""


@dataclass
class Deck:
    """Slides as they are gathered from a notebook's cells."""

    slides: list[Slide] = field(default_factory=list)
    heading: str = ""
    outcomes: list[str] = field(default_factory=list)
    lab: str = ""

    def add(self, part: str, title: str = "", **more: str) -> Slide:
        self.slides.append(Slide(part, title or self.heading, **more))
        return self.slides[-1]


def chapters() -> list[str]:
    """The notebooks of the book with a cell that begins a slide."""

    def tagged(name: str) -> bool:
        return any(slide_type(cell) == "slide" for cell in nbformat.read(ROOT / name, as_version=4).cells)

    return [name for name in contents.toc_notebooks() if tagged(name)]


def build() -> list[Path]:
    """Write the decks. -> their files. Raises SlidesFailed where a notebook was not run as it stands."""
    began = time.monotonic()
    SLIDES.mkdir(parents=True, exist_ok=True)
    for old in SLIDES.glob("*.html"):
        old.unlink()
    made = []
    for name in chapters():
        source = nbformat.read(ROOT / name, as_version=4)
        if not (SRC / name).exists():
            raise SlidesFailed(f"{name} was not run yet: `make book` does, or `make slides`")
        try:
            executed = nbformat.read(SRC / name, as_version=4)
            text = page(Path(name).stem, slides_of(source, executed), executed)
        except ValueError as error:
            raise SlidesFailed(f"{name}: {error}") from None
        made.append(SLIDES / f"{Path(name).stem}.html")
        made[-1].write_text(text, encoding="utf-8")
    size = sum(file.stat().st_size for file in made) / 1e6
    print(f"  {len(made)} decks of slides ({size:.0f} MB) in {time.monotonic() - began:.1f} s", flush=True)
    return made


def slide_type(cell: Any) -> str:
    return cell.metadata.get("slideshow", {}).get("slide_type", "")


def slides_of(source: Any, executed: Any) -> list[Slide]:
    """The slides of a notebook. source: where the cells' tags are read. executed: the same cells with their outputs.

    Raises ValueError where the two are not the same cells, and for a "-" or notes before the first slide.
    """
    outputs = {cell.id: cell for cell in executed.cells}
    stale = [cell.id for cell in source.cells if cell.id not in outputs or outputs[cell.id].source != cell.source]
    if stale:
        raise ValueError(f"cells {', '.join(stale)} have changed since it was run: `make book` runs it again")
    deck = Deck(outcomes=[text for cell in executed.cells for text in outcomes_of(cell)])
    cells, exercises = iter(source.cells), []
    for cell in cells:
        kind = slide_type(cell)
        if kind in ("-", "notes") and not deck.slides:
            raise ValueError(f"cell {cell.id} is tagged {kind!r}, and no slide begins before it: tag one as 'slide'")
        if cell.cell_type == "markdown":
            if add_markdown(deck, cell, kind):
                exercises = [cell, *cells]
        elif kind in ("slide", "-"):
            add_code(deck, cell, outputs[cell.id].outputs, kind)
    if deck.slides:
        if deck.outcomes:
            add_outcomes(deck)
        add_exercise(deck, exercises)
    return deck.slides


# ---- Markdown ----------------------------------------------------------------------------------------------------


def blocks_of(text: str) -> Iterator[tuple[str, str]]:
    """(type, source) of each block of Markdown: "heading", "blockquote", "paragraph", "fence", "table", ..."""
    lines = text.splitlines()
    for token in markdown.parse(text):
        if token.level == 0 and token.map and token.nesting >= 0:
            yield token.type.removesuffix("_open"), "\n".join(lines[slice(*token.map)])


def add_markdown(deck: Deck, cell: Any, kind: str) -> bool:
    """-> whether the exercises begin in this cell."""
    blocks = list(blocks_of(cell.source))
    whole = not any(callout_of(text) or text.startswith("# ") for _, text in blocks)
    current = None
    for block, text in blocks:
        if block == "heading":
            deck.heading = text.lstrip("# ").strip()
            if deck.heading == "Exercises":
                return True
            if kind == "slide" and text.startswith("# "):
                current = deck.add("title")
        elif kind == "notes" or (kind and text.startswith(LAB)):
            deck.slides[-1].notes += rendered(text)
            deck.lab = rendered(text) if text.startswith(LAB) else deck.lab
        elif kind in ("slide", "-") and callout_of(text):
            current = add_callout(deck, *callout_of(text), current)
        elif kind in ("slide", "-") and whole:
            current = current or (deck.slides[-1] if kind == "-" else deck.add("text", kind="text"))
            current.html += code_html(text) if block == "fence" else rendered(text)
        elif kind in ("slide", "-"):
            (current or deck.slides[-1]).notes += rendered(text)
    return False


def callout_of(quote: str) -> tuple[str, str, str] | None:
    """(kind, label, text) of a blockquote that is a callout of the book."""
    if not quote.startswith(">"):
        return None
    inner = "\n".join(line.removeprefix(">").removeprefix(" ") for line in quote.splitlines())
    match = CALLOUT.match(inner.strip())
    kind = match and KINDS.get(match["label"].strip().rstrip(".:?").lower())
    return (kind, match["label"].strip().rstrip(".:"), match["text"].strip()) if kind else None


def add_callout(deck: Deck, kind: str, label: str, text: str, current: Slide | None) -> Slide:
    """A slide of its own, but that the chapter's first lines stand under its title, and what a verdict means is for
    the speaker to say."""
    if kind == "glance" and current and current.part == "title":
        current.html = rendered(text)
        return current
    if kind == "meaning" and any(slide.part == "verdict" for slide in deck.slides):
        deck.slides[-1].notes += f"<p><strong>{html.escape(label)}.</strong></p>{rendered(text)}"
        return deck.slides[-1]
    if kind in ("verdict", "meaning") and deck.outcomes:
        add_outcomes(deck)
    sentences = SENTENCE.split(" ".join(text.split()))
    if kind in LISTED and len(sentences) > 2 and len(text.split()) > LONG and "\n\n" not in text:
        text = "\n".join(f"- {sentence}" for sentence in sentences)
    return deck.add(kind, label, kind=kind, html=rendered(text))


def rendered(text: str) -> str:
    """Markdown as HTML; links between pages lead to the published site, or beside the deck where it lies in one."""
    site = links.declared().site

    def led(match: re.Match) -> str:
        target = html.unescape(match["target"])
        if re.match(r"[a-z]+:|#", target):
            return match[0]
        path, mark, rest = target.partition("#")
        path = path.removeprefix("../") if path.startswith("../") else f"notebooks/{path}"
        path = re.sub(r"\.(ipynb|md)$", ".html", path) + mark + rest
        return f'href="{html.escape(site + path)}" data-beside="{html.escape("../" + path)}"'

    return re.sub(r'href="(?P<target>[^"]*)"', led, markdown.render(text))


# ---- Code and its outputs ------------------------------------------------------------------------------------------


def add_code(deck: Deck, cell: Any, outputs: list[Any], kind: str) -> None:
    """The outputs of a cell; its code where there is nothing to look at, or where it is asked for."""
    pieces = [piece for output in outputs for piece in pieces_of(output)]
    looked_at = any(part in ("figure", "explorer") for part, _ in pieces)
    told = "".join(text for part, text in pieces if part == "outcome")
    if looked_at:  # beside it stand outcomes alone; many of them have no room, and have slides of their own
        beside = ("outcome",) if words_of(told) <= BESIDE else ()
        pieces = [(part, text) for part, text in pieces if part in ("figure", "explorer", *beside)]
    current = deck.slides[-1] if kind == "-" else None
    if not (looked_at or (told and current)) or cell.metadata.slideshow.get("code"):
        current = current or deck.add("code")
        current.html += code_html(cell.source)
        current = None if looked_at else current
    for part, text in pieces:
        if part == "figure":
            text, layout = laid_out(text)
            current = deck.add("figure", layout=layout, html=text)
        elif part == "explorer":
            current = deck.add("explorer", html=text)
        else:
            current = current or deck.add("text")
            inside = current.html.removesuffix("</div>") if current.part == "figure" else ""
            current.html = f"{inside}{text}</div>" if inside else current.html + text


def pieces_of(output: Any) -> Iterator[tuple[str, str]]:
    """("figure" | "explorer" | "outcome" | "more", HTML) of what a cell put out, but for what it printed."""
    data = output.get("data", {})
    if is_outcome(output):
        yield "outcome", outcome_html(output)
    elif "text/html" in data and "fc-widget" in data["text/html"]:
        yield "explorer", PROGRAM.sub("", data["text/html"])
    elif "text/html" in data:
        yield "figure" if data["text/html"].startswith("<figure") else "more", data["text/html"]
    elif "text/markdown" in data:
        yield "more", rendered(data["text/markdown"])
    elif data.get("text/plain"):
        yield "more", f"<pre>{html.escape(data['text/plain'].rstrip())}</pre>"


def laid_out(figure: str) -> tuple[str, str]:
    """(HTML, layout) of a figure: its caption below or beside it, as leaves it larger."""
    caption = re.search(r"<figcaption>(.*?)</figcaption>", figure, re.DOTALL)
    size = re.search(r'<img [^>]*width="(\d+)" height="(\d+)"', figure)
    scale = [min(room[0] / int(size[1]), room[1] / int(size[2])) for room in (WIDE, TALL)] if size else [1, 0]
    picture = figure.replace(caption[0], "") if caption else figure
    said, mark, source = caption[1].partition(SOURCE) if caption else ("", "", "")
    below = f"<p>{said}</p>" + (f'<p class="source">{mark}{source}</p>' if mark else "")
    return f'{picture}<div class="said">{below}</div>', "wide" if scale[0] >= scale[1] else "tall"


def code_html(text: str) -> str:
    """Python, or a fenced block of Markdown, highlighted."""
    fenced = re.match(r"```\w*\n(.*)\n```", text, re.DOTALL)
    return highlight(fenced[1] if fenced else text, PythonLexer(), HtmlFormatter(style=CODE_STYLE))


# ---- Claims and the exercise ---------------------------------------------------------------------------------------


def outcomes_of(cell: Any) -> list[str]:
    """HTML of each claim that a cell checked, with what came of it."""
    return [outcome_html(output) for output in cell.get("outputs", []) if is_outcome(output)]


def is_outcome(output: Any) -> bool:
    """Of a claim that cannot be told, `check` keeps no record."""
    text = output.get("data", {}).get("text/markdown", "")
    return "check" in output.get("metadata", {}).get("fewchannels", {}) or text.startswith(UNKNOWN)


def outcome_html(output: Any) -> str:
    record = output.metadata.get("fewchannels", {}).get("check")
    kind = "unknown" if record is None else "holds" if record["holds"] else "not"
    return f'<div class="outcome {kind}">{rendered(output.data["text/markdown"])}</div>'


def words_of(text: str) -> int:
    """How many words a piece of HTML shows."""
    return len(re.sub(r"<[^>]*>", " ", text).split())


def add_outcomes(deck: Deck) -> None:
    """Slides of all claims of the chapter, in the order of their checks."""
    weights = [SPACED + words_of(outcome) for outcome in deck.outcomes]
    pages = min(len(weights), -(-sum(weights) // WORDS))
    for number in range(pages):
        first, last = (len(weights) * end // pages for end in (number, number + 1))
        title = "The claims, as they came out" + (f" ({number + 1} of {pages})" if pages > 1 else "")
        deck.add("outcomes", title, layout="claims", html="\n".join(deck.outcomes[first:last]))
    deck.outcomes = []


def add_exercise(deck: Deck, cells: Sequence[Any]) -> None:
    """The first exercise of those in these cells: its text, the cell that it is answered in, and the way into the live
    lab."""
    for i, cell in enumerate(cells):
        texts = blocks_of(cell.source) if cell.cell_type == "markdown" else ()
        first = next((text for _, text in texts if text.startswith("**1.")), None)
        if first:
            code = next((other.source for other in cells[i:] if other.cell_type == "code"), "")
            told = rendered(first) + (code_html(code) if code else "") + deck.lab
            deck.add("exercise", "An exercise", kind="exercise", html=told)
            return


# ---- The page ------------------------------------------------------------------------------------------------------


def page(stem: str, slides: list[Slide], executed: Any) -> str:
    """HTML of a deck, with all that it needs. executed: the notebook, whose first explorer carries their program."""
    number, _, _ = stem.partition("_")
    everything = "".join(slide.html for slide in slides)
    programs = {
        match["name"] or "": match[0]
        for cell in executed.cells
        for output in cell.get("outputs", [])
        for match in PROGRAM.finditer(output.get("data", {}).get("text/html", ""))
    }
    wanted = set(STARTED.findall(everything))
    plotly = ""
    if "fc-plotly" in everything:
        import plotly as package

        plotly = (Path(package.__file__).parent / "package_data" / "plotly.min.js").read_text(encoding="utf-8")
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=False)
    return environment.get_template("deck.html.j2").render(
        title=html.escape(f"{int(number)} · {slides[0].title}"),
        above=f"Few channels draw the whole picture · chapter {int(number)}",
        slides=slides,
        programs=[programs[name] for name in sorted(wanted)],
        plotly=in_script(plotly),
        style=faces() + (TEMPLATES / "deck.css").read_text(encoding="utf-8"),
        code_css=HtmlFormatter(style=CODE_STYLE).get_style_defs(".highlight"),
        reveal_css=(ASSETS / "ext" / "reveal.css").read_text(encoding="utf-8"),
        reveal_js=in_script((ASSETS / "ext" / "reveal.js").read_text(encoding="utf-8")),
        notes_js=in_script((ASSETS / "ext" / "reveal-notes.js").read_text(encoding="utf-8")),
        program=(TEMPLATES / "deck.js").read_text(encoding="utf-8"),
    )


def in_script(text: str) -> str:
    """A program that may stand in a script tag, which "</script" in one of its strings would end."""
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def faces() -> str:
    """The book's face, inside the style sheet."""
    told = ""
    for style in ("normal", "italic"):
        data = (ASSETS / "fonts" / f"literata-latin-wght-{style}.woff2").read_bytes()
        address = "data:font/woff2;base64," + base64.b64encode(data).decode("ascii")
        told += (
            f'@font-face {{ font-family: "Literata"; src: url("{address}") format("woff2"); font-weight: 200 900; '
            f"font-style: {style}; }}\n"
        )
    return told
