"""What a notebook says to its reader, and what it hands to the book's builder.

    start(model)                                             # the first cell
    keep("top8_share", value, interval=(low, high))          # a number for the prose: {glue:text}`top8_share:.2f`
    check("few_channels_hold_much", interval)                # a claim that book/claims.yml registers, with its rule
    verdict(mine, interval)                                  # a claim of your own, written down by `register`
    say(f"Eight channels hold {value:.0%} of the energy.")   # a sentence with numbers
    show(figure, alt="...", caption="...")                   # a figure with words for those who do not see it

The same cells work in JupyterLab, in Colab, and while the book is built (`FEWCHANNELS_BOOK=1`, set by book/build.py);
`harvest` collects from an executed notebook what it kept and checked. The record of `keep` is myst-nb's "glue", emitted
with IPython alone, so that no notebook needs myst-nb.
"""

from __future__ import annotations

import html
import json
import math
import numbers
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .claims import FOUND, Claim, Outcome, UnregisteredClaim, claims_file, read_claims

WRITTEN_FOR = "toyworld"
PREFIX = "application/papermill.record/"
OWN = "fewchannels"  # our entry in an output's metadata; a mime type of our own would be a warning in the book's build


class CheckFailed(AssertionError):
    """A registered claim does not hold on the model that the text was written for."""


@dataclass
class _Session:
    model: str = WRITTEN_FOR
    kept: dict[str, Any] = field(default_factory=dict)


_session = _Session()


def in_book() -> bool:
    """True while a page is being built and nobody is watching: no progress bars, no live widgets."""
    return os.environ.get("FEWCHANNELS_BOOK") == "1"


def start(model: Any = WRITTEN_FOR) -> None:
    """First cell of a notebook: say which model runs (a name, or what `load` gave); set style and renderers.

    Claims raise only on "toyworld", the model that the text was written for.
    """
    _session.model = str(getattr(model, "name", model))
    _session.kept.clear()
    from ..plots.style import use_style

    use_style()
    if not in_book():
        return
    # read by tqdm and the hub when they are imported, which the notebook's next lines do
    os.environ.update(TQDM_DISABLE="1", HF_HUB_DISABLE_PROGRESS_BARS="1", TRANSFORMERS_VERBOSITY="error")
    import plotly.io

    from ..plots.page import page_renderer

    plotly.io.renderers["book"] = page_renderer()
    # the page's renderer alone: beside HTML the build warns of plotly's own mime type, and warnings are errors there
    plotly.io.renderers.default = "book"


def keep(name: str, value: Any, interval: Sequence[float] | None = None) -> None:
    """Keep a number (or a short text) for the prose; with an interval (low, high) also `name_low` and `name_high`.

    Shows nothing. NumPy scalars become Python's, since the prose formats them. Raises ValueError for a name that is not
    [a-z0-9_]+, TypeError for a value that is no number, text or truth value, and, while a page is being built,
    ValueError where a name is kept twice with different values. On another model than "toyworld" what is not finite,
    such as a mean over no picture, is not kept.
    """
    if _undefined(value, *(() if interval is None else interval)):
        return
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9_]+", name):
        raise ValueError(f"keep({name!r}): a name has small letters, digits and underscores only")
    value = _plain(f"keep({name!r})", value)
    low, high = _interval(f"keep({name!r})", interval)
    parts = {name: value} if interval is None else {name: value, f"{name}_low": low, f"{name}_high": high}
    for part, item in parts.items():
        if in_book() and part in _session.kept and _session.kept[part] != item:
            raise ValueError(f"keep({part!r}) was {_session.kept[part]!r} before and is {item!r} now: use two names")
        _session.kept[part] = item
    for part, item in parts.items():
        metadata: dict[str, Any] = {"scrapbook": {"name": part, "mime_prefix": PREFIX}}
        if part == name:
            metadata[OWN] = {"keep": {"name": name, "value": value, "low": low, "high": high}}
        _display({f"{PREFIX}text/plain": repr(item)}, metadata)


