"""A study: its prompts, its readers, and a function that lists its conditions. `run` does the rest.

    critical = Study("critical", conditions, {"all": evaluation(), "few": evaluation(3 / 8)}, (Change(), Agreement()))
    critical.table(model)                                   # what it would do: conditions, prompts, pictures, minutes
    found = run(critical, model, n=24)                      # Results

Conditions that share prompts and noise are rows of one batch, and the steps and blocks before their edits are computed
once. Everything that is computed is kept by its content: pictures by their condition, readings by their pictures and
their reader. So a run that is stopped goes on, and a new reader costs no forward pass.
"""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..edits.inversion import can_invert, why_no_picture
from ..identity import code_digest, content, digest
from ..measure.statistics import key_of
from ..reading.readers import Reader, Seen, smaller
from ..reading.worlds import World, texts, world_of
from ..sweep import SweepFailed, sweep, sweep_conditions, unchanged
from .condition import Condition, span
from .edits import SOURCE, UNTOUCHED, Ground, row_of
from .groups import Group, NotHere, Prompts, own_pictures
from .results import Results
from .sets import Sets
from .views import Table

MOST_BYTES = 2**30  # of pictures that are held at a time


@dataclass(frozen=True)
class Study:
    """conditions(sets, blocks, steps): what is measured. prompts: its groups by name. readers: see `readers`.

    base: what a selection of results takes where a field is not named. choose: functions of the results so far, which
    give more conditions, one after the other: settings are chosen on calibration prompts. instruments(sets): name ->
    Instrument, what is measured besides edits. again(condition): what is run again where a committed run is read, so
    that a chapter sees that its numbers are still those of the code. about: one sentence.
    """

    name: str
    conditions: Callable[[Sets, int, int], Iterable[Condition]]
    prompts: dict[str, Prompts]
    readers: tuple[Reader, ...]
    base: Condition = field(default_factory=Condition)
    choose: tuple[Callable[[Results], Iterable[Condition]], ...] = ()
    instruments: Callable[[Sets], dict[str, Instrument]] | None = None
    again: Callable[[Condition], bool] = lambda c: c.prompts == "all"
    about: str = ""

    def table(self, model, n: int = 128, **more: Any) -> Table:
        """What `run` with these arguments would do, before it runs: conditions, prompts, pictures and minutes. What is
        chosen on calibration prompts is not among them yet."""
        plan = Plan(self, model, n=n, **more)
        head = ("edit", "channels", "k", "blocks", "steps", "more", "prompts")
        rows = [(*_described(c), len(plan.groups[c.prompts])) for c in plan.able]
        return Table(f"{Table.of(head, rows, 6)}\n\n{plan.cost(seconds_a_picture(model, plan.generation))}")


@dataclass(frozen=True)
class Instrument:
    """What is measured besides an edit. measure(model, group, sets): arrays by name, one row a prompt. prompts: the
    group. pictures: how many it draws for each of them, about. again: whether a slice of it is run again where a
    committed run is read."""

    measure: Callable[[Any, Group, Sets], dict[str, np.ndarray]]
    prompts: str = "all"
    pictures: int = 1
    again: bool = True


def distinct(study: Study, listed: Iterable[Condition], groups: Mapping[str, int]) -> list[Condition]:
    """The conditions listed, without those that are measured on a larger group which begins with theirs. groups: how
    many prompts each has that there is."""
    made = {name: dataclasses.replace(one, share=1, most=None) for name, one in study.prompts.items()}

    def larger(name: str) -> list[str]:
        return [g for g in groups if name in groups and made[g] == made[name] and groups[g] > groups[name]]

    listed = dict.fromkeys(listed)
    return [c for c in listed if not any(c.but(prompts=name) in listed for name in larger(c.prompts))]


