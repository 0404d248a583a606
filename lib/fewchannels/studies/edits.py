"""The edits that a condition can name, and what each asks of a run: one class an edit, one row in `EDITS`.

    EDITS["transport"].row(Condition(edit="transport", channels="top"), ground)      # a row for sweep_conditions

A row is data: prompts, noise, channels, blocks, steps, and options that say what is put in their place. What must be
recorded beforehand is a `Recording` in it, which is made once on the machine that computes the row. Edits of channels
are rows of one batch with others; what works on prompts, latents or the model's own outputs draws by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..channels import ChannelSet, Directions
from ..edits.ablation import NAMES
from ..edits.blending import CannotMix, blend_latents, blend_velocities, interpolate_prompts
from ..edits.image_latents import encode
from ..edits.inversion import renoised
from ..identity import content
from ..masks.subjects import partition, to_grid
from ..sweep import Recording, sweep
from ..watch.subspaces import subspace
from .condition import Condition
from .groups import Group, NotHere
from .sets import MOST_BYTES, Sets
from .side_by_side import SideBySide

FEW_OTHERS = 4  # prompts that `resample` takes from, where all are too many to be recorded
LIMIT = 2 * 2**30  # bytes of one recording
SIZED = ("noise", "shift")  # as large as the top channels are, on channels that are not
FROM_CALIBRATION = ("mean", "mean_level")


@dataclass(eq=False)
class Ground:
    """What the edits of one group of prompts stand on: the model, its sets, what is recorded, whose masks there are."""

    model: Any
    sets: Sets
    group: Group
    generation: dict[str, Any]
    key: Mapping[str, Any]
    store: Any = None
    _masks: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def latents(self):
        """Start noise that is not the sample's own, or None."""
        return self.source().start(self.model) if self.group.inverted else None

    def place(self) -> dict[str, Any]:
        """Columns of a row that all conditions of the group share."""
        start = {} if self.latents is None else {"latents": self.latents}
        shared = {"prompts": self.group.prompts, "samples": self.group.samples, "seed": self.group.seed}
        return shared | {"generation": {**self.generation, **start}}

    def channels(self, c: Condition) -> Any:
        return self.sets.of(c.channels, c.k, c.draw, c.stream, self.group)

    def fits(self, channels: Any) -> bool:
        """Whether the sources' states on channels (None: all) fit into one recording."""
        stats = self.sets.calibration().stats
        _, blocks, steps, width = stats.mean.shape
        held = blocks * width if channels is None or isinstance(channels, Directions) else int(channels.mask().sum())
        size = max(2, self.model.dtype.itemsize)  # quantised weights are of one byte, hidden states never
        return len(self.group) * steps * int(np.prod(stats.grid)) * held * size <= LIMIT

    def source(self, channels: Any = None) -> Recording:
        """The sources' run: of all channels where that fits, so that one recording serves all; else of those given."""
        if not self.group.sources:
            raise NotHere("there is no source: these are no pairs of prompts")
        own = {"prompts": self.group.sources, "seed": self.group.seed, "generation": self.generation}
        own |= {"samples": self.group.samples} if self.group.images is None else {}
        if self.group.images is not None:
            own |= {"images": self.group.images, "way": self.group.way, "iterations": self.group.iterations}
        return Recording(**own, channels=None if self.fits(None) else channels)

    def steps(self) -> Recording:
        """What the scheduler was given and gave in the sources' run."""
        return Recording(self.group.sources, self.group.seed, self.group.samples, self.generation, what="steps")

    def mask(self, name: str) -> np.ndarray | None:
        """bool [P, h, w]: whose tokens are moved. "source", "target" and "union": the subjects by K-means on the top k
        in the middle block at the last step, as `transport` makes them; "truth": the exact one of a reference;
        "judge": those that the world's judge or segmenter sees in either picture. None for ""."""
        if not name:
            return None
        if name not in self._masks:
            key = {**self.key, "group": content(self.group.content()), "mask": name, "k": self.sets.k}
            self._masks |= sweep({f"mask {name}": lambda: self._made_masks(name)}, self.store, key)[f"mask {name}"]
        return self._masks[name]

    def _made_masks(self, name: str) -> dict[str, np.ndarray]:
        if name not in MASKS:
            raise ValueError(f"mask={name!r}: expected one of {', '.join(MASKS)}, or '' for all tokens")
        if name == "union":
            return {name: self.mask("source") | self.mask("target")}
        return {name: MASKS[name](self)}

    def tokens_of(self, side: str) -> Recording:
        """The run of a side, recorded where subject masks are made."""
        layer, top = len(self.model.layers) // 2, self.sets.of("top")
        if side == "source" and self.fits(None):
            return self.source()
        where = {"channels": top, "layers": [layer]}
        if side == "source" and self.group.images is not None:
            return self.source(top)
        prompts, place = self.group.sources if side == "source" else self.group.prompts, self.place()
        return Recording(prompts, place["seed"], place["samples"], place["generation"], **where)


