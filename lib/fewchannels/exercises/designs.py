"""Exercises in which the learner designs an experiment that could break a claim: a `Condition` to stand beside the
claim's own. The library says what the design controls for, what it leaves open, and why one cannot break the claim.

    task = exercise("ch4.design", dit, found)
    task.answer(Condition("transport", "PCA", k))       # what is held equal, and what is not
    task.run(n=8)                                       # once it is a fair design: both conditions, drawn and read

Whether the claim breaks is for the run to say; a design is right where it could.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import plots
from ..channels import ChannelSet
from ..names import EDITS as ABLATIONS
from ..notebook.cells import say, show
from ..notebook.claims import claims_file, read_claims
from ..reading.worlds import world_of
from ..studies import Condition, Results, Sets, Study, run
from ..studies.edits import EDITS
from ..studies.groups import NotHere
from ..studies.selection import MEASURES
from ..studies.sets import KINDS, OF_A_GROUP
from .asked import Exercise, Unread
from .words import Words, all_words

ASPECTS = {
    "set": ("channels", "k", "draw"),
    "edit": ("edit", "strength", "through", "into", "stream", "source"),
    "place": ("blocks", "steps"),
    "mask": ("mask",),
    "prompts": ("prompts",),
}
SAID = {
    "set": "which channels",
    "edit": "the edit",
    "place": "blocks and steps",
    "mask": "whose tokens",
    "prompts": "the prompts",
}
KEEPS_LEVEL = ("own_mean", "mean", "shuffle", "mean_level", "resample")
SAME_COUNT, SAME_ENERGY = 0.1, 0.15  # how far apart, as a share, is still as much


class Design(Exercise):
    """A condition beside that of a claim. study: what runs both. claim: its id in claims.yml. reading: the measure that
    is compared. about: the aspects that may differ, one at a time. own: what the claim's condition has otherwise than
    the study's base. breaks: what outcome would break the claim, in words; `verdict` reads it from the run."""

    study: Study
    claim = ""
    reading = ""
    about: tuple[str, ...] = ()
    own: tuple[tuple[str, Any], ...] = ()
    breaks = ""
    asks = ""

    def __init__(self, dit, found, variant=0):
        super().__init__(variant)
        self.dit, self.found = dit, found
        own = int(found.base.k)
        self.k = own if not self.variant else int(self.rng.choice([k for k in (2, 4, 6, 12, 16) if k != own]))
        self.fair: Condition | None = None

    @functools.cached_property
    def base(self) -> Condition:
        """The claim's condition, with this variant's k."""
        return self.found.base.but(k=self.k, **dict(self.own))

    @classmethod
    def wording(cls):
        """Its own words, with the hints and mistakes that all designs share."""
        own, shared = all_words()[cls.name], all_words()["design"]
        return Words(own.hints or shared.hints, shared.mistakes | own.mistakes, own.right or shared.right, own.solution)

    def question(self):
        claim = read_claims(claims_file())[self.claim]
        return (
            f"The claim: *{claim.statement}* {self.asks} Give one `Condition` to stand beside `task.base` "
            f"({self.base.name}). It may differ in {' or '.join(SAID[one] for one in self.about)}, in one thing at a "
            f"time. {self.breaks}"
        )

    def right(self):
        return self.base

    def agrees(self, obtained, expected):
        return isinstance(obtained, Condition) and obtained is not self.base

    def read(self, given):
        if isinstance(given, Mapping):
            try:
                given = self.base.but(**given)
            except ValueError as error:
                raise Unread(str(error)) from None
        if not isinstance(given, Condition):
            raise Unread("Give a `Condition`, such as `task.base.but(channels='bottom')`.")
        self._refuse(given)
        self.fair = given
        self._tell(given)
        return given

    def changed(self, rival: Condition) -> list[str]:
        """The aspects in which a condition differs from the claim's."""
        drawn = ("draw",) if rival.channels == self.base.channels and rival.channels not in DRAWN else ()
        return [
            aspect
            for aspect, fields in ASPECTS.items()
            if any(rival[name] != self.base[name] for name in fields if name not in drawn)
        ]

    def _refuse(self, rival: Condition) -> None:
        """Raise Unread for a design that could not break the claim, as the mistake that it is."""
        changed = self.changed(rival)
        if not changed:
            raise Unread(mistake="no change")
        groups = self.study.prompts
        if rival.prompts in groups and getattr(groups[rival.prompts], "split", "") == "calibration":
            raise Unread(mistake="calibration")
        if not rival.edit or not rival.strength or (not rival.channels and rival.edit in (*ABLATIONS, "transport")):
            raise Unread(mistake="nothing edited")
        changed = [
            aspect for aspect in changed if aspect != "prompts"
        ]  # another group of the study's is a sample of it
        if len(changed) > 1:
            raise Unread(f"Here: {' and '.join(SAID[one] for one in changed)}.", mistake="two things")
        if not changed or changed[0] not in self.about:
            raise Unread(f"Here: {SAID[(changed or ['prompts'])[0]]}.", mistake="another question")
        if reason := self._impossible(rival):
            raise Unread(f"here: {reason}.", mistake="cannot be run")
        if changed == ["set"]:
            self._refuse_set(rival)

    def _impossible(self, rival: Condition) -> str:
        """Why a condition cannot be carried out on this model; empty where it can."""
        blocks, steps = len(self.dit.layers), int(self.found.provenance["steps"])
        for name, where, count in (("block", rival.blocks, blocks), ("step", rival.steps, steps)):
            if where is not None and (not where or min(where) < 0 or max(where) >= count):
                return f"{name}s are 0 to {count - 1}, and yours are {where or 'none'}"
        if rival.edit not in EDITS:
            return f"there is no edit {rival.edit!r}; there are {', '.join(filter(None, EDITS))}"
        if rival.channels and rival.channels not in {*KINDS, *OF_A_GROUP}:
            return f"there is no kind of set {rival.channels!r}; there are {', '.join((*KINDS, *OF_A_GROUP))}"
        if rival.prompts not in self.study.prompts:
            return f"there is no group of prompts {rival.prompts!r}; there are {', '.join(self.study.prompts)}"
        if rival.channels and rival.channels not in OF_A_GROUP:
            try:
                self.sets.of(rival.channels, rival.k, rival.draw)
            except (NotHere, ValueError) as reason:
                return str(reason)
        return ""

    def _refuse_set(self, rival: Condition) -> None:
        own, other = (self.shares(c) for c in (self.base, rival))
        apart = {part: abs(other[part] - own[part]) / own[part] for part in ("count", "energy")}
        if apart["count"] > SAME_COUNT and not apart["energy"] <= SAME_ENERGY:
            told = f"{other['count']:g} channels a block beside {own['count']:g}"
            raise Unread(
                f"Here: {told}, {other['energy']:.0%} of the energy beside {own['energy']:.0%}.", "another count"
            )
        if (shared := self.overlap(rival)) > 0:
            raise Unread(f"Here: {shared:.0%} of it.", mistake="holds the top")

    @functools.cached_property
    def sets(self) -> Sets:
        """The channel sets of this model, made when they are first asked for."""
        return Sets(self.dit, world_of(self.dit), self.found.base.k, steps=int(self.found.provenance["steps"]))

    def shares(self, c: Condition) -> dict[str, float]:
        """Count, share of width and of energy of a condition's set: of the run, where it has it."""
        key = (c.channels, c.k, c.draw)
        if key in self.found.shares:
            return self.found.shares[key]
        if c.channels in OF_A_GROUP:
            return {"count": float(c.k), "width": c.k / self.sets.width, "energy": np.nan}
        return self.sets.shares(*key)

    def overlap(self, rival: Condition) -> float:
        """The share of a set that lies in the claim's; 0 for directions, which are made of all channels."""
        if rival.channels in OF_A_GROUP:
            return 1.0 if rival.channels.startswith("top of each") else 0.0
        own, other = (self.sets.of(c.channels, c.k, c.draw) for c in (self.base, rival))
        if not isinstance(own, ChannelSet) or not isinstance(other, ChannelSet):
            return 0.0
        rows = [np.isin(b, a).mean() for a, b in zip(own, other, strict=True) if len(b)]
        return float(np.mean(rows))

    def held(self, rival: Condition) -> tuple[list[str], list[str]]:
        """What a design controls for, and what it leaves open, as sentences."""
        own, other = (self.shares(c) for c in (self.base, rival))
        controls, leaves = [], []

        def sort(ok: bool, yes: str, no: str) -> None:
            (controls if ok else leaves).append(yes if ok else no)

        changed = self.changed(rival)
        for aspect in ("edit", "place", "mask"):
            if aspect not in changed and aspect != "mask":
                controls.append(f"{SAID[aspect]}: the same on both sides.")
        energies = f"{own['energy']:.0%} of the energy in the claim's set, {other['energy']:.0%} in yours"
        if "set" in changed:
            sort(True, f"the count: {other['count']:g} a block on both sides.", "")
            if np.isfinite(other["energy"]):
                alike = abs(other["energy"] - own["energy"]) <= SAME_ENERGY * own["energy"]
                sort(alike, f"size: {energies}.", f"size: {energies}. If less is done, it may be for that alone.")
            if rival.channels in DRAWN:
                leaves.append(
                    "the draw: it is one draw of many, and another may do more. Run several, `draw=0, 1, ...`."
                )
            if not isinstance(self._made(rival), ChannelSet):
                leaves.append("kind: these are directions, each made of all channels; the claim is about channels.")
        else:
            controls.append(f"which channels: the same {own['count']:g} a block.")
        if "edit" in changed:
            sort(
                rival.edit in KEEPS_LEVEL or rival.through == "content",
                "the norm: level or divisor are kept, so that other channels are not read as larger.",
                "the norm: size changes with it, and every other channel is read as larger or smaller.",
            )
        elif self.base.edit == "zero" and rival.through in ("stream", "both", "gain"):
            leaves.append(
                "the norm: a set at zero makes all other channels be read as larger, on both sides by how much it held."
            )
        if "place" in changed:
            share = _share(rival, len(self.dit.layers), int(self.found.provenance["steps"]))
            leaves.append(
                f"dose: your edit is in {share:.0%} of blocks and steps. If it does less, it may be for that alone."
            )
        leaves.append("the model: whatever comes out is about these weights.")
        return controls, leaves

    def _made(self, c: Condition) -> Any:
        return None if c.channels in OF_A_GROUP or not c.channels else self.sets.of(c.channels, c.k, c.draw)

    def _tell(self, rival: Condition) -> None:
        controls, leaves = self.held(rival)
        parts = [f"**Your design**: {rival.name}, beside {self.base.name}."]
        for heading, listed in (("It controls for", controls), ("It leaves open", leaves)):
            parts.append(f"{heading}:\n\n" + "\n".join(f"- {line}" for line in listed))
        if self.found.has(**rival):
            parts.append("The study of this chapter has this condition, too: `found` knows what came of it.")
        say("\n\n".join(parts))
        rows = {name: self.shares(c) for name, c in (("the claim's", self.base), ("yours", rival))}
        groups = {f"share of {part}": {name: row[part] for name, row in rows.items()} for part in ("width", "energy")}
        show(
            plots.dots(groups, xlabel="share"),
            alt="Width and energy of the claim's set and of yours.",
            caption="What both sets hold, mean over blocks.",
        )

    def run(self, n: int = 8) -> Results:
        """Draw both conditions on n prompts, read them, and say whether the claim would stand against yours. Raises
        RuntimeError before a fair design was given."""
        if self.fair is None:
            raise RuntimeError("task.run() runs a fair design: give one to task.answer first")
        pair = {"the claim's": self.base.but(prompts=self.fair.prompts), "yours": self.fair}
        given = {"seed": int(self.found.provenance["seed"]), "steps": int(self.found.provenance["steps"])}
        made = run(
            self.study, self.dit, n=n, k=self.found.base.k, conditions=[*pair.values()], instruments=False, **given
        )
        readings = made.readings(self.reading) if self.reading in MEASURES else [self.reading]
        rows = {one: {name: made.mean(one, **c) for name, c in pair.items()} for one in readings}
        show(
            plots.dots(rows, xlabel=self.reading),
            alt="The claim's condition and yours, by reader.",
            caption=f"{n} prompts of the study's largest group, or as many as yours has. 95 % intervals over prompts.",
        )
        for one in readings:
            said, stands = self.verdict(made, one, *pair.values())
            words = {
                True: "**The claim stands** against your condition.",
                False: "**Your condition breaks the claim.**",
            }
            open_ = "**Open**: so few prompts cannot tell. Take more, such as `task.run(n=32)`."
            say(f"{said} {words.get(stands, open_)}")
        return made

    def verdict(self, made: Results, reading: str, own: Condition, rival: Condition) -> tuple[str, bool | None]:
        """What was found, in words, and whether the claim stands; None where it cannot be told. Here it does where the
        claim's condition does more than the other."""
        apart = made.minus(reading, own, rival)
        told = (
            f"{reading}: the claim's minus yours {apart.value:.3g} (95 % interval {apart.low:.3g} to {apart.high:.3g})."
        )
        return told, True if apart.low > 0 else False if apart.high < 0 else None


DRAWN = tuple(kind for kind in KINDS if kind.startswith(("random", "energy-matched", "matched")))


def _share(c: Condition, blocks: int, steps: int) -> float:
    return len(c.blocks or range(blocks)) / blocks * len(c.steps or range(steps)) / steps