class Plan:
    """A study on one model: groups, sets and conditions, before anything but calibration has run."""

    def __init__(
        self,
        study: Study,
        model,
        n=128,
        seed=0,
        steps=None,
        k=None,
        world=None,
        prompts=None,
        images=(),
        store=None,
        **generation: Any,
    ):
        store = store or None  # "" is what a notebook has where nothing is kept
        self.study, self.model, self.n, self.seed, self.store = study, model, n, seed, store
        self.own = own_pictures(model, images, generation.get("height"), generation.get("width"))
        self._references: dict[tuple, np.ndarray] = {}
        self.world = world or world_of(model)
        self.steps = steps or self.world.study_steps or model.preset.study_steps or model.steps
        self.generation = {**generation, "steps": self.steps}
        self.k = k or model.preset.k
        self.sets = Sets(model, self.world, self.k, store=store, **self.generation)
        given = self._given(prompts)
        self.groups: dict[str, Group] = {}
        self.missing: dict[str, str] = {}
        for name, made in study.prompts.items():
            own = given if made.split == "evaluation" else None
            try:
                if made.way == "invert" and not can_invert(model):
                    raise NotHere("the steps of its scheduler cannot be run backwards, from a picture to its noise")
                self.groups[name] = made.of(self.world, n, seed, name, own, self._drawn, self.own)
            except NotHere as reason:
                self.missing[name] = str(reason)
        listed = study.conditions(self.sets, len(model.layers), self.steps)
        self.listed = distinct(study, listed, {name: len(group) for name, group in self.groups.items()})

    @property
    def able(self) -> list[Condition]:
        """The conditions whose group of prompts there is."""
        return [c for c in self.listed if c.prompts in self.groups]

    def _given(self, prompts) -> list[Any] | None:
        if prompts is None or prompts == "":  # what a notebook has where no file is named
            return None
        if isinstance(prompts, (str, Path)):
            return self.world.from_file(prompts, self.n)
        if not prompts:
            raise ValueError("prompts is empty: pass at least one")
        return [self.world.parsed(text) for text in prompts][: self.n]

    def _drawn(self, prompts: list[str], seed: int) -> np.ndarray:
        """Pictures of prompts, as references whose own trajectories the model can be shown."""
        if reason := why_no_picture(self.model):
            raise NotHere(f"no picture can enter this model's run: {reason}")

        def draw() -> dict[str, np.ndarray]:
            return {"images": self.model.generate(prompts, seed=seed, **self.generation)}

        for (others, noise), images in self._references.items():  # groups begin alike: draw each picture once
            if noise == seed and others[: len(prompts)] == tuple(prompts):
                return images[: len(prompts)]
        key = {**self.key, "of": prompts, "seed": seed}
        images = sweep({"references": draw}, self.store, key)["references"]["images"]
        self._references[tuple(prompts), seed] = images
        return images

    @functools.cached_property
    def key(self) -> dict[str, Any]:
        """What everything of this plan hangs on."""
        own = key_of(self.model, [], self.generation, steps=self.steps)
        return {**own, "calibration": content(self.sets.prompts), "k": self.k}

    def cost(self, seconds: float | None = None) -> str:
        """How many pictures the conditions are; with the seconds of one, about how long they take."""
        looks = (self.study.instruments(self.sets) if self.study.instruments else {}).values()
        pictures = sum(len(self.groups[c.prompts]) for c in self.able)
        pictures += sum(len(self.groups[look.prompts]) * look.pictures for look in looks if look.prompts in self.groups)
        told = "" if seconds is None else f" About {_minutes(pictures * seconds)} on this machine, one at a time."
        parts = {"condition": len(self.listed), "look": len(looks)}
        listed = " and ".join(f"{count} {what}{'s' * (count > 1)}" for what, count in parts.items() if count)
        return f"{listed}, {pictures:,} pictures of {self.steps} steps, beside calibration.{told}"


