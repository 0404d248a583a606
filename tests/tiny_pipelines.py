"""Whole pipelines of random parts, no network: PIPELINES[name]() -> Case, tiny text encoders, autoencoders, tokenizers.

One tiny language model stands for those of all families, as pipelines read nothing but its hidden states.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import diffusers
import tiny_models
import torch
from fewchannels.prompts.natural import SPLITS, natural_prompts

SHAPES = (
    "a at background blue center circle green large left on plain red small square star striped the top white yellow"
)
OURS = (str(p) for split in SPLITS for p in natural_prompts(16, split))
WORDS = " ".join(sorted({*SHAPES.split(), *" ".join(OURS).split()}))
VOCABULARY = 512
PROMPTS = ("a large red star at the center on a plain white background", "a green square on a yellow background")
NEGATIVE = "a small blue circle at the left"


@dataclass(frozen=True)
class Case:
    """pipeline; grid in tokens of a picture of `size` (height, width) pixels; arguments of generate that every call
    needs, those that turn guidance off, and those that turn it on. negative: whether it takes a negative prompt.
    alike: whether that is encoded as a prompt is. sized: whether it takes a size. prompts: two that it knows."""

    pipeline: object
    size: tuple[int, int]
    grid: tuple[int, int]
    common: dict = field(default_factory=dict)
    plain: dict = field(default_factory=lambda: {"guidance_scale": 1.0})
    guided: dict = field(default_factory=lambda: {"guidance_scale": 4.0})
    negative: bool = True
    alike: bool = True
    sized: bool = True
    prompts: list[str] = field(default_factory=lambda: list(PROMPTS))


def word_tokenizer(length, words=WORDS, kind=None):
    """A real fast tokenizer over a handful of words, with a template that repeats the user's message."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: i for i, word in enumerate(["<pad>", "<unk>", "</s>", *sorted(words.split())])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return (kind or PreTrainedTokenizerFast)(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        unk_token="<unk>",
        eos_token="</s>",
        model_max_length=length,
        chat_template="{{ messages[0]['content'] }}",
    )


def clip(width, projection=False):
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=VOCABULARY,
        hidden_size=width,
        intermediate_size=37,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=77,
        eos_token_id=2,
        pad_token_id=0,
        bos_token_id=1,
        projection_dim=width,
    )
    return (CLIPTextModelWithProjection if projection else CLIPTextModel)(config).eval()


def t5(width):
    from transformers import T5Config, T5EncoderModel

    return T5EncoderModel(
        T5Config(vocab_size=VOCABULARY, d_model=width, d_kv=8, d_ff=37, num_layers=1, num_heads=4)
    ).eval()


def language_model(width):
    from transformers import Qwen3Config, Qwen3Model

    return Qwen3Model(
        Qwen3Config(
            vocab_size=VOCABULARY,
            hidden_size=width,
            intermediate_size=2 * width,
            num_hidden_layers=3,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=8,
        )
    ).eval()


def autoencoder(channels, kind=diffusers.AutoencoderKL, **more):
    """Eight pixels a latent."""
    own = {"shift_factor": 0.1, "scaling_factor": 0.3} if kind is diffusers.AutoencoderKL else {}
    return kind(
        down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4,
        block_out_channels=[8, 8, 8, 8],
        layers_per_block=1,
        latent_channels=channels,
        norm_num_groups=4,
        use_quant_conv=False,
        use_post_quant_conv=False,
        sample_size=64,
        **own,
        **more,
    ).eval()


def flow():
    return diffusers.FlowMatchEulerDiscreteScheduler()


def tiny(transformer, sizes=None):
    """The tiny transformer of a class, of other sizes where a pipeline asks for them."""
    made = tiny_models.TINY[transformer]()[0]
    if not sizes:
        return made
    config = {name: value for name, value in made.config.items() if not name.startswith("_")}
    return tiny_models.seeded(type(made), **{**config, **sizes})


