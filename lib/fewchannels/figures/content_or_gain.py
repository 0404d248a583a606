"""Tables and figures of content and gain: the study's results in the form that a plot, or a check, takes.

    show(plots.dots(**by_way(found, ["change"]), xlabel="change of the picture"), alt="...")
    check("gain_zero_both_needed", more_than_added(found))

What a model cannot have (`Results.left_out`) is NaN here, so that its figure is empty and its claim cannot be told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..metrics import UNKNOWN, Interval, mean_interval
from ..studies.condition import span
from ..studies.content_or_gain import GENTLE, GUIDED, RANKS, READ, WAYS, WEIGHTS
from ..studies.edits import UNTOUCHED
from ..studies.results import Results
from ..studies.views import Table

SETS = {
    "top": {"channels": "top"},
    "first alone": {"channels": "top", "k": 1},
    "top but the first": {"channels": "top without the first"},
    "random": {"channels": "random"},
    "matched": {"channels": "matched without the first"},
    "PCA": {"channels": "PCA"},
}
PASSES = {"": 1.0, "zero": 1.0, "guidance": 2.0, "detail guidance": 2.0}  # of the transformer, a step


def by_way(found: Results, measures: Sequence[str], ways: Sequence[str] = WAYS, **fields: Any) -> dict:
    """What `plots.dots` takes: measures of one condition, made in the stream and at the reads."""
    return found.dots(measures, {way: {"through": way} for way in ways}, **fields)


def left_out(found: Results, **fields: Any) -> dict:
    """What `plots.dots` takes: the change that content and gain make together; what of it is gone without either; and
    what is left when the changes that each makes alone are taken away."""
    both, content, gain = ({**fields, "through": way} for way in READ)
    return {
        "groups": {
            "both": found.mean("change", **both),
            "lost without content": found.minus("change", both, gain),
            "lost without gain": found.minus("change", both, content),
            "more than added up": more_than_added(found, **fields),
        },
        "lines": {"nothing": 0.0},
    }


def more_than_added(found: Results, **fields: Any) -> Interval:
    """The change by content and gain together, less that by content alone, less that by gain alone."""
    if found.lacks(**fields, through="both"):
        return UNKNOWN
    both, content, gain = (found.values("change", **fields, through=way) for way in READ)
    return mean_interval(both - content - gain)


def over_strengths(found: Results, measure: str, ways: Sequence[str] = WAYS) -> dict:
    """What `plots.curves` takes: a measure over the factor by which the top is multiplied, a line for each way; at 1
    nothing is edited, and 0.9 is too near to it to be drawn."""
    strengths = [strength for strength in found.options("strength", through="content") if abs(strength) != 0.1]
    x = {1 - strength: {"strength": strength} for strength in sorted(strengths, reverse=True)}
    curves = found.series(measure, x, {way: {"through": way} for way in ways})
    nothing = found.mean(measure, edit=UNTOUCHED)
    at = int(np.searchsorted(curves["x"], 1.0))
    lines = {
        way: tuple(np.insert(row, at, end) for row, end in zip(rows, nothing, strict=True))
        for way, rows in curves["lines"].items()
    }
    return {"x": [*curves["x"][:at], 1.0, *curves["x"][at:]], "lines": lines}


def by_set(found: Results, measure: str, ways: Sequence[str] = READ[1:]) -> dict:
    """What `plots.dots` takes: a measure by content and by gain alone, for each of `SETS`."""
    sets = {label: own for label, own in SETS.items() if found.has(**own, through="content")}
    return {"groups": {way: found.dots(measure, sets, through=way)["groups"] for way in ways}}


def by_rank(found: Results) -> dict:
    """What `plots.curves` takes: the change of the picture by one channel of every block, from the largest on: at zero
    by content and by gain alone, and carried over from another prompt in the stream."""
    one = {"channels": "one of the top", "k": 1}
    x = {rank + 1: {"draw": rank} for rank in range(RANKS)}
    lines = found.series("change", x, {f"{way}, at zero": {"through": way} for way in READ[1:]}, **one)["lines"]
    moved = found.series("to_target", x, {"carried, in the stream": {"edit": "transport"}}, **one)["lines"]
    return {"x": list(x), "lines": lines | moved}


def turns(found: Results) -> dict:
    """What `plots.dots` takes: the change by gain alone less that by content alone, for other factors than the claim's,
    and for other sets and single blocks at zero."""
    factors = [strength for strength in sorted(found.options("strength", through="content")) if strength != 1]
    groups = {
        "times a factor": {f"{1 - strength:g}": {"strength": strength} for strength in factors},
        "a set at zero": {label: own for label, own in SETS.items() if found.has(**own, through="content")},
        "one block at zero": {f"block {block}": {"blocks": (block,)} for block in _single_blocks(found)},
    }
    gain, content = {"through": "gain"}, {"through": "content"}
    made = {
        name: found.versus(["change"], gain, content, choices)["groups"]["change"] for name, choices in groups.items()
    }
    return {"groups": made, "lines": {"no difference": 0.0}}


def _single_blocks(found: Results) -> list[int]:
    return sorted({c.blocks[0] for c in found.cells if c.through == "content" and c.blocks and len(c.blocks) == 1})


def level_and_pattern(found: Results) -> dict:
    """What `plots.dots` takes: how far the level and the pattern of another prompt move the picture, by way."""
    parts = {part: {"edit": f"transport {part}"} for part in ("level", "pattern")}
    return {"groups": {way: found.dots("to_target", parts, through=way)["groups"] for way in READ}}


def by_norm(found: Results, norms: Mapping[str, Any]) -> dict:
    """What `plots.dots` takes: the change by content and by gain alone where one kind of norm is edited. norms:
    {label: value of the field `into`}."""
    rows = {label: {"into": where} for label, where in norms.items()}
    return {"groups": {way: found.dots("change", rows, through=way)["groups"] for way in READ[1:]}}


def by_place(found: Results, field: str) -> dict:
    """What `plots.curves` takes: the change by content and by gain alone with one block edited, or the steps of one
    window; field: "blocks" or "steps"."""
    places = sorted({getattr(c, field) for c in found.cells if getattr(c, field) and c.through == "content"})
    first = 0 if field == "blocks" else 1  # steps are counted from 1 in all figures
    x = {span(tuple(one + first for one in place)): {field: place} for place in places}
    return found.series("change", x, {way: {"through": way} for way in READ[1:]})


def blindness(found: Results) -> dict:
    """What `plots.curves` takes: by block, how little the weights that come next read the largest channel, the others
    of the top, and all other channels, their means."""
    own = found.instruments.get("reading", {})
    top = np.asarray(own.get("blindness", np.full((1, 1, 2), np.nan)), np.float64)[0]
    lines = {"first": top[:, 0], "others of the top": top[:, 1:].mean(axis=1)}
    lines["all others"] = np.asarray(own.get("others", np.full((1, len(top)), np.nan)), np.float64)[0]
    return {"x": list(range(len(top))), "lines": {name: (row, row, row) for name, row in lines.items()}}


def quality_and_cost(found: Results) -> Table:
    """A Markdown table: what of the prompt is there, as each reader has it, and less untouched, beside the passes of
    the transformer that a picture takes."""
    steps = found.provenance["steps"]
    rows = []
    for label, own in guides(found).items():
        times = own.get("strength", 1) if own["edit"] == "more steps" else PASSES[own["edit"]]
        told = []
        for reading in found.readings("right"):
            gained = found.minus(reading, own, {"edit": UNTOUCHED})
            told += [
                f"{found.mean(reading, **own).value:.3f}",
                f"{gained.value:+.3f} ({gained.low:+.3f} to {gained.high:+.3f})",
            ]
        rows.append((label, f"{times * steps:.0f}", *told))
    head = [part for reading in found.readings("right") for part in (reading, "less untouched")]
    return Table.of(("what is done", "passes", *head), rows)


def guides(found: Results) -> dict[str, dict]:
    """The rows of `quality_and_cost`: {label: fields}."""
    rows = {"nothing": {"edit": UNTOUCHED}}
    windows = [None, *sorted({c.steps for c in found.cells if c.through == "gain" and c.steps and c.prompts == "all"})]
    for strength in GENTLE:
        for steps in windows:
            where = "" if steps is None else f", steps {span(tuple(step + 1 for step in steps))}"
            own = {"edit": "zero", "through": "gain", "strength": strength, "steps": steps}
            rows[f"gain of the top at {1 - strength:g}{where}"] = own
    rows |= {f"guidance of {scale:g}": {"edit": "guidance", "strength": scale} for scale in GUIDED}
    rows |= {f"Detail Guidance of {w:g}": {"edit": "detail guidance", "strength": w} for w in WEIGHTS}
    rows |= {f"{times} times the steps": {"edit": "more steps", "strength": times} for times in (2, 4)}
    return {label: own for label, own in rows.items() if found.has(**own)}
