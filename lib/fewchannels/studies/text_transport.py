"""Chapter 4: channels of one prompt's trajectory in another's. Adoption, retention, controls, and what blends instead.

    case = text_case(model, pairs_for(model, 64), calibration)
    sets = transport_sets(case, calibration, trial)              # trial: a PairCase of calibration pairs
    cells = sweep(headline(case, sets))
    ratio(adoption(cells["top"]), adoption(cells["all"]))               # sufficient? `outcomes` has these numbers
    ratio(adoption(cells["complement"]), adoption(cells["all"]))        # necessary?

All conditions of a case take from one recording of its sources; what a large model's recording cannot hold is carried
side by side. Settings for "the best that a method can do" are chosen on calibration pairs (`choose`) and measured on
evaluation pairs.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from ..channels import ChannelSet, Directions, pca_directions, random_channels, rank_channels
from ..judges import ImageJudge, ToyJudge
from ..masks import to_grid
from ..metrics import shuffled
from ..sweep import sweep
from .cases import STEPS, Calibration, calibrate, control_sets
from .levels import looked_blocks
from .outcomes import choose
from .pair_runs import affordable
from .pairs import NATURAL_ATTRIBUTES, PAIR_ATTRIBUTES, PairCase, pair_case, pairs_for
from .rivals import Conditions, flat, methods_of, mixable, rivals

K = 8
KS = (1, 2, 4, 16, 32, 64)
WIDER_KS = (256, 1024)  # of models with at least four times as many channels
RANDOM_KS = (32, 64)
STRENGTHS = (0.25, 0.5, 0.75)
TRIAL, SWEPT = 16, 20  # calibration pairs, and pairs of the sweeps
SHARES = ("count", "width", "energy", "difference")


def sizes(width: int) -> list[int]:
    """How many of the largest channels the sweep over k moves, for a model of `width` channels."""
    return [k for k in KS if k <= width] + [k for k in WIDER_KS if 4 * k <= width]


def windows(steps: int) -> dict[str, slice]:
    """Quarters of the steps by name, such as "steps 1-2" of 8: counted from 1, where the picture is noise."""
    edges = [steps * i // 4 for i in range(5)]
    return {f"steps {a + 1}-{b}": slice(a, b) for a, b in itertools.pairwise(edges) if a < b}


def zones(blocks: int) -> dict[str, list[int]]:
    """Thirds of the blocks by name, such as "blocks 0-1" of 6."""
    edges = [blocks * i // 3 for i in range(4)]
    return {f"blocks {a}-{b - 1}": list(range(a, b)) for a, b in itertools.pairwise(edges) if a < b}


def text_case(
    model,
    pairs,
    calibration: Calibration,
    k: int = K,
    seed: int = 0,
    steps: int = STEPS,
    judge: ImageJudge | None = None,
) -> PairCase:
    """A PairCase whose recording fits into memory, and whose masks are made of the top k. judge: for `pair_case`."""
    sets, top = control_sets(calibration, k), calibration.top(k)
    equal = [chosen for name, chosen in sets.items() if name.startswith(("bottom", "random ")) and len(name) < 9]
    larger = [calibration.top(max(size for size in sizes(calibration.width) if size <= max(KS)))]
    wanted = [top, *equal, *larger, *random_sets(calibration, top).values()]
    itemsize = max(2, model.dtype.itemsize)  # quantised weights are of one byte, hidden states never
    return pair_case(model, pairs, seed, steps, top, judge, affordable(calibration, wanted, len(pairs), itemsize))


def study_key(case: PairCase, k: int, **more) -> dict:
    """What this chapter's results hang on, for `sweep`."""
    more |= {} if k == K else {"k": k}
    return case.key(study="text_transport", sources=case.sources, **more)


def transport_sets(
    case: PairCase, calibration: Calibration, trial: PairCase | None = None, k: int = K, store: str | Path | None = None
) -> dict:
    """`control_sets`, and those that only a transport has: "all" channels, "top of the difference" (a set for each
    pair: the k channels in which its source and target differ most), and with calibration pairs "PCA of the
    difference", frozen on them, where the model is narrow enough for directions. store: keeps what they are made of."""
    sets = control_sets(calibration, k)
    width, blocks = calibration.width, len(sets["top"])
    sets["all"] = ChannelSet.same(np.arange(width), blocks, width, "all channels")
    found = sweep({"difference": lambda: {"channels": case.difference}}, store or None, study_key(case, k))
    ranked = rank_channels(found["difference"]["channels"], k)  # [P, L, k]
    sets["top of the difference"] = [ChannelSet(tuple(row), width, f"top {k} of the difference") for row in ranked]
    if trial is not None and calibration.moments is not None and trial.keep is None:
        name = "PCA of the difference"
        made = sweep(
            {name: lambda: {"basis": np.stack(list(pca_directions(trial.difference_moments, k)))}},
            store or None, study_key(trial, k),
        )  # fmt: skip
        sets[name] = Directions(tuple(made[name]["basis"]), f"PCA {k} directions")
    return sets


