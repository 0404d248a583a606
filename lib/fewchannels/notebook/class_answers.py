"""A class's answers before and after reading, added up from the files that learners saved on the chapters' pages.

    answers = read_answers("hand_ins")            # a folder of files; `answers.skipped` says what was not read, and why
    answers.by_chapter()                          # {"2": BeforeAfter(before=Interval(...), after=..., gain=..., n=28)}
    answers.by_question("ch2.control")            # the same for one question, or for all of them
    answers.remaining(8)                          # the misconceptions that most learners still chose afterwards

A file is what "Save my answers" gives: JSON of the format `fewchannels-answers`, version 1, with a random number that
says which answers belong together and a name only where the learner gave one. Intervals come from resampling learners.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..metrics import Interval, mean_interval
from ..studies.views import Table
from .questions import Question, read_questions

FORMAT, VERSION = "fewchannels-answers", 1
LARGEST = 1_000_000  # bytes; a file of all chapters has about five thousand
BLOCKS = ("before", "after")
LONGEST_NAME = 80


@dataclass(frozen=True)
class Learner:
    """What one learner answered. before, after: the id of the option chosen, by the question's id. guesses: by chapter.
    name: "" where none was given. made_up: whether the file says that nobody answered it."""

    id: str
    name: str = ""
    before: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)
    guesses: Mapping[int, str] = field(default_factory=dict)
    made_up: bool = False

    def __len__(self) -> int:
        return len(self.before) + len(self.after) + len(self.guesses)


class BeforeAfter(NamedTuple):
    """Share right before and after, and how much more after, over the `n` learners who answered both times."""

    before: Interval
    after: Interval
    gain: Interval
    n: int


class Misconception(NamedTuple):
    """A wrong option: how many of the `n` learners who answered its question both times chose it before, after, and
    both times."""

    question: str
    option: str
    says: str
    before: int
    after: int
    kept: int
    n: int


@dataclass(frozen=True)
class ClassAnswers:
    """The answers of a class.

    skipped: files that were not read, with the reason. left_out: of files that were read, what in them was not, such as
    answers to questions that this edition of the book does not ask.
    """

    learners: tuple[Learner, ...]
    questions: Mapping[str, Question]
    skipped: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """How many files, and whether they were made up: for titles and captions.

        >>> ClassAnswers((Learner("a"), Learner("b", made_up=True)), {}).label
        '2 learners, 1 of them MADE UP'
        """
        count, made_up = len(self.learners), sum(one.made_up for one in self.learners)
        people = f"{count} learner{'' if count == 1 else 's'}"
        if made_up == count:
            return f"{people}, all MADE UP"
        return f"{people}, {made_up} of them MADE UP" if made_up else people

    def right(self, when: str) -> np.ndarray:
        """float64 [learners, questions]: 1 where the right option was chosen, 0 where another, NaN where none.

        when: "before" or "after"; anything else raises ValueError.
        """
        if when not in BLOCKS:
            raise ValueError(f"when={when!r}: expected 'before' or 'after'")
        rows = [
            [np.nan if name not in chosen else float(chosen[name] == one.right) for name, one in self.questions.items()]
            for chosen in (getattr(learner, when) for learner in self.learners)
        ]
        return np.array(rows, np.float64).reshape(len(self.learners), len(self.questions))

    def by_question(self, *names: str) -> dict[str, BeforeAfter]:
        """Of these questions, or of all that somebody answered both times. Raises LookupError for an unknown one."""
        if unknown := [name for name in names if name not in self.questions]:
            raise LookupError(f"no question {unknown[0]!r}; there are {', '.join(self.questions)}")
        before, after = self._paired()
        found = {name: _compared(before[:, i], after[:, i]) for i, name in enumerate(self.questions)}
        return {name: one for name, one in found.items() if (name in names if names else one.n)}

    def by_chapter(self) -> dict[str, BeforeAfter]:
        """Of each chapter that somebody answered both times, by its number: of each learner the mean over the questions
        that this learner answered both times."""
        before, after = self._paired()
        chapters = np.array([one.chapter for one in self.questions.values()])
        found = {}
        for chapter in np.unique(chapters):
            of_it = chapters == chapter
            known = np.isfinite(before[:, of_it]).any(axis=1)
            if known.any():
                means = (np.nanmean(part[known][:, of_it], axis=1) for part in (before, after))
                found[str(chapter)] = _compared(*means)
        return found

    def remaining(self, most: int | None = None) -> list[Misconception]:
        """The wrong options that were chosen at all, those first that most still chose afterwards. most: how many."""
        found = []
        for name, question in self.questions.items():
            both = [one for one in self.learners if name in one.before and name in one.after]
            for option in question.options.values():
                chosen = [(one.before[name] == option.id, one.after[name] == option.id) for one in both]
                before, after = (sum(pair[i] for pair in chosen) for i in (0, 1))
                if option.misconception and before + after:
                    kept = sum(all(pair) for pair in chosen)
                    said = option.misconception
                    found.append(Misconception(name, option.id, said, before, after, kept, len(both)))
        found.sort(key=lambda one: (-one.after / one.n, -one.kept, one.question))
        return found[:most]

    def table(self, most: int = 10) -> Table:
        """`remaining` as a Markdown table."""
        head = ("question", "what somebody may believe who chose it", "before", "after", "both times", "of")
        rows = [(one.question, one.says, one.before, one.after, one.kept, one.n) for one in self.remaining(most)]
        return Table.of(head, rows, words=2)

    def _paired(self) -> tuple[np.ndarray, np.ndarray]:
        """`right` before and after, NaN in both where a learner answered a question only once."""
        before, after = self.right("before"), self.right("after")
        once = np.isnan(before) | np.isnan(after)
        return np.where(once, np.nan, before), np.where(once, np.nan, after)


def _compared(before: np.ndarray, after: np.ndarray) -> BeforeAfter:
    parts = (mean_interval(values) for values in (before, after, after - before))
    return BeforeAfter(*parts, int(np.isfinite(before).sum()))


class _NotRead(Exception):
    """Why a file is no file of answers."""


def read_answers(folder: str | os.PathLike, questions: Mapping[str, Question] | None = None) -> ClassAnswers:
    """Read all files of a folder, those in folders below it included, and say of each that is not read why.

    questions: those that are asked, or None for the book's. Of a learner who handed in several files the one with most
    answers counts. Raises FileNotFoundError where there is no such folder, ValueError where not one file of it can be
    read, with the reasons.
    """
    place = Path(folder)
    if not place.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; put the files that learners handed in into one")
    questions = read_questions() if questions is None else questions
    skipped: dict[str, str] = {}
    read: dict[str, tuple[Learner, tuple[str, ...]]] = {}
    for file in sorted(path for path in place.rglob("*") if path.is_file() and not path.name.startswith(".")):
        name = file.relative_to(place).as_posix()
        try:
            read[name] = _learner(_content(file), questions)
        except _NotRead as reason:
            skipped[name] = str(reason)
    counted: dict[str, str] = {}  # learner -> file
    for name, (learner, _) in read.items():
        other = counted.get(learner.id)
        if other is not None:
            name, other = (name, other) if len(learner) > len(read[other][0]) else (other, name)
            skipped[other] = f"the same learner as {name}, which holds as many answers or more"
        counted[learner.id] = name
    if not counted:
        told = "; ".join(f"{name}: {reason}" for name, reason in list(skipped.items())[:3])
        raise ValueError(f"{folder}: no file of answers{f' ({told})' if told else ', the folder is empty'}")
    kept = sorted(counted.values())
    left_out = {name: read[name][1] for name in kept if read[name][1]}
    return ClassAnswers(tuple(read[name][0] for name in kept), dict(questions), dict(sorted(skipped.items())), left_out)


def _content(file: Path) -> dict[str, Any]:
    if file.suffix.lower() != ".json":
        raise _NotRead("its name does not end in .json")
    if file.stat().st_size > LARGEST:
        raise _NotRead(f"it has more than {LARGEST // 1000:,} kB; a file of answers has a few")
    try:
        given = json.loads(file.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError):
        raise _NotRead("it is damaged, or no JSON") from None
    if not isinstance(given, dict) or given.get("format") != FORMAT:
        raise _NotRead(f"it is of another format; expected what 'Save my answers' gives, {FORMAT!r}")
    if given.get("version") != VERSION:
        raise _NotRead(f"it is of version {given.get('version')!r}, and this library reads version {VERSION}")
    return given


def _learner(given: Mapping[str, Any], questions: Mapping[str, Question]) -> tuple[Learner, tuple[str, ...]]:
    learner, name, chapters = given.get("learner"), given.get("name", ""), given.get("chapters")
    if not isinstance(learner, str) or not learner:
        raise _NotRead("it does not say whose answers belong together (`learner`)")
    if not isinstance(name, str) or len(name) > LONGEST_NAME:
        raise _NotRead(f"its name is no text of at most {LONGEST_NAME} letters")
    if not isinstance(chapters, dict):
        raise _NotRead("it holds no chapters")
    chosen: dict[str, dict[str, str]] = {block: {} for block in BLOCKS}
    guesses: dict[int, str] = {}
    left_out: list[str] = []
    for number, kept in chapters.items():
        if not number.isdecimal() or not isinstance(kept, dict):
            left_out.append(f"chapter {number!r}: expected a number with answers")
            continue
        if isinstance(guess := kept.get("guess", ""), str) and guess.strip():
            guesses[int(number)] = guess.strip()
        for block in BLOCKS:
            answers = kept.get(block, {})
            if not isinstance(answers, dict):
                left_out.append(f"chapter {number}, {block}: expected answers by question")
                continue
            for question, option in answers.items():
                if question not in questions or questions[question].chapter != int(number):
                    left_out.append(f"chapter {number}, {block}: unknown question {question!r}")
                elif not isinstance(option, str) or option not in questions[question].options:
                    left_out.append(f"{question}, {block}: unknown option {option!r}")
                else:
                    chosen[block][question] = option
    made_up = given.get("made_up") is True
    return Learner(learner, name, chosen["before"], chosen["after"], guesses, made_up), tuple(left_out)


def write_made_up_answers(
    folder: str | os.PathLike, learners: int = 30, seed: int = 0, questions: Iterable[Question] | None = None
) -> Path:
    """Write files that nobody answered into a folder, which is made where it is not there: to show what the figures
    look like, and to try a notebook before a class hands anything in. Each says so, in its name and in a field of
    its own.

    Learners differ in what they know and questions in how hard they are; most questions are answered better
    afterwards, a wrong answer is often kept, some learners stop half-way and some skip a question. Same seed, same
    files. Raises ValueError for fewer than one learner. Returns the folder.
    """
    if learners < 1:
        raise ValueError(f"learners={learners}: expected at least one")
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    listed = list(read_questions().values() if questions is None else questions)
    rng = np.random.default_rng(seed)
    hard, gained = rng.normal(0.7, 0.7, len(listed)), rng.normal(1.5, 0.9, len(listed))
    tempting = [rng.dirichlet(np.ones(len(one.options) - 1)) for one in listed]
    last = max(one.chapter for one in listed)
    for number in range(1, learners + 1):
        knows, diligent = rng.normal(0, 0.8), rng.random() < 0.8
        until = last if diligent else int(rng.integers(0, last + 1))
        chapters: dict[str, Any] = {}
        for one, hardness, gain, weights in zip(listed, hard, gained, tempting, strict=True):
            if one.chapter > until:
                continue
            kept = chapters.setdefault(str(one.chapter), {"before": {}, "after": {}})
            before = _made_up_choice(rng, one, knows - hardness, weights)
            after = _made_up_choice(rng, one, knows - hardness + gain, weights)
            if after != one.right and before != one.right and rng.random() < 0.6:
                after = before
            kept["after"][one.id] = after
            if rng.random() < 0.97:
                kept["before"][one.id] = before
        content = {"format": FORMAT, "version": VERSION, "learner": f"made-up-{seed}-{number:03d}"}
        content |= {"name": f"made-up {number}", "made_up": True, "chapters": chapters}
        text = json.dumps(content, indent=1)
        (place / f"made-up-answers-{number:03d}.json").write_text(text + "\n", encoding="utf-8")
    return place


def _made_up_choice(rng: np.random.Generator, question: Question, ease: float, weights: np.ndarray) -> str:
    if rng.random() < 1 / (1 + np.exp(-ease)):
        return question.right
    return str(rng.choice([name for name in question.options if name != question.right], p=weights))
