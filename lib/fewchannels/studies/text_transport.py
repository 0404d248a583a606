"""Channels of one prompt's trajectory in another's (paper, transport): what is adopted, what is retained, and what a
critic would blend instead.

    found = run(studies.text_transport, model, n=24)
    found.ratio("taken", {"channels": "top"}, {"channels": "all"})              # sufficient?
    found.ratio("taken", {"channels": "complement"}, {"channels": "all"})       # necessary?
    found.ahead("subject taken", "scene kept", transport, blend)                # both goals in one number

Every method may choose its best setting, on calibration pairs and other noise; the chosen ones are measured on all
pairs. What the paper leaves open (whose mask, all blocks and steps, the same noise) is a choice of ours.
"""

from __future__ import annotations

import numpy as np

from ..channels import Directions
from ..reading.readers import Adoption, Distances
from ..reading.second import AdoptionByEye, Concord
from ..watch.trajectories import Trajectory
from .condition import Condition, each, one_at_a_time, parts, set_name, span
from .critical import DRAWS, MATCHED, MATCHES
from .edits import SOURCE, UNTOUCHED
from .groups import Group, pairs
from .results import Results
from .sets import Sets
from .side_by_side import differences
from .study import Instrument, Study

KS = (1, 2, 4, 16, 32, 64)
STRENGTHS = (-1, -0.5, 0.25, 0.5, 0.75, 1.5, 2)  # 1 replaces, 0 leaves, 2 goes beyond the source
WIDER_KS = (256, 1024)  # of models with at least four times as many channels
WEIGHTS = (0.2, 0.35, 0.5, 0.65, 0.8)
METHODS = ("transport", "blend latents", "blend velocities", "blend prompts")
GOALS = ("subject taken", "scene kept")
SETS = ("top", "top without the first", "bottom", "complement", "PCA", "all")
OF_PAIRS = ("top of the difference", "PCA of the difference")


def reaches(steps: int) -> list[tuple[int, ...]]:
    """The windows among which every method may choose: from the first step on, and up to the last.

    >>> [len(window) for window in reaches(8)]
    [2, 4, 6, 8, 6, 4]
    """
    edges = [steps * i // 4 for i in range(5)]
    windows = [range(b) for b in edges[1:-1] if b] + [range(steps)] + [range(a, steps) for a in edges[1:3] if a]
    return list(dict.fromkeys(map(tuple, windows)))


def rivals(top: Condition, steps: int) -> list[Condition]:
    """Every setting of each method, all but the prompts' under the mask of both subjects; and what the prompt alone
    could ask for, in which nothing is moved."""
    masked = top.but(mask="union")
    return [
        *each(masked, steps=reaches(steps)),
        masked.but(strength=0.5),
        *each(masked.but(channels=""), edit=("blend latents", "blend velocities"), steps=reaches(steps)),
        *each(top.but(channels="", edit="blend prompts"), strength=WEIGHTS),
        top.but(channels="", edit="asked for"),
    ]


def conditions(sets: Sets, blocks: int, steps: int) -> list[Condition]:
    """The headline on all pairs, sweeps on few, and every setting of each method on few and on calibration pairs."""
    top = Condition("transport", "top", sets.k)
    few, tried = top.but(prompts="few"), top.but(prompts="tried")
    depths, times = (None, *parts(blocks, 3)), (None, *parts(steps, 4))
    sizes = [k for k in KS if k <= sets.width] + [k for k in WIDER_KS if 4 * k <= sets.width]
    return [
        *each(top.but(channels=""), edit=(UNTOUCHED, SOURCE)),
        *each(top, channels=(*SETS, *OF_PAIRS)),
        top.but(k=1),
        *each(top, channels=("random", "random directions"), draw=range(DRAWS)),
        *each(top, channels=MATCHED, draw=range(MATCHES)),
        *each(top, channels=("top", "all"), mask=("union",)),
        top.but(source="another pair"),
        *each(few, k=sizes),
        *each(few, channels=("random outside the top",), k=(32, 64)),
        *each(few, strength=STRENGTHS),
        *each(few, blocks=depths, steps=times),
        *([few.but(blocks=range(blocks - 1))] if blocks > 1 else []),
        *each(few, channels=("all",), blocks=one_at_a_time(blocks)),
        *each(few, mask=("source", "target", "union", "judge")),
        *rivals(few, steps),
        *rivals(tried, steps),
    ]


def difference(model, group: Group, sets: Sets, listed=conditions, source: Trajectory | None = None):
    """How much of the difference of source and target, which is all that a transport can move, each set of the study
    holds: shares [P] of its mean square over tokens and steps, mean over blocks, by `set_name`. listed: the study's
    conditions; source: as for `differences`."""
    named = {set_name(c.channels, c.k, c.draw): c for c in listed(sets, 1, 1) if c.channels and c.prompts != "tried"}
    found = {name: sets.find(c.channels, c.k, c.draw, group) for name, c in named.items()}
    made = {name: chosen for name, chosen in found.items() if chosen is not None}
    directions = {name: chosen for name, chosen in made.items() if isinstance(chosen, Directions)}
    apart = differences(model, group, sets.generation, directions=directions, source=source)
    squares = apart["channels"].astype(np.float64)  # [P, L, D]

    def held(name: str) -> np.ndarray:
        if name in directions:
            return apart[name]
        chosen = made[name] if isinstance(made[name], list) else [made[name]]
        return (squares * np.stack([one.mask() for one in chosen])).sum(axis=-1)

    return {name: (held(name) / squares.sum(axis=-1)).mean(axis=-1).astype(np.float32) for name in made}


def best_of(found: Results, method: str) -> Condition:
    """The setting that a method chose on calibration pairs, for all pairs. Raises KeyError where it has none."""
    mask = {"mask": "union"} if method != "blend prompts" else {}
    return found.best(*GOALS, edit=method, prompts="tried", **mask).but(prompts="all")


def choose(found: Results) -> list[Condition]:
    """Each method at its best, on all pairs; and the prompt that asks for both."""
    able = [method for method in METHODS if any(c.edit == method for c in found.cells)]  # not every prompt can be mixed
    return [*(best_of(found, method) for method in able), found.base.but(edit="asked for", channels="")]


def settings(found: Results) -> dict[str, dict]:
    """For each method the fields of the setting that it chose; where this model cannot have a method, of none."""
    able = {c.edit: vars(c) for c in choose(found)}
    return {method: able.get(method, {"edit": method}) for method in METHODS}


def window_name(steps: tuple[int, ...] | None) -> str:
    """A window of steps in words, counted from 1, where the picture is noise.

    >>> window_name((0, 1)), window_name((2,)), window_name(None)
    ('steps 1 to 2', 'step 3', 'all steps')
    """
    return "all steps" if steps is None else f"step{'s' * (len(steps) > 1)} {span([step + 1 for step in steps])}"


text_transport = Study(
    "text_transport",
    conditions,
    prompts={"all": pairs(), "few": pairs(20), "tried": pairs(16, "calibration", noise=1)},
    readers=(Distances(), Adoption(), AdoptionByEye(), Concord()),
    base=Condition("transport", "top"),
    choose=(choose,),
    instruments=lambda sets: {"difference": Instrument(difference)},
    again=lambda c: c.prompts == "all" and not c.source,  # which pair is another hangs on how many there are
    about="Channels of one prompt's run in another's, beside their controls and what blends instead.",
)
