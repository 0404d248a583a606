"""Exercises that check themselves.

    mine = None                            # the reader writes an answer here
    answer("ch2.dearest", mine, by_depth)  # the exercise, the answer, and what of the run decides it

Until an answer is given it says so; a wrong one gets the hint, never the solution. The right ones are in answers.py.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from .answers import exercise, right_answer
from .cells import say


def answer(name: str, given: Any, *run: Any) -> bool | None:
    """Compare a reader's answer to an exercise with the right one, say how it went, and return it; None where none was
    given, for which nothing is computed.

    name: the chapter and the exercise, such as "ch3.coin". run: what of this run the right answer hangs on, if any. A
    number is compared within the exercise's tolerance, a text without regard to case, a collection as a set. An answer
    that cannot be compared counts as wrong and gets the hint. Raises LookupError for an exercise that is not there,
    TypeError where the run does not fit it.
    """
    one = exercise(name, *run)
    if given is None:
        say("*No answer yet.* Put yours in place of `None` and run the cell again.")
        return None
    right = right_answer(name, *run)
    try:
        correct = _agrees(given, right, one.within)
    except (TypeError, ValueError, AttributeError):
        correct = False
    say("**Right.**" if correct else f"**Not yet.** {one.hint}")
    return correct


def _agrees(given: Any, right: Any, within: float) -> bool:
    if isinstance(right, Callable):
        return bool(right(given))
    if isinstance(right, str):
        return str(given).strip().lower() == right.lower()
    if isinstance(right, (Collection, np.ndarray)):
        return set(np.asarray(given).ravel().tolist()) == set(np.asarray(right).ravel().tolist())
    return abs(float(given) - float(right)) <= within
