"""Every figure's alternative text says what is to be seen, not that there is a figure."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
FEWEST = 8  # words
ONLY_NAMES = re.compile(
    r"(?i)^(?:an? |the )?(?:figure|plot|chart|graph|diagram|image|picture|heat ?map|table)s? (?:of|with|showing)\b"
)
# A thing seen stands in a relation to another, or changes: one of these words says so.
RELATION = re.compile(
    r"(?i)\b(?:above|below|beyond|behind|ahead|between|over all|than|far|near|nearly|more|less|most|mostly|least|alike|"
    r"same|equal|level|half|all|none|hardly|nothing|only|both|without|"
    r"good|poor|other|under|after|before|high|higher|highest|low|lower|lowest|larger|largest|clear|clearer|"
    r"rise|rises|fall|falls|grow|grows|drop|drops|leap|leaps|climb|sag|stay|stays|keep|keeps|lose|loses|turn|turns|"
    r"lead|leads|reach|reaches|tower|towers|stand|stands|lie|lies|fit|fits|shift|shifts|redraw|adds|have|become|"
    r"show|shows|look|looks|beat|lifts|brings|take|takes)\b"
)  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """A figure's texts as they stand in a notebook, what is filled in left out."""

    where: str
    alt: str
    caption: str


def _text(node: ast.expr | None) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) if isinstance(part, ast.Constant) else "something" for part in node.values)
    return ""


def figures_of(code: str, where: str) -> list[Shown]:
    """The calls of show() in a cell. An alt that is chosen from a dict gives one entry for each of its texts."""
    found = []
    tree = ast.parse(code)
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if not (isinstance(call.func, ast.Name) and call.func.id == "show"):
            continue
        given = {word.arg: word.value for word in call.keywords}
        alt, caption = given.get("alt"), _text(given.get("caption"))
        texts = [_text(alt)]
        if isinstance(alt, ast.Subscript) and isinstance(alt.value, ast.Name):
            texts = [_text(one) for one in _dict_named(tree, alt.value.id)]
        found += [Shown(where, text, caption) for text in texts]
    return found


def _dict_named(tree: ast.Module, name: str) -> list[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict) and ast.unparse(node.targets[0]) == name:
            return node.value.values
    return []


def wrong(shown: Shown) -> str:
    """What is wrong with a figure's alternative text, or ""."""
    words = re.findall(r"[\w’'-]+", shown.alt)
    if len(words) < FEWEST:
        return f"{len(words)} words, at least {FEWEST} are needed"
    if ONLY_NAMES.search(shown.alt):
        return "says what kind of thing it is; say what is to be seen in it"
    if not RELATION.search(shown.alt):
        return "compares nothing and says no change; say what stands where"
    if set(words) <= set(re.findall(r"[\w’'-]+", shown.caption)):
        return "repeats the caption, which is read aloud as well"
    if re.search(r"\d\.\d\d|\d %", shown.alt):
        return "has a number of a run; say it in words"
    return ""


def _figures() -> list[Shown]:
    found = []
    for file in NOTEBOOKS:
        for number, cell in enumerate(json.loads(file.read_text(encoding="utf-8"))["cells"]):
            code = "".join(cell["source"])
            if cell["cell_type"] == "code" and "show(" in code:
                found += figures_of(code, f"{file.stem}, cell {number}")
    return found


def test_every_alternative_text_says_what_is_to_be_seen():
    shown = _figures()
    assert len(shown) > 100
    assert {f"{one.where}: {one.alt!r}: {wrong(one)}" for one in shown if wrong(one)} == set()


@pytest.mark.parametrize(
    "alt",
    [
        "Bars of the change.",
        "A plot of the change of the picture by set and by block, for all prompts.",
        "The pictures that the trained model drew for these prompts.",
        "The change of every set, by set.",
        "The top changes the picture by 0.13, which is far more than the bottom.",
    ],
)
def test_a_text_that_only_names_the_figure_is_refused(alt):
    assert wrong(Shown("", alt, "The change of every set, by set, in order.")) != ""


def test_texts_are_found_where_they_stand():
    code = (
        'alts = {"a": "one", "b": "two"}\nfor name in alts:\n    show(f(name), alt=alts[name])\nshow(g(), alt=f"{x}!")'
    )
    assert [one.alt for one in figures_of(code, "")] == ["something!", "one", "two"]
