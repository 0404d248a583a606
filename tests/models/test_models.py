"""load and generate: noise of each sample's own, arguments that a pipeline does not take, errors with a remedy."""

import json
import shutil
import subprocess
import sys

import diffusers
import fewchannels as fc
import numpy as np
import PIL.Image
import pytest
import torch
from fewchannels.models.arguments import of_rows
from fewchannels.origins import generator_of
from tiny_pipelines import PIPELINES

STEPS = 3


def test_importing_the_package_needs_no_torch():
    code = "import sys, fewchannels as fc; fc.__doc__; dir(fc); print('torch' in sys.modules, 'load' in fc.__all__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_every_public_name_has_a_home():
    import importlib.util

    for module in set(fc._HOME.values()):
        if importlib.util.find_spec(f"fewchannels.{module}") is not None:
            for name in (name for name, home in fc._HOME.items() if home == module):
                assert callable(getattr(fc, name)), name
    with pytest.raises(AttributeError, match=r"no attribute 'lode'; it has .*load"):
        fc.lode  # noqa: B018


def test_the_toy_world_loads_with_its_layout(toy):
    assert toy.layout.name == "SD3Transformer2DModel"
    assert toy.layers == tuple(f"transformer_blocks.{i}" for i in range(6))
    assert (toy.name, toy.steps, toy.device.type, toy.dtype) == ("toyworld", 16, "cpu", torch.float32)
    assert fc.load(toy) is toy
    assert "SD3Transformer2DModel, 6 blocks" in repr(toy)


def test_provenance_is_json_and_names_what_made_a_result(toy):
    record = json.loads(json.dumps(toy.provenance()))
    assert record["model"] == "toyworld"
    assert record["revision"].startswith("sha256:")
    assert record["class"] == "SD3Transformer2DModel"
    assert record["dtype"] == "float32"
    assert record["versions"]["torch"] == torch.__version__
    assert record["date"].startswith("20")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_folder_a_pipeline_in_memory_and_the_name_give_the_same_pictures(toy, prompts, tmp_path, dtype):
    toy.pipeline.save_pretrained(tmp_path / "copy")
    folder = fc.load(tmp_path / "copy", device="cpu", dtype=dtype)
    assert (folder.name, folder.dtype) == ("copy", dtype)
    memory = fc.load(folder.pipeline)
    assert (memory.name, memory.revision, memory.dtype) == ("ToyWorldPipeline", None, dtype)
    images = folder.generate(prompts[:1], steps=STEPS)
    np.testing.assert_array_equal(images, memory.generate(prompts[:1], steps=STEPS))
    if dtype == torch.float32:
        np.testing.assert_array_equal(images, toy.generate(prompts[:1], steps=STEPS))


def test_the_same_seed_gives_the_same_bits(toy, prompts):
    first, second = (toy.generate(prompts, seed=3, steps=STEPS, output="latent") for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, toy.generate(prompts, seed=4, steps=STEPS, output="latent"))


@pytest.mark.parametrize("name", ["toy", "flux"])
def test_a_sample_does_not_depend_on_its_batch(name, prompts, request):
    model = request.getfixturevalue(name)
    size = {} if name == "toy" else {"height": 32, "width": 48}
    whole = model.generate(prompts, seed=7, steps=STEPS, output="float", **size)
    for batch_size in (1, 2):
        parts = model.generate(prompts, seed=7, steps=STEPS, output="float", batch_size=batch_size, **size)
        np.testing.assert_allclose(parts, whole, atol=1e-4)
    last = model.generate(prompts[2], seed=7, samples=[2], steps=STEPS, output="float", **size)
    np.testing.assert_allclose(last[0], whole[2], atol=1e-4)
    assert np.abs(model.generate(prompts[2], seed=7, steps=STEPS, output="float", **size)[0] - whole[2]).max() > 0.01


def test_noise_comes_from_seed_and_sample_alone():
    def draw(seed, sample):
        return torch.randn(1000, generator=generator_of(seed, sample))

    assert torch.equal(draw(0, 1), draw(0, 1))
    pairs = [(seed, sample) for seed in range(12) for sample in range(12)]
    noise = torch.stack([draw(*pair) for pair in pairs])
    related = torch.corrcoef(noise) - torch.eye(len(pairs))
    assert related.abs().max() < 0.2, "(seed, sample) must not be mixed up, as seed + sample would be"


