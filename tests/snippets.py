"""The Python that stands between the lines: fenced in Markdown, and the exercises' cells of notebooks.

fenced(prose)                            # ["model = fc.load(...)\n", ...]
infos(prose)                             # ["python", "bash", "", ...] of all fences
with_snippets(notebook, solutions)       # each snippet is run at its place, and each exercise solved
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Mapping

import nbformat
from nbformat.v4 import new_code_cell

FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<code>.*?)^(?P=indent)```", re.DOTALL | re.MULTILINE)
SNIPPET, ANSWERED = "snippet", "answered"  # tags of cells that are put in
SOLVED = """
{code}
assert task.answer(mine) is True, mine
"""


def fenced(prose: str) -> list[str]:
    """The Python of a page or a Markdown cell, block by block."""
    return [textwrap.dedent(one["code"]) for one in FENCE.finditer(prose) if one["info"] == "python"]


def infos(prose: str) -> list[str]:
    """What the fences of a page call their content."""
    return [one["info"] for one in FENCE.finditer(prose)]


def exercises(code: str) -> list[str]:
    """The names of the exercises that a cell asks."""
    tree = ast.parse(re.sub(r"^ *%.*$", "    pass", code, flags=re.MULTILINE))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    return [node.args[0].value for node in calls if node.func.id == "exercise"]


def shown(prose: str) -> list[str]:
    """The names of exercises whose solutions a Markdown cell points to, for those who have looked."""
    return re.findall(r'^\*\*\d+\..*`solution\("([^"]+)"\)`', prose, re.MULTILINE)


def with_snippets(notebook: nbformat.NotebookNode, solutions: Mapping[str, str]) -> nbformat.NotebookNode:
    """The notebook with a cell for each snippet right behind it, and for the solution of each exercise behind the cell
    that asks or names it; solutions: their Markdown by name. They may fail, and the notebook goes on."""
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if cell.cell_type == "markdown":
            prose = [cell.source, *(solutions[name] for name in shown(cell.source))]
            cells += [_cell(code, SNIPPET) for text in prose for code in fenced(text)]
        elif cell.cell_type == "code":
            solved = [code for name in exercises(cell.source) for code in fenced(solutions[name])]
            cells += [_cell(SOLVED.format(code=code), ANSWERED) for code in solved]
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
