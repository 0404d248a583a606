"""The training recipe of the toy world's flow transformer: network, data, loss and schedule, as `train` uses them.

Rectified flow: x_t = (1 - t) x_0 + t noise, the target is noise - x_0, and t = sigmoid(N(0.4, 1)).
References: Esser et al. (2024), arXiv 2403.03206, for the flow, the logit-normal t and the MMDiT.
"""

from __future__ import annotations

import contextlib
import math

import numpy as np
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel

from . import scenes
from .pipeline import ToyWorldPipeline
from .text_encoder import ToyTextEncoder, build_tokenizer

DROP_PROMPT = 0.1  # share of samples trained without their prompt, so that guidance works
EMA_DECAY = 0.9995
WARMUP_STEPS = 200
RECIPE = (
    "Rectified flow on pixels, t = sigmoid(N(0.4, 1)); AdamW (0.9, 0.95), weight decay 0.01 on matrices, "
    "batch {batch}, peak learning rate {lr:g} after {warmup} steps of warm-up, constant and then falling linearly to "
    "zero; bf16 autocast, gradient norm clipped at 1, 10 % of prompts dropped, weights averaged with {ema:g}."
)


def build_pipeline(seed: int = 0) -> ToyWorldPipeline:
    """The untrained pipeline: 7.8 M parameters, 6 MMDiT blocks of width 192 on 12 x 12 tokens of 4 x 4 px."""
    torch.manual_seed(seed)
    transformer = SD3Transformer2DModel(
        sample_size=scenes.IMAGE_SIZE, patch_size=4, in_channels=3, out_channels=3, num_layers=6,
        attention_head_dim=32, num_attention_heads=6, joint_attention_dim=64, pooled_projection_dim=64,
        caption_projection_dim=192, pos_embed_max_size=12, qk_norm="rms_norm",
    )  # fmt: skip
    # AdaLN-zero: every block starts as the identity
    for name, parameter in transformer.named_parameters():
        if any(part in name for part in ("norm1.linear", "norm1_context.linear", "norm_out.linear", "proj_out.")):
            torch.nn.init.zeros_(parameter)
    text_encoder = ToyTextEncoder()
    torch.nn.init.normal_(text_encoder.places.weight, std=0.5)
    return ToyWorldPipeline(build_tokenizer(), text_encoder, transformer, FlowMatchEulerDiscreteScheduler())


class SceneStream(torch.utils.data.Dataset):
    """Sample i is a function of (seed, i): image float32 [3, H, W] in -1 to 1 and token ids int64 [24]."""

    def __init__(self, seed: int, images: int):
        self.seed, self.images, self.tokenizer = seed, images, build_tokenizer()

    def __len__(self) -> int:
        return self.images

    def __getitem__(self, i: int) -> tuple[torch.Tensor, torch.Tensor]:
        rng = np.random.default_rng((self.seed, i))
        scene = scenes.render(scenes.sample_attributes(rng), rng)
        prompt = "" if rng.random() < DROP_PROMPT else scene.prompt
        ids = self.tokenizer(prompt, padding="max_length", max_length=self.tokenizer.model_max_length).input_ids
        image = torch.from_numpy(scene.image).permute(2, 0, 1).float() / 127.5 - 1
        return image, torch.tensor(ids)


def flow_loss(pipeline, images: torch.Tensor, ids: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Rectified-flow loss of a batch; images [B, 3, H, W] in -1 to 1, ids [B, S]. Noise and t are drawn on the CPU."""
    t = torch.sigmoid(torch.randn(len(images), generator=generator) + 0.4).to(images.device)
    noise = torch.randn(images.shape, generator=generator).to(images.device)
    weight = t[:, None, None, None]
    states, pooled = pipeline.text_encoder(ids)
    velocity = pipeline.transformer(
        hidden_states=(1 - weight) * images + weight * noise, timestep=t * 1000,
        encoder_hidden_states=states, pooled_projections=pooled, return_dict=False,
    )[0]  # fmt: skip
    return (velocity.float() - (noise - images)).square().mean()


def learning_rate(images: int, step: int, peak: float, decay_from: int, total: int) -> float:
    """Linear warm-up over 200 steps, constant, then linear to zero from `decay_from` to `total` images."""
    decay = min(1.0, (total - images) / max(1, total - decay_from))
    return peak * min(1.0, (step + 1) / WARMUP_STEPS) * max(0.0, decay)


def snapshot_due(before: int, after: int) -> bool:
    """True where the count of images passes 1000 x 2^(j/2): log-spaced moments at which weights are kept."""

    def index(n):
        return math.floor(2 * math.log2(n / 1000)) if n >= 1000 else -1

    return index(after) > index(before)


@contextlib.contextmanager
def cpu_attention():
    """Plain attention while training on a CPU: torch's fused bf16 backward is 3.5 times slower there."""

    def attention(q, k, v, *args, **kwargs):
        return ((q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)).softmax(dim=-1) @ v

    fused = torch.nn.functional.scaled_dot_product_attention
    torch.nn.functional.scaled_dot_product_attention = attention
    try:
        yield
    finally:
        torch.nn.functional.scaled_dot_product_attention = fused
