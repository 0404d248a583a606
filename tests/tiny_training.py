"""A pipeline of the toy world's own parts with a transformer of two blocks and 16 channels, for trainings in tests."""

from __future__ import annotations

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel
from fewchannels.toyworld.pipeline import ToyWorldPipeline
from fewchannels.toyworld.recipe import load_autoencoder
from fewchannels.toyworld.text_encoder import ToyTextEncoder, build_tokenizer

WIDTH = 16
ZEROED = ("norm1.linear", "norm1_context.linear", "norm_out.linear", "proj_out.")


def tiny_pipeline(seed: int = 0, *_) -> ToyWorldPipeline:
    """Stands in for recipe.build_pipeline."""
    vae = load_autoencoder()
    torch.manual_seed(seed)
    transformer = SD3Transformer2DModel(
        sample_size=12,
        patch_size=1,
        in_channels=8,
        out_channels=8,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=64,
        pooled_projection_dim=64,
        caption_projection_dim=WIDTH,
        pos_embed_max_size=12,
        qk_norm="rms_norm",
    )
    for name, parameter in transformer.named_parameters():
        if any(part in name for part in ZEROED):
            torch.nn.init.zeros_(parameter)
    return ToyWorldPipeline(build_tokenizer(), ToyTextEncoder(), transformer, FlowMatchEulerDiscreteScheduler(), vae)