def test_outputs(toy, prompts):
    pixels = toy.generate(prompts[:2], steps=STEPS)
    assert (pixels.shape, pixels.dtype) == ((2, 48, 48, 3), np.uint8)
    floats = toy.generate(prompts[:2], steps=STEPS, output="float")
    assert floats.dtype == np.float32
    np.testing.assert_array_equal(pixels, np.rint(floats * 255))
    pictures = toy.generate(prompts[:2], steps=STEPS, output="pil")
    assert isinstance(pictures[0], PIL.Image.Image)
    np.testing.assert_array_equal(np.stack([np.asarray(p) for p in pictures]), pixels)
    assert toy.generate(prompts[0], steps=STEPS, output="latent").shape == (1, 8, 12, 12)


def test_latents_replace_the_noise(toy, prompts):
    noise = torch.stack([torch.randn(8, 12, 12, generator=generator_of(7, sample)) for sample in range(2)])
    given = toy.generate(prompts[:2], steps=STEPS, latents=noise, batch_size=1, output="float")
    np.testing.assert_allclose(given, toy.generate(prompts[:2], seed=7, steps=STEPS, output="float"), atol=1e-4)


def test_guidance_and_other_arguments_reach_the_pipeline(toy, prompts):
    heard = []

    def callback(pipeline, step, timestep, tensors):
        heard.append(step)
        return {}

    plain = toy.generate(prompts[:1], steps=STEPS, output="float", callback_on_step_end=callback)
    assert heard == list(range(STEPS))
    assert np.abs(plain - toy.generate(prompts[:1], steps=STEPS, guidance_scale=4.0, output="float")).max() > 0.01


def test_a_model_of_classes_takes_their_names_as_prompts():
    from tiny_pipelines import autoencoder

    transformer = diffusers.DiTTransformer2DModel(
        sample_size=8,
        num_layers=2,
        in_channels=4,
        out_channels=4,
        attention_head_dim=8,
        num_attention_heads=2,
        num_embeds_ada_norm=1000,
    )
    scheduler = diffusers.DDIMScheduler()
    labels = {1: "goldfish", 2: "white shark"}
    model = fc.load(diffusers.DiTPipeline(transformer, autoencoder(4), scheduler, id2label=labels))
    with fc.capture(model, stats := fc.ChannelStats()):
        images = model.generate(["white shark", "goldfish"], steps=2, guidance_scale=4.0)
    assert (images.shape, stats.mean.shape) == ((2, 64, 64, 3), (2, 2, 2, 16))
    with pytest.raises(ValueError, match="dog does not exist"):
        model.generate(["dog"], steps=1)


def test_a_list_of_negative_prompts_is_shared_out_over_batches(flux, prompts):
    options = {"steps": 1, "height": 32, "width": 32, "true_cfg_scale": 3.0, "output": "float"}
    whole = flux.generate(prompts, negative_prompt=prompts[::-1], **options)
    parts = flux.generate(prompts, negative_prompt=prompts[::-1], batch_size=2, **options)
    np.testing.assert_allclose(parts, whole, atol=1e-4)


@pytest.fixture(scope="module")
def image_to_image():
    """A tiny SD3 that starts from pictures, with texts of three encoders."""
    case = PIPELINES["SD3"]()
    pipeline = diffusers.StableDiffusion3Img2ImgPipeline(**case.pipeline.components)
    return fc.load(pipeline, generation={"max_sequence_length": 24, "height": 32, "width": 32, "strength": 0.5})


def pictures(count):
    return [PIL.Image.fromarray(np.full((32, 32, 3), 60 * i, np.uint8)) for i in range(1, count + 1)]


