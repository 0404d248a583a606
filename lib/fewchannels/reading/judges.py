"""Judges read pictures: uint8 [B, H, W, 3] -> attributes, features, masks. One interface, whatever the network.

    judge = ToyJudge()                                        # the toy world's own, with exact training truth
    judge.attributes(images), judge.features(images), judge.masks(images)
    ClipJudge("openai/clip-vit-base-patch32").scores(images, prompts)
    ClipSegJudge(model=model, processor=processor).masks(images, ["a red star"] * len(images))

A judge that cannot do something says so and names those that can. Real networks are loaded by name, or passed in
memory together with their processor; a number from one of them is that network's opinion and no truth, so name it
and its revision (`provenance`) beside the number.

References: Radford et al. (2021), arXiv 2103.00020 (CLIP); Hessel et al. (2021), arXiv 2104.08718 (CLIPScore, of
which `scores` is the cosine without the factor 2.5); Oquab et al. (2023), arXiv 2304.07193 (DINOv2); Lüddecke & Ecker
(2022), arXiv 2112.10003 (CLIPSeg).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ..toyworld import judge as toy
from ..toyworld.by_eye import by_eye, look
from ..toyworld.prompts import Attributes


class ImageJudge:
    """What all judges share. images: uint8 [B, H, W, 3] with B at least 1; anything else raises ValueError."""

    name = "judge"

    def attributes(self, images: np.ndarray) -> list[Attributes]:
        """B `Attributes`: what the pictures show, in the toy world's words."""
        raise self._cannot("attributes")

    def features(self, images: np.ndarray) -> np.ndarray:
        """float32 [B, D]: one vector a picture."""
        raise self._cannot("features")

    def masks(self, images: np.ndarray, prompts: Sequence[str] | None = None) -> np.ndarray:
        """bool [B, H, W]: where the subject is."""
        raise self._cannot("masks")

    def scores(self, images: np.ndarray, prompts: Sequence[str]) -> np.ndarray:
        """float32 [B]: how well each picture fits its prompt."""
        raise self._cannot("scores")

    def fits(self, images: np.ndarray, texts: Sequence[str]) -> np.ndarray:
        """float32 [B, M]: how well each picture fits each of M texts."""
        raise self._cannot("fits")

    def provenance(self) -> dict[str, Any]:
        """Name and origin of the judge, as JSON values, to be kept beside its numbers."""
        return {"judge": type(self).__name__, "model": self.name}

    def _cannot(self, what: str) -> NotImplementedError:
        able = [c.__name__ for c in (ToyJudge, EyeJudge, ClipJudge, Dinov2Judge, ClipSegJudge) if what in vars(c)]
        return NotImplementedError(f"{type(self).__name__} gives no {what}; use one of: {', '.join(able)}")


class ToyJudge(ImageJudge):
    """The toy world's judge. `read` gives everything that it sees at once; features are 32 a picture, few enough for
    a Fréchet distance.

    judge: a loaded one (default: the committed weights; FileNotFoundError where they are missing).
    """

    name = "toyworld"

    def __init__(self, judge: toy.Judge | None = None, device: str = "cpu"):
        self.judge = toy.load_judge(device=device) if judge is None else judge

    def provenance(self) -> dict[str, Any]:
        return super().provenance() | {"revision": self.judge.revision}

    def read(self, images: np.ndarray) -> list[toy.Reading]:
        """B readings: attributes, certainty, a mask for each subject, the mask of all."""
        return self.judge.read(images)

    def attributes(self, images: np.ndarray) -> list[Attributes]:
        return [reading.attributes for reading in self.read(images)]

    def features(self, images: np.ndarray) -> np.ndarray:
        return self.judge.features(images)

    def masks(self, images: np.ndarray, prompts: Sequence[str] | None = None) -> np.ndarray:
        """bool [B, 48, 48]: all subjects together, empty where none was found; prompts are not looked at."""
        return np.stack([reading.mask for reading in self.read(images)])

    def scores(self, images: np.ndarray, prompts: Sequence[str]) -> np.ndarray:
        """float32 [B]: the share of what each toy-world prompt names that the picture shows."""
        from ..toyworld.prompts import parse_prompt

        _paired(images, prompts)
        pairs = zip(self.attributes(images), map(parse_prompt, prompts), strict=True)
        rows = [toy.agreement(read, truth) for read, truth in pairs]
        named = [name for name in toy.ATTRIBUTES if name != "all"]
        return np.array([np.nanmean([row[name] for name in named]) for row in rows], dtype=np.float32)


class EyeJudge(ImageJudge):
    """The toy world's second reader, which has no network (`toyworld.by_eye`): attributes and masks."""

    name = "by eye"

    def attributes(self, images: np.ndarray) -> list[Attributes]:
        return by_eye(toy.checked(images))

    def masks(self, images: np.ndarray, prompts: Sequence[str] | None = None) -> np.ndarray:
        """bool [B, 48, 48]: all subjects together, empty where none was found; prompts are not looked at."""
        return np.stack([look(image).masks.any(axis=0) for image in toy.checked(images)])


