"""Groups of prompts that a study's conditions are measured on: plain ones, pairs, and reference pictures.

    prompts = {"all": evaluation(), "few": evaluation(share=3 / 8), "pairs": pairs(), "tried": pairs(16, "calibration")}
    group = prompts["few"].of(world, n=128, seed=0)               # 48 prompts, their truth and their noise

What a group holds says what its conditions can be: a transport needs sources, an image's trajectory needs images.
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..metrics import shuffled
from ..prompt_pairs import Pair, subject_pairs
from ..toyworld.prompts import Attributes
from ..toyworld.scenes import render
from ..worlds import World

SPLITS = ("calibration", "evaluation")


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
    """How a group is made. kind: "plain", "pairs", "references" or "scenes". share, most: of the n of a run, and at most
    so many. noise: added to the run's seed. place, caption, way, iterations, own_noise: of references."""

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

    def of(self, world: World, n: int, seed: int, name: str = "", given: list[Any] | None = None) -> Group:
        """The group; given: prompts of the world in place of its own, for plain groups."""
        count, seed = self.count(n), seed + self.noise
        if self.kind == "plain":
            truth = world.prompts(count, self.split) if given is None else given[:count]
            return Group(name, [world.text(one) for one in truth], truth, seed, list(range(count)))
        if self.kind == "pairs":
            return _of_pairs(world, world.pairs(count, self.split), seed, name)
        if not world.exact:
            raise ValueError("scenes are rendered for the toy world only: a model of the real world needs images")
        if self.kind == "scenes":
            return _of_scenes(world, count, seed, name, self.split)
        made = _of_pairs(world, subject_pairs(count, self.split, self.place), seed, name)
        scenes = [render(pair.source, (2_006, i)) for i, pair in enumerate(made.pairs)]
        prompts = made.prompts
        if self.place == "nothing":
            prompts = [world.text(Attributes((), p.target.texture, p.target.background)) for p in made.pairs]
        return dataclasses.replace(
            made, prompts=prompts, images=np.stack([s.image for s in scenes]), way=self.way,
            masks=np.stack([s.mask for s in scenes]), iterations=self.iterations, own_noise=self.own_noise,
            sources=[s.prompt if self.caption is None else self.caption for s in scenes],
        )  # fmt: skip


def _of_pairs(world: World, listed: list[Pair], seed: int, name: str) -> Group:
    sources, targets = ([world.text(getattr(p, side)) for p in listed] for side in ("source", "target"))
    truth = [pair.target for pair in listed]
    return Group(name, targets, truth, seed, list(range(len(targets))), sources, listed)


def _of_scenes(world: World, count: int, seed: int, name: str, split: str) -> Group:
    """From the toy world's own distribution: one subject or two, huge ones among them."""
    drawn = enumerate(world.prompts(count + count // 4 + 8, split, subjects=None))
    made = [render(one, (3, i)) for i, one in drawn if one.subjects][:count]
    truth = [scene.attributes for scene in made]
    return Group(
        name, [scene.prompt for scene in made], truth, seed, list(range(count)),
        images=np.stack([scene.image for scene in made]), masks=np.stack([scene.mask for scene in made]),
    )  # fmt: skip


def evaluation(share: float = 1.0, most: int | None = None, **more: Any) -> Prompts:
    """Evaluation prompts: the run's n, or a share of it."""
    return Prompts("plain", share, most, **more)


def pairs(most: int | None = None, split: str = "evaluation", **more: Any) -> Prompts:
    """Pairs of prompts: the run's n, or at most so many."""
    return Prompts("pairs", most=most, split=split, **more)


def references(share: float = 1.0, place: str = "same", **more: Any) -> Prompts:
    """Rendered pictures of subjects, and prompts for new scenes."""
    return Prompts("references", share, place=place, **more)


def scenes(**more: Any) -> Prompts:
    """Rendered pictures of the toy world with their prompts and exact masks, one subject or two in each."""
    return Prompts("scenes", **more)
