"""What exercises say, from the Markdown files in words/: hints, what each mistake is, what to see once it is right, and
the solution. A file for each chapter, so that prose is read and translated without code, and the code without prose.

    # ch3.coin                      the exercise
    ## Hints                        a numbered list: asked for one by one
    ## Mistakes                     a list: `name`: why
    ## Right                        one paragraph
    ## Solution                     the rest; fenced Python is run by the tests

An exercise with a solution alone is one that nothing checks.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent / "words"
SECTIONS = ("Hints", "Mistakes", "Right", "Solution")


@dataclass(frozen=True)
class Words:
    """hints: one after the other. mistakes: name -> why it is wrong. right: what to notice. solution: Markdown."""

    hints: tuple[str, ...] = ()
    mistakes: dict[str, str] = field(default_factory=dict)
    right: str = ""
    solution: str = ""


@functools.cache
def all_words() -> dict[str, Words]:
    """The words of every exercise by name, and those that all designs share as "design". Raises ValueError that names
    the file for a heading that is none of the above, and for a name that is there twice."""
    found: dict[str, Words] = {}
    for file in sorted(FOLDER.glob("*.md")):
        for name, text in _cut(file.read_text(encoding="utf-8"), r"^# ([a-z]\S*)$"):
            if name in found:
                raise ValueError(f"{file.name}: {name!r} is there twice")
            parts = dict(_cut(text, r"^## (\w+)$"))
            if unknown := set(parts) - set(SECTIONS):
                raise ValueError(f"{file.name}, {name}: sections {sorted(unknown)}; expected {', '.join(SECTIONS)}")
            found[name] = Words(
                tuple(re.findall(r"^\d+\. (.+)$", parts.get("Hints", ""), re.MULTILINE)),
                dict(re.findall(r"^- `(.+?)`: (.+)$", parts.get("Mistakes", ""), re.MULTILINE)),
                parts.get("Right", "").strip(),
                parts.get("Solution", "").strip(),
            )
    return found


def _cut(text: str, heading: str) -> list[tuple[str, str]]:
    """(heading, what follows) of each; what stands before the first is dropped."""
    _, *parts = re.split(heading, text, flags=re.MULTILINE)
    return list(zip(parts[::2], parts[1::2], strict=True))