def _subjects(ground: Ground, side: str) -> np.ndarray:
    layer, made = len(ground.model.layers) // 2, ground.tokens_of(side).of(ground.model).trajectory
    part = subspace(ground.sets.of("top"), layer, made.width, "cpu")
    values = made.take(layer, made.steps[-1], list(range(made.samples)), part)
    return partition(values, grid=made.grid).mask


def _truth(ground: Ground) -> np.ndarray:
    if ground.group.masks is None:
        raise NotHere("no exact mask of the sources' subjects is known")
    return to_grid(ground.group.masks, ground.sets.calibration().stats.grid)


def _of_the_judge(ground: Ground) -> np.ndarray:
    judge = ground.sets.world.segmenter or ground.sets.world.judge
    if judge is None or "masks" not in dir(type(judge)) or not ground.group.pairs:
        raise NotHere("nobody draws masks of subjects here: pass a segmenter")
    found = []
    for side in ("source", "target"):
        words = [ground.sets.world.subject_words(getattr(pair, side)) for pair in ground.group.pairs]
        found.append(judge.masks(ground.tokens_of(side).of(ground.model).images, words))
    return to_grid(found[0] | found[1], ground.sets.calibration().stats.grid, 0.25)


MASKS: dict[str, Callable[[Ground], np.ndarray] | None] = {
    "source": lambda ground: _subjects(ground, "source"),
    "target": lambda ground: _subjects(ground, "target"),
    "union": None,
    "truth": _truth,
    "judge": _of_the_judge,
}


class Edit:
    """An edit of a condition. row gives what `sweep_conditions` takes; raises NotHere where this group has no such."""

    def row(self, c: Condition, ground: Ground) -> dict[str, Any]:
        raise NotImplementedError


class Plain(Edit):
    """No edit, of the group's own prompts and noise, or of others: function(ground) -> columns."""

    def __init__(self, columns: Callable[[Ground], dict[str, Any]] | None = None):
        self.columns = columns

    def row(self, c: Condition, ground: Ground) -> dict[str, Any]:
        return {**ground.place(), **(self.columns(ground) if self.columns else {})}


def _other_noise(ground: Ground) -> dict[str, Any]:
    return {"seed": ground.group.seed + 1, "generation": ground.generation}


def _other_prompt(ground: Ground) -> dict[str, Any]:
    order = ground.group.order
    return {
        name: [column[i] for i in order] for name, column in ground.place().items() if name in ("prompts", "samples")
    }


def _sources(ground: Ground) -> dict[str, Any]:
    if ground.group.images is not None:
        return {"edit": "alone", "options": {"by": Pictures(ground.source(ground.sets.of("top")))}}
    if not ground.group.sources:
        raise NotHere("there is no source: these are no pairs of prompts")
    return {"prompts": ground.group.sources}


def _asked_for(ground: Ground) -> dict[str, Any]:
    world = ground.sets.world
    if not ground.group.pairs:
        raise NotHere("there is no source whose subject could be asked for: these are no pairs of prompts")
    return {"prompts": [world.text(world.exchanged(pair.source, pair.target)) for pair in ground.group.pairs]}


