"""Shared models: the shipped toy world, a whole FLUX.1 pipeline of random parts, and bare transformers at toy size.

All are real classes of diffusers. Random weights have no massive channels; tests that need one plant it.
"""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
import torch
from diffusers import models as dm

TEXT = 5  # text tokens of every tiny forward
# headless in a container, and nothing that Chromium itself would fetch
CHROMIUM_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
                 "--disable-background-networking", "--disable-component-update", "--hide-scrollbars"]  # fmt: skip

PROMPTS = [
    "a large red star at the center on a plain white background",
    "a small blue circle at the left on a plain green background",
    "a large green square at the top on a striped yellow background",
]


@pytest.fixture(scope="session")
def absent():
    """absent("what is missing"): skips on a developer's machine, fails where CI is set."""

    def say(what: str) -> None:
        if os.environ.get("CI"):
            pytest.fail(what)
        pytest.skip(what)

    return say


@pytest.fixture(scope="session")
def browser(absent):
    """One headless Chromium for the session."""
    sync_api = pytest.importorskip("playwright.sync_api") if not os.environ.get("CI") else _playwright()
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "chromium-browser",
                                                                              "google-chrome"))), None)  # fmt: skip
    if not found:
        absent("Chromium is missing: apt-get install chromium, or set CHROMIUM to its path.")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=CHROMIUM_ARGS)
        yield chromium
        chromium.close()


def _playwright():
    from playwright import sync_api

    return sync_api


@pytest.fixture(scope="session")
def prompts():
    """Three prompts that the toy world knows."""
    return list(PROMPTS)


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Tests run side by side; more threads than cores make each of them slower."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def toy():
    """The toy world as it is shipped."""
    import fewchannels as fc

    return fc.load("toyworld", device="cpu")


@pytest.fixture(scope="session")
def flux():
    """A whole random FLUX.1 pipeline, 2 + 2 blocks of width 32, as a loaded model."""
    import fewchannels as fc

    return fc.load(build_flux_pipeline())


@pytest.fixture(scope="session")
def tiny():
    """tiny(class_name) -> (transformer, call): call(batch=2, height=4, width=6, timestep=0.5, seed=0) runs one forward
    on a grid of height x width tokens and returns the output tensor."""
    made = {}

    def build(name):
        if name not in made:
            made[name] = TINY[name]()
        return made[name]

    build.names = sorted(TINY)
    return build


def seeded(kind, **config):
    """A random transformer whose every block contributes: layers that start at zero are drawn anew."""
    torch.manual_seed(0)
    transformer = kind(**config).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(1)
    for parameter in transformer.parameters():
        if not parameter.any():
            parameter.normal_(0, 0.05, generator=generator)
    return transformer


