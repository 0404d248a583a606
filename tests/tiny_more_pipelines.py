"""Whole random pipelines of the classes that tiny_pipelines.py leaves out: MORE[name]() -> Case; ALL has both."""

from __future__ import annotations

from types import SimpleNamespace

import diffusers
import torch
from tiny_pipelines import (
    PIPELINES,
    VOCABULARY,
    Case,
    autoencoder,
    clip,
    flow,
    language_model,
    made,
    t5,
    tiny,
    word_tokenizer,
)
from transformers import ByT5Tokenizer, PreTrainedTokenizerFast


def longcat():
    torch.manual_seed(0)
    pipeline = made(
        diffusers.LongCatImagePipeline,
        "LongCatImageTransformer2DModel",
        {"in_channels": 64},
        scheduler=flow(),
        vae=autoencoder(16),
        text_encoder=language_model(16),
        tokenizer=word_tokenizer(24),
        text_processor=None,
    )
    pipeline.tokenizer_max_length = 24
    return Case(pipeline, (32, 48), (2, 3), {"enable_prompt_rewrite": False})


def ovis():
    torch.manual_seed(0)
    pipeline = made(
        diffusers.OvisImagePipeline,
        "OvisImageTransformer2DModel",
        scheduler=flow(),
        vae=autoencoder(1),
        text_encoder=language_model(16),
        tokenizer=word_tokenizer(64),
    )
    pipeline.system_prompt, pipeline.user_prompt_begin_id = "on the ", 2
    return Case(pipeline, (32, 48), (2, 3), {"max_sequence_length": 24})


def bria():
    torch.manual_seed(0)
    pipeline = made(
        diffusers.BriaPipeline,
        "BriaTransformer2DModel",
        scheduler=flow(),
        vae=autoencoder(1),
        text_encoder=t5(16),
        tokenizer=word_tokenizer(24),
    )
    return Case(pipeline, (32, 48), (2, 3), {"max_sequence_length": 24})


def wan(channels, **more):
    """An autoencoder of films, eight pixels a latent."""
    return diffusers.AutoencoderKLWan(
        base_dim=6,
        z_dim=channels,
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=1,
        temperal_downsample=[False, True, True],
        latents_mean=[0.0] * channels,
        latents_std=[1.0] * channels,
        **more,
    ).eval()


def bria_fibo():
    torch.manual_seed(0)
    vae = wan(4, patch_size=2, in_channels=12, out_channels=12)  # sixteen pixels a latent
    pipeline = made(
        diffusers.BriaFiboPipeline,
        "BriaFiboTransformer2DModel",
        scheduler=flow(),
        vae=vae,
        text_encoder=language_model(8),
        tokenizer=word_tokenizer(24),
    )
    return Case(pipeline, (32, 48), (2, 3), {"max_sequence_length": 24})


def dit():
    torch.manual_seed(0)
    pipeline = made(
        diffusers.DiTPipeline,
        "DiTTransformer2DModel",
        {"num_embeds_ada_norm": 1000},
        vae=autoencoder(4),
        scheduler=diffusers.DDIMScheduler(),
        id2label={1: "star", 2: "circle, ring"},
    )
    return Case(pipeline, (64, 64), (4, 4), negative=False, sized=False, prompts=["star", "ring"])


