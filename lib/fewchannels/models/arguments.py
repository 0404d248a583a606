"""What `generate` is given: prompts as texts, arguments that it cannot honour refused, and those that are one a prompt
shared out over batches.

refuse({"generator": ...}, parameters)                                   # TypeError: noise is each sample's own: ...
of_rows(pipeline, {"negative_prompt": ["a", "b", "c"]}, slice(0, 2), 3)  # {"negative_prompt": ["a", "b"]}
"""

from __future__ import annotations

import inspect
import re
import reprlib
from collections.abc import Mapping, Sequence, Set
from typing import Any

import numpy as np
import torch

# Arguments of pipelines that generate has a way of its own for.
REFUSED = {
    "prompt": "the prompts are the first argument",
    "class_labels": "pass the names of the classes as prompts",
    "generator": "each sample's noise is its own: pass seed= (and samples=), or start noise as latents=",
    "latents": "pass them to generate(latents=...), one a prompt",
    "output_type": "pass output='np', 'float', 'pil' or 'latent'",
}
TEXT = re.compile(r"(negative_)?prompt(_\d)?")
ENCODED = re.compile(r"(pooled_)?prompt_(embeds|attention_mask|cu_seqlens)")
MANY = re.compile(r"num_(images|videos)_per_prompt")
ONE_A_PROMPT = re.compile(r"image|mask|latents|embeds|prompt")
# A list of pictures that belongs to every prompt: references, and those of IP adapters, one an adapter.
SHARED = re.compile(r"ip_adapter_|image_reference$")
WITH_REFERENCES = re.compile(r"Flux2|EditPlus|Omni|QwenImage21|Fibo")

# These take one picture for several prompts with one generator only, and leave the others without: it is repeated.
BEGIN_WITH_ONE = re.compile(r"Img2Img|Inpaint")


def texts(name: str, given: Any) -> list[str]:
    """A text, or several in a list, tuple, array or other sequence, as a list. Raises TypeError for what is no text,
    ValueError for a text with a lone surrogate, which no tokenizer reads."""
    given = given.tolist() if isinstance(given, np.ndarray) else given
    if isinstance(given, str):
        given = [given]
    try:
        listed = None if isinstance(given, (bytes, Mapping, Set, torch.Tensor)) else list(given)
    except TypeError:
        listed = None
    if listed is None:
        raise TypeError(f"{name}={reprlib.repr(given)}: expected a text or a list of texts")
    for place, text in enumerate(listed):
        if not isinstance(text, str):
            raise TypeError(f"{name}[{place}] is {reprlib.repr(text)}: expected a text, got {type(text).__name__}")
        if lone := re.search("[\ud800-\udfff]", text):
            raise ValueError(
                f"{name}[{place}] is {text!r}: character {lone.start()} is half of a surrogate pair, which no "
                f"tokenizer reads. Leave it out, or read the text as UTF-8"
            )
    return list(map(str, listed))


def refuse(given: Mapping[str, Any], parameters: Mapping[str, inspect.Parameter]) -> None:
    """Raises TypeError for arguments by name that `generate` would drop or could not carry out, with what to do.

    parameters: those of the pipeline's call. What is None counts as not given.
    """
    for name, value in given.items():
        if value is None:
            continue
        if name in REFUSED:
            raise TypeError(f"{name} is not for generate: {REFUSED[name]}")
        if ENCODED.match(name):
            raise TypeError(
                f"{name} is not for generate, which encodes the prompts itself. Call the pipeline with it, as in "
                f"`with fc.capture(model, stats): model.pipeline({name}=..., ...)`"
            )
        if MANY.fullmatch(name) and value != 1:
            raise TypeError(f"{name}={reprlib.repr(value)}: generate draws one image a prompt; repeat the prompt")
        if name == "return_dict" and not value:
            raise TypeError("return_dict=False is not for generate, which gives the images themselves: leave it out")
        if _is_list(value) and name in parameters and _takes_one(parameters[name]):
            raise TypeError(
                f"{name}={reprlib.repr(value)}: this pipeline takes one for all prompts; call generate once for each"
            )
    for name in ("sigmas", "timesteps"):
        steps = given.get("num_inference_steps")
        if given.get(name) is not None and steps is not None and len(given[name]) != steps:
            raise TypeError(f"{len(given[name])} {name} and {steps} steps: leave out steps, or pass as many of each")


