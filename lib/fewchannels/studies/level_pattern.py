"""Chapter 6: is it the level of a channel that matters, or its pattern? Each removed, and each moved, apart.

    case = study_case(model, 64)
    cells = sweep(ablations(case, sets, calibration) | single_blocks(case, sets["top"]))
    mean_agreement(cells["no pattern/top"]["agree"], SUBJECT)         # [P]

Level: a channel's mean over image tokens. Pattern: what is left. Setting the level to zero keeps the pattern, and
"own_mean" keeps the level; "mean level" puts the level of a reference set there, which stays in the distribution.
Carrying one part takes it from another prompt's run and leaves the other part the target's own. What untouched states
show is in `levels`, who writes and reads the channels in `writers`, what can be read from them in `probes`.
"""

from __future__ import annotations

import dataclasses
import functools
import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ..ablation import ablate
from ..channels import ChannelSet
from ..judges import ImageJudge
from ..metrics import Interval, bootstrap_interval
from ..natural_prompts import natural_prompts
from ..patching import record
from ..subspaces import subspace
from ..sweep import sweep
from ..toyworld.judge import ATTRIBUTES
from .cases import STEPS, Calibration, Case, calibrate, control_sets, toy_case
from .levels import States, looked_blocks
from .pair_readers import WordsReader
from .pair_runs import affordable, apart
from .pairs import SCENE, SUBJECT, PairCase, mean_over, pair_case, pairs_for
from .parts import PARTS, carried, mean_level, no_level
from .probes import probe_scenes, probe_sets
from .reasons import one_background, parts_in_blocks
from .writers import watch_writers, writers_cell

K = 8
EDITS = ("no level", "mean level", "no pattern")
NOISES = 2
PROBE_SCENES = 512
RANDOM = ("random 1", "random 2", "random 3")


class ToneReader:
    """A reader of pictures with two plain measures beside what `read` gives: "colour" [P, 3], the mean colour in 0 to
    1, and "detail" [P], the mean square of what a 3 x 3 box filter takes away (colours in 0 to 1)."""

    def __init__(self, read: Callable[[np.ndarray], dict[str, np.ndarray]]):
        self.read, self.judge = read, getattr(read, "judge", None)

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        unit = np.asarray(images, dtype=np.float32) / 255
        return {"colour": unit.mean(axis=(1, 2)).astype(np.float16), "detail": detail(unit), **self.read(images)}


def detail(images: np.ndarray) -> np.ndarray:
    """Mean square [P] of pictures [P, H, W, 3] minus their mean over 3 x 3 px: the energy of edges and fine texture."""
    images = np.asarray(images, dtype=np.float32)
    height, width = images.shape[1:3]
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    near = sum(padded[:, y : y + height, x : x + width] for y in range(3) for x in range(3)) / 9
    return np.square(images - near).mean(axis=(1, 2, 3))


def study_case(model, n: int = 64, seed: int = 0, steps: int = STEPS, judge: ImageJudge | None = None) -> Case:
    """The first `n` evaluation prompts, the toy world's or our own, read for tone and detail, and for agreement: by the
    toy world's judge, or by `judge` as a `WordsReader` reads."""
    if model.is_toy:
        case = toy_case(model, n, seed, steps, features=False)
        return dataclasses.replace(case, read=ToneReader(case.read))
    prompts = natural_prompts(n)
    return Case(model, [str(prompt) for prompt in prompts], ToneReader(WordsReader(prompts, judge)), seed, steps)


def study_pairs(
    model, n: int = 64, seed: int = 0, steps: int = STEPS, judge: ImageJudge | None = None,
    calibration: Calibration | None = None, sets: Sequence[ChannelSet] = (),
) -> PairCase:  # fmt: skip
    """The first `n` evaluation pairs. Their sources are recorded whole, or, where a calibration tells that this does
    not fit into memory, on as many of `sets` as do."""
    keep = None
    if calibration is not None:
        keep = affordable(calibration, sets, n, max(2, model.dtype.itemsize))
    return pair_case(model, pairs_for(model, n), seed, steps, judge=judge, keep=keep)


def ablations(
    case: Case, sets: Mapping[str, ChannelSet], calibration: Calibration, edits: Sequence[str] = EDITS
) -> dict[str, Callable]:
    """Conditions "no level/top", ... : each of `edits` on each of the sets, in all blocks and steps; and "zero/..." for
    an edit named "zero". Cells as from `Case.condition`."""
    means = calibration.stats.mean.mean(axis=0)
    found = {}
    for edit in edits:
        for name, chosen in sets.items():
            how = {"no level": no_level, "no pattern": "own_mean", "zero": "zero"}.get(edit)
            how = mean_level(means, chosen) if edit == "mean level" else how
            if how is None:
                raise ValueError(f"edit {edit!r}: expected some of {', '.join((*EDITS, 'zero'))}")
            found[f"{edit}/{name}"] = case.condition(ablate, chosen, how)
    return found


