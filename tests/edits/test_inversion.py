"""Images to trajectories: reading files, encoding, re-noising, and Euler backwards to the noise and back again."""

import fewchannels as fc
import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler
from fewchannels.edits import inversion
from fewchannels.toyworld.scenes import random_scene
from PIL import Image
from tiny_pipelines import PIPELINES, guidance_of

STEPS = 4


@pytest.fixture(scope="module")
def scenes():
    return [random_scene((11, i), subjects=1, size="large") for i in range(2)]


@pytest.fixture(scope="module")
def images(scenes):
    return np.stack([scene.image for scene in scenes])


@pytest.fixture(scope="module")
def captions(scenes):
    return [scene.prompt for scene in scenes]


def distance(a, b):
    return float(((a.astype(float) - b) ** 2).mean() / 255**2)


@torch.no_grad()
def decoded(model, latents):
    """Pictures [S, H, W, 3] in 0 to 255, of a model whose latents have no scale."""
    unit = (model.pipeline.vae.decode(latents).sample / 2 + 0.5).clamp(0, 1)
    return unit.permute(0, 2, 3, 1).numpy() * 255


def test_renoising_shows_the_model_the_image_at_every_noise_level(toy, images, captions):
    seen = []
    handle = toy.transformer.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(kwargs["hidden_states"].clone()), with_kwargs=True
    )
    try:
        trajectory = inversion.image_trajectory(toy, images, captions, [3, 160], steps=STEPS, batch_size=1)
    finally:
        handle.remove()
    clean = inversion.encode(toy, images)
    for sample in range(2):
        noise = seen[sample * STEPS]
        for step, sigma in enumerate(trajectory.sigmas.astype(np.float32)):
            expected = (1 - sigma) * clean[sample : sample + 1] + sigma * noise
            torch.testing.assert_close(seen[sample * STEPS + step], expected, rtol=0, atol=1e-5)
    assert np.abs(trajectory.images - decoded(toy, clean)).max() <= 0.51  # the picture as the autoencoder gives it back
    assert distance(trajectory.images, images) < 1e-3  # which is 30 dB
    assert trajectory.prompts == captions
    assert trajectory.take(5, 3, [0, 1], None).shape == (2, 144, 2)
    plain = toy.generate(captions, steps=STEPS)
    assert not np.array_equal(plain, images)  # the scheduler is its own again


def test_the_flow_backwards_and_forwards_gives_the_image_back(toy, images, captions):
    clean = inversion.encode(toy, images)
    errors = []
    for iterations in (1, 8):
        noise = inversion.inverted_noise(toy, clean, captions, steps=8, iterations=iterations)
        assert noise.shape == clean.shape
        back = toy.generate(captions, latents=noise, steps=8, output="latent")
        errors.append(float((back - clean).square().mean()))  # of latents whose deviation is 1
    assert errors[1] < 2e-3
    assert errors[1] < 0.2 * errors[0]
    assert distance(toy.generate(captions, latents=noise, steps=8), images) < 1e-3


def test_an_images_channels_move_into_a_new_picture(toy, prompts, images, captions):
    with fc.capture(toy, stats := fc.ChannelStats()):
        toy.generate(prompts, steps=STEPS)
    massive = fc.top_channels(stats, k=16)
    for how in ("renoise", "invert"):
        source = inversion.image_trajectory(toy, images, captions, massive, how, steps=STEPS, iterations=3)
        assert (source.latents is None) == (how == "renoise")
        moved = fc.transport(toy, source, prompts[1:], massive, mask=None, steps=STEPS, latents=source.latents)
        assert distance(moved.images, images) < 0.7 * distance(moved.target_images, images)
        part = fc.transport(toy, source, prompts[1:], massive, mask="source", steps=STEPS, latents=source.latents)
        assert np.array_equal(part.masks, part.source_masks)


