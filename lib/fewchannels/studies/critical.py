"""The disruption probe (paper, section 3.1) with its controls: is the picture lost with the largest channels, and is
it lost for what they are or for how much they hold?

    bench = Bench(probe_case(model, 64), calibrate(model))
    cells = base(bench.case) | sweep(bench.cells(headline(bench)))
    difference(cells, "zero top 8", RANDOM)                # Interval: above 0, critical per channel

The paper sets the massive channels to zero and compares with as many low-statistic ones. Its k, its blocks and its
scores are not known to us, so k = 8, all blocks and steps, and the toy judge are choices of ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..judges import ImageJudge
from ..measuring import spread
from ..metrics import Interval, attribute_accuracy, bootstrap_interval, frechet_distance, kernel_distance, shuffled
from ..sweep import sweep
from ..toyworld.judge import ATTRIBUTES
from .cases import DRAWS, STEPS, Case, calibrate, plain_case, toy_case
from .disruption import FEW_OTHERS, MATCHES, OTHER_SCORE, OWN_TOP, Bench, Probe
from .grain import GrainCase
from .readers import PictureReader, PicturesReader, ToyReader

K = 8
KS = (1, 2, 4, 8, 16, 32)
EDITS = ("zero", "mean", "own_mean", "shuffle", "resample")
RANDOM = tuple(f"random {i + 1}" for i in range(DRAWS))
MATCHED = ("energy-matched", *(f"energy-matched {i + 2}" for i in range(MATCHES - 1)))
STRENGTHS = (0.25, 0.5, 0.75)
UNTOUCHED, OTHER_SEED, CHANCE = "untouched", "another seed", "another prompt"
TURNED_KINDS = ("top", "bottom", RANDOM[0], MATCHED[0])  # of the notebook's pictures that can be turned over
TURNED_EDITS = ("zero", "shuffle", "resample")
MOST_BLOCKS = 8  # one at a time, of a deep model
THIRDS = ("early", "middle", "late")
WHERE_MATCHED = "where matched"


def probe_case(
    model,
    n: int = 64,
    seed: int = 0,
    steps: int = STEPS,
    pictures: bool = False,
    features=True,
    judge: ImageJudge | None = None,
    prompt_file: str | Path = "",
) -> Case:
    """n evaluation prompts; on the toy world its judge reads attributes, elsewhere `judge` scores the pictures, and
    without one only the change is measured.

    pictures: keeps them as "pictures" uint8 [n, h, w, 3] of each condition, at most 256 px a side. prompt_file: as for
    `evaluation_prompts`.
    """
    if model.is_toy:
        case = toy_case(model, n, seed, steps, features=features, prompt_file=prompt_file)
    else:
        case = plain_case(model, n, seed, steps, judge, prompt_file)
    return GrainCase(model, case.prompts, PicturesReader(case.read) if pictures else case.read, seed, steps)


def base(case: Case, store: str | Path | None = None) -> dict[str, dict[str, np.ndarray]]:
    """What needs no edit: `UNTOUCHED`, the ceiling; `OTHER_SEED`, the same prompts from other noise, and with a judge
    `CHANCE`, the untouched pictures read against other prompts. store: keeps them, as in `sweep`."""
    other = replace(case, seed=case.seed + 1)
    cells = {
        UNTOUCHED: lambda: case.measure(case.untouched),
        OTHER_SEED: lambda: case.measure(other.draw()),
    }
    read = case.read.read if isinstance(case.read, PicturesReader) else case.read
    order = shuffled(len(case.prompts)) if len(case.prompts) > 1 else [0]
    if isinstance(read, ToyReader):
        swapped = ToyReader([read.attributes[i] for i in order], features=False, judge=read.judge)
        cells[CHANCE] = lambda: swapped(case.untouched)
    elif getattr(read, "judge", None) is not None:
        others = [case.prompts[i] for i in order]
        cells[CHANCE] = lambda: {"score": PictureReader(others, read.judge)(case.untouched)["score"]}
    return sweep(cells, store or None, case.key())


def headline(bench: Bench, k: int = K) -> list[Probe]:
    """What the registered claims are about: zero on all sets, and resampling on the top and on random sets."""
    matched = Probe(k=k, layers=bench.matched_layers(k), where=WHERE_MATCHED)
    kinds = ("top", "bottom", *RANDOM, *MATCHED, "complement", "random directions", "PCA")
    return [
        *(Probe(kind=kind, k=k) for kind in kinds),
        *([matched] if matched.layers else []),
        *(Probe("resample", kind, k) for kind in ("top", *RANDOM)),
    ]


def edits(k: int = K) -> list[Probe]:
    """Every edit on top, bottom, random and energy-matched channels; noise and shift of the top's size on others."""
    sets = ("top", "bottom", RANDOM[0], MATCHED[0])
    return [
        *(Probe(how, kind, k) for how in EDITS for kind in sets),
        *(Probe(how, kind, k) for how in ("noise", "shift") for kind in ("bottom", RANDOM[0])),
    ]