def untouched(case: Case) -> dict[str, Callable]:
    """The condition "untouched", which all others are held against."""
    return {"untouched": lambda: case.measure(case.untouched)}


def single_blocks(case: Case, chosen: ChannelSet, how: str = "zero") -> dict[str, Callable]:
    """Conditions "zero in block 0", ...: the set at zero in one block only, of a deep model in `looked_blocks`."""
    return {
        f"{how} in block {layer}": case.condition(ablate, chosen, how, layers=layer)
        for layer in looked_blocks(len(case.model.layers))
    }


def transports(case: PairCase, sets: Mapping[str, ChannelSet], parts: Sequence[str] = PARTS) -> dict[str, Callable]:
    """Conditions "carry level/top", ...: a part of each set, of all tokens, from each pair's source into its target."""

    @functools.lru_cache(maxsize=1)  # what a large model's sources were not recorded on is recorded set by set
    def holding(name: str) -> PairCase:
        return case if case.holds(sets[name]) else dataclasses.replace(case, keep=sets[name])

    def one(part, name):
        # the sources are recorded only when a condition is computed
        def compute():
            own = holding(name)
            return own.condition(ablate, sets[name], carried(own.source, sets[name], part), branch="cond")()

        return compute

    return {f"carry {part}/{name}": one(part, name) for name in sets for part in parts}


def differences(case: PairCase, chosen: ChannelSet) -> dict[str, Callable]:
    """The condition "difference": mean square over tokens of source minus target [P, L], over all channels ("all"), and
    over the set in its "level" and its "pattern"; mean over steps, sums over channels."""

    def compute():
        if case.keep is not None:
            seen = apart(case, chosen)
            level = seen.array("level")
            return {
                "all": seen.array("channels").sum(axis=-1), "level": level, "pattern": seen.array("whole") - level
            }  # fmt: skip
        with record(case.model, chosen) as target:
            case.draw()
        found = {"all": case.differences.sum(axis=-1).mean(axis=-1)}
        layers, samples = range(len(chosen)), list(range(len(case.prompts)))
        parts: dict[str, list] = {"level": [], "pattern": []}
        for layer in layers:
            part = subspace(chosen, layer, chosen.width, "cpu")
            level, whole = 0.0, 0.0
            for step in target.steps:
                gap = case.source.take(layer, step, samples, part).float()
                gap = gap - target.take(layer, step, samples, part).float()
                level = level + gap.mean(dim=1).square().sum(dim=-1) / len(target.steps)
                whole = whole + gap.square().mean(dim=1).sum(dim=-1) / len(target.steps)
            parts["level"].append(level.numpy())
            parts["pattern"].append((whole - level).numpy())
        return {name: np.asarray(value, np.float32) for name, value in found.items()} | {
            name: np.stack(rows, axis=1).astype(np.float32) for name, rows in parts.items()
        }

    return {"difference": compute}


def states(case: Case, sets: Mapping[str, ChannelSet], noises: int = NOISES) -> dict[str, Callable]:
    """Conditions "levels/top", ...: what `levels.States` sees of each set; one run serves all."""
    run = States(case, sets, noises)
    return {f"levels/{name}": functools.partial(run.cell, name) for name in sets}


def writings(case: Case, sets: Mapping[str, ChannelSet]) -> dict[str, Callable]:
    """Conditions "writers/top", ...: who writes and reads each set (`writers.writers_cell`); one run serves all."""

    @functools.cache
    def run():
        with watch_writers(case.model) as seen:
            case.draw()
        return seen

    return {f"writers/{name}": lambda c=chosen: writers_cell(run(), c) for name, chosen in sets.items()}


def probings(model, sets: Mapping[str, object], n: int = PROBE_SCENES, captions: bool = True) -> dict[str, Callable]:
    """The condition "probes" (or "probes, no caption"): right or wrong [n, 4] for each set, in the middle block."""

    def compute():
        layer = len(model.layers) // 2
        found = probe_sets(probe_scenes(model, n, layer, captions=captions), sets, layer)
        return {name: right.astype(np.int8) for name, right in found.items()}

    return {"probes" if captions else "probes, no caption": compute}


def mean_agreement(agree: np.ndarray, names: Sequence[str] | None = None) -> np.ndarray:
    """The mean [P] of agreement [P, A] over some of `ATTRIBUTES` (default: all but "all"), passing over NaN; of our own
    prompts [P, 2] as `mean_over` does."""
    if np.shape(agree)[1] != len(ATTRIBUTES):
        return mean_over(agree, (*SUBJECT, *SCENE) if names is None else names)
    names = [name for name in ATTRIBUTES if name != "all"] if names is None else names
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        return np.nanmean(np.asarray(agree, dtype=np.float64)[:, [ATTRIBUTES.index(name) for name in names]], axis=1)


def kept_share(agree: np.ndarray, before: np.ndarray) -> Interval:
    """Mean agreement over all attributes after an edit over that before it, the prompts resampled in pairs."""
    both = np.stack([mean_agreement(agree), mean_agreement(before[: len(agree)])], axis=1)
    return bootstrap_interval(both, statistic=lambda rows: rows[:, 0].mean() / rows[:, 1].mean())


