"""How much each image token looks at a word: a well-known map of the subject, to hold the channels' masks against.

    nouns = word_places(model, prompts, [["star"], ["ring", "moon"]])
    with attention_to(model, {"noun": nouns}) as looking:
        model.generate(prompts, seed=0)
    looking.maps["noun"]                      # [S, L, T, N]: the mean over heads and over the words asked for

In SD3's joint attention image and text tokens are keys of one softmax; the map is the share of an image token's
attention that goes to the words (as DAAM reads it from cross-attention, Tang et al., 2023, arXiv 2210.04885, there
over all blocks and steps). Only that kind of block is read.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import numpy as np
import torch

from ..layouts import Labels, blocks_of
from ..wrapping import around, hooked

READ = ("JointAttnProcessor2_0",)


class Looking:
    """The maps of a run: `maps[name]` float32 [S, L, T, N], S samples in the order in which they were generated."""

    def __init__(self, places: Mapping[str, Sequence[Sequence[int]]]):
        self.places = {name: [list(row) for row in rows] for name, rows in places.items()}
        self._kept: dict[str, dict[tuple[int, int, int], np.ndarray]] = {name: {} for name in self.places}

    @property
    def maps(self) -> dict[str, np.ndarray]:
        return {name: self._array(kept) for name, kept in self._kept.items()}

    @staticmethod
    def _array(kept) -> np.ndarray:
        if not kept:
            raise RuntimeError("no attention was seen: call model.generate(...) inside the `with` block")
        samples, layers, steps = (sorted({key[axis] for key in kept}) for axis in range(3))
        return np.array([[[kept[s, b, t] for t in steps] for b in layers] for s in samples], np.float32)

    def add(self, attn, image: torch.Tensor, text: torch.Tensor, layer: int, labels: Labels) -> None:
        rows = labels.rows.get("cond")
        if rows is None:
            return
        image, text = image[rows], text[rows]
        query = _by_heads(attn.to_q(image), attn.heads, attn.norm_q)
        own = _by_heads(attn.to_k(image), attn.heads, attn.norm_k)
        keys = torch.cat([own, _by_heads(attn.add_k_proj(text), attn.heads, attn.norm_added_k)], dim=2)
        for row, sample in enumerate(labels.samples):
            logits = query[row] @ keys[row].transpose(1, 2) / query.shape[-1] ** 0.5
            share = logits.float().softmax(dim=-1)[..., image.shape[1] :].mean(dim=0).cpu().numpy()
            for name, places in self.places.items():
                if sample >= len(places):
                    raise ValueError(f"{name!r} has places for {len(places)} prompts: sample {sample} has none")
                self._kept[name][sample, layer, labels.step] = share[:, places[sample]].mean(axis=1)


def _recording(looking: Looking, layer: int, labels: Labels):
    """A layer around a processor that looks, and then does what the processor does."""

    def record(own, attn, hidden_states, encoder_hidden_states=None, *args, **kwargs):
        if encoder_hidden_states is not None:
            with torch.no_grad():
                looking.add(attn, hidden_states, encoder_hidden_states, layer, labels)
        return own(attn, hidden_states, encoder_hidden_states, *args, **kwargs)

    return record


@contextmanager
def attention_to(model, places: Mapping[str, Sequence[Sequence[int]]]) -> Iterator[Looking]:
    """Keep, for each block and step, how much image tokens attend to text tokens: {name: a list of places a prompt}.

    The run itself is not changed, and the blocks get their own processors back, also after an exception. Raises
    ValueError for a model whose blocks have no joint attention of SD3's kind, and for a prompt without a place.
    """
    if not places or not all(len(row) for rows in places.values() for row in rows):
        raise ValueError("places is empty for some prompt: name at least one text token a prompt, see word_places")
    blocks = [block for _, _, block in blocks_of(model.layout, model.transformer)]
    if not can_read(model):
        raise ValueError(
            f"{model.layout.name} attends by {', '.join(sorted(_kinds(blocks)))}: maps are read from "
            f"{', '.join(READ)} only"
        )
    labels, looking = Labels(model), Looking(places)
    with ExitStack() as stack:
        stack.enter_context(hooked(model.transformer, labels.forward_begins, pre=True))
        stack.enter_context(labels.listening())
        for layer, block in enumerate(blocks):
            stack.enter_context(around(block.attn, "processor", _recording(looking, layer, labels)))
        yield looking


def can_read(model) -> bool:
    """Whether attention maps are read from this model's class."""
    return _kinds([block for _, _, block in blocks_of(model.layout, model.transformer)]) <= set(READ)


def _kinds(blocks) -> set[str]:
    processors = [getattr(getattr(block, "attn", None), "processor", None) for block in blocks]
    return {type(inspect.unwrap(processor)).__name__ for processor in processors}


def word_places(model, prompts: Sequence[str], words: Sequence[Sequence[str]]) -> list[list[int]]:
    """Where each prompt's words stand among its text tokens: a list of indices a prompt.

    For pipelines with one tokenizer, in which a word is a token, as the toy world's. Raises ValueError where a prompt
    does not hold its word.
    """
    tokenizer = getattr(model.pipeline, "tokenizer", None)
    if tokenizer is None or getattr(model.pipeline, "tokenizer_2", None) is not None:
        raise ValueError(f"{model.name} has no single tokenizer: pass the places of the words among its text tokens")
    found = []
    for prompt, wanted in zip(prompts, words, strict=True):
        ids = tokenizer(prompt).input_ids
        sought = {tokenizer(word).input_ids[0]: word for word in wanted}
        missing = [word for number, word in sought.items() if number not in ids]
        if missing or not sought:
            raise ValueError(f"the prompt {prompt!r} does not hold the word {(missing or ['(none named)'])[0]!r}")
        found.append([place for place, number in enumerate(ids) if number in sought])
    return found


def _by_heads(x: torch.Tensor, heads: int, norm) -> torch.Tensor:
    x = x.unflatten(-1, (heads, -1)).transpose(1, 2)
    return x if norm is None else norm(x)