@pytest.mark.parametrize("form", ["list", "array", "tensor", "one", "one in a list", "one array", "one in an array"])
def test_pictures_are_shared_out_over_batches(image_to_image, prompts, form):
    image = pictures(3)
    if form == "array":
        image = np.stack([np.asarray(one, np.float32) / 255 for one in image])
    elif form == "tensor":
        image = torch.stack([torch.from_numpy(np.array(one)).permute(2, 0, 1) / 255 for one in image])
    elif form.startswith("one"):
        image = {
            "one": image[0],
            "one in a list": image[:1],
            "one array": np.full((32, 32, 3), 0.25, np.float32),
            "one in an array": np.full((1, 32, 32, 3), 0.25, np.float32),
        }[form]
    options = {"steps": 2, "guidance_scale": 1.0, "output": "float"}
    parts = image_to_image.generate(prompts, image=image, batch_size=2, **options)
    alone = [
        image_to_image.generate(
            prompt, samples=[i], image=image if form.startswith("one") else image[i : i + 1], **options
        )
        for i, prompt in enumerate(prompts)
    ]
    np.testing.assert_allclose(parts, np.concatenate(alone), atol=1e-4)
    with pytest.raises(ValueError, match="image holds 2 for 4 prompts: pass one for all, or one a prompt"):
        image_to_image.generate([*prompts, prompts[0]], image=pictures(2), **options)


def test_all_texts_are_one_a_prompt_or_one_for_all(image_to_image, prompts):
    options = {"steps": 1, "strength": 1.0, "guidance_scale": 4.0, "output": "float", "image": pictures(1)}
    for name in ("negative_prompt", "negative_prompt_2", "prompt_2", "prompt_3"):
        for given in (prompts[::-1], tuple(prompts[::-1]), np.array(prompts[::-1]), prompts[1]):
            parts = image_to_image.generate(prompts, batch_size=2, **{name: given}, **options)
            each = [given] * 3 if isinstance(given, str) else given
            alone = image_to_image.generate(prompts[2], samples=[2], **{name: [each[2]]}, **options)
            np.testing.assert_allclose(parts[2], alone[0], atol=1e-4)
        with pytest.raises(ValueError, match=f"{name} holds 2 for 4 prompts: pass one for all, or one a prompt"):
            image_to_image.generate([*prompts, "a"], batch_size=2, **{name: prompts[:2]}, **options)


def test_reference_pictures_belong_to_every_prompt():
    model = fc.load(PIPELINES["FLUX.2-klein"]().pipeline)
    given = {"image": pictures(2), "sigmas": [1.0, 0.5, 0.2], "negative_prompt": ["a", "b", "c"]}
    shared = {"image": given["image"], "sigmas": [1.0, 0.5, 0.2], "negative_prompt": ["c", "a"]}
    assert of_rows(model.pipeline, given, [2, 0], 3) == shared
    each = [[one] for one in pictures(3)]
    assert of_rows(model.pipeline, {"image": each}, slice(1, 3), 3) == {"image": each[1:]}
    assert of_rows(model.pipeline, {"negative_prompt": ["a"]}, [0, 0], 1) == {"negative_prompt": ["a", "a"]}


