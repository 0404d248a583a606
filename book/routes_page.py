"""Fills the page for teachers with the routes of routes.yml, and with the minutes that each of their steps takes.

    write_page(src)                       # the placeholder in src/book/teach.md
    minutes_of(step)                      # of one step: read, run, exercises and talk

Reading is counted as in minutes.py, running is measured section by section (bench/results.json, "book"), and exercises
go by `FIRST` and `OTHER`. Minutes of things that a class does are ours, and stand in routes.yml.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import minutes
import yaml

ROOT = Path(__file__).resolve().parent.parent
ROUTES = ROOT / "book" / "routes.yml"
PLACEHOLDER = "<!-- routes -->"
# Minutes in class for a chapter's first exercise, in which something is built or designed, and for each other one, in
# pairs; ours, for want of a class that was timed
FIRST, OTHER = 15, 6
STEP = {"chapter", "sections", "exercises", "run", "do", "minutes"}


@dataclass(frozen=True)
class Minutes:
    """What a step takes; parts that it does not have are 0."""

    read: float = 0.0
    run: float = 0.0
    exercises: float = 0.0
    talk: float = 0.0

    @property
    def all(self) -> int:
        """Whole minutes, rounded up."""
        return math.ceil(self.read + self.run + self.exercises + self.talk - 1e-9)


def chapter_cells(stem: str) -> list[dict]:
    path = ROOT / "notebooks" / f"{stem}.ipynb"
    if not path.exists():
        raise ValueError(f"routes.yml: there is no chapter {stem!r} in notebooks/")
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def seconds_of(stem: str) -> dict[str, float]:
    """Measured seconds of each section of a chapter. Raises ValueError where nobody measured it."""
    benches = json.loads((ROOT / "bench" / "results.json").read_text(encoding="utf-8"))["benches"]
    for row in benches["book"]["rows"]:
        if row["what"] == stem and "sections" in row:
            return row["sections"]
    raise ValueError(f"nobody measured {stem}: build the book, then `bench/run.py --only book`")


def minutes_of(step: dict[str, Any]) -> Minutes:
    """The minutes of a step of routes.yml. Raises ValueError for a step, chapter or section that is not there."""
    if unknown := set(step) - STEP:
        raise ValueError(f"routes.yml: a step has {', '.join(sorted(unknown))}; it may have {', '.join(sorted(STEP))}")
    if "do" in step:
        return Minutes(talk=step["minutes"])
    cells, seconds = chapter_cells(step["chapter"]), seconds_of(step["chapter"])
    counted = minutes.by_section(cells)
    before = list(counted)[: list(counted).index(minutes.EXERCISES)]
    wanted = step.get("sections", before)
    if missing := [heading for heading in wanted if heading not in before]:
        raise ValueError(f"routes.yml: {step['chapter']} has no section {missing[0]!r}; it has {', '.join(before[1:])}")
    read = 0.0 if step.get("run") else sum(counted[heading].exact for heading in wanted)
    ran = sum(seconds.get(heading, 0.0) for heading in {"", *wanted}) / 60  # what opens the chapter runs in any case
    count = step.get("exercises", 0)
    return Minutes(read, ran, FIRST + OTHER * (count - 1) if count else 0)


def as_markdown(routes: list[dict[str, Any]], titles: dict[str, str]) -> str:
    """A section a route, a table a meeting. Raises ValueError for a meeting that takes longer than it has."""
    told = []
    for route in routes:
        told += [f"### {route['name']}", route["about"]]
        for number, meeting in enumerate(route["meetings"], 1):
            steps = [(_words(step, titles), minutes_of(step)) for step in meeting["steps"]]
            total = sum(taken.all for _, taken in steps)
            if total > route["minutes"]:
                raise ValueError(
                    f"routes.yml: {route['name']}, {meeting['title']!r} takes {total} minutes of {route['minutes']}"
                )
            name = f"{number}. {meeting['title']}" if len(route["meetings"]) > 1 else meeting["title"]
            read = "" if "before" not in meeting else f" Read before: {_before(meeting['before'], titles)}."
            told.append(f"**{name}**, {total} minutes.{read}")
            lines = ["| step | minutes |", "|:--|--:|", *(f"| {words} | {taken.all} |" for words, taken in steps)]
            told.append("\n".join(lines))
    return "\n\n".join(told)


def _before(stems: list[str], titles: dict[str, str]) -> str:
    reading = sum(minutes.counted(chapter_cells(stem)).minutes for stem in stems)
    return f"{', '.join(_link(stem, titles) for stem in stems)} ({reading} minutes)"


def _link(stem: str, titles: dict[str, str]) -> str:
    return f"[{titles[stem]}](../notebooks/{stem}.ipynb)"


def _words(step: dict[str, Any], titles: dict[str, str]) -> str:
    if "do" in step:
        return step["do"]
    done = "Run" if step.get("run") else "Read and run"
    parts = [f"{done} {_link(step['chapter'], titles)}"]
    if "sections" in step:
        named = "section" if len(step["sections"]) == 1 else "sections"
        parts.append(f"the {named} {', '.join(f'*{heading}*' for heading in step['sections'])}")
    if count := step.get("exercises"):
        parts.append("its first exercise" if count == 1 else f"its first {minutes.word(count)} exercises")
    return "; ".join(parts)


def chapter_titles() -> dict[str, str]:
    """{stem: title} of the notebooks, by their first headings."""
    found = {}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = chapter_cells(path.stem)
        texts = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        heading = next(line for text in texts for line in text.splitlines() if line.startswith("# "))
        found[path.stem] = heading.removeprefix("# ").strip()
    return found


def write_page(src: Path) -> None:
    """Fill the placeholder of src/book/teach.md, where that page is. Raises ValueError as above."""
    page = src / "book" / "teach.md"
    if not page.exists():
        return
    text = page.read_text(encoding="utf-8")
    if PLACEHOLDER not in text:
        raise ValueError(f"{page.name} has no placeholder {PLACEHOLDER}")
    routes = yaml.safe_load(ROUTES.read_text(encoding="utf-8"))
    page.write_text(text.replace(PLACEHOLDER, as_markdown(routes, chapter_titles())), encoding="utf-8")
