"""Conditions that share prompts and noise, generated as rows of one batch.

Each condition's edit sees its own rows alone, numbered as if it ran by itself, so that it draws the same numbers there
(shuffle, noise) and logs the same samples. What fails in a batch is tried again in halves, down to the one condition
that it is about; what runs out of memory, with half as many rows.
"""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..choices import chosen_layers, chosen_steps
from ..edits.ablation import channel_edit
from ..edits.channel_edit import ChannelEdit
from ..edits.patching import channel_transport
from ..metrics import known_mean, squared_distance
from ..models.arguments import of_rows
from ..store.tasks import Failure
from ..store.workers import named
from ..watch.hooks import edit
from .depth import Depth
from .prefix import Prefix
from .recordings import Recording, unchanged

# of this process: by sweep and group, what its batches share, and how many rows fit into memory
_bases: dict[tuple[str, str], Base] = {}
_fits: dict[str, int] = {}
KEPT_BASES = 2
OF_THE_HOOK = ("branch", "through", "into")  # options that say where tokens are seen, and not what becomes of them
ALONE = "alone"  # the edit of a condition whose options={"by": ...} draws its pictures: by.draw(model)


def change(images: np.ndarray, untouched: np.ndarray) -> dict[str, np.ndarray]:
    """ "change" float32 [P]: the mean squared difference of pictures uint8 [P, H, W, 3] to those without an edit."""
    return {"change": squared_distance(images, untouched).astype(np.float32)}


def change_and_pictures(images: np.ndarray, untouched: np.ndarray) -> dict[str, np.ndarray]:
    """As `change`, with the "pictures" uint8 [P, H, W, 3] themselves."""
    return {**change(images, untouched), "pictures": images}


@dataclass
class Base:
    """What the conditions of a group start from: pictures without an edit, uint8 [P, H, W, 3], and what their steps and
    blocks before the edits gave."""

    untouched: np.ndarray
    prefix: Prefix
    depth: Depth


@dataclass(frozen=True)
class Part:
    """One condition. edit: what it does, or None. layers, steps: where; steps is None for all."""

    condition: dict
    edit: ChannelEdit | None
    layers: frozenset[int]
    steps: frozenset[int] | None

    @property
    def first(self) -> int:
        """The first step that is edited."""
        return min(self.steps) if self.steps else 0


