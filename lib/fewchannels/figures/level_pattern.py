"""Tables and figures of level and pattern: the study's results in the form that a plot, or a check, takes.

    show(plots.dots(**by_set(found, "right subject", {"no level": "no_level"}), xlabel="subject right"), alt="...")
    check("gate_writes_massive", each_place(found, "writers", ("top: gate", 2)))

What a model cannot have (`Results.left_out`) is NaN here, so that its figure is empty and its claim cannot be told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..instruments.levels import variance_shares
from ..instruments.writers import GATES
from ..metrics import UNKNOWN, Interval, bootstrap_interval, chance_levels, mean_interval
from ..prompts.pairs import SUBJECT, value_of
from ..prompts.toyworld import toyworld_attributes
from ..studies.edits import UNTOUCHED
from ..studies.level_pattern import BACKGROUNDS, REMOVED
from ..studies.results import Results
from ..studies.views import Table

SETS = {
    "top": {"channels": "top"},
    "first alone": {"channels": "top", "k": 1},
    "top but the first": {"channels": "top without the first"},
    "random": {"channels": "random"},
    "bottom": {"channels": "bottom"},
    "matched": {"channels": "matched without the first"},
}
LEVELS = {
    "as registered": "top",
    "first alone": "first",
    "top but the first": "rest",
    "size of the top": "size",
    "top, last block": "last block",
    "random": "random",
} | {f"top, one background {i + 1}": f"one background {i + 1}" for i in range(BACKGROUNDS)}
READ = {
    **{name: name for name in ("top", "top level", "top pattern", "random", "bottom")},
    "top but the first": "top without the first",
    "matched": "matched without the first",
    **{name: name for name in ("random directions", "PCA", "all")},
    "noisy latents": "pixels",
}  # label -> the probes' own name
Part = str | tuple  # of an instrument, such as "top: gain_level"; or with a place on the last axis, ("top: gate", 2)


def described(found: Results) -> Table:
    """A Markdown table of the sets: what each is, and how far it moves the state to take its level or its pattern."""
    head = ("set", "channels", "of the width", "of the energy", "of that, level")
    head += ("moved without level", "moved without pattern")
    rows = []
    for label, fields in SETS.items():
        own = found.shares.get((fields["channels"], fields.get("k", found.base.k), 0))
        if own is None:
            continue
        share = _part(found, "levels", f"{label}: level_share")
        moved = [found.mean("moved", edit=REMOVED[name], **fields).value for name in ("no level", "no pattern")]
        shares = [own["width"], own["energy"], np.nan if share is None else share.mean(), *moved]
        rows.append((label, f"{own['count']:.0f}", *map(_percent, shares)))
    return Table.of(head, rows)


def _percent(share: float) -> str:
    return "" if np.isnan(share) else f"{share:.0%}" if share > 0.02 else f"{share:.1%}"


def by_set(found: Results, measure: str, edits: Mapping[str, str]) -> dict:
    """What `plots.dots` takes: a measure, as each reader has it, under each edit {label: name} for each of `SETS`."""
    groups = {}
    for name, edit in edits.items():
        sets = {label: own for label, own in SETS.items() if found.has(edit=edit, **own)}
        for reading in found.readings(measure):
            heading = name + reading.removeprefix(measure).replace(" by", ", by")
            groups[heading] = found.dots(reading, sets, edit=edit)["groups"]
    return {"groups": groups}


def turns(found: Results, measure: str = "right subject") -> dict:
    """What `plots.dots` takes, by reader: how much more of a measure is left without level than without pattern, under
    several choices of what stands in the level's place, of what is read, of the set, and in single blocks."""
    level, pattern = {"edit": REMOVED["no level"]}, {"edit": REMOVED["no pattern"]}
    choices = {label: fields for label, fields in SETS.items() if label != "top"}
    choices |= {f"top in block {b}": {"blocks": (b,)} for b in _single_blocks(found)}
    groups = {}
    for one, scene in zip(found.readings(measure), found.readings("right scene"), strict=True):
        groups[one] = {
            "as registered": found.minus(one, level, pattern),
            "a mean level": found.minus(one, {"edit": REMOVED["mean level"]}, pattern),
            "the scene": found.minus(scene, level, pattern),
            "the scene, a mean level": found.minus(scene, {"edit": REMOVED["mean level"]}, pattern),
            **found.versus([one], level, pattern, choices)["groups"][one],
        }
    return {"groups": groups, "lines": {"no difference": 0.0}}


def _single_blocks(found: Results) -> list[int]:
    """The blocks in which the top was edited alone."""
    return sorted({c.blocks[0] for c in found.cells if c.edit == found.base.edit and c.blocks and len(c.blocks) == 1})


