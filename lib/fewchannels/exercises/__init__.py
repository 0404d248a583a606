"""Exercises that check themselves, say why an answer is wrong, and keep their solutions out of sight.

    from fewchannels.exercises import exercise, hint, solution

    task = exercise("ch1.score", dit, variant=17)      # says what this variant asks
    task.answer(mine)                                  # right, or which mistake it is; expected beside obtained
    hint("ch1.score")                                  # the first hint, then the next
    solution("ch1.score")                              # once an answer was tried

asked.py says what an exercise is and has its kinds; designs.py those in which the learner designs an experiment; a
module for each chapter has its exercises, their mistakes and solutions; listed.py finds them by name.
"""

import importlib

__all__ = ["exercise", "hint", "solution"]


def __getattr__(name):
    if name in __all__:
        return getattr(importlib.import_module(f"{__name__}.listed"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