def check(name: str, measured: Any) -> Outcome:
    """Does a claim hold here? Says so under the cell, with the claim's words from book/claims.yml.

    name: the claim's id. measured: what its rule is about: an interval (value, low, high), a number, or for a claim
    about every block (prompt, model, ...) a mapping or a list of them. Raises CheckFailed on the model that the text
    was written for, where the outcome is not what the text says: a claim's optional `found` in claims.yml is "holds"
    (the default), "does not hold" or, where a number is not finite, "cannot be told", set once the study was run. On
    any other model the cell says which it is here. Raises UnregisteredClaim for an id that claims.yml lacks, and
    TypeError for what its rule is not about. Returns what decided it, true where the claim holds.
    """
    claim = _claim(name)
    outcome = claim.test(measured)
    told, came_out = _numbers_text(outcome), FOUND[not outcome.holds if outcome.known else 2]
    if _session.model == WRITTEN_FOR and claim.found != came_out:
        raise CheckFailed(
            f"the claim {name!r} {came_out} on {WRITTEN_FOR}{told}, and the text says that it {claim.found}: "
            f"{claim.statement} Either the text must change, or the run is wrong. What was said to falsify it: "
            f"{claim.falsifier}"
        )
    if not outcome.known:
        where = "" if _session.model == WRITTEN_FOR else f" (on {_session.model})"
        say(f"**Cannot be told here**{where}. {claim.statement}")
        return outcome
    elsewhere = "" if outcome.holds or _session.model == WRITTEN_FOR else f" (on {_session.model})"
    verdict = "**Holds here.**" if outcome.holds else f"**Does not hold here{'' if elsewhere else '.'}**"
    text = f"{verdict}{elsewhere}{'.' if elsewhere else ''} {claim.statement}{told}"
    record = {
        "id": name,
        "holds": outcome.holds,
        "value": outcome.value,
        "model": _session.model,
        "low": outcome.low,
        "high": outcome.high,
    }
    if outcome.low == outcome.value == outcome.high:  # a number alone
        record |= {"low": None, "high": None}
    _display({"text/markdown": text, "text/plain": text.replace("**", "")}, {OWN: {"check": record}})
    return outcome


def verdict(claim: Claim, measured: Any) -> Outcome:
    """Does a claim of your own, which `register` wrote down, hold? Says so under the cell, with its falsifier, and
    raises nothing where it does not: that is a result. measured: as for `check`. Raises TypeError for what its rule is
    not about. Returns what decided it, true where the claim holds."""
    outcome = claim.test(measured)
    came_out = "Holds" if outcome.holds else "Does not hold"
    held = f"{came_out} on {_session.model}" if outcome.known else f"Cannot be told on {_session.model}"
    numbers_ = _numbers_text(outcome) if outcome.known else ""
    say(f"**{held}.** {claim.statement}{numbers_} *What was to falsify it:* {claim.falsifier}")
    return outcome


def say(text: str) -> None:
    """Show a sentence of Markdown, with the numbers that this run gave."""
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"say({text!r}): expected a sentence")
    _display({"text/markdown": text, "text/plain": text}, {})