def one_block(found: Results, *measures: str) -> dict:
    """What `plots.curves` takes: what one edited block alone leaves of measures, over untouched, with the top at zero,
    without its level and without its pattern; and, as a level, what is left with every block at zero."""
    places, edits = (
        _single_blocks(found),
        {"zero": "zero", **{name: REMOVED[name] for name in ("no level", "no pattern")}},
    )
    lines = {
        f"{name}, {measure}": np.array([_over_untouched(found, measure, edit=edit, blocks=(b,)) for b in places])
        for measure in measures
        for name, edit in edits.items()
    }
    every = {f"every block, {measure}": _over_untouched(found, measure).value for measure in measures}
    return {"x": places, "lines": {name: tuple(rows.T) for name, rows in lines.items()}, "levels": every}


def kept_in_one_block(found: Results) -> dict[str, Interval]:
    """By block and reader: the share of what was right that is left with the top at zero in that block alone."""
    untouched = {"edit": UNTOUCHED}
    each = {b: found.by_both("ratio", "right", rows=({"blocks": (b,)}, untouched)) for b in _single_blocks(found)}
    return {f"block {b}, {reader}": own for b, both in each.items() for reader, own in both.items()}


def _over_untouched(found: Results, measure: str, **fields) -> Interval:
    return found.ratio(measure, fields, {"edit": UNTOUCHED})


def of_the_difference(found: Results) -> dict:
    """What `plots.curves` takes: by block, which share of the mean square of source minus target, over all channels,
    lies in the level and in the pattern of the top."""
    whole, lines = _part(found, "difference", "all"), {}
    for part in ("level", "pattern"):
        own = _part(found, "difference", part)
        known = own is not None and whole is not None
        rows = [_interval(column) for column in (own / whole).T] if known else [UNKNOWN]
        lines[part] = tuple(np.array(rows).T)
    return {"x": list(range(len(lines["level"][0]))), "lines": lines}


def _part(found: Results, instrument: str, part: Part) -> np.ndarray | None:
    """An instrument's array in float64, at a place of its last axis where one is given; None where it is missing."""
    name, *place = (part,) if isinstance(part, str) else part
    array = found.instruments.get(instrument, {}).get(name)
    return None if array is None else np.asarray(array, np.float64)[(..., *place)]


def _interval(values: np.ndarray | None, statistic: Callable = np.nanmean, draws: int = 2000) -> Interval:
    if values is None or np.isnan(values).all():
        return UNKNOWN
    return bootstrap_interval(values, statistic, draws=draws)


def each_place(found: Results, instrument: str, part: Part) -> dict[int, Interval]:
    """The mean over prompts at each block (or step), the second axis of an instrument's arrays, and over all axes
    behind it."""
    array = _part(found, instrument, part)
    if array is None:
        return {0: UNKNOWN}
    rows = array.reshape(*array.shape[:2], -1).mean(axis=2)
    return {place: _interval(column) for place, column in enumerate(rows.T)}


def along(found: Results, instrument: str, lines: Mapping[str, Part], first: int = 0) -> dict:
    """What `plots.curves` takes: a line for each part over blocks, or over steps, which count from 1 (first=1)."""
    each = {label: each_place(found, instrument, part) for label, part in lines.items()}
    places = range(max(map(len, each.values())))
    rows = {label: np.array([own.get(place, UNKNOWN) for place in places]) for label, own in each.items()}
    return {"x": [first + place for place in places], "lines": {label: tuple(row.T) for label, row in rows.items()}}


def divisors(found: Results) -> dict:
    """What `plots.curves` takes: what LayerNorm would divide by without a part, over what it divides by."""
    sides = [(part, kind) for kind in ("top", "random") for part in ("level", "pattern")]
    return along(found, "levels", {f"{part} gone, {kind}": f"{kind}: gain_{part}" for part, kind in sides})


def follows(found: Results) -> dict:
    """What `plots.curves` takes: how alike patterns are over two runs, by step, for the top and for random channels."""
    ways = {"same prompt": "same_prompt", "same noise": "same_noise", "neither": "neither"}
    lines = {f"{kind}, {way}": f"{kind}: {part}" for kind in ("top", "random") for way, part in ways.items()}
    return along(found, "levels", lines, first=1)


def gates(found: Results) -> dict:
    """What `plots.curves` takes: gates of attention and MLP in the top over those in other channels, and the same of
    what comes to the gates."""
    lines = {f"{name} gate": ("top: gate", i) for i, name in enumerate(GATES)}
    return along(found, "writers", lines | {f"{name}, before": ("top: content", i) for i, name in enumerate(GATES)})