def hunyuan_dit():
    torch.manual_seed(0)
    from transformers import BertConfig, BertModel

    bert = BertModel(
        BertConfig(
            vocab_size=VOCABULARY,
            hidden_size=8,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
            max_position_embeddings=77,
        )
    ).eval()
    pipeline = made(
        diffusers.HunyuanDiTPipeline,
        "HunyuanDiT2DModel",
        {"text_len": 77, "text_len_t5": 256, "learn_sigma": True},
        vae=autoencoder(4),
        text_encoder=bert,
        tokenizer=word_tokenizer(77),
        text_encoder_2=t5(8),
        tokenizer_2=word_tokenizer(256),
        scheduler=diffusers.DDPMScheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    return Case(pipeline, (32, 48), (2, 3), {"use_resolution_binning": False})


def prx():
    from diffusers.pipelines.prx import pipeline_prx

    if not hasattr(pipeline_prx, "ftfy"):  # a package that mends broken letters
        pipeline_prx.ftfy = SimpleNamespace(fix_text=str)
    torch.manual_seed(0)
    pipeline = made(
        diffusers.PRXPipeline,
        "PRXTransformer2DModel",
        scheduler=flow(),
        vae=autoencoder(4),
        text_encoder=language_model(8),
        tokenizer=word_tokenizer(24),
    )
    return Case(pipeline, (32, 48), (2, 3), {"use_resolution_binning": False})


def lumina_next():
    torch.manual_seed(0)
    pipeline = made(
        diffusers.LuminaPipeline,
        "LuminaNextDiT2DModel",
        {"learn_sigma": True},
        scheduler=flow(),
        vae=autoencoder(4),
        text_encoder=language_model(8),
        tokenizer=word_tokenizer(24),
    )
    return Case(pipeline, (32, 48), (2, 3), {"clean_caption": False})


def cogview3():
    torch.manual_seed(0)
    pipeline = made(
        diffusers.CogView3PlusPipeline,
        "CogView3PlusTransformer2DModel",
        vae=autoencoder(4),
        text_encoder=t5(8),
        scheduler=diffusers.CogVideoXDDIMScheduler(),
        tokenizer=word_tokenizer(24),
    )
    return Case(pipeline, (32, 48), (2, 3), {"max_sequence_length": 24})


def hidream():
    torch.manual_seed(0)
    from transformers import LlamaConfig, LlamaForCausalLM

    llama = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=VOCABULARY,
            hidden_size=4,
            intermediate_size=8,
            num_hidden_layers=2,
            num_attention_heads=2,
            attn_implementation="eager",
        )
    ).eval()
    pipeline = made(
        diffusers.HiDreamImagePipeline,
        "HiDreamImageTransformer2DModel",
        {"text_emb_dim": 16},
        scheduler=flow(),
        vae=autoencoder(4),
        text_encoder=clip(8, True),
        tokenizer=word_tokenizer(77),
        text_encoder_2=clip(8, True),
        tokenizer_2=word_tokenizer(77),
        text_encoder_3=t5(8),
        tokenizer_3=word_tokenizer(24),
        text_encoder_4=llama,
        tokenizer_4=word_tokenizer(24),
    )
    pipeline.default_sample_size = 5  # pictures of about 40 x 40 px, whatever is asked for
    return Case(pipeline, (32, 48), (2, 3), {"max_sequence_length": 24})


def ernie():
    torch.manual_seed(0)
    pipeline = made(
        diffusers.ErnieImagePipeline,
        "ErnieImageTransformer2DModel",
        scheduler=flow(),
        text_encoder=language_model(16),
        vae=autoencoder(1, diffusers.AutoencoderKLFlux2),
        tokenizer=word_tokenizer(24),
    )
    return Case(pipeline, (32, 48), (2, 3), {"use_pe": False})


def omnigen():
    from diffusers.pipelines.omnigen import pipeline_omnigen, processor_omnigen

    if not hasattr(pipeline_omnigen, "OmniGenMultiModalProcessor"):  # it makes given pictures small by torchvision
        processor_omnigen.transforms = SimpleNamespace(
            **dict.fromkeys(("Compose", "Lambda", "ToTensor", "Normalize"), lambda *_, **__: None)
        )
        pipeline_omnigen.OmniGenMultiModalProcessor = processor_omnigen.OmniGenMultiModalProcessor
    torch.manual_seed(0)
    pipeline = made(
        diffusers.OmniGenPipeline,
        "OmniGenTransformer2DModel",
        {"vocab_size": VOCABULARY},
        scheduler=flow(),
        vae=autoencoder(4),
        tokenizer=word_tokenizer(24),
    )
    return Case(pipeline, (32, 48), (2, 3), negative=False)


class WordProcessor(PreTrainedTokenizerFast):
    """A tokenizer in the place of a processor of text and pictures, of which there are none."""

    @property
    def tokenizer(self):
        return self

    def __call__(self, text=None, images=None, videos=None, **more):
        assert not images
        assert not videos
        return super().__call__(text, **more)

    def apply_chat_template(self, messages, tokenize=False, **more):
        text = " ".join(part["text"] for part in messages[-1]["content"])
        return [self(text)["input_ids"]] if tokenize else text


def processor(length):
    return word_tokenizer(length, kind=WordProcessor)


