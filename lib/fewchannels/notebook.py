"""What a notebook says to its reader, and what it hands to the book's builder.

    start(model)                                             # the first cell
    keep("top8_share", value, interval=(low, high))          # a number for the prose: {glue:text}`top8_share:.2f`
    check("few-channels-hold-much", value > 0.5, value)      # a claim that book/claims.yml registers
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

WRITTEN_FOR = "toyworld"
PREFIX = "application/papermill.record/"
OWN = "fewchannels"  # our entry in an output's metadata; a mime type of our own would be a warning in the book's build
CLAIM_FIELDS = ("id", "statement", "direction", "falsifier")
FOUND = ("holds", "does not hold")


class CheckFailed(AssertionError):
    """A registered claim does not hold on the model that the text was written for."""


class UnregisteredClaim(LookupError):
    """A claim is checked that book/claims.yml does not hold."""


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
    from .plots.style import use_style

    use_style()
    if not in_book():
        return
    # read by tqdm and the hub when they are imported, which the notebook's next lines do
    os.environ.update(TQDM_DISABLE="1", HF_HUB_DISABLE_PROGRESS_BARS="1", TRANSFORMERS_VERBOSITY="error")
    import plotly.io

    from .plots.page import page_renderer

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


def check(name: str, condition: Any, value: Any = None, interval: Sequence[float] | None = None) -> bool:
    """Does a claim hold here? Says so under the cell, with the claim's words from book/claims.yml, and returns it.

    name: the claim's id. condition: the truth of its direction or threshold, already computed. value, interval: the
    numbers behind it, for the reader. Raises CheckFailed on the model that the text was written for, where the outcome
    is not what the text says: a claim's optional `found` in claims.yml is "holds" (the default) or "does not hold",
    set once the study was run. On any other model the cell says whether the claim holds here, or that it cannot be told
    where a number is not finite. Raises UnregisteredClaim for an id that claims.yml lacks; where there is no such file
    (Colab), the id stands for the words.
    """
    if type(condition).__name__ not in ("bool", "bool_"):
        raise TypeError(f"check({name!r}): the condition is {condition!r}; expected one truth value")
    holds = bool(condition)
    if _undefined(value, *(() if interval is None else interval)):
        say(f"**Cannot be told here** (on {_session.model}). {_claim(name)['statement']}")
        return holds
    value = None if value is None else _plain(f"check({name!r})", value)
    low, high = _interval(f"check({name!r})", interval)
    claim = _claim(name)
    numbers_text = _numbers_text(value, low, high)
    record = {"id": name, "holds": holds, "value": value, "low": low, "high": high, "model": _session.model}
    found = claim.get("found", "holds")
    if _session.model == WRITTEN_FOR and found != FOUND[not holds]:
        raise CheckFailed(
            f"the claim {name!r} {'holds' if holds else 'does not hold'} on {WRITTEN_FOR}{numbers_text}, and the text "
            f"says that it {found}: {claim['statement']} Either the text must change, or the run is wrong. What was "
            f"said to falsify it: {claim['falsifier']}"
        )
    if holds:
        verdict = "**Holds here.**"
    elif _session.model == WRITTEN_FOR:
        verdict = "**Does not hold here.**"
    else:
        verdict = f"**Does not hold here** (on {_session.model})."
    text = f"{verdict} {claim['statement']}{numbers_text}"
    _display({"text/markdown": text, "text/plain": text.replace("**", "")}, {OWN: {"check": record}})
    return holds


def say(text: str) -> None:
    """Show a sentence of Markdown, with the numbers that this run gave."""
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"say({text!r}): expected a sentence")
    _display({"text/markdown": text, "text/plain": text}, {})


def show(figure: Any, alt: str, caption: str | None = None, name: str | None = None) -> None:
    """Show a matplotlib or plotly figure with its alternative text and a caption.

    alt: what the figure shows, in words, for those who do not see it. Both are text, not HTML. name: keeps the figure
    for other pages of the book, as `keep` does with numbers.
    """
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError("show() needs alt: say in a sentence what the figure shows, for those who do not see it")
    from .plots import page

    kept = {} if name is None else {"scrapbook": {"name": name, "mime_prefix": ""}}
    if hasattr(figure, "savefig"):
        _display({"text/html": page.static_figure(figure, alt, caption), "text/plain": alt}, kept)
        _close(figure)
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


def claims_file() -> Path | None:
    """book/claims.yml of the repository around the working folder, else around the package; None outside of one."""
    for folder in (*(p for p in (Path.cwd(), *Path.cwd().parents)), Path(__file__).resolve().parents[2]):
        path = folder / "book" / "claims.yml"
        if path.is_file():
            return path
    return None


def read_claims(path: str | os.PathLike) -> dict[str, dict[str, str]]:
    """Claims by id. The file is a list of {id, statement, direction, falsifier, and if need be found}; ValueError where
    it is not."""
    import yaml

    listed = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    claims: dict[str, dict[str, str]] = {}
    for claim in listed if isinstance(listed, list) else [listed]:
        missing = [key for key in CLAIM_FIELDS if not isinstance(claim, dict) or not claim.get(key)]
        if missing:
            raise ValueError(f"{path}: a claim lacks {', '.join(missing)}: {claim!r}")
        if claim.get("found", "holds") not in FOUND:
            raise ValueError(
                f"{path}: the claim {claim['id']!r} has found: {claim['found']!r}; expected one of {FOUND}"
            )
        if claim["id"] in claims:
            raise ValueError(f"{path}: the claim {claim['id']!r} is there twice")
        claims[claim["id"]] = claim
    return claims


def _claim(name: str) -> dict[str, str]:
    path = claims_file()
    if path is None:
        return {"statement": f"Claim: {name}.", "falsifier": "see the book's page of claims"}
    claims = read_claims(path)
    if name not in claims:
        raise UnregisteredClaim(
            f"the claim {name!r} is not registered in {path}: write it down (statement, direction, falsifier) before "
            f"the study is run; registered are {', '.join(claims) or 'none'}"
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


def _numbers_text(value: Any, low: float | None, high: float | None) -> str:
    number = f"{value:.4g}" if isinstance(value, float) else str(value)
    if low is not None:
        number = f"{number + ', ' if value is not None else ''}95 % interval {low:.4g} to {high:.4g}"
    return f" ({number})" if value is not None or low is not None else ""


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
