"""Chapter 4: channels of one prompt's trajectory in another's. Adoption, retention, controls, and what blends instead.

    case = pair_case(model, prompt_pairs(64), masks_on=calibration.top(8))
    sets = transport_sets(case, calibration, trial)              # trial: a PairCase of calibration pairs
    cells = sweep(headline(case, sets))
    ratio(adoption(cells["top"]), adoption(cells["all"]))               # sufficient? `outcomes` has these numbers
    ratio(adoption(cells["complement"]), adoption(cells["all"]))        # necessary?

All conditions of a case take from one recording of its sources. Settings for "the best that a method can do" are
chosen on calibration pairs (`choose`) and measured on evaluation pairs.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping

import numpy as np

from ..channels import ChannelSet, pca_directions, random_channels, rank_channels
from ..judges import ToyJudge
from ..masks import to_grid
from ..metrics import shuffled
from ..patching import inject
from ..sweep import sweep
from ..toyworld.prompts import format_prompt
from .blending import Steps, blend_latents, blend_velocities, interpolate_prompts, record_steps
from .cases import STEPS, Calibration, calibrate, control_sets
from .outcomes import choose
from .pairs import PAIR_ATTRIBUTES, PairCase, PairReader, pair_case, prompt_pairs

K = 8
KS = (1, 2, 4, 16, 32, 64)
RANDOM_KS = (32, 64)
STRENGTHS = (0.25, 0.5, 0.75)
WEIGHTS = (0.2, 0.35, 0.5, 0.65, 0.8)
TRIAL, SWEPT = 16, 20  # calibration pairs, and pairs of the sweeps
METHODS = ("transport", "prompts", "latents", "velocities")
Conditions = dict[str, Callable[[], dict[str, np.ndarray]]]


def windows(steps: int) -> dict[str, slice]:
    """Quarters of the steps by name, such as "steps 1-2" of 8: counted from 1, where the picture is noise."""
    edges = [steps * i // 4 for i in range(5)]
    return {f"steps {a + 1}-{b}": slice(a, b) for a, b in itertools.pairwise(edges) if a < b}


def zones(blocks: int) -> dict[str, list[int]]:
    """Thirds of the blocks by name, such as "blocks 0-1" of 6."""
    edges = [blocks * i // 3 for i in range(4)]
    return {f"blocks {a}-{b - 1}": list(range(a, b)) for a, b in itertools.pairwise(edges) if a < b}


def reaches(steps: int) -> dict[str, slice]:
    """The windows among which every method may choose: from the first step on, and up to the last."""
    edges = [steps * i // 4 for i in range(5)]
    firsts = {f"first {b}": slice(0, b) for b in dict.fromkeys(edges[1:-1]) if b}
    lasts = {f"last {steps - a}": slice(a, steps) for a in dict.fromkeys(edges[1:3]) if a}
    return {**firsts, f"all {steps}": slice(0, steps), **lasts}


def transport_sets(case: PairCase, calibration: Calibration, trial: PairCase | None = None, k: int = K) -> dict:
    """`control_sets`, and those that only a transport has: "all" channels, "top of the difference" (a set for each
    pair: the k channels in which its source and target differ most), and with calibration pairs "PCA of the
    difference", frozen on them."""
    sets = control_sets(calibration, k)
    width, blocks = calibration.width, len(sets["top"])
    sets["all"] = ChannelSet.same(np.arange(width), blocks, width, "all channels")
    ranked = rank_channels(case.differences.mean(axis=2), k)  # [P, L, k]
    sets["top of the difference"] = [ChannelSet(tuple(row), width, f"top {k} of the difference") for row in ranked]
    if trial is not None:
        sets["PCA of the difference"] = pca_directions(trial.difference_moments, k)
    return sets


