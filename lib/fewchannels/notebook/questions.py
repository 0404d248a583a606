"""Three questions a chapter, asked before and after reading: `book/questions.yml`.

    questions = read_questions(questions_file())
    questions["ch2.control"].right                            # "energy", the id of its right option
    questions["ch2.control"].options["random"].misconception  # "a random control answers every objection"

The pages of the chapters ask them (book/_ext/questions.py), and `class_answers` adds up what a class answered.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..disk import beside_the_code

FORMAT, VERSION = "fewchannels-questions", 1
A_CHAPTER = 3  # questions
FEWEST, MOST = 3, 5  # options of a question
QUESTION_ID = re.compile(r"ch(\d+)\.[a-z][a-z0-9_]*")
OPTION_ID = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Option:
    """An answer that can be chosen. why: said once the questions at the end are answered. misconception: what somebody
    may believe who chooses it, or "" for the right one."""

    id: str
    says: str
    why: str
    misconception: str = ""


@dataclass(frozen=True)
class Question:
    """A question of a chapter. options: by id, in the order in which they are shown. right: the id of the right one."""

    id: str
    chapter: int
    ask: str
    options: Mapping[str, Option]
    right: str


def questions_file() -> Path:
    """The questions: of the repository around the working folder or the package, else those that the package brought
    along. Raises FileNotFoundError where there are none."""
    return beside_the_code("book/questions.yml", "questions.yml")


def read_questions(path: str | os.PathLike | None = None) -> dict[str, Question]:
    """Questions by id, chapter by chapter. path: the file, or None for `questions_file()`.

    Raises ValueError that names the file, the chapter, question or option, and what is wrong with it: another format or
    version, other than three questions a chapter, an id that is there twice or of another form, none or several right
    options, a wrong one without its misconception, a text that is missing.
    """
    import yaml

    path = questions_file() if path is None else path
    given = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    if not isinstance(given, dict) or given.get("format") != FORMAT or given.get("version") != VERSION:
        raise ValueError(f"{path}: expected `format: {FORMAT}` and `version: {VERSION}` on its first lines")
    chapters = given.get("chapters")
    if not isinstance(chapters, dict) or not chapters or any(type(number) is not int for number in chapters):
        raise ValueError(f"{path}: expected `chapters:` with the chapters' numbers, and three questions below each")
    found: dict[str, Question] = {}
    for number, listed in chapters.items():
        if not isinstance(listed, list) or len(listed) != A_CHAPTER:
            count = len(listed) if isinstance(listed, list) else "no list of"
            raise ValueError(f"{path}: chapter {number} has {count} questions; expected {A_CHAPTER}")
        for one in listed:
            question = _question(f"{path}: chapter {number}", number, one)
            if question.id in found:
                raise ValueError(f"{path}: the question {question.id!r} is there twice")
            found[question.id] = question
    return found


def _question(where: str, chapter: int, given: Any) -> Question:
    name = _text(f"{where}: a question", given, "id")
    where = f"{where}: the question {name!r}"
    form = QUESTION_ID.fullmatch(name)
    if form is None or int(form[1]) != chapter:
        raise ValueError(f"{where}: expected an id such as 'ch{chapter}.some_word'")
    _only(where, given, {"id", "ask", "options"})
    listed = given.get("options")
    if not isinstance(listed, list) or not FEWEST <= len(listed) <= MOST:
        raise ValueError(f"{where}: expected {FEWEST} to {MOST} options")
    options: dict[str, Option] = {}
    right = []
    for one in listed:
        option, is_right = _option(where, one)
        if option.id in options:
            raise ValueError(f"{where}: the option {option.id!r} is there twice")
        options[option.id] = option
        right += [option.id] * is_right
    if len(right) != 1:
        raise ValueError(f"{where}: {len(right)} options are `right: true`; expected one")
    return Question(name, chapter, _text(where, given, "ask"), options, right[0])


def _option(where: str, given: Any) -> tuple[Option, bool]:
    name = _text(f"{where}: an option", given, "id")
    where = f"{where}, option {name!r}"
    if OPTION_ID.fullmatch(name) is None:
        raise ValueError(f"{where}: expected an id of small letters, digits and underscores")
    _only(where, given, {"id", "says", "why", "right", "misconception"})
    if given.get("right", True) is not True:
        raise ValueError(f"{where}: `right` is {given['right']!r}; expected `right: true`, or no such line")
    if ("right" in given) == ("misconception" in given):
        raise ValueError(f"{where}: expected either `right: true` or the misconception behind it")
    misconception = "" if "right" in given else _text(where, given, "misconception")
    return Option(name, _text(where, given, "says"), _text(where, given, "why"), misconception), "right" in given


def _text(where: str, given: Any, key: str) -> str:
    text = given.get(key) if isinstance(given, dict) else None
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{where}: expected a text for `{key}`, got {text!r} (quote words such as yes, no and null)")
    return " ".join(text.split())


def _only(where: str, given: Mapping[str, Any], known: set[str]) -> None:
    if unknown := sorted(map(str, set(given) - known)):
        raise ValueError(f"{where}: unknown: {', '.join(unknown)}; known are {', '.join(sorted(known))}")