def widths(ks: Sequence[int] = KS, kinds: Sequence[str] = ("top", "bottom", RANDOM[0], MATCHED[0])) -> list[Probe]:
    """Zero, for every k."""
    return [Probe(kind=kind, k=k) for k in ks for kind in kinds]


def doses(k: int = K) -> list[Probe]:
    """The top k weakened: a share s of the way to zero takes away about s^2 of what zeroing does."""
    return [Probe(k=k, strength=strength) for strength in STRENGTHS]


def blocks(count: int, k: int = K, kinds: Sequence[str] = ("top", RANDOM[0])) -> list[Probe]:
    """Zero in one block at a time: all of them, or `MOST_BLOCKS` spread over the depth of a deeper model."""
    at = spread(count, MOST_BLOCKS)
    return [Probe(kind=kind, k=k, layers=(b,), where=f"in block {b}") for b in at for kind in kinds]


def zones(count: int, steps: int, k: int = K, kinds: Sequence[str] = ("top", RANDOM[0])) -> list[Probe]:
    """Zero in a third of the blocks during a third of the steps: nine cells a set."""
    parts = [np.array_split(np.arange(total), len(THIRDS)) for total in (count, steps)]
    return [
        Probe(kind=kind, k=k, layers=tuple(map(int, depth)), steps=tuple(map(int, window)), where=f"{zone}, {time}")
        for zone, depth in zip(THIRDS, parts[0], strict=True)
        for time, window in zip(THIRDS, parts[1], strict=True)
        for kind in kinds
        if len(depth) and len(window)
    ]


def text(k: int = K) -> list[Probe]:
    """Zero in the text stream, on channels ranked there."""
    return [Probe(kind=kind, k=k, stream="text") for kind in ("top", "bottom", RANDOM[0])]


def sensitivity(bench: Bench, k: int = K) -> list[Probe]:
    """Zero, on the top by the other score, on a ranking of each prompt's own run, and on random sets in those blocks
    alone in which the top has an energy match."""
    matched = bench.matched_layers(k)
    elsewhere = [Probe(kind=kind, k=k, layers=matched, where=WHERE_MATCHED) for kind in RANDOM if matched]
    return [*(Probe(kind=kind, k=k) for kind in (OTHER_SCORE, OWN_TOP)), *elsewhere]