def headline(case: PairCase, sets: Mapping[str, object]) -> Conditions:
    """Every set over all tokens, blocks and steps; "top, in mask" and "all, in mask", over both subjects; "source" and
    "untouched", the two pictures themselves, for ceilings and floors; and "wrong source", the top set of another pair's
    source, for the chance level."""
    conditions: Conditions = {
        "source": lambda: case.measure(case.source.images),
        "untouched": lambda: case.measure(case.untouched),
    }
    conditions |= {name: case.condition(inject, case.source, chosen) for name, chosen in sets.items()}
    for name in ("top", "all"):
        conditions[f"{name}, in mask"] = case.condition(inject, case.source, sets[name], mask=case.masks["union"])
    if len(case.prompts) > 1:
        other = shuffled(len(case.prompts)).tolist()
        conditions["wrong source"] = case.condition(inject, case.source, sets["top"], sources=other)
    return conditions


def doses(case: PairCase, calibration: Calibration, sets: Mapping[str, object]) -> Conditions:
    """Sweeps over k and strength, for all tokens, blocks and steps."""
    width = calibration.width
    conditions = {f"top, k {k}": case.condition(inject, case.source, calibration.top(k)) for k in KS if k <= width}
    for name, drawn in random_sets(calibration, sets["top"]).items():
        conditions[name] = case.condition(inject, case.source, drawn)
    for strength in STRENGTHS:
        conditions[f"top, strength {strength}"] = case.condition(inject, case.source, sets["top"], strength=strength)
    return conditions


def random_sets(calibration: Calibration, top: ChannelSet) -> dict[str, ChannelSet]:
    """Larger sets outside the top, which hold more of the difference."""
    sizes = [k for k in RANDOM_KS if k <= calibration.width - max(top.sizes)]
    return {f"random, k {k}": random_channels(calibration.stats, k, outside=top)[0] for k in sizes}


def places(case: PairCase, sets: Mapping[str, object]) -> Conditions:
    """Depth zone by step window for the top set, and all channels in one block, all steps."""
    blocks = len(case.model.layers)
    by_time = {"all steps": None, **windows(case.steps)}
    by_depth = {"all blocks": None, **zones(blocks)}
    conditions: Conditions = {}
    for depth, layers in by_depth.items():
        for time, steps in by_time.items():
            name = f"top, {depth}, {time}"
            conditions[name] = case.condition(inject, case.source, sets["top"], layers=layers, steps=steps)
    conditions["top, all but the last block"] = case.condition(
        inject, case.source, sets["top"], layers=list(range(blocks - 1))
    )
    for block in range(blocks):
        conditions[f"all, block {block}"] = case.condition(inject, case.source, sets["all"], layers=block)
    return conditions


def owners(case: PairCase, sets: Mapping[str, object]) -> Conditions:
    """Whose tokens are moved: the masks of source, target and both (K-means on the top set); on the toy world also the
    judge's masks of the two pictures, as a mask that owes nothing to the channels."""
    masks = dict(case.masks)
    judge = getattr(case.read, "judge", None)
    if isinstance(judge, ToyJudge):
        both = judge.masks(case.source.images) | judge.masks(case.untouched)
        masks["the judge's"] = to_grid(both, case.source.grid, 0.25)
    return {f"top, {name}": case.condition(inject, case.source, sets["top"], mask=m) for name, m in masks.items()}


