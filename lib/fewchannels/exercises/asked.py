"""What an exercise is: a question that its variant words, an answer that is read, the right one, and the mistakes that
are recognised by computing what each of them would give.

    class Coin(Number):
        name = "ch3.coin"                                  # its hints, mistakes and solution: words/spatial.md

        def right(self):
            return self.subject * self.coin / (self.subject + self.coin - self.subject * self.coin)

        def wrongs(self):
            return {"not over the union": lambda: self.subject * self.coin}

Nothing is computed before an answer is given. A new exercise is a class in its chapter's module, a name in the tuple at
that module's end, and its words; tests/exercises asks for a test of each of its mistakes.
"""

from __future__ import annotations

import functools
import traceback
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import plots
from ..notebook.cells import say, show
from ..reading.worlds import texts, world_of
from .words import Words, all_words


class Unread(Exception):
    """An answer that cannot be compared; the message says why. mistake: the name of the one that it is, if it is.
    obtained: what can be drawn of it all the same."""

    def __init__(self, why: str = "", mistake: str = "", obtained: Any = None):
        super().__init__(why)
        self.mistake, self.obtained = mistake, obtained


class Exercise:
    """An exercise with its variant, which chooses prompts, blocks, counts and the like by `self.rng`.

    name: chapter and exercise. recognised: the names of the mistakes that the last answer was. Raises TypeError and
    ValueError for a variant that is no whole number from 0 on.
    """

    name = ""

    def __init__(self, variant: int = 0):
        if isinstance(variant, bool) or not isinstance(variant, (int, np.integer)):
            raise TypeError(f"variant={variant!r}: expected a whole number, such as a learner's number in class")
        if variant < 0:
            raise ValueError(f"variant={variant}: expected 0 or more")
        self.variant = int(variant)
        self.rng = np.random.default_rng([self.variant, zlib.crc32(self.name.encode())])
        self.recognised: list[str] = []
        self._wrong: dict[str, Any] = {}

    @classmethod
    def wording(cls) -> Words:
        """Its hints, mistakes and solution; the solution's fenced Python sets `mine`, from `task` and what the chapter
        has."""
        return all_words()[cls.name]

    # What a kind of exercise says of itself

    def question(self) -> str:
        """What this variant asks, as Markdown."""
        raise NotImplementedError

    def why_not(self) -> str:
        """Why it cannot be asked of this model; empty where it can."""
        return ""

    def right(self) -> Any:
        """What is expected. Called once, after an answer was given."""
        raise NotImplementedError

    def wrongs(self) -> dict[str, Callable[[], Any]]:
        """What mistakes give, by their names in the words; None where one cannot be made on this model. Those that are
        seen while the answer is read are not among them."""
        return {}

    def read(self, given: Any) -> Any:
        """What is compared, from what was given. Raises Unread for what cannot be."""
        return given

    def agrees(self, obtained: Any, expected: Any) -> bool:
        raise NotImplementedError

    def unlike(self, obtained: Any) -> str:
        """What can be said of an answer that is none of the mistakes known."""
        return "It is none of the mistakes that are known here."

    def draw(self, obtained: Any) -> tuple[Any, str] | None:
        """Expected beside obtained: a figure and its alternative text."""
        return None

    # What all of them do

    @functools.cached_property
    def expected(self) -> Any:
        return self.right()

    def wrong(self, mistake: str) -> Any:
        """What a mistake gives in this variant; None where it gives what is right, or cannot be made here."""
        if mistake not in self._wrong:
            made = self.wrongs()[mistake]()
            self._wrong[mistake] = None if made is None or self.agrees(made, self.expected) else made
        return self._wrong[mistake]

    def answer(self, given: Any) -> bool | None:
        """Say how it went with an answer, and why; return whether it is right, None where none was given."""
        self.recognised = []
        if reason := self.why_not():
            say(f"*Not on this model*: {reason}")
            return None
        if given is None:
            say("*No answer yet.* Put yours in place of `None` and run the cell again.")
            return None
        _attempts[self.name] = _attempts.get(self.name, 0) + 1
        try:
            obtained = self.read(given)
        except Unread as reason:
            self.recognised = [reason.mistake] if reason.mistake else []
            why = self.wording().mistakes[reason.mistake] if reason.mistake else ""
            self._not_yet(f"{why} {reason}".strip())
            return self._show_both(reason.obtained)
        if self.agrees(obtained, self.expected):
            say(f"**Right.** {self.wording().right}".strip())
            return True
        self.recognised = [
            name for name in self.wrongs() if (made := self.wrong(name)) is not None and self.agrees(obtained, made)
        ]
        why = " *Or*: ".join(self.wording().mistakes[name] for name in self.recognised)
        self._not_yet(why or self.unlike(obtained))
        return self._show_both(obtained)

    def _not_yet(self, why: str) -> None:
        say(f"**Not yet.** {why}\n\n{_helped(self.name, self.wording().hints)}")

    def _show_both(self, obtained: Any) -> bool:
        """Show expected beside obtained, where there is something to draw."""
        if obtained is not None and (drawn := self.draw(obtained)):
            figure, alt = drawn
            show(figure, alt=alt, caption="What was expected, and yours.")
        return False


