"""The autoencoder's training: learns, brings latents to mean 0 and deviation 1, and goes on after a kill."""

import json

import numpy as np
import pytest
import torch
from fewchannels.toyworld import train_autoencoder
from fewchannels.toyworld.recipe import SceneStream, build_autoencoder, build_pipeline, load_autoencoder
from fewchannels.toyworld.train_autoencoder import Trainer, examine, standardise
from safetensors.torch import load_file


def arguments(folder, *extra):
    few = ["--images", "64", "--decoder-images", "32", "--batch", "8"]
    return train_autoencoder.parse_args(["--state", str(folder), "--device", "cpu", *few, *extra])


def rendered(count):
    return torch.stack([SceneStream(31, count)[i][0] for i in range(count)])


def test_the_picture_s_error_falls(tmp_path):
    args = arguments(tmp_path, "--images", "480", "--precision", "fp32")
    trainer = Trainer(build_autoencoder(), "joint", args)
    losses = [
        trainer.train_step(*batch) for batch in trainer.batches(SceneStream(args.seed_data, 480), args.batch, 0, 480)
    ]
    assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:5])


def test_latents_are_brought_to_mean_0_and_deviation_1():
    vae, images = build_autoencoder(), rendered(32)
    with torch.no_grad():
        before, picture = vae.encoder(images), vae.decoder(vae.encoder(images))
        assert before.std((0, 2, 3)).max() < 0.9
        standardise(vae, images)
        after = vae.encoder(images)
    torch.testing.assert_close(after.mean((0, 2, 3)), torch.zeros(8), atol=1e-4, rtol=0)
    torch.testing.assert_close(after.std((0, 2, 3)), torch.ones(8), atol=1e-4, rtol=0)
    assert picture.shape == images.shape


def test_the_decoder_s_own_part_leaves_the_encoder_as_it_is(tmp_path):
    vae = build_autoencoder()
    before = {name: tensor.clone() for name, tensor in vae.state_dict().items()}
    assert Trainer(vae, "decoder", arguments(tmp_path)).train()
    moved = {name for name, tensor in vae.state_dict().items() if not torch.equal(tensor, before[name])}
    assert moved
    assert all(name.startswith("decoder.") for name in moved)


@pytest.mark.parametrize("part", ["joint", "decoder"])
def test_a_killed_run_goes_on_as_if_it_had_not_been(tmp_path, part):
    for name, stops in (("whole", [32]), ("killed", [16, 32])):
        for end in stops:
            args = arguments(tmp_path / name)
            trainer = Trainer(build_autoencoder(), part, args)
            start = trainer.start
            stream = SceneStream(args.seed_data, start + end)
            trainer.run(trainer.batches(stream, 8, start + trainer.images, start + end), 8, 1_000_000)
    whole, killed = (load_file(tmp_path / name / part / "state.safetensors") for name in ("whole", "killed"))
    assert all(torch.equal(whole[n], killed[n]) for n in whole)


def test_the_whole_of_it_gives_a_folder_that_a_pipeline_takes(tmp_path, monkeypatch):
    monkeypatch.setattr(train_autoencoder, "MEASURED", 16)
    monkeypatch.setattr(train_autoencoder, "examine", lambda vae: "not examined")
    args = arguments(tmp_path)
    train_autoencoder.work(args, train_autoencoder.ALONE)
    saved = load_file(args.out / "diffusion_pytorch_model.safetensors")
    assert all(tensor.dtype == torch.float16 for tensor in saved.values())
    assert "block_out_channels" not in json.loads((args.out / "config.json").read_text())
    pipeline = build_pipeline(vae=args.out)
    assert torch.equal(pipeline.vae.state_dict()["encoder.layers.0.weight"], saved["encoder.layers.0.weight"].float())
    assert pipeline.latent_shape == (8, 12, 12)


def test_the_shipped_autoencoder_keeps_what_the_judge_reads():
    found = examine(load_autoencoder(), 128)
    assert found["psnr"] > 32
    assert np.abs(found["mean"]).max() < 0.2  # three standard errors over 128 scenes
    assert np.abs(np.array(found["deviation"]) - 1).max() < 0.1
    assert found["shape"] > 0.95
    assert min(found[name] for name in ("colour", "size", "position", "background")) > 0.98
