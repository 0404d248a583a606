"""All exercises by name, and what a chapter asks of them."""

from __future__ import annotations

import inspect
from typing import Any

from ..notebook.cells import say
from . import (
    birth,
    bring_your_own_model,
    content_or_gain,
    critical,
    fool_yourself,
    ingredients,
    level_pattern,
    massive_channels,
    spatial,
    start_here,
    subject_transport,
    text_transport,
    your_model,
)
from .asked import Exercise, next_hint, show_solution
from .words import Words, all_words

CHAPTERS = (
    start_here,
    massive_channels,
    critical,
    spatial,
    text_transport,
    subject_transport,
    level_pattern,
    fool_yourself,
    your_model,
    content_or_gain,
    birth,
    ingredients,
    bring_your_own_model,
)
CHECKED: dict[str, type[Exercise]] = {one.name: one for chapter in CHAPTERS for one in chapter.CHECKED}
OPEN = tuple(name for name in all_words() if name not in CHECKED and "." in name)  # look, and nothing checks it


def exercise(name: str, *run: Any, variant: int = 0) -> Exercise:
    """Ask an exercise: say what its variant asks, and return it, for `task.answer(mine)`.

    name: chapter and exercise, such as "ch1.score". run: what of this run it hangs on, such as the model. variant: 0,
    or a learner's own number: other prompts, blocks, counts. Computes nothing yet. Raises LookupError for an exercise
    that is not there, TypeError where the run does not fit it.
    """
    if name in OPEN:
        raise LookupError(f'{name!r} asks you to look, and nothing checks it: see solution("{name}") when you have')
    one = CHECKED[_known(name)]
    wanted = [p for p in inspect.signature(one.__init__).parameters if p not in ("self", "variant")]
    if len(wanted) != len(run):
        asked = ", ".join(wanted) or "nothing"
        raise TypeError(f"the exercise {name!r} takes of the run: {asked}; got {len(run)} values")
    task = one(*run, variant=variant)
    reason = task.why_not()
    label = f", variant {variant}" if variant else ""
    say(f"*Not on this model*: {reason}" if reason else f"**{name}{label}.** {task.question()}")
    return task


def hint(name: str) -> None:
    """The first hint of an exercise, and at each further call the next. Raises LookupError for an unknown one."""
    next_hint(_known(name), _words(name).hints)


def solution(name: str) -> None:
    """The solution of an exercise, once an answer was tried or its hints were read; of one that nothing checks, what
    others saw. Raises LookupError for an unknown one."""
    show_solution(_known(name), _words(name), name in CHECKED)


def _words(name: str) -> Words:
    return CHECKED[name].wording() if name in CHECKED else all_words()[name]


def _known(name: str) -> str:
    if name not in CHECKED and name not in OPEN:
        raise LookupError(f"there is no exercise {name!r}; there are {', '.join((*CHECKED, *OPEN))}")
    return name