def test_a_pipeline_with_a_vae_and_packed_latents(flux, prompts):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (64, 96, 3), dtype=np.uint8)
    size = {"height": 64, "width": 96, "guidance_scale": 1.0}
    clean = inversion.encode(flux, image, 64, 96)
    vae = flux.pipeline.vae
    with torch.no_grad():
        pixels = torch.from_numpy(image).permute(2, 0, 1)[None] / 127.5 - 1
        expected = (vae.encode(pixels).latent_dist.mode() - vae.config.shift_factor) * vae.config.scaling_factor
    expected = flux.pipeline._pack_latents(expected, *expected.shape)
    torch.testing.assert_close(clean, expected)
    assert clean.shape == (1, 24, 4)
    trajectory = inversion.image_trajectory(flux, image, prompts[0], steps=2, **size)
    decoded = flux.pipeline._unpack_latents(clean, 64, 96, flux.pipeline.vae_scale_factor)
    with torch.no_grad():
        decoded = vae.decode(decoded / vae.config.scaling_factor + vae.config.shift_factor).sample
    decoded = (decoded / 2 + 0.5).clamp(0, 1)[0].permute(1, 2, 0).numpy() * 255
    assert np.abs(trajectory.images[0] - decoded).max() <= 0.51  # the image as the VAE gives it back
    noise = inversion.inverted_noise(flux, clean, prompts[:1], steps=2, iterations=20, **size)
    back = flux.generate(prompts[:1], latents=noise, steps=2, output="latent", **size)
    assert (back - clean).abs().max() < 0.05 * clean.abs().max()
    with pytest.raises(ValueError, match="height and width"), inversion.renoised(flux, clean[:, :16]):
        flux.generate(prompts[:1], steps=2, **size)


def test_images_of_every_form_are_read(tmp_path):
    array = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    Image.fromarray(array).save(tmp_path / "a.png")
    read = inversion.read_image
    assert np.array_equal(read(tmp_path / "a.png"), array)
    assert np.array_equal(read(str(tmp_path / "a.png")), read(Image.fromarray(array)))
    assert np.array_equal(read(array / 255.0), array)
    assert read(array[..., 0]).shape == (48, 64, 3)
    assert read(array, (48, 48)).shape == (48, 48, 3)
    assert np.array_equal(read(array, (48, 48)), array[:, 8:56])  # the middle is cut out
    clear = np.zeros((20, 20, 4), np.uint8)
    assert (read(clear) == 255).all()
    turned = Image.fromarray(array)
    exif = turned.getexif()
    exif[274] = 6
    turned.save(tmp_path / "turned.jpg", exif=exif)
    assert read(tmp_path / "turned.jpg").shape == (64, 48, 3)


def test_what_is_no_image_is_refused(tmp_path, toy, images, captions):
    (tmp_path / "text.png").write_text("no image")
    Image.fromarray(np.zeros((8, 100, 3), np.uint8)).save(tmp_path / "small.png")
    Image.new("1", (9000, 9000)).save(tmp_path / "huge.png")
    good = tmp_path / "cut.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(good)
    good.write_bytes(good.read_bytes()[:2000])
    for image, message in [
        (tmp_path / "text.png", "is no image"),
        (tmp_path / "small.png", "at least 16"),
        (tmp_path / "huge.png", "50 million"),
        (good, "damaged"),
        (np.zeros((30, 30, 2)), r"\(30, 30, 2\)"),
        (np.full((30, 30), 2.0), "between 0 and 1"),
        (np.zeros((30, 30), int), "uint8"),
    ]:
        with pytest.raises(ValueError, match=message):
            inversion.read_image(image)
    with pytest.raises(FileNotFoundError, match="nothing"):
        inversion.image_trajectory(toy, tmp_path / "nothing.png", captions[0])
    with pytest.raises(ValueError, match="2 images and 1 captions"):
        inversion.image_trajectory(toy, images, captions[:1])
    with pytest.raises(ValueError, match="renoise"):
        inversion.image_trajectory(toy, images, captions, how="ddim")


def test_pasting_leaves_the_rest_to_the_model_and_restores_the_scheduler(toy, images, captions, prompts):
    clean = inversion.encode(toy, images)

    def drawn(*context, **more):
        with inversion.renoised(toy, clean, *context, **more):
            return toy.generate(prompts[:2], seed=0, steps=2, output="latent")

    own, nothing = toy.generate(prompts[:2], seed=0, steps=2, output="latent"), np.zeros((12, 12), bool)
    half = nothing.copy()
    half[:, :6] = True
    torch.testing.assert_close(drawn(mask=nothing), own, rtol=0, atol=0)
    pasted, middle = drawn(mask=half), own.shape[-1] // 2
    torch.testing.assert_close(pasted[..., :middle], clean[..., :middle].to(own.dtype))
    assert not torch.allclose(pasted[..., middle:], clean[..., middle:].to(own.dtype), atol=1e-2)
    first = drawn(1)
    assert not torch.allclose(first, own, atol=1e-3)
    assert not torch.allclose(first, clean.to(own.dtype), atol=1e-3)
    for mask, message in (
        (np.ones((12, 12)), "bool"),
        (np.ones((3, 12, 12), bool), r"\[2, h, w\]"),
        (np.ones((7, 7), bool), r"grid \(7, 7\)"),
    ):
        with pytest.raises(ValueError, match=message):
            drawn(mask=mask)
    with pytest.raises(ValueError, match="steps=0"):
        drawn(steps=0)
    assert not {"step", "set_timesteps"} & set(vars(toy.pipeline.scheduler))
    assert torch.equal(toy.generate(prompts[:2], seed=0, steps=2, output="latent"), own)