@dataclass
class Batch:
    """Conditions of one group (equal prompts, samples, seed and generation), as the `compute` of a Task.

    sweep, group: names under which this process keeps what batches share. model: what `named` takes, or a Model.
    rows: pictures at once. steps: how many steps of the prefix the group needs; 0 shares none. starts: the first step
    and the blocks of the group's conditions, whose earlier blocks are shared; empty shares none.
    measure: function(images, untouched) -> arrays.
    """

    sweep: str
    group: str
    model: Any
    conditions: list[dict]
    rows: int
    steps: int
    starts: set[tuple[int, tuple]]
    measure: Callable[[np.ndarray, np.ndarray], Mapping[str, np.ndarray]]

    def __call__(self, names: list[str]) -> dict[str, Mapping | Failure]:
        model = named(*self.model) if isinstance(self.model, tuple) else self.model
        with unchanged(model):
            return self._computed(model, names)

    def _computed(self, model, names: list[str]) -> dict[str, Mapping | Failure]:
        base = self._base(model)
        found: dict[str, Mapping | Failure] = {}
        todo = [[c for c in self.conditions if c["name"] in names]]
        while todo:
            some = todo.pop()
            try:
                found |= self._measured(model, base, some)
                continue
            except Exception as error:
                if len(some) == 1:
                    found[some[0]["name"]] = Failure(error, traceback.format_exc())
            if len(some) > 1:
                todo += [some[len(some) // 2 :], some[: len(some) // 2]]
        return found

    def _base(self, model) -> Base:
        where = self.sweep, self.group
        if where not in _bases:
            while len(_bases) >= KEPT_BASES:
                del _bases[next(iter(_bases))]
            everyone = [(None, list(range(len(self.conditions[0]["prompts"]))))]
            _bases[where] = self._fitting(lambda rows: self._untouched(model, everyone, rows), len(everyone[0][1]))
        return _bases[where]

    def _untouched(self, model, everyone, rows) -> Base:
        prefix, depth = Prefix(self.steps), Depth(_first_blocks(model, self.starts), len(everyone[0][1]))
        images = []
        for chunk in _chunks(everyone, rows):
            samples = _samples(self.conditions[0], chunk)
            with depth.recorded(model, samples), prefix.recorded(model, samples):
                images.append(self._generated(model, chunk))
        return Base(np.concatenate(images), prefix, depth)

    def _measured(self, model, base: Base, conditions: list[dict]) -> dict[str, Mapping]:
        alone = [condition for condition in conditions if condition["edit"] == ALONE]
        found = {one["name"]: self._by_itself(model, base, one) for one in alone}
        parts = [self._part(model, condition, base.prefix.total) for condition in conditions if condition not in alone]
        edited = [part for part in parts if part.edit is not None]
        total = len(edited) * len(base.untouched)
        pictures = self._fitting(lambda rows: self._edited(model, base, edited, rows), total) if edited else {}
        for part in parts:
            name = part.condition["name"]
            arrays = dict(self.measure(pictures.get(name, base.untouched), base.untouched))
            if part.edit is not None:
                part.edit.complain()
                logged = {"moved": part.edit.change, "energy": part.edit.energy_ratio}
                arrays |= {what: known_mean(rows, axis=(1, 2)).astype(np.float32) for what, rows in logged.items()}
            found[name] = arrays
        return found

    def _by_itself(self, model, base: Base, condition: dict) -> dict[str, np.ndarray]:
        """A condition whose edit draws its own pictures."""
        images, logged = condition["options"]["by"].draw(model)
        return {**self.measure(images, base.untouched), **logged}

    def _part(self, model, condition, total) -> Part:
        if condition["edit"] is None:
            return Part(condition, None, frozenset(), None)
        options = {name: value for name, value in condition["options"].items() if name not in OF_THE_HOOK}
        for name, value in options.items():
            if isinstance(value, Recording):
                options[name] = value.of(model).trajectory
        if condition["edit"] == "transport":
            source = options.pop("source")
            change = channel_transport(
                model, source, condition["channels"], mask=options.pop("tokens", None), **options
            )
        else:
            change = channel_edit(model, condition["channels"], condition["edit"], **options)
        steps = chosen_steps(condition["steps"], total, run=True)
        return Part(condition, change, chosen_layers(model.layers, condition["blocks"]), steps)

    def _fitting(self, function: Callable[[int], Any], total: int) -> Any:
        """function(rows), with half as many rows each time that memory runs out; what fitted is remembered. total:
        the rows that there are."""
        while True:
            rows = min(self.rows, _fits.get(self.sweep, self.rows), total)
            try:
                return function(rows)
            except Exception as error:
                if not is_out_of_memory(error) or rows == 1:
                    raise
            _fits[self.sweep] = rows // 2  # outside of `except`, whose traceback holds the tensors
            gc.collect()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def _edited(self, model, base: Base, parts: list[Part], rows: int) -> dict[str, np.ndarray]:
        for part in parts:
            part.edit.forget()  # a batch that ran out of memory has left its log
        count = len(base.untouched)
        whole = [(part, list(range(count))) for part in parts]
        images: dict[str, list[np.ndarray]] = {part.condition["name"]: [] for part in parts}
        for chunk in _chunks(whole, rows):
            first = min(part.first for part, _ in chunk)
            block = min(min(part.layers) for part, _ in chunk if part.first == first)
            samples = _samples(parts[0].condition, chunk)
            with (
                base.depth.replayed(model, samples, first, block),
                base.prefix.replayed(model, samples, min(first, self.steps)),
            ):
                made = self._generated(model, chunk)
            at = 0
            for part, prompts in chunk:
                images[part.condition["name"]].append(made[at : at + len(prompts)])
                at += len(prompts)
        return {name: np.concatenate(made) for name, made in images.items()}

    def _generated(self, model, chunk) -> np.ndarray:
        """Pictures of the rows of a chunk, in their order."""
        shared = self.conditions[0]
        rows = [prompt for _, prompts in chunk for prompt in prompts]
        given = of_rows(model.pipeline, shared["generation"], rows, len(shared["prompts"]))
        with ExitStack() as stack:
            for (branch, stream, through, into), edits in _together(chunk).items():
                layers = sorted(frozenset().union(*(one.part.layers for one in edits)))
                layers = None if len(layers) == len(model.layers) else layers  # a last block may give no text
                steps = [one.part.steps for one in edits]
                steps = None if None in steps else sorted(frozenset().union(*steps))
                where = {"layers": layers, "steps": steps, "branch": branch, "stream": stream}
                stack.enter_context(edit(model, _ByRows(edits), **where, through=through, into=into))
            return model.generate(
                [shared["prompts"][row] for row in rows],
                seed=shared["seed"],
                samples=_samples(shared, chunk),
                batch_size=len(rows),
                **given,
            )


@dataclass(frozen=True)
class _Own:
    """The rows of a batch that a condition has: a slice, and the numbers of its prompts."""

    part: Part
    rows: slice
    prompts: list[int]


@dataclass(frozen=True)
class _ByRows:
    """Edits of several conditions as one function for hooks.edit, each on its own rows."""

    edits: list[_Own]

    def __call__(
        self, tokens: torch.Tensor, *, layer, step, samples, grid, block=None, again=False
    ) -> torch.Tensor | None:
        changed = False
        for own in self.edits:
            if layer not in own.part.layers or (own.part.steps is not None and step not in own.part.steps):
                continue
            where = {"layer": layer, "step": step, "samples": own.prompts, "grid": grid, "again": again}
            new = own.part.edit(tokens[own.rows], **where, block=None if block is None else block[own.rows])
            if new is not None:
                tokens[own.rows] = new
                changed = True
        return tokens if changed else None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on a GPU or here."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    words = ("out of memory", "can't allocate memory", "cannot allocate memory")
    return isinstance(error, (RuntimeError, OSError)) and any(word in str(error).lower() for word in words)


def forget(sweep: str) -> None:
    """Drop what this process keeps for a sweep."""
    _fits.pop(sweep, None)
    for where in [where for where in _bases if where[0] == sweep]:
        del _bases[where]


def _chunks(whole: list[tuple[Part | None, list[int]]], rows: int) -> list[list[tuple[Part | None, list[int]]]]:
    """Conditions with their prompts, in lots of at most `rows`: several conditions, or a part of one."""
    count = len(whole[0][1])
    if count <= rows:
        each = rows // count
        return [whole[start : start + each] for start in range(0, len(whole), each)]
    return [[(part, prompts[i : i + rows])] for part, prompts in whole for i in range(0, count, rows)]


def _together(chunk) -> dict[tuple, list[_Own]]:
    """Edits by (branch, stream, through, into), which are the hook's."""
    found: dict[tuple, list[_Own]] = {}
    at = 0
    for part, prompts in chunk:
        if part is not None:
            options = part.condition["options"]
            into = options.get("into")
            into = into if into is None or isinstance(into, str) else tuple(into)
            where = (
                options.get("branch", "both"),
                options.get("stream", "image"),
                options.get("through", "stream"),
                into,
            )
            found.setdefault(where, []).append(_Own(part, slice(at, at + len(prompts)), prompts))
        at += len(prompts)
    return found


def _first_blocks(model, starts: set[tuple[int, tuple]]) -> set[tuple[int, int]]:
    """(step, first block edited) of the starts; those that name no block of the model fail with their condition."""
    found = set()
    for step, blocks in starts:
        with suppress(ValueError):
            found.add((step, min(chosen_layers(model.layers, blocks))))
    return found


def _samples(condition: dict, chunk) -> list[int]:
    return [condition["samples"][prompt] for _, prompts in chunk for prompt in prompts]
