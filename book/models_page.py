"""The table of models: what each public checkpoint is, the least GPU that holds it, and the minutes that it takes.

    write_page(src)             # fills the placeholders in src/book/models.md

Everything is from fewchannels.models: rows from checkpoints.py, memory and minutes by the formulas of needs.py.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from pathlib import Path

PLACEHOLDERS = TABLE, READS, FORMULAS, WITHOUT = tuple(
    f"<!-- models-{part} -->" for part in ("table", "reads", "formulas", "without")
)
COLUMNS = ("Model", "Parameters", "Least GPU", "Licence", "Gated", "Steps", "Minutes for {pictures} pictures")
READ_FOR = {"attention": "attention", "cross": "cross-attention", "mlp": "MLP", "skip": "long skip", "last": "output"}
UNKNOWN = "not known"
WAYS = {"whole": "whole", "offload": "offloaded", "4-bit": "offloaded, 4 bit"}


def write_page(src: Path) -> bool:
    """Fill in `src`/book/models.md. -> whether there is one with a placeholder."""
    page = src / "book" / "models.md"
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    if not any(mark in text for mark in PLACEHOLDERS):
        return False
    from fewchannels.models.listing import supported

    classes = supported()
    without = ", ".join(f"{row['family']} (`{row['class']}`)" for row in classes if not row["checkpoints"])
    for mark, filled in (
        (TABLE, f"```{{raw}} html\n{table(classes)}\n```"),
        (READS, f"```{{raw}} html\n{reads()}\n```"),
        (FORMULAS, formulas()),
        (WITHOUT, without),
    ):
        text = text.replace(mark, filled)
    page.write_text(text, encoding="utf-8")
    return True


def table(classes: list[dict]) -> str:
    """The table of all checkpoints as HTML, the least demanding first, those that are not known last."""
    from fewchannels.models.needs import GPUS, PICTURES

    order = [gpu.name for gpu in GPUS]

    def demand(row):
        ways = row["least_gpu"] or {}
        places = [order.index(ways[way]) if ways.get(way) else len(order) for way in WAYS]
        return [*places, row["gigabytes"] or 0, row["name"]]

    rows = sorted(({**row, "class": entry["class"]} for entry in classes for row in entry["checkpoints"]), key=demand)
    head = "".join(f'<th scope="col">{name.format(pictures=PICTURES)}</th>' for name in COLUMNS)
    return _scrolling("Models and GPUs", "fc-models", head, map(_row, rows))


def _scrolling(label: str, classes: str, head: str, rows: Iterable[str]) -> str:
    """A table in a box that scrolls."""
    body = "\n".join(rows)
    return (
        f'<div class="pst-scrollable-table-container" tabindex="0" role="region" aria-label="{label}">\n'
        f'<table class="{classes}"><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>\n</div>'
    )


def _row(row: dict) -> str:
    name = html.escape(row["name"])
    owner, _, short = name.partition("/")
    note = f'<div class="fc-models-note">{html.escape(row["note"])}</div>' if row["note"] else ""
    active = f", {row['active']:g} active" if row["active"] else ""
    billions = None if row["billions"] is None else f"{row['billions']:g} billion{active}"
    cells = [
        _kind(billions, row["source"]),
        _kind(_least(row["least_gpu"]), row["least_gpu_source"]),
        html.escape(row["licence"] or UNKNOWN),
        {True: "yes", False: "no", None: UNKNOWN}[row["gated"]],
        _kind(row["steps"], row["steps_source"]),
        _kind(_minutes(row["minutes"]), row["minutes_source"]),
    ]
    first = (
        f'<th scope="row"><a href="https://huggingface.co/{name}"><span class="fc-models-owner">{owner}/</span><wbr>'
        f'{_breaks(short)}</a><div class="fc-models-class">{_breaks(row["class"])}</div>{note}</th>'
    )
    return f"<tr>{first}{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _breaks(name: str) -> str:
    """A name that may break where a reader would."""
    return re.sub(r"(?<=[_.])|(?<=[a-z])(?=[A-Z])|(?=[23]DModel)", "<wbr>", name)


def _kind(value, source: str) -> str:
    """A figure with what kind of figure it is."""
    if value is None:
        return UNKNOWN
    return f'{value}<div class="fc-models-kind">{source}</div>'


def reads() -> str:
    """The table of all classes as HTML: the module at which each list of blocks reads the picture's stream, and for
    what; a row for each list, with the class and the norm before the output beside its lists."""
    from fewchannels.layouts.table import TABLE as LAYOUTS

    head = "".join(f'<th scope="col">{name}</th>' for name in ("Class", "Blocks", *READ_FOR.values()))
    rows = []
    for layout in LAYOUTS.values():
        lists = [blocks for blocks in layout.blocks if blocks.reads]
        for number, blocks in enumerate(lists):
            cells = [f"<td>{_breaks(blocks.path)}</td>", *(f"<td>{_at(blocks.reads, what)}</td>" for what in READ_FOR)]
            if number == 0:
                tall = f' rowspan="{len(lists)}"' if len(lists) > 1 else ""
                cells.insert(0, f'<th scope="row"{tall}>{_breaks(layout.name)}</th>')
                cells[-1] = f"<td{tall}>{_at(layout.last, 'last')}</td>"
            else:
                cells.pop()
            rows.append(f"<tr>{''.join(cells)}</tr>")
    return _scrolling("Where the stream is read", "fc-models fc-reads", head, rows)


def _at(places, what: str) -> str:
    """Where the stream is read for something; a reader without a norm says so."""
    named = [_breaks(one.path) + ("" if one.norm else " (no norm)") for one in places if what in one.readers]
    return "<br>".join(named) or "–"


def _least(ways: dict | None) -> str | None:
    if ways is None:
        return None
    lines, before = [], None
    for way, words in WAYS.items():
        if ways[way] != before:  # a way that asks for no smaller card than the one before helps nobody
            lines.append(f"{html.escape(_card(ways[way]) or 'none of these')}, {words}")
        before = ways[way]
    return "<br>".join(lines)


def _card(name: str | None) -> str | None:
    from fewchannels.models.needs import GPUS

    sizes = {gpu.name: f"{gpu.name} {gpu.gigabytes} GB" if "GB" not in gpu.name else gpu.name for gpu in GPUS}
    return sizes.get(name)


def _minutes(taken: dict | None) -> str | None:
    """One line a card; the two A100 compute alike."""
    if taken is None:
        return None
    by_card = {name.partition(" ")[0]: minutes for name, minutes in taken.items()}
    return "<br>".join(f"{card}: {_short(minutes)}" for card, minutes in by_card.items())


def _short(minutes: float) -> str:
    return f"{minutes:.0f}" if minutes >= 10 else f"{minutes:.1f}"


def formulas() -> str:
    """The formulas of needs.py in words, with their constants."""
    from fewchannels.models.needs import GB, GPUS, PICTURES, SHARE, UTILISATION, WORKING

    rates = ", ".join(f"{gpu.tflops} for the {gpu.name}" for gpu in GPUS[:-1])
    return (
        f'*Memory.* Two bytes a parameter. Whole: all weights. Offloaded (`offload="model"`): the larger of the '
        f"transformer and all the rest, since they run in turn. With 4 bit the transformer takes {SHARE[4]:g} of its "
        f"16-bit bytes, with 8 bit {SHARE[8]:g}. To that come {WORKING / GB:g} GB, or as much as the weights where "
        f"that is less, for the CUDA context, one picture's activations and the autoencoder. A card counts with its "
        f"nominal gigabytes.\n\n"
        f"*Minutes.* {PICTURES} pictures, about what a chapter draws at a small n, one after the other, at the steps "
        f"and the size of the row: 2 × parameters × image tokens × forward passes a step × steps operations, at "
        f"{UTILISATION:.0%} of the card's nominal trillions of operations a second in 16 bit ({rates}). Attention, "
        f"text tokens, the text encoders, the autoencoder and what offloading copies are left out. Expect to be off by "
        f"a factor of two; the first cell of a chapter measures one picture and says what the rest will take."
    )
