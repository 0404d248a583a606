"""Runs of the studies that come with the book, in `results/`: where one fits a model, and whether a fresh slice agrees.

kept = shipped(critical, model, steps=8, k=8)            # Results, or None where the file is another model's
disagreeing(run(critical, model, n=24), kept)             # [], or the names of what parts
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..disk import beside_the_code
from ..metrics import known_mean, mean_interval
from .edits import OTHER_PROMPT
from .results import Results

SAME = ("model", "revision", "seed", "steps")
MEASURES = ("change", "to_source")  # that a slice is held against
OF_ALL_PROMPTS = ("other", "same_noise", "neither", "gate_by")  # parts of instruments that hang on how many there are


def from_book(name: str) -> Results:
    """The committed run of a study by name, of whatever model it is. Raises FileNotFoundError where there is none."""
    return Results.read(beside_the_code(f"results/{name}.safetensors", f"results/{name}.safetensors"))


def shipped(study, model, *, seed: int = 0, steps: int, k: int) -> Results | None:
    """The committed run of a study, where it is of this model and revision, of this noise, steps and k; else None."""
    try:
        found = from_book(study.name)
    except FileNotFoundError:
        return None
    asked = {**model.provenance(), "seed": seed, "steps": steps}
    same = all(found.provenance[part] == asked[part] for part in SAME)
    return found if same and found.base.k == k else None


def disagreeing(fresh: Results, kept: Results) -> list[str]:
    """The names of what was computed again and does not agree: conditions, and parts of instruments."""
    return [name for name, ours, theirs in _common(fresh, kept) if not agrees(ours, theirs)]


def _common(fresh: Results, kept: Results) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    for c, cell in fresh.cells.items():
        if c.edit == OTHER_PROMPT or c.source == "another pair":
            continue  # whose prompt the other one is hangs on how many there are
        for measure in MEASURES:
            if measure in cell and measure in kept.cells.get(c, {}):
                yield c.name, cell[measure], kept.cells[c][measure]
    for name, own in fresh.instruments.items():
        for part, array in own.items():
            other = kept.instruments.get(name, {}).get(part)
            if other is None or array.shape[1:] != other.shape[1:] or len(array) > len(other):
                continue
            if any(word in part for word in OF_ALL_PROMPTS):
                continue
            yield f"{name}, {part}", *(known_mean(a.reshape(len(a), -1), axis=1) for a in (array, other))


def agrees(fresh: np.ndarray, kept: np.ndarray) -> bool:
    """Does a slice that was computed again agree with a study? fresh [m], kept [n]: the first m prompts.

    True where the mean over the m prompts differs by no more than half the width of the study's 95 % interval over
    all n: another processor may round otherwise, but must not tell another story.
    """
    apart = abs(known_mean(fresh) - known_mean(kept[: len(fresh)]))
    interval = mean_interval(kept)
    return bool(np.isnan(apart) or apart <= max((interval.high - interval.low) / 2, 1e-4))