def seeing(width, layers=3):
    """A language model that could also see."""
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    text = {
        "vocab_size": VOCABULARY,
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "head_dim": 8,
        "num_hidden_layers": layers,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "rope_parameters": {"rope_type": "default", "mrope_section": [2, 1, 1], "rope_theta": 1e4},
    }
    eyes = {
        "depth": 1,
        "hidden_size": 8,
        "intermediate_size": 8,
        "num_heads": 1,
        "out_hidden_size": width,
        "deepstack_visual_indexes": [],
    }
    return Qwen3VLForConditionalGeneration(Qwen3VLConfig(text_config=text, vision_config=eyes)).eval()


def bria_fibo2():
    torch.manual_seed(0)
    pipeline = made(
        diffusers.BriaFibo2Pipeline,
        "BriaFibo2Transformer2DModel",
        {"cap_feat_dim": 16},
        scheduler=flow(),
        vae=autoencoder(4, diffusers.AutoencoderKLFlux2),
        text_encoder=seeing(8),
        processor=processor(24),
    )
    pipeline.text_encoder_out_layers, pipeline.tokenizer_max_length = ((1, 2), (2, 3)), 24
    return Case(pipeline, (32, 48), (2, 3))


def joy():
    from diffusers.pipelines.joyimage import image_processor

    image_processor.BUCKETS[32] = [(32, 48)]
    torch.manual_seed(0)
    pipeline = made(
        diffusers.JoyImageEditPipeline,
        "JoyImageEditTransformer3DModel",
        scheduler=flow(),
        vae=wan(4),
        text_encoder=seeing(8),
        tokenizer=word_tokenizer(64),
        processor=processor(64),
    )
    pipeline.vae_image_processor.register_to_config(basesize=32)
    pipeline.prompt_template_encode_start_idx = {"image": 2, "multiple_images": 2}
    return Case(pipeline, (32, 48), (2, 3))


def joy_plus():
    torch.manual_seed(0)
    pipeline = made(
        diffusers.JoyImageEditPlusPipeline,
        "JoyImageEditPlusTransformer3DModel",
        scheduler=flow(),
        vae=wan(4),
        text_encoder=seeing(8),
        tokenizer=word_tokenizer(64),
        processor=processor(64),
    )
    pipeline.prompt_template_encode_start_idx = {"multiple_images": 2}
    return Case(pipeline, (32, 48), (2, 3))


class Unwatched(torch.nn.Module):
    """In the place of a checker that is no part of diffusers."""

    device, dtype = torch.device("cpu"), torch.float32

    def check_text_safety(self, prompt):
        return True

    def check_video_safety(self, frames):
        return frames


def cosmos():
    torch.manual_seed(0)
    pipeline = made(
        diffusers.Cosmos2TextToImagePipeline,
        "CosmosTransformer3DModel",
        vae=wan(4),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_karras_sigmas=True),
        text_encoder=t5(8),
        tokenizer=word_tokenizer(24),
        safety_checker=Unwatched(),
    )
    return Case(pipeline, (32, 48), (2, 3), {"max_sequence_length": 24})


def kandinsky5():
    torch.manual_seed(0)
    pipeline = made(
        diffusers.Kandinsky5T2IPipeline,
        "Kandinsky5Transformer3DModel",
        scheduler=flow(),
        vae=autoencoder(4),
        text_encoder=seeing(8),
        tokenizer=processor(64),
        text_encoder_2=clip(8),
        tokenizer_2=word_tokenizer(77),
    )
    pipeline.prompt_template, pipeline.prompt_template_encode_start_idx = "on the {}", 2
    pipeline.resolutions = [(48, 32)]
    return Case(pipeline, (32, 48), (2, 3))


def krea2():
    torch.manual_seed(0)
    vae = diffusers.AutoencoderKLQwenImage(
        base_dim=6,
        z_dim=1,
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=1,
        temperal_downsample=[False, True, True],
        latents_mean=[0.0],
        latents_std=[1.0],
    )
    pipeline = made(
        diffusers.Krea2Pipeline,
        "Krea2Transformer2DModel",
        scheduler=flow(),
        vae=vae.eval(),
        text_encoder=seeing(16).model,
        tokenizer=word_tokenizer(64),
        text_encoder_select_layers=(1, 2),
    )
    pipeline.prompt_template_encode_prefix, pipeline.prompt_template_encode_start_idx = "on the ", 2
    pipeline.prompt_template_encode_suffix, pipeline.prompt_template_encode_num_suffix_tokens = "on the", 2
    return Case(pipeline, (32, 48), (2, 3), {"max_sequence_length": 24}, plain={"guidance_scale": 0.0})