class Ablation(Edit):
    """What `fewchannels.ablate` does, by its name there."""

    def __init__(self, how: str):
        self.how = how

    def row(self, c: Condition, ground: Ground) -> dict[str, Any]:
        if c.stream == "text" and ground.model.layout.text != "joint":
            raise NotHere(f"{ground.model.layout.name} has no text tokens between its blocks")
        channels = ground.channels(c)
        options = {"stream": c.stream, "strength": c.strength, "seed": ground.sets.seed}
        if c.mask:
            options["tokens"] = ground.mask(c.mask)
        if self.how in SIZED:
            options["match"] = ground.sets.of("top", c.k, stream=c.stream)
        if self.how in FROM_CALIBRATION:
            options["reference"] = ground.sets.calibration(c.stream).stats
        if self.how == "resample":
            options["reference"] = others = self._others(ground, channels)
            drawn = np.random.default_rng((ground.sets.seed, 13)).integers(len(others.prompts), size=len(ground.group))
            options["partners"] = drawn.tolist()  # of each prompt its own, the same for every set
        if self.how == "scale":
            options |= {"factor": c.strength, "strength": 1.0}
        return {
            **ground.place(),
            "edit": self.how,
            "channels": channels,
            "blocks": c.blocks,
            "steps": c.steps,
            "options": options,
        }

    def _others(self, ground: Ground, channels: Any) -> Recording:
        """Calibration prompts, whose tokens are put in: on all channels of all blocks where that fits into a GiB, else
        of few prompts on the channels edited alone."""
        stats, prompts = ground.sets.calibration().stats, ground.sets.prompts[:16]
        places = 2 * int(stats.count.max()) * len(stats.steps)  # bytes of a channel in a block
        if len(prompts) * places * len(stats.layers) * ground.sets.width <= MOST_BYTES:
            return Recording(prompts, 1, generation=ground.generation)
        if isinstance(channels, list):
            raise NotHere(
                "the other prompts' states on channels that differ from prompt to prompt do not fit in memory"
            )
        held = sum(channels.sizes) if isinstance(channels, ChannelSet) else channels.k * len(channels)
        count = min(FEW_OTHERS, MOST_BYTES // (places * held))
        if count < 2:
            raise NotHere("the states of two other prompts on these channels do not fit into a GiB")
        return Recording(prompts[:count], 1, generation=ground.generation, channels=channels)


class Transport(Edit):
    """Channels of each source in its target's run (`edits.patching.inject`). part: "both", "level", "pattern"."""

    def __init__(self, part: str = "both"):
        self.part = part

    def row(self, c: Condition, ground: Ground) -> dict[str, Any]:
        channels, mask = ground.channels(c), ground.mask(c.mask)
        numbers = ground.group.order.tolist() if c.source == "another pair" else None
        if mask is not None and not mask.any():  # nothing to move
            return ground.place()
        sets = channels if isinstance(channels, list) else [channels]
        if not ground.fits(None) and (isinstance(channels, list) or not ground.fits(sets[0])):
            if self.part != "both":
                raise NotHere("the sources' states on these channels do not fit into one recording")
            where = {"strength": c.strength, "layers": _listed(c.blocks), "steps": _listed(c.steps)}
            by = SideBySide(ground.group, channels, tuple(numbers or ()), mask, where, ground.generation)
            return {**ground.place(), "edit": "alone", "options": {"by": by}}
        options = {"source": ground.source(channels), "strength": c.strength, "branch": "cond", "part": self.part}
        options |= {} if mask is None else {"tokens": mask}
        options |= {} if numbers is None else {"sources": numbers}
        return {
            **ground.place(),
            "edit": "transport",
            "channels": channels,
            "blocks": c.blocks,
            "steps": c.steps,
            "options": options,
        }


class Around(Edit):
    """Something around the whole generation, such as a blend of latents. make(c, ground) gives what draws."""

    def __init__(self, make: Callable[[Condition, Ground], Any]):
        self.make = make

    def row(self, c: Condition, ground: Ground) -> dict[str, Any]:
        if c.mask and not ground.mask(c.mask).any():  # nothing to mix
            return ground.place()
        return {**ground.place(), "edit": "alone", "options": {"by": self.make(c, ground)}}


@dataclass(frozen=True, eq=False)
class Pictures:
    """The pictures of a recording, as a condition of their own."""

    recording: Recording

    def draw(self, model) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        return self.recording.of(model).images, {}


@dataclass(frozen=True, eq=False)
class Drawn:
    """A generation inside of a context. place: prompts, samples, seed and generation."""

    place: Mapping[str, Any]

    def draw(self, model) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        place = self.place
        with self.context(model):
            images = model.generate(
                place["prompts"], seed=place["seed"], samples=place["samples"], **place["generation"]
            )
        return images, {}

    def context(self, model):
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Blend(Drawn):
    """Latents, or velocities, of the sources' run mixed into the target's."""

    source: Recording
    kind: str
    mask: np.ndarray | None
    weight: float
    steps: list[int] | None

    def context(self, model):
        blend = {"latents": blend_latents, "velocities": blend_velocities}[self.kind]
        return blend(model, self.source.of(model).steps, self.mask, self.weight, self.steps)


@dataclass(frozen=True, eq=False)
class BlendPrompts(Drawn):
    """Encodings of source and target prompts mixed."""

    sources: Mapping[str, str]
    weight: float

    def context(self, model):
        return interpolate_prompts(model, self.sources, self.weight)

    def draw(self, model) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        try:
            return super().draw(model)
        except CannotMix as error:
            raise NotHere(f"this pipeline's prompts cannot be mixed: {error}") from error


@dataclass(frozen=True, eq=False)
class Renoised(Drawn):
    """The noised reference in place of the target's latents, in so many first steps, under a mask; None: all."""

    images: np.ndarray
    steps: int | None
    mask: np.ndarray | None

    def context(self, model):
        size = self.place["generation"].get("height"), self.place["generation"].get("width")
        return renoised(model, encode(model, list(self.images), *size), self.steps, self.mask)


def _blend(kind: str) -> Around:
    def make(c: Condition, ground: Ground) -> Blend:
        return Blend(ground.place(), ground.steps(), kind, ground.mask(c.mask), c.strength, _listed(c.steps))

    return Around(make)


def _blend_prompts(c: Condition, ground: Ground) -> BlendPrompts:
    if not ground.group.sources:
        raise NotHere("there is no source: these are no pairs of prompts")
    return BlendPrompts(ground.place(), dict(zip(ground.group.prompts, ground.group.sources, strict=True)), c.strength)


def _reference(c: Condition, ground: Ground) -> Renoised:
    if ground.group.images is None:
        raise NotHere("there is no reference picture")
    steps = None if c.steps is None else len(c.steps)
    if c.steps is not None and list(c.steps) != list(range(steps)):
        raise ValueError(f"steps {c.steps}: a reference picture is shown in the first steps, 0 to {steps - 1}")
    return Renoised(ground.place(), ground.group.images, steps, ground.mask(c.mask))


def _listed(indices) -> list[int] | None:
    return None if indices is None else list(indices)


UNTOUCHED, OTHER_NOISE, OTHER_PROMPT, SOURCE = "", "other noise", "other prompt", "source"
EDITS: dict[str, Edit] = {
    UNTOUCHED: Plain(),
    OTHER_NOISE: Plain(_other_noise),
    OTHER_PROMPT: Plain(_other_prompt),
    SOURCE: Plain(_sources),
    "asked for": Plain(_asked_for),
    **{name: Ablation(name) for name in NAMES},
    "transport": Transport(),
    "transport level": Transport("level"),
    "transport pattern": Transport("pattern"),
    "blend latents": _blend("latents"),
    "blend velocities": _blend("velocities"),
    "blend prompts": Around(_blend_prompts),
    "image to image": Around(_reference),
    "paste": Around(_reference),
}


def row_of(c: Condition, ground: Ground) -> dict[str, Any]:
    """The row of a condition for `sweep_conditions`. Raises ValueError for an unknown edit, NotHere for one that this
    model or group cannot have."""
    if c.edit not in EDITS:
        raise ValueError(f"edit={c.edit!r}: expected one of {', '.join(map(repr, EDITS))}")
    if c.through != "stream":
        raise ValueError(f"through={c.through!r}: expected 'stream'")
    return {"model": ground.model, **EDITS[c.edit].row(c, ground), "name": c.name}
