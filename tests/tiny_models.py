"""Every transformer class of the table at toy size with random weights: TINY[class name]() -> (transformer, call).

call(batch=2, height=4, width=6, timestep=0.5, seed=0) runs one forward on a grid of height x width tokens and returns
the image part of the output. Random weights have no massive channels; tests that need one plant it.
"""

from __future__ import annotations

import inspect

import torch
from diffusers import models as dm

TEXT = 5  # text tokens of every tiny forward that takes text in one piece


def seeded(kind, **config):
    """A random transformer whose every block contributes: layers that start at zero, and experts, which come
    uninitialised, are drawn anew."""
    torch.manual_seed(0)
    transformer = kind(**config).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(1)
    for name, parameter in transformer.named_parameters():
        if ".experts." in name or not parameter.any():
            parameter.normal_(0, 0.05, generator=generator)
    return transformer


def random(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def grid_ids(height, width, columns=3):
    ids = torch.zeros(height, width, columns)
    ids[..., 1] += torch.arange(height)[:, None]
    ids[..., 2] += torch.arange(width)[None]
    return ids.reshape(-1, columns)


def _latent(kind, patch, channels, text, config, time="timestep"):
    transformer = seeded(kind, **config)

    @torch.no_grad()
    def call(batch=2, height=4, width=6, timestep=0.5, seed=0):
        latents = random(seed, batch, channels, height * patch, width * patch)
        given = text(seed, batch)
        given[time] = torch.full((batch,), timestep)
        return transformer(hidden_states=latents, return_dict=False, **given)[0]

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
    config = dict(
        in_channels=4,
        num_layers=2,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        pooled_projection_dim=32,
        axes_dims_rope=(4, 4, 8),
    )
    return _packed(dm.FluxTransformer2DModel, 32, 3, config, lambda batch: {"pooled_projections": random(2, batch, 32)})


def _flux2():
    config = dict(
        in_channels=4,
        num_layers=2,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        timestep_guidance_channels=16,
        axes_dims_rope=(4, 4, 4, 4),
        guidance_embeds=False,
    )
    return _packed(dm.Flux2Transformer2DModel, 32, 4, config)


def _chroma():
    config = dict(
        in_channels=4,
        num_layers=2,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        axes_dims_rope=(4, 4, 8),
        approximator_num_channels=16,
        approximator_hidden_dim=16,
        approximator_layers=1,
    )
    return _packed(dm.ChromaTransformer2DModel, 32, 3, config)


def _sd3():
    config = dict(
        sample_size=32,
        patch_size=2,
        in_channels=4,
        out_channels=4,
        num_layers=3,
        attention_head_dim=8,
        num_attention_heads=4,
        caption_projection_dim=32,
        joint_attention_dim=64,
        pooled_projection_dim=64,
        pos_embed_max_size=16,
    )
    return _latent(
        dm.SD3Transformer2DModel,
        2,
        4,
        lambda seed, batch: {
            "encoder_hidden_states": random(seed + 1, batch, TEXT, 64),
            "pooled_projections": random(2, batch, 64),
        },
        config,
    )


def _pixart():
    config = dict(
        sample_size=8,
        num_layers=2,
        in_channels=4,
        out_channels=4,
        attention_head_dim=8,
        num_attention_heads=2,
        cross_attention_dim=16,
        caption_channels=8,
        use_additional_conditions=False,
    )
    return _latent(
        dm.PixArtTransformer2DModel,
        2,
        4,
        lambda seed, batch: {
            "encoder_hidden_states": random(seed + 1, batch, TEXT, 8),
            "added_cond_kwargs": {"resolution": None, "aspect_ratio": None},
        },
        config,
    )


def _sana():
    config = dict(
        in_channels=4,
        out_channels=4,
        num_layers=2,
        num_attention_heads=2,
        attention_head_dim=8,
        num_cross_attention_heads=2,
        cross_attention_head_dim=8,
        cross_attention_dim=16,
        caption_channels=8,
        sample_size=8,
        patch_size=1,
    )
    return _latent(
        dm.SanaTransformer2DModel,
        1,
        4,
        lambda seed, batch: {"encoder_hidden_states": random(seed + 1, batch, TEXT, 8)},
        config,
    )


def _cogview4():
    config = dict(
        in_channels=4,
        out_channels=4,
        num_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        text_embed_dim=8,
        time_embed_dim=16,
        condition_dim=4,
        sample_size=8,
        rope_axes_dim=(8, 8),
    )
    return _latent(
        dm.CogView4Transformer2DModel,
        2,
        4,
        lambda seed, batch: {
            "encoder_hidden_states": random(seed + 1, batch, 16, 8),
            "original_size": torch.full((batch, 2), 64.0),
            "target_size": torch.full((batch, 2), 64.0),
            "crop_coords": torch.zeros(batch, 2),
        },
        config,
    )


def _auraflow():
    config = dict(
        sample_size=8,
        in_channels=4,
        out_channels=4,
        num_mmdit_layers=2,
        num_single_dit_layers=2,
        attention_head_dim=8,
        num_attention_heads=4,
        joint_attention_dim=16,
        caption_projection_dim=32,
        pos_embed_max_size=64,
    )
    return _latent(
        dm.AuraFlowTransformer2DModel,
        2,
        4,
        lambda seed, batch: {"encoder_hidden_states": random(seed + 1, batch, TEXT, 16)},
        config,
    )


def _ernie():
    config = dict(
        hidden_size=32,
        num_attention_heads=2,
        num_layers=2,
        ffn_hidden_size=64,
        in_channels=4,
        out_channels=4,
        text_in_dim=16,
        rope_axes_dim=(8, 4, 4),
    )
    return _latent(
        dm.ErnieImageTransformer2DModel,
        1,
        4,
        lambda seed, batch: {"text_bth": random(seed + 1, batch, TEXT, 16), "text_lens": torch.full((batch,), TEXT)},
        config,
    )


def _dit():
    config = dict(
        sample_size=8,
        num_layers=2,
        in_channels=4,
        out_channels=4,
        attention_head_dim=8,
        num_attention_heads=2,
        num_embeds_ada_norm=10,
    )
    transformer = seeded(dm.DiTTransformer2DModel, **config)

    @torch.no_grad()
    def call(batch=2, height=4, width=4, timestep=5, seed=0):
        # DiT unpatchifies to a square whatever it is given, so only squares run.
        return transformer(
            random(seed, batch, 4, 2 * height, 2 * height),
            timestep=torch.full((batch,), int(timestep)),
            class_labels=torch.zeros(batch, dtype=torch.long),
            return_dict=False,
        )[0]

    return transformer, call


def _qwen():
    config = dict(
        in_channels=4,
        out_channels=4,
        num_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=16,
        axes_dims_rope=(4, 4, 8),
        patch_size=1,
    )
    transformer = seeded(dm.QwenImageTransformer2DModel, **config)

    @torch.no_grad()
    def call(batch=2, height=4, width=6, timestep=0.5, seed=0, references=0):
        shapes = [(1, height, width)] + ([(1, references, width)] if references else [])
        older = "txt_seq_lens" in inspect.signature(transformer.forward).parameters
        return transformer(
            **({"txt_seq_lens": [TEXT] * batch} if older else {}),
            hidden_states=random(seed, batch, (height + references) * width, 4),
            encoder_hidden_states=random(seed + 1, batch, TEXT, 16),
            encoder_hidden_states_mask=torch.ones(batch, TEXT, dtype=torch.bool),
            timestep=torch.full((batch,), timestep),
            img_shapes=[shapes] * batch,
            return_dict=False,
        )[0]

    return transformer, call


def _longcat():
    config = dict(
        in_channels=4,
        num_layers=2,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=16,
        pooled_projection_dim=16,
        axes_dims_rope=[4, 4, 8],
    )
    return _packed(dm.LongCatImageTransformer2DModel, 16, 3, config)


def _ovis():
    config = dict(
        in_channels=4,
        out_channels=4,
        num_layers=2,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=16,
        axes_dims_rope=(4, 4, 8),
    )
    return _packed(dm.OvisImageTransformer2DModel, 16, 3, config)


def _bria():
    config = dict(
        in_channels=4,
        num_layers=2,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=16,
        axes_dims_rope=[4, 4, 8],
    )
    return _packed(dm.BriaTransformer2DModel, 16, 3, config)


def _bria_fibo():
    config = dict(
        in_channels=4,
        num_layers=2,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=16,
        axes_dims_rope=[4, 4, 8],
        text_encoder_dim=8,
    )
    return _packed(
        dm.BriaFiboTransformer2DModel,
        16,
        3,
        config,
        lambda batch: {"text_encoder_layers": [random(3 + layer, batch, TEXT, 8) for layer in range(4)]},
    )


def _bria_fibo2():
    config = dict(
        in_channels=4,
        dim=32,
        n_layers=2,
        n_refiner_layers=1,
        n_heads=2,
        cap_feat_dim=8,
        injection_layer_ids=(1,),
        perceiver_num_layers=1,
        min_num_gist_tokens=TEXT,
        max_num_gist_tokens=2 * TEXT,
        gist_step=TEXT,
        gist_min_text_len=TEXT,
        gist_max_text_len=2 * TEXT,
        axes_dims=(4, 6, 6),
        axes_lens=(64, 64, 64),
    )
    transformer = seeded(dm.BriaFibo2Transformer2DModel, **config)

    @torch.no_grad()
    def call(batch=2, height=4, width=6, timestep=0.5, seed=0, references=0, lengths=None):
        """references: rows of two images to edit. lengths: text tokens of each sample, where they differ."""
        given = {}
        if references:
            given["context_latents"] = [random(seed + 3, batch, 4, 2, 4), random(seed + 4, batch, 4, 4 * references, 8)]
        if lengths:
            given["encoder_attention_mask"] = torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]
        return transformer(
            hidden_states=random(seed, batch, 4, 2 * height, 2 * width),
            timestep=torch.full((batch,), timestep),
            encoder_hidden_states=random(seed + 1, batch, 2, max(lengths or [TEXT]), 8),
            return_dict=False,
            **given,
        )[0]

    return transformer, call


