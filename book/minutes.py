"""Carries each chapter's minutes, of reading and of running, into its first lines and into the page for teachers.

    python book/minutes.py            rewrite notebooks and book/teach.md (`make format`)
    python book/minutes.py --check    say what differs, change nothing

Reading: WORDS words a minute of what is written, LINES lines of code, and SECONDS seconds a figure or widget, without
the exercises and rounded to five minutes. Running: the seconds that `make bench` measured (bench/results.json, "book"),
rounded up to whole minutes. Nobody types either.
"""

from __future__ import annotations

import itertools
import json
import math
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import contents

ROOT = Path(__file__).resolve().parent.parent
WORDS, LINES, SECONDS = 200, 12, 20
UNITS = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
TENS = {10: "ten", 15: "fifteen", 20: "twenty", 30: "thirty", 40: "forty", 50: "fifty", 60: "sixty"}
SENTENCE = re.compile(r"About [a-z-]+ minutes to read; the code runs in [a-z -]+\.")
EXERCISES = "Exercises"  # the heading behind which a chapter is not counted
ROW = r"(\| \[{number} · [^|]*\]\(\.\./notebooks/{stem}\.ipynb\) \| )\d+( \|)"


@dataclass(frozen=True)
class Counted:
    """What there is to read: words, lines of code, figures and widgets."""

    words: int = 0
    lines: int = 0
    figures: int = 0

    def __add__(self, other: Counted) -> Counted:
        return Counted(self.words + other.words, self.lines + other.lines, self.figures + other.figures)

    @property
    def exact(self) -> float:
        """Minutes of reading."""
        return self.words / WORDS + self.lines / LINES + self.figures * SECONDS / 60

    @property
    def minutes(self) -> int:
        """Of reading, rounded to five, and at least five.

        >>> Counted(words=3000, lines=120, figures=15).minutes
        30
        """
        return max(5, 5 * round(self.exact / 5))


def counted(cells: list[dict]) -> Counted:
    """Count a chapter, without its exercises and what follows them."""
    sections = by_section(cells)
    return sum((sections[heading] for heading in itertools.takewhile(EXERCISES.__ne__, sections)), Counted())


def by_section(cells: list[dict]) -> dict[str, Counted]:
    """Count each section of a notebook by its second-level heading ("" before the first), in their order; without the
    cells that the page does not show."""
    found: dict[str, Counted] = {"": Counted()}
    heading = ""
    for cell in cells:
        text = "".join(cell["source"])
        if "remove-cell" in cell["metadata"].get("tags", []):
            continue
        if cell["cell_type"] == "code":
            lines = sum(1 for line in text.splitlines() if line.strip() and not line.strip().startswith("#"))
            figures = len(re.findall(r"^ *(?:show|Flipbook|ChannelBrowser)\(", text, re.MULTILINE))
            found[heading] += Counted(0, lines, figures)
        if cell["cell_type"] == "markdown":
            for part in re.split(r"^(?=## )", text, flags=re.MULTILINE):
                heading = contents.section_after(heading, part)
                words = len(re.findall(r"\w[\w'’.-]*", re.sub(r"\]\([^)]*\)", "]", part)))
                found[heading] = found.get(heading, Counted()) + Counted(words)
    return found


def word(number: int) -> str:
    """A number of minutes in words, up to ten and in fives from there.

    >>> word(3), word(25), word(40)
    ('three', 'twenty-five', 'forty')
    """
    if number <= 10:
        return UNITS[number]
    if number in TENS:
        return TENS[number]
    return f"{TENS[number // 10 * 10]}-{UNITS[number % 10]}"


def sentence(reading: int, seconds: float) -> str:
    """What a chapter's first lines say.

    >>> sentence(25, 134.2)
    'About twenty-five minutes to read; the code runs in about three minutes.'
    >>> sentence(5, 20)
    'About five minutes to read; the code runs in less than half a minute.'
    """
    return f"About {word(reading)} minutes to read; the code runs in {_running(seconds)}."


def _running(seconds: float) -> str:
    if seconds <= 60:
        return "less than half a minute" if seconds <= 30 else "about a minute"
    return f"about {word(math.ceil(seconds / 60))} minutes"


def measured() -> dict[str, float]:
    """Seconds of each notebook's last measured run, by its stem."""
    rows = json.loads((ROOT / "bench" / "results.json").read_text(encoding="utf-8"))["benches"]["book"]["rows"]
    return {row["what"]: row["seconds"][0] for row in rows if row["workload"] == "notebook"}


def rewritten() -> dict[Path, str]:
    """The files as they should be. Raises ValueError for a chapter without the sentence, without a row on the page for
    teachers, or that nobody measured."""
    seconds = measured()
    page = ROOT / "book" / "teach.md"
    teach = page.read_text(encoding="utf-8")
    found = {}
    for file in sorted((ROOT / "notebooks").glob("*.ipynb")):
        text = file.read_text(encoding="utf-8")
        if file.stem not in seconds:
            raise ValueError(
                f"nobody measured how long {file.stem} runs: build the book, then `bench/run.py --only book`"
            )
        reading = counted(json.loads(text)["cells"]).minutes
        found[file], times = SENTENCE.subn(sentence(reading, seconds[file.stem]), text)
        if times != 1:
            raise ValueError(
                f"{file.name}: expected the sentence 'About ... minutes to read; the code runs in ...' once"
            )
        number = int(file.stem.partition("_")[0])
        row = ROW.format(number=number, stem=re.escape(file.stem))
        teach, times = re.subn(row, rf"\g<1>{reading}\2", teach)
        if times != 1:
            raise ValueError(f"book/teach.md has no row for {file.name} with its minutes")
    return {**found, page: teach}


def main() -> int:
    different = [file for file, text in rewritten().items() if file.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv:
        for file in different:
            print(f"{file.relative_to(ROOT)}: other minutes than counted; `make format` mends it", file=sys.stderr)
        return 1 if different else 0
    for file in different:
        file.write_text(rewritten()[file], encoding="utf-8")
        print(f"{file.relative_to(ROOT)}: minutes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