def _minutes(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{seconds / 3600:.1f} hours" if minutes > 90 else f"{minutes} minute{'s' * (minutes > 1)}"


def seconds_a_picture(model, generation: dict[str, Any]) -> float:
    """How long one picture takes here, by drawing one."""
    prompt = world_of(model).prompts(1, "calibration")
    words = texts(world_of(model), prompt)
    model.generate(words, **{**generation, "steps": 1})  # what is done once a process
    began = time.monotonic()
    model.generate(words, **generation)
    return time.monotonic() - began


def _described(c: Condition) -> list[Any]:
    """Edit, channels, k, blocks, steps, and whatever else is not as usual."""
    drawn, k = (f"{c.channels} {c.draw + 1}" if c.draw else c.channels), c.k if c.channels else ""
    where = ["all" if part is None else span(part) for part in (c.blocks, c.steps)]
    names = ("mask", "strength", "stream", "source", "through", "into")
    more = [f"{name} {c[name]}" for name in names if c[name] != getattr(Condition, name)]
    return [c.edit or "untouched", drawn, k, *where, ", ".join(more)]


def run(
    study: Study,
    model,
    *,
    n: int = 128,
    seed: int = 0,
    steps: int | None = None,
    k: int | None = None,
    world: World | None = None,
    prompts: Sequence[str] | str | Path | None = None,
    images: Sequence[str | Path] = (),
    store: str | Path | None = None,
    conditions: Iterable[Condition] | None = None,
    instruments: bool | Callable[[Instrument], bool] = True,
    pictures: bool = False,
    report: Callable[[str], None] | None = None,
    **generation: Any,
) -> Results:
    """Do a study on a model.

    n: prompts of its largest group. prompts: a list of texts, or a prompt file, in place of the study's own. images:
    a reader's own files in place of reference pictures, one subject each, whose names are their captions
    ("a_red_fox.png"); settings are still chosen on calibration's. world: with the judges that read (default: that of
    the model, the toy's with its own judge). store: a folder that keeps everything as it comes. conditions: these, in
    place of the study's own and of those that it would choose. instruments: whether the study's are asked, or which
    of them. pictures: keep each condition's "pictures" uint8 [P, h, w, 3], at most 256 px a side, in the results.
    generation: more arguments of Model.generate.

    Conditions that this model cannot have are named in `Results.left_out`, each with the reason. Raises SweepFailed
    where a condition failed, after all others are done and kept.
    """
    plan = Plan(study, model, n, seed, steps, k, world, prompts, images, store, **generation)
    engine = Engine(plan, report or (lambda line: None), pictures)
    if conditions is None:
        seconds = getattr(model, "seconds", None)  # of a picture at the model's own steps, where somebody timed one
        engine.report(plan.cost(seconds and seconds * plan.steps / (model.steps or plan.steps)))
    with unchanged(model):
        engine.do(plan.listed if conditions is None else conditions)
        for choose in study.choose if conditions is None else ():
            engine.do(choose(engine.results()))
        asked = study.instruments(plan.sets) if study.instruments and instruments else {}
        engine.measure({name: one for name, one in asked.items() if not callable(instruments) or instruments(one)})
    return engine.results()


@dataclass
class Engine:
    """Carries conditions out and reads their pictures."""

    plan: Plan
    report: Callable[[str], None]
    keeps: bool = False
    cells: dict[Condition, dict[str, np.ndarray]] = field(default_factory=dict)
    instruments: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    _pictures: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)
    _grounds: dict[str, Ground] = field(default_factory=dict)

    def ground(self, name: str) -> Ground:
        if name not in self._grounds:
            if name in self.plan.missing:
                raise NotHere(self.plan.missing[name])
            if name not in self.plan.groups:
                raise ValueError(f"prompts={name!r}: the study has the groups {', '.join(self.plan.groups)}")
            self._grounds[name] = Ground(self.plan.sets, self.plan.groups[name], self.plan.key)
        return self._grounds[name]

    def do(self, conditions: Iterable[Condition]) -> None:
        """Compute and read conditions, group by group."""
        groups: dict[str, list[Condition]] = {}
        for c in dict.fromkeys(conditions):
            if c not in self.cells and c.name not in self.left_out:
                groups.setdefault(c.prompts, []).append(c)
        for name, some in groups.items():
            try:
                ground = self.ground(name)
            except NotHere as reason:
                self.left_out |= {c.name: str(reason) for c in some}
                continue
            rows = []
            for c in some:
                try:
                    rows.append((c, row_of(c, ground)))
                except NotHere as reason:
                    self.left_out[c.name] = str(reason)
            for lot in self._lots(rows, ground):
                self._read(self._drawn(lot), ground)

    def _lots(self, rows: list, ground: Ground) -> list[list]:
        """Conditions whose pictures are held at the same time; of their size a guess, from above."""
        side = 48 if self.plan.world.exact else self.plan.model.preset.size or 1024
        most = max(1, MOST_BYTES // (3 * side * side * len(ground.group)))
        return [rows[start : start + most] for start in range(0, len(rows), most)]

    def _drawn(self, rows: list[tuple[Condition, dict]]) -> dict[Condition, dict[str, np.ndarray]]:
        """Condition -> its pictures, and what was moved."""
        try:
            found = sweep_conditions([row for _, row in rows], self.plan.store, self.report, measure=kept_pictures)
        except SweepFailed as failed:
            reasons = {name: failure.error for name, failure in failed.failures.items()}
            if not all(isinstance(error, NotHere) for error in reasons.values()):
                raise
            self.left_out |= {name: str(error) for name, error in reasons.items()}
            found = failed.found
        return {c: found[c.name] for c, _ in rows if c.name in found}

    def _read(self, drawn: dict[Condition, dict[str, np.ndarray]], ground: Ground) -> None:
        """Numbers of some conditions of one group, by all readers that fit it."""
        for c, cell in drawn.items():
            if c.edit in (UNTOUCHED, SOURCE):
                self._pictures[ground.group.name, "untouched" if c.edit == UNTOUCHED else "source"] = cell["pictures"]
        seen = self._seen(ground)
        readings = {}
        for reader in self.plan.study.readers:
            if not reader.fits(seen):
                continue
            beside = {name: content(seen.picture(name)) for name in reader.needs} if self.plan.store else {}
            on = [content(vars(reader)), code_digest(type(reader)), reader.hangs_on(seen), beside]
            for c, cell in drawn.items():
                known = digest([*on, cell["pictures"]]) if self.plan.store else c.name
                readings[c, f"{reader.name} of {known}"] = functools.partial(reader, cell["pictures"], seen)
        key = {"group": content(ground.group.content()), "truth": content(ground.group.truth)}
        found = sweep({name: compute for (_, name), compute in readings.items()}, self.plan.store, key)
        for c, cell in drawn.items():
            self.cells[c] = {name: array for name, array in cell.items() if name != "pictures"}
            if self.keeps:
                self.cells[c]["pictures"] = smaller(cell["pictures"])
        for c, name in readings:
            self.cells[c] |= found[name]

    def _seen(self, ground: Ground) -> Seen:
        def picture(side: str) -> np.ndarray:
            where = ground.group.name, side
            if where not in self._pictures:
                c = Condition(UNTOUCHED if side == "untouched" else SOURCE, prompts=ground.group.name)
                self._pictures[where] = self._drawn([(c, row_of(c, ground))])[c]["pictures"]
            return self._pictures[where]

        return Seen(self.plan.world, ground.group, picture, ground.mask)

    def measure(self, instruments: dict[str, Instrument]) -> None:
        """What the study's instruments give."""
        for name, instrument in instruments.items():
            try:
                group = self.ground(instrument.prompts).group
            except NotHere as reason:
                self.left_out[name] = str(reason)
                continue

            def compute(instrument=instrument, group=group) -> dict[str, np.ndarray]:
                return instrument.measure(self.plan.model, group, self.plan.sets)

            key = {**self.plan.key, "group": content(group.content()), "measure": content(instrument.measure)}
            try:
                self.instruments[name] = sweep({name: compute}, self.plan.store, key, self.report)[name]
            except NotHere as reason:
                self.left_out[name] = str(reason)

    def results(self) -> Results:
        """What is found so far."""
        plan = self.plan
        shares = {}
        for c in self.cells:
            key = c.channels, c.k, c.draw
            if c.channels and c.stream == "image" and key not in shares:
                shares[key] = plan.sets.shares(*key, self.ground(c.prompts).group)
        provenance = {**plan.model.provenance(), "seed": plan.seed, "steps": plan.steps}
        if plan.world.judge is not None:
            provenance["judge"] = plan.world.judge.provenance()
        return Results(
            plan.study.name,
            dict(self.cells),
            {name: len(group) for name, group in plan.groups.items()},
            dict(self.instruments),
            dict(self.left_out),
            shares,
            provenance,
            next(iter(plan.groups.values())).prompts,
            dataclasses.replace(plan.study.base, k=plan.k),
            {"blocks": len(plan.model.layers), "width": plan.sets.width, "date": time.strftime("%Y-%m-%d")},
        )


def kept_pictures(images: np.ndarray, untouched: np.ndarray) -> dict[str, np.ndarray]:
    """ "pictures" uint8 [P, H, W, 3]: what every reader starts from."""
    return {"pictures": images}
