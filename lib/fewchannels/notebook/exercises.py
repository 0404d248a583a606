"""Exercises that check themselves.

    mine = None                       # the reader writes an answer here
    answer(mine, right=3, hint="look at the second row")

Until an answer is given it says so; a wrong one gets the hint, never the solution.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from .cells import say


def answer(given: Any, right: Any, hint: str, within: float = 0.0) -> bool | None:
    """Compare a reader's answer with the right one, say how it went, and return it; None where none was given.

    right: a number (compared to `within`, absolute), a text, a collection (compared as sets), or a function that takes
    the answer and tells. An answer that cannot be compared counts as wrong and gets the hint.
    """
    if given is None:
        say("*No answer yet.* Put yours in place of `None` and run the cell again.")
        return None
    try:
        correct = _agrees(given, right, within)
    except (TypeError, ValueError):
        correct = False
    say("**Right.**" if correct else f"**Not yet.** {hint}")
    return correct


def _agrees(given: Any, right: Any, within: float) -> bool:
    if isinstance(right, Callable):
        return bool(right(given))
    if isinstance(right, str):
        return str(given).strip().lower() == right.lower()
    if isinstance(right, (Collection, np.ndarray)):
        return set(np.asarray(given).ravel().tolist()) == set(np.asarray(right).ravel().tolist())
    return abs(float(given) - float(right)) <= within
