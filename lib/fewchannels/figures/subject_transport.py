"""Figures of the subject transport: its results in the form that a plot takes.

    show(plots.dots(**way_back(found), xlabel="mean square, or deviation"), alt="...")
    show(plots.dots(**other_scenes(found, "elsewhere"), xlabel="share"), alt="...")
    show(plots.dots(**against_pasting(found), xlabel="harmonic mean, less that of pasting"), alt="...")

What a model cannot have has no dot.
"""

from __future__ import annotations

from typing import Any

from ..studies.edits import UNTOUCHED
from ..studies.results import Results
from ..studies.subject_transport import GOALS, METHODS, best_of

ROUNDS = {"one round": "way invert 1", "three rounds": "way invert 3"}  # and the instrument that looked at each


def way_back(found: Results) -> dict:
    """What `plots.dots` takes, of references inverted with one round and with three: the mean squared distance between
    a reference and what is drawn again from its noise, and that noise's standard deviation, 1 for white noise."""
    parts = {"error of the way back": "error", "spread of the noise": "deviation"}
    groups = {name: {way: found.instrument(ROUNDS[way], part) for way in ROUNDS} for name, part in parts.items()}
    return {"groups": groups, "lines": {"white noise": 1.0}}


def other_scenes(found: Results, prompts: str, **fields: Any) -> dict:
    """What `plots.dots` takes, by every reader: both goals on the pairs of a group whose scene differs more
    ("elsewhere", "nothing"), for the top channels, what they are held against, and the rivals, at the settings that
    were chosen on calibration pairs. fields: of all conditions that name no such field themselves, mask="source"."""
    k = best_of(found, "transport").k
    rows = {"new scene": {"edit": UNTOUCHED, "mask": ""}, "random": {"channels": "random"}, "top": {}}
    rows |= {"at its best": {"k": k}, "all channels": {"channels": "all", "k": k}}
    for rival in (best_of(found, method) for method in METHODS[1:]):
        rows[rival.edit] = {"edit": rival.edit, "steps": rival.steps, "mask": rival.mask}
    return found.dots([reading for goal in GOALS for reading in found.readings(goal)], rows, prompts=prompts, **fields)


def against_pasting(found: Results) -> dict:
    """What `plots.dots` takes, by every reader: the harmonic mean of both goals for transport less that for pasting at
    its chosen setting, on the same pairs, as one choice after the other is made differently."""
    best, paste = (best_of(found, method) for method in ("transport", "paste"))
    few, empty = {"prompts": "few"}, {"prompts": "nothing", "mask": "source"}
    choices = {"as above": {}, "all channels": {"channels": "all", "k": found.base.k}}
    choices |= {f"{k} channels": {"k": k, **few} for k in found.options("k", prompts="few") if k >= found.base.k}
    choices |= {f"mask: {mask or 'none'}": {"mask": mask, **few} for mask in ("source", "truth", "")}
    choices |= {"another place and size": {"prompts": "elsewhere"}, "nothing asked for": empty}
    rows: dict[str, dict] = {}
    for label, own in choices.items():
        ours, theirs = vars(best.but(**own)), vars(paste.but(prompts=own.get("prompts", "all")))
        if found.has(**ours) and found.has(**theirs):
            for reader, one in found.by_both("ahead", *GOALS, rows=(ours, theirs)).items():
                rows.setdefault(reader, {})[label] = one
    return {"groups": rows, "lines": {"level with pasting": 0.0}}