def _levels(found: Results, kind: str) -> np.ndarray | None:
    """[P, J, L, T, k]: prompts, noises, blocks, steps, channels. kind: of the values of `LEVELS`; "size" is the mean
    |level| of the top k as one channel, "one background 1" is of the top, on prompts that share a background."""
    if kind.startswith("one background"):
        return _part(found, kind, "level")
    levels = _part(found, "levels", f"{'random' if kind == 'random' else 'top'}: level")
    if levels is None:
        return None
    return {
        "size": np.abs(levels).mean(axis=-1, keepdims=True),
        "first": levels[..., :1],  # sets are in the order of their scores
        "rest": levels[..., 1:],
        "last block": levels[:, :, -1:],
    }.get(kind, levels)


def dependence(found: Results) -> dict:
    """What `plots.dots` takes: how much more of a level's variance lies between steps than between prompts, for each of
    `LEVELS`; above 0 the level follows the step, below it the prompt."""
    groups = {label: _share_of(_levels(found, kind), 200, "step", "prompt") for label, kind in LEVELS.items()}
    return {"groups": groups, "lines": {"equal": 0.0}}


def step_over_prompt(found: Results, kind: str = "top") -> Interval:
    """The step's share of a level's variance less the prompt's, in the median channel. kind: of the values of
    `LEVELS`."""
    return _share_of(_levels(found, kind), 1000, "step", "prompt")


def _share_of(levels: np.ndarray | None, draws: int, of: str, less: str) -> Interval:
    """A factor's share of a level's variance, less that of another, in the median channel over all blocks."""

    def median(some: np.ndarray) -> float:
        shares = variance_shares(some)
        return float(np.nanmedian(shares[of] - shares[less]))

    return _interval(levels, median, draws)


def prompt_over_noise(found: Results, kind: str = "top") -> Interval:
    """How much more alike patterns of one prompt under two noises are than those of two prompts under one noise:
    difference of the mean correlations, in the middle block and the first half of the steps."""
    same = [_part(found, "levels", f"{kind}: {part}") for part in ("same_prompt", "same_noise")]
    if same[0] is None or same[1] is None:
        return UNKNOWN
    apart = same[0] - same[1]
    return _interval(apart[:, : max(1, apart.shape[1] // 2)].mean(axis=1))


def _answers(found: Results, kind: str, form: str = "", shown: str = "probes") -> np.ndarray:
    """[scenes, 4, draws]: right or wrong; NaN where nothing was probed. form: "" or ", ridge"."""
    probes = found.instruments.get(shown, {})
    drawn = [name for name in (kind + form,) if name in probes]
    if kind == "random":
        drawn = [n for n in probes if n.endswith(form) and n.removesuffix(form).removeprefix("random ").isdigit()]
    if not drawn:
        return np.full((1, len(SUBJECT), 1), np.nan)
    return np.stack([np.asarray(probes[name], np.float64) for name in drawn], axis=-1)


def probed(found: Results) -> dict:
    """What `plots.dots` takes: how often a linear probe is right, mean over the subject's attributes, for each of
    `READ`; and what always saying the most frequent word gives."""
    rows = {label: mean_interval(_answers(found, kind).mean(axis=1)) for label, kind in READ.items()}
    known = {kind: row for kind, row in rows.items() if np.isfinite(row.value)}
    lines = {"most frequent word": float(np.mean(_frequent(len(_answers(found, "top")))))} if known else {}
    return {"groups": known or {"none": np.nan}, "lines": lines}


def probe_ahead(found: Results, kind: str, attributes: slice = slice(None), **how: str) -> Interval:
    """How much more often a probe of the top is right than one of another kind, mean over attributes. how: as for
    `_answers`, form=", ridge" for ridge regression, shown="probes, no caption" for scenes without their caption."""
    ours, theirs = (_answers(found, name, **how)[:, attributes].mean(axis=1) for name in ("top", kind))
    return mean_interval(ours - theirs)


def probe_turns(found: Results, kind: str = "random") -> dict:
    """What `plots.dots` takes: `probe_ahead` under other choices of the probe, of what it reads, and of the scenes."""
    groups = {
        "as registered": probe_ahead(found, kind),
        "ridge": probe_ahead(found, kind, form=", ridge"),
        **{name: probe_ahead(found, kind, slice(i, i + 1)) for i, name in enumerate(SUBJECT)},
        "no caption": probe_ahead(found, kind, shown="probes, no caption"),
    }
    return {"groups": groups, "lines": {"no difference": 0.0}}


def _frequent(count: int) -> list[float]:
    """The share of the most frequent word among `count` scenes, by attribute of their subject."""
    asked = toyworld_attributes(count, "evaluation", subjects=1)
    return [chance_levels([value_of(one, name) for one in asked])["constant"] for name in SUBJECT]