def show(figure: Any, alt: str, caption: str | None = None, name: str | None = None) -> None:
    """Show a matplotlib or plotly figure, or a `plots.Drawing`, with its alternative text and a caption.

    alt: what the figure shows, in words, for those who do not see it. Both are text, not HTML. name: keeps the figure
    for other pages of the book, as `keep` does with numbers.
    """
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError("show() needs alt: say in a sentence what the figure shows, for those who do not see it")
    from ..plots import page

    kept = {} if name is None else {"scrapbook": {"name": name, "mime_prefix": ""}}
    if hasattr(figure, "savefig"):
        _display({"text/html": page.static_figure(figure, alt, caption), "text/plain": alt}, kept)
        _close(figure)
    elif isinstance(figure, page.Drawing):
        _display({"text/html": page.drawing(figure, alt, caption), "text/plain": alt}, kept)
    elif not hasattr(figure, "to_plotly_json"):
        raise TypeError(f"show() got {type(figure).__name__}: expected a matplotlib or a plotly figure")
    elif in_book():
        _display({"text/html": page.plotly_figure(figure, alt, caption), "text/plain": alt}, kept)
    else:
        # the words first: a browser that is opened from a script may never come
        _display({**(page.live_figure(figure) if _in_ipython() else {}), "text/plain": alt}, kept)
        page.open_outside(figure)
        if caption:
            _display({"text/html": f"<p>{html.escape(caption)}</p>", "text/plain": caption}, {})


def harvest(path: str | os.PathLike) -> dict[str, Any]:
    """What an executed notebook kept and checked.

    {"values": {name: {"value", "low", "high"}}, "checks": {id: {"holds", "value", "low", "high", "model"}}}; low and
    high are null without an interval. Raises ValueError where a name is there twice with different content.
    """
    notebook = json.loads(Path(path).read_text(encoding="utf-8"))
    found: dict[str, dict[str, Any]] = {"values": {}, "checks": {}}
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            own = output.get("metadata", {}).get(OWN, {})
            for group, kind, key in (("values", "keep", "name"), ("checks", "check", "id")):
                if kind not in own:
                    continue
                record = dict(own[kind])
                name = record.pop(key)
                if found[group].setdefault(name, record) != record:
                    raise ValueError(f"{path}: {kind}({name!r}) is there twice, with different values")
    return found


def _claim(name: str) -> Claim:
    path = claims_file()
    claims = read_claims(path)
    if name not in claims:
        raise UnregisteredClaim(
            f"the claim {name!r} is not registered in {path}: write it down (statement, direction, rule, falsifier) "
            f"before the study is run; registered are {', '.join(claims) or 'none'}"
        )
    return claims[name]


def _undefined(*numbers_: Any) -> bool:
    """Whether a number of another model is not finite; on the model that the text was written for that is an error."""
    if _session.model == WRITTEN_FOR:
        return False
    return any(isinstance(n, numbers.Real) and not math.isfinite(n) for n in numbers_)


def _plain(where: str, value: Any) -> Any:
    if hasattr(value, "item") and getattr(value, "size", 1) == 1:
        value = value.item()
    if isinstance(value, (str, bool)):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        value = float(value)
        if not math.isfinite(value):
            raise ValueError(f"{where}: the value is {value}, which no sentence can state")
        return value
    raise TypeError(f"{where}: expected a number, a text or a truth value, got {type(value).__name__}")


def _interval(where: str, interval: Sequence[float] | None) -> tuple[float | None, float | None]:
    if interval is None:
        return None, None
    ends = [_plain(where, end) for end in interval]
    if len(ends) != 2 or not ends[0] <= ends[1]:
        raise ValueError(f"{where}: the interval is {ends}; expected (low, high) with low <= high")
    return float(ends[0]), float(ends[1])


def _numbers_text(outcome: Outcome) -> str:
    parts = [f"{outcome.where}: " if outcome.where else "", f"{outcome.value:.4g}"]
    if not outcome.low == outcome.value == outcome.high:
        parts.append(f", 95 % interval {outcome.low:.4g} to {outcome.high:.4g}")
    return f" ({''.join(parts)})"


def _close(figure: Any) -> None:
    """A figure of pyplot would be shown again at the end of the cell."""
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(figure)


def _in_ipython() -> bool:
    return "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None


def _display(data: dict[str, str], metadata: dict[str, Any]) -> None:
    if _in_ipython():
        from IPython.display import display

        display(data, raw=True, metadata=metadata)
    elif "text/plain" in data:
        print(data["text/plain"])