def rivals(case: PairCase, massive: ChannelSet, recorded: Steps | None = None) -> dict[str, Conditions]:
    """Every setting of each method, all but the prompts' under the mask of both subjects, as {method:
    {setting: function}}.

    "transport" (of `massive`), "latents" and "velocities" over the same windows; "prompts", their encodings
    interpolated. With toy pairs also "asked for": the target's scene with the source's subject in the prompt itself, in
    which nothing is moved, as a ceiling.
    """
    if recorded is None:
        with record_steps(case.model) as recorded:
            case.draw(prompts=case.sources)
    union = case.masks["union"]
    time = reaches(case.steps)
    methods: dict[str, Conditions] = {
        "transport": {
            name: case.condition(inject, case.source, massive, mask=union, steps=steps) for name, steps in time.items()
        },
        "latents": {
            name: case.condition(blend_latents, recorded, union, steps=steps) for name, steps in time.items()
        },
        "velocities": {
            name: case.condition(blend_velocities, recorded, union, steps=steps) for name, steps in time.items()
        },
        "prompts": {
            f"weight {weight}": case.condition(
                interpolate_prompts, dict(zip(case.prompts, case.sources, strict=True)), weight
            )
            for weight in WEIGHTS
        },
    }  # fmt: skip
    methods["transport"]["strength 0.5"] = case.condition(inject, case.source, massive, mask=union, strength=0.5)
    if isinstance(case.read, PairReader):
        asked = [
            format_prompt(dataclasses.replace(pair.target, subjects=pair.source.subjects)) for pair in case.read.pairs
        ]
        methods["asked for"] = {"prompt": lambda: case.measure(case.draw(prompts=asked))}
    return methods


def flat(methods: Mapping[str, Conditions]) -> Conditions:
    """{method: {setting: function}} to {"method, setting": function}, for `sweep`."""
    return {f"{method}, {name}": compute for method, row in methods.items() for name, compute in row.items()}


def described(case: PairCase, calibration: Calibration, sets: Mapping[str, object]) -> dict[str, dict[str, float]]:
    """What each set is, averaged over blocks: "count", and shares of "width", "energy" and "difference"."""
    rows = {}
    for name, chosen in sets.items():
        one = chosen[0] if isinstance(chosen, list) else chosen
        shares = {part: float(np.mean(values)) for part, values in calibration.shares(one).items()}
        if isinstance(chosen, list):
            each = [calibration.shares(one)["energy"].mean() for one in chosen]
            shares["energy"] = float(np.mean(each))
        rows[name] = shares | {"difference": float(case.difference_share(chosen).mean())}
    return rows


def full_study(model, store, report, n: int = 64, k: int = K, seed: int = 0, steps: int = STEPS):
    """(case, cells, index) of `n` evaluation pairs, fewer in the sweeps; settings are chosen on calibration pairs."""
    calibration = calibrate(model, steps=steps)
    top = calibration.top(k)
    trial = pair_case(model, prompt_pairs(min(n, TRIAL), "calibration"), seed + 1, steps, top)
    case = pair_case(model, prompt_pairs(n), seed, steps, top)
    swept = pair_case(model, prompt_pairs(min(n, SWEPT)), seed, steps, top)
    sets = transport_sets(case, calibration, trial, k)
    own = {**sets, "top of the difference": sets["top of the difference"][: len(swept.prompts)]}

    def run(conditions, where, **more):
        more |= {} if k == K else {"k": k}
        return sweep(conditions, store, where.key(study="text_transport", sources=where.sources, **more), report)

    found = run(headline(case, sets), case)
    others = {**doses(swept, calibration, own), **places(swept, own), **owners(swept, own), **flat(rivals(swept, top))}
    small = run(others, swept)
    tried = run(flat(rivals(trial, top)), trial)
    best = {name: choose(tried, name) for name in METHODS}
    whole = flat(rivals(case, top))
    wanted = {f"best {name}": whole[setting] for name, setting in best.items()}
    if "asked for, prompt" in whole:
        wanted["asked for"] = whole["asked for, prompt"]
    found |= run(wanted, case, best=best)
    found |= {f"swept: {name}": cell for name, cell in small.items()}
    found |= {f"tried: {name}": cell for name, cell in tried.items()}
    by_k = {f"top, k {size}": calibration.top(size) for size in KS if size <= calibration.width} | random_sets(
        calibration, top
    )
    index = {
        "k": k, "best": best, "described": described(case, calibration, sets | by_k), "sources": case.sources,
        "attributes": list(PAIR_ATTRIBUTES), "swept": len(swept.prompts), "tried": len(trial.prompts),
    }  # fmt: skip
    return case, found, index
