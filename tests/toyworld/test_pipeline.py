"""The toy world's pipeline is called like any text-to-image pipeline of diffusers."""

import json
import logging
import warnings

import fewchannels as fc
import numpy as np
import PIL.Image
import pytest
import torch
from diffusers import AutoencoderTiny, DiffusionPipeline, FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel
from diffusers.utils import logging as diffusers_logging
from fewchannels.edits.image_latents import encode
from fewchannels.toyworld.pipeline import ToyWorldPipeline, ToyWorldPipelineOutput
from fewchannels.toyworld.scenes import random_scene
from fewchannels.toyworld.text_encoder import MAX_TOKENS

STEPS = 3
LATENT = (1, 8, 12, 12)


@pytest.fixture
def pipeline(toy):
    return toy.pipeline


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def draw(pipeline, prompts, seeds=None, **more):
    options = {"num_inference_steps": STEPS, "output_type": "np", **more}
    return pipeline(prompts, generator=generators(*(seeds or range(len(prompts)))), **options).images


def test_its_parts_are_those_of_diffusers(pipeline):
    assert isinstance(pipeline, DiffusionPipeline)
    assert isinstance(pipeline.transformer, SD3Transformer2DModel)
    assert isinstance(pipeline.scheduler, FlowMatchEulerDiscreteScheduler)
    assert isinstance(pipeline.vae, AutoencoderTiny)
    assert set(pipeline.components) == {"tokenizer", "text_encoder", "transformer", "scheduler", "vae"}


def test_a_token_is_a_latent_and_the_autoencoder_makes_the_picture(pipeline, prompts):
    config = pipeline.transformer.config
    assert (pipeline.latent_shape, config.patch_size, pipeline.vae_scale_factor) == (LATENT[1:], 1, 4)
    end = draw(pipeline, prompts, output_type="latent")
    assert tuple(end.shape) == (len(prompts), *LATENT[1:])
    with torch.no_grad():
        decoded = pipeline.vae.decode(end).sample
    pictures = draw(pipeline, prompts)
    np.testing.assert_allclose((decoded / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1), pictures, atol=1e-6)


def test_latents_are_scaled_as_the_autoencoder_s_configuration_says(toy, prompts):
    """As in SD3: latents / scaling_factor + shift_factor are decoded, and encoding takes it back."""
    own = draw(toy.pipeline, prompts[:1], output_type="latent")
    before = {name: toy.pipeline.vae.config[name] for name in ("scaling_factor", "shift_factor")}
    scene = np.rint(draw(toy.pipeline, prompts[:1])[0] * 255).astype(np.uint8)
    plain = encode(toy, [scene])
    try:
        toy.pipeline.vae.register_to_config(scaling_factor=0.5, shift_factor=0.25)
        scaled = draw(toy.pipeline, prompts[:1])
        torch.testing.assert_close(encode(toy, [scene]), (plain - 0.25) * 0.5)
    finally:
        toy.pipeline.vae.register_to_config(**before)
    with torch.no_grad():
        expected = toy.pipeline.vae.decode(own / 0.5 + 0.25).sample
    np.testing.assert_allclose((expected / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1), scaled, atol=1e-6)


def test_rendered_scenes_have_latents_of_mean_0_and_deviation_1_and_come_back(toy):
    scenes = [random_scene((999, i)).image for i in range(64)]
    latents = encode(toy, scenes)
    assert latents.mean((0, 2, 3)).abs().max() < 0.15
    assert (latents.std((0, 2, 3)) - 1).abs().max() < 0.15
    with torch.no_grad():
        back = toy.pipeline.vae.decode(latents).sample.clamp(-1, 1).permute(0, 2, 3, 1).numpy()
    error = np.square(back - (np.stack(scenes) / 127.5 - 1)).mean()
    assert 10 * np.log10(4 / error) > 31, "33 dB were measured"