class _TransformersJudge(ImageJudge):
    """A network of `transformers` with its processor, by name or both in memory."""

    classes: tuple[str, str]  # of the network and of its processor
    default: str

    def __init__(
        self,
        name: str | None = None,
        *,
        model: torch.nn.Module | None = None,
        processor: Any = None,
        revision: str | None = None,
        device: str = "cpu",
        batch_size: int = 32,
    ):
        """name: a hub name or folder (default: the class's `default`), unless model and processor are both given."""
        if (model is None) != (processor is None) or (model is not None and name is not None):
            raise ValueError(
                f"{type(self).__name__} takes a name, or model= and processor= together; "
                f"got name={name!r}, model={type(model).__name__}, processor={type(processor).__name__}"
            )
        if model is None:
            import transformers

            name = name or self.default
            network, reader = (getattr(transformers, c) for c in self.classes)
            model = network.from_pretrained(name, revision=revision, use_safetensors=True)
            processor = reader.from_pretrained(name, revision=revision)
            revision = revision or getattr(model.config, "_commit_hash", None)
        self.name, self.revision = name or "in memory", revision
        self.model, self.processor = model.eval().to(device), processor
        self.device, self.batch_size = torch.device(device), batch_size

    def provenance(self) -> dict[str, Any]:
        return super().provenance() | {"revision": self.revision, "class": type(self.model).__name__}

    def _batches(self, images: np.ndarray):
        images = np.asarray(images)
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3 or not len(images):
            raise ValueError(
                f"images of shape {images.shape} and type {images.dtype}: expected uint8 [B, H, W, 3] with B at least 1"
            )
        for start in range(0, len(images), self.batch_size):
            yield slice(start, start + self.batch_size), list(images[start : start + self.batch_size])

    def _pixels(self, images: list[np.ndarray]) -> torch.Tensor:
        reader = getattr(self.processor, "image_processor", self.processor)
        # the layout is said, not guessed: a picture of 3 px height would be ambiguous
        return reader(images=images, return_tensors="pt", input_data_format="channels_last")["pixel_values"].to(
            self.device
        )

    def _words(self, prompts: Sequence[str]) -> dict[str, torch.Tensor]:
        words = self.processor.tokenizer(list(prompts), padding=True, truncation=True, return_tensors="pt")
        return {name: words[name].to(self.device) for name in ("input_ids", "attention_mask")}


class ClipJudge(_TransformersJudge):
    """CLIP: `scores` and `fits` are cosines of picture and text in -1 to 1, `features` the unit image vector."""

    classes = ("CLIPModel", "CLIPProcessor")
    default = "openai/clip-vit-base-patch32"

    @torch.no_grad()
    def features(self, images: np.ndarray) -> np.ndarray:
        parts = [_unit(self.model.get_image_features(self._pixels(batch))) for _, batch in self._batches(images)]
        return torch.cat(parts).float().cpu().numpy()

    @torch.no_grad()
    def scores(self, images: np.ndarray, prompts: Sequence[str]) -> np.ndarray:
        _paired(images, prompts)
        return (self.features(images) * self._texts(prompts)).sum(axis=1)

    def fits(self, images: np.ndarray, texts: Sequence[str]) -> np.ndarray:
        return self.features(images) @ self._texts(texts).T

    @torch.no_grad()
    def _texts(self, texts: Sequence[str]) -> np.ndarray:
        size = self.batch_size
        parts = [self.model.get_text_features(**self._words(texts[i : i + size])) for i in range(0, len(texts), size)]
        return torch.cat([_unit(part) for part in parts]).float().cpu().numpy()


class Dinov2Judge(_TransformersJudge):
    """DINOv2: `features` is the class token after the last norm."""

    classes = ("Dinov2Model", "AutoImageProcessor")
    default = "facebook/dinov2-base"

    @torch.no_grad()
    def features(self, images: np.ndarray) -> np.ndarray:
        parts = [self.model(self._pixels(batch)).pooler_output for _, batch in self._batches(images)]
        return torch.cat(parts).float().cpu().numpy()


class ClipSegJudge(_TransformersJudge):
    """CLIPSeg: `masks` marks what a text names, at the picture's own size, where its probability exceeds one half."""

    classes = ("CLIPSegForImageSegmentation", "CLIPSegProcessor")
    default = "CIDAS/clipseg-rd64-refined"

    @torch.no_grad()
    def heat(self, images: np.ndarray, prompts: Sequence[str]) -> np.ndarray:
        """float32 [B, H, W] in 0 to 1: the probability of what prompts[i] names, in picture i."""
        if prompts is None:
            raise ValueError("ClipSegJudge marks what a text names: pass prompts, one a picture, such as 'a red star'")
        _paired(images, prompts)
        parts = []
        for chosen, batch in self._batches(images):
            logits = self.model(pixel_values=self._pixels(batch), **self._words(prompts[chosen])).logits
            logits = logits.reshape(len(batch), 1, *logits.shape[-2:])  # one picture comes back without its batch axis
            size = batch[0].shape[:2]
            parts.append(torch.nn.functional.interpolate(logits.float(), size, mode="bilinear")[:, 0].sigmoid())
        return torch.cat(parts).cpu().numpy()

    def masks(self, images: np.ndarray, prompts: Sequence[str] | None = None) -> np.ndarray:
        return self.heat(images, prompts) > 0.5


def _unit(output) -> torch.Tensor:
    vectors = getattr(output, "pooler_output", output)  # transformers 5 returns the whole output, 4 the vectors
    return torch.nn.functional.normalize(vectors, dim=-1)


def _paired(images: np.ndarray, prompts: Sequence[str]) -> None:
    if isinstance(prompts, str) or len(prompts) != len(images):
        count = "one string" if isinstance(prompts, str) else f"{len(prompts)} prompts"
        raise ValueError(f"{len(images)} images and {count}: expected a list with one prompt for each image")
