"""Tables and figures of the text transport: its results in the form that a plot, or a notebook's last line, takes.

    show(plots.frontier(**both_goals(found), xlabel="subject taken", ylabel="scene kept"), alt="...")
    described(found)                                        # a table: what each set is, and what it did

What a model cannot have is left out of figures, and unknown in tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..metrics import Interval
from ..studies.condition import set_name, span
from ..studies.edits import UNTOUCHED
from ..studies.results import Results
from ..studies.text_transport import GOALS, METHODS, reaches, settings, window_name
from ..studies.views import Table

COMPARED = ("top", "random", "matched without the first", "PCA", "complement")


def described(found: Results) -> Table:
    """A Markdown table of the sets moved over the whole picture: what each is, and what it did."""
    head = ("set", "channels", "of the width", "of the energy", "of the difference", "taken", "neither")
    head += ("way to the source",)
    first = ("first alone", {"channels": "top", "k": 1})
    sets = [*((kind, {"channels": kind, "k": found.base.k}) for kind in found.options("channels")), first]
    rows = []
    for name, own in (one for one in sets if found.has(**one[1])):
        part = found.shares[own["channels"], own["k"], 0]
        told = [found.mean(measure, **own).value for measure in ("taken", "neither")]
        shares = [part["width"], part["energy"], _held(found, own["channels"], own["k"]), *told, way(found, own)]
        rows.append((name, f"{part['count']:.0f}", *map(_percent, shares)))
    return Table.of(head, rows)


def way(found: Results, fields: Mapping) -> float:
    """By how much the squared distance to the source's picture shrank, as a share of what it is for the untouched
    target; fields: of the condition."""
    return 1 - found.ratio("to_source", fields, {"edit": UNTOUCHED}).value


def ways(found: Results, rows: Mapping[str, Mapping]) -> dict:
    """What `plots.dots` takes: the way to the source and the attributes taken, side by side. rows: {label: fields}."""
    untouched = {"edit": UNTOUCHED}
    left = {label: found.ratio("to_source", own, untouched) for label, own in rows.items()}
    shrunk = {label: Interval(1 - one.value, 1 - one.high, 1 - one.low) for label, one in left.items()}
    taken = {name: found.dots(name, rows)["groups"] for name in found.readings("taken")}
    return {"groups": {"way to the source": shrunk, **taken}}


def _held(found: Results, kind: str, k: int | None = None) -> float:
    """The share of the difference that a set holds, mean over pairs; NaN where nobody looked."""
    shares = found.instruments.get("difference", {})
    return float(np.mean(shares.get(set_name(kind, found.base.k if k is None else k), np.nan)))


def _percent(share: float) -> str:
    return "unknown" if np.isnan(share) else f"{max(share, 0):.0%}"


def against_difference(found: Results) -> dict:
    """What `plots.frontier` takes: attributes taken against the share of the difference that a set holds, a line for
    the top and for random channels over k, a point for the sets that the top is held against."""
    points, labels = {}, {}
    for kind in (kind for kind in COMPARED if found.has(channels=kind)):
        sizes = found.options("k", channels=kind)
        points[kind] = [(_held(found, kind, k), found.mean("taken", channels=kind, k=k).value) for k in sizes]
        labels[kind] = sizes if len(sizes) > 1 else []
    wider = found.options("k", channels="random outside the top")
    points["random"] = points.get("random", []) + [
        (_held(found, "random outside the top", k), found.mean("taken", channels="random outside the top", k=k).value)
        for k in wider
    ]
    points["in proportion"] = [(0.0, 0.0), (1.0, found.mean("taken", channels="all").value)]
    return {"points": points, "labels": labels | {"random": [found.base.k, *wider]}}


def whole_picture(found: Results) -> dict:
    """What `plots.frontier` takes: attributes kept against attributes taken, of all that is moved over all tokens.
    Lines on few pairs; a block that is copied whole has its number. The wrong source is measured on all pairs."""
    few, goals = found.groups["few"], ("taken", "kept")
    blocks = [c.blocks for c in found.cells if c.channels == "all" and c.blocks]
    mixed = [strength for strength in found.options("strength") if strength > 0]
    points = {
        "top by k": found.points(*goals, over="k", n=few),
        "strength of the top": found.points(*goals, over="strength", values=mixed, n=few),
        "prompts mixed": found.points(*goals, over="strength", edit="blend prompts", n=few),
        "all of one block": found.points(*goals, over="blocks", values=blocks, channels="all", n=few),
        "wrong source": found.points(*goals, source="another pair"),
    }
    points["nothing lost"] = [(0.0, 1.0), (1.0, 0.0)]
    labels = {"all of one block": [block[0] for block in blocks], "top by k": found.options("k")}
    return {"points": points, "labels": labels}


def both_goals(found: Results) -> dict:
    """What `plots.frontier` takes: the target's scene against the source's subject. A line for each method's settings
    on few pairs; a point with its interval for all channels under the same mask, and for the prompt that asks for
    both."""
    few, points = found.groups["few"], {}
    growing = [window for window in reaches(found.provenance["steps"]) if window[0] == 0]
    for method in METHODS:
        own = {"over": "steps", "values": growing, "mask": "union"}
        own = {"over": "strength"} if method == "blend prompts" else own
        points[method] = found.points(*GOALS, n=few, edit=method, **own)
    points["all channels"] = found.points(*GOALS, channels="all", mask="union")
    points["asked for"] = found.points(*GOALS, edit="asked for")
    return {"points": points}


def chosen(found: Results, levels: Sequence[float] | None = None) -> Table:
    """A Markdown table of the methods at the settings that they chose on calibration pairs, measured on all, by every
    reader. Windows of steps are named by their noise levels [T], where these are given."""
    rows = []
    readings = list(zip(*map(found.readings, GOALS), strict=True))
    for method, own in {**settings(found), "asked for": {"edit": "asked for"}}.items():
        told = [_percent(found.mean(goal, **own).value) for goals in readings for goal in goals]
        both = [f"{found.harmonic(*goals, **own).value:.2f}" for goals in readings]
        rows.append((method, _setting(method, levels, **own), *told, *both))
    head = [
        *(goal for goals in readings for goal in goals),
        *("harmonic mean", "harmonic mean by eye")[: len(readings)],
    ]
    return Table.of(("method", "setting", *head), rows, 2)


def by_size(found: Results) -> dict:
    """What `plots.curves` takes: attributes taken over the number of channels, by every reader, of the top on few
    pairs, and of channels at random outside it at the sizes that were drawn."""
    few, k = found.groups["few"], found.base.k
    sizes = {size: {"k": size} for size in found.options("k")}
    kinds = {size: "random" if size == k else "random outside the top" for size in sizes}
    blind = {size: {"k": size, "channels": kinds[size]} for size in sizes}
    lines = {}
    for name in found.readings("taken"):
        lines[name.replace("taken", "top")] = found.series(name, sizes, {"": {}}, few)["lines"][""]
        lines[name.replace("taken", "random")] = found.series(name, blind, {"": {}}, few)["lines"][""]
    return {"x": list(sizes), "lines": lines}


def under_choices(found: Results, levels: Sequence[float] | None, measure: str = "taken") -> dict:
    """What `plots.dots` takes: a measure of the top channels by every reader, on few pairs, as one choice after the
    other is made differently: their number, the strength, the blocks and the steps, which are named by their noise
    levels [T]. The line is the bound of a sufficient set, four fifths of what all channels bring."""
    few, blocks, steps = found.groups["few"], found.options("blocks"), found.options("steps")
    rows: dict[str, dict] = {"as above": {}}
    rows |= {f"k {k}": {"k": k} for k in found.options("k") if k > found.base.k}
    rows |= {f"strength {s:g}": {"strength": s} for s in found.options("strength") if s >= 0.5 and s not in (0.75, 1)}
    rows |= {f"blocks {span(own)}": {"blocks": own} for own in blocks if own is not None}
    rows |= {noise_name(levels, own): {"steps": own} for own in steps if own is not None}
    dots = found.dots(found.readings(measure), rows, n=few)
    return {**dots, "lines": {"sufficient": 0.8 * found.mean(measure, channels="all").value}}


def noise_name(levels: Sequence[float] | None, steps: Sequence[int] | None) -> str:
    """A window of steps by the noise levels of its first and its last; as `window_name` for all steps (None), and on a
    model whose noise levels are not known (None).

    >>> noise_name([1.0, 0.8, 0.5, 0.2], (1, 2))
    'noise 0.80 to 0.50'
    """
    if levels is None or steps is None:
        return window_name(None if steps is None else tuple(steps))
    return f"noise {levels[steps[0]]:.2f} to {levels[steps[-1]]:.2f}"


def _setting(method: str, levels, steps=None, strength: float | None = None, **own) -> str:
    if strength is None:  # nothing was chosen
        return ""
    return f"weight {strength:g}" if method == "blend prompts" else noise_name(levels, steps)
