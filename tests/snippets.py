"""The Python that stands between the lines: fenced in Markdown, and the exercises' cells of notebooks.

fenced(prose)                            # ["model = fc.load(...)\n", ...]
infos(prose)                             # ["python", "bash", "", ...] of all fences
with_snippets(notebook)                  # each snippet is run at its place, and each exercise answered
"""

from __future__ import annotations

import ast
import re
import textwrap

import nbformat
from nbformat.v4 import new_code_cell

FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<code>.*?)^(?P=indent)```", re.DOTALL | re.MULTILINE)
SNIPPET, ANSWERED = "snippet", "answered"  # tags of cells that are put in
ANSWER = """
from fewchannels.notebook import answer
from fewchannels.notebook.answers import right_answer
_right = right_answer({name}{run})
assert callable(_right) or answer({name}, _right{run}) is True, _right
assert answer({name}, "none of these"{run}) is False
"""


def fenced(prose: str) -> list[str]:
    """The Python of a page or a Markdown cell, block by block."""
    return [textwrap.dedent(one["code"]) for one in FENCE.finditer(prose) if one["info"] == "python"]


def infos(prose: str) -> list[str]:
    """What the fences of a page call their content."""
    return [one["info"] for one in FENCE.finditer(prose)]


def exercises(code: str) -> list[tuple[str, str]]:
    """The exercises that a cell checks: name and what is passed on of the run, as they are written."""
    found = []
    for node in ast.walk(ast.parse(re.sub(r"^ *%.*$", "    pass", code, flags=re.MULTILINE))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "answer":
            assert not node.keywords, f"the answer stands beside the question: {ast.unparse(node)}"
            name, _, *run = map(ast.unparse, node.args)
            found.append((name, "".join(f", {one}" for one in run)))
    return found


def with_snippets(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook with a cell for each snippet right behind it, and behind each exercise one that answers it, rightly
    and wrongly. They may fail, and the notebook goes on."""
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if cell.cell_type == "markdown":
            cells += [_cell(code, SNIPPET) for code in fenced(cell.source)]
        elif cell.cell_type == "code":
            cells += [_cell(ANSWER.format(name=name, run=run), ANSWERED) for name, run in exercises(cell.source)]
    return nbformat.from_dict({**notebook, "cells": cells})


def errors(notebook: nbformat.NotebookNode, tag: str) -> list[str]:
    """What went wrong in the cells of a tag: the code and the error."""
    found = []
    for cell in notebook.cells:
        if tag in cell.metadata.get("tags", []):
            raised = [one for one in cell.get("outputs", []) if one.output_type == "error"]
            found += [f"{one.ename}: {one.evalue}\nin\n{cell.source}" for one in raised]
    return found


def _cell(code: str, tag: str) -> nbformat.NotebookNode:
    return new_code_cell(code, metadata={"tags": [tag, "raises-exception"]})
