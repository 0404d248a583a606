"""The scenes of a training as latents, encoded once for all trainings that draw the same ones.

    stream = EncodedScenes(SceneStream(seed, images), pipeline.vae, folder)
    latents, ids = stream[0]                                # float32 [8, 12, 12], int64 [24]

To render a scene and to encode it takes an eighth of a step. Files are of this code's scenes and this autoencoder; a
folder is not to outlive them.
"""

from __future__ import annotations

from pathlib import Path

import torch
from filelock import FileLock
from safetensors.torch import load_file, save

from ..disk import write_whole
from .recipe import SceneStream, clean_latents

PART = 1_600  # scenes a file; a multiple of any batch that is used


def encode(stream: SceneStream, vae, which: range, batch: int = 32) -> tuple[torch.Tensor, torch.Tensor]:
    """Scenes of a stream as latents float32 [n, C, h, w], a batch at a time, and their ids int64 [n, S], on the CPU."""
    latents, words = [], []
    for first in range(0, len(which), batch):
        images, ids = zip(*(stream[i] for i in which[first : first + batch]), strict=True)
        latents.append(clean_latents(vae, torch.stack(images).to(vae.device)).cpu())
        words += ids
    return torch.cat(latents), torch.stack(words)


class EncodedScenes(torch.utils.data.Dataset):
    """Sample i is that of the stream, with its image as latents float32 [C, h, w]. They are encoded in batches from the
    first one on, as `toyworld.train` does, so they are the same bits. Several processes may share the folder."""

    def __init__(self, stream: SceneStream, vae, folder: Path, precision: str = "fp32", batch: int = 32):
        self.stream, self.vae, self.precision, self.batch = stream, vae, precision, batch
        self.folder = folder / f"scenes-{stream.seed}-{len(stream)}-{precision}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.number, self.held = -1, {}

    def __len__(self) -> int:
        return len(self.stream)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, torch.Tensor]:
        number, row = divmod(i, PART)
        if number != self.number:
            self.number, self.held = number, self._part(number)
        return self.held["latents"][row], self.held["ids"][row]

    def _part(self, number: int) -> dict[str, torch.Tensor]:
        file = self.folder / f"{number:04d}.safetensors"
        with FileLock(file.with_suffix(".lock")):  # a second process waits no longer than it would have worked
            if not file.exists():
                write_whole(file, save(self._encoded(range(number * PART, min((number + 1) * PART, len(self))))))
        return load_file(file)

    def _encoded(self, which: range) -> dict[str, torch.Tensor]:
        with torch.autocast(self.vae.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            latents, ids = encode(self.stream, self.vae, which, self.batch)
        return {"latents": latents.contiguous(), "ids": ids}
