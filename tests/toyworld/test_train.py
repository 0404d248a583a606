"""The training script: learns, is deterministic, and goes on after a kill as if nothing had been."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from fewchannels.toyworld import train
from safetensors.torch import load_file


def arguments(folder, *extra):
    return train.parse_args(["--state", str(folder), "--device", "cpu", "--batch", "4", *extra])


def test_the_rate_warms_up_stays_and_falls_to_zero():
    rate = [train.learning_rate(i, i // 10, 1.0, 6000, 10_000) for i in range(0, 10_001, 10)]
    assert rate[0] == pytest.approx(1 / 200)
    assert rate[300] == rate[600] == 1.0
    assert rate[800] == pytest.approx(0.5)
    assert rate[-1] == 0.0


def test_snapshots_are_spaced_by_half_octaves():
    due = [n for n in range(16, 17_000, 16) if train.snapshot_due(n - 16, n)]
    assert due[:3] == [1008, 1424, 2000]
    assert len(due) == 9


def test_plain_attention_equals_torchs():
    q, k, v = (torch.randn(2, 3, 10, 8, generator=torch.Generator().manual_seed(i)) for i in range(3))
    fused = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    with train.cpu_attention():
        plain = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    assert torch.allclose(fused, plain, atol=1e-6)


def test_the_loss_falls(tmp_path):
    trainer = train.Trainer(arguments(tmp_path, "--images", "4000", "--lr", "3e-3"))
    stream = train.SceneStream(0, 400)
    losses = []
    for i in range(50):
        images, ids = zip(*(stream[4 * i + j] for j in range(4)), strict=True)
        losses.append(trainer.train_step(torch.stack(images), torch.stack(ids)))
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])


def test_a_killed_run_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "STATE_EVERY", 8)
    weights = {}
    for name, stops in (("whole", [24]), ("killed", [16, 24])):
        for end in stops:
            args = arguments(tmp_path / name, "--images", "24")
            trainer = train.Trainer(args)
            stream = torch.utils.data.DataLoader(
                train.SceneStream(args.seed, 24), batch_size=4, sampler=range(trainer.images, end)
            )
            for images, ids in stream:
                trainer.train_step(images, ids)
                trainer.images += 4
            trainer.save()
        weights[name] = load_file(tmp_path / name / "state.safetensors")
    assert weights["whole"].keys() == weights["killed"].keys()
    assert all(torch.equal(weights["whole"][n], weights["killed"][n]) for n in weights["whole"])


def test_a_term_signal_saves_and_the_same_command_goes_on(tmp_path):
    command = [sys.executable, "-m", "fewchannels.toyworld.train", "--state", str(tmp_path), "--batch", "4"]
    process = subprocess.Popen(
        [*command, "--device", "cpu", "--images", "100000", "--threads", "1"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline().startswith("training")
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert "the same command goes on" in output
    seen = json.loads((tmp_path / "state.json").read_text())["images"]
    assert seen >= 4
    assert not (tmp_path / "state.tmp").exists()
    assert train.Trainer(arguments(tmp_path, "--images", "100000")).images == seen


def test_the_export_is_16_bit_and_a_new_start(tmp_path):
    first = train.Trainer(arguments(tmp_path, "--images", "24"))
    first.images = 16
    first.export(tmp_path / "pipeline")
    half = load_file(tmp_path / "pipeline" / "transformer" / "diffusion_pytorch_model.safetensors")
    assert all(tensor.dtype == torch.float16 for tensor in half.values())
    fresh = train.Trainer(arguments(tmp_path / "next", "--init-from", str(tmp_path / "pipeline")))
    assert (fresh.images_before, fresh.images) == (16, 0)
    parameter = fresh.parameters["transformer.context_embedder.weight"]
    assert parameter.dtype == torch.float32
    assert torch.equal(parameter.detach(), half["context_embedder.weight"].float())


def test_a_state_that_was_cut_off_between_its_two_files_is_still_whole(tmp_path, monkeypatch):
    trainer = train.Trainer(arguments(tmp_path, "--images", "24"))
    trainer.images, trainer.step = 8, 2
    trainer.save()
    trainer.images, trainer.step = 16, 4
    replace, calls = os.replace, []

    def killed_after_the_first(source, target):
        if calls:
            raise KeyboardInterrupt
        calls.append(source)
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed_after_the_first)
        with pytest.raises(KeyboardInterrupt):
            trainer.save()
    assert train.Trainer(arguments(tmp_path, "--images", "24")).images == 16
