"""What transport between prompts is held against: blended prompts, pasted latents, blended velocities, by setting.

    methods = rivals(case, massive)                          # {"transport": {"first 2": function, ...}, ...}
    tried = sweep(flat(rivals(trial, massive)))              # calibration pairs
    {method: choose(tried, method) for method in methods_of(tried)}

Every method has settings, and each may choose its best one on calibration pairs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

from ..channels import ChannelSet
from .blending import CannotMix, Steps, blend_latents, blend_velocities, interpolate_prompts, record_steps
from .pairs import PairCase

WEIGHTS = (0.2, 0.35, 0.5, 0.65, 0.8)
METHODS = ("transport", "prompts", "latents", "velocities")
Conditions: TypeAlias = dict[str, Callable[[], dict[str, np.ndarray]]]


def reaches(steps: int) -> dict[str, slice]:
    """The windows among which every method may choose: from the first step on, and up to the last."""
    edges = [steps * i // 4 for i in range(5)]
    firsts = {f"first {b}": slice(0, b) for b in dict.fromkeys(edges[1:-1]) if b}
    lasts = {f"last {steps - a}": slice(a, steps) for a in dict.fromkeys(edges[1:3]) if a}
    return {**firsts, f"all {steps}": slice(0, steps), **lasts}


def mixable(case: PairCase) -> bool:
    """Whether the pipeline encodes two prompts so that they can be interpolated: tried on the first pair."""
    pair = {case.prompts[0]: case.sources[0]}
    try:
        with interpolate_prompts(case.model, pair, 0.5):
            case.model.generate([case.prompts[0]], seed=case.seed, steps=case.steps, **case.generation)
    except CannotMix:
        return False
    return True


def rivals(case: PairCase, massive: ChannelSet, mixed: bool = True) -> dict[str, Conditions]:
    """Every setting of each method, all but the prompts' under the mask of both subjects, as {method:
    {setting: function}}. Nothing runs before the first condition is computed.

    "transport" (of `massive`), "latents" and "velocities" over the same windows; "prompts", their encodings
    interpolated, where `mixed`. Also "asked for": the target's scene with the source's subject in the prompt itself, in
    which nothing is moved, as a ceiling; where the reader knows its pairs' subjects and scenes.
    """
    time = reaches(case.steps)

    @functools.cache
    def recorded() -> Steps:
        with record_steps(case.model) as steps:
            case.draw(prompts=case.sources)
        return steps

    def blended(blend, steps):
        return lambda: case.condition(blend, recorded(), case.masks["union"], steps=steps)()

    methods: dict[str, Conditions] = {
        "transport": {name: case.transport(massive, mask="union", steps=steps) for name, steps in time.items()},
        "latents": {name: blended(blend_latents, steps) for name, steps in time.items()},
        "velocities": {name: blended(blend_velocities, steps) for name, steps in time.items()},
    }
    if mixed:
        pairs = dict(zip(case.prompts, case.sources, strict=True))
        methods["prompts"] = {
            f"weight {weight}": case.condition(interpolate_prompts, pairs, weight) for weight in WEIGHTS
        }
    methods["transport"]["strength 0.5"] = case.transport(massive, mask="union", strength=0.5)
    if hasattr(case.read, "exchanged"):
        methods["asked for"] = {"prompt": lambda: case.measure(case.draw(prompts=case.read.exchanged))}
    return methods


def flat(methods: Mapping[str, Conditions]) -> Conditions:
    """{method: {setting: function}} to {"method, setting": function}, for `sweep`."""
    return {f"{method}, {name}": compute for method, row in methods.items() for name, compute in row.items()}


def methods_of(tried: Mapping[str, object]) -> list[str]:
    """Those of `METHODS` that have settings among the conditions."""
    return [method for method in METHODS if any(name.startswith(f"{method}, ") for name in tried)]