def test_a_folder_of_the_kind_that_drew_pixels_is_refused_with_a_sentence(pipeline, tmp_path):
    pipeline.save_pretrained(tmp_path)
    index = json.loads((tmp_path / "model_index.json").read_text())
    del index["vae"]
    (tmp_path / "model_index.json").write_text(json.dumps(index))
    for load in (fc.load, ToyWorldPipeline.from_pretrained):
        with pytest.raises(ValueError, match=r"earlier kind, which drew pixels .* draws latents; train it anew with"):
            load(tmp_path)


def test_the_shipped_folder_loads_without_a_warning(pipeline, tmp_path):
    said = []
    listener = logging.Handler(logging.WARNING)
    listener.emit = lambda record: said.append(record.getMessage())
    logger = diffusers_logging.get_logger("diffusers")
    logger.addHandler(listener)
    try:
        with warnings.catch_warnings(action="error"):
            fc.load("toyworld")
        assert said == []
        pipeline.vae.save_pretrained(tmp_path)  # writes the key that trainers leave out
        AutoencoderTiny.from_pretrained(tmp_path)
        assert "block_out_channels" in said[0]
    finally:
        logger.removeHandler(listener)


@pytest.mark.parametrize("guidance_scale", [1.0, 3.0])
def test_a_sample_does_not_depend_on_the_others_in_its_batch(pipeline, prompts, guidance_scale):
    whole = draw(pipeline, prompts, guidance_scale=guidance_scale)
    for i, prompt in enumerate(prompts):
        alone = draw(pipeline, [prompt], seeds=[i], guidance_scale=guidance_scale)
        np.testing.assert_allclose(alone[0], whole[i], atol=1e-4)


def test_the_same_seed_gives_the_same_bits(pipeline, prompts):
    np.testing.assert_array_equal(draw(pipeline, prompts), draw(pipeline, prompts))
    one = pipeline(prompts, num_inference_steps=STEPS, generator=torch.Generator().manual_seed(1), output_type="np")
    two = pipeline(prompts, num_inference_steps=STEPS, generator=torch.Generator().manual_seed(1), output_type="np")
    np.testing.assert_array_equal(one.images, two.images)


def test_the_prompt_decides(pipeline, prompts):
    first, second = (draw(pipeline, [prompt], seeds=[0]) for prompt in prompts[:2])
    assert np.abs(first - second).mean() > 0.05


def test_more_steps_solve_the_same_flow(pipeline, prompts):
    """Euler's error falls with the step: eight steps lie nearer to sixteen than two do."""
    few, some, many = (draw(pipeline, prompts[:1], num_inference_steps=n) for n in (2, 8, 16))
    assert np.abs(some - many).mean() < np.abs(few - many).mean()


def test_an_unknown_word_is_an_error_that_lists_the_known_ones(pipeline):
    with pytest.raises(ValueError, match=r"unknown word 'sqare'.*nearest word .*'square'.*It knows: .*triangle"):
        pipeline("a large red sqare", num_inference_steps=1)
    with pytest.raises(ValueError, match=rf"has 25 words; the toy world reads at most {MAX_TOKENS}"):
        pipeline(" ".join(["red"] * 25), num_inference_steps=1)


def test_what_is_no_word_or_too_much_is_refused_by_the_pipeline_too(pipeline, prompts):
    for word in ("<pad>", "<UNK>", "赤い"):
        with pytest.raises(ValueError, match=f"unknown word {word.lower()!r} in the prompt"):
            pipeline(prompts[0].replace("star", word), num_inference_steps=1)
    three = " and ".join(f"a small red {shape} at the left" for shape in ("star", "ring", "cross"))
    with pytest.raises(ValueError, match=r"names 3 subjects .* at most two"):
        pipeline(f"{three} on a plain white background", num_inference_steps=1)


