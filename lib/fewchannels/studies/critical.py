"""The disruption probe (paper, section 3.1) with its controls: is the picture lost with the largest channels, and is
it lost for what they are or for how much they hold?

    found = run(studies.critical, model, n=24)
    found.minus("change", {"channels": "top"}, {"channels": "random"})      # above 0: critical per channel

The paper sets the massive channels to zero and compares with as many low-statistic ones. Its k, its blocks and its
scores are not known to us, so k = 8, all blocks and steps, and the readers are choices of ours. What would falsify the
claims stands beside them in `claims.yml`.
"""

from __future__ import annotations

from ..reading.readers import Agreement, Change, Coarse, Features
from ..reading.second import AgreementByEye, Concord
from .condition import Condition, each, one_at_a_time, parts
from .edits import OTHER_NOISE, OTHER_PROMPT, UNTOUCHED
from .groups import evaluation
from .results import Results
from .sets import Sets
from .study import Study

KS = (1, 2, 4, 8, 16, 32)
DRAWS, MATCHES = 14, 7
STRENGTHS = (-1, -0.5, -0.25, 0.25, 0.5, 0.75, 1.5, 2)  # 1 is zero, -1 is twice as large, 2 turns the sign
MATCHED = ("energy-matched", "matched without the first")
ONCE = ("top", "top without the first", "bottom", "complement", "PCA")


def conditions(sets: Sets, blocks: int, steps: int) -> list[Condition]:
    """The headline on all prompts; edits, doses, places and sensitivity on a part of them."""
    top, few = Condition(channels="top", k=sets.k), Condition(channels="top", k=sets.k, prompts="few")
    matched, four = sets.matched_blocks(), ("top", "bottom", "random", "energy-matched")
    where_matched = each(few.but(channels="random", blocks=matched), draw=range(MATCHES))
    return [
        *each(Condition(k=sets.k), edit=(UNTOUCHED, OTHER_NOISE, OTHER_PROMPT)),
        *each(top, channels=ONCE),
        top.but(k=1),
        *each(top, channels=("random", "random directions"), draw=range(DRAWS)),
        *each(top, channels=MATCHED, draw=range(MATCHES)),
        *([top.but(blocks=matched)] if matched else []),
        top.but(edit="resample"),
        *each(top, edit=("resample",), channels=("random",), draw=range(DRAWS)),
        *each(few, edit=("zero", "mean", "own_mean", "shuffle", "resample"), channels=(*four, "top without the first")),
        *each(few, edit=("noise", "shift"), channels=("bottom", "random")),
        *each(few, k=KS, channels=four),
        *each(few, strength=STRENGTHS, channels=("top", "random")),
        *each(few.but(k=1), strength=STRENGTHS),
        *([*each(few.but(blocks=range(blocks - 1)), channels=("top", "random"))] if blocks > 1 else []),
        *each(few, blocks=one_at_a_time(blocks), channels=("top", "random")),
        *each(few, blocks=parts(blocks), steps=parts(steps), channels=("top", "random")),
        *each(few, channels=("top by the other score", "top of each prompt")),
        *(where_matched if matched else []),
        *each(few, stream=("text",), channels=("top", "bottom", "random")),
    ]


critical = Study(
    "critical",
    conditions,
    prompts={"all": evaluation(), "few": evaluation(share=3 / 8)},
    readers=(Change(), Coarse(), Agreement(), AgreementByEye(), Concord(), Features(prompts=("all",))),
    base=Condition(channels="top"),
    about="Channels at zero, and under edits that stay nearer to the distribution, beside their controls.",
)


def matched_blocks(found: Results) -> tuple[int, ...] | None:
    """The blocks in which other channels hold as much energy as the top, as a selection takes them: there the two are
    compared at equal energy. None, which is all blocks, where there is no such block."""
    alike = (c.blocks for c in found.cells if c.but(blocks=None, prompts="all") == found.base and c.prompts == "all")
    return next((blocks for blocks in alike if blocks is not None), None)