def test_the_size_of_flux_is_any(flux, prompts):
    assert flux.generate(prompts[:1], steps=1, height=32, width=80).shape == (1, 32, 80, 3)


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"height": 64}, TypeError, "ToyWorldPipeline does not accept height; it accepts prompt, num_inference_steps"),
        ({"negative_prompt": "a"}, TypeError, "does not accept negative_prompt"),
        ({"output": "jpeg"}, ValueError, "output='jpeg': expected 'np', 'float', 'pil' or 'latent'"),
        ({"batch_size": 0}, ValueError, "batch_size=0: expected a whole number of at least 1"),
        ({"batch_size": 1.5}, TypeError, r"batch_size=1\.5: expected a whole number of at least 1"),
        ({"seed": None}, TypeError, r"seed=None: expected a whole number of at least 0\. Noise is told by it alone"),
        ({"seed": -1}, ValueError, r"seed=-1: expected a whole number of at least 0\. .*random\.randrange"),
        ({"seed": 1.0}, TypeError, r"seed=1\.0: expected a whole number"),
        ({"seed": torch.tensor(0.5)}, TypeError, r"seed=tensor.*: expected a whole number"),
        ({"samples": [0, 1, -2]}, ValueError, "sample=-2: expected a whole number"),
        ({"samples": [0, 1, None]}, TypeError, "sample=None: expected a whole number"),
        ({"latents": np.zeros((3, 3, 48, 48))}, TypeError, "latents of type ndarray: expected a tensor"),
        ({"generator": torch.Generator()}, TypeError, "generator is not for generate: each sample's noise is its own"),
        ({"generator": [torch.Generator()] * 3}, TypeError, "generator is not for generate"),
        ({"prompt": "a"}, TypeError, "prompt is not for generate: the prompts are the first argument"),
        ({"output_type": "pil"}, TypeError, "output_type is not for generate: pass output='np'"),
        ({"return_dict": False}, TypeError, "return_dict=False is not for generate, which gives the images themselves"),
        ({"num_images_per_prompt": 2}, TypeError, "num_images_per_prompt=2: generate draws one image a prompt; repeat"),
        ({"prompt_embeds": torch.zeros(3, 24, 64)}, TypeError, "^prompt_embeds is not for generate, which .{0,150}$"),
        ({"pooled_prompt_embeds": torch.zeros(3, 64)}, TypeError, "^pooled_prompt_embeds is not for generate"),
        ({"guidance_scale": [1.0, 2.0, 3.0]}, TypeError, r"guidance_scale=\[1\.0, .*: this pipeline takes one for"),
        ({"num_inference_steps": 5}, TypeError, "steps=3 and num_inference_steps=5: pass one of them"),
        ({"samples": [1]}, ValueError, "1 samples for 3 prompts"),
        ({"latents": torch.zeros(2, 3, 48, 48)}, ValueError, "pass one a prompt"),
    ],
)
def test_what_generate_cannot_do_is_said_before_anything_runs(toy, prompts, options, kind, words):
    with pytest.raises(kind, match=words):
        toy.generate(prompts, **{"steps": STEPS, **options})
    assert toy.run is None


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        (None, TypeError, "prompts=None: expected a text or a list of texts"),
        (5, TypeError, "prompts=5: expected"),
        (b"a", TypeError, "prompts=b'a': expected"),
        ({"a": 1}, TypeError, "prompts={'a': 1}: expected"),
        ({"a", "b"}, TypeError, "prompts={'a', 'b'}: expected"),
        (["", None], TypeError, r"prompts\[1\] is None: expected a text, got NoneType"),
        (["", ["a"]], TypeError, r"prompts\[1\] is \['a'\]: expected a text, got list"),
        (np.array([["a", "b"]]), TypeError, r"prompts\[0\] is \['a', 'b'\]: expected a text"),
        (np.array(["a", None], object), TypeError, r"prompts\[1\] is None: expected"),
        (np.zeros((2, 3)), TypeError, r"prompts\[0\] is \[0\.0, 0\.0, 0\.0\]: expected a text"),
        (torch.zeros(2, 3), TypeError, "prompts=tensor"),
        (
            ["", "a \ud83d star"],
            ValueError,
            r"prompts\[1\] is 'a \\ud83d star': character 2 is half of a surrogate pair",
        ),
    ],
)
def test_what_is_no_prompt_is_said(flux, given, kind, words):
    with pytest.raises(kind, match=words):
        flux.generate(given, steps=1, height=32, width=32)
    if not isinstance(given, (set, dict)):
        with pytest.raises((TypeError, ValueError), match="negative_prompt"):
            flux.generate(["a", "b"], steps=1, height=32, width=32, negative_prompt=5 if given is None else given)


def test_arrays_of_prompts_are_lists_of_them(toy, prompts):
    listed = toy.generate(prompts, steps=1)
    for given in (np.array(prompts), np.array(prompts, object), tuple(prompts), iter(prompts)):
        np.testing.assert_array_equal(toy.generate(given, steps=1), listed)
    np.testing.assert_array_equal(toy.generate(np.array(prompts[0]), steps=1, seed=np.int64(0)), listed[:1])