def _flux3():
    config = dict(
        in_channels=4,
        cond_in_channels=4,
        num_layers=2,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=16,
        timestep_channels=16,
        axes_dims_rope=(4, 4, 4, 4),
    )
    transformer = seeded(dm.Flux3Transformer2DModel, **config)

    @torch.no_grad()
    def call(batch=2, height=4, width=6, timestep=0.5, seed=0, references=0):
        given = {}
        if references:
            given = {
                "image_cond_hidden_states": random(seed + 3, batch, references * width, 4),
                "image_cond_ids": grid_ids(references, width, 4),
            }
        return transformer(
            hidden_states=random(seed, batch, height * width, 4),
            timestep=torch.full((batch,), timestep),
            encoder_hidden_states=random(seed + 1, batch, TEXT, 16),
            img_ids=grid_ids(height, width, 4),
            txt_ids=torch.zeros(TEXT, 4),
            return_dict=False,
            **given,
        )[0]

    return transformer, call


def _hunyuan_dit():
    config = dict(
        num_attention_heads=2,
        attention_head_dim=8,
        in_channels=4,
        patch_size=2,
        sample_size=8,
        hidden_size=16,
        num_layers=4,
        mlp_ratio=2.0,
        learn_sigma=False,
        cross_attention_dim=8,
        cross_attention_dim_t5=8,
        pooled_projection_dim=8,
        text_len=3,
        text_len_t5=2,
        use_style_cond_and_image_meta_size=False,
    )
    return _latent(
        dm.HunyuanDiT2DModel,
        2,
        4,
        lambda seed, batch: {
            "encoder_hidden_states": random(seed + 1, batch, 3, 8),
            "text_embedding_mask": torch.ones(batch, 3),
            "encoder_hidden_states_t5": random(seed + 2, batch, 2, 8),
            "text_embedding_mask_t5": torch.ones(batch, 2),
        },
        config,
    )


