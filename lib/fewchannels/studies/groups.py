"""Groups of prompts that a study's conditions are measured on: plain ones, pairs, and reference pictures.

    prompts = {"all": evaluation(), "few": evaluation(share=3 / 8), "pairs": pairs(), "tried": pairs(16, "calibration")}
    group = prompts["few"].of(world, n=128, seed=0)               # 48 prompts, their truth and their noise

What a group holds says what its conditions can be: a transport needs sources, an image's trajectory needs images.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..edits.image_latents import read_image, size_of
from ..metrics import shuffled
from ..prompts.pairs import Pair, subject_pairs
from ..reading.worlds import World
from ..toyworld.prompts import Attributes
from ..toyworld.scenes import Scene, render

OTHER_NOISE = 1_000  # added to the seed of references that the model draws


class NotHere(ValueError):
    """This model, or this group of prompts, cannot have what a condition asks for; the message says why."""


@dataclass(frozen=True, eq=False)
class Group:
    """P prompts, what they ask for, and the noise that they start from.

    truth: the prompts as the world's objects. sources: as many, of pairs. seed, samples: noise. images: uint8
    [P, H, W, 3] that sources are the captions of, with the exact masks of their subjects; way, iterations, own_noise:
    as for `image_trajectory`; own_noise says that the targets do not start from the noise that inversion found.
    """

    name: str
    prompts: list[str]
    truth: list[Any]
    seed: int = 0
    samples: list[int] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    images: np.ndarray | None = None
    masks: np.ndarray | None = None
    way: str = "renoise"
    iterations: int = 1
    own_noise: bool = False

    def __len__(self) -> int:
        return len(self.prompts)

    @property
    def inverted(self) -> bool:
        """Whether targets start from the noise that leads to their reference."""
        return bool(self.sources) and self.images is not None and self.way == "invert" and not self.own_noise

    @functools.cached_property
    def order(self) -> np.ndarray:
        """int [P]: another prompt for each prompt (itself, where there is one alone)."""
        return shuffled(len(self)) if len(self) > 1 else np.zeros(1, dtype=int)

    def content(self) -> dict[str, Any]:
        """What its pictures hang on, for keys."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in ("name", "truth")}


@dataclass(frozen=True)
class Prompts:
    """How a group is made. kind: "plain", "pairs", "references" or "scenes". share, most: of the n of a run, and at
    most so many. noise: added to the run's seed. place, caption, way, iterations, own_noise: of references."""

    kind: str = "plain"
    share: float = 1.0
    most: int | None = None
    split: str = "evaluation"
    noise: int = 0
    place: str = "same"
    caption: str | None = None
    way: str = "renoise"
    iterations: int = 1
    own_noise: bool = False

    def count(self, n: int) -> int:
        """Of how many prompts the group is in a run of n."""
        count = n if self.share == 1 else max(min(2, n), int(n * self.share))
        return count if self.most is None else min(count, self.most)

    def of(
        self,
        world: World,
        n: int,
        seed: int,
        name: str = "",
        given: list[Any] | None = None,
        draw: Callable[[list[str], int], np.ndarray] | None = None,
        own: Mapping[str, np.ndarray] | None = None,
    ) -> Group:
        """The group. given: prompts of the world in place of its own, for plain groups. draw(prompts, seed): pictures
        uint8 [P, H, W, 3], which stand in for references that cannot be rendered. own: caption -> picture of a reader,
        in place of evaluation's references. Raises NotHere for what this world does not have."""
        count, seed = self.count(n), seed + self.noise
        if self.kind == "plain":
            truth = world.prompts(count, self.split) if given is None else given[:count]
            return Group(name, [world.text(one) for one in truth], truth, seed, list(range(len(truth))))
        if self.kind == "pairs":
            return _of_pairs(world, world.pairs(count, self.split), seed, name)
        if self.kind == "scenes":
            return _of_scenes(world, count, seed, name, self.split)
        if own and self.split == "evaluation":
            made = _readers(self, world, count, seed, name, own)
        else:
            made = (_rendered if world.exact else _drawn)(self, world, count, seed, name, draw)
        sources = made.sources if self.caption is None else [self.caption] * len(made)
        own = {"way": self.way, "iterations": self.iterations, "own_noise": self.own_noise}
        return dataclasses.replace(made, sources=sources, **own)