def test_what_generate_refuses_is_refused_as_a_default_too(toy, flux):
    for model, given in (
        (toy, {"generator": torch.Generator()}),
        (toy, {"latents": torch.zeros(1, 3, 48, 48)}),
        (flux, {"num_images_per_prompt": 2}),
        (flux, {"return_dict": False}),
    ):
        with pytest.raises(TypeError, match=f"{next(iter(given))}.* generate"):
            fc.load(model.pipeline, generation=given)
    assert fc.load(flux.pipeline, generation={"num_images_per_prompt": 1, "return_dict": True}).defaults


def test_steps_that_sigmas_would_override_are_said(flux, prompts):
    with pytest.raises(TypeError, match="2 sigmas and 3 steps: leave out steps, or pass as many of each"):
        flux.generate(prompts, steps=3, sigmas=[1.0, 0.5], height=32, width=32)
    assert len(flux.generate(prompts[:1], sigmas=[1.0, 0.5], height=32, width=32)) == 1


def test_no_prompt_is_an_error(toy):
    with pytest.raises(ValueError, match="prompts is empty"):
        toy.generate([])


def test_an_overflow_is_not_shown_as_a_picture(toy, prompts):
    with pytest.raises(FloatingPointError, match="not finite"), fc.edit(toy, lambda tokens, **_: tokens * float("nan")):
        toy.generate(prompts[:1], steps=1)


def test_progress_is_shown_only_when_asked_for(toy, prompts, capfd):
    toy.generate(prompts[:1], steps=2)
    assert "it/s" not in capfd.readouterr().err
    toy.generate(prompts[:1], steps=2, progress=True)
    assert "2/2" in capfd.readouterr().err
    toy.pipeline.set_progress_bar_config(disable=True)


def test_loading_is_silent(toy, tmp_path, capfd):
    toy.pipeline.save_pretrained(tmp_path)
    capfd.readouterr()
    fc.load(tmp_path)
    out, err = capfd.readouterr()
    assert out == err == ""


def test_what_cannot_be_loaded_is_said_with_a_remedy(toy, tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="'toyword' is no folder, and no hub name"):
        fc.load("toyword")
    with pytest.raises(FileNotFoundError, match="no folder"):
        fc.load(str(tmp_path / "missing" / "model"))
    with pytest.raises(FileNotFoundError, match=r"holds no model_index\.json"):
        fc.load(tmp_path)
    toy.pipeline.save_pretrained(tmp_path / "bare")
    for file in (tmp_path / "bare" / "transformer").glob("*.safetensors"):
        file.unlink()
    with pytest.raises(FileNotFoundError, match=r"has no \.safetensors file"):
        fc.load(tmp_path / "bare")
    shutil.rmtree(tmp_path / "bare" / "transformer")
    index = json.loads((tmp_path / "bare" / "model_index.json").read_text())
    index["transformer"] = ["diffusers", "WanTransformer3DModel"]
    (tmp_path / "bare" / "model_index.json").write_text(json.dumps(index))
    with pytest.raises(KeyError, match="no layout for the transformer class 'WanTransformer3DModel'"):
        fc.load(tmp_path / "bare")
    index["transformer"] = ["diffusers", "Krea2Transformer2DModel"]
    (tmp_path / "bare" / "model_index.json").write_text(json.dumps(index))
    monkeypatch.delattr("diffusers.Krea2Transformer2DModel")
    monkeypatch.delitem(diffusers._class_to_module, "Krea2Transformer2DModel")
    with pytest.raises(ImportError, match=r"has no Krea2Transformer2DModel .*pip install -U diffusers"):
        fc.load(tmp_path / "bare")
    with pytest.raises(ValueError, match="revision='main' is for models of a hub"):
        fc.load("toyworld", revision="main")
    with pytest.raises(TypeError, match="load got int"):
        fc.load(5)
    with pytest.raises(KeyError, match="no layout for the transformer class 'Linear'"):
        fc.load(torch.nn.Linear(1, 1))


def test_a_unet_pipeline_is_refused():
    class Old:
        def progress_bar(self):
            pass

    with pytest.raises(ValueError, match="Old has no transformer"):
        fc.load(Old())


def test_trajectories_nest_and_end(toy):
    with toy.trajectory(2, 4):
        outer = toy.run
        with toy.trajectory(1, 2):
            assert (toy.run.samples, toy.run.steps) == (1, 2)
        assert toy.run is outer
    assert toy.run is None