def random(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def grid_ids(height, width, columns=3):
    ids = torch.zeros(height, width, columns)
    ids[..., 1] += torch.arange(height)[:, None]
    ids[..., 2] += torch.arange(width)[None]
    return ids.reshape(-1, columns)


def _latent(kind, patch, channels, text, config):
    transformer = seeded(kind, **config)

    @torch.no_grad()
    def call(batch=2, height=4, width=6, timestep=0.5, seed=0):
        latents = random(seed, batch, channels, height * patch, width * patch)
        given = text(seed, batch)
        time = torch.full((batch,), timestep)
        return transformer(hidden_states=latents, timestep=time, return_dict=False, **given)[0]

    return transformer, call


def _packed(kind, width_text, columns, config, extra=lambda batch: {}):
    transformer = seeded(kind, **config)

    @torch.no_grad()
    def call(batch=2, height=4, width=6, timestep=0.5, seed=0, references=0):
        ids = grid_ids(height, width, columns)
        if references:
            other = grid_ids(references, width, columns)
            other[:, 0] = 1
            ids = torch.cat([ids, other])
        return transformer(
            hidden_states=random(seed, batch, len(ids), 4),
            encoder_hidden_states=random(seed + 1, batch, TEXT, width_text),
            timestep=torch.full((batch,), timestep),
            img_ids=ids,
            txt_ids=torch.zeros(TEXT, columns),
            return_dict=False,
            **extra(batch),
        )[0]

    return transformer, call


def _flux():
    config = dict(in_channels=4, num_layers=2, num_single_layers=2, attention_head_dim=16, num_attention_heads=2,
                  joint_attention_dim=32, pooled_projection_dim=32, axes_dims_rope=(4, 4, 8))  # fmt: skip
    return _packed(dm.FluxTransformer2DModel, 32, 3, config,
                   lambda batch: {"pooled_projections": random(2, batch, 32)})  # fmt: skip


def _flux2():
    config = dict(in_channels=4, num_layers=2, num_single_layers=2, attention_head_dim=16, num_attention_heads=2,
                  joint_attention_dim=32, timestep_guidance_channels=16, axes_dims_rope=(4, 4, 4, 4),
                  guidance_embeds=False)  # fmt: skip
    return _packed(dm.Flux2Transformer2DModel, 32, 4, config)


def _chroma():
    config = dict(in_channels=4, num_layers=2, num_single_layers=2, attention_head_dim=16, num_attention_heads=2,
                  joint_attention_dim=32, axes_dims_rope=(4, 4, 8), approximator_num_channels=16,
                  approximator_hidden_dim=16, approximator_layers=1)  # fmt: skip
    return _packed(dm.ChromaTransformer2DModel, 32, 3, config)


def _sd3():
    config = dict(sample_size=32, patch_size=2, in_channels=4, out_channels=4, num_layers=3, attention_head_dim=8,
                  num_attention_heads=4, caption_projection_dim=32, joint_attention_dim=32, pooled_projection_dim=64,
                  pos_embed_max_size=16)  # fmt: skip
    return _latent(dm.SD3Transformer2DModel, 2, 4, lambda seed, batch: {
        "encoder_hidden_states": random(seed + 1, batch, TEXT, 32), "pooled_projections": random(2, batch, 64),
    }, config)  # fmt: skip


def _pixart():
    config = dict(sample_size=8, num_layers=2, in_channels=4, out_channels=4, attention_head_dim=8,
                  num_attention_heads=2, cross_attention_dim=16, caption_channels=8,
                  use_additional_conditions=False)  # fmt: skip
    return _latent(dm.PixArtTransformer2DModel, 2, 4, lambda seed, batch: {
        "encoder_hidden_states": random(seed + 1, batch, TEXT, 8),
        "added_cond_kwargs": {"resolution": None, "aspect_ratio": None},
    }, config)  # fmt: skip


def _sana():
    config = dict(in_channels=4, out_channels=4, num_layers=2, num_attention_heads=2, attention_head_dim=8,
                  num_cross_attention_heads=2, cross_attention_head_dim=8, cross_attention_dim=16, caption_channels=8,
                  sample_size=8, patch_size=1)  # fmt: skip
    return _latent(dm.SanaTransformer2DModel, 1, 4, lambda seed, batch: {
        "encoder_hidden_states": random(seed + 1, batch, TEXT, 8),
    }, config)  # fmt: skip


def _cogview4():
    config = dict(in_channels=4, out_channels=4, num_layers=2, attention_head_dim=16, num_attention_heads=2,
                  text_embed_dim=8, time_embed_dim=16, condition_dim=4, sample_size=8,
                  rope_axes_dim=(8, 8))  # fmt: skip
    return _latent(dm.CogView4Transformer2DModel, 2, 4, lambda seed, batch: {
        "encoder_hidden_states": random(seed + 1, batch, 16, 8), "original_size": torch.full((batch, 2), 64.0),
        "target_size": torch.full((batch, 2), 64.0), "crop_coords": torch.zeros(batch, 2),
    }, config)  # fmt: skip


def _auraflow():
    config = dict(sample_size=8, in_channels=4, out_channels=4, num_mmdit_layers=2, num_single_dit_layers=2,
                  attention_head_dim=8, num_attention_heads=4, joint_attention_dim=16, caption_projection_dim=32,
                  pos_embed_max_size=64)  # fmt: skip
    return _latent(dm.AuraFlowTransformer2DModel, 2, 4, lambda seed, batch: {
        "encoder_hidden_states": random(seed + 1, batch, TEXT, 16),
    }, config)  # fmt: skip


def _ernie():
    config = dict(hidden_size=32, num_attention_heads=2, num_layers=2, ffn_hidden_size=64, in_channels=4,
                  out_channels=4, text_in_dim=16, rope_axes_dim=(8, 4, 4))  # fmt: skip
    return _latent(dm.ErnieImageTransformer2DModel, 1, 4, lambda seed, batch: {
        "text_bth": random(seed + 1, batch, TEXT, 16), "text_lens": torch.full((batch,), TEXT),
    }, config)  # fmt: skip


def _dit():
    config = dict(sample_size=8, num_layers=2, in_channels=4, out_channels=4, attention_head_dim=8,
                  num_attention_heads=2, num_embeds_ada_norm=10)  # fmt: skip
    transformer = seeded(dm.DiTTransformer2DModel, **config)

    @torch.no_grad()
    def call(batch=2, height=4, width=4, timestep=5, seed=0):
        # DiT unpatchifies to a square whatever it is given, so only squares run.
        return transformer(random(seed, batch, 4, 2 * height, 2 * height), timestep=torch.full((batch,), int(timestep)),
                           class_labels=torch.zeros(batch, dtype=torch.long), return_dict=False)[0]  # fmt: skip

    return transformer, call


def _qwen():
    config = dict(in_channels=4, out_channels=4, num_layers=2, attention_head_dim=16, num_attention_heads=2,
                  joint_attention_dim=16, axes_dims_rope=(4, 4, 8), patch_size=1)  # fmt: skip
    transformer = seeded(dm.QwenImageTransformer2DModel, **config)

    @torch.no_grad()
    def call(batch=2, height=4, width=6, timestep=0.5, seed=0, references=0):
        shapes = [(1, height, width)] + ([(1, references, width)] if references else [])
        return transformer(
            hidden_states=random(seed, batch, (height + references) * width, 4),
            encoder_hidden_states=random(seed + 1, batch, TEXT, 16),
            encoder_hidden_states_mask=torch.ones(batch, TEXT, dtype=torch.bool),
            timestep=torch.full((batch,), timestep), img_shapes=[shapes] * batch, return_dict=False,
        )[0]  # fmt: skip

    return transformer, call


TINY = {
    "FluxTransformer2DModel": _flux, "Flux2Transformer2DModel": _flux2, "ChromaTransformer2DModel": _chroma,
    "SD3Transformer2DModel": _sd3, "PixArtTransformer2DModel": _pixart, "SanaTransformer2DModel": _sana,
    "CogView4Transformer2DModel": _cogview4, "AuraFlowTransformer2DModel": _auraflow,
    "ErnieImageTransformer2DModel": _ernie, "DiTTransformer2DModel": _dit, "QwenImageTransformer2DModel": _qwen,
}  # fmt: skip


def word_tokenizer(words, length):
    """A real fast tokenizer over a handful of words."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: i for i, word in enumerate(["<pad>", "<unk>", "</s>", *sorted(words)])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>", eos_token="</s>", model_max_length=length
    )


def build_flux_pipeline():
    """FluxPipeline of random parts: tiny CLIP and T5 text encoders, a tiny VAE (8 px a latent, 16 px a token)."""
    from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, FluxPipeline
    from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

    words = {word for prompt in PROMPTS for word in prompt.split()}
    torch.manual_seed(0)
    clip = CLIPTextModel(CLIPTextConfig(vocab_size=64, hidden_size=32, intermediate_size=37, num_hidden_layers=1,
                                        num_attention_heads=4, max_position_embeddings=77, eos_token_id=2,
                                        pad_token_id=0, bos_token_id=1))  # fmt: skip
    t5 = T5EncoderModel(T5Config(vocab_size=64, d_model=32, d_kv=8, d_ff=37, num_layers=1, num_heads=4))
    vae = AutoencoderKL(
        down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4,
        block_out_channels=[8, 8, 8, 8], layers_per_block=1, latent_channels=1, norm_num_groups=4,
        use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.1, scaling_factor=0.3, sample_size=64,
    )  # fmt: skip
    pipeline = FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(), vae=vae.eval(), text_encoder=clip.eval(),
        tokenizer=word_tokenizer(words, 77), text_encoder_2=t5.eval(), tokenizer_2=word_tokenizer(words, 24),
        transformer=_flux()[0],
    )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture
def tokens():
    """Reproducible normal numbers: tokens(shape, seed=0) -> float32 tensor."""
    return lambda *shape, seed=0: torch.from_numpy(np.random.default_rng(seed).standard_normal(shape)).float()
