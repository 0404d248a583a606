"""References as image files, and new scenes to put their subjects into.

case = subject_case(model, 64, folder, masks_on=massive)       # renders the references into PNG files in folder
case.source, case.masks, case.prompts                          # their trajectory, subject masks, and the new scenes

References are rendered scenes, saved and read back as any image file is, so that what they show is known exactly.
A target asks for another subject on another background, at the reference's place and size ("same"), at another place
and in another size ("elsewhere"), or for a background and nothing on it ("nothing").
"""

from __future__ import annotations

import contextlib
import functools
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from ..channels import ChannelSet
from ..inversion import image_trajectory, read_image
from ..judges import ToyJudge
from ..masks import to_grid, upsample
from ..patching import Transport, transport
from ..prompts import SPLITS, toyworld_attributes
from ..toyworld.prompts import COLOURS, POSITIONS, SHAPES, SIZES, TEXTURES, Attributes, Subject, format_prompt
from ..toyworld.scenes import IMAGE_SIZE, Scene, render
from ..trajectories import Trajectory
from .cases import STEPS
from .pairs import Pair, PairCase, PairReader

PLACES = ("same", "elsewhere", "nothing")
WAYS = ("renoise", "invert")


def subject_pairs(n: int, split: str = "evaluation", place: str = "same") -> list[Pair]:
    """`n` pairs of a reference (source) and a new scene (target); the i-th depends on split, place and i alone.

    The two differ in the subject's colour and shape and in the background's colour and texture; elsewhere also in size
    and position. No background has the colour of either subject. References are the same for all places. Raises
    ValueError for an unknown split or place, or n < 1.

    >>> subject_pairs(1)[0].differ
    ('colour', 'shape', 'background', 'texture')
    """
    if place not in PLACES:
        raise ValueError(f"place={place!r}: expected one of {', '.join(PLACES)}")
    pairs, first = [], 0
    while len(pairs) < n or not first:
        reference = toyworld_attributes(1 if n >= 1 else n, split, first, subjects=1)[0]
        first += 1
        if reference.second is None:
            pairs.append(Pair(reference, _new_scene(reference, split, place, first)))
    return pairs[:n]


def _new_scene(reference: Attributes, split: str, place: str, number: int) -> Attributes:
    own = reference.subjects[0]
    rng = np.random.default_rng((2_005, SPLITS.index(split), number))

    def other(words, *taken):
        return str(rng.choice([word for word in words if word not in taken]))

    while True:
        background = other(COLOURS, own.colour, reference.background)
        subject = Subject(
            other(SIZES, own.size) if place == "elsewhere" else own.size,
            other(COLOURS, own.colour, reference.background, background),
            other(SHAPES, own.shape),
            other(POSITIONS, own.position) if place == "elsewhere" else own.position,
        )
        target = Attributes((subject,), other(TEXTURES, reference.texture), background)
        if zlib.crc32(format_prompt(target).encode()) % len(SPLITS) == SPLITS.index(split):
            return target


