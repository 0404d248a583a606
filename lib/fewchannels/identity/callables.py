"""Code as content: classes, modules, functions, and what is made of functions, with the values that they hold."""

from __future__ import annotations

import functools
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .codes import cell_value, found_at_home, home_of, is_installed
from .sources import hashed, instructions, of_code

if TYPE_CHECKING:
    from .values import Reading

# of a class's own dict, what says nothing of what its objects do
UNTOLD = {
    "__module__",
    "__dict__",
    "__weakref__",
    "__doc__",
    "__annotations__",
    "__annotate__",
    "__annotate_func__",
    "__annotations_cache__",
    "__firstlineno__",
    "__static_attributes__",
    "__dataclass_fields__",
    "__slots__",
    "__dataclass_params__",
    "__match_args__",
    "__abstractmethods__",
    "_abc_impl",
    "__parameters__",
    "__orig_bases__",
}
EMPTY = "an empty cell"
BUILT_IN = (
    types.WrapperDescriptorType,
    types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
)


def of_callable(reading: Reading, value: Any) -> Any:
    """Of a class, a module, a function, or what is made of functions; None for all else."""
    if isinstance(value, types.FunctionType):
        return _function(reading, value)
    if isinstance(value, type):
        return _class(reading, value)
    if isinstance(value, types.ModuleType):
        return _module(reading, value)
    if isinstance(value, types.MethodType):
        held = reading.read(value.__self__, f"{value.__name__}'s object")
        return {"method": reading.read(value.__func__), "of": held}
    if isinstance(value, functools.partial):
        parts = {"function": value.func, "arguments": value.args, "options": value.keywords}
        return {name: reading.read(part, f"partial's {name}") for name, part in parts.items()}
    if isinstance(value, functools._lru_cache_wrapper):
        return reading.read(value.__wrapped__)
    if isinstance(value, (staticmethod, classmethod)):
        return reading.read(value.__func__)
    if isinstance(value, property):
        return [reading.read(part) for part in (value.fget, value.fset, value.fdel)]
    if isinstance(value, functools.cached_property):
        return reading.read(value.func)
    if isinstance(value, (types.BuiltinFunctionType, types.MethodWrapperType)):
        owner = value.__self__
        of = [] if owner is None or isinstance(owner, types.ModuleType) else [reading.read(owner)]
        return {"builtin": f"{getattr(value, '__module__', None)}.{value.__qualname__}", "of": of}
    if isinstance(value, BUILT_IN):
        return {"builtin": f"{value.__objclass__.__module__}.{value.__qualname__}"}
    return None


def _module(reading: Reading, value: types.ModuleType) -> dict:
    name, file = value.__name__, getattr(value, "__file__", None)
    if reading.codes.kind(name) == "memory":
        return {"module": reading.read({name: one for name, one in vars(value).items() if name[:2] != "__"})}
    place = Path(file).resolve() if str(file).endswith(".py") else None
    if place is None or (reading.codes.kind(name) == "installed" and is_installed(place)):
        return {"module": name}
    return {"module": reading.codes.of(place, value), "reaches": _reached(reading, name)}


def _function(reading: Reading, value: types.FunctionType) -> dict:
    home = home_of(value)
    kind, named = reading.codes.kind(home), found_at_home(value)
    if named and kind == "installed":
        return {"function": f"{value.__module__}.{value.__qualname__}"}
    # a file's own function is known by its name, as the file's code counts as a whole
    whole = named and kind != "memory"
    found = {"function": f"{home}.{value.__qualname__}" if whole else of_code(value.__code__)}
    held: dict[str, Any] = {}
    for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
        held[name] = cell_value(cell, EMPTY)
    held |= {f"default {i}": one for i, one in enumerate(value.__defaults__ or ())}
    held |= {f"default {name}": one for name, one in (value.__kwdefaults__ or {}).items()}
    held |= {name: one for name, one in vars(value).items() if name != "__wrapped__"}
    modules = {home}
    if kind != "installed":
        outside, reaches = _outside(reading, value, home)
        modules |= reaches
        # what this library's modules hold is none of a result's inputs
        held |= {} if kind == "ours" else outside
    for name, one in held.items():
        if (part := reading.read(one, f"{name!r} of {value.__qualname__}")) is not None or reading.values:
            found.setdefault("holds", {})[name] = part
    found["reaches"] = [_reached(reading, name) for name in sorted(modules)]
    return {"function": hashed(found)}


def _outside(reading: Reading, function: types.FunctionType, home: str) -> tuple[dict[str, Any], set[str]]:
    """What a function takes from its module, by name, and the modules among it, with those that it imports."""
    names, used = set(), set()
    reaches: set[str] = set()
    for step in instructions(function.__code__):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            names.add(step.argval)
        elif step.opname == "IMPORT_NAME":
            reaches.update(reading.codes.imported(step.argval, None, home))
        elif isinstance(step.argval, str):
            used.add(step.argval)
    held = {name: function.__globals__[name] for name in sorted(names) if name in function.__globals__}
    for name, one in list(held.items()):
        if isinstance(one, types.ModuleType) and reading.codes.kind(one.__name__) != "memory":
            del held[name]
            reaches.update(
                place for what in [None, *used] for place in reading.codes.imported(one.__name__, what, home)
            )
    return held, reaches


def _class(reading: Reading, kind: type) -> dict:
    home = home_of(kind)
    where, named = reading.codes.kind(home), found_at_home(kind)
    if named and where in ("installed", "ours"):
        return {"class": f"{home}.{kind.__qualname__}", "reaches": _reached(reading, home)}
    members = {name: part for name, part in vars(kind).items() if name not in UNTOLD}
    found = {
        name: part for name, one in members.items() if (part := reading.read(one, name)) is not None or reading.values
    }
    bases = [reading.read(base) for base in kind.__bases__]
    return {"class": hashed([found, bases, _reached(reading, home)])}


def _reached(reading: Reading, name: str) -> str:
    return hashed(reading.codes.reached(name))
