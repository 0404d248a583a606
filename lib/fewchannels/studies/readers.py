"""What a case reads from its pictures: functions of uint8 images [P, H, W, 3] that give arrays with one row a prompt.

read = PicturesReader(PictureReader(prompts, ClipJudge()))
read(images)["score"], read(images)["pictures"]          # [P], [P, h, w, 3]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..judges import ImageJudge, ToyJudge
from ..toyworld.judge import ATTRIBUTES, agreement
from ..toyworld.prompts import Attributes

SIDE = 256  # pixels of a picture that is kept to be looked at


class PictureReader:
    """Pictures to "score" float32 [P], how well each fits its prompt by a judge that gives scores (CLIP: the cosine),
    and "features" float16 [P, D]; without a judge to nothing."""

    def __init__(self, prompts: Sequence[str], judge: ImageJudge | None = None):
        self.prompts, self.judge = list(prompts), judge

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        if self.judge is None:
            return {}
        return {
            "score": self.judge.scores(images, self.prompts).astype(np.float32),
            "features": self.judge.features(images).astype(np.float16),
        }


class PicturesReader:
    """What another reader gives, and "pictures" uint8 [P, h, w, 3]: those that were read, at most 256 px a side."""

    def __init__(self, read: Callable[[np.ndarray], dict[str, np.ndarray]]):
        self.read, self.judge = read, getattr(read, "judge", None)

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        return {"pictures": smaller(images), **self.read(images)}


def smaller(images: np.ndarray, side: int = SIDE) -> np.ndarray:
    """Pictures [P, H, W, 3], the longer side reduced to `side` pixels where it is longer."""
    from PIL import Image

    height, width = images.shape[1:3]
    if max(height, width) <= side:
        return images
    size = (max(1, round(width * side / max(height, width))), max(1, round(height * side / max(height, width))))
    return np.stack([np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX)) for image in images])


class ToyReader:
    """Pictures to "agree" float16 [P, A], the agreement with the prompts for each of `ATTRIBUTES` (NaN where a prompt
    does not name it), and with features=True "features" float16 [P, 32], for Fréchet distances."""

    def __init__(self, attributes: Sequence[Attributes], features: bool = True, judge: ToyJudge | None = None):
        self.attributes, self.features = list(attributes), features
        self.judge = judge or ToyJudge()

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        rows = [agreement(r, a) for r, a in zip(self.judge.attributes(images), self.attributes, strict=True)]
        found = {"agree": np.array([[row[name] for name in ATTRIBUTES] for row in rows], dtype=np.float16)}
        if self.features:
            found["features"] = self.judge.features(images).astype(np.float16)
        return found