def test_known_words_that_are_no_sentence_are_warned_of(pipeline, prompts):
    for text in ("star red large a", "a red star", " ".join(reversed(prompts[0].split()))):
        with pytest.warns(UserWarning, match=f"the prompt {text!r} is no sentence of the toy world; expected 'a SIZE"):
            pipeline.encode_prompt([prompts[0], text])
    with warnings.catch_warnings(action="error"):
        pipeline.encode_prompt(["", " ", *prompts, prompts[0].upper()])


def test_words_are_told_apart_as_they_are_checked(pipeline, prompts):
    plain, _ = pipeline.encode_prompt(prompts[0])
    for space in ("\x1c", "\x85", "\u2003", "\n"):
        spaced, _ = pipeline.encode_prompt(prompts[0].replace(" ", space))
        assert torch.equal(spaced, plain)


def test_case_and_the_empty_prompt(pipeline, prompts):
    np.testing.assert_array_equal(draw(pipeline, [prompts[0].upper()]), draw(pipeline, prompts[:1]))
    assert draw(pipeline, [""]).shape == (1, 48, 48, 3)


def test_guidance_of_one_is_off_and_more_pulls_towards_the_prompt(pipeline, prompts):
    """v = u + g (c - u): with g = 1 that is c, which the pipeline computes without the unconditional half."""
    rows = []
    handle = pipeline.transformer.register_forward_pre_hook(
        lambda module, args, kwargs: rows.append(kwargs["hidden_states"].shape[0]), with_kwargs=True
    )
    latents = torch.randn(LATENT, generator=torch.Generator().manual_seed(0))
    velocities = {}
    for scale in (1.0, 2.0, 4.0):
        end = pipeline(prompts[:1], num_inference_steps=1, guidance_scale=scale, latents=latents, output_type="latent")
        velocities[scale] = latents - end.images  # one Euler step over the whole of time
    empty = latents - pipeline("", num_inference_steps=1, latents=latents, output_type="latent").images
    handle.remove()
    assert rows == [1, 2, 2, 1]
    for scale in (2.0, 4.0):
        expected = empty + scale * (velocities[1.0] - empty)
        torch.testing.assert_close(velocities[scale], expected, atol=1e-4, rtol=1e-4)


def test_output_types(pipeline, prompts):
    latents = torch.randn(LATENT, generator=torch.Generator().manual_seed(0))
    options = {"num_inference_steps": STEPS, "latents": latents}
    result = pipeline(prompts[0], output_type="np", **options)
    assert isinstance(result, ToyWorldPipelineOutput)
    array = result.images
    assert (array.shape, array.dtype) == ((1, 48, 48, 3), np.float32)
    assert array.min() >= 0
    assert array.max() <= 1
    tensor = pipeline(prompts[0], output_type="pt", **options).images
    np.testing.assert_array_equal(tensor.permute(0, 2, 3, 1), array)
    raw = pipeline(prompts[0], output_type="latent", **options).images
    with torch.no_grad():
        torch.testing.assert_close((pipeline.vae.decode(raw).sample / 2 + 0.5).clamp(0, 1), tensor)
    pictures = pipeline(prompts[0], **options).images
    assert isinstance(pictures[0], PIL.Image.Image)
    np.testing.assert_array_equal(np.asarray(pictures[0]), np.rint(array[0] * 255))
    (same,) = pipeline(prompts[0], output_type="np", return_dict=False, **options)
    np.testing.assert_array_equal(same, array)


