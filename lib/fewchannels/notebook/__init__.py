"""What a notebook says to its reader (cells.py), what it opens and runs (chapters.py), the registered claims
(claims.py). For a class: the questions before and after (questions.py), and its answers added up (class_answers.py).

    from fewchannels.notebook import check, open_chapter, run_study, show
"""

import importlib

_HOME = {
    "cells": ("CheckFailed", "check", "harvest", "in_book", "keep", "say", "show", "start", "verdict"),
    "claims": ("Claim", "Outcome", "UnregisteredClaim", "claims_file", "read_claims", "register"),
    "chapters": ("open_chapter", "picture_judge", "prompts_for", "run_study"),
    "questions": ("read_questions",),
    "class_answers": ("read_answers", "write_made_up_answers"),
}
__all__ = sorted(name for names in _HOME.values() for name in names)


def __getattr__(name):
    for module, names in _HOME.items():  # at first use: the book's builder reads notebooks without torch
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
