"""The training recipe of the toy world's flow transformer: network, data, loss and schedule, as `train` uses them.

Rectified flow on an autoencoder's latents: x_t = (1 - t) x_0 + t noise, the target is noise - x_0, and
t = sigmoid(N(0.6, 1)): a wrong shape word costs most at t = 0.6 to 0.99, a tenth of that at 0.3.
References: Esser et al. (2024), arXiv 2403.03206, for the flow, the logit-normal t and the MMDiT.
"""

from __future__ import annotations

import contextlib
import math
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderTiny, FlowMatchEulerDiscreteScheduler, PixArtTransformer2DModel, SD3Transformer2DModel

from . import scenes
from .pipeline import ToyWorldPipeline
from .text_encoder import ToyTextEncoder, build_tokenizer

DROP_PROMPT = 0.1  # share of samples trained without their prompt, so that guidance works
EMA_DECAY = 0.9995
WARMUP_STEPS = 200
MEAN_LOGIT_T = 0.6
RECIPE = (
    "Rectified flow on the autoencoder's latents, t = sigmoid(N({mean:g}, 1)); AdamW (0.9, 0.95), weight decay 0.01 on "
    "matrices, batch {batch} over {processes} process{es}, peak learning rate {lr:g} after {warmup} steps of warm-up, "
    "constant until {decay_from:,} images and then falling linearly to zero; {precision}, gradient norm clipped at 1, "
    "10 % of prompts dropped, weights averaged with {ema:g}."
)
ARCHITECTURES = ("sd3", "pixart")
LATENT_CHANNELS, SCALE = 8, 4  # of the autoencoder, and by how much it makes a side shorter
CACHED = 4  # samples of which the attention fits into a core's cache
OWN_VAE = Path(__file__).parent / "weights" / "pipeline" / "vae"


def build_autoencoder(seed: int = 0) -> AutoencoderTiny:
    """The untrained autoencoder: 48 x 48 px to 12 x 12 latents of 8 channels, 0.72 M parameters."""
    torch.manual_seed(seed)
    return AutoencoderTiny(
        encoder_block_out_channels=(48, 48, 48),
        decoder_block_out_channels=(48, 48, 48),
        num_encoder_blocks=(1, 2, 2),
        num_decoder_blocks=(2, 2, 1),
        latent_channels=LATENT_CHANNELS,
        upsampling_scaling_factor=2,
    )


def load_autoencoder(folder: str | Path | None = None) -> AutoencoderTiny:
    """A trained autoencoder (default: the shipped one) in float32, which learns no more."""
    vae = AutoencoderTiny.from_pretrained(folder or OWN_VAE, use_safetensors=True)
    return vae.float().eval().requires_grad_(False)


def build_pipeline(
    seed: int = 0, architecture: str = "sd3", vae: AutoencoderTiny | str | Path | None = None
) -> ToyWorldPipeline:
    """The untrained pipeline: six blocks of width 192 on 12 x 12 tokens of one latent, over a trained autoencoder.

    architecture: "sd3", the book's model (an MMDiT: text and image tokens attend to each other; 7.8 M parameters), or
    "pixart", which trains as a replica only (text enters by cross-attention, one AdaLN for all blocks). vae: the
    autoencoder, or its folder (default: the shipped one). Raises ValueError for another name.
    """
    vae = vae if isinstance(vae, torch.nn.Module) else load_autoencoder(vae)
    torch.manual_seed(seed)
    channels, size = vae.config.latent_channels, scenes.IMAGE_SIZE // SCALE
    if architecture == "sd3":
        transformer = SD3Transformer2DModel(
            sample_size=size,
            patch_size=1,
            in_channels=channels,
            out_channels=channels,
            num_layers=6,
            attention_head_dim=32,
            num_attention_heads=6,
            joint_attention_dim=64,
            pooled_projection_dim=64,
            caption_projection_dim=192,
            pos_embed_max_size=12,
            qk_norm="rms_norm",
        )
        # AdaLN-zero: every block starts as the identity
        zeroed = ("norm1.linear", "norm1_context.linear", "norm_out.linear", "proj_out.")
    elif architecture == "pixart":
        transformer = PixArtTransformer2DModel(
            sample_size=size,
            patch_size=1,
            in_channels=channels,
            out_channels=channels,
            num_layers=6,
            attention_head_dim=32,
            num_attention_heads=6,
            cross_attention_dim=192,
            caption_channels=64,
        )
        zeroed = ("adaln_single.linear", "proj_out.")
    else:
        raise ValueError(f"architecture={architecture!r}: expected one of {', '.join(ARCHITECTURES)}")
    for name, parameter in transformer.named_parameters():
        if any(part in name for part in zeroed):
            torch.nn.init.zeros_(parameter)
    text_encoder = ToyTextEncoder()
    torch.nn.init.normal_(text_encoder.places.weight, std=0.5)
    return ToyWorldPipeline(build_tokenizer(), text_encoder, transformer, FlowMatchEulerDiscreteScheduler(), vae)


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