_attempts: dict[str, int] = {}
_hinted: dict[str, int] = {}


def next_hint(name: str, hints: Sequence[str]) -> None:
    """Say the next hint of an exercise; the last one again where there is none after it."""
    if not hints:
        say(f'There are no hints to this one. `solution("{name}")` shows what others saw.')
        return
    given = min(_hinted.get(name, 0), len(hints) - 1)
    _hinted[name] = _hinted.get(name, 0) + 1
    last = given == len(hints) - 1
    more = f'It is the last. `solution("{name}")` shows a solution.' if last else "Ask again for the next."
    say(f"**Hint {given + 1} of {len(hints)}.** {hints[given]} *{more}*")


def show_solution(name: str, words: Words, checked: bool) -> None:
    """Say the solution of an exercise, once an answer was tried or all hints were read; of one that nothing checks, at
    once."""
    tried = _attempts.get(name, 0) > 0 or _hinted.get(name, 0) >= len(words.hints)
    if checked and not tried:
        say(
            f"Try first: the solution is here once you have given an answer, right or wrong, or read all "
            f'{len(words.hints)} hints. `hint("{name}")` gives the next.'
        )
        return
    say(words.solution)


def forget() -> None:
    """Forget attempts and hints, as if the kernel were new."""
    _attempts.clear()
    _hinted.clear()


def _helped(name: str, hints: Sequence[str]) -> str:
    read = _hinted.get(name, 0)
    if read < len(hints):
        which = "the first hint" if not read else "the next hint"
        return f'*`hint("{name}")` gives {which}; `solution("{name}")` a solution.*'
    return f'*`solution("{name}")` shows a solution.*'


# Kinds of exercises


class Number(Exercise):
    """The answer is a number. within: how far it may be off, as a share of what is expected, or absolute where that is
    zero."""

    within = 0.02

    def read(self, given):
        try:
            value = float(given)
        except (TypeError, ValueError):
            raise Unread(f"The answer is a number; yours is {_short(given)}.") from None
        if not np.isfinite(value):
            raise Unread(f"The answer is a number; yours is {value}.")
        return value

    def agrees(self, obtained, expected):
        return abs(obtained - expected) <= self.within * (abs(expected) or 1)

    def unlike(self, obtained):
        return f"It is too {'large' if obtained > self.expected else 'small'}."

    def draw(self, obtained):
        side = "right" if obtained > self.expected else "left"
        return plots.number_line(self.expected, obtained), f"Your number lies to the {side} of the expected one."