def for_prompts(given: Mapping[str, Any], count: int) -> dict[str, Any]:
    """The arguments with those that are texts as lists of one a prompt: one text is for all of the `count` prompts.

    Raises ValueError for another number of texts.
    """
    made = dict(given)
    for name in filter(TEXT.fullmatch, given):
        listed = texts(name, given[name])
        if isinstance(given[name], str):
            listed *= count  # Z-Image and others take none but one a prompt
        made[name] = _counted(name, listed, count)
    return made


def of_rows(pipeline, given: Mapping[str, Any], rows: slice | Sequence[int], count: int) -> dict[str, Any]:
    """The arguments for some of the `count` prompts: what is one a prompt (other texts, pictures, masks, latents,
    embeddings) as those rows of it, all else as it is.

    Lists of reference pictures, where a pipeline takes such, belong to every prompt; lists of such lists are one a
    prompt. Raises ValueError for a list that is neither one for all nor one a prompt.
    """
    if BEGIN_WITH_ONE.search(type(pipeline).__name__) and count > 1 and given.get("padding_mask_crop") is None:
        begin = {name: given[name] for name in ("image", "mask_image") if given.get(name) is not None}
        given = {**given, **{name: _repeated(name, value, count) for name, value in begin.items()}}
    return {name: _rows(pipeline, name, value, rows, count) for name, value in given.items()}


def _rows(pipeline, name: str, value, rows, count: int):
    if not ONE_A_PROMPT.search(name) or SHARED.match(name) or not _is_list(value):
        return value
    if isinstance(value, (list, tuple)):
        if name.startswith("control_") and hasattr(getattr(pipeline, "controlnet", None), "nets"):
            return [_rows(pipeline, "image", one, rows, count) for one in value]  # a list with one a net
        kind, nested = type(pipeline).__name__, any(isinstance(one, (list, tuple)) for one in value)
        if "image" in name and not nested and WITH_REFERENCES.search(kind) and "Inpaint" not in kind:
            return value
    elif value.ndim < _batched(name):
        return value
    if len(value) == 1 and count > 1:
        return value
    value = _counted(name, value, count)
    if isinstance(rows, slice):
        return value[rows]
    return [value[row] for row in rows] if isinstance(value, (list, tuple)) else value[list(rows)]


def _repeated(name: str, value, count: int):
    """One picture as a list with it for each prompt; several as they are."""
    if not _is_list(value) or (not isinstance(value, (list, tuple)) and value.ndim < _batched(name)):
        value = [value]
    return [value[0]] * count if len(value) == 1 else value


def _batched(name: str) -> int:
    """Axes that an array of this name has with one for the prompts."""
    if "latents" in name or "embeds" in name:
        return 1
    return 3 if "mask" in name else 4


def _counted(name: str, value, count: int):
    if len(value) != count:
        raise ValueError(f"{name} holds {len(value)} for {count} prompts: pass one for all, or one a prompt")
    return value


def _is_list(value) -> bool:
    return isinstance(value, (list, tuple)) or (isinstance(value, (np.ndarray, torch.Tensor)) and value.ndim > 0)


def _takes_one(parameter: inspect.Parameter) -> bool:
    """Whether the signature says that an argument is one number, or one truth value."""
    if parameter.annotation is parameter.empty:
        return False
    words = set(re.findall(r"\w+", inspect.formatannotation(parameter.annotation)))
    return bool(words & {"int", "float", "bool"}) and words <= {"int", "float", "bool", "None", "Optional", "typing"}
