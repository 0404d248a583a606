"""The book's builder on a book of two notebooks: real papermill, real Jupyter Book, in a folder of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import contents
import execute
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parents[2]
KEEPS = """
import os
from fewchannels import notebook
assert os.environ["FEWCHANNELS_BOOK"] == "1" and notebook.in_book()
notebook.keep("energy", share * 2, interval=(0.4, 0.5))
"""
PLOTLY = """
import plotly.graph_objects as go
from fewchannels import notebook
notebook.start("toyworld")
notebook.show(go.Figure(go.Bar(y=[1, 3, 2])), alt="Three bars", caption="Three bars.")
"""
PAGE = """# Hello

Inline $x^2$; glued: {glue:text}`../notebooks/00_first.ipynb::energy:.4f`.
"""
TOC = "format: jb-book\nroot: book/hello\nchapters:\n  - file: notebooks/00_first\n  - file: notebooks/01_second\n"


def code(source, *tags):
    cell = new_code_cell(source.strip())
    if tags:
        cell.metadata["tags"] = list(tags)
    return cell


def write(path: Path, *cells) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=[new_markdown_cell(f"# {path.stem}"), *cells]), path)


class Book:
    """A small book in `root`, with the real builder beside it."""

    def __init__(self, root: Path):
        self.root = root
        for name in ("_config.yml", "pyproject.toml", "constraints.txt", "CHANGELOG.md", "CITATION.cff"):
            shutil.copy2(ROOT / name, root)
        ignore = shutil.ignore_patterns("*.md", "claims.yml", "questions.yml", "__pycache__")
        shutil.copytree(ROOT / "book", root / "book", ignore=ignore)
        (root / "book" / "hello.md").write_text(PAGE, encoding="utf-8")
        (root / "_toc.yml").write_text(TOC, encoding="utf-8")
        parameters = code("share = 0.25  # of the energy", "parameters")
        write(root / "notebooks" / "00_first.ipynb", parameters, code(KEEPS))
        write(root / "notebooks" / "01_second.ipynb", code(PLOTLY))

    def build(self, *arguments: str) -> subprocess.CompletedProcess:
        environ = {**os.environ, "PYTHONPATH": str(ROOT / "lib")}
        command = [sys.executable, str(self.root / "book" / "build.py"), *arguments]
        return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300)

    def page(self, name: str) -> str:
        return (self.root / "_build" / "html" / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The small book, built once."""
    made = Book(tmp_path_factory.mktemp("book"))
    made.first = made.build()
    assert made.first.returncode == 0, made.first.stdout + made.first.stderr
    return made


def test_progress_times_and_place_are_said(book):
    said = book.first.stdout
    assert "[1/2] notebooks/00_first.ipynb ..." in said
    assert re.search(r"notebooks/01_second\.ipynb +\d+\.\d s\n", said)
    assert f"Site: {book.root}/_build/html/index.html" in said


def test_kept_numbers_are_harvested_and_glued(book):
    kept = json.loads((book.root / "_build" / "results" / "00_first.json").read_text(encoding="utf-8"))
    assert kept["values"]["energy"] == {"value": 0.5, "low": 0.4, "high": 0.5}
    assert "0.5000" in book.page("book/hello.html")


def test_nothing_is_loaded_from_another_host_or_twice(book):
    pages = [file for file in (book.root / "_build" / "html").rglob("*.html") if "_static" not in file.parts]
    assert len(pages) >= 5
    for file in pages:
        page = file.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|iframe|link)\b[^>]*?(?:src|href)=\"([^\"]+)\"[^>]*>", page)
        canonical = re.findall(r"<link[^>]*rel=\"canonical\"[^>]*href=\"([^\"]+)\"", page)
        assert not [url for url in loaded if "//" in url and url not in canonical], file.name
        inline = re.findall(r"<script>(.+?)</script>", page, flags=re.DOTALL)
        assert len(inline) == len(set(inline)), file.name
        assert "thebe" not in "".join(inline), file.name
    assert "_static/ext/tex-svg.js" in book.page("book/hello.html")
    assert (book.root / "_build" / "html" / "_static" / "ext" / "plotly.min.js").stat().st_size > 1e6


def test_the_page_shows_the_figure_and_its_colab_button_names_the_source(book):
    page = book.page("notebooks/01_second.html")
    assert "Three bars" in page
    assert "_static/ext/plotly.min.js" in page
    assert re.search(r"colab\.research\.google\.com/github/[\w.-]+/[\w.-]+/blob/main/notebooks/01_second\.ipynb", page)
    assert "url=book/hello.html" in book.page("index.html")


