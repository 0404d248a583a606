"""The edits that a condition can name, and what each asks of a run: one function an edit, one row in `EDITS`.

    row_of(Condition(edit="transport", channels="top"), ground)       # a row for sweep_conditions

A row is data: prompts, noise, channels, blocks, steps, and options that say what is put in their place. What must be
recorded beforehand is a `Recording` in it, which is made once on the machine that computes the row. Edits of channels
are rows of one batch with others; what works on prompts, latents or the model's own outputs draws by itself.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..channels import ChannelSet, Directions
from ..edits.ablation import NAMES
from ..edits.blending import CannotMix, blend_latents, blend_velocities, interpolate_prompts
from ..edits.guidance import detail_guidance
from ..edits.image_latents import encode
from ..edits.inversion import renoised
from ..identity import content
from ..masks.subjects import partition, to_grid
from ..names import THROUGH
from ..sweep import Recording, sweep
from ..watch.hooks import refuse_unread
from ..watch.subspaces import subspace
from .condition import Condition
from .groups import Group, NotHere
from .sets import MOST_BYTES, Sets
from .side_by_side import SideBySide

Row = dict[str, Any]  # columns of `sweep_conditions`
FEW_OTHERS = 4  # prompts that `resample` takes from, where all are too many to be recorded
LIMIT = 2 * 2**30  # bytes of one recording
SIZED = ("noise", "shift")  # as large as the top channels are, on channels that are not
FROM_CALIBRATION = ("mean", "mean_level")


@dataclass(eq=False)
class Ground:
    """What the edits of one group of prompts stand on: sets of a model, what is recorded, whose masks there are. key:
    what else its masks hang on, in the store of the sets."""

    sets: Sets
    group: Group
    key: Mapping[str, Any] = field(default_factory=dict)
    _masks: dict[str, np.ndarray] = field(default_factory=dict)

    def place(self) -> Row:
        """Columns of a row that all conditions of the group share: its prompts, and the noise that they start from."""
        start = {"latents": self.source().of(self.sets.model).trajectory.latents} if self.group.inverted else {}
        shared = {"prompts": self.group.prompts, "samples": self.group.samples, "seed": self.group.seed}
        return shared | {"generation": {**self.sets.generation, **start}}

    def on_channels(self, c: Condition, edit: str, channels: Any, options: dict[str, Any]) -> Row:
        """A row of an edit of channels."""
        where = {"channels": channels, "blocks": c.blocks, "steps": c.steps}
        return {**self.place(), "edit": edit, **where, "options": {**options, **self.reads(c)}}

    def reads(self, c: Condition) -> dict[str, Any]:
        """What a condition says of reads, as arguments of `ablate` and `inject`: none in the stream. Raises NotHere for
        reads that the model does not have."""
        if c.through == "stream" and not c.into:
            return {}
        given = {"through": c.through, "into": c.into.split(", ") if c.into else None}
        try:
            refuse_unread(self.sets.model, layers=c.blocks, stream=c.stream, **given)
        except ValueError as error:
            raise NotHere(str(error)) from error
        return given

    def alone(self, by: Any) -> Row:
        """A row whose pictures by.draw(model) makes."""
        return {**self.place(), "edit": "alone", "options": {"by": by}}

    def channels(self, c: Condition) -> Any:
        return self.sets.of(c.channels, c.k, c.draw, c.stream, self.group)

    def fits(self, channels: Any) -> bool:
        """Whether the sources' states on channels (None: all) fit into one recording."""
        stats = self.sets.calibration().stats
        _, blocks, steps, width = stats.mean.shape
        held = blocks * width if channels is None or isinstance(channels, Directions) else int(channels.mask().sum())
        size = max(2, self.sets.model.dtype.itemsize)  # quantised weights are of one byte, hidden states never
        return len(self.group) * steps * int(np.prod(stats.grid)) * held * size <= LIMIT

    def sources(self) -> list[str]:
        """The prompts of the group's sources. Raises NotHere where there are none."""
        if not self.group.sources:
            raise NotHere("there is no source: these are no pairs of prompts")
        return self.group.sources

    def source(self, channels: Any = None) -> Recording:
        """The sources' run: of all channels where that fits, so that one recording serves all; else of those given."""
        own = {"prompts": self.sources(), "seed": self.group.seed, "generation": self.sets.generation}
        if self.group.images is None:
            own["samples"] = self.group.samples
        else:
            own |= {"images": self.group.images, "way": self.group.way, "iterations": self.group.iterations}
        return Recording(**own, channels=None if self.fits(None) else channels)

    def mask(self, name: str) -> np.ndarray | None:
        """bool [P, h, w]: whose tokens are moved, by a name of `MASKS`; None for ""."""
        if not name:
            return None
        if name not in MASKS:
            raise ValueError(f"mask={name!r}: expected one of {', '.join(MASKS)}, or '' for all tokens")
        if name not in self._masks:
            key = {**self.key, "group": content(self.group.content()), "mask": name, "k": self.sets.k}
            made = sweep({f"mask {name}": lambda: {name: MASKS[name](self)}}, self.sets.store, key)
            self._masks |= made[f"mask {name}"]
        return self._masks[name]

    def tokens_of(self, side: str) -> Recording:
        """The run of a side, recorded where subject masks are made."""
        layer, top = len(self.sets.model.layers) // 2, self.sets.of("top")
        if side == "source" and (self.group.images is not None or self.fits(None)):
            return self.source(top)
        prompts, place = self.group.sources if side == "source" else self.group.prompts, self.place()
        return Recording(prompts, place["seed"], place["samples"], place["generation"], channels=top, layers=[layer])


