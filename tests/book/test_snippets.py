"""The Python in pages, README and CONTRIBUTING runs, block after block in one namespace; what needs a GPU, a cluster or
the hub is compiled, and its names and arguments are looked up in test_names.py. Snippets of notebooks: test_wheel.py.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import snippets

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted((ROOT / "book").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
PYTHON = [page for page in PAGES if snippets.fenced(page.read_text(encoding="utf-8"))]
INFOS = {"python", "bash", "json", "javascript", "", "{glossary}", "{bibliography}", "{glue:}"}

# What a page presupposes, as it would be typed before its first block.
PROMPTS = 'prompts = ["a large red star at the left on a plain blue background"] * 2'
GIVEN = {
    "api.md": PROMPTS,
    "clusters.md": f"""
from fewchannels import ChannelSet
{PROMPTS}
top, drawn = (ChannelSet(([first],) * 6, 192, "one") for first in (0, 1))
""",
    "explorer.md": "import matplotlib\nmatplotlib.use('agg')",
    "runfile.md": f"""
import fewchannels as fc
from fewchannels.measure.recording import record_run
{PROMPTS}
fc.save_run("run.safetensors", record_run(fc.load("toyworld"), prompts, steps=2))
""",
}
# A word of each block that is not run, and why.
NOT_RUN = {
    "clusters.md": {
        "tcp://scheduler": "a cluster; tests/store/test_workers.py runs one of two processes",
        "SLURMCluster": "a cluster",
        "LocalCUDACluster": "several GPUs",
        "register_ray": "Ray is no requirement of the tests",
    },
    "models.md": {"quantize=4": "weights of the hub, on a GPU"},
}


def blocks(page: Path) -> list[str]:
    return snippets.fenced(page.read_text(encoding="utf-8"))


def run(page: Path, codes: list[str]) -> list[str]:
    """Run blocks, those of NOT_RUN apart, and return those that ran."""
    left_out, ran, names = NOT_RUN.get(page.name, {}), [], {"__name__": "__main__"}
    exec(compile(GIVEN.get(page.name, ""), f"given for {page.name}", "exec"), names)
    for number, code in enumerate(codes, 1):
        compiled = compile(code, f"{page.name}, block {number}", "exec")
        if not any(word in code for word in left_out):
            exec(compiled, names)
            ran.append(code)
    return ran


@pytest.mark.parametrize("page", PYTHON, ids=lambda page: page.stem)
def test_the_blocks_of_a_page_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    left_out = NOT_RUN.get(page.name, {})
    assert len(run(page, blocks(page))) == len(blocks(page)) - len(left_out)


def test_what_is_not_run_is_there_and_each_page_that_is_prepared():
    named = {page.name: page for page in PYTHON}
    assert {*GIVEN, *NOT_RUN} <= set(named)
    for name, words in NOT_RUN.items():
        for word in words:
            assert sum(word in code for code in blocks(named[name])) == 1, f"{name}: {word}"


def test_a_block_that_fails_is_told():
    with pytest.raises(NameError, match="stats"):
        run(ROOT / "README.md", ["x = 1", "stats"])
    with pytest.raises(SyntaxError):
        run(ROOT / "book" / "models.md", ["quantize=4 quantize=4"])


@pytest.mark.parametrize("file", [*PAGES, *sorted((ROOT / "notebooks").glob("*.ipynb"))], ids=lambda file: file.stem)
def test_no_snippet_goes_by_another_name(file):
    """Fences say what they hold in one of few ways, so that no Python hides from these tests as `py` or `Python 3`."""
    proses = [file.read_text(encoding="utf-8")]
    if file.suffix == ".ipynb":
        cells = json.loads(proses[0])["cells"]
        proses = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    for prose in proses:
        held = snippets.infos(prose)
        assert {info.split()[0] if info else "" for info in held} <= INFOS
        assert prose.count("```") == 2 * len(held), "a fence that is not closed, or nested"
