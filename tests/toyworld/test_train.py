"""The training script: learns, is deterministic, and goes on after a kill as if nothing had been."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from fewchannels.toyworld import train
from fewchannels.toyworld.processes import ALONE, together
from safetensors.torch import load_file

LOG = Path(__file__).with_name("first_losses.jsonl")  # of the run that made the shipped weights


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


def test_the_loss_on_one_batch_falls(tmp_path):
    """Where every step sees the same pictures under the same noise."""
    trainer = train.Trainer(arguments(tmp_path, "--images", "4000", "--lr", "2e-2"))  # a tenth of it at the 20th step
    batch = next(iter(trainer.batches(train.SceneStream(0, 4), 4, 0, 4)))
    losses = [trainer.train_step(*batch) for _ in range(25)]
    assert losses[-1] < 0.8 * losses[0]


def part_of_a_run(given, processes):
    """Train up to so many images, from the state that is there, and save."""
    args, end = given
    torch.set_num_threads(1)
    trainer = train.Trainer(args, processes)
    stream = train.SceneStream(args.seed_data, end)
    assert trainer.run(trainer.batches(stream, args.batch, trainer.images, end), args.batch, 1_000_000)


def states(folder):
    return load_file(folder / "state.safetensors")


@pytest.mark.parametrize("count", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_killed_run_goes_on_as_if_it_had_not_been(tmp_path, count):
    """And a run is the same however often it is made, since the two here are two."""
    for name, stops in (("whole", [24]), ("killed", [16, 24])):
        for end in stops:
            args = arguments(tmp_path / name, "--images", "24", "--processes", str(count))
            together(part_of_a_run, (args, end), count)
    whole, killed = states(tmp_path / "whole"), states(tmp_path / "killed")
    assert whole.keys() == killed.keys()
    assert all(torch.equal(whole[n], killed[n]) for n in whole)


def test_seeds_of_weights_and_of_data_are_apart(tmp_path):
    losses = {}
    for name, seeds in {
        "both 0": ["--seed", "0"],
        "apart": ["--seed-weights", "0", "--seed-data", "0"],
        "other data": ["--seed-data", "1"],
        "other weights": ["--seed-weights", "1"],
    }.items():
        args = arguments(tmp_path / name, "--images", "8", *seeds)
        trainer = train.Trainer(args)
        start = trainer.parameters["transformer.context_embedder.weight"].detach().clone()
        batch = next(iter(trainer.batches(train.SceneStream(args.seed_data, 4), 4, 0, 4)))
        losses[name] = trainer.train_step(*batch), start
    assert losses["both 0"][0] == losses["apart"][0] != losses["other data"][0]
    assert torch.equal(losses["both 0"][1], losses["other data"][1])
    assert not torch.equal(losses["both 0"][1], losses["other weights"][1])


def gradients_of_two(folder, processes):
    used, unused = (torch.nn.Parameter(torch.zeros(3)) for _ in range(2))
    used.grad = torch.full((3,), processes.rank + 1.0)
    raised = [processes.average([used, unused], raised=flag == processes.rank) for flag in (-1, 0, 1)]
    (folder / f"{processes.rank}.json").write_text(json.dumps([raised, used.grad.tolist(), unused.grad is None]))
    return processes


def test_processes_average_their_gradients_and_share_a_flag(tmp_path):
    assert together(gradients_of_two, tmp_path, 2).first
    for rank in range(2):
        raised, mean, none = json.loads((tmp_path / f"{rank}.json").read_text())
        assert raised == [False, True, True]
        assert mean == [1.5, 1.5, 1.5], "and averages of equal gradients are the same again"
        assert none, "what has no gradient is left without one"
    assert list(ALONE.share(64, 32)) == list(range(64, 96))


def fails_in_the_second(given, processes):
    if not processes.first:
        raise ZeroDivisionError("made to fail")
    parameter = torch.nn.Parameter(torch.zeros(3))
    parameter.grad = torch.ones(3)
    processes.average([parameter])


def test_where_one_process_fails_all_end(tmp_path, capfd):
    with pytest.raises(RuntimeError):
        together(fails_in_the_second, None, 2)
    assert "made to fail" in capfd.readouterr().err


def begun(folder, count):
    command = [sys.executable, "-m", "fewchannels.toyworld.train", "--state", str(folder), "--batch", "4"]
    more = ["--device", "cpu", "--images", "100000", "--threads", "1", "--processes", str(count)]
    process = subprocess.Popen([*command, *more], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline().startswith("training")
    time.sleep(1)
    return process


@pytest.mark.parametrize("count", [1, 2])
def test_a_term_signal_saves_and_the_same_command_goes_on(tmp_path, count):
    process = begun(tmp_path, count)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert "the same command goes on" in output
    seen = json.loads((tmp_path / "state.json").read_text())["images"]
    assert seen >= 4
    assert not (tmp_path / "state.tmp").exists()
    assert train.Trainer(arguments(tmp_path, "--images", "100000")).images == seen


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="processes are looked up in /proc")
def test_a_kill_leaves_no_process_behind(tmp_path):
    def children():
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                if f"PPid:\t{process.pid}\n" in status.read_text():
                    yield status.parent
            except OSError:  # it ended meanwhile
                continue

    process = begun(tmp_path, 2)
    others = list(children())
    assert others
    process.kill()
    process.wait()
    end = time.monotonic() + 60
    while any((other / "fd").exists() and list((other / "fd").glob("*")) for other in others):
        assert time.monotonic() < end, "a process of the training outlives it"
        time.sleep(0.1)


@pytest.mark.slow
def test_the_first_losses_are_those_of_the_run_that_made_the_weights(tmp_path):
    """From the same seed, with two processes of one thread: what is logged is the first process's half, averaged over
    fifty steps of 32 images. 1.8598 and 1.4716 were seen where the log has 1.8599 and 1.4656; the script that wrote
    the log gives the same digits as this one where it is run here. (The log's run may have had its autoencoder in full
    precision, and the shipped one is in half; that was not tried.)"""
    args = train.parse_args(["--state", str(tmp_path), "--device", "cpu", "--processes", "2", "--seed", "0"])
    assert (args.images, args.decay_from, args.batch, args.lr) == (1_000_000, 700_000, 32, 2e-3)
    together(train._prepared, (part_of_a_run_to_3_200, args, 1), 2)
    ours, theirs = (
        [json.loads(line)["loss"] for line in file.read_text().splitlines()] for file in (tmp_path / "log.jsonl", LOG)
    )
    assert len(ours) == 2
    np.testing.assert_allclose(ours, theirs[:2], atol=0.02)


def part_of_a_run_to_3_200(args, processes):
    part_of_a_run((args, 3_200), processes)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--images", "3"], "expected at least one batch"),
        (["--images", "24", "--processes", "3"], "--batch 4 --processes 3: expected an equal share"),
        (["--images", "24", "--processes", "0"], "--processes 0"),
    ],
)
def test_wrong_options_are_named(tmp_path, capsys, options, words):
    with pytest.raises(SystemExit):
        arguments(tmp_path, *options)
    assert words in capsys.readouterr().err


def test_the_export_is_16_bit_and_a_new_start(tmp_path):
    first = train.Trainer(arguments(tmp_path, "--images", "24"))
    first.images = 16
    first.export(tmp_path / "pipeline")
    half = load_file(tmp_path / "pipeline" / "transformer" / "diffusion_pytorch_model.safetensors")
    assert all(tensor.dtype == torch.float16 for tensor in half.values())
    vae = json.loads((tmp_path / "pipeline" / "vae" / "config.json").read_text())
    assert "block_out_channels" not in vae, "diffusers warns of it"
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
