"""The package as a reader on Colab has it: a wheel, installed into a folder, with nothing of the repository around.

Every chapter is run by it, alone in an empty folder, and must tell what the book tells. In the same run each snippet
between the cells and each exercise's solution is run at its place. `make test` does so for two chapters, `make
test-all` and a workflow for all of them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import contents
import execute
import nbformat
import pytest
import snippets
from fewchannels.exercises.listed import CHECKED, OPEN
from fewchannels.exercises.words import all_words
from fewchannels.notebook import harvest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
QUICK = ("00_start_here",)
CHAPTERS = [
    pytest.param(path, id=path.stem, marks=() if path.stem in QUICK else pytest.mark.slow) for path in NOTEBOOKS
]
SOLUTIONS = {name: words.solution for name, words in all_words().items()}
MIB = 2**20


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The folder into which the wheel was installed."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist")]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    wheel = next((folder / "dist").glob("fewchannels-*.whl"))
    assert wheel.stat().st_size < 50 * MIB
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target"]
    install += [str(folder / "site"), "--disable-pip-version-check", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    return folder / "site"


def environment(library: Path, **more: str) -> dict[str, str]:
    """Of a process that imports fewchannels from there, with no network."""
    kept = {name: value for name, value in os.environ.items() if name != "FEWCHANNELS_BOOK"}
    return kept | {"PYTHONPATH": str(library), "HF_HUB_OFFLINE": "1", "OMP_WAIT_POLICY": "PASSIVE"} | more


def said_by(site: Path, folder: Path, code: str) -> list[str]:
    """The lines that Python prints in a folder with the installed package."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=folder, env=environment(site), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip().splitlines()


def run(notebook, folder: Path, env: dict[str, str], to: Path) -> None:
    """Execute a notebook in a folder and write it to a file."""
    client = NotebookClient(
        notebook,
        timeout=1800,
        kernel_name="python3",
        store_widget_state=False,
        extra_arguments=["--IPKernelApp.log_level=50"],  # it warns of local TCP
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env=env)
    nbformat.write(notebook, to)


# The package


def test_it_draws_in_an_empty_folder(site, tmp_path):
    """Weights travel inside the package."""
    code = """
import fewchannels as fc
model = fc.load("toyworld", device="cpu")
image = model.generate(["a large red star at the center on a plain white background"], seed=0, steps=2)
print(fc.__file__, image.shape, image.dtype)
"""
    where, told = said_by(site, tmp_path, code)[-1].split(" ", 1)
    assert Path(where).is_relative_to(site)
    assert told == "(1, 48, 48, 3) uint8"
    licences = {file.name for file in site.glob("fewchannels-*.dist-info/licenses/*")}
    assert licences == {"LICENSE", "LICENSE-CC-BY-4.0.txt"}


