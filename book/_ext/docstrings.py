"""Sphinx extension: the API page lists every public module, and docstrings may be plain text.

Docstrings here are written to be read in a terminal: `single backticks` for code, |x| for a magnitude, an indented
block for an example. reStructuredText takes each of those for something else. `to_rst` turns such text into
reStructuredText that means the same, so that a docstring never breaks a build in which warnings are errors.

The marker `<!-- api-modules -->` in a page is replaced by one section a module, found by walking the package,
so a new module can not be forgotten.
"""

from __future__ import annotations

import importlib
import pkgutil
import re

from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
MARKER = "<!-- api-modules -->"
PACKAGE = "fewchannels"
ORDER = (
    *("disk", "metrics", "wrapping", "choices", "names", "origins"),
    *("runfile", "scheduler", "identity", "toyworld", "layouts", "models", "store", "channels", "masks", "watch"),
    *("edits", "sweep", "prompts", "reading", "instruments", "measure", "studies", "figures"),
    *("layout_checks", "plots", "widgets", "notebook", "exercises", "cli"),
)
ARGUMENT = re.compile(r"([a-z_*][\w.*]*(?:, [a-z_*][\w.*]*)*): +(?=\S)")
BULLET = re.compile(r"(?:-|\d+\.) +")
CODE = re.compile(r"(``.+?``|`[^`\n]+`)")


def to_rst(lines: list[str]) -> list[str]:
    """Plain docstring lines to reStructuredText lines.

    A paragraph that opens with `name: ` lists arguments: each line that opens so becomes an item. An indented block
    after an empty line is code. All else is prose.

    >>> to_rst(["The mean |x| of `stats`:", "", "    stats.mean", ""])
    ['The mean \\\\|x\\\\| of ``stats``:', '', '::', '', '    stats.mean', '', '']
    >>> to_rst(["k: how many", "layer: its name,", "    or its number"])
    ['- **k**: how many', '- **layer**: its name,', '  or its number', '']
    """
    out: list[str] = []
    mode = "gap"  # of the paragraph that is open: gap, prose, item, code or doctest
    for line in lines:
        text = line.strip()
        if mode == "doctest" and text:
            out.append(line)
        elif not text:
            mode = "code" if mode == "code" else "gap"
            out.append("")
        elif text.startswith(">>>"):
            out += [line] if mode == "gap" else ["", line]
            mode = "doctest"
        elif line.startswith("    ") and mode in ("gap", "code"):
            out += [line] if mode == "code" else ["::", "", line]
            mode = "code"
        elif (argument := ARGUMENT.match(line)) and mode != "prose":
            out += [""] * (mode == "code")
            out.append(f"- **{_escape(argument[1])}**: {_prose(line[argument.end() :])}")
            mode = "item"
        elif BULLET.match(line):
            out += [""] * (mode in ("prose", "code")) + [_prose(line)]
            mode = "item"
        elif mode == "item":
            out.append(f"  {_prose(text)}")
        else:
            out += [""] * (mode == "code") + [_prose(text)]
            mode = "prose"
    return [*out, ""]


def _prose(line: str) -> str:
    bullet = BULLET.match(line)
    start = bullet.group(0) if bullet else ""
    pieces = CODE.split(line[len(start) :])
    for i, piece in enumerate(pieces):
        pieces[i] = f"``{piece.strip('`')}``" if CODE.fullmatch(piece) else _escape(piece)
    # an inline literal must not touch a letter, so plurals such as `ChannelSet`s get a break of no width
    return start + "".join(
        piece + ("\\ " if i % 2 and pieces[i + 1][:1].isalnum() else "") for i, piece in enumerate(pieces)
    )


def _escape(text: str) -> str:
    return re.sub(r"(\w)_(?=\W|$)", r"\1\\_", re.sub(r"([\\*|`])", r"\\\1", text))


def public_modules(package: str = PACKAGE) -> list[str]:
    """Dotted names of the package's public modules, in the order in which they may import each other.

    A subpackage that declares `__all__` stands for its own modules.
    """

    def rank(name: str) -> tuple[int, str]:
        top = name.split(".")[1]
        return (ORDER.index(top) if top in ORDER else len(ORDER), name)

    return sorted(_walk(package), key=rank)


def _walk(package: str):
    for found in pkgutil.iter_modules(importlib.import_module(package).__path__, prefix=f"{package}."):
        if found.name.rpartition(".")[2].startswith("_"):
            continue
        yield found.name
        if found.ispkg and not hasattr(importlib.import_module(found.name), "__all__"):
            yield from _walk(found.name)


def _write_page(app, docname: str, source: list[str]) -> None:
    if MARKER not in source[0]:
        return
    sections = []
    for name in public_modules():
        try:
            documented = (importlib.import_module(name).__doc__ or "").strip()
        except ImportError as error:
            LOGGER.warning("the API page leaves out %s, which can not be imported: %s", name, error)
            continue
        if not documented:
            continue
        sections.append(
            f"## `{name.partition('.')[2]}`\n\n```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n```\n"
        )
    source[0] = source[0].replace(MARKER, "\n".join(sections))


def _process_docstring(app, what, name, obj, options, lines: list[str]) -> None:
    lines[:] = to_rst(lines)


def _own_docstrings_only(app, config) -> None:
    config.autodoc_inherit_docstrings = False


def setup(app) -> dict:
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("config-inited", _own_docstrings_only)
    app.connect("source-read", _write_page)
    app.connect("autodoc-process-docstring", _process_docstring)
    return {"version": "1", "parallel_read_safe": True}
