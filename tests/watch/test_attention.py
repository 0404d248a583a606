"""Attention to words: the softmax that the block computes, looked at without changing a bit."""

import numpy as np
import pytest
import torch
from fewchannels.reading.worlds import ToyWorld
from fewchannels.studies.groups import scenes
from fewchannels.studies.spatial import words_of
from fewchannels.watch.attention import attention_to, can_read, word_places


@pytest.fixture(scope="module")
def group():
    return scenes().of(ToyWorld(), 3, 0)


def test_looking_changes_no_bit_and_processors_come_back_after_an_exception(toy, group):
    own = [block.attn.processor for block in toy.transformer.transformer_blocks]
    untouched = toy.generate(group.prompts, seed=0, steps=2)
    nouns = words_of(group.truth)["noun"]
    places = word_places(toy, group.prompts, nouns)
    words = [[prompt.split()[place] for place in row] for prompt, row in zip(group.prompts, places, strict=True)]
    assert words == nouns
    with attention_to(toy, {"noun": places, "all": [list(range(24))] * 3}) as looking:
        assert (toy.generate(group.prompts, seed=0, steps=2) == untouched).all()
    maps = looking.maps
    assert maps["noun"].shape == (3, 6, 2, 144)
    assert (maps["all"] * 24 < 1).all(), "what goes to all words is what image tokens leave"
    assert (maps["noun"] > 0).all()
    with pytest.raises(KeyboardInterrupt), attention_to(toy, {"noun": places}):
        raise KeyboardInterrupt
    assert [block.attn.processor for block in toy.transformer.transformer_blocks] == own


def test_the_map_is_the_softmax_that_the_block_computes(toy, group):
    """With values that are one at a single text token, the block's own attention gives its weight."""
    block = toy.transformer.transformer_blocks[2].attn
    seen = {}

    def spy(module, args, kwargs):
        seen.update(image=kwargs["hidden_states"], text=kwargs["encoder_hidden_states"])

    handle = block.register_forward_pre_hook(spy, with_kwargs=True)
    with attention_to(toy, {"fifth": [[5]]}) as looking:
        toy.generate(group.prompts[0], seed=0, steps=1)
    handle.remove()

    def by_heads(x, norm):
        return norm(x.unflatten(-1, (block.heads, -1)).transpose(1, 2))

    with torch.no_grad():
        keys = [by_heads(block.to_k(seen["image"]), block.norm_k)]
        keys.append(by_heads(block.add_k_proj(seen["text"]), block.norm_added_k))
        keys = torch.cat(keys, dim=2)
        value = torch.zeros_like(keys)
        value[:, :, 144 + 5] = 1
        query = by_heads(block.to_q(seen["image"]), block.norm_q)
        weight = torch.nn.functional.scaled_dot_product_attention(query, keys, value)
    assert looking.maps["fifth"][0, 2, 0] == pytest.approx(weight[0, :, :, 0].mean(dim=0).numpy(), rel=1e-4)


def test_with_guidance_and_in_batches_the_maps_are_those_of_the_prompts(toy, prompts):
    places = {"all": [[1, 2]] * 3}
    with attention_to(toy, places) as plain:
        toy.generate(prompts, seed=0, steps=1)
    with attention_to(toy, places) as guided:
        toy.generate(prompts, seed=0, steps=1, guidance_scale=3.0, batch_size=2)
    np.testing.assert_allclose(guided.maps["all"], plain.maps["all"], atol=1e-5)


def test_words_that_a_prompt_lacks_and_blocks_of_another_kind_are_refused(toy, flux, prompts):
    with pytest.raises(ValueError, match="does not hold the word 'moon'"):
        word_places(toy, ["a large red star at the left on a plain blue background"], [["moon"]])
    with pytest.raises(ValueError, match="no single tokenizer"):
        word_places(flux, prompts[:1], [["star"]])
    with pytest.raises(ValueError, match="places is empty"), attention_to(toy, {"noun": [[]]}):
        pass
    with pytest.raises(ValueError, match="JointAttnProcessor2_0 only"), attention_to(flux, {"noun": [[1]]}):
        pass
    assert can_read(toy)
    assert not can_read(flux)
    with pytest.raises(ValueError, match="sample 1 has none"), attention_to(toy, {"noun": [[1]]}):
        toy.generate(prompts[:2], seed=0, steps=1)
    with attention_to(toy, {"noun": [[1]]}) as looking:
        pass
    with pytest.raises(RuntimeError, match="no attention was seen"):
        looking.maps  # noqa: B018
