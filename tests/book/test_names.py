"""What notebooks and pages say of the library and of the repository is there: modules, names, files."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import json
import re
import types
from pathlib import Path

import pytest
import snippets

ROOT = Path(__file__).resolve().parents[2]
LIB = ROOT / "lib" / "fewchannels"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
WORDS = sorted((LIB / "exercises" / "words").glob("*.md"))  # with the solutions of the exercises
PAGES = [*sorted((ROOT / "book").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
QUOTED = re.compile(r"`[^`\n]+`")
A_FILE = re.compile(r"[\w./-]+\.py\b")


def sources(file: Path) -> tuple[str, list[str]]:
    """A file's prose, and the Python in it: cells, and what is fenced between them."""
    if file.suffix == ".md":
        prose = file.read_text(encoding="utf-8")
        return prose, snippets.fenced(prose)
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    by_kind = {kind: ["".join(c["source"]) for c in cells if c["cell_type"] == kind] for kind in ("code", "markdown")}
    prose = "\n".join(by_kind["markdown"])
    installs = re.compile(r"^ *%.*$", re.MULTILINE)
    return prose, [installs.sub("    pass", code) for code in by_kind["code"]] + snippets.fenced(prose)


def missing(codes: list[str]) -> list[str]:
    """Imports of ours that fail, attributes of our modules that are not there, and arguments that functions of ours do
    not take."""
    trees = [ast.parse(code) for code in codes]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    named, found = {"fc": importlib.import_module("fewchannels")}, []
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "fewchannels":
            for alias in node.names:
                try:
                    named[alias.asname or alias.name] = had(importlib.import_module(node.module), alias.name)
                except (ImportError, AttributeError) as error:
                    found.append(str(error))
    for node in nodes:
        called = isinstance(node, ast.Call) and not any(isinstance(one, ast.Starred) for one in node.args)
        try:
            thing = meant(node.func if called else node, named)
            if called and callable(thing):
                words = [word.arg for word in node.keywords if word.arg]
                inspect.signature(thing).bind_partial(*node.args, **dict.fromkeys(words))
        except (ImportError, AttributeError, TypeError) as error:
            found.append(str(error))
    return list(dict.fromkeys(found))


def meant(node: ast.AST, named: dict[str, object]):
    """What a name, or attributes of a module of ours, stand for; None for anything else. Raises AttributeError."""
    chain = []
    while isinstance(node, ast.Attribute):
        chain.insert(0, node.attr)
        node = node.value
    thing = named.get(node.id) if isinstance(node, ast.Name) else None
    for name in chain:
        if not isinstance(thing, types.ModuleType):
            return None
        thing = had(thing, name)
    return thing


def had(module: types.ModuleType, name: str):
    return getattr(module, name) if hasattr(module, name) else importlib.import_module(f"{module.__name__}.{name}")


def test_a_name_that_is_not_there_is_found():
    assert missing(["import fewchannels as fc\nfc.patching.record(dit)"]) == ["No module named 'fewchannels.patching'"]
    assert missing(["from fewchannels.edits import patching\npatching.recall()"])
    assert missing(["import fewchannels as fc\nfc.load('toyworld', quantise=4)"]) == [
        "got an unexpected keyword argument 'quantise'"
    ]
    assert missing(["from fewchannels.stats import ChannelStats"]) == ["No module named 'fewchannels.stats'"]
    assert not missing(
        ["import fewchannels as fc\nwith fc.capture(dit, fc.ChannelStats()) as x:\n    x.nothing.at_all"]
    )


@pytest.mark.parametrize("file", [*NOTEBOOKS, *PAGES, *WORDS], ids=lambda file: file.stem)
def test_code_names_what_the_library_has(file):
    assert missing(sources(file)[1]) == []


@pytest.mark.parametrize("file", [*NOTEBOOKS, *PAGES], ids=lambda file: file.stem)
def test_files_that_prose_names_are_there(file):
    """Below the root or, for short, below lib/fewchannels."""
    quoted = " ".join(QUOTED.findall(snippets.FENCE.sub("", sources(file)[0])))
    named = [name for name in A_FILE.findall(quoted) if "NAME" not in name]
    assert not [name for name in named if not (ROOT / name).is_file() and not (LIB / name).is_file()]


def test_contributing_names_files_at_all():
    quoted = " ".join(QUOTED.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    assert len(set(A_FILE.findall(quoted))) > 10


def test_modules_that_moved_are_gone_from_the_old_place_and_there_at_the_new():
    rows = re.findall(r"^\| `([\w.]+)` \| (.+) \|$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) > 50
    for was, now in rows:
        homes = re.findall(r"`([a-z_.]+)`", now)
        assert homes, was
        assert all(importlib.util.find_spec(f"fewchannels.{home}") for home in homes), now
        assert not (LIB / f"{was.replace('.', '/')}.py").exists(), was
