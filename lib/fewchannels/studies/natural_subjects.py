"""A subject from an image file into a new scene, for models that draw the real world.

reason = why_not(model)                                   # "" where pictures can enter the model's run
case = natural_case(model, 8, folder, masks_on=calibration.top(12), judge=clip)
cells = sweep(conditions(case, calibration, sets, 12), store, case.key(group="subject"))

References are a reader's own files, or else pictures that the model itself draws from our prompts with another seed,
saved as PNG and read back through the same door. Settings are shares of the steps and multiples of k, fixed here and
not tuned: the toy world's chapter chooses its own on calibration pairs.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from ..channels import ChannelSet
from ..identity import digest
from ..image_latents import encode, read_image
from ..inversion import can_invert, can_renoise, image_trajectory
from ..judges import ImageJudge
from ..natural_prompts import NaturalPrompt, natural_prompts, swapped_pairs
from ..patching import inject
from ..runfile import write_whole
from .cases import Calibration
from .pair_readers import NaturalPairReader
from .subject_transport import image_to_image, pasted, untouched
from .subjects import SubjectCase

APART = 1_000  # added to the seed, so that a reference's noise is not that of the new scene
PLAIN = "on a plain background"  # what the caption says of the scene of a reader's own file


def why_not(model) -> str:
    """Why no picture can enter the model's run, in words; "" where it can."""
    if not can_renoise(model):
        scheduler = type(getattr(model.pipeline, "scheduler", None)).__name__
        return f"the noise levels of its scheduler, {scheduler}, are not known here"
    try:
        encode(model, np.full((64, 64, 3), 128, np.uint8))
    except (ValueError, NotImplementedError) as error:
        return str(error)
    return ""


def natural_case(
    model,
    n: int,
    folder: str | Path,
    references: Sequence[str | Path] = (),
    *,
    judge: ImageJudge | None = None,
    seed: int = 0,
    steps: int | None = None,
    masks_on: ChannelSet | None = None,
) -> SubjectCase:
    """A SubjectCase of `n` pairs, or of as many as there are references.

    references: image files with one subject each, whose names say what they show ("a_red_fox.png"); none: the model
    draws them into `folder`, those that lie there from an earlier run apart. A judge that scores texts reads subject
    and scene; without one a picture counts as nearer to the reference or to the new scene. Raises FileNotFoundError
    and ValueError for what is no image, and ValueError for more references than there are scenes.
    """
    steps = steps or model.steps
    if references:
        for file in references:
            read_image(file)
        captions = [NaturalPrompt(Path(file).stem.replace("_", " ").strip(), PLAIN) for file in references]
        pairs = list(zip(captions, natural_prompts(len(captions)), strict=True))
        files = [Path(file) for file in references]
    else:
        pairs = swapped_pairs(n)
        files = _drawn(model, [str(source) for source, _ in pairs], Path(folder), seed + APART, steps)
    reader = NaturalPairReader(pairs, judge) if judge is not None else _unread
    return SubjectCase(
        model, [str(target) for _, target in pairs], reader, seed, steps, sources=[str(source) for source, _ in pairs],
        masks_on=masks_on, keep=masks_on, files=files, pairs=pairs,
    )  # fmt: skip


def _unread(images: np.ndarray) -> dict[str, np.ndarray]:
    return {}


def _drawn(model, prompts: list[str], folder: Path, seed: int, steps: int) -> list[Path]:
    """The model's own pictures of prompts, as PNG files; drawn where they are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    files, own = [], digest(model)
    for number, prompt in enumerate(prompts):
        file = folder / f"reference_{digest([own, prompt, seed, steps, number])[:16]}.png"
        if not file.is_file():
            picture = model.generate([prompt], seed=seed, steps=steps, samples=[number])[0]
            Image.fromarray(picture).save(written := io.BytesIO(), "PNG")
            write_whole(file, written.getvalue())
        files.append(file)
    return files


def carried(case: SubjectCase, channels: ChannelSet, mask: str = "union") -> Callable[[], dict]:
    """A condition: channels of each reference in its new scene, recorded and carried batch by batch, so that only a
    batch of these channels is held."""
    return lambda: case.measure(carry_all(case, channels, mask))


def carry_all(case: SubjectCase, channels: ChannelSet, mask: str = "union") -> np.ndarray:
    """The pictures of `carried`, uint8 [P, H, W, 3]; a pair whose mask is empty stays as it was."""
    model, on, images = case.model, case.masks[mask], case.untouched.copy()
    rows = [row for row in range(len(case.files)) if on[row].any()]
    size = model.preset.batch_size
    for part in (rows[first : first + size] for first in range(0, len(rows), size)):
        given = {"seed": case.seed, "steps": case.steps, "samples": part, **case.generation}
        source = image_trajectory(
            model, [case.files[i] for i in part], [case.sources[i] for i in part], channels, case.way,
            iterations=case.iterations, **given,
        )  # fmt: skip
        start = {} if source.latents is None or case.own_noise else {"latents": source.latents}
        with inject(model, source, channels, mask=on[part]):
            images[part] = model.generate([case.prompts[i] for i in part], **start, **given)
    return images


def in_words(case: SubjectCase) -> Callable[[], dict]:
    """A condition without any image: the new scene with the reference's subject, said in words."""
    words = [str(NaturalPrompt(source.subject, target.scene)) for source, target in case.pairs]
    return lambda: case.measure(case.draw(prompts=words))


def settings(steps: int) -> dict[str, int]:
    """For how many steps image-to-image holds the noised reference, and pasting pastes it: what the toy world's
    calibration pairs chose of 8 steps, as a share of these."""
    return {"image-to-image": max(1, round(steps * 3 / 8)), "pasting": max(1, round(steps * 7 / 8))}


def conditions(case: SubjectCase, calibration: Calibration, sets: dict, k: int) -> dict[str, Callable[[], dict]]:
    """The headline on other models: k channels and four times as many, their controls, and the rivals; "inverted"
    where the flow can be run backwards."""
    held = settings(case.steps)
    wide = min(4 * k, calibration.width)
    found = {"untouched": untouched(case), "in words": in_words(case), f"top {k}": carried(case, sets["top"])}
    for name in ("random 1", "energy-matched"):
        if name in sets:
            found[name] = carried(case, sets[name])
    found |= {
        f"top {wide}": carried(case, calibration.top(wide)),
        "image-to-image": image_to_image(case, held["image-to-image"]),
        "pasting": lambda: (
            pasted(case, held["pasting"], "source") if case.masks["source"].any() else untouched(case)
        )(),
    }
    if can_invert(case.model):
        found["inverted"] = lambda: carried(replace(case, way="invert"), calibration.top(wide))()
    return found