def headline(case: PairCase, sets: Mapping[str, object]) -> Conditions:
    """Every set over all tokens, blocks and steps; "top, in mask" and "all, in mask", over both subjects; "source" and
    "untouched", the two pictures themselves, for ceilings and floors; and "wrong source", the top set of another pair's
    source, for the chance level."""
    conditions: Conditions = {
        "source": lambda: case.measure(case.source.images),
        "untouched": lambda: case.measure(case.untouched),
    }
    conditions |= {name: case.transport(chosen) for name, chosen in sets.items()}
    for name in ("top", "all"):
        conditions[f"{name}, in mask"] = case.transport(sets[name], mask="union")
    if len(case.prompts) > 1:
        conditions["wrong source"] = case.transport(sets["top"], sources=shuffled(len(case.prompts)).tolist())
    return conditions


def doses(case: PairCase, calibration: Calibration, sets: Mapping[str, object]) -> Conditions:
    """Sweeps over k and strength, for all tokens, blocks and steps."""
    conditions = {f"top, k {k}": case.transport(calibration.top(k)) for k in sizes(calibration.width)}
    for name, drawn in random_sets(calibration, sets["top"]).items():
        conditions[name] = case.transport(drawn)
    for strength in STRENGTHS:
        conditions[f"top, strength {strength}"] = case.transport(sets["top"], strength=strength)
    return conditions


def random_sets(calibration: Calibration, top: ChannelSet) -> dict[str, ChannelSet]:
    """Larger sets outside the top, which hold more of the difference."""
    some = [k for k in RANDOM_KS if k <= calibration.width - max(top.sizes)]
    return {f"random, k {k}": random_channels(calibration.stats, k, outside=top)[0] for k in some}


def places(case: PairCase, sets: Mapping[str, object]) -> Conditions:
    """Depth zone by step window for the top set, and all channels in one block, all steps."""
    blocks = len(case.model.layers)
    by_time = {"all steps": None, **windows(case.steps)}
    by_depth = {"all blocks": None, **zones(blocks)}
    conditions: Conditions = {}
    for depth, layers in by_depth.items():
        for time, steps in by_time.items():
            conditions[f"top, {depth}, {time}"] = case.transport(sets["top"], layers=layers, steps=steps)
    if blocks > 1:
        conditions["top, all but the last block"] = case.transport(sets["top"], layers=list(range(blocks - 1)))
    for block in looked_blocks(blocks):
        conditions[f"all, block {block}"] = case.transport(sets["all"], layers=block)
    return conditions


def owners(case: PairCase, sets: Mapping[str, object], segmenter: ImageJudge | None = None) -> Conditions:
    """Whose tokens are moved: the masks of source, target and both (K-means on the top set); and as a mask that owes
    nothing to the channels that of a judge: the toy world's, or for our own prompts the segmenter's, by the subjects'
    names."""
    masks: dict[str, str | Callable[[], np.ndarray]] = {name: name for name in ("source", "target", "union")}
    judge = getattr(case.read, "judge", None)
    pairs = getattr(case.read, "pairs", [])
    if isinstance(judge, ToyJudge):
        masks["the judge's"] = lambda: _tokens(case, *(judge.masks(i) for i in (case.source.images, case.untouched)))
    elif segmenter is not None and pairs:
        masks["the judge's"] = lambda: _tokens(
            case,
            segmenter.masks(case.source.images, [source.subject for source, _ in pairs]),
            segmenter.masks(case.untouched, [target.subject for _, target in pairs]),
        )
    return {f"top, {name}": case.transport(sets["top"], mask=mask) for name, mask in masks.items()}


