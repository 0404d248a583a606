"""Tables and figures of the text transport: its results in the form that a plot, or a notebook's last line, takes.

    show(plots.frontier(**both_goals(found), xlabel="subject taken", ylabel="scene kept"), alt="...")
    described(found)                                        # a table: what each set is, and what it did

What a model cannot have is left out of figures, and unknown in tables.
"""

from __future__ import annotations

import numpy as np

from ..studies.condition import set_name
from ..studies.edits import UNTOUCHED
from ..studies.results import Results
from ..studies.text_transport import GOALS, METHODS, reaches, settings, window_name
from ..studies.views import Table


def described(found: Results) -> Table:
    """A Markdown table of the sets moved over the whole picture: what each is, and what it did."""
    head = ("set", "channels", "of the width", "of the energy", "of the difference")
    head += ("taken", "kept", "neither", "way to the source")
    rows = []
    for kind in found.options("channels"):
        own = found.shares[kind, found.base.k, 0]
        told = [found.mean(measure, channels=kind).value for measure in ("taken", "kept", "neither")]
        left = found.ratio("to_source", {"channels": kind}, {"edit": UNTOUCHED}).value
        shares = [own["width"], own["energy"], _held(found, kind), *told, 1 - left]
        rows.append((kind, f"{own['count']:.0f}", *map(_percent, shares)))
    return Table.of(head, rows)


def _held(found: Results, kind: str, k: int | None = None) -> float:
    """The share of the difference that a set holds, mean over pairs; NaN where nobody looked."""
    shares = found.instruments.get("difference", {})
    return float(np.mean(shares.get(set_name(kind, found.base.k if k is None else k), np.nan)))


def _percent(share: float) -> str:
    return "unknown" if np.isnan(share) else f"{max(share, 0):.0%}"


def against_difference(found: Results) -> dict:
    """What `plots.frontier` takes: attributes taken against the share of the difference that a set holds, a line for
    the top and for random channels over k, a point for each other set."""
    points, labels = {}, {}
    for kind in found.options("channels"):
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
    Lines on few pairs, points with intervals on all; a block that is copied whole has its number."""
    few, goals = found.groups["few"], ("taken", "kept")
    blocks = [c.blocks for c in found.cells if c.channels == "all" and c.blocks]
    points = {
        "top by k": found.points(*goals, over="k", n=few),
        "strength of the top": found.points(*goals, over="strength", n=few),
        "prompts mixed": found.points(*goals, over="strength", edit="blend prompts", n=few),
        "all of one block": found.points(*goals, over="blocks", values=blocks, channels="all", n=few),
        "wrong source": found.points(*goals, source="another pair"),
    }
    kinds = ("random", "random directions", "energy-matched", "PCA", "complement")
    points |= {kind: found.points(*goals, channels=kind) for kind in kinds}
    points["nothing lost"] = [(0.0, 1.0), (1.0, 0.0)]
    labels = {"all of one block": [block[0] for block in blocks], "top by k": found.options("k")}
    return {"points": points, "labels": labels}


def both_goals(found: Results) -> dict:
    """What `plots.frontier` takes: the target's scene against the source's subject. A line for each method's settings
    on few pairs; a point with its interval for the one that it chose, for all channels under the same mask, and for
    the prompt that asks for both."""
    few, points = found.groups["few"], {}
    growing = [window for window in reaches(found.provenance["steps"]) if window[0] == 0]
    for method in METHODS:
        own = {"over": "steps", "values": growing, "mask": "union"}
        own = {"over": "strength"} if method == "blend prompts" else own
        points[method] = found.points(*GOALS, n=few, edit=method, **own)
    points["all channels"] = found.points(*GOALS, channels="all", mask="union")
    points["asked for"] = found.points(*GOALS, edit="asked for")
    return {"points": points | {f"best: {name}": found.points(*GOALS, **own) for name, own in settings(found).items()}}


def chosen(found: Results) -> Table:
    """A Markdown table of the methods at the settings that they chose on calibration pairs, measured on all."""
    rows = []
    for method, own in {**settings(found), "asked for": {"edit": "asked for"}}.items():
        told = [_percent(found.mean(goal, **own).value) for goal in GOALS]
        both = found.harmonic(*GOALS, **own)
        told.append(f"{both.value:.2f} ({both.low:.2f} to {both.high:.2f})")
        rows.append((method, _setting(method, **own), *told))
    return Table.of(("method", "setting", "subject taken", "scene kept", "harmonic mean"), rows, 2)


def _setting(method: str, steps=None, strength: float | None = None, **own) -> str:
    if strength is None:  # nothing was chosen
        return ""
    return f"weight {strength:g}" if method == "blend prompts" else window_name(steps)
