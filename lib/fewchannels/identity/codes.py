"""Modules as code: found by their imports, those inside of functions too, and not by a list that somebody has to keep.

    Codes().reached("fewchannels.edits.ablation")     # {"fewchannels.edits.ablation": digest, ...}

Their source counts, and what was changed in memory since. Only code of this library and of files outside of Python's
own folders is followed.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import inspect
import site
import sys
import sysconfig
import types
from collections.abc import Iterator
from pathlib import Path

from .sources import LITERALS, Source, of_code, source_of

OURS = __name__.partition(".")[0]


class Codes:
    """Modules as one call finds them, loaded or not: where they lie, what they import, the digest of their code."""

    def __init__(self):
        self._files: dict[str, Path | None] = {}
        self._kinds: dict[str, str] = {}
        self._digests: dict[str, str] = {}
        self._reached: dict[str, dict[str, str]] = {}

    def kind(self, name: str) -> str:
        """Where a module's code comes from: "ours", "file" (outside of Python's own folders), "installed", or "memory",
        as of a notebook's cells."""
        if name not in self._kinds:
            self._kinds[name] = self._kind(name)
        return self._kinds[name]

    def _kind(self, name: str) -> str:
        if name.partition(".")[0] == OURS:
            return "ours"
        file = self.file(name)
        if file is None:
            module = sys.modules.get(name)
            spec = _spec(name) if module is None else getattr(module, "__spec__", None)
            return "memory" if spec is None else "installed"
        return "installed" if is_installed(file) else "file"

    def followed(self, name: str) -> bool:
        """Whether a module's code counts, and that of what it imports."""
        return self.kind(name) in ("ours", "file")

    def file(self, name: str) -> Path | None:
        """The source file of a module; None where there is none."""
        if name not in self._files:
            self._files[name] = self._file(name)
        return self._files[name]

    def _file(self, name: str) -> Path | None:
        module = sys.modules.get(name)
        file = getattr(module, "__file__", None)
        if module is None:
            package, _, last = name.rpartition(".")
            if not package:
                file = getattr(_spec(name), "origin", None)
            else:
                above = self.file(package)
                if above is None or above.name != "__init__.py":
                    return None
                choices = above.parent / f"{last}.py", above.parent / last / "__init__.py"
                file = next((choice for choice in choices if choice.is_file()), None)
        return _resolved(str(file)) if str(file).endswith(".py") else None

    def reached(self, name: str) -> dict[str, str]:
        """Digest of the code of each module that this one reaches by its imports, itself included, by its name; nothing
        of a module that is not followed."""
        if name in self._reached:
            return self._reached[name]
        found: dict[str, str] = {}
        todo = [name] if self.followed(name) else []
        while todo:
            at = todo.pop()
            file = self.file(at)
            if at in found or file is None:
                continue
            found[at] = self.digest(at)
            todo += [there for module, what in source_of(file).imports for there in self.imported(module, what, at)]
        self._reached[name] = found
        return found

    def imported(self, module: str, what: str | None, importer: str) -> list[str]:
        """Followed modules that `import module`, or `from module import what`, brings in. module: as in the source,
        with its leading dots; importer: the name of the module in which it stands."""
        level = len(module) - len(module.lstrip("."))
        if level:
            file = self.file(importer)
            package = importer if file is not None and file.name == "__init__.py" else importer.rpartition(".")[0]
            for _ in range(level - 1):
                package = package.rpartition(".")[0]
            module = ".".join(filter(None, (package, module.lstrip("."))))
        if not self.followed(module):
            return []
        if what is None:
            return [module]
        if self.file(inner := f"{module}.{what}") is not None:
            return [inner]
        # a package that fetches its names at their first use says in _HOME where they live
        homes = getattr(sys.modules.get(module), "_HOME", None)
        home = homes.get(what) if isinstance(homes, dict) else None
        return [module, f"{module}.{home}"] if home else [module]

    def digest(self, name: str) -> str:
        """Of the code of a followed module's own file, and where it is loaded of what is another there: see `of`."""
        if name not in self._digests:
            self._digests[name] = self.of(self.file(name), sys.modules.get(name))
        return self._digests[name]

    def of(self, file: Path, module: types.ModuleType | None) -> str:
        """Digest of a file's code, and of what is another in its loaded module: a function that was put in place of its
        own, a constant that was set, or all of it where the file was edited since."""
        source = source_of(file)
        if module is None:
            return source.digest
        changed: dict[str, object] = {}
        for name, value in source.literals.items():
            if name in vars(module) and _differs(vars(module)[name], value):
                changed[name] = repr(vars(module)[name])
        for name, function in _functions(module):
            if name.partition(".")[0] not in source.names:  # put there later, as by a package that fetches its names
                continue
            code, home = function.__code__, home_of(function)
            if code.co_filename == "<string>" or not self.followed(home):  # made by dataclass; of an installed package
                continue
            own = home == module.__name__ and of_code(code) in source.codes
            if not own and not self._is_imported(function, source, module.__name__):
                held = [cell_value(cell) for cell in function.__closure__ or ()]
                changed[name] = [of_code(code), [repr(one) for one in held if isinstance(one, LITERALS)]]
        if not changed:
            return source.digest
        return hashlib.sha256(repr([source.digest, sorted(changed.items())]).encode()).hexdigest()[:16]

    def _is_imported(self, function: types.FunctionType, source: Source, importer: str) -> bool:
        """Whether a function is one that its name's import brings in; its own file is looked at by itself."""
        package = home_of(function).partition(".")[0]
        return any(
            there.partition(".")[0] == package
            for module, what in source.imports
            if what == function.__qualname__
            for there in self.imported(module, what, importer)
        )