def _tokens(case: PairCase, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    return to_grid(source | target, case.source.grid, 0.25)


def described(
    case: PairCase, calibration: Calibration, sets: Mapping[str, object], k: int = K, store: str | Path | None = None
) -> dict[str, dict[str, float]]:
    """What each set is, averaged over blocks: "count", and shares of "width", "energy" and "difference" (NaN for
    directions where only some channels of the sources were recorded)."""

    def of(chosen) -> Callable[[], dict[str, np.ndarray]]:
        def compute():
            each = chosen if isinstance(chosen, list) else [chosen]
            shares = {part: float(np.mean(values)) for part, values in calibration.shares(each[0]).items()}
            if isinstance(chosen, list):
                shares["energy"] = float(np.mean([calibration.shares(one)["energy"].mean() for one in each]))
            known = case.keep is None or not isinstance(chosen, Directions)
            shares["difference"] = float(case.difference_share(chosen).mean()) if known else np.nan
            return {"shares": np.array([shares[part] for part in SHARES])}

        return compute

    cells = sweep({f"shares/{n}": of(chosen) for n, chosen in sets.items()}, store or None, study_key(case, k))
    return {n: dict(zip(SHARES, cells[f"shares/{n}"]["shares"].tolist(), strict=True)) for n in sets}


def grid(
    case: PairCase, swept: PairCase, trial: PairCase, calibration: Calibration, k: int = K,
    store: str | Path | None = None, report=None, segmenter: ImageJudge | None = None,
) -> tuple[dict, dict]:  # fmt: skip
    """(cells, index): the headline and each method's best on `case`, the sweeps on `swept` (its first pairs), settings
    chosen on `trial`, calibration pairs."""
    sets = transport_sets(case, calibration, trial, k, store)
    top = sets["top"]
    own = {**sets, "top of the difference": sets["top of the difference"][: len(swept.prompts)]}

    def run(conditions, where, **more):
        return sweep(conditions, store or None, study_key(where, k, **more), report)

    mixed = case.model.is_toy or bool(
        run({"mixable": lambda: {"mixable": np.array([mixable(trial)])}}, trial)["mixable"]["mixable"][0]
    )
    found = run(headline(case, sets), case)
    others = {**doses(swept, calibration, own), **places(swept, own), **owners(swept, own, segmenter)}
    small = run(others | flat(rivals(swept, top, mixed)), swept, segmenter=segmenter)
    tried = run(flat(rivals(trial, top, mixed)), trial)
    best = {name: choose(tried, name) for name in methods_of(tried)}
    whole = flat(rivals(case, top, mixed))
    wanted = {f"best {name}": whole[setting] for name, setting in best.items()}
    if "asked for, prompt" in whole:
        wanted["asked for"] = whole["asked for, prompt"]
    found |= run(wanted, case, best=best)
    found |= {f"swept: {name}": cell for name, cell in small.items()}
    found |= {f"tried: {name}": cell for name, cell in tried.items()}
    by_k = {f"top, k {size}": calibration.top(size) for size in sizes(calibration.width)} | random_sets(
        calibration, top
    )
    index = {
        "k": k, "best": best, "described": described(case, calibration, sets | by_k, k, store), "sources": case.sources,
        "attributes": list(PAIR_ATTRIBUTES if case.model.is_toy else NATURAL_ATTRIBUTES), "swept": len(swept.prompts),
        "tried": len(trial.prompts),
    }  # fmt: skip
    return found, index


def study_cases(
    model, calibration: Calibration, n: int, k: int = K, seed: int = 0, steps: int = STEPS, few: int = SWEPT,
    judge: ImageJudge | None = None,
) -> tuple[PairCase, PairCase, PairCase]:  # fmt: skip
    """(case, swept, trial): `n` evaluation pairs, the first `few` of them, and as many calibration pairs, at most 16,
    from another noise."""

    def make(pairs: Sequence, noise: int) -> PairCase:
        return text_case(model, pairs, calibration, k, noise, steps, judge)

    pairs, few = pairs_for(model, n), min(n, few)
    return make(pairs, seed), make(pairs[:few], seed), make(pairs_for(model, min(few, TRIAL), "calibration"), seed + 1)


def full_study(model, store, report, n: int = 128, k: int = K, seed: int = 0, steps: int = STEPS):
    """(case, cells, index) of `n` evaluation pairs, fewer in the sweeps; settings are chosen on calibration pairs."""
    calibration = calibrate(model, steps=steps)
    case, swept, trial = study_cases(model, calibration, n, k, seed, steps)
    cells, index = grid(case, swept, trial, calibration, k, store, report)
    return case, cells, index
