"""What all conditions of a study share: model, prompts, noise, a reader of pictures, and frozen channel sets.

case = toy_case(model, 64)
sets = control_sets(calibrate(model), k=8)              # {"top": ChannelSet, "bottom": ..., "random 1": ..., ...}
cells = sweep({name: case.condition(ablate, chosen) for name, chosen in sets.items()})
cells["top"]["change"], cells["top"]["agree"]           # [n], [n, A]
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np

from ..channels import (
    ChannelSet,
    Directions,
    bottom_channels,
    complement,
    energy_matched_channels,
    pca_directions,
    random_channels,
    random_directions,
    second_moments,
    top_channels,
)
from ..hooks import capture
from ..identity import content, digest
from ..judges import ImageJudge
from ..kept import KeepTokens
from ..measuring import key_of, measure_channels
from ..metrics import squared_distance
from ..natural_prompts import natural_prompts
from ..prompt_files import PromptFileError, read_prompt_file
from ..prompts import toyworld_attributes, toyworld_prompts
from ..stats import ChannelStats
from ..sweep import sweep
from ..toyworld.prompts import format_prompt, parse_prompt
from .readers import PictureReader, ToyReader

STEPS = 8  # the judge reads the toy's pictures of 8 Euler steps as well as those of 16, in half the time
DRAWS = 3  # of random sets
WIDEST = 1024  # channels, up to which directions are drawn: D x D moments a block grow out of memory on large models
MOST_BYTES = 2**30  # of hidden states kept at a time


@dataclass(frozen=True, eq=False)
class Case:
    """A model and P prompts, whose every condition starts from the same noise.

    read: uint8 images [P, H, W, 3] to arrays by name with one row a prompt, such as a judge's readings. generation:
    more arguments of `Model.generate`. `untouched` are the pictures without any edit; they are generated once.
    """

    model: object
    prompts: list[str]
    read: Callable[[np.ndarray], dict[str, np.ndarray]]
    seed: int = 0
    steps: int = STEPS
    generation: dict = field(default_factory=dict)

    def draw(self, *contexts, prompts: Sequence[str] | None = None) -> np.ndarray:
        """Pictures uint8 [P, H, W, 3] with the contexts (ablate, inject, ...) open, entered in order."""
        with contextlib.ExitStack() as stack:
            for context in contexts:
                stack.enter_context(context)
            return self.model.generate(
                list(prompts or self.prompts), seed=self.seed, steps=self.steps, **self.generation
            )

    @functools.cached_property
    def untouched(self) -> np.ndarray:
        return self.draw()

    def measure(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """ "change" [P], the mean squared difference to the untouched pictures, and all that `read` gives."""
        return {"change": squared_distance(images, self.untouched).astype(np.float32), **self.read(images)}

    def condition(self, make: Callable, *args, **options) -> Callable[[], dict[str, np.ndarray]]:
        """A condition for `sweep`: `make(model, *args, **options)` is open while the pictures are drawn.

        Where the context logs what it changed (ablate, inject), its mean over blocks and steps is added: "moved" [P],
        the norm of the change over the norm of the hidden state, and "energy" [P], the energy after over before.
        """

        def compute():
            with make(self.model, *args, **options) as log:
                images = self.draw()
            found = self.measure(images)
            if hasattr(log, "change"):
                found["moved"] = np.nanmean(log.change, axis=(1, 2)).astype(np.float32)
                found["energy"] = np.nanmean(log.energy_ratio, axis=(1, 2)).astype(np.float32)
            return found

        return compute

    def key(self, **more) -> dict:
        """What results hang on, as JSON values, for `sweep`: the model, what reads its pictures with the weights of its
        judge, and all else that the case holds. more: values that have a content, such as channel sets. Raises
        NoContent (a TypeError) for what has none."""
        judge = None if self.model.is_toy else getattr(self.read, "judge", None)
        own = {} if judge is None else {"judge": judge.provenance()}
        own |= {"read": digest(self.read), "case": digest([type(self), self.held()])}
        own["generation"] = content({**self.model.defaults, **self.generation})
        return key_of(self.model, self.prompts, seed=self.seed, steps=self.steps, **{**own, **content(more)})

    def held(self) -> dict[str, object]:
        """What a kind of case holds beside what all cases do, by name, as far as results hang on it."""
        common = {one.name for one in fields(Case)}
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name not in common}


def evaluation_prompts(model, n: int, prompt_file: str | Path = "", **fixed) -> list[str]:
    """`n` prompts to measure effects on, never calibrated on unless a file holds such: the first of `prompt_file` (see
    `read_prompt_file`), else the toy world's (`fixed` as for toyworld_attributes), else our own.

    Raises PromptFileError for a file of fewer prompts, and ValueError where the toy world is given a sentence that it
    does not know, or where there are not as many of our own.
    """
    if prompt_file:
        given = [prompt.text for prompt in read_prompt_file(prompt_file)]
        if n > len(given):
            raise PromptFileError(f"{prompt_file} holds {len(given)} prompts: n={n} is more, ask for at most as many")
        if model.is_toy:
            return [format_prompt(parse_prompt(text)) for text in given[:n]]
        return given[:n]
    return toyworld_prompts(n, **fixed) if model.is_toy else [str(prompt) for prompt in natural_prompts(n)]


def toy_case(
    model,
    n: int = 64,
    seed: int = 0,
    steps: int = STEPS,
    subjects: int | None = 1,
    first: int = 0,
    features=True,
    prompt_file: str | Path = "",
) -> Case:
    """The toy world's first `n` evaluation prompts (one subject each unless told otherwise), or the first `n` of a
    file of its sentences, read by its judge."""
    if prompt_file:
        attributes = [parse_prompt(text) for text in evaluation_prompts(model, n, prompt_file)]
    else:
        fixed = {} if subjects is None else {"subjects": subjects}
        attributes = toyworld_attributes(n, "evaluation", first, **fixed)
    return Case(model, [format_prompt(a) for a in attributes], ToyReader(attributes, features), seed, steps)


def plain_case(
    model,
    n: int = 16,
    seed: int = 0,
    steps: int | None = None,
    judge: ImageJudge | None = None,
    prompt_file: str | Path = "",
) -> Case:
    """`n` evaluation prompts for a model that draws the real world, our own or the first of a file, read by
    `PictureReader`.

    steps: None takes the model's own number. Raises ValueError for more prompts than there are (32 of our own).
    """
    prompts = evaluation_prompts(model, n, prompt_file)
    return Case(model, prompts, PictureReader(prompts, judge), seed, steps or model.steps)


@dataclass(frozen=True, eq=False)
class Calibration:
    """What channel sets are frozen on: statistics over calibration prompts, and second moments [L, D, D] or None.

    key: what they hang on, as JSON values, for `sweep`."""

    stats: ChannelStats
    moments: np.ndarray | None
    score: str = "abs_mean"
    key: dict = field(default_factory=dict)

    def top(self, k: int) -> ChannelSet:
        return top_channels(self.stats, k, self.score)

    @property
    def width(self) -> int:
        return self.stats.mean.shape[-1]

    def shares(self, chosen: ChannelSet | Directions) -> dict[str, np.ndarray]:
        """What a set is: "count" [L], "width" [L] and "energy" [L], the last two as shares of the whole."""
        energy = self.stats.energy.mean(axis=(0, 2), dtype=np.float64)
        if isinstance(chosen, Directions):
            count = np.full(len(energy), chosen.k)
            held = [np.einsum("kd,de,ke->", b, m, b) / np.trace(m) for b, m in zip(chosen, self.moments, strict=True)]
        else:
            count = np.array(chosen.sizes)
            held = [row[c].sum() / row.sum() for row, c in zip(energy, chosen, strict=True)]
        return {"count": count, "width": count / self.width, "energy": np.array(held)}


def calibrate(
    model,
    prompts: Sequence[str] | None = None,
    seed: int = 1,
    steps: int = STEPS,
    score: str = "abs_mean",
    store: str | Path | None = None,
    **generation,
) -> Calibration:
    """Statistics of all blocks over calibration prompts (default: 32 of the toy world's, or 16 of our own for a model
    that draws the real world).

    Second moments, for directions, come from the first eight prompts and every second step, and only where a block is
    no wider than 1,024 channels and the tokens fit a GiB. store: a folder that keeps each batch as it is done.
    """
    if prompts is None:
        prompts = toyworld_prompts(32, "calibration") if model.is_toy else natural_prompts(16, "calibration")
    prompts = [str(prompt) for prompt in prompts]
    stats = measure_channels(model, prompts, seed=seed, steps=steps, store=store, **generation)
    key = key_of(
        model, prompts, seed=seed, steps=steps, score=score, generation=content({**model.defaults, **generation})
    )
    some, few = list(range(0, steps, 2)), prompts[:8]
    width, tokens = stats.mean.shape[-1], int(stats.count.max())
    if width > WIDEST or 4 * width * tokens * len(few) * len(some) * len(stats.layers) > MOST_BYTES:
        return Calibration(stats, None, score, key)

    def moments():
        with capture(model, kept := KeepTokens(dtype="float32"), steps=some):
            model.generate(few, seed=seed, steps=steps, **generation)
        return {"moments": second_moments(kept.array)}

    found = sweep({"second moments": moments}, store or None, key)["second moments"]["moments"]
    return Calibration(stats, found, score, key)


def control_sets(calibration: Calibration, k: int = 8, draws: int = DRAWS, seed: int = 0) -> dict[str, object]:
    """The top k of each block and everything that they must be compared with, by name.

    "top", "bottom"; "random 1" ... outside the top k; "energy-matched", other channels until their energy is the
    top's, left empty in blocks where no others hold as much; "complement", all but the top k; and, with second
    moments, "random directions" and "PCA", k orthonormal directions. What cannot be made is left out.
    """
    stats, top = calibration.stats, calibration.top(k)
    sets: dict[str, object] = {"top": top, "bottom": bottom_channels(stats, k, calibration.score)}
    if 2 * k <= calibration.width:
        for number, drawn in enumerate(random_channels(stats, outside=top, seed=seed, draws=draws), 1):
            sets[f"random {number}"] = drawn
    matched = energy_matched_channels(stats, top, seed)
    if matched.channels is not None:
        sets["energy-matched"] = matched.channels
    if k < calibration.width:
        sets["complement"] = complement(top)
    if calibration.moments is not None:
        sets["random directions"] = random_directions(calibration.width, k, len(stats.layers), seed)
        sets["PCA"] = pca_directions(calibration.moments, k)
    return sets