def _prx():
    config = dict(
        in_channels=4,
        patch_size=2,
        context_in_dim=8,
        hidden_size=16,
        mlp_ratio=2.0,
        num_heads=2,
        depth=2,
        axes_dim=[4, 4],
    )
    return _latent(
        dm.PRXTransformer2DModel,
        2,
        4,
        lambda seed, batch: {"encoder_hidden_states": random(seed + 1, batch, TEXT, 8)},
        config,
    )


def _lumina_next():
    from diffusers.models.embeddings import get_2d_rotary_pos_embed_lumina

    config = dict(
        sample_size=8,
        patch_size=2,
        in_channels=4,
        hidden_size=32,
        num_layers=2,
        num_attention_heads=2,
        num_kv_heads=2,
        multiple_of=16,
        learn_sigma=False,
        cross_attention_dim=8,
    )
    return _latent(
        dm.LuminaNextDiT2DModel,
        2,
        4,
        lambda seed, batch: {
            "encoder_hidden_states": random(seed + 1, batch, TEXT, 8),
            "encoder_mask": torch.ones(batch, TEXT),
            "image_rotary_emb": get_2d_rotary_pos_embed_lumina(16, 32, 32),
            "cross_attention_kwargs": {},
        },
        config,
    )


def _nucleus():
    config = dict(
        patch_size=1,
        in_channels=4,
        out_channels=4,
        num_layers=3,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=16,
        axes_dims_rope=(4, 4, 8),
        mlp_ratio=8.0,
        dense_moe_strategy="leave_first_block_dense",
        num_experts=2,
        moe_intermediate_dim=16,
        capacity_factors=2.0,
    )
    transformer = seeded(dm.NucleusMoEImageTransformer2DModel, **config)

    @torch.no_grad()
    def call(batch=2, height=4, width=6, timestep=0.5, seed=0):
        return transformer(
            hidden_states=random(seed, batch, height * width, 4),
            img_shapes=[(1, height, width)] * batch,
            encoder_hidden_states=random(seed + 1, batch, TEXT, 16),
            timestep=torch.full((batch,), timestep),
            encoder_hidden_states_mask=torch.ones(batch, TEXT, dtype=torch.bool),
            return_dict=False,
        )[0]

    return transformer, call