def made(kind, transformer, sizes=None, **parts):
    pipeline = kind(transformer=tiny(transformer, sizes), **parts)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def flux():
    """Guidance in two passes is of the "true" kind here, beside the embedded one, which this toy has not."""
    torch.manual_seed(0)
    pipeline = made(
        diffusers.FluxPipeline,
        "FluxTransformer2DModel",
        scheduler=flow(),
        vae=autoencoder(1),
        text_encoder=clip(32),
        tokenizer=word_tokenizer(77),
        text_encoder_2=t5(32),
        tokenizer_2=word_tokenizer(24),
    )
    return Case(pipeline, (32, 48), (2, 3), plain={}, guided={"true_cfg_scale": 3.0})


def flux2_klein():
    torch.manual_seed(0)
    pipeline = made(
        diffusers.Flux2KleinPipeline,
        "Flux2Transformer2DModel",
        scheduler=flow(),
        text_encoder=language_model(16),
        vae=autoencoder(1, diffusers.AutoencoderKLFlux2),
        tokenizer=word_tokenizer(24),
    )
    common = {"text_encoder_out_layers": (1, 2), "max_sequence_length": 24}
    return Case(pipeline, (32, 48), (2, 3), common, negative=False)


def sd3():
    torch.manual_seed(0)
    pipeline = made(
        diffusers.StableDiffusion3Pipeline,
        "SD3Transformer2DModel",
        scheduler=flow(),
        vae=autoencoder(4),
        text_encoder=clip(16, True),
        tokenizer=word_tokenizer(77),
        text_encoder_2=clip(48, True),
        tokenizer_2=word_tokenizer(77),
        text_encoder_3=t5(64),
        tokenizer_3=word_tokenizer(24),
    )
    return Case(pipeline, (32, 48), (2, 3), {"max_sequence_length": 24})


def pixart():
    torch.manual_seed(0)
    pipeline = made(
        diffusers.PixArtSigmaPipeline,
        "PixArtTransformer2DModel",
        scheduler=diffusers.DPMSolverMultistepScheduler(),
        vae=autoencoder(4),
        text_encoder=t5(8),
        tokenizer=word_tokenizer(24),
    )
    return Case(
        pipeline, (32, 48), (2, 3), {"use_resolution_binning": False, "clean_caption": False, "max_sequence_length": 24}
    )


def sana():
    torch.manual_seed(0)
    blocks = {
        "block_types": ("ResBlock", "EfficientViTBlock"),
        "block_out_channels": (8, 8),
        "qkv_multiscales": ((), (5,)),
        "layers_per_block": (1, 1),
    }
    vae = diffusers.AutoencoderDC(
        latent_channels=4,
        attention_head_dim=2,
        downsample_block_type="conv",
        upsample_block_type="interpolate",
        **{f"{side}_{name}": value for side in ("encoder", "decoder") for name, value in blocks.items()},
    )
    pipeline = made(
        diffusers.SanaPipeline,
        "SanaTransformer2DModel",
        scheduler=diffusers.DPMSolverMultistepScheduler(),
        vae=vae.eval(),
        text_encoder=language_model(8),
        tokenizer=word_tokenizer(24),
    )
    common = {
        "use_resolution_binning": False,
        "clean_caption": False,
        "complex_human_instruction": [],
        "max_sequence_length": 24,
    }
    return Case(pipeline, (32, 64), (16, 32), common)


def qwen():
    torch.manual_seed(0)
    vae = diffusers.AutoencoderKLQwenImage(
        base_dim=6,
        z_dim=1,
        dim_mult=[1, 2, 4],
        num_res_blocks=1,
        temperal_downsample=[False, True],
        latents_mean=[0.0],
        latents_std=[1.0],
    )
    pipeline = made(
        diffusers.QwenImagePipeline,
        "QwenImageTransformer2DModel",
        scheduler=flow(),
        vae=vae.eval(),
        text_encoder=language_model(16),
        tokenizer=word_tokenizer(64),
    )
    pipeline.prompt_template_encode, pipeline.prompt_template_encode_start_idx = "on the {}", 2
    return Case(pipeline, (32, 48), (4, 6), plain={}, guided={"true_cfg_scale": 4.0})