def flow_loss(pipeline, clean: torch.Tensor, ids: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Rectified-flow loss of a batch; clean latents [B, 8, h, w], ids [B, S]. Noise and t are drawn on the CPU."""
    t = torch.sigmoid(torch.randn(len(clean), generator=generator) + MEAN_LOGIT_T).to(clean.device)
    noise = torch.randn(clean.shape, generator=generator).to(clean.device)
    weight = t[:, None, None, None]
    states, pooled = pipeline.text_encoder(ids)
    velocity = pipeline.velocity((1 - weight) * clean + weight * noise, t * 1000, states, pooled)
    return (velocity.float() - (noise - clean)).square().mean()


@torch.no_grad()
def clean_latents(vae: AutoencoderTiny, images: torch.Tensor) -> torch.Tensor:
    """Images [B, 3, H, W] in -1 to 1 as latents [B, 8, h, w], scaled as the pipeline denoises them."""
    encoded = vae.encode(images.contiguous(memory_format=torch.channels_last)).latents.float()
    return (encoded - vae.config.shift_factor) * vae.config.scaling_factor


def learning_rate(
    images: int, step: int, peak: float, decay_from: int, total: int, warmup: int = WARMUP_STEPS, least: float = 0.0
) -> float:
    """Linear warm-up over so many steps, constant, then linear to `least` of the peak from `decay_from` to `total`
    images."""
    decay = min(1.0, (total - images) / max(1, total - decay_from))
    return peak * min(1.0, (step + 1) / warmup) * max(least, decay)


def snapshot_due(before: int, after: int) -> bool:
    """True where the count of images passes 1000 x 2^(j/2): log-spaced moments at which weights are kept."""

    def index(n):
        return math.floor(2 * math.log2(n / 1000)) if n >= 1000 else -1

    return index(after) > index(before)


def fitting_precision(device: str) -> str:
    """ "bf16" on a GPU and on a CPU that computes in it, else "fp32": a CPU that emulates bf16 was seen to train ten
    times slower with it than without."""
    if device == "cpu" and not getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)():
        return "fp32"
    return "bf16"


@contextlib.contextmanager
def cpu_attention():
    """Plain attention while training in bf16 on a CPU: torch's fused bf16 backward is 3.5 times slower there. A few
    samples at a time stay in the cache, which gives the same bits in half the time."""

    def attention(q, k, v, *args, **kwargs):
        parts = zip(*(part.split(CACHED) for part in (q, k, v)), strict=True)
        return torch.cat([((q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)).softmax(dim=-1) @ v for q, k, v in parts])

    fused = torch.nn.functional.scaled_dot_product_attention
    torch.nn.functional.scaled_dot_product_attention = attention
    try:
        yield
    finally:
        torch.nn.functional.scaled_dot_product_attention = fused
