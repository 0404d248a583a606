"""What a model draws, as one object: its prompts and pairs, their truth or a judge, for the toy world and for the real.

    world = world_of(model)                       # or world_of(model, judge=ClipJudge(), segmenter=ClipSegJudge())
    world.prompts(24), world.prompts(32, "calibration")
    world.pairs(16)                               # (source, target)
    world.judge                                   # None where nobody reads the pictures

In the toy world every prompt is an `Attributes`, so what a picture should show is known exactly. Prompts of the real
world are ours (`NaturalPrompt`) or a file's, and what their pictures show is a judge's opinion.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from ..prompts.files import PromptFileError, read_prompt_file
from ..prompts.natural import NaturalPrompt, natural_prompts, swapped_pairs
from ..prompts.pairs import SCENE, SUBJECT, Pair, new_scene, toyworld_pairs
from ..prompts.toyworld import toyworld_attributes
from ..toyworld.prompts import Attributes, format_prompt, parse_prompt
from .judges import ImageJudge, ToyJudge

PLAIN = "on a plain background"  # what is said of the scene of a reader's own picture


class World:
    """What the worlds share. prompts are objects whose `text(prompt)` the model is asked for.

    attributes: what a reader of its pictures names. judge: reads pictures, or None; segmenter: draws masks of subjects,
    or None. exact: whether prompts say all that a picture should show, as they do of the toy world. calibration: how
    many prompts sets are frozen on; study_steps: in place of those of the model's preset, or None.
    """

    exact = False
    attributes: tuple[str, ...] = ("subject", "scene")
    calibration = 16
    study_steps: int | None = None

    def __init__(self, judge: ImageJudge | None = None, segmenter: ImageJudge | None = None):
        self._judge, self.segmenter = judge, segmenter

    @property
    def judge(self) -> ImageJudge | None:
        return self._judge

    def text(self, prompt) -> str:
        """A prompt's words."""
        return str(prompt)

    def from_file(self, path: str | Path, n: int) -> list:
        """The first n prompts of a file (see `read_prompt_file`). Raises PromptFileError where it has fewer."""
        given = [self.parsed(prompt.text) for prompt in read_prompt_file(path)]
        if n > len(given):
            raise PromptFileError(f"{path} holds {len(given)} prompts: n={n} is more, ask for at most as many")
        return given[:n]

    def parsed(self, text: str):
        """A prompt from its words. Raises ValueError for what this world does not know."""
        return text

    def untrained(self):
        """A pipeline of the same network with its random starting weights; None where nobody kept them."""
        return None

    def of_captions(self, captions: Sequence[str]) -> list[Pair]:
        """Pairs of a reader's own pictures, which these are the captions of, and new scenes for their subjects. Raises
        ValueError for words that this world does not know, and for more captions than there are scenes."""
        raise NotImplementedError

    def exchanged(self, source, target):
        """A prompt for the source's subject in the target's scene."""
        raise NotImplementedError

    def subject_words(self, prompt) -> str:
        """What a segmenter is asked for."""
        return self.text(prompt)


class ToyWorld(World):
    """The scenes that we render ourselves, read by their own judge."""

    exact = True
    attributes = (*SUBJECT, *SCENE)
    calibration = 32
    study_steps = 8  # the judge reads pictures of 8 Euler steps as well as those of 16, in half the time

    @functools.cached_property
    def judge(self) -> ImageJudge:
        return self._judge or ToyJudge()

    def prompts(self, n: int, split: str = "evaluation", first: int = 0, **fixed) -> list[Attributes]:
        """n prompts, of one subject each where they are evaluated on; errors and `fixed` of `toyworld_attributes`."""
        fixed = {"subjects": 1, **fixed} if split == "evaluation" else fixed
        return toyworld_attributes(n, split, first, **{name: v for name, v in fixed.items() if v is not None})

    def pairs(self, n: int, split: str = "evaluation") -> list[Pair]:
        return toyworld_pairs(n, split)

    def text(self, prompt) -> str:
        return prompt if isinstance(prompt, str) else format_prompt(prompt)

    def parsed(self, text: str) -> Attributes:
        return parse_prompt(text)

    def untrained(self):
        from ..toyworld.recipe import build_pipeline

        return build_pipeline()

    def of_captions(self, captions: Sequence[str]) -> list[Pair]:
        shown = [parse_prompt(caption) for caption in captions]
        if bare := [text for text, one in zip(captions, shown, strict=True) if not one.subjects]:
            raise ValueError(f"{bare[0]!r} names no subject, so there is nothing to put into a new scene")
        return [Pair(one, new_scene(one, "evaluation", "same", i)) for i, one in enumerate(shown, 1)]

    def exchanged(self, source: Attributes, target: Attributes) -> Attributes:
        return Attributes(source.subjects, target.texture, target.background, target.second)


class NaturalWorld(World):
    """The real world, by 32 prompts of our own or a file's; read by a judge that scores texts, where there is one."""

    def prompts(self, n: int, split: str = "evaluation", first: int = 0) -> list[NaturalPrompt]:
        return natural_prompts(first + n, split)[first:]

    def pairs(self, n: int, split: str = "evaluation") -> list[Pair]:
        return [Pair(*pair) for pair in swapped_pairs(n, split)]

    def of_captions(self, captions: Sequence[str]) -> list[Pair]:
        """Of subjects, such as "a red fox", each on a plain background."""
        return [Pair(NaturalPrompt(c, PLAIN), t) for c, t in zip(captions, natural_prompts(len(captions)), strict=True)]

    def exchanged(self, source: NaturalPrompt, target: NaturalPrompt) -> NaturalPrompt:
        return NaturalPrompt(source.subject, target.scene)

    def subject_words(self, prompt) -> str:
        return getattr(prompt, "subject", str(prompt))


def world_of(model, judge: ImageJudge | None = None, segmenter: ImageJudge | None = None) -> World:
    """The world that a model draws."""
    return (ToyWorld if model.is_toy else NaturalWorld)(judge, segmenter)


def texts(world: World, prompts: Sequence) -> list[str]:
    """The words of several prompts."""
    return [world.text(prompt) for prompt in prompts]
