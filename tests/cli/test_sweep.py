"""`fewchannels sweep` and `fewchannels export` on the real toy world: what they compute, write, print, and refuse."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import yaml
from fewchannels import load_run, save_run
from fewchannels.cli import main
from fewchannels.runfile import PROVENANCE, Run
from fewchannels.sweep import Store, sweep_conditions
from PIL import Image


@pytest.fixture(scope="module")
def table(tmp_path_factory, prompts):
    path = tmp_path_factory.mktemp("table") / "table.yml"
    shared = {"prompts": prompts[:2], "seed": 2, "generation": {"steps": 2}}
    axes = {"edit": ["zero"], "channels": {"three": [5, 33, 160]}, "steps": [[0], [1]]}
    path.write_text(yaml.safe_dump({"shared": shared, "axes": axes}, sort_keys=False))
    return path


@pytest.fixture(scope="module")
def store(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep") / "store"
    assert main(["sweep", str(table), "--store", str(folder), "--pictures", "--quiet"]) == 0
    return folder


def test_a_table_from_a_file(store, table, toy, prompts, capsys):
    assert main(["sweep", str(table), "--store", str(store), "--pictures", "--json"]) == 0
    shown = capsys.readouterr()
    means = json.loads(shown.out)["means"]
    assert list(means) == ["zero, three, steps 0", "zero, three, steps 1"]
    assert "[" not in shown.err, "what is in the store was computed again"
    base = {"model": toy, "prompts": prompts[:2], "seed": 2, "generation": {"steps": 2}, "edit": "zero"}
    found = sweep_conditions([{**base, "channels": [5, 33, 160], "steps": [1]}])["condition 0"]
    assert means["zero, three, steps 1"]["change"] == pytest.approx(found["change"].mean(), rel=1e-3)


def test_sets_of_channels_from_flags(tmp_path, prompts, capsys):
    (tmp_path / "c.txt").write_text(prompts[2])
    flags = [
        "--prompt",
        prompts[0],
        "--steps",
        "1",
        "--sets",
        "top",
        "bottom",
        "--k",
        "4",
        "--blocks",
        "0,1",
        "--store",
        str(tmp_path / "store"),
        "--calibration",
        str(tmp_path / "c.txt"),
    ]
    assert main(["sweep", *flags]) == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[0].split() == ["condition", "change", "moved", "energy"]
    rows = {line.rsplit(maxsplit=3)[0]: [float(n) for n in line.split()[-3:]] for line in lines[1:]}
    assert list(rows) == ["zero, top 4", "zero, bottom 4"]
    assert rows["zero, top 4"][1] > rows["zero, bottom 4"][1] > 0
    assert "ranking channels on 1 calibration prompts" in shown.err
    assert "[2/2]" in shown.err
    assert "s left" in shown.err


def test_reads_from_flags(tmp_path, toy, prompts, capsys):
    (tmp_path / "c.txt").write_text(prompts[2])
    common = [
        "sweep",
        "--prompt",
        prompts[0],
        "--steps",
        "1",
        "--sets",
        "top",
        "--calibration",
        str(tmp_path / "c.txt"),
    ]
    assert main([*common, "--through", "stream", "content", "--json", "--quiet"]) == 0
    means = json.loads(capsys.readouterr().out)["means"]
    assert list(means) == ["zero, top 8, stream", "zero, top 8, content"]
    assert means["zero, top 8, stream"]["change"] > means["zero, top 8, content"]["change"] > 0
    assert main([*common, "--through", "gain", "--into", "mlp", "last", "--json", "--quiet"]) == 0
    some = json.loads(capsys.readouterr().out)["means"]["zero, top 8, gain"]
    assert main([*common, "--through", "gain", "--json", "--quiet"]) == 0
    assert 0 < some["change"] != json.loads(capsys.readouterr().out)["means"]["zero, top 8, gain"]["change"]
    assert main([*common, "--into", "mlp"]) == 1
    assert "the stream is before all reads" in capsys.readouterr().err


def test_what_fails_is_status_1_and_the_rest_is_shown(tmp_path, prompts, capsys):
    rows = [
        {"name": n, "prompts": prompts[:1], "generation": {"steps": 1}, "edit": "zero", "channels": c}
        for n, c in (("good", [1]), ("bad", [9999]))
    ]
    (tmp_path / "t.json").write_text(json.dumps(rows))
    assert main(["sweep", str(tmp_path / "t.json"), "--json", "--quiet"]) == 1
    shown = capsys.readouterr()
    told = json.loads(shown.out)
    assert list(told["means"]) == ["good"]
    assert "channels 9999 to 9999" in told["failed"]["bad"]
    assert shown.err.startswith("fewchannels: 1 of 2 conditions failed; the other 1 are done: bad: ValueError")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{]", "is neither JSON nor YAML"),
        ("3", "expected a list of conditions, or 'shared' and 'axes'"),
        ("shared: {prompts: [a]}\naxes: {edit: zero}", "edit='zero': expected a list"),
        ("- {prompts: [a], channel: [1]}", "no column 'channel'"),
        ("- {prompts: [a], edit: zero, channels: {set: top}}", "expected {'set': NAME, 'k': N}"),
        ("- {model: ./none, prompts: [a]}", "none"),
    ],
)
def test_a_wrong_table_says_what_is_wrong(tmp_path, capsys, text, words):
    (tmp_path / "t.yml").write_text(text)
    assert main(["sweep", str(tmp_path / "t.yml")]) == 1
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["sweep", "--k", "0"], ["sweep", "--seed", "a"], ["export", "x"], ["export"]])
def test_what_is_not_understood_is_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize(("command", "words"), [("sweep", "generation: {steps: 8}"), ("export", "study.csv")])
def test_help_shows_how(command, words, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert words in capsys.readouterr().out


def test_a_sweep_as_csv_json_and_png(store, tmp_path, prompts, capsys):
    assert main(["export", str(store), "--to", str(tmp_path / "s.csv")]) == 0
    rows = list(csv.DictReader((tmp_path / "s.csv").open(newline="")))
    assert len(rows) == 4
    cells = {name: (key, arrays) for name, key, arrays in Store(store).cells()}
    for row in rows:
        assert row["prompt"] == prompts[int(row["sample"])]
        assert (row["model"], row["seed"]) == ("toyworld", "2")
        assert float(row["change"]) == cells[row["condition"]][1]["change"][int(row["sample"])]
    assert main(["export", str(store), "--to", str(tmp_path / "s.json")]) == 0
    record = json.loads((tmp_path / "s.json").read_text())
    assert [cell["condition"] for cell in record] == sorted(cells)
    assert record[0]["key"]["edit"] == "zero"
    assert main(["export", str(store), "--to", str(tmp_path / "p"), "--format", "png", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["files"] == 4
    pictures = sorted((tmp_path / "p").iterdir())
    assert pictures[0].name == "000_zero_three_steps_0_00000.png"
    first = cells["zero, three, steps 0"][1]["pictures"][0]
    np.testing.assert_array_equal(np.asarray(Image.open(pictures[0])), first)


def test_a_run_file_as_csv_and_png(tmp_path):
    rng = np.random.default_rng(0)
    mean = rng.standard_normal((2, 3, 2, 4)).astype(np.float32)
    mean[0, 0, 0, 0] = np.nan
    pictures = {"../up": rng.integers(0, 255, (2, 8, 8, 3)).astype(np.uint8)}
    run = Run(
        dict.fromkeys(PROVENANCE),
        ["a", 'b, "c"\n'],
        {"mean": mean},
        images=pictures,
        index={"layers": ["x", "y", "z"], "steps": [0, 5]},
    )
    path = save_run(tmp_path / "run.safetensors", run, quality=None)
    assert main(["export", str(path), "--to", str(tmp_path / "r.csv")]) == 0
    rows = list(csv.DictReader((tmp_path / "r.csv").open(newline="")))
    assert len(rows) == mean.size
    assert rows[-1] == {
        "sample": "1",
        "prompt": 'b, "c"\n',
        "block": "z",
        "step": "5",
        "channel": "3",
        "mean": str(mean[-1, -1, -1, -1].item()),
    }
    assert main(["export", str(path), "--to", str(tmp_path / "r.json")]) == 0
    assert json.loads((tmp_path / "r.json").read_text())["stats"]["mean"][0][0][0][0] is None
    assert main(["export", str(path), "--to", str(tmp_path / "out"), "--format", "png"]) == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["000_up_00000.png", "000_up_00001.png"]
    again = np.asarray(Image.open(tmp_path / "out" / "000_up_00001.png"))
    np.testing.assert_array_equal(again, load_run(path).images["../up"][1])


@pytest.mark.parametrize(
    ("to", "words"),
    [("x.doc", "name one so, or give --format"), ("none/x.csv", "make it first"), ("x.png", "no pictures")],
)
def test_an_export_that_cannot_be_is_one_line(tmp_path, capsys, to, words):
    run = Run(dict.fromkeys(PROVENANCE), ["a"], {"mean": np.zeros((1, 1, 1, 2), np.float32)})
    path = save_run(tmp_path / "run", run)
    assert main(["export", str(path), "--to", str(tmp_path / to)]) == 1
    assert words in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