def _subjects(ground: Ground, side: str) -> np.ndarray:
    """The subjects by K-means on the top k in the middle block at the last step, as `transport` makes them."""
    layer, made = len(ground.sets.model.layers) // 2, ground.tokens_of(side).of(ground.sets.model).trajectory
    part = subspace(ground.sets.of("top"), layer, made.width, "cpu")
    values = made.take(layer, made.steps[-1], list(range(made.samples)), part)
    return partition(values, grid=made.grid).mask


def _truth(ground: Ground) -> np.ndarray:
    """The exact subject of a reference."""
    if ground.group.masks is None:
        raise NotHere("no exact mask of the sources' subjects is known")
    return to_grid(ground.group.masks, ground.sets.calibration().stats.grid)


def _of_the_judge(ground: Ground) -> np.ndarray:
    """What the world's judge or segmenter sees in either picture."""
    judge = ground.sets.world.segmenter or ground.sets.world.judge
    if judge is None or "masks" not in dir(type(judge)) or not ground.group.pairs:
        raise NotHere("nobody draws masks of subjects here: pass a segmenter")
    found = []
    for side in ("source", "target"):
        words = [ground.sets.world.subject_words(getattr(pair, side)) for pair in ground.group.pairs]
        found.append(judge.masks(ground.tokens_of(side).of(ground.sets.model).images, words))
    return to_grid(found[0] | found[1], ground.sets.calibration().stats.grid, 0.25)


MASKS: dict[str, Callable[[Ground], np.ndarray]] = {
    "source": lambda ground: _subjects(ground, "source"),
    "target": lambda ground: _subjects(ground, "target"),
    "union": lambda ground: ground.mask("source") | ground.mask("target"),
    "truth": _truth,
    "judge": _of_the_judge,
}


def _other_noise(c: Condition, ground: Ground) -> Row:
    return {**ground.place(), "seed": ground.group.seed + 1, "generation": ground.sets.generation}


def _other_prompt(c: Condition, ground: Ground) -> Row:
    place = ground.place()
    return place | {name: [place[name][i] for i in ground.group.order] for name in ("prompts", "samples")}


def _sources(c: Condition, ground: Ground) -> Row:
    if ground.group.images is not None:
        return ground.alone(Pictures(ground.source(ground.sets.of("top"))))
    return {**ground.place(), "prompts": ground.sources()}


def _asked_for(c: Condition, ground: Ground) -> Row:
    """Both by the prompt alone: each source's subject in its target's scene."""
    world = ground.sets.world
    if not ground.group.pairs:
        raise NotHere("there is no source whose subject could be asked for: these are no pairs of prompts")
    asked = [world.text(world.exchanged(pair.source, pair.target)) for pair in ground.group.pairs]
    return {**ground.place(), "prompts": asked}


