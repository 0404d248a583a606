"""Chapter 6: two places in which the toy contradicts Detail Guidance, and the likely reason of each put to the test.

    cells = sweep(one_background(model, {"top": massive}) | parts_in_blocks(case, massive))
    step_minus_prompt(cells["levels, background 1"]["level"])      # still below 0? then it is not the background
    cells["no level in block 3"]["agree"]                          # [P, A], beside "no pattern in block 3"

A toy prompt names the background, which covers most tokens, and a level is a mean over tokens. So the background alone
could tie levels to prompts: prompts that share one must then lose the tie. And where a block without these channels
costs much of the prompt, it may be for their level or for their pattern.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from ..ablation import ablate
from ..channels import ChannelSet
from ..prompts import toyworld_attributes
from ..toyworld.prompts import format_prompt
from .cases import STEPS, Case
from .levels import States
from .parts import no_level

BACKGROUNDS = 3
SCENES = 16
PARTS = {"no level": no_level, "no pattern": "own_mean"}


def one_background(
    model, sets: Mapping[str, ChannelSet], backgrounds: int = BACKGROUNDS, n: int = SCENES, seed: int = 0,
    steps: int = STEPS,
) -> dict[str, Callable[[], dict[str, np.ndarray]]]:  # fmt: skip
    """Conditions "levels, background 1", ...: "level" [n, 2, L, T, k] of the set "top" as from `levels.States`, for n
    toy-world prompts that differ in their subject and share their background; the first evaluation prompts lend
    theirs."""
    subjects = toyworld_attributes(n, "evaluation", subjects=1)

    def one(number):
        lent = subjects[number]
        prompts = [
            format_prompt(replace(a, texture=lent.texture, background=lent.background, second=lent.second))
            for a in subjects
        ]
        case = Case(model, prompts, lambda images: {}, seed, steps)
        return lambda: {"level": States(case, {"top": sets["top"]}).cell("top")["level"]}

    return {f"levels, background {number + 1}": one(number) for number in range(backgrounds)}


def parts_in_blocks(case: Case, chosen: ChannelSet) -> dict[str, Callable[[], dict[str, np.ndarray]]]:
    """Conditions "no level in block 0", "no pattern in block 0", ...: one part of the set taken away in one block."""
    return {
        f"{name} in block {layer}": case.condition(ablate, chosen, how, layers=layer)
        for layer in range(len(case.model.layers))
        for name, how in PARTS.items()
    }
