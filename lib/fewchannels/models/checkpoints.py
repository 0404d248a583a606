"""The public checkpoints, one row each: what a model's own card or the documentation of diffusers says of it.

To add one, add a row. What is not known is None, and is shown as such; nothing here is a guess but `others`, which is
the sum of 16-bit weights of the text encoders and the autoencoder by their published parameter counts. `source` says
where the count of parameters is from: "card", or "counted" on the class of diffusers at the checkpoint's
sizes. steps, size and guidance are the card's, or those of the pipeline's documentation where `steps_source`
says "docs". Written down in November 2026; licences and gates change, and the model's page decides.
"""

from __future__ import annotations

from .preset import Preset

T5, CLIP_L, CLIP_G, VAE, QWEN_VL_7B, GEMMA_2B = 9.5, 0.25, 1.4, 0.2, 16.6, 5.2
APACHE, TENCENT, FLUX_NC = "Apache 2.0", "Tencent Hunyuan Community", "FLUX Non-Commercial"
COUNTED, DOCS = {"source": "counted"}, {"steps_source": "docs"}

ROWS = (
    Preset("black-forest-labs/FLUX.2-klein-4B", "Flux2Transformer2DModel", 4, {"guidance_scale": 1.0}, 1024,
           billions=3.9, others=8.2, licence=APACHE, gated=False, passes=1),
    Preset("black-forest-labs/FLUX.2-klein-base-4B", "Flux2Transformer2DModel", 50, {"guidance_scale": 4.0}, 1024,
           billions=3.9, others=8.2, licence=APACHE, gated=False),
    Preset("black-forest-labs/FLUX.2-klein-9B", "Flux2Transformer2DModel", 4, {"guidance_scale": 1.0}, 1024,
           billions=9, others=16.6, licence=FLUX_NC, gated=True, passes=1),
    Preset("black-forest-labs/FLUX.2-dev", "Flux2Transformer2DModel", 50, {"guidance_scale": 4.0}, 1024,
           billions=32.2, others=48.2, licence=FLUX_NC, gated=True, passes=1, batch_size=1, **COUNTED, **DOCS),
    Preset("black-forest-labs/FLUX.1-schnell", "FluxTransformer2DModel", 4, {"guidance_scale": 0.0}, 1024,
           billions=11.9, others=9.9, licence=APACHE, gated=True, passes=1, **COUNTED),
    Preset("black-forest-labs/FLUX.1-dev", "FluxTransformer2DModel", 28, {"guidance_scale": 3.5}, 1024,
           billions=11.9, others=9.9, licence="FLUX.1 [dev] Non-Commercial", gated=True, passes=1, **COUNTED),
    Preset("stabilityai/stable-diffusion-3.5-medium", "SD3Transformer2DModel", 40, {"guidance_scale": 4.5}, 1024,
           billions=2.2, others=11.3, licence="Stability AI Community", gated=True, **COUNTED),
    Preset("stabilityai/stable-diffusion-3.5-large", "SD3Transformer2DModel", 28, {"guidance_scale": 3.5}, 1024,
           billions=8.1, others=11.3, licence="Stability AI Community", gated=True, **COUNTED),
    Preset("PixArt-alpha/PixArt-Sigma-XL-2-1024-MS", "PixArtTransformer2DModel", 20, {"guidance_scale": 4.5}, 1024,
           billions=0.6, others=9.7, licence="CreativeML OpenRAIL++", gated=False, **COUNTED),
    Preset("PixArt-alpha/PixArt-XL-2-1024-MS", "PixArtTransformer2DModel", 20, {"guidance_scale": 4.5}, 1024,
           billions=0.6, others=9.7, licence="CreativeML OpenRAIL++", gated=False, **COUNTED),
    Preset("Efficient-Large-Model/Sana_1600M_1024px_BF16_diffusers", "SanaTransformer2DModel", 20,
           {"guidance_scale": 4.5}, 1024, billions=1.6, others=6.5, **COUNTED, **DOCS),
    Preset("Qwen/Qwen-Image", "QwenImageTransformer2DModel", 50, {"true_cfg_scale": 4.0, "negative_prompt": " "},
           1024, billions=20.4, others=16.8, licence=APACHE, gated=False, batch_size=1, **COUNTED),
    # The default cache keeps image tokens of the first step, and hooks would see part of the sequence.
    Preset("Qwen/Qwen-Image-2.1", "QwenImage21Transformer2DModel", 40, {"use_kv_cache": False},
           billions=7.1, others=18.2, licence="Qwen Research", **COUNTED, **DOCS),
    Preset("Tongyi-MAI/Z-Image-Turbo", "ZImageTransformer2DModel", 9, {"guidance_scale": 0.0}, 1024,
           billions=6.2, others=8.2, licence=APACHE, gated=False, passes=1, **COUNTED),
    Preset("Alpha-VLLM/Lumina-Image-2.0", "Lumina2Transformer2DModel", 30, {"guidance_scale": 4.0}, 1024,
           billions=2.6, others=GEMMA_2B + VAE, licence=APACHE, gated=False, **COUNTED, **DOCS),
    Preset("Alpha-VLLM/Lumina-Next-SFT-diffusers", "LuminaNextDiT2DModel", 30, {"guidance_scale": 4.0}, 1024,
           billions=2, others=GEMMA_2B + VAE, licence=APACHE, gated=False, **DOCS),
    Preset("zai-org/CogView4-6B", "CogView4Transformer2DModel", 50, {"guidance_scale": 3.5}, 1024,
           billions=6, others=19, licence=APACHE, gated=False),
    Preset("zai-org/CogView3-Plus-3B", "CogView3PlusTransformer2DModel", 50, {"guidance_scale": 7.0}, 1024,
           billions=2.9, others=9.7, licence=APACHE, gated=False, **COUNTED),
    Preset("zai-org/GLM-Image", "GlmImageTransformer2DModel", 50, {"guidance_scale": 1.5}, 1024,
           billions=7, others=19, licence="MIT", gated=False, batch_size=1, **DOCS,
           note="a language model of 9 billion parameters writes a plan of the picture first"),
    Preset("lodestones/Chroma1-HD", "ChromaTransformer2DModel", 40, {"guidance_scale": 3.0}, 1024,
           billions=8.9, others=9.7, licence=APACHE, gated=False),
    Preset("fal/AuraFlow-v0.3", "AuraFlowTransformer2DModel", 50, {"guidance_scale": 3.5}, 1024,
           billions=6.8, others=2.6, licence=APACHE, gated=False, **DOCS),
    Preset("Tencent-Hunyuan/HunyuanDiT-v1.2-Diffusers", "HunyuanDiT2DModel", 50, {"guidance_scale": 5.0}, 1024,
           billions=1.5, others=4.2, licence=TENCENT, gated=False, **DOCS),
    Preset("hunyuanvideo-community/HunyuanImage-2.1-Diffusers", "HunyuanImageTransformer2DModel", 50, {}, 2048,
           billions=17, others=17.8, licence=TENCENT, gated=False, batch_size=1, **DOCS,
           note="guidance is a part of the pipeline: model.pipeline.guider.new(guidance_scale=...)"),
    Preset("HiDream-ai/HiDream-I1-Full", "HiDreamImageTransformer2DModel", 50, {"guidance_scale": 5.0}, 1024,
           billions=17, others=27.4, licence="MIT", gated=False, sparse=True, **DOCS,
           note="its fourth text encoder, the gated Llama-3.1-8B-Instruct, is not in its folder: make the pipeline "
           "with it as diffusers' page on HiDream shows, and pass the pipeline"),
    Preset("meituan-longcat/LongCat-Image", "LongCatImageTransformer2DModel", 50,
           {"guidance_scale": 4.5, "enable_prompt_rewrite": False}, 1024,
           billions=6, others=QWEN_VL_7B + VAE, licence=APACHE, gated=False, **DOCS),
    Preset("AIDC-AI/Ovis-Image-7B", "OvisImageTransformer2DModel", 50, {"guidance_scale": 5.0}, 1024,
           billions=7.4, licence=APACHE, gated=False, **COUNTED, **DOCS),
    Preset("baidu/ERNIE-Image", "ErnieImageTransformer2DModel", 50, {"guidance_scale": 4.0, "use_pe": False}, 1024,
           billions=8, licence=APACHE, **DOCS),
    Preset("briaai/BRIA-3.2", "BriaTransformer2DModel", 30, {"guidance_scale": 5.0}, 1024,
           billions=4, others=9.7, gated=True, **DOCS),
    Preset("briaai/FIBO", "BriaFiboTransformer2DModel", 50, {"guidance_scale": 5.0}, 1024,
           billions=8, others=7.6, gated=True, **DOCS, note="takes prompts in JSON of its own form"),
    Preset("briaai/Fibo-2.0-dev", "BriaFibo2Transformer2DModel", 30, {"guidance_scale": 5.0}, 1024,
           billions=8.1, batch_size=1, **COUNTED, **DOCS, note="takes prompts in JSON of its own form"),
    # Under guidance its pipeline repeats the timestep for two rows, however many there are.
    Preset("Photoroom/prx-512-t2i-sft", "PRXTransformer2DModel", 28, {"guidance_scale": 5.0}, 512, pixels=16,
           billions=1.3, others=5.4, licence=APACHE, gated=False, batch_size=1, **DOCS, note="needs the package ftfy"),
    Preset("krea/Krea-2-Turbo", "Krea2Transformer2DModel", 8, {"guidance_scale": 0.0}, 1024,
           billions=12.8, others=9.1, licence="Krea 2 Community", gated=True, passes=1, **COUNTED),
    Preset("kandinskylab/Kandinsky-5.0-T2I-Lite-sft-Diffusers", "Kandinsky5Transformer3DModel", 50,
           {"guidance_scale": 3.5}, 1024, billions=6, others=QWEN_VL_7B + CLIP_L + VAE, licence="MIT", gated=False,
           **DOCS),
    Preset("Shitao/OmniGen-v1-diffusers", "OmniGenTransformer2DModel", 50, {"guidance_scale": 2.5}, 1024,
           billions=3.8, others=VAE, licence="MIT", gated=False, **DOCS, note="needs torchvision"),
    Preset("NucleusAI/NucleusMoE-Image", "NucleusMoEImageTransformer2DModel", 50, {"guidance_scale": 4.0}, 1024,
           billions=17, active=2, licence=APACHE, sparse=True, **DOCS),
    Preset("ideogram-ai/ideogram-v4", "Ideogram4Transformer2DModel", 48, {}, 1024,
           billions=9.3, licence="Ideogram Non-Commercial", gated=True, **COUNTED, **DOCS,
           note="two transformers; takes prompts in JSON of its own form, and guidance as guidance_schedule=[...], one "
           "number a step; its weights are published in 8 and 4 bit"),
    Preset("jdopensource/JoyAI-Image-Edit-Diffusers", "JoyImageEditTransformer3DModel", 40, {"guidance_scale": 4.0},
           1024, billions=16, others=17.8, licence=APACHE, gated=False, batch_size=1, **DOCS,
           note="changes a given picture: pass image=..."),
    Preset("jdopensource/JoyAI-Image-Edit-Plus-Diffusers", "JoyImageEditPlusTransformer3DModel", 30,
           {"guidance_scale": 4.0}, 1024, billions=16.3, others=17.8, batch_size=1, **COUNTED, **DOCS,
           note="changes given pictures, of any sizes: pass images=[...]"),
    # Its own size is no square, 1,360 by 768.
    Preset("nvidia/Cosmos-Predict2-2B-Text2Image", "CosmosTransformer3DModel", 35, {"guidance_scale": 7.0},
           billions=2, others=T5 + VAE, licence="NVIDIA Open Model", **COUNTED, **DOCS,
           note="needs torchvision and the package cosmos_guardrail, whose checks its licence asks for"),
    Preset("facebook/DiT-XL-2-256", "DiTTransformer2DModel", 50, {"guidance_scale": 4.0}, 256,
           billions=0.7, others=VAE, licence="CC BY-NC 4.0", gated=False, **DOCS,
           note="takes the name of an ImageNet class as its prompt"),
)  # fmt: skip