def test_the_callback_hears_each_step_and_may_replace_latents(pipeline, prompts):
    heard = []

    def listen(pipe, step, timestep, tensors):
        heard.append((pipe is pipeline, step, float(timestep), sorted(tensors)))

    draw(pipeline, prompts[:1], callback_on_step_end=listen, callback_on_step_end_tensor_inputs=["latents"])
    assert [entry[:2] for entry in heard] == [(True, step) for step in range(STEPS)]
    assert [entry[2] for entry in heard] == sorted((entry[2] for entry in heard), reverse=True)
    assert heard[0][3] == ["latents"]

    def blank(pipe, step, timestep, tensors):
        return {"latents": torch.zeros_like(tensors["latents"])} if step == STEPS - 1 else {}

    blanked = draw(pipeline, prompts[:1], callback_on_step_end=blank)
    with torch.no_grad():
        empty = (pipeline.vae.decode(torch.zeros(LATENT)).sample / 2 + 0.5).clamp(0, 1)
    np.testing.assert_allclose(empty.permute(0, 2, 3, 1), blanked, atol=1e-6)


def test_the_callback_may_change_the_prompt_on_the_way(pipeline, prompts):
    states, pooled = pipeline.encode_prompt(prompts[1])

    def swap(pipe, step, timestep, tensors):
        return {"prompt_embeds": states, "pooled_prompt_embeds": pooled}

    swapped = draw(pipeline, prompts[:1], callback_on_step_end=swap)
    assert np.abs(swapped - draw(pipeline, prompts[:1])).max() > 0.01


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"prompt": []}, "expected a string or a non-empty list"),
        ({"prompt": ["", None]}, "expected a string or a non-empty list of strings"),
        ({"num_inference_steps": 0}, "num_inference_steps=0"),
        ({"output_type": "jpg"}, "output_type='jpg'"),
        ({"latents": torch.zeros(2, *LATENT[1:])}, r"expected \(1, 8, 12, 12\)"),
        ({"latents": torch.zeros(1, 3, 48, 48)}, r"expected \(1, 8, 12, 12\)"),
        ({"callback_on_step_end_tensor_inputs": ["noise"]}, r"callback tensors \['noise'\]"),
    ],
)
def test_wrong_arguments_are_named(pipeline, prompts, options, words):
    with pytest.raises(ValueError, match=words):
        pipeline(**{"prompt": prompts[0], **options})


def test_saving_and_loading_gives_the_same_bits(pipeline, prompts, tmp_path):
    pipeline.save_pretrained(tmp_path)
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert all(name.endswith((".safetensors", ".json")) for name in files), "nothing but safetensors and JSON"
    index = json.loads((tmp_path / "model_index.json").read_text())
    assert index["_class_name"] == "ToyWorldPipeline"
    assert index["text_encoder"] == ["fewchannels.toyworld.text_encoder", "ToyTextEncoder"]
    again = ToyWorldPipeline.from_pretrained(tmp_path, use_safetensors=True)
    again.set_progress_bar_config(disable=True)
    np.testing.assert_array_equal(draw(again, prompts[:1]), draw(pipeline, prompts[:1]))


def test_its_layers_can_be_changed_and_put_back_without_a_trace(pipeline, prompts):
    before = draw(pipeline, prompts[:1])
    handle = pipeline.transformer.transformer_blocks[2].register_forward_hook(lambda m, a, out: (out[0], out[1] * 0))
    assert np.abs(draw(pipeline, prompts[:1]) - before).max() > 0.01
    handle.remove()
    np.testing.assert_array_equal(draw(pipeline, prompts[:1]), before)


def test_the_progress_bar_can_be_turned_off(pipeline, prompts, capfd):
    pipeline.set_progress_bar_config(disable=False)
    draw(pipeline, prompts[:1])
    assert f"{STEPS}/{STEPS}" in capfd.readouterr().err
    pipeline.set_progress_bar_config(disable=True)
    draw(pipeline, prompts[:1])
    assert capfd.readouterr().err == ""


def test_every_step_counts_as_much_as_the_others(pipeline):
    """By itself the scheduler ends at 0.001, so that the last of its steps would change nothing."""
    pipeline("a large red star at the left on a plain blue background", num_inference_steps=4)
    assert pipeline.scheduler.sigmas.tolist() == pytest.approx([1, 0.75, 0.5, 0.25, 0])
