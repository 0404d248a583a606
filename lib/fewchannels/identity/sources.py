"""Files of code, read: what they do, what they import and bind; and the bytecode of functions, as content.

Comments, docstrings, layout and line numbers do not count.
"""

from __future__ import annotations

import ast
import dis
import functools
import hashlib
import inspect
import json
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
HAS_DOCSTRING = getattr(inspect, "CO_HAS_DOCSTRING", 0)  # from Python 3.14; before, a text in the first place is one
LITERALS = (bool, int, float, complex, str, bytes, tuple)
HEX = 32  # digits of a digest


def hashed(value: Any) -> str:
    """Digest of JSON."""
    text = json.dumps(value, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:HEX]


@dataclass(frozen=True)
class Source:
    """What a file holds. digest: of its code; imports: as (module, name or None); names: those that it binds; codes:
    digests of all functions in it; literals: the constants of the module, as they are written."""

    digest: str
    imports: tuple[tuple[str, str | None], ...]
    names: frozenset[str]
    codes: frozenset[str]
    literals: dict[str, object] = field(hash=False)


def of_code(code: types.CodeType) -> str:
    """Digest of a code object: what it does, and not where it stands or what its docstring says."""
    found = _of_code.get(id(code))
    if found is None:
        constants = code.co_consts
        is_function = code.co_flags & inspect.CO_NEWLOCALS and code.co_flags & inspect.CO_OPTIMIZED
        told = code.co_flags & HAS_DOCSTRING if HAS_DOCSTRING else constants and isinstance(constants[0], str)
        if is_function and told and not code.co_name.startswith("<"):
            constants = (None, *constants[1:])
        parts = [
            code.co_code,
            code.co_exceptiontable,
            code.co_names,
            code.co_varnames,
            code.co_freevars,
            code.co_cellvars,
            code.co_argcount,
            code.co_posonlyargcount,
            code.co_kwonlyargcount,
            code.co_flags & ~HAS_DOCSTRING,
            [_of_constant(constant) for constant in constants],
        ]
        found = code, hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
        _of_code[id(code)] = found
    return found[1]


_of_code: dict[int, tuple[types.CodeType, str]] = {}  # with the code, so that its id stays its own


def _of_constant(constant) -> str:
    if isinstance(constant, types.CodeType):
        return of_code(constant)
    if isinstance(constant, (tuple, frozenset)):
        parts = [_of_constant(one) for one in constant]
        return f"{type(constant).__name__}{sorted(parts) if isinstance(constant, frozenset) else parts}"
    return f"{type(constant).__name__} {constant!r}"


def instructions(code: types.CodeType) -> Iterator[dis.Instruction]:
    """Of a function and of all that are made inside of it."""
    yield from dis.get_instructions(code)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from instructions(constant)


def source_of(file: Path) -> Source:
    try:
        state = file.stat()
    except OSError:
        return Source("gone", (), frozenset(), frozenset(), {})
    return _read(file, state.st_mtime_ns, state.st_size, state.st_ino)


@functools.lru_cache(maxsize=4096)
def _read(file: Path, *state: int) -> Source:
    text = file.read_bytes()
    tree = ast.parse(text)
    codes: set[str] = set()
    compiled = compile(tree, str(file), "exec", dont_inherit=True)
    _collect(compiled, codes)
    imports, literals = dict.fromkeys(_imports(tree)), dict(_literals(tree))
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED):
            if ast.get_docstring(node, clean=False) is not None:
                node.body = node.body[1:] or [ast.Pass()]
            # the number of a release says nothing of what the code does
            node.body = [part for part in node.body if not _is_version(part)] or [ast.Pass()]
    digest = hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:16]
    return Source(digest, tuple(imports), frozenset(compiled.co_names), frozenset(codes), literals)


def _collect(code: types.CodeType, codes: set[str]) -> None:
    codes.add(of_code(code))
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            _collect(constant, codes)


def _imports(tree: ast.Module) -> Iterator[tuple[str, str | None]]:
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name] = alias.name
                yield alias.name, None
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for alias in node.names:
                names[alias.asname or alias.name] = f"{module}{'.' if node.module else ''}{alias.name}"
                yield module, alias.name
    for node in ast.walk(tree):  # `import package as p` or `from package import module`, and then p.name, module.name
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
            yield names[node.value.id], node.attr


def _literals(tree: ast.Module) -> Iterator[tuple[str, object]]:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if len(targets) == 1 and isinstance(targets[0], ast.Name) and not targets[0].id.startswith("_"):
            try:
                value = ast.literal_eval(node.value)
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                continue
            if isinstance(value, LITERALS):
                yield targets[0].id, value


def _is_version(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign) and [getattr(t, "id", None) for t in node.targets] == ["__version__"]