def save_references(pairs: Sequence[Pair], folder: str | Path) -> tuple[list[Path], list[Scene]]:
    """Render the pairs' references and save each as a PNG file: their paths, and the scenes with their exact masks."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    scenes = [render(pair.source, (2_006, i)) for i, pair in enumerate(pairs)]
    files = [folder / f"reference_{i:03}.png" for i in range(len(scenes))]
    for file, scene in zip(files, scenes, strict=True):
        Image.fromarray(scene.image).save(file)
    return files, scenes


@dataclass(frozen=True, eq=False)
class SubjectCase(PairCase):
    """A PairCase whose sources are image files: `prompts` are the new scenes, `sources` the references' captions.

    way: "renoise" or "invert" (with `iterations`), as for image_trajectory. A target starts from the noise that its
    source starts from, which is the inverted one for "invert", unless own_noise. truth: bool [P, H, W], the exact mask
    of each reference's subject, or None. `measure` adds "subject_apart" [P], the mean squared distance to the reference
    where its subject is, and "scene_apart" [P], to the untouched target outside of both subjects' masks.
    """

    files: list[Path] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    way: str = "renoise"
    iterations: int = 1
    own_noise: bool = False
    truth: np.ndarray | None = None

    @functools.cached_property
    def source(self) -> Trajectory:
        return image_trajectory(
            self.model, self.files, self.sources, self.keep, self.way, seed=self.seed, steps=self.steps,
            iterations=self.iterations, **self.generation,
        )  # fmt: skip

    @functools.cached_property
    def references(self) -> np.ndarray:
        """The files as the model reads them: uint8 [P, H, W, 3]."""
        return np.stack([read_image(file, self.source.images.shape[1:3]) for file in self.files])

    @functools.cached_property
    def masks(self) -> dict[str, np.ndarray]:
        """As of PairCase, and where the truth is known "truth", tokens that the reference's subject covers by half."""
        known = {} if self.truth is None else {"truth": to_grid(self.truth, self.source.grid)}
        return super().masks | known

    def draw(self, *contexts, prompts: Sequence[str] | None = None) -> np.ndarray:
        inverted = self.way == "invert" and not self.own_noise
        start = {"latents": self.source.latents} if inverted else {}
        with contextlib.ExitStack() as stack:
            for context in contexts:
                stack.enter_context(context)
            return self.model.generate(
                list(prompts or self.prompts), seed=self.seed, steps=self.steps, **start, **self.generation
            )

    def measure(self, images: np.ndarray) -> dict[str, np.ndarray]:
        found = super().measure(images)
        size = images.shape[1:3]
        tokens = upsample(self.masks["union"], size)
        subject = tokens if self.truth is None else upsample(self.truth, size)
        apart = [(subject, self.references), (~(tokens | subject), self.untouched)]
        values = [_apart(images, others, where).astype(np.float32) for where, others in apart]
        return found | dict(zip(("subject_apart", "scene_apart"), values, strict=True))

    def held(self) -> dict[str, object]:
        """As of Case, with the pictures that lie in the files now, wherever these are."""
        return super().held() | {"files": [Path(file).read_bytes() for file in self.files]}


def _apart(a: np.ndarray, b: np.ndarray, where: np.ndarray) -> np.ndarray:
    squares = np.square((a.astype(np.float64) - b) / 255).mean(axis=-1)
    return (squares * where).sum(axis=(1, 2)) / np.maximum(where.sum(axis=(1, 2)), 1)


def subject_case(
    model,
    n: int,
    folder: str | Path,
    place: str = "same",
    split: str = "evaluation",
    *,
    caption: str | None = None,
    seed: int = 0,
    steps: int = STEPS,
    masks_on: ChannelSet | None = None,
    judge: ToyJudge | None = None,
    **options,
) -> SubjectCase:
    """A SubjectCase of `n` pairs, their references rendered into `folder`, read by the toy world's judge.

    caption: one for all references, such as "" (default: each its own sentence). options: way, iterations, own_noise,
    keep, generation. Pictures of another model are reduced to the judge's 48 px, and what it reads there is no truth.
    """
    if options.get("way", "renoise") not in WAYS:
        raise ValueError(f"way={options['way']!r}: expected 'renoise' or 'invert'")
    pairs = subject_pairs(n, split, place)
    files, scenes = save_references(pairs, Path(folder) / split)
    targets = [p.target for p in pairs]
    if place == "nothing":
        targets = [Attributes((), t.texture, t.background) for t in targets]
    reader = PairReader(pairs, judge)
    return SubjectCase(
        model, [format_prompt(t) for t in targets], lambda images: reader(_reduced(images)), seed, steps,
        sources=[scene.prompt if caption is None else caption for scene in scenes], masks_on=masks_on, files=files,
        pairs=pairs, truth=np.stack([scene.mask for scene in scenes]), **options,
    )  # fmt: skip


def carry(
    model, image, caption: str, prompts: str | Sequence[str], channels, way: str = "renoise", mask="source", *,
    seed: int = 0, steps: int | None = None, iterations: int = 1, **generation,
) -> Transport:  # fmt: skip
    """Any image's subject into new scenes, with any supported model: what a reader's own file goes through.

    image: a path, PIL image or array; caption: what it shows; prompts: the new scenes. channels, mask: as for
    transport. Raises what image_trajectory and transport raise, and leaves the model as it was.
    """
    prompts = [prompts] if isinstance(prompts, str) else list(prompts)
    given = {"seed": seed, "steps": steps, **generation}
    source = image_trajectory(model, image, caption, channels, way, iterations=iterations, **given)
    latents = None if source.latents is None else source.latents.expand(len(prompts), *source.latents.shape[1:])
    return transport(model, source, prompts, channels, mask=mask, latents=latents, **given)


def _reduced(images: np.ndarray) -> np.ndarray:
    if images.shape[1:3] == (IMAGE_SIZE, IMAGE_SIZE):
        return images
    return np.stack([read_image(image, (IMAGE_SIZE, IMAGE_SIZE)) for image in images])
