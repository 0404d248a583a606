"""Writes the page of claims, from what the notebooks' runs checked.

    write_pages(src, results)               # fills the placeholders in src/book/*.md

The claims stand in book/claims.yml; book/paper_claims.yml says which chapter they belong to, and which are the parts of
a claim of the paper. A run's outcomes are in _build/results/<notebook>.json (execute.py). A claim without an outcome is
"not tested". book/claims.md holds the prose around the placeholders, which are comments. The front page has one, for
what holds, what does not and what is not known: of the findings alone, each by its own claims.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

HOLDS, PER_CHANNEL, IN_PART, FAILS, UNTESTED = VERDICTS = (
    "Holds",
    "Holds per channel only",
    "Holds in part",
    "Does not hold",
    "Not tested",
)
KINDS = {  # of parts, in the order in which they are shown
    "says": "What it says",
    "per_channel": "Channel for channel",
    "per_energy": "At equal energy",
    "beyond": "Beyond that",
    "elsewhere": "In other models (not counted)",
}
COUNTED = ("says", "per_channel", "per_energy", "beyond")
PLACEHOLDERS = GLANCE, FOUND, SUMMARY, DIFFERENCES, CHAPTERS = tuple(
    f"<!-- claims-{part} -->" for part in ("glance", "found", "summary", "differences", "by-chapter")
)
GROUPS = {
    "Holds": (HOLDS,),
    "Holds in part": (PER_CHANNEL, IN_PART),
    "Does not hold": (FAILS,),
    "Not known": (UNTESTED,),
}
REAL = Path(__file__).resolve().parent.parent / "results" / "real"  # runs of larger models that were handed in


@dataclass(frozen=True)
class Outcome:
    """What a notebook's `check` said of a claim, and the notebook's stem."""

    holds: bool
    value: object
    low: float | None
    high: float | None
    model: str
    notebook: str


def write_pages(src: Path, results: Path) -> list[str]:
    """Fill in the pages of `src`/book that have a placeholder. -> their names. Raises ValueError for claims that do not
    fit."""
    pages = {file: file.read_text(encoding="utf-8") for file in sorted((src / "book").glob("*.md"))}
    stubs = {file: text for file, text in pages.items() if any(mark in text for mark in PLACEHOLDERS)}
    if not stubs:
        return []
    from fewchannels.notebook.claims import read_claims

    claims = read_claims(src / "book" / "claims.yml")
    listed = yaml.safe_load((src / "book" / "paper_claims.yml").read_text(encoding="utf-8"))
    outcomes = read_outcomes(results)
    notebooks = {file.stem for file in (src / "notebooks").glob("*.ipynb")}
    for file, text in stubs.items():
        file.write_text(filled(text, claims, listed, outcomes, notebooks), encoding="utf-8")
    return [file.name for file in stubs]


def filled(stub: str, claims: Mapping, listed: Mapping, outcomes: Mapping[str, Outcome], pages: set[str]) -> str:
    """The stub with its placeholders replaced. pages: stems of the notebooks that can be linked to.

    Raises ValueError where a part names no registered claim, or a claim belongs to no chapter or to several.
    """
    known = {part for entry in listed["paper"] for parts in entry["parts"].values() for part in parts}
    if missing := sorted(known - set(claims)):
        raise ValueError(f"paper_claims.yml names claims that claims.yml lacks: {', '.join(missing)}")
    chapters = by_chapter(claims, listed["chapters"])
    decided = [_decidable(entry, claims, outcomes) for entry in listed["paper"]]
    verdicts = [verdict_of(entry["parts"], outcomes) for entry in decided]
    told = [_paper_entry(*pair, outcomes) for pair in zip(listed["paper"], verdicts, strict=True)]
    return (
        stub.replace(GLANCE, _glance(decided, outcomes))
        .replace(FOUND, found(decided, chapters, outcomes, pages))
        .replace(SUMMARY, "\n\n".join(told))
        .replace(DIFFERENCES, _differences(claims, outcomes))
        .replace(CHAPTERS, "\n\n".join(_chapter(*chapter, outcomes, pages) for chapter in chapters))
    )


def read_outcomes(folder: Path) -> dict[str, Outcome]:
    """By claim. Raises ValueError where two notebooks disagree on one."""
    found: dict[str, Outcome] = {}
    for file in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        for name, record in json.loads(file.read_text(encoding="utf-8"))["checks"].items():
            outcome = Outcome(**record, notebook=file.stem)
            before = found.setdefault(name, outcome)
            if before.holds != outcome.holds:
                raise ValueError(f"the claim {name!r}: {before.notebook} and {outcome.notebook} disagree")
    return found


def by_chapter(claims: Mapping, chapters: Sequence[Mapping]) -> list[tuple[Mapping, dict]]:
    """Chapters in order, each with its claims; ValueError for a claim that has no chapter, or several."""
    sorted_in: list[tuple[Mapping, dict]] = [(chapter, {}) for chapter in chapters]
    for name, claim in claims.items():
        homes = [own for chapter, own in sorted_in if name.startswith(tuple(chapter["prefixes"]))]
        if len(homes) != 1:
            raise ValueError(f"the claim {name!r} fits {len(homes)} chapters of paper_claims.yml: expected one")
        homes[0][name] = claim
    return sorted_in


def verdict_of(parts: Mapping[str, Mapping[str, str]], outcomes: Mapping[str, Outcome]) -> str:
    """The verdict on a claim that has parts, by the rule that the page states.

    Not tested: a part that counts has no outcome. Does not hold: nothing of what it says holds. Holds: every part.
    Holds per channel only: every part but those at equal energy. Holds in part: all else.
    """
    held = {kind: [outcomes[p].holds if p in outcomes else None for p in parts.get(kind, ())] for kind in COUNTED}
    every = [part for kind in COUNTED for part in held[kind]]
    if None in every:
        return UNTESTED
    if not any(held["says"]):
        return FAILS
    if all(every):
        return HOLDS
    return PER_CHANNEL if all(p for kind in COUNTED if kind != "per_energy" for p in held[kind]) else IN_PART


def _verdict(name: str, outcomes: Mapping[str, Outcome]) -> str:
    return UNTESTED if name not in outcomes else HOLDS if outcomes[name].holds else FAILS


def _class(verdict: str) -> str:
    return "fc-is-" + verdict.lower().replace(" ", "-")


def mark(verdict: str) -> str:
    return f"[{verdict}]{{.fc-mark .{_class(verdict)}}}"


def _glance(entries, outcomes) -> str:
    rows = [
        f"[{_plain(entry['title'])}](#{anchor(entry['title'])})\n: {mark(verdict_of(entry['parts'], outcomes))}"
        for entry in entries
    ]
    return "\n\n".join(["{.fc-glance-list}", *rows]).replace("}\n\n", "}\n", 1)


def found(entries, chapters, outcomes, pages) -> str:
    """The findings by their verdicts, each with its chapters and the parts that came out otherwise; what is not known
    last."""
    sorted_in: dict[str, list[str]] = {group: [] for group in GROUPS}
    for entry in entries:
        verdict = verdict_of(entry["parts"], outcomes)
        group = next(group for group, verdicts in GROUPS.items() if verdict in verdicts)
        sorted_in[group].append(_finding(entry, verdict, chapters, outcomes, pages))
    sorted_in["Not known"].append(_larger(pages))
    lines = ["::::{div} fc-found"]
    for group, told in sorted_in.items():
        if told:
            lines += [
                f":::{{div}} fc-found-group {_class(GROUPS[group][-1])}",
                "{.fc-found-word}",
                group,
                "",
                *told,
                ":::",
            ]
    return "\n".join([*lines, "::::"])


def _finding(entry, verdict, chapters, outcomes, pages) -> str:
    homes = []
    for chapter, own in chapters:
        if chapter["page"] and any(part in own for part in entry["parts"]["says"]):
            stem = Path(chapter["page"]).name
            number = f"chapter {int(stem.partition('_')[0])}"
            homes.append(f"[{number}](../notebooks/{stem}.ipynb)" if stem in pages else number)
    parts = {part: short for kind in COUNTED for part, short in entry["parts"].get(kind, {}).items()}
    others = []  # the parts that came out otherwise than the word
    if verdict != UNTESTED:
        others = [_plain(short) for part, short in parts.items() if outcomes[part].holds == (verdict == FAILS)]
    but = f" {'Still so' if verdict == FAILS else 'Not so'}: {'; '.join(others)}." if others else ""
    where = f" ({', '.join(homes)})" if homes else ""
    return f"- [{_plain(entry['title'])}](#{anchor(entry['title'])}){where}.{but}"


def _larger(pages) -> str:
    """Whether any of it holds for a larger model: how many runs say so, and how to find out."""
    count = len(list(REAL.glob("*.safetensors"))) if REAL.is_dir() else 0
    runs = {0: "No run of one has been handed in yet", 1: "One run stands beside the toy's"}
    how = "[how to make one](../notebooks/08_your_model.ipynb)" if "08_your_model" in pages else "how to make one"
    told = runs.get(count, f"{count} runs stand beside the toy's")
    return f"- Whether any of this holds for a larger model. {told}; chapter 8 says {how}."


def _decidable(entry, claims, outcomes) -> dict:
    """The entry without the parts that the model cannot decide, as it says of them in claims.yml."""
    parts = {
        kind: {n: short for n, short in own.items() if n in outcomes or claims[n].found != "cannot be told"}
        for kind, own in entry["parts"].items()
    }
    return {**entry, "parts": parts}


def _paper_entry(entry, verdict, outcomes) -> str:
    lines = [f"({anchor(entry['title'])})=", f"### {_plain(entry['title'])}", ""]
    lines += [f"::::{{div}} fc-entry {_class(verdict)}", mark(verdict), ""]
    lines += ["{.fc-statement}", _plain(entry["claim"]), "", "{.fc-by}", f"{_plain(entry['by'])}, in our words.", ""]
    for kind, heading in KINDS.items():
        if parts := entry["parts"].get(kind):
            # one paragraph a part, and no list: the theme sets lists inside of definitions far in
            told = [f"{mark(_verdict(n, outcomes))} [{_plain(short)}](#{anchor(n)})" for n, short in parts.items()]
            lines += [heading, ": " + "\n\n  ".join(told), ""]
    return "\n".join([*lines, "::::"])


def _differences(claims, outcomes) -> str:
    against = [n for n, claim in claims.items() if claim.paper and _verdict(n, outcomes) == FAILS]
    if not against:
        return "In this run nothing that was tested contradicts what the paper, or the work named, claims."
    lines = []
    for name in against:
        reason = claims[name].reason
        because = f"Most likely reason that was tested: {_plain(reason)}" if reason else "No reason for it was tested."
        who, what = _source(claims[name].paper)
        lines.append(f"- {who}: {_plain(what)} [Here](#{anchor(name)}): {number(outcomes[name])}. {because}")
    return "\n".join(lines)


def _chapter(chapter, claims, outcomes, pages) -> str:
    lines = [f"### {_plain(chapter['title'])}", ""]
    for name, claim in claims.items():
        verdict, outcome = _verdict(name, outcomes), outcomes.get(name)
        lines += [f"::::{{div}} fc-entry {_class(verdict)}", f":name: {anchor(name)}", "", mark(verdict), ""]
        lines += ["{.fc-statement}", _plain(claim.statement), ""]
        rows = {
            "Measured": number(outcome) if outcome else "nothing yet",
            "Claimed": _plain(claim.direction),
            "Falsifier": _plain(claim.falsifier),
            "Expected": _plain(claim.expected),
            "Reason": _plain(claim.reason),
        }
        if claim.paper:
            who, what = _source(claim.paper)
            rows[who] = _plain(what)
        for term, text in rows.items():
            lines += [term, f": {text}", ""] if text else []
        home = outcome.notebook if outcome else Path(chapter["page"] or "").name
        link = f"[to the chapter](../notebooks/{home}.ipynb), " if home in pages else ""
        lines += ["{.fc-by}", f"{link}`{name}`", "::::", ""]
    return "\n".join(lines)


def _source(told: str) -> tuple[str, str]:
    """Who claims it, and what: claims.yml names a work other than the paper before a semicolon."""
    who, semicolon, what = told.partition("; ")
    return (who, what[:1].upper() + what[1:]) if semicolon and who.istitle() else ("The paper", told)


def number(outcome: Outcome) -> str:
    value = outcome.value
    shown = "" if value is None else f"**{value:.3g}**" if _is_number(value) else _plain(str(value))
    if outcome.low is not None:
        shown += f" (95 % interval {outcome.low:.3g} to {outcome.high:.3g})"
    shown = shown.replace("-", "\N{MINUS SIGN}").strip() or ("as claimed" if outcome.holds else "not as claimed")
    return shown if outcome.model == "toyworld" else f"{shown}, on {_plain(outcome.model)}"


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def anchor(name: str) -> str:
    return "claim-" + re.sub(r"[\W_]+", "-", name.lower())


def _plain(text: str | None) -> str:
    """Words of ours as Markdown that shows them as they are."""
    return re.sub(r"([\\`*_{}\[\]<>|#$])", r"\\\1", str(text)) if text else ""