def _qwen21():
    config = dict(
        in_channels=4,
        out_channels=4,
        num_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        context_in_dim=16,
        axes_dims_rope=(4, 4, 8),
    )
    transformer = seeded(dm.QwenImage21Transformer2DModel, **config)

    @torch.no_grad()
    def call(batch=2, height=4, width=6, timestep=0.5, seed=0, references=0, **kept):
        """references: rows of a condition image that stands after the second text token."""
        shapes = [(1, references, width)] * bool(references) + [(1, height, width)]
        slots = [False] * 2 + [True] * (references * width // 4) + [False] * (TEXT - 2)
        text = random(seed + 1, batch, len(slots), 16)
        slots += [True] * (height * width // 4)
        out = transformer(
            hidden_states=random(seed, batch, (height + references) * width, 4),
            encoder_hidden_states=text,
            timestep=torch.full((batch,), timestep),
            img_shapes=[shapes] * batch,
            img_mask=torch.tensor([slots] * batch),
            return_dict=False,
            **kept,
        )[0]
        return out[:, -height * width :]

    return transformer, call


def _cogview3():
    config = dict(
        in_channels=4,
        out_channels=4,
        num_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        text_embed_dim=8,
        time_embed_dim=16,
        condition_dim=4,
        sample_size=8,
        pos_embed_max_size=16,
    )
    return _latent(
        dm.CogView3PlusTransformer2DModel,
        2,
        4,
        lambda seed, batch: {
            "encoder_hidden_states": random(seed + 1, batch, TEXT, 8),
            "original_size": torch.full((batch, 2), 64.0),
            "target_size": torch.full((batch, 2), 64.0),
            "crop_coords": torch.zeros(batch, 2),
        },
        config,
    )


def _glm():
    config = dict(
        patch_size=2,
        in_channels=4,
        out_channels=4,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=2,
        text_embed_dim=8,
        time_embed_dim=16,
        condition_dim=4,
        prior_vq_quantizer_codebook_size=8,
    )
    transformer = seeded(dm.GlmImageTransformer2DModel, **config)

    @torch.no_grad()
    def call(batch=2, height=4, width=6, timestep=0.5, seed=0, **caches):
        prior = torch.arange(height * width).expand(batch, -1) % 8
        return transformer(
            hidden_states=random(seed, batch, 4, 2 * height, 2 * width),
            timestep=torch.full((batch,), timestep),
            encoder_hidden_states=random(seed + 1, batch, TEXT, 8),
            prior_token_id=prior,
            prior_token_drop=torch.zeros_like(prior, dtype=torch.bool),
            target_size=torch.full((batch, 2), 64.0),
            crop_coords=torch.zeros(batch, 2),
            return_dict=False,
            **caches,
        )[0]

    return transformer, call


def _hunyuan_image():
    config = dict(
        in_channels=4,
        out_channels=4,
        num_attention_heads=2,
        attention_head_dim=16,
        num_layers=2,
        num_single_layers=2,
        num_refiner_layers=1,
        patch_size=(1, 1),
        text_embed_dim=8,
        rope_axes_dim=(8, 8),
    )
    return _latent(
        dm.HunyuanImageTransformer2DModel,
        1,
        4,
        lambda seed, batch: {
            "encoder_hidden_states": random(seed + 1, batch, TEXT, 8),
            "encoder_attention_mask": torch.ones(batch, TEXT, dtype=torch.bool),
        },
        config,
    )


def _joy():
    config = dict(
        patch_size=[1, 2, 2],
        in_channels=4,
        out_channels=4,
        hidden_size=32,
        num_attention_heads=2,
        text_dim=8,
        mlp_width_ratio=2.0,
        num_layers=2,
        rope_dim_list=[4, 4, 8],
    )
    transformer = seeded(dm.JoyImageEditTransformer3DModel, **config)

    @torch.no_grad()
    def call(batch=2, height=4, width=6, timestep=0.5, seed=0, references=0):
        """references: as many whole pictures before the drawn one, in an input that says so."""
        items = (references + 1,) if references else ()
        axes = (batch, *items, 4, 1, 2 * height, 2 * width)
        out = transformer(
            hidden_states=random(seed, *axes),
            timestep=torch.full((batch,), timestep),
            encoder_hidden_states=random(seed + 1, batch, TEXT, 8),
            return_dict=False,
        )[0]
        return out[:, -1].squeeze(-3) if references else out.squeeze(2)

    return transformer, call


def _joy_plus():
    config = dict(
        patch_size=[1, 2, 2],
        in_channels=4,
        out_channels=4,
        hidden_size=32,
        num_attention_heads=2,
        text_dim=8,
        mlp_width_ratio=2.0,
        num_layers=2,
        rope_dim_list=[4, 4, 8],
    )
    transformer = seeded(dm.JoyImageEditPlusTransformer3DModel, **config)

    @torch.no_grad()
    def call(batch=2, height=4, width=6, timestep=0.5, seed=0, references=0):
        """references: rows of a given picture; the second sample has none, and is padded."""
        shapes = [[(1, height, width)] + [(1, references, width)] * bool(references and i != 1) for i in range(batch)]
        out = transformer(
            hidden_states=random(seed, batch, (height + references) * width, 4, 1, 2, 2),
            shape_list=shapes,
            encoder_hidden_states=random(seed + 1, batch, TEXT, 8),
            timestep=torch.full((batch,), timestep),
            encoder_hidden_states_mask=torch.ones(batch, TEXT),
            return_dict=False,
        )[0]
        return out[:, : height * width].flatten(2)

    return transformer, call


def _cosmos():
    config = dict(
        in_channels=4,
        out_channels=4,
        num_attention_heads=2,
        attention_head_dim=16,
        num_layers=2,
        mlp_ratio=2.0,
        text_embed_dim=8,
        adaln_lora_dim=4,
        max_size=(4, 32, 32),
        concat_padding_mask=False,
    )
    transformer = seeded(dm.CosmosTransformer3DModel, **config)

    @torch.no_grad()
    def call(batch=2, height=4, width=6, timestep=0.5, seed=0):
        return transformer(
            hidden_states=random(seed, batch, 4, 1, 2 * height, 2 * width),
            timestep=torch.full((batch,), timestep),
            encoder_hidden_states=random(seed + 1, batch, TEXT, 8),
            return_dict=False,
        )[0].squeeze(2)

    return transformer, call


def _hidream():
    config = dict(
        patch_size=2,
        in_channels=4,
        num_layers=2,
        num_single_layers=2,
        attention_head_dim=8,
        num_attention_heads=2,
        caption_channels=[8, 4],
        text_emb_dim=8,
        num_routed_experts=2,
        num_activated_experts=1,
        axes_dims_rope=(2, 2, 4),
        max_resolution=(14, 14),
        llama_layers=[0, 1, 1, 0],
        force_inference_output=True,
    )
    return _latent(
        dm.HiDreamImageTransformer2DModel,
        2,
        4,
        lambda seed, batch: {
            "encoder_hidden_states_t5": random(seed + 1, batch, TEXT, 8),
            "encoder_hidden_states_llama3": random(seed + 2, 2, batch, 3, 4),
            "pooled_embeds": random(seed + 3, batch, 8),
        },
        config,
        time="timesteps",
    )


def _z_image():
    config = dict(
        dim=32,
        n_layers=2,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=16,
        axes_dims=[8, 4, 4],
        in_channels=4,
        axes_lens=[128, 64, 64],
    )
    transformer = seeded(dm.ZImageTransformer2DModel, **config)

    @torch.no_grad()
    def call(batch=2, height=4, width=6, timestep=0.5, seed=0):
        """The second caption is longer than a multiple of 32, so that the batch is ragged."""
        captions = [random(seed + 1 + i, 40 if i == 1 else TEXT, 16) for i in range(batch)]
        images = list(random(seed, batch, 4, 1, 2 * height, 2 * width))
        return torch.stack(transformer(images, torch.full((batch,), timestep), captions, return_dict=False)[0]).squeeze(
            2
        )

    return transformer, call


def _lumina2():
    config = dict(
        sample_size=8,
        patch_size=2,
        in_channels=4,
        hidden_size=32,
        num_layers=2,
        num_refiner_layers=1,
        num_attention_heads=2,
        num_kv_heads=1,
        multiple_of=16,
        axes_dim_rope=(4, 4, 8),
        axes_lens=(64, 64, 64),
        cap_feat_dim=8,
    )
    transformer = seeded(dm.Lumina2Transformer2DModel, **config)

    @torch.no_grad()
    def call(batch=2, height=4, width=6, timestep=0.5, seed=0, lengths=None):
        """lengths: text tokens of each sample; the second is shorter where they are not given."""
        lengths = torch.tensor(lengths or [TEXT - (i == 1) * 2 for i in range(batch)])
        return transformer(
            hidden_states=random(seed, batch, 4, 2 * height, 2 * width),
            timestep=torch.full((batch,), timestep),
            encoder_hidden_states=random(seed + 1, batch, TEXT, 8),
            encoder_attention_mask=torch.arange(TEXT)[None] < lengths[:, None],
            return_dict=False,
        )[0]

    return transformer, call


def _krea2():
    config = dict(
        in_channels=4,
        num_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        num_key_value_heads=1,
        intermediate_size=32,
        timestep_embed_dim=16,
        text_hidden_dim=16,
        num_text_layers=2,
        text_num_attention_heads=2,
        text_num_key_value_heads=2,
        text_intermediate_size=16,
        num_layerwise_text_blocks=1,
        num_refiner_text_blocks=1,
        axes_dims_rope=(4, 4, 8),
    )
    transformer = seeded(dm.Krea2Transformer2DModel, **config)

    @torch.no_grad()
    def call(batch=2, height=4, width=6, timestep=0.5, seed=0):
        return transformer(
            hidden_states=random(seed, batch, height * width, 4),
            timestep=torch.full((batch,), timestep),
            encoder_hidden_states=random(seed + 1, batch, TEXT, 2, 16),
            return_dict=False,
            position_ids=torch.cat([torch.zeros(TEXT, 3), grid_ids(height, width)]),
        )[0]

    return transformer, call


def _ideogram4():
    config = dict(
        in_channels=4,
        num_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        intermediate_size=32,
        adaln_dim=8,
        llm_features_dim=8,
        mrope_section=(4, 2, 2),
    )
    transformer = seeded(dm.Ideogram4Transformer2DModel, **config)

    @torch.no_grad()
    def call(batch=2, height=4, width=6, timestep=0.5, seed=0, text=TEXT, run=transformer):
        """Padding, text (two tokens less in the second sample) and image in one sequence; without text, image only."""
        count = height * width
        indicator = torch.full((batch, text + count), 3)
        indicator[:, text:] = 2
        indicator[1:2, : min(text, 2)] = 0
        ids = torch.cat([torch.zeros(text, 3), grid_ids(height, width) + 65536]).long()
        latents = torch.cat([torch.zeros(batch, text, 4), random(seed, batch, count, 4)], 1)
        return run(
            hidden_states=latents,
            timestep=torch.full((batch,), timestep),
            position_ids=ids.expand(batch, -1, -1),
            encoder_hidden_states=random(seed + 1, batch, text + count, 8),
            indicator=indicator,
            segment_ids=torch.where(indicator > 0, 1, -1),
            return_dict=False,
        )[0][:, text:]

    return transformer, call


def _kandinsky5():
    config = dict(
        in_visual_dim=4,
        in_text_dim=8,
        in_text_dim2=8,
        time_dim=16,
        out_visual_dim=4,
        model_dim=32,
        ff_dim=32,
        num_text_blocks=1,
        num_visual_blocks=2,
        axes_dims=(4, 4, 8),
    )
    transformer = seeded(dm.Kandinsky5Transformer3DModel, **config)

    @torch.no_grad()
    def call(batch=2, height=4, width=6, timestep=0.5, seed=0):
        out = transformer(
            hidden_states=random(seed, batch, 1, 2 * height, 2 * width, 4),
            timestep=torch.full((batch,), timestep),
            encoder_hidden_states=random(seed + 1, batch, TEXT, 8),
            pooled_projections=random(seed + 2, batch, 8),
            visual_rope_pos=(torch.arange(1), torch.arange(height), torch.arange(width)),
            text_rope_pos=torch.arange(TEXT),
            return_dict=True,
        ).sample
        return out[:, 0].permute(0, 3, 1, 2)

    return transformer, call


def _omnigen():
    config = dict(
        in_channels=4,
        patch_size=2,
        hidden_size=32,
        num_attention_heads=2,
        num_key_value_heads=2,
        intermediate_size=32,
        num_layers=2,
        pad_token_id=0,
        vocab_size=16,
        max_position_embeddings=256,
        original_max_position_embeddings=256,
        pos_embed_max_size=16,
        time_step_dim=16,
        rope_scaling={"short_factor": [1.0] * 8, "long_factor": [1.0] * 8},
    )
    transformer = seeded(dm.OmniGenTransformer2DModel, **config)

    @torch.no_grad()
    def call(batch=2, height=4, width=6, timestep=0.5, seed=0):
        length = TEXT + 1 + height * width
        return transformer(
            hidden_states=random(seed, batch, 4, 2 * height, 2 * width),
            timestep=torch.full((batch,), timestep),
            input_ids=torch.arange(batch * TEXT).reshape(batch, TEXT) % 16,
            input_img_latents=[],
            input_image_sizes={},
            attention_mask=torch.ones(batch, length, length),
            position_ids=torch.arange(length).expand(batch, -1),
            return_dict=False,
        )[0]

    return transformer, call


TINY = {
    "FluxTransformer2DModel": _flux,
    "Flux2Transformer2DModel": _flux2,
    "Flux3Transformer2DModel": _flux3,
    "ChromaTransformer2DModel": _chroma,
    "LongCatImageTransformer2DModel": _longcat,
    "OvisImageTransformer2DModel": _ovis,
    "BriaTransformer2DModel": _bria,
    "BriaFiboTransformer2DModel": _bria_fibo,
    "BriaFibo2Transformer2DModel": _bria_fibo2,
    "JoyImageEditPlusTransformer3DModel": _joy_plus,
    "CosmosTransformer3DModel": _cosmos,
    "SD3Transformer2DModel": _sd3,
    "PixArtTransformer2DModel": _pixart,
    "SanaTransformer2DModel": _sana,
    "DiTTransformer2DModel": _dit,
    "HunyuanDiT2DModel": _hunyuan_dit,
    "PRXTransformer2DModel": _prx,
    "LuminaNextDiT2DModel": _lumina_next,
    "NucleusMoEImageTransformer2DModel": _nucleus,
    "QwenImageTransformer2DModel": _qwen,
    "QwenImage21Transformer2DModel": _qwen21,
    "CogView4Transformer2DModel": _cogview4,
    "CogView3PlusTransformer2DModel": _cogview3,
    "GlmImageTransformer2DModel": _glm,
    "HunyuanImageTransformer2DModel": _hunyuan_image,
    "JoyImageEditTransformer3DModel": _joy,
    "HiDreamImageTransformer2DModel": _hidream,
    "AuraFlowTransformer2DModel": _auraflow,
    "ErnieImageTransformer2DModel": _ernie,
    "ZImageTransformer2DModel": _z_image,
    "Lumina2Transformer2DModel": _lumina2,
    "Krea2Transformer2DModel": _krea2,
    "Ideogram4Transformer2DModel": _ideogram4,
    "Kandinsky5Transformer3DModel": _kandinsky5,
    "OmniGenTransformer2DModel": _omnigen,
}


class Keep:
    """A sink that notes every call."""

    def __init__(self):
        self.calls, self.started = [], []

    def start(self, layers, grid):
        self.started.append((layers, grid))

    def add(self, tokens, *, layer, step, samples, grid):
        self.calls.append((layer, step, list(samples), grid, tokens.clone()))