def z_image():
    torch.manual_seed(0)
    pipeline = made(
        diffusers.ZImagePipeline,
        "ZImageTransformer2DModel",
        scheduler=flow(),
        vae=autoencoder(4),
        text_encoder=language_model(16),
        tokenizer=word_tokenizer(64),
    )
    return Case(pipeline, (32, 48), (2, 3), {"max_sequence_length": 24}, plain={"guidance_scale": 0.0})


def lumina2():
    torch.manual_seed(0)
    pipeline = made(
        diffusers.Lumina2Pipeline,
        "Lumina2Transformer2DModel",
        scheduler=flow(),
        vae=autoencoder(4),
        text_encoder=language_model(8),
        tokenizer=word_tokenizer(64),
    )
    return Case(pipeline, (32, 48), (2, 3), {"max_sequence_length": 60}, alike=False)


def cogview4():
    torch.manual_seed(0)
    pipeline = made(
        diffusers.CogView4Pipeline,
        "CogView4Transformer2DModel",
        scheduler=flow(),
        vae=autoencoder(4),
        text_encoder=language_model(8),
        tokenizer=word_tokenizer(64),
    )
    return Case(pipeline, (32, 48), (2, 3))


def chroma():
    torch.manual_seed(0)
    pipeline = made(
        diffusers.ChromaPipeline,
        "ChromaTransformer2DModel",
        scheduler=flow(),
        vae=autoencoder(1),
        text_encoder=t5(32),
        tokenizer=word_tokenizer(24),
    )
    return Case(pipeline, (32, 48), (2, 3), {"max_sequence_length": 24})


def auraflow():
    torch.manual_seed(0)
    pipeline = made(
        diffusers.AuraFlowPipeline,
        "AuraFlowTransformer2DModel",
        scheduler=flow(),
        vae=autoencoder(4),
        text_encoder=t5(16),
        tokenizer=word_tokenizer(24),
    )
    return Case(pipeline, (32, 48), (2, 3), {"max_sequence_length": 24})


def hunyuan_image():
    """Guidance is a part of the pipeline here: see `guidance_of`."""
    from transformers import ByT5Tokenizer

    torch.manual_seed(0)
    vae = diffusers.AutoencoderKLHunyuanImage(
        in_channels=3,
        out_channels=3,
        latent_channels=4,
        block_out_channels=(32, 32, 32, 32),
        layers_per_block=1,
        spatial_compression_ratio=8,
        sample_size=64,
        scaling_factor=0.5,
    )
    pipeline = made(
        diffusers.HunyuanImagePipeline,
        "HunyuanImageTransformer2DModel",
        scheduler=flow(),
        vae=vae.eval(),
        text_encoder=language_model(8),
        tokenizer=word_tokenizer(64),
        text_encoder_2=t5(8),
        tokenizer_2=ByT5Tokenizer(),
    )
    pipeline.prompt_template_encode, pipeline.prompt_template_encode_start_idx = "on the {}", 2
    pipeline.tokenizer_max_length = 24
    return Case(pipeline, (32, 48), (4, 6), plain={}, guided={})


def guidance_of(case: Case, on: bool) -> dict:
    """Arguments of generate with guidance on or off."""
    if type(case.pipeline).__name__ == "HunyuanImagePipeline":
        from diffusers.guiders import ClassifierFreeGuidance

        case.pipeline.guider = ClassifierFreeGuidance(guidance_scale=4.0 if on else 1.0)
    size = {"height": case.size[0], "width": case.size[1]} if case.sized else {}
    against = {"negative_prompt": NEGATIVE} if on and case.negative else {}
    return {**case.common, **size, **(case.guided if on else case.plain), **against}


PIPELINES = {
    "FLUX.1": flux,
    "FLUX.2-klein": flux2_klein,
    "SD3": sd3,
    "PixArt-Sigma": pixart,
    "Sana": sana,
    "Qwen-Image": qwen,
    "Z-Image": z_image,
    "Lumina 2": lumina2,
    "CogView4": cogview4,
    "Chroma": chroma,
    "AuraFlow": auraflow,
    "HunyuanImage": hunyuan_image,
}