def test_the_executed_copy_holds_no_trace_of_the_run(book):
    notebook = nbformat.read(book.root / "_build" / "src" / "notebooks" / "00_first.ipynb", as_version=4)
    assert "papermill" not in notebook.metadata
    assert not any({"papermill", "execution"} & set(cell.metadata) for cell in notebook.cells)


def test_only_what_changed_is_run_again(book):
    second = book.root / "notebooks" / "01_second.ipynb"
    write(second, code(PLOTLY), code("print('changed')"))
    done = book.build("notebooks")
    assert done.returncode == 0, done.stderr
    assert "[1/1] notebooks/01_second.ipynb ..." in done.stdout
    assert re.search(r"00_first\.ipynb .*\(kept from ", done.stdout)


def test_parameters_make_a_copy_beside_the_site(book):
    stamp = book.root / "_build" / "results" / "00_first.json"
    before = stamp.read_bytes()
    done = book.build("notebooks", "--only", "00_first", "--set", "share=0.3")
    assert done.returncode == 0, done.stderr
    own = nbformat.read(book.root / "_build" / "own" / "00_first.ipynb", as_version=4)
    injected = next(cell for cell in own.cells if "injected-parameters" in cell.metadata.get("tags", []))
    assert "share = 0.3" in injected.source
    assert "remove-cell" in injected.metadata["tags"]
    assert stamp.read_bytes() == before


def test_unknown_names_are_errors_that_list_the_known(book):
    done = book.build("notebooks", "--only", "00_first", "--set", "shared=1")
    assert done.returncode == 1
    assert "00_first.ipynb has no parameter shared. It has: share (default 0.25)" in done.stderr
    done = book.build("notebooks", "--only", "02_third")
    assert done.returncode == 1
    assert "It holds: 00_first, 01_second" in done.stderr


def test_a_failing_cell_and_a_slow_cell_are_shown(tmp_path):
    book = Book(tmp_path)
    write(book.root / "notebooks" / "00_first.ipynb", code("x = 3"), code("raise ValueError(f'x is {x}')"))
    write(book.root / "notebooks" / "01_second.ipynb", code("import time\ntime.sleep(60)"))
    done = book.build("notebooks", "--timeout", "3", "--jobs", "2")
    assert done.returncode == 1
    assert "notebooks/00_first.ipynb, code cell [2] failed." in done.stderr
    assert "  | raise ValueError(f'x is {x}')" in done.stderr
    assert "ValueError: x is 3" in done.stderr
    assert "\x1b[" not in done.stderr
    assert "notebooks/01_second.ipynb failed." in done.stderr
    assert "A cell took longer than 3 s." in done.stderr
    assert not (book.root / "_build" / "results").exists()


def test_a_warning_in_the_pages_is_an_error(book):
    page = book.root / "book" / "hello.md"
    page.write_text(PAGE.replace("energy", "enargy"), encoding="utf-8")
    try:
        done = book.build("site")
    finally:
        page.write_text(PAGE, encoding="utf-8")
    assert done.returncode == 1
    assert "enargy" in done.stderr


def test_the_table_of_contents_is_read_in_order(tmp_path):
    (tmp_path / "a.md").write_text("# a", encoding="utf-8")
    (tmp_path / "b.ipynb").write_text("{}", encoding="utf-8")
    toc = "root: a\nparts:\n- caption: x\n  chapters:\n  - file: b\n    sections:\n    - file: missing\n"
    (tmp_path / "_toc.yml").write_text(toc, encoding="utf-8")
    assert contents.toc_pages(tmp_path / "_toc.yml") == ["a.md", "b.ipynb", "missing"]


def test_parameters_are_read_as_yaml():
    assert execute.parse_parameters(["steps=4", "model=a/b"]) == {"steps": 4, "model": "a/b"}
    with pytest.raises(execute.NotebookFailed, match="expected NAME=VALUE"):
        execute.parse_parameters(["steps"])


def test_the_seconds_of_each_section_are_kept():
    def ran(source, seconds):
        cell = new_code_cell(source)
        cell.metadata["papermill"] = {"duration": seconds}
        return cell

    cells = [
        new_markdown_cell("# Title"),
        ran("a = 1", 0.5),
        new_markdown_cell("## By hand"),
        ran("b = 1", 2),
        new_markdown_cell("### Below it"),
        ran("c = 1", 3),
        new_markdown_cell("and then\n\n## All of it"),
        ran("d = 1", None),
    ]
    notebook = new_notebook(cells=cells)
    assert execute.seconds_of_sections(notebook) == {"": 0.5, "By hand": 5, "All of it": 0}