class Choice(Exercise):
    """The answer is one of several names or numbers. values(): what each has of what is asked for; best: "most" or
    "least". The bars are drawn beside a wrong one. label: what the bars are."""

    label = ""
    best = "most"

    def values(self) -> Mapping[Any, float]:
        raise NotImplementedError

    @functools.cached_property
    def known(self) -> dict[Any, float]:
        """The values without those that are not known on this model."""
        return {name: float(value) for name, value in self.values().items() if np.isfinite(value)}

    def right(self):
        return extreme(self.known, self.best)

    def read(self, given):
        options = list(self.known)
        for option in options:
            same = (
                given.strip().lower() == option.lower() if isinstance(given, str) and isinstance(option, str) else None
            )
            if same or (same is None and np.ndim(given) == 0 and type(given) is not bool and given == option):
                return option
        numbers = all(isinstance(option, int) for option in options)
        if numbers and isinstance(given, (int, np.integer)) and not isinstance(given, bool):
            return int(given)  # such as one that was counted from 1
        listed = ", ".join(map(str, options[:12])) + (", ..." if len(options) > 12 else "")
        raise Unread(f"The answer is one of {listed}; yours is {_short(given)}.")

    def agrees(self, obtained, expected):
        level = self.known.get(expected)
        return obtained == expected or (level is not None and self.known.get(obtained) == level)

    def unlike(self, obtained):
        how = "more" if self.best == "most" else "less"
        if obtained not in self.known:
            return f"There is no {obtained} among them."
        return f"Another one has {how} of it. The bars are in the figure."

    def draw(self, obtained):
        shown = self.known
        if len(shown) > 16:
            first = sorted(shown, key=shown.get, reverse=self.best == "most")[:15]
            shown = {name: shown[name] for name in dict.fromkeys([*first, obtained]) if name in shown}
        alt = f"Bars of {len(shown)} choices; yours is not the one with the {self.best}."
        return plots.chosen(shown, obtained, self.expected, self.label), alt


def extreme(values: Mapping[Any, float], best: str = "most") -> Any:
    """The name with the most, or the least; the first of equals."""
    return (max if best == "most" else min)(values, key=values.get)


class Built(Exercise):
    """The answer is a function that the learner wrote. use(function): what comes of it; Unread where that is nothing to
    compare. signature: how it is called, for messages. needed: its number of arguments."""

    signature = ""

    def read(self, given):
        if not callable(given):
            raise Unread(f"Give the function itself, `{self.signature}`, without calling it; yours is {_short(given)}.")
        try:
            return self.use(given)
        except Unread:
            raise
        except Exception as error:
            raise Unread(
                f"Your function stopped: `{type(error).__name__}: {error}`{_line_of(error, given)}."
            ) from error

    def use(self, function: Callable) -> Any:
        raise NotImplementedError


def _line_of(error: BaseException, function: Callable) -> str:
    """The last line of the learner's own code that an error went through."""
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f", at `{own[-1].line}`" if own and own[-1].line else ""


def filled(given: Mapping[str, Any], rows: Sequence, columns: Sequence, xlabel: str, ylabel: str, names: Sequence[str]):
    """Grids that are filled where there is something: {title: pairs (row, column)}. names: of the rows."""
    grids = {
        title: np.array([[1.0 if (row, column) in pairs else np.nan for column in columns] for row in rows])
        for title, pairs in given.items()
    }
    columns = [str(column) for column in columns]
    return plots.panels_of_numbers(grids, rows=names, columns=columns, xlabel=xlabel, ylabel=ylabel)


def as_array(given: Any, what: str) -> np.ndarray:
    """A tensor or array as float64. Raises Unread for what is none, such as a list of tensors."""
    if isinstance(given, (list, tuple)) and len(given) == 1:
        given = given[0]
    if given is None:
        raise Unread(f"Your function returned nothing: expected {what}.")
    if hasattr(given, "detach"):
        given = given.detach().float().cpu().numpy()
    try:
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise Unread(f"Your function returned {_short(given)}: expected {what}.") from None


def prompts_of(dit, count: int, rng: np.random.Generator, among: int = 32, **fixed: Any) -> list[str]:
    """Some of the first prompts of a model's world, by the variant."""
    world = world_of(dit)
    listed = texts(world, world.prompts(among, **fixed))
    return [listed[i] for i in rng.choice(len(listed), min(count, len(listed)), replace=False)]


def quoted(prompts: Sequence[str]) -> str:
    """Prompts as a Markdown list."""
    return "\n".join(f"- {prompt}" for prompt in prompts)


def _short(given: Any) -> str:
    text = repr(given)
    return f"`{text[:60]}{'...' if len(text) > 60 else ''}`, a {type(given).__name__}"