def _of_pairs(world: World, listed: list[Pair], seed: int, name: str) -> Group:
    sources, targets = ([world.text(getattr(p, side)) for p in listed] for side in ("source", "target"))
    truth = [pair.target for pair in listed]
    return Group(name, targets, truth, seed, list(range(len(targets))), sources, listed)


def _rendered(made: Prompts, world: World, count: int, seed: int, name: str, draw) -> Group:
    """References that are rendered, so that what they show is known exactly."""
    group = _of_pairs(world, subject_pairs(count, made.split, made.place), seed, name)
    scenes = [render(pair.source, (2_006, i)) for i, pair in enumerate(group.pairs)]
    prompts = group.prompts
    if made.place == "nothing":
        prompts = [world.text(Attributes((), p.target.texture, p.target.background)) for p in group.pairs]
    return dataclasses.replace(group, prompts=prompts, **_pictures(scenes))


def _pictures(scenes: Sequence[Scene]) -> dict[str, np.ndarray]:
    """Rendered scenes as a group's images and masks."""
    return {f"{part}s": np.stack([getattr(scene, part) for scene in scenes]) for part in ("image", "mask")}


def _drawn(made: Prompts, world: World, count: int, seed: int, name: str, draw) -> Group:
    """Pictures that the model itself draws of the sources, from other noise than the new scenes."""
    if made.place != "same":
        raise NotHere(f"where a subject of the real world stands ({made.place!r}) cannot be asked for")
    if draw is None:
        raise NotHere("there are no reference pictures, and nobody draws them")
    group = _of_pairs(world, world.pairs(count, made.split), seed, name)
    return dataclasses.replace(group, images=draw(group.sources, seed + OTHER_NOISE))


def _readers(made: Prompts, world: World, count: int, seed: int, name: str, own: Mapping[str, np.ndarray]) -> Group:
    """Pictures that a reader brought."""
    if made.place != "same":
        raise NotHere(f"where the subjects of your own pictures stand is not known ({made.place!r})")
    group = _of_pairs(world, world.of_captions(list(own)[:count]), seed, name)
    return dataclasses.replace(group, images=np.stack(list(own.values())[: len(group)]))


def _of_scenes(world: World, count: int, seed: int, name: str, split: str) -> Group:
    """From the toy world's own distribution: one subject or two, huge ones among them."""
    if not world.exact:
        raise NotHere("scenes are rendered, with their exact masks, for the toy world only")
    drawn = enumerate(world.prompts(count + count // 4 + 8, split, subjects=None))
    made = [render(one, (3, i)) for i, one in drawn if one.subjects][:count]
    prompts, truth = [scene.prompt for scene in made], [scene.attributes for scene in made]
    return Group(name, prompts, truth, seed, list(range(count)), **_pictures(made))


def evaluation(share: float = 1.0, **more: Any) -> Prompts:
    """Evaluation prompts: the run's n, or a share of it."""
    return Prompts("plain", share, **more)


def pairs(most: int | None = None, split: str = "evaluation", **more: Any) -> Prompts:
    """Pairs of prompts: the run's n, or at most so many."""
    return Prompts("pairs", most=most, split=split, **more)


def references(share: float = 1.0, place: str = "same", **more: Any) -> Prompts:
    """Rendered pictures of subjects, and prompts for new scenes."""
    return Prompts("references", share, place=place, **more)


def scenes(**more: Any) -> Prompts:
    """Rendered pictures of the toy world with their prompts and exact masks, one subject or two in each."""
    return Prompts("scenes", **more)


def own_pictures(model, files: Sequence[str | Path], height: int | None = None, width: int | None = None):
    """A reader's files as the model draws them: caption -> uint8 [H, W, 3]. A file's name is its caption, such as
    "a_red_fox.png". Raises FileNotFoundError and ValueError for what is no image, and for two with one caption."""
    if not files:
        return {}
    size = size_of(model, height, width)
    found = {Path(file).stem.replace("_", " ").strip(): read_image(file, size) for file in files}
    if len(found) < len(files):
        raise ValueError(
            f"{len(files)} files have {len(found)} names: a file's name is its caption, and each needs one"
        )
    return found
