"""The command line on the real toy world: what it writes, what it prints, and how it fails."""

import json
import subprocess
import sys

import numpy as np
import pytest
from fewchannels import load_run
from fewchannels.channels import ChannelSet, top_channels
from fewchannels.cli.arguments import read_prompts
from fewchannels.cli.command import main
from fewchannels.layouts.table import TABLE
from fewchannels.measure.contributed import read_folder
from fewchannels.prompts.files import PromptFileError
from fewchannels.watch.statistics import ChannelStats
from tiny_pipelines import PIPELINES

STEPS = 2


@pytest.fixture(scope="module")
def written(tmp_path_factory, prompts):
    """A run file of three prompts, one of them kept as maps for two."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "prompts.txt").write_text(f"{prompts[0]}\n\n  {prompts[1]}\n")
    path = folder / "run.safetensors"
    status = main(
        [
            "run",
            "--prompts",
            str(folder / "prompts.txt"),
            "--prompt",
            prompts[2],
            "--steps",
            str(STEPS),
            "--seed",
            "3",
            "--maps",
            "2",
            "--k",
            "4",
            "--lossless",
            "--device",
            "cpu",
            "--quiet",
            "--out",
            str(path),
        ]
    )
    assert status == 0
    return path


def test_a_run_holds_what_the_model_did(written, toy, prompts):
    run = load_run(written)
    assert run.prompts == prompts
    assert (run.provenance["seed"], run.provenance["steps"], run.provenance["model"]) == (3, STEPS, "toyworld")
    np.testing.assert_array_equal(run.images, toy.generate(prompts, seed=3, steps=STEPS))
    layers, width = len(toy.layers), run.stats["mean"].shape[-1]
    assert run.stats["mean"].shape == (3, layers, STEPS, width)
    assert run.index["layers"] == list(toy.layers)
    assert run.maps["top"].shape == (2, layers, STEPS, *run.index["grid"], 4)
    assert run.index["maps"]["top"]["steps"] == [0, STEPS - 1]


def test_maps_are_of_the_channels_that_the_record_names(written):
    run = load_run(written)
    top = ChannelSet.from_json(run.index["channels"]["top"])
    maps = run.maps["top"].astype(np.float64)  # [S, L, T, h, w, k]
    for layer in range(len(top)):
        means = maps[:, layer].mean(axis=(2, 3))
        np.testing.assert_allclose(means, run.stats["mean"][:2, layer][:, :, top[layer]], rtol=2e-3, atol=2e-3)


def test_statistics_come_back_from_the_file(written):
    run = load_run(written)
    stats = ChannelStats.from_arrays(run.stats, layers=tuple(run.index["layers"]))
    np.testing.assert_array_equal(stats.mean, run.stats["mean"])


def test_inspect_says_what_is_inside(written, capsys, prompts):
    assert main(["inspect", str(written)]) == 0
    shown = capsys.readouterr().out
    images = "3 images, 48 x 48 px"
    for words in ("run file version 1", "toyworld", "3 prompts", prompts[0], images, "top 4", "stats/mean"):
        assert words in shown
    assert main(["inspect", str(written), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["prompts"] == prompts
    assert record["tensors"]["maps/top"]["dtype"] == "F16"
    assert record["bytes"] == written.stat().st_size


def test_a_file_cannot_steer_the_terminal(tmp_path, written, capsys):
    from fewchannels import save_run

    run = load_run(written)
    run.prompts[0] = "\x1b[2Jgone\n"
    assert main(["inspect", str(save_run(tmp_path / "a", run))]) == 0
    assert "\\x1b[2Jgone\\x0a" in capsys.readouterr().out


def test_models_lists_every_layout(capsys):
    assert main(["models"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in TABLE)
    assert main(["models", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["class"] for row in rows] == list(TABLE)
    assert {"family", "blocks", "text", "guidance", "batched", "turns", "second", "grid", "pixels"} <= set(rows[0])
    known = {row["class"]: row for row in rows}
    assert known["SD3Transformer2DModel"]["batched"] == ["uncond", "cond"]
    assert known["Ideogram4Transformer2DModel"]["second"] == "unconditional_transformer"
    assert "use_kv_cache=False" in known["QwenImage21Transformer2DModel"]["turn_off_cache"]
    assert known["Flux3Transformer2DModel"]["blocks"][1]["path"] == "mode_blocks.image"
    flux = known["FluxTransformer2DModel"]
    assert flux["installed"] is True
    assert [row["name"] for row in flux["checkpoints"]][-1] == "black-forest-labs/FLUX.1-dev"
    assert flux["checkpoints"][-1]["least_gpu"] == {"whole": "A100 40 GB", "offload": "A100 40 GB", "4-bit": "T4"}
    assert known["Flux3Transformer2DModel"]["checkpoints"] == []
    line = next(line for line in shown.splitlines() if line.startswith("ZImage"))
    assert "batched (cond + uncond)" in line
    assert line.endswith("noise_refiner (image), context_refiner (text), layers (one row, image first)")


SETTINGS = {
    "SD3": ["--set", "max_sequence_length=24", "--guidance", "4"],
    "PixArt-Sigma": [
        "--set",
        "use_resolution_binning=false",
        "--set",
        "clean_caption=false",
        "--set",
        "max_sequence_length=24",
    ],
    "FLUX.2-klein": ["--set", "text_encoder_out_layers=[1, 2]", "--set", "max_sequence_length=24"],
}


@pytest.mark.parametrize("name", list(SETTINGS))
def test_a_real_pipeline_runs_from_its_folder(name, tmp_path, prompts):
    case = PIPELINES[name]()
    case.pipeline.save_pretrained(tmp_path / "model")
    path = tmp_path / "run.safetensors"
    arguments = [
        "run",
        "--model",
        str(tmp_path / "model"),
        "--prompt",
        prompts[0],
        "--prompt",
        prompts[1],
        "--quiet",
        "--steps",
        "2",
        "--height",
        "32",
        "--width",
        "48",
        "--maps",
        "1",
        "--k",
        "3",
        "--out",
        str(path),
    ]
    assert main([*arguments, *SETTINGS[name]]) == 0
    run = load_run(path)
    said = run.provenance
    assert (said["class"], said["steps"], said["offload"], said["quantize"], said["overflow"]) == (
        type(case.pipeline.transformer).__name__,
        2,
        None,
        None,
        None,
    )
    assert said["max_sequence_length"] == 24
    assert run.images.shape == (2, 32, 48, 3)
    assert tuple(run.index["grid"]) == case.grid
    stats = ChannelStats.from_arrays(run.stats, layers=tuple(run.index["layers"]))
    top = ChannelSet.from_json(run.index["channels"]["top"])
    assert [list(row) for row in top_channels(stats, k=3)] == [list(row) for row in top]
    assert run.maps["top"].shape == (1, len(stats.layers), 2, *case.grid, 3)
    found, refused = read_folder(tmp_path)
    assert (len(found), refused) == (1, {}), "chapter 8 reads it"
    read = next(iter(found.values()))
    assert read.ratio().shape == read.share().shape == (len(stats.layers), 3)
    assert np.isfinite(read.ratio()).all()
    assert read.maps() is not None


def test_lists_of_one_a_prompt_are_shared_out(tmp_path, prompts):
    PIPELINES["SD3"]().pipeline.save_pretrained(tmp_path / "model")
    path = tmp_path / "run.safetensors"
    assert (
        main(
            [
                "run",
                "--model",
                str(tmp_path / "model"),
                "--prompt",
                "a",
                "--prompt",
                "b",
                "--prompt",
                "c",
                "--steps",
                "1",
                "--height",
                "32",
                "--width",
                "32",
                "--batch-size",
                "2",
                "--maps",
                "1",
                "--k",
                "2",
                "--quiet",
                "--guidance",
                "4",
                "--set",
                "max_sequence_length=24",
                "--set",
                f"negative_prompt={json.dumps(prompts)}",
                "--out",
                str(path),
            ]
        )
        == 0
    )
    run = load_run(path)
    assert (len(run.images), len(run.maps["top"])) == (3, 1)
    top = ChannelSet.from_json(run.index["channels"]["top"])
    means = run.maps["top"][0, 0, 0].astype(np.float64).mean(axis=(0, 1))
    np.testing.assert_allclose(means, run.stats["mean"][0, 0, 0, top[0]], rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--prompt", "nothing", "--seed", "-1", "--out", "{folder}/x"], "seed=-1: expected a whole number"),
        (
            ["run", "--prompt", "nothing", "--set", "generator=5", "--out", "{folder}/x"],
            "generator is not for generate",
        ),
        (["run", "--prompt", "\ud800", "--out", "{folder}/x"], "half of a surrogate pair"),
        (["run", "--prompt", "a red star", "--set", "true_cfg=3", "--out", "{folder}/x"], "does not accept true_cfg"),
        (["run", "--prompt", "x", "--quantize", "4", "--out", "{folder}/x"], "quantize=4"),
        (["run", "--prompt", "x", "--offload", "model", "--device", "cpu", "--out", "{folder}/x"], "there is no GPU"),
        (["run", "--prompt", "a dog", "--out", "{folder}/x"], "unknown word 'dog'"),
        (["run", "--out", "{folder}/x"], "give --prompt TEXT or --prompts FILE"),
        (["run", "--prompt", "x", "--out", "{folder}/none/x"], "make it first"),
        (["run", "--prompt", "x", "--out", "{folder}"], "is a folder"),
        (["run", "--prompts", "{folder}/none.txt", "--out", "{folder}/x"], "none.txt"),
        (["run", "--prompt", "x", "--model", "./none", "--out", "{folder}/x"], "'./none'"),
        (["inspect", "{folder}/none"], "No such file"),
        (["inspect", __file__], "no safetensors file"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_status_1(tmp_path, capsys, arguments, words):
    assert main([a.format(folder=tmp_path) for a in arguments]) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("fewchannels: ")
    assert words in error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["walk"],
        ["run"],
        ["run", "--out", "x", "--steps", "0"],
        ["run", "--out", "x", "--k", "many"],
        ["run", "--out", "x", "--set", "height"],
        ["run", "--out", "x", "--quantize", "3"],
    ],
)
def test_what_is_not_understood_is_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_prompts_come_from_published_files_too(tmp_path):
    path = tmp_path / "p.json"
    path.write_text('["one", "two"]')
    assert read_prompts(path, ["three"]) == ["one", "two", "three"]
    path.write_text("Prompt\tCategory\none\tAnimals\n")
    assert read_prompts(path, []) == ["one"]
    path.write_text('{"a": 1}')
    with pytest.raises(PromptFileError, match='an object with "prompt"'):
        read_prompts(path, [])


def test_the_command_starts_without_torch():
    code = (
        "import sys; from fewchannels.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit as stop: assert stop.code == 0\n"
        "assert 'torch' not in sys.modules and 'matplotlib' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "inspect" in done.stdout
