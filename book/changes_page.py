"""Writes the page of what changed when model and readers did, from results/instrument.json and from this run's checks.

    write_page(src, kept, results)          # fills the placeholders in src/book/what_changed.md

The file holds the outcomes of the pixel-space predecessor's claims ("before"), and headline numbers of both models'
pictures under each reader ("numbers"), and under few and many draws ("draws").
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from claims_page import FAILS, HOLDS, UNTESTED, Outcome, anchor, mark, number, read_outcomes

PAGE = "what_changed.md"
VERDICTS, NUMBERS, DRAWS = (f"<!-- changed-{part} -->" for part in ("verdicts", "numbers", "draws"))


def write_page(src: Path, kept: Path, results: Path) -> None:
    """Fill in the page, where the book has it. kept: the file; results: folder of the notebooks' checks. Raises
    ValueError for a claim of before that nobody registered."""
    page = src / "book" / PAGE
    if not page.exists():
        return
    from fewchannels.notebook.claims import read_claims

    told = json.loads(kept.read_text(encoding="utf-8"))
    claims = read_claims(src / "book" / "claims.yml")
    if gone := sorted(set(told["before"]) - set(claims)):
        raise ValueError(f"results/instrument.json tells of claims that claims.yml lacks: {', '.join(gone)}")
    text = page.read_text(encoding="utf-8").replace(VERDICTS, _verdicts(told["before"], claims, read_outcomes(results)))
    text = text.replace(NUMBERS, _table("headline", told["numbers"])).replace(DRAWS, _table("claim", told["draws"]))
    page.write_text(text, encoding="utf-8")


def _verdicts(before: Mapping[str, Mapping], claims: Mapping, after: Mapping[str, Outcome]) -> str:
    """Every claim that was tested before or is now: verdict and number of either."""
    rows = []
    for name in claims:
        then = Outcome(**before[name], notebook="") if name in before else None
        now = after.get(name)
        turned = then is not None and now is not None and then.holds != now.holds
        cells = [f"{mark(_verdict(one))} {number(one) if one else ''}".strip() for one in (then, now)]
        rows.append(f"| [{name}](#{anchor(name)}){' **turned**' if turned else ''} | {cells[0]} | {cells[1]} |")
    head = "| claim | the pixel-space model, its judge | the latent model, both readers |\n|---|---|---|"
    return "\n".join([head, *rows])


def _verdict(outcome: Outcome | None) -> str:
    return UNTESTED if outcome is None else HOLDS if outcome.holds else FAILS


def _table(what: str, columns: Mapping[str, Mapping[str, list[float]]]) -> str:
    """columns: name -> row -> (value, low, high)."""
    rows = list(dict.fromkeys(row for own in columns.values() for row in own))
    lines = [f"| {what} | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]
    for row in rows:
        told = [_interval(own[row]) if row in own else "" for own in columns.values()]
        lines.append(f"| {row} | {' | '.join(told)} |")
    return "\n".join(lines)


def _interval(triple: list[float]) -> str:
    value, low, high = triple
    return f"{value:.2f} ({low:.2f} to {high:.2f})".replace("-", "\N{MINUS SIGN}")
