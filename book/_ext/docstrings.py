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
    "layouts", "models", "hooks", "stats", "channels", "ablation", "patching", "inversion", "clustering", "masks", "judges",
    "metrics", "sweep", "prompts", "runfile", "plots", "notebook", "cli", "widgets", "toyworld",
)  # fmt: skip
CODE = re.compile(r"(``.+?``|`[^`\n]+`)")


def to_rst(lines: list[str]) -> list[str]:
    """Plain docstring lines to reStructuredText lines.

    >>> to_rst(["The mean |x| of `stats`:", "", "    stats.mean", ""])
    ['The mean \\\\|x\\\\| of ``stats``:', '', '::', '', '    stats.mean', '', '']
    """
    out: list[str] = []
    literal = doctest = False
    for line in lines:
        text = line.strip()
        indented = line.startswith("    ")
        if doctest:
            doctest = bool(text)
            out.append(line)
        elif text.startswith(">>>"):
            if out and out[-1].strip():
                out.append("")
            doctest, literal = True, False
            out.append(line)
        elif literal:
            if text and not indented:
                literal = False
                out += ["", _prose(line)]
            else:
                out.append(line)
        elif indented and not _belongs_to_item(out):
            literal = True
            out += ["", "::", "", line] if out and out[-1].strip() else ["::", "", line]
        else:
            starts_item = re.match(r"\s*(-|\d+\.)\s", line)
            if starts_item and out and out[-1].strip() and not re.match(r"\s*(-|\d+\.|\s)\s", out[-1]):
                out.append("")
            out.append(_prose(line))
    return [*out, ""]


def _belongs_to_item(out: list[str]) -> bool:
    """Whether the paragraph that is open is a list's item, whose further lines are indented."""
    for line in reversed(out):
        if not line.strip():
            return False
        if re.match(r"\s*(-|\d+\.)\s", line):
            return True
    return False


def _prose(line: str) -> str:
    indent = re.match(r"\s*((-|\d+\.)\s+)?", line).group(0)
    pieces = CODE.split(line[len(indent) :])
    for i, piece in enumerate(pieces):
        if CODE.fullmatch(piece):
            pieces[i] = f"``{piece.strip('`')}``"
        else:
            piece = re.sub(r"([\\*|`])", r"\\\1", piece)
            pieces[i] = re.sub(r"(\w)_(?=\W|$)", r"\1\\_", piece)
    # an inline literal must not touch a letter, so plurals such as `ChannelSet`s get a zero-width break
    joined = "".join(
        piece + ("\\ " if i % 2 and i + 1 < len(pieces) and pieces[i + 1][:1].isalnum() else "")
        for i, piece in enumerate(pieces)
    )
    return indent + joined


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
        sections.append(f"## `{name}`\n\n```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n```\n")
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