def _spec(name: str):
    """Of the package that a module stands in, loaded or not; None where there is none."""
    try:
        return importlib.util.find_spec(name.partition(".")[0])
    except (ImportError, ValueError):
        return None


def is_installed(file: Path) -> bool:
    """Whether a file lies in one of Python's own folders."""
    return not {"site-packages", "dist-packages"}.isdisjoint(file.parts) or any(map(file.is_relative_to, _installed()))


@functools.cache
def _installed() -> tuple[Path, ...]:
    own = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return tuple({Path(folder).resolve() for folder in [*own, *site.getsitepackages(), site.getusersitepackages()]})


def home_of(value: types.FunctionType | type) -> str:
    """The module that a function or a class was made in."""
    name = value.__module__ if isinstance(value, type) else value.__globals__.get("__name__")
    return name or ""


def found_at_home(value: types.FunctionType | type) -> bool:
    """Whether it is found in a module under its own name, so that this name says which it is."""
    found: object = sys.modules.get(value.__module__ or "")
    for part in value.__qualname__.split("."):
        found = vars(found).get(part) if isinstance(found, (type, types.ModuleType)) else None
        found = found.__func__ if isinstance(found, (staticmethod, classmethod)) else found
    return found is value


_resolved = functools.cache(lambda file: Path(file).resolve())


def _differs(now: object, written: object) -> bool:
    return type(now) is not type(written) or now != written


def _functions(module: types.ModuleType) -> Iterator[tuple[str, types.FunctionType]]:
    for name, value in vars(module).items():
        if isinstance(value, type) and value.__module__ == module.__name__:
            for inner, part in vars(value).items():
                yield from ((f"{name}.{inner}", function) for function in _inside(part))
        else:
            yield from ((name, function) for function in _inside(value))


def _inside(value: object) -> list[types.FunctionType]:
    """Python functions that a function, a method's descriptor or a decorated function comes to."""
    if isinstance(value, property):
        return [one for part in (value.fget, value.fset, value.fdel) if part is not None for one in _inside(part)]
    value = getattr(value, "func", value) if isinstance(value, functools.cached_property) else value
    value = getattr(value, "__func__", value) if isinstance(value, (staticmethod, classmethod)) else value
    if isinstance(value, (types.FunctionType, functools._lru_cache_wrapper)):
        value = inspect.unwrap(value)
    return [value] if isinstance(value, types.FunctionType) else []


def cell_value(cell: types.CellType, empty: object = None) -> object:
    """What a closure holds in a place; `empty` where that was never filled."""
    try:
        return cell.cell_contents
    except ValueError:
        return empty
