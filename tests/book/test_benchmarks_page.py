"""The page of benchmarks is made from a run's results, and from nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import benchmarks_page
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def results(monkeypatch):
    """Masks, measured now on a small grid."""
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    import masks
    import run

    monkeypatch.setattr(masks, "BLOCKS", 2)
    rows = masks.rows([4], repeats=2)
    return {"benches": {"masks": {"date": "today", "machine": run.machine(), "pairs": 2, "rows": rows}}}


def test_the_page_holds_what_was_measured(tmp_path, results):
    (tmp_path / "book").mkdir()
    shutil.copy(ROOT / "book" / "benchmarks.md", tmp_path / "book")
    benchmarks_page.write_page(tmp_path, tmp_path / "none.json")
    assert "Nothing was measured yet" in (tmp_path / "book" / "benchmarks.md").read_text()
    shutil.copy(ROOT / "book" / "benchmarks.md", tmp_path / "book")
    (tmp_path / "results.json").write_text(json.dumps(results))
    benchmarks_page.write_page(tmp_path, tmp_path / "results.json")
    page = (tmp_path / "book" / "benchmarks.md").read_text()
    slow, quick = results["benches"]["masks"]["rows"]
    assert f"{quick['seconds'][0]:.4f} (" in page
    assert f"| {slow['what']} | 1.00 |" in page
    assert f"{1 / quick['ratio'][0]:.2f} (" in page
    assert "Medians of 2 paired runs" in page
    assert benchmarks_page.PLACEHOLDER not in page
    with pytest.raises(ValueError, match="no placeholder"):
        benchmarks_page.write_page(tmp_path, tmp_path / "results.json")
    assert quick["what"] in benchmarks_page.as_text(results)
    assert 0.9 < quick["agree"] <= 1


def test_a_class_is_shown_alone_on_its_own_page(tmp_path, results, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    import classroom

    class Learner:
        def __init__(self, path):
            assert path.exists()

        run = lambda self: 3.0  # noqa: E731
        memory = lambda self: 2**28  # noqa: E731

    monkeypatch.setattr(classroom, "_Kernel", Learner)
    (row,) = [classroom.together("00_start_here", 2)]
    assert (row["learners"], row["busy"], row["what"]) == (2, 3.0, "2 learners")
    row["peak_bytes"] = 2**29
    results["benches"]["class"] = results["benches"]["masks"] | {"rows": [row]}
    (tmp_path / "book").mkdir()
    shutil.copy(ROOT / "book" / "class.md", tmp_path / "book")
    (tmp_path / "results.json").write_text(json.dumps(results))
    benchmarks_page.write_page(tmp_path, tmp_path / "results.json")
    page = (tmp_path / "book" / "class.md").read_text()
    assert "| 2 learners | 256 | 512 | 3 |" in page
    assert "### A class on one machine" in page
    assert "Masks" not in page


def test_the_live_engine_stands_beside_pytorch_and_onnxruntime(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    import live

    page = benchmarks_page.as_markdown(json.loads((ROOT / "bench" / "results.json").read_text()))
    section = page.partition("## A picture in the live lab")[2].partition("\n## ")[0]
    for steps in (16, 8):
        table = section.partition(f"**A picture in {steps} steps**")[2].partition("**")[0]
        rows = {
            line.split("|")[1].strip(): line.split("|")[2:-1] for line in table.splitlines() if line.startswith("|")
        }
        assert set(rows) == {"way", ":--", live.TORCH, live.ENGINE, live.FORMING, live.ONNX}
        assert rows["way"][-1].strip() == "furthest apart"
        assert 0 < float(rows[live.ONNX][-1]) < live.LATENTS


def test_the_bench_says_what_is_missing_for_onnxruntime(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    import onnx_web

    monkeypatch.setattr(onnx_web, "PYTHON", ("json",))
    monkeypatch.setattr(onnx_web.shutil, "which", lambda name: None)
    assert "install Node.js" in onnx_web.absent()
    monkeypatch.setattr(onnx_web, "PYTHON", ("json", "no_such_package"))
    assert "no no_such_package here: pip install --constraint constraints.txt" in onnx_web.absent()


def test_a_picture_that_is_another_is_not_timed(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    import live

    latents, picture = np.zeros((1, 1, 2, 2), np.float32), np.zeros((2, 2, 3), np.uint8)
    same = {"latents": [0, 0, 0, 2e-5], "picture": [1, 0, 0, 255] * 4}
    assert live.furthest(same, latents, picture, "it") == pytest.approx(2e-5)
    for other in ({"latents": [0, 0, 0, 0.01]}, {"picture": [2, 0, 0, 255] * 4}):
        with pytest.raises(ValueError, match="it draws another picture than PyTorch"):
            live.furthest(same | other, latents, picture, "it")


def test_results_that_are_kept_name_no_machine():
    kept = ROOT / "bench" / "results.json"
    if not kept.exists():
        pytest.skip("nothing was measured yet")
    benches = json.loads(kept.read_text())["benches"]
    assert set(benches) <= set(benchmarks_page.TITLES)
    for bench in benches.values():
        assert {"processor", "cores", "threads", "versions"} <= set(bench["machine"])
        assert not {"host", "node", "path"} & set(bench["machine"])