def test_claims_and_runs_travel_and_those_around_the_reader_win(site, tmp_path):
    data = site / "fewchannels" / "data"
    runs = [path for path in (ROOT / "results").rglob("*") if path.suffix in (".safetensors", ".json")]
    assert runs
    for path in [ROOT / "book" / "claims.yml", ROOT / "book" / "questions.yml", *runs]:
        assert (data / path.relative_to(ROOT / "book" if path.suffix == ".yml" else ROOT)).read_bytes() == (
            path.read_bytes()
        )
    code = """
from fewchannels.disk import beside_the_code
from fewchannels.measure.contributed import results_folder
from fewchannels.notebook import claims_file
name = "results/critical.safetensors"
print(claims_file(), beside_the_code(name, name), results_folder(), sep="\\n")
"""
    found = ["claims.yml", "results/critical.safetensors", "results/real"]
    assert said_by(site, tmp_path, code) == [str(data / name) for name in found]
    for name in ("book/claims.yml", "results/critical.safetensors"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    (tmp_path / "notebooks").mkdir()
    found[0] = "book/claims.yml"
    assert said_by(site, tmp_path / "notebooks", code) == [str(tmp_path / name) for name in found]


# The chapters


@pytest.fixture(scope="module", params=CHAPTERS)
def chapter(request, site, tmp_path_factory) -> Path:
    """A chapter's notebook, run with its snippets and answers by the installed package, alone in an empty folder."""
    folder, to = tmp_path_factory.mktemp("empty"), tmp_path_factory.mktemp("executed") / request.param.name
    shutil.copy(request.param, folder)
    notebook = snippets.with_snippets(nbformat.read(folder / request.param.name, as_version=4), SOLUTIONS)
    notebook.cells.append(new_code_cell("import fewchannels\nprint(fewchannels.__file__)"))
    run(notebook, folder, environment(site), to)
    assert Path(notebook.cells[-1].outputs[0].text.strip()).is_relative_to(site)
    return to


def of_the_book(name: str, folder: Path) -> dict:
    """What the chapter kept and checked in the repository: when the book was built, else in a run made now."""
    if contents.noted(f"notebooks/{name}"):
        return json.loads((execute.RESULTS / name).with_suffix(".json").read_text(encoding="utf-8"))
    notebook = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    run(notebook, ROOT / "notebooks", environment(ROOT / "lib", FEWCHANNELS_BOOK="1"), folder / name)
    return harvest(folder / name)


def verdicts(records: dict) -> dict[str, tuple[bool, str]]:
    """Of each claim whether it holds, and on what: "toyworld", or "toyworld, 24 prompts" without a committed run."""
    return {name: (check["holds"], check["model"]) for name, check in records["checks"].items()}


def test_a_chapter_tells_the_book_s_verdicts_in_an_empty_folder(chapter, tmp_path):
    here = verdicts(harvest(chapter))
    assert here == verdicts(of_the_book(chapter.name, tmp_path))
    claims = any("check(" in cell.source for cell in nbformat.read(chapter, as_version=4).cells)
    assert bool(here) == claims


def test_snippets_and_what_others_saw_run_at_their_place(chapter):
    assert snippets.errors(nbformat.read(chapter, as_version=4), snippets.SNIPPET) == []


def test_solutions_are_right_at_their_place(chapter):
    assert snippets.errors(nbformat.read(chapter, as_version=4), snippets.ANSWERED) == []


def test_every_exercise_stands_in_the_chapter_that_it_names_once():
    asked, looked = [], []
    for path in NOTEBOOKS:
        number = int(path.stem[:2])
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                asked += [(name, number) for name in snippets.exercises(cell.source)]
            else:
                looked += [(name, number) for name in snippets.shown(cell.source)]
    for found, known in ((asked, CHECKED), (looked, OPEN)):
        assert sorted(found) == sorted((name, int(name[2:].partition(".")[0])) for name in known)


def test_no_solution_stands_beside_its_question():
    """Nor does "run all" run one: a notebook holds neither solutions nor what folds them."""
    for path in NOTEBOOKS:
        text = path.read_text(encoding="utf-8")
        assert "<details" not in text
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code" and snippets.exercises(cell.source):
                assert cell.source.endswith("task.answer(mine)")
                assert "\nmine = None  # " in cell.source


def test_a_snippet_that_fails_is_told(tmp_path):
    cells = [
        new_code_cell("from fewchannels.exercises import exercise"),
        nbformat.v4.new_markdown_cell("Look:\n\n   ```python\n   print(nothing)\n   ```\n\n```python\nprint(1)\n```"),
        new_code_cell('task = exercise("ch3.coin")\nmine = None  # an IoU\n\ntask.answer(mine)'),
        new_code_cell('task = exercise("ch5.both_goals")'),
    ]
    wrong = {**SOLUTIONS, "ch5.both_goals": "```python\nmine = task.kept\n```"}
    notebook = snippets.with_snippets(nbformat.v4.new_notebook(cells=cells), wrong)
    run(notebook, tmp_path, environment(ROOT / "lib"), tmp_path / "run.ipynb")
    [failed] = snippets.errors(notebook, snippets.SNIPPET)
    assert failed.startswith("NameError: name 'nothing' is not defined\nin\nprint(nothing)")
    [failed] = snippets.errors(notebook, snippets.ANSWERED)
    assert failed.startswith("AssertionError: 0.05")