def taken(cells: Mapping[str, Mapping[str, np.ndarray]], edit: str, kind: str, measure: Callable) -> np.ndarray:
    """`measure(cell)` [P] of "edit/kind"; for kind "random" of all draws that are there, [P, draws]. Raises KeyError
    for a condition that was not run."""
    if kind != "random":
        return np.asarray(measure(cells[f"{edit}/{kind}"]), dtype=np.float64)
    draws = [cells[f"{edit}/{name}"] for name in RANDOM if f"{edit}/{name}" in cells]
    if not draws:
        raise KeyError(f"{edit}/random 1")
    return np.stack([np.asarray(measure(cell), dtype=np.float64) for cell in draws], axis=1)


def interval(values: np.ndarray) -> Interval:
    """Mean with its interval over prompts [P]; with draws of random sets [P, draws] crossed. NaN are passed over."""
    return bootstrap_interval(values, statistic=np.nanmean, crossed=np.ndim(values) == 2)


def tone_shift(cell: Mapping[str, np.ndarray], before: Mapping[str, np.ndarray]) -> np.ndarray:
    """Distance [P] of the mean colour to that of the untouched picture, in 0 to sqrt(3)."""
    return np.linalg.norm(np.asarray(cell["colour"], np.float64) - before["colour"][: len(cell["colour"])], axis=1)


def detail_share(cell: Mapping[str, np.ndarray], before: Mapping[str, np.ndarray]) -> Interval:
    """Mean detail after an edit over that of the untouched pictures, the prompts resampled in pairs."""
    both = np.stack([cell["detail"], before["detail"][: len(cell["detail"])]], axis=1).astype(np.float64)
    return bootstrap_interval(both, statistic=lambda rows: rows[:, 0].mean() / rows[:, 1].mean())


def full_study(
    model, store, report=None, n: int = 128, steps: int = STEPS, scenes: int = PROBE_SCENES
) -> tuple[Case, dict, dict]:
    """Everything of the chapter on `n` prompts and pairs, and for the toy world on so many rendered `scenes`: (case,
    cells, index), for `save_study`."""
    calibration = calibrate(model, steps=steps)
    sets = control_sets(calibration, K)
    few = {name: sets[name] for name in ("top", "bottom", *RANDOM, "energy-matched") if name in sets}
    equal = {name: sets[name] for name in ("top", "bottom", "random 1")}
    case, pairs = study_case(model, n, steps=steps), study_pairs(model, n, steps=steps)
    conditions = untouched(case) | ablations(case, few, calibration, ("no level", "no pattern"))
    some = {name: few[name] for name in ("top", "random 1", "energy-matched") if name in few}
    conditions |= ablations(case, some, calibration, ("mean level",))
    conditions |= ablations(case, {"top": sets["top"]}, calibration, ("zero",)) | single_blocks(case, sets["top"])
    probed = {name: chosen for name, chosen in sets.items() if name != "complement"}
    if model.is_toy:
        conditions |= probings(model, probed, scenes)
        conditions |= probings(model, {"top": sets["top"]} | some, scenes, captions=False)
    cells = sweep(conditions, store, case.key(study="level_pattern", k=K), report)
    cells |= sweep(
        writings(case, some | {"bottom": sets["bottom"]}),
        store,
        case.key(study="writers, gates by channel", k=K),
        report,
    )
    # levels are kept whole, so that their variance can be resampled: fewer prompts keep the file small
    half = study_case(model, max(2, n // 2), steps=steps)
    cells |= sweep(states(half, equal), store, half.key(study="levels", k=K, noises=NOISES), report)
    cells["levels/bottom"].pop("level", None)
    looked_into = parts_in_blocks(half, sets["top"]) | one_background(model, sets, steps=steps)
    cells |= sweep(looked_into, store, half.key(study="reasons", k=K), report)
    moved = transports(pairs, {"top": sets["top"]}, ("both",))
    moved |= transports(pairs, {n: s for n, s in few.items() if n != "random 3"}, ("level", "pattern"))
    cells |= sweep(moved | differences(pairs, sets["top"]), store, pairs.key(study="level_pattern", k=K), report)
    cells = {name: {part: _small(array) for part, array in cell.items()} for name, cell in cells.items()}
    index = {
        "k": K, "noises": NOISES, "attributes": list(ATTRIBUTES), "subject": list(SUBJECT), "scene": list(SCENE),
        "shares": {name: [round(float(x), 4) for x in calibration.shares(s)["energy"]] for name, s in sets.items()},
        "count": {name: [int(x) for x in calibration.shares(s)["count"]] for name, s in sets.items()},
    }  # fmt: skip
    return case, cells, index


def _small(array: np.ndarray) -> np.ndarray:
    """In float16 where that holds it: three digits are more than an interval over prompts can use."""
    return array.astype(np.float16) if array.dtype == np.float32 and not (np.abs(array) > 6e4).any() else array
