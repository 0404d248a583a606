"""What kind of change an edit makes: is the picture another one, or the same one under grain?

    case = GrainCase(model, prompts, read)
    case.measure(images)["coarse"], case.measure(images)["noise"]          # [P] each

A flow model predicts noise minus picture, so the noise of every pixel has to pass through the hidden state to be
taken out. An edit that stops it leaves grain: a large change in which the scene is still there.
"""

from __future__ import annotations

import numpy as np
import torch

from ..metrics import squared_distance
from ..origins import generator_of
from .cases import Case

GRID = 12  # cells a side, for the coarse part of a change


class GrainCase(Case):
    """A case that also asks what kind of change it is: "coarse" [P], the part of the change that is left in the means
    over 12 x 12 cells (one token each on the toy world); and on the toy world "noise" [P], the correlation of the rest
    with the noise that the picture started from, 1 where that noise was never taken out."""

    def measure(self, images: np.ndarray) -> dict[str, np.ndarray]:
        found = super().measure(images)
        before, after = cells_of(self.untouched), cells_of(images)
        found["coarse"] = squared_distance(after.mean(axis=3), before.mean(axis=3)).astype(np.float32)
        if self.model.is_toy:
            start = [
                torch.randn(3, *images.shape[1:3], generator=generator_of(self.seed, i)) for i in range(len(images))
            ]
            noise = cells_of(torch.stack(start).permute(0, 2, 3, 1).numpy())
            fine = [x - x.mean(axis=3, keepdims=True) for x in (after - before, noise)]
            dot = [
                (a * b).sum(axis=(1, 2, 3, 4)) for a, b in ((fine[0], fine[1]), (fine[0], fine[0]), (fine[1], fine[1]))
            ]
            size = np.sqrt(dot[1] * dot[2])
            found["noise"] = np.divide(dot[0], size, out=np.zeros_like(size), where=size > 0).astype(np.float32)
        return found


def cells_of(images: np.ndarray, side: int = GRID) -> np.ndarray:
    """Pictures [P, H, W, 3] as float [P, side, side, pixels of a cell, 3], in 0 to 1 where they were uint8; what is
    left over at the right and lower edges is cut off."""
    h, w = (size // side for size in images.shape[1:3])
    cut = images[:, : h * side, : w * side].astype(np.float64) / (255 if images.dtype == np.uint8 else 1)
    split = cut.reshape(len(cut), side, h, side, w, 3).transpose(0, 1, 3, 2, 4, 5)
    return split.reshape(len(cut), side, side, h * w, 3)