def _ablated(how: str, c: Condition, ground: Ground) -> Row:
    """What `fewchannels.ablate` does, by its name there."""
    if c.stream == "text" and ground.sets.model.layout.text != "joint":
        raise NotHere(f"{ground.sets.model.layout.name} has no text tokens between its blocks")
    channels = ground.channels(c)
    options = {"stream": c.stream, "strength": c.strength}
    if c.mask:
        options["tokens"] = ground.mask(c.mask)
    if how in SIZED:
        options["match"] = ground.sets.of("top", c.k, stream=c.stream)
    if how in FROM_CALIBRATION:
        options["reference"] = ground.sets.calibration(c.stream).stats
    if how == "resample":
        options["reference"] = others = _others(ground, channels)
        drawn = np.random.default_rng(13).integers(len(others.prompts), size=len(ground.group))
        options["partners"] = drawn.tolist()  # of each prompt its own, the same for every set
    if how == "scale":
        options |= {"factor": c.strength, "strength": 1.0}
    return ground.on_channels(c, how, channels, options)


def _others(ground: Ground, channels: Any) -> Recording:
    """Calibration prompts, whose tokens are put in: on all channels of all blocks where that fits into a GiB, else of
    few prompts on the channels edited alone."""
    stats, prompts = ground.sets.calibration().stats, ground.sets.prompts[:16]
    places = 2 * int(stats.count.max()) * len(stats.steps)  # bytes of a channel in a block
    if len(prompts) * places * len(stats.layers) * ground.sets.width <= MOST_BYTES:
        return Recording(prompts, 1, generation=ground.sets.generation)
    if isinstance(channels, list):
        raise NotHere("the other prompts' states on channels that differ from prompt to prompt do not fit in memory")
    held = sum(channels.sizes) if isinstance(channels, ChannelSet) else channels.k * len(channels)
    count = min(FEW_OTHERS, MOST_BYTES // (places * held))
    if count < 2:
        raise NotHere("the states of two other prompts on these channels do not fit into a GiB")
    return Recording(prompts[:count], 1, generation=ground.sets.generation, channels=channels)


def _transport(part: str, c: Condition, ground: Ground) -> Row:
    """Channels of each source in its target's run (`edits.patching.inject`). part: "both", "level", "pattern"."""
    channels, mask = ground.channels(c), ground.mask(c.mask)
    numbers = ground.group.order.tolist() if c.source == "another pair" else None
    if mask is not None and not mask.any():  # nothing to move
        return ground.place()
    if not ground.fits(None) and (isinstance(channels, list) or not ground.fits(channels)):
        if part != "both":
            raise NotHere("the sources' states on these channels do not fit into one recording")
        where = {"strength": c.strength, "layers": _listed(c.blocks), "steps": _listed(c.steps), **ground.reads(c)}
        return ground.alone(
            SideBySide(ground.group, channels, tuple(numbers or ()), mask, where, ground.sets.generation)
        )
    options = {"source": ground.source(channels), "strength": c.strength, "branch": "cond", "part": part}
    options |= {} if mask is None else {"tokens": mask}
    options |= {} if numbers is None else {"sources": numbers}
    return ground.on_channels(c, "transport", channels, options)


@dataclass(frozen=True, eq=False)
class Pictures:
    """The pictures of a recording, as a condition of their own."""

    recording: Recording

    def draw(self, model) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        return self.recording.of(model).images, {}


@dataclass(frozen=True, eq=False)
class Inside:
    """A generation inside of context(model). place: prompts, samples, seed and generation."""

    place: Mapping[str, Any]
    context: Callable[[Any], AbstractContextManager]

    def draw(self, model) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        given = {name: self.place[name] for name in ("seed", "samples")}
        try:
            with self.context(model):
                return model.generate(self.place["prompts"], **given, **self.place["generation"]), {}
        except CannotMix as error:
            raise NotHere(f"this pipeline's prompts cannot be mixed: {error}") from error


def _around(make: Callable[[Condition, Ground], Callable], c: Condition, ground: Ground) -> Row:
    """Something around the whole generation. make(c, ground) gives the context of a model."""
    if c.mask and not ground.mask(c.mask).any():  # nothing to mix
        return ground.place()
    return ground.alone(Inside(ground.place(), make(c, ground)))


def _blended(how: Callable, c: Condition, ground: Ground) -> Callable:
    """Latents, or velocities, of the sources' run mixed into the target's."""
    group = ground.group
    source = Recording(ground.sources(), group.seed, group.samples, ground.sets.generation, what="steps")
    given = {"mask": ground.mask(c.mask), "weight": c.strength, "steps": _listed(c.steps)}
    return functools.partial(_blend, how=how, source=source, given=given)


def _blend(model, how: Callable, source: Recording, given: dict[str, Any]) -> AbstractContextManager:
    return how(model, source.of(model).steps, **given)


def _mixed_prompts(c: Condition, ground: Ground) -> Callable:
    """Encodings of source and target prompts mixed."""
    sources = dict(zip(ground.group.prompts, ground.sources(), strict=True))
    return functools.partial(interpolate_prompts, sources=sources, weight=c.strength)


def _noised_reference(c: Condition, ground: Ground) -> Callable:
    """The noised reference in place of the target's latents, in so many first steps, under a mask; None: all."""
    if ground.group.images is None:
        raise NotHere("there is no reference picture")
    steps = None if c.steps is None else len(c.steps)
    if c.steps is not None and list(c.steps) != list(range(steps)):
        raise ValueError(f"steps {c.steps}: a reference picture is shown in the first steps, 0 to {steps - 1}")
    size = tuple(ground.sets.generation.get(side) for side in ("height", "width"))
    given = {"steps": steps, "mask": ground.mask(c.mask)}
    return functools.partial(_renoise, images=ground.group.images, size=size, given=given)


def _renoise(model, images: np.ndarray, size: tuple, given: dict[str, Any]) -> AbstractContextManager:
    return renoised(model, encode(model, list(images), *size), **given)


def _guided(c: Condition, ground: Ground) -> Row:
    """Classifier-free guidance, of a scale that is the strength: two passes a step."""
    place = ground.place()
    return place | {"generation": {**place["generation"], "guidance_scale": c.strength}}


def _more_steps(c: Condition, ground: Ground) -> Row:
    """As many times the steps as the strength says."""
    place = ground.place()
    return place | {"generation": {**place["generation"], "steps": round(c.strength * place["generation"]["steps"])}}


def _detail_guided(c: Condition, ground: Ground) -> Callable:
    """Detail Guidance away from a set at zero, the strength as its weight."""
    given = {"channels": ground.channels(c), "weight": c.strength, "layers": _listed(c.blocks)}
    return functools.partial(detail_guidance, **given)


def _listed(indices) -> list[int] | None:
    return None if indices is None else list(indices)


UNTOUCHED, OTHER_NOISE, OTHER_PROMPT, SOURCE = "", "other noise", "other prompt", "source"
EDITS: dict[str, Callable[[Condition, Ground], Row]] = {
    UNTOUCHED: lambda c, ground: ground.place(),
    OTHER_NOISE: _other_noise,
    OTHER_PROMPT: _other_prompt,
    SOURCE: _sources,
    "asked for": _asked_for,
    **{name: functools.partial(_ablated, name) for name in NAMES},
    "transport": functools.partial(_transport, "both"),
    "transport level": functools.partial(_transport, "level"),
    "transport pattern": functools.partial(_transport, "pattern"),
    "blend latents": functools.partial(_around, functools.partial(_blended, blend_latents)),
    "blend velocities": functools.partial(_around, functools.partial(_blended, blend_velocities)),
    "blend prompts": functools.partial(_around, _mixed_prompts),
    "image to image": functools.partial(_around, _noised_reference),
    "paste": functools.partial(_around, _noised_reference),
    "guidance": _guided,
    "detail guidance": functools.partial(_around, _detail_guided),
    "more steps": _more_steps,
}


def row_of(c: Condition, ground: Ground) -> Row:
    """The row of a condition for `sweep_conditions`. Raises ValueError for an unknown edit, NotHere for one that this
    model or group cannot have."""
    if c.edit not in EDITS:
        raise ValueError(f"edit={c.edit!r}: expected one of {', '.join(map(repr, EDITS))}")
    if c.through not in THROUGH:
        raise ValueError(f"through={c.through!r}: expected one of {', '.join(THROUGH)}")
    if (c.through != "stream" or c.into) and not (c.edit in NAMES or c.edit.startswith("transport")):
        raise ValueError(
            f"through={c.through!r}, into={c.into!r}: edit={c.edit!r} changes no channels of the stream: leave both out"
        )
    return {"model": ground.sets.model, **EDITS[c.edit](c, ground), "name": c.name}
