"""The registered claims, and the one rule of each: `book/claims.yml`.

    claims = read_claims(claims_file())
    claims["critical_over_bottom"].test(Interval(0.044, 0.037, 0.050))          # Outcome(holds=True, value=0.044, ...)

    mine = register("my_claims.yml", id="mine", statement="...", direction="...", rule={"above": 0}, falsifier="...")

A rule is data. `above: b` holds where the lower end of the interval is above b, `below: b` where its upper end is below
it, `not above: b` where the lower end is not; `every: block` says that it must hold for each of several intervals. The
page of claims, the notebooks and a study's test read the same line.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..disk import beside_the_code, write_whole
from ..metrics import Interval

FIELDS = ("id", "statement", "direction", "rule", "falsifier")
FOUND = ("holds", "does not hold", "cannot be told")
BOUNDS = ("above", "below", "not above")


class UnregisteredClaim(LookupError):
    """A claim is checked that claims.yml does not hold."""


@dataclass(frozen=True)
class Outcome:
    """Whether a claim holds, and the interval that decides it: of several the one nearest to failing, `where`.

    As a truth value it is `holds`. As the last line of a cell it shows nothing: `check` has said it all.
    """

    holds: bool
    value: float
    low: float
    high: float
    where: str = ""

    @property
    def known(self) -> bool:
        """Whether there was a number at all."""
        return bool(np.isfinite([self.value, self.low, self.high]).all())

    def __bool__(self) -> bool:
        return self.holds

    def _ipython_display_(self) -> None:
        pass


@dataclass(frozen=True)
class Claim:
    """A line of claims.yml. bound: one of `BOUNDS`; limit: its number; every: what it must hold for each of, or ""."""

    id: str
    statement: str
    direction: str
    falsifier: str
    bound: str
    limit: float
    every: str = ""
    found: str = "holds"
    paper: str = ""
    expected: str = ""
    reason: str = ""

    def test(self, measured: Any) -> Outcome:
        """Does the rule hold? measured: an interval (value, low, high), or a number; where the claim has `every`, a
        mapping or a list of them. Raises TypeError, ValueError for anything else."""
        several = isinstance(measured, Mapping) or (
            not isinstance(measured, Interval) and isinstance(measured, Sequence) and not _is_triple(measured)
        )
        if several != bool(self.every):
            told = f"one interval for each {self.every}" if self.every else "one interval"
            raise TypeError(f"the claim {self.id!r} is about {told}; got {type(measured).__name__}")
        if not several:
            return self._one(measured)
        rows = measured.items() if isinstance(measured, Mapping) else enumerate(measured)
        outcomes = [self._one(one, f"{self.every} {name}") for name, one in rows]
        if not outcomes:
            raise ValueError(f"the claim {self.id!r} is about every {self.every}, and there is none")
        unknown = [one for one in outcomes if not one.known]
        return unknown[0] if unknown else max(outcomes, key=self._towards_failure)

    def _one(self, measured: Any, where: str = "") -> Outcome:
        value, low, high = (float(end) for end in (measured if np.ndim(measured) else (measured,) * 3))
        held = {"above": low > self.limit, "below": high < self.limit, "not above": low <= self.limit}
        return Outcome(held[self.bound], value, low, high, where)

    def _towards_failure(self, outcome: Outcome) -> float:
        return -outcome.low if self.bound == "above" else outcome.high if self.bound == "below" else outcome.low


def _is_triple(measured: Sequence) -> bool:
    return len(measured) == 3 and all(np.ndim(end) == 0 for end in measured)


def claims_file() -> Path:
    """The registered claims: of the repository around the working folder or the package, else those that the package
    brought along. Raises FileNotFoundError where there are none."""
    return beside_the_code("book/claims.yml", "claims.yml")


def read_claims(path: str | os.PathLike) -> dict[str, Claim]:
    """Claims by id. Raises ValueError where the file is no list of claims, and names what one of them lacks."""
    import yaml

    listed = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    claims: dict[str, Claim] = {}
    for given in listed if isinstance(listed, list) else [listed]:
        missing = [key for key in FIELDS if not isinstance(given, dict) or not given.get(key)]
        if missing:
            raise ValueError(f"{path}: a claim lacks {', '.join(missing)}: {given!r}")
        claim = _claim(path, given)
        if claim.id in claims:
            raise ValueError(f"{path}: the claim {claim.id!r} is there twice")
        claims[claim.id] = claim
    return claims


def register(path: str | os.PathLike, **given: Any) -> Claim:
    """Write a claim of your own down before its run, with the day, and return it; registered already, it is only read.

    path: a file of claims, which is made where it is not there. given: id, statement, direction, rule ({"above": 0})
    and falsifier, as in claims.yml. Raises ValueError where one is missing or the rule is none, and where the file
    holds a claim of this id in other words: a claim is not reworded after its run.
    """
    import yaml

    place = Path(path)
    name, known = given.get("id"), read_claims(place) if place.exists() else {}
    if missing := [key for key in FIELDS if not given.get(key)]:
        raise ValueError(f"a claim to register lacks {', '.join(missing)}; it needs {', '.join(FIELDS)}")
    claim = _claim(place, given)
    if name in known:
        if known[name] != claim:
            raise ValueError(
                f"{place}: the claim {name!r} is registered in other words: {known[name].statement} "
                f"({known[name].bound} {known[name].limit:g}); a claim is not reworded after its run, so "
                "register yours under another id"
            )
        return known[name]
    place.parent.mkdir(parents=True, exist_ok=True)
    row = {"id": name} | {key: given[key] for key in FIELDS[1:]} | {"registered": datetime.date.today().isoformat()}
    text = yaml.safe_dump([row], sort_keys=False, allow_unicode=True, width=120)
    before = place.read_text(encoding="utf-8") if known else ""
    write_whole(place, (before + text).encode())
    return claim


def _claim(path, given: Mapping[str, Any]) -> Claim:
    name, rule = given["id"], given["rule"]
    bounds = [bound for bound in BOUNDS if isinstance(rule, dict) and bound in rule]
    if len(bounds) != 1 or set(rule) - {*BOUNDS, "every"} or not isinstance(rule[bounds[0]], (int, float)):
        raise ValueError(
            f"{path}: the claim {name!r} has the rule {rule!r}; expected one of {', '.join(BOUNDS)} with a number, and "
            "where it must hold for each of several, every: their name"
        )
    if given.get("found", "holds") not in FOUND:
        raise ValueError(f"{path}: the claim {name!r} has found: {given['found']!r}; expected one of {FOUND}")
    words = ("statement", "direction", "falsifier", "found", "paper", "reason", "expected")
    texts = {key: str(given[key]) for key in words if key in given}
    return Claim(id=name, bound=bounds[0], limit=float(rule[bounds[0]]), every=str(rule.get("every", "")), **texts)