def ideogram4():
    torch.manual_seed(0)
    sizes = {"llm_features_dim": 13 * 8}  # thirteen layers are read
    pipeline = made(
        diffusers.Ideogram4Pipeline,
        "Ideogram4Transformer2DModel",
        sizes,
        scheduler=flow(),
        vae=autoencoder(1, diffusers.AutoencoderKLFlux2),
        text_encoder=seeing(8, 36).model,
        tokenizer=word_tokenizer(64),
        unconditional_transformer=tiny("Ideogram4Transformer2DModel", sizes),
    )
    return Case(
        pipeline,
        (32, 48),
        (2, 3),
        {"max_sequence_length": 24},
        negative=False,
        plain={"guidance_schedule": [1.0, 1.0]},
        guided={"guidance_schedule": [4.0, 4.0]},
    )


def nucleus():
    torch.manual_seed(0)
    vae = diffusers.AutoencoderKLQwenImage(
        base_dim=6,
        z_dim=1,
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=1,
        temperal_downsample=[False, True, True],
        latents_mean=[0.0],
        latents_std=[1.0],
    )
    pipeline = made(
        diffusers.NucleusMoEImagePipeline,
        "NucleusMoEImageTransformer2DModel",
        {"patch_size": 2, "out_channels": 1},
        scheduler=flow(),
        vae=vae.eval(),
        text_encoder=seeing(16),
        processor=processor(64),
    )
    return Case(pipeline, (32, 48), (2, 3), {"return_index": -1, "max_sequence_length": 24})


def qwen21():
    torch.manual_seed(0)
    vae = diffusers.AutoencoderKLQwenImage21(
        base_dim=6,
        decoder_base_dim=6,
        z_dim=4,
        dim_mult=[1, 1, 1, 1, 1],
        num_res_blocks=1,
        latents_mean=[0.0] * 4,
        latents_std=[1.0] * 4,
    )
    pipeline = made(
        diffusers.QwenImage21Pipeline,
        "QwenImage21Transformer2DModel",
        scheduler=flow(),
        vae=vae.eval(),
        text_encoder=seeing(16),
        processor=processor(64),
    )
    pipeline.prompt_template_t2i, pipeline._drop_idx = "on the {}", 2
    return Case(pipeline, (64, 96), (4, 6), {"use_kv_cache": False}, plain={}, guided={"true_cfg_scale": 4.0})


def glm():
    """The plan that a language model would write is given here."""
    torch.manual_seed(0)
    vae = autoencoder(4, latents_mean=[0.0] * 4, latents_std=[1.0] * 4)
    pipeline = made(
        diffusers.GlmImagePipeline,
        "GlmImageTransformer2DModel",
        scheduler=flow(),
        vae=vae,
        text_encoder=t5(8),
        tokenizer=ByT5Tokenizer(),
        processor=None,
        vision_language_encoder=None,
    )
    return Case(
        pipeline,
        (32, 48),
        (2, 3),
        {"prior_token_ids": torch.arange(6)[None]},
        negative=False,
        prompts=['a sign with "red star" on it', 'a sign with "green square" on it'],
    )


MORE = {
    "LongCat-Image": longcat,
    "Ovis-Image": ovis,
    "Bria 3": bria,
    "Bria FIBO": bria_fibo,
    "Bria FIBO 2": bria_fibo2,
    "DiT": dit,
    "HunyuanDiT": hunyuan_dit,
    "PRX": prx,
    "Lumina-Next": lumina_next,
    "Nucleus-Image": nucleus,
    "Qwen-Image 2.1": qwen21,
    "CogView3-Plus": cogview3,
    "GLM-Image": glm,
    "JoyImage-Edit": joy,
    "JoyImage-Edit Plus": joy_plus,
    "Cosmos-Predict2": cosmos,
    "HiDream-I1": hidream,
    "ERNIE-Image": ernie,
    "Krea 2": krea2,
    "Ideogram 4": ideogram4,
    "Kandinsky 5": kandinsky5,
    "OmniGen": omnigen,
}
ALL = {**PIPELINES, **MORE}
