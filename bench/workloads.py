"""What the benches run: the toy world through its pipeline, and a FLUX-class transformer of random weights."""

from __future__ import annotations

import fewchannels as fc
import torch

PROMPT = "a large red star at the center on a plain white background"


class Toy:
    """16 pictures of the toy world."""

    label = "toy, batch 16"

    def __init__(self, options):
        self.model = fc.load("toyworld" if options.model is None else options.model, device="cpu")
        self.steps = options.steps or 4

    def run(self):
        self.model.generate([PROMPT] * 16, steps=self.steps, batch_size=16)


class Flux:
    """4 double and 8 single blocks of FLUX.1's class, as wide as asked for, of random weights."""

    label = "FLUX-class, 12 blocks, 1024 tokens"

    def __init__(self, options):
        from diffusers import FluxTransformer2DModel

        torch.manual_seed(0)
        transformer = FluxTransformer2DModel(
            in_channels=16,
            num_layers=4,
            num_single_layers=8,
            attention_head_dim=64,
            num_attention_heads=12,
            joint_attention_dim=64,
            pooled_projection_dim=64,
            axes_dims_rope=(8, 28, 28),
        )
        self.dtype = getattr(torch, options.dtype)
        self.model = fc.load(transformer.to(self.dtype).eval())
        self.steps = options.steps or 2
        self.label = f"{type(self).label}, {options.dtype}"
        ids = torch.zeros(32, 32, 3)
        ids[..., 1] += torch.arange(32)[:, None]
        ids[..., 2] += torch.arange(32)
        self.inputs = {
            "hidden_states": torch.randn(1, 1024, 16, dtype=self.dtype),
            "encoder_hidden_states": torch.randn(1, 64, 64, dtype=self.dtype),
            "pooled_projections": torch.randn(1, 64, dtype=self.dtype),
            "img_ids": ids.reshape(-1, 3),
            "txt_ids": torch.zeros(64, 3),
        }

    def timesteps(self):
        return [torch.tensor([1 - step / self.steps], dtype=self.dtype) for step in range(self.steps)]

    @torch.no_grad()
    def run(self):
        with self.model.trajectory(samples=1, steps=self.steps):
            for timestep in self.timesteps():
                self.model.transformer(timestep=timestep, **self.inputs)