def test_packed_latents_are_pasted_by_token(flux, prompts):
    size = {"height": 64, "width": 96, "guidance_scale": 1.0}
    clean = inversion.encode(flux, np.full((64, 96, 3), 200, np.uint8), 64, 96)
    mask = np.zeros((4, 6), bool)
    mask[0] = True
    with inversion.renoised(flux, clean, mask=mask):
        latents = flux.generate(prompts[:1], steps=2, output="latent", **size)
    torch.testing.assert_close(latents[0, :6], clean[0, :6].to(latents.dtype))
    assert not torch.allclose(latents[0, 6:], clean[0, 6:].to(latents.dtype), atol=1e-3)


def test_misuse_is_an_error_and_leaves_the_scheduler_as_it_was(toy, images, captions):
    clean = inversion.encode(toy, images)
    scheduler = toy.pipeline.scheduler
    with pytest.raises(ValueError, match="sample 1 has none"), inversion.renoised(toy, clean[:1]):
        toy.generate(captions, steps=2)
    with pytest.raises(ValueError, match="iterations"):
        inversion.inverted_noise(toy, clean, captions, iterations=0)
    with pytest.raises(ValueError, match="unknown word"):
        inversion.inverted_noise(toy, clean, ["a violet star"] * 2)
    assert not {"step", "set_timesteps"} & set(vars(scheduler))
    toy.pipeline.scheduler = DDIMScheduler()
    try:
        with pytest.raises(ValueError, match="FlowMatchEuler"):
            inversion.image_trajectory(toy, images, captions)
    finally:
        toy.pipeline.scheduler = scheduler


@pytest.mark.parametrize("name", PIPELINES)
def test_a_picture_enters_every_family_as_its_own_autoencoder_has_it(name):
    """Re-noising ends in the clean latents, so that what the pipeline draws is the picture, encoded and decoded."""
    case = PIPELINES[name]()
    model = fc.load(case.pipeline)
    options = guidance_of(case, False)
    size = options["height"], options["width"]
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    assert inversion.can_renoise(model)
    drawn = inversion.image_trajectory(model, image, "a green square", [3], steps=2, **options).images[0]
    vae, pixels = case.pipeline.vae, torch.from_numpy(image).permute(2, 0, 1)[None] / 127.5 - 1
    with torch.no_grad():
        encoded = vae.encode(pixels[:, :, None] if name == "Qwen-Image" else pixels)
        latents = encoded.latent if hasattr(encoded, "latent") else encoded.latent_dist.mode()
        decoded = vae.decode(latents).sample
    decoded = decoded[:, :, 0] if decoded.ndim == 5 else decoded
    expected = (decoded / 2 + 0.5).clamp(0, 1)[0].permute(1, 2, 0).numpy() * 255
    assert np.abs(drawn - expected).max() < 1.01
    if not inversion.can_invert(model):
        clean, words = inversion.encode(model, image, *size), f"is {type(case.pipeline.scheduler).__name__}"
        with pytest.raises(ValueError, match=words):
            inversion.inverted_noise(model, clean, ["a green square"], steps=2, **options)


def test_a_family_whose_latents_are_not_known_is_named(flux):
    vae = flux.pipeline.vae
    before = vae.config.scaling_factor
    vae.register_to_config(scaling_factor=None)
    try:
        with pytest.raises(ValueError, match="FluxPipeline with AutoencoderKL gives no latents"):
            inversion.encode(flux, np.zeros((64, 96, 3), np.uint8), 64, 96)
    finally:
        vae.register_to_config(scaling_factor=before)