def full_study(model, store, report=None, n: int = 128, steps: int = STEPS):
    """(case, cells, index) for `save_study`: the headline on n prompts, all else on the first three eighths of them."""
    bench = Bench(probe_case(model, n, steps=steps), calibrate(model, steps=steps, store=store), store=store)
    count = len(model.layers)
    first = headline(bench)
    cells = base(bench.case, store) | sweep(bench.cells(first), store, bench.key(), report)
    few = bench.on(probe_case(model, max(2, 3 * n // 8), steps=steps, features=False))
    rest = [*edits(), *widths(), *doses(), *blocks(count), *zones(count, few.case.steps), *sensitivity(few)]
    rest += text() if model.layout.text == "joint" else []
    rest = [probe for probe in rest if probe.name not in cells]
    cells |= sweep(few.cells(rest), store, few.key(), report)
    shares = {p.name: bench.shares(p) for p in first if p.name in cells}
    shares |= {p.name: few.shares(p) for p in rest if p.name in cells and p.stream == "image"}
    return bench.case, cells, {"k": K, "ks": list(KS), "shares": shares, "matched": list(bench.matched_layers(K))}


def sizes_of(k: int, width: int) -> list[int]:
    """1, k and 4 k channels, or half of the width where that is less: more would leave none to compare with.

    >>> sizes_of(8, 192), sizes_of(8, 40)
    ([1, 8, 32], [1, 8, 20])
    """
    return sorted({1, k, min(4 * k, width // 2)})


def turned_grid(sizes: Sequence[int]) -> list[list[list[Probe]]]:
    """[size][set][edit]: the probes whose pictures a notebook's reader turns over."""
    return [[[Probe(how, kind, size) for how in TURNED_EDITS] for kind in TURNED_KINDS] for size in sizes]


def others(model, bench: Bench | None, k: int, sizes: Sequence[int], steps: int) -> list[Probe]:
    """All that the study asks besides the headline and single blocks; bench: None leaves out what hangs on sets."""
    return [
        *edits(k), *widths(sizes), *doses(k), *zones(len(model.layers), steps, k),
        *(sensitivity(bench, k) if bench else []), *(text(k) if model.layout.text == "joint" else []),
    ]  # fmt: skip


def pictures_of(model, n: int, few: int, k: int, steps: int) -> int:
    """About how many pictures the notebook draws without a study: calibration, a dozen conditions on `n` prompts, all
    else on `few`, and where hidden states are too many to be kept, four more for each set that is resampled."""
    sizes = (1, k, 4 * k)
    probes = [p for row in turned_grid(sizes) for column in row for p in column]
    probes += blocks(len(model.layers), k, ("top", "bottom", RANDOM[0])) + others(model, None, k, sizes, steps)
    resampled = 0 if model.is_toy else 4 + sum(p.how == "resample" for p in probes)
    return 24 + 14 * n + few * len({p.name for p in probes}) + FEW_OTHERS * resampled


def turned_over(cells: Mapping, probes, measure: str = "change", n: int | None = None) -> np.ndarray:
    """For a `Flipbook`: what the first n prompts give under nested lists of probes [A1, ..., Am].

    The mean of a measure, [A1, ...], NaN where a condition does not exist; or with measure="pictures" uint8
    [A1, ..., n, H, W, 3], white there.
    """
    grid = np.array(probes, dtype=object)
    found = [cells.get(probe.name) for probe in grid.ravel()]
    if measure != "pictures":
        means = [np.nan if c is None else values({"": c}, "", measure, n).mean() for c in found]
        return np.reshape(means, grid.shape)
    some = next(cell["pictures"][:n] for cell in found if cell is not None)
    pictures = [np.full_like(some, 255) if cell is None else cell["pictures"][:n] for cell in found]
    return np.reshape(pictures, (*grid.shape, *some.shape))


def attributes_right(cell: Mapping[str, np.ndarray]) -> np.ndarray:
    """[n]: the share of the attributes that each prompt names and its picture has; NaN without a judge."""
    if "agree" not in cell:
        return np.full(len(cell["change"]), np.nan)
    named = [i for i, name in enumerate(ATTRIBUTES) if name != "all"]
    return np.nanmean(np.asarray(cell["agree"], dtype=np.float64)[:, named], axis=1)


def values(cells: Mapping, names: str | Sequence[str], measure: str = "change", n: int | None = None) -> np.ndarray:
    """[n, draws]: one column a condition, over the first n prompts or all; measure: an array of the cells, or "right"
    for `attributes_right`, or "fine" for the change without its coarse part."""
    names = [names] if isinstance(names, str) else [name for name in names if name in cells]
    if not names or names[0] not in cells:
        raise KeyError(f"no cell is called {names}; there are {', '.join(cells)}")
    columns = [_column(cells[name], measure) for name in names]
    rows = min(len(column[:n]) for column in columns)
    return np.stack([column[:rows].astype(np.float64) for column in columns], axis=1)


def _column(cell, measure):
    if measure == "right":
        return attributes_right(cell)
    return cell["change"] - cell["coarse"] if measure == "fine" else np.asarray(cell[measure])


def effect(cells: Mapping, names: str | Sequence[str], measure: str = "change", n: int | None = None) -> Interval:
    """The mean of a condition over prompts, or of several draws of one with prompts and draws resampled."""
    return _interval(values(cells, names, measure, n))


def difference(cells: Mapping, one: str, others: str | Sequence[str], measure: str = "change") -> Interval:
    """The mean of `one` minus `others` on the same prompts; prompts and draws are resampled."""
    ours, theirs = values(cells, one, measure), values(cells, others, measure)
    rows = min(len(ours), len(theirs))
    return _interval(ours[:rows] - theirs[:rows])


def ratio(cells: Mapping, one: str, other: str, measure: str = "right") -> Interval:
    """The mean of `one` over the mean of `other`, on the same prompts, which are resampled together."""
    ours, theirs = values(cells, one, measure)[:, 0], values(cells, other, measure)[:, 0]
    rows = min(len(ours), len(theirs))
    return bootstrap_interval(np.stack([ours[:rows], theirs[:rows]], axis=1), lambda v: v[:, 0].mean() / v[:, 1].mean())


def _interval(array: np.ndarray) -> Interval:
    return bootstrap_interval(array, crossed=True) if array.shape[1] > 1 else bootstrap_interval(array[:, 0])


def per_attribute(cell: Mapping[str, np.ndarray]) -> dict[str, Interval]:
    """Accuracy of each attribute, "all" of them at once included, with its interval over prompts."""
    agree = np.asarray(cell["agree"], dtype=np.float64)
    return attribute_accuracy({name: agree[:, i] for i, name in enumerate(ATTRIBUTES)})


def distances(cells: Mapping, names: Sequence[str]) -> tuple[str, dict[str, float]]:
    """How far the pictures of each condition are, as a set, from pictures of the same prompts and other noise.

    Gives the measure's name ("Fréchet" where there are more pictures than features, else "kernel") and its values;
    that of `UNTOUCHED`, clean against clean at the same number of pictures, is the floor.
    """
    reference = np.asarray(cells[OTHER_SEED]["features"], dtype=np.float64)
    enough = len(reference) > reference.shape[1]
    measure = frechet_distance if enough else kernel_distance
    found = {name: measure(cells[name]["features"], reference) for name in names if "features" in cells[name]}
    return "Fréchet" if enough else "kernel", found
