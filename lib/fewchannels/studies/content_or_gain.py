"""What a large channel does by itself, and what through the norm.

    found = run(studies.content_or_gain, model, n=24)
    found.minus("change", {"through": "content"}, {"through": "gain"})

Whatever reads the stream reads it through a norm that divides by the size of the whole vector. So an edit of a massive
channel changes that channel, its content, and the size of all others, their gain. Here the same edits are made in the
stream, at the reads, and at the reads as content or as gain alone; beside sets of as much energy, one channel at a
time, norm by norm; and gain alone is held against guidance.

The split is that of total and direct effect with the norm's scale held (Stolfo et al., arXiv 2406.16254, in language
models). Which edits, sets and strengths are choices of ours.
"""

from __future__ import annotations

import numpy as np

from ..instruments.writers import read_blindness, why_not
from ..names import THROUGH
from ..reading.readers import Adoption, Agreement, Change, Distances
from ..reading.second import AdoptionByEye, AgreementByEye
from .condition import Condition, each, one_at_a_time, parts
from .edits import UNTOUCHED
from .groups import Group, NotHere, evaluation, pairs
from .sets import Sets
from .study import Instrument, Study

WAYS, READ = THROUGH, THROUGH[1:]
STRENGTHS = (-1, -0.5, -0.25, 0.1, 0.25, 0.5, 0.75, 1.5, 2)  # 1 is zero, -1 is twice as large, 2 turns the sign
GENTLE = (0.1, 0.25, 0.5)  # of gain as guidance: the top at 0.9, 0.75 and a half
GUIDED = (1.25, 1.5, 2)  # scales of classifier-free guidance
WEIGHTS = (0.1, 0.25, 0.5, 1)  # of Detail Guidance
DRAWS, RANKS = 3, 8


def conditions(sets: Sets, blocks: int, steps: int) -> list[Condition]:
    """Headlines and guidance on all prompts; strengths, controls and places on a part of them."""
    top, few = Condition(channels="top", k=sets.k), Condition(channels="top", k=sets.k, prompts="few")
    moved = top.but(edit="transport", prompts="pairs")
    some = moved.but(prompts="few pairs")
    one = {"channels": ("one of the top",), "k": (1,), "draw": range(RANKS)}
    controls = ("random", "energy-matched", "matched without the first")
    return [
        Condition(UNTOUCHED, k=sets.k),
        *each(top, through=WAYS),
        *each(moved, through=WAYS),
        *each(few, strength=STRENGTHS, through=WAYS),
        *each(few, channels=("top without the first", "PCA"), through=WAYS),
        *each(few.but(k=1), strength=(1, -0.5), through=WAYS),
        *each(few, channels=controls, draw=range(DRAWS), through=WAYS),
        *each(some, edit=("transport level", "transport pattern"), through=WAYS),
        *each(some, channels=("all", "top without the first"), through=WAYS),
        *each(some, channels=("random",), draw=range(DRAWS), through=WAYS),
        *each(few, **one, through=READ),
        *each(some, **one, through=("stream",)),
        *each(few, into=("attention", "mlp", "last"), through=READ),
        *each(few, blocks=one_at_a_time(blocks), through=READ),
        *each(few, steps=parts(steps), through=READ),
        *each(top.but(through="gain"), strength=GENTLE, steps=(None, *parts(steps, 2))),
        *each(Condition(k=sets.k), edit=("guidance",), strength=GUIDED),
        *each(top, edit=("detail guidance",), strength=WEIGHTS),
        *each(Condition(k=sets.k), edit=("more steps",), strength=(2, 4)),
    ]


def reading(model, group: Group, sets: Sets) -> dict[str, np.ndarray]:
    """Of the top k of each block, the largest first: "blindness" [1, L, k], how little the weights read them, and
    "others" [1, L], the same of all other channels, their mean."""
    if reason := why_not(model):
        raise NotHere(reason)
    blind, top = read_blindness(model), sets.of("top")
    chosen = np.stack([row[channels] for row, channels in zip(blind, top, strict=True)])
    others = np.array([row[~mask].mean() for row, mask in zip(blind, top.mask(), strict=True)])
    return {"blindness": chosen[None], "others": others[None]}


content_or_gain = Study(
    "content_or_gain",
    conditions,
    prompts={"all": evaluation(), "few": evaluation(share=3 / 8), "pairs": pairs(), "few pairs": pairs(most=48)},
    readers=(Change(), Agreement(), AgreementByEye(), Distances(), Adoption(), AdoptionByEye()),
    base=Condition(channels="top"),
    instruments=lambda sets: {"reading": Instrument(reading, "few", pictures=0)},
    again=lambda c: c.prompts in ("all", "pairs") and c.edit in (UNTOUCHED, "zero", "transport") and c.strength == 1,
    about="Edits in the stream, at the reads of the norms, and there as content or as gain alone.",
)
