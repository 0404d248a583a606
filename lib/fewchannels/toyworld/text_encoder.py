"""The toy world's text encoder and tokenizer: one learned vector a word, one a place, and their mean."""

from __future__ import annotations

import warnings

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from torch import nn
from transformers import PreTrainedTokenizerFast

from .prompts import VOCABULARY, NoSentence, check_words, parse_prompt

MAX_TOKENS = 24  # the longest sentence of the grammar has 22 words


class ToyTextEncoder(ModelMixin, ConfigMixin):
    """Word plus place embedding, trained jointly with the transformer.

    forward(input_ids int64 [B, S]) -> (states [B, S, D], pooled [B, D]); pooled is the mean over all S places.
    """

    @register_to_config
    def __init__(self, vocab_size: int = 64, max_tokens: int = MAX_TOKENS, width: int = 64):
        super().__init__()
        self.words = nn.Embedding(vocab_size, width)
        self.places = nn.Embedding(max_tokens, width)

    def forward(self, input_ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        states = self.words(input_ids) + self.places.weight[: input_ids.shape[1]]
        return states, states.mean(dim=1)


class ToyTokenizer(PreTrainedTokenizerFast):
    """A word-level tokenizer; a class of our own, so that the saved pipeline names it alike in every transformers."""

    def read(self, prompts: list[str]) -> torch.Tensor:
        """Prompts to ids int64 [B, 24]; the empty prompt is allowed.

        Raises ValueError as `prompts.check_words` does, and for a prompt of more than 24 words. Warns of known words
        that are no sentence of the grammar.
        """
        limit = self.model_max_length
        for text in prompts:
            check_words(text)
            words = len(text.split())
            if words > limit:
                raise ValueError(f"the prompt {text!r} has {words} words; the toy world reads at most {limit}")
            try:
                if words:
                    parse_prompt(text)
            except NoSentence as error:
                warnings.warn(f"{error}. It is drawn, but the network never saw such a prompt", stacklevel=3)
        # As check_words takes them apart: the tokenizer's own idea of a space is a narrower one.
        texts = [" ".join(text.lower().split()) for text in prompts]
        return self(texts, padding="max_length", max_length=limit, return_tensors="pt").input_ids


def build_tokenizer() -> ToyTokenizer:
    """A word-level tokenizer over `prompts.VOCABULARY`: `<pad>` is 0, `<unk>` 1, sentences padded to 24 tokens."""
    vocabulary = {word: i for i, word in enumerate(("<pad>", "<unk>", *VOCABULARY))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return ToyTokenizer(tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>", model_max_length=MAX_TOKENS)
