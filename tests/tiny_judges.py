"""CLIP and CLIPSeg of toy size, random weights: clip() and clipseg() give the network and its processor."""

from __future__ import annotations

from pathlib import Path

import torch
import transformers

SIZE = 32  # px a side of what they look at


def image_reader(size: int = SIZE) -> transformers.CLIPImageProcessor:
    """Pictures cut to size x size px."""
    return transformers.CLIPImageProcessor(size={"shortest_edge": size}, crop_size={"height": size, "width": size})


def clip():
    torch.manual_seed(0)
    tokenizer, parts = _parts()
    model = transformers.CLIPModel(transformers.CLIPConfig(**parts))
    return model, transformers.CLIPProcessor(image_reader(), tokenizer)


def clipseg():
    torch.manual_seed(0)
    tokenizer, parts = _parts()
    config = transformers.CLIPSegConfig(
        **parts,
        extract_layers=[0, 1],
        reduce_dim=8,
        conditional_layer=0,
        decoder_num_attention_heads=2,
        decoder_intermediate_size=16,
    )
    return transformers.CLIPSegForImageSegmentation(config), transformers.CLIPSegProcessor(image_reader(), tokenizer)


def save(made, folder: Path) -> Path:
    """A network and its processor as one folder, which a judge takes by name."""
    for part in made:
        part.save_pretrained(folder)
    return folder


def _parts():
    """A tokenizer of single letters, and the configurations of text and vision."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    names = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{c}</w>" for c in letters)]
    vocabulary = {name: i for i, name in enumerate(names)}
    layers = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = layers | {"vocab_size": len(names), "eos_token_id": 1, "bos_token_id": 0, "max_position_embeddings": 16}
    vision = layers | {"image_size": SIZE, "patch_size": 8}
    tokenizer = transformers.CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=16)
    return tokenizer, {"text_config": text, "vision_config": vision, "projection_dim": 8}
