"""Values as JSON that is equal exactly where they are. Numbers, texts, lists and dicts stay readable, arrays and
tensors become their digest, and what is more than that its class and the digest of what it holds."""

from __future__ import annotations

import copyreg
import dataclasses
import enum
import functools
import hashlib
import json
import math
import sys
import types
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from .codes import Codes, cell_value, found_at_home, home_of, instructions, is_installed, of_code

HEX = 32
PLAIN = (str, bool, int, float, type(None))
# of a class's own dict, what says nothing of what its objects do
UNTOLD = {
    "__module__", "__dict__", "__weakref__", "__doc__", "__annotations__", "__annotate__", "__annotate_func__",
    "__annotations_cache__", "__firstlineno__", "__static_attributes__", "__dataclass_fields__", "__slots__",
    "__dataclass_params__", "__match_args__", "__abstractmethods__", "_abc_impl", "__parameters__", "__orig_bases__",
}  # fmt: skip
EMPTY = "an empty cell"


class NoContent(TypeError):
    """A value holds something that nothing could know it by. The message says where, and what to pass instead."""


def content(value: Any) -> Any:
    """A value as JSON that is equal exactly where the value is.

    Tuples are lists. A `ChannelSet` is what it chooses, without its label. Raises NoContent (a TypeError) for what
    cannot be read, such as a generator or a lock, with the way to it.
    """
    return Reading().read(value)


def digest(value: Any) -> str:
    """32 hexadecimal digits of `content`; errors as of it.

    >>> digest(functools.partial(round, ndigits=1)) == digest(functools.partial(round, ndigits=2))
    False
    """
    return hashed(content(value))


def code_digest(*parts: Any) -> str:
    """Digest of the code of functions, classes or modules, and of all files that they reach by imports: comments,
    docstrings and layout do not count. Of what a function holds its code counts, and no value.

    >>> code_digest(content) == code_digest(content) != code_digest(digest)
    True
    """
    return hashed(code_digests(parts))[:16]


def code_digests(parts: Iterable[Any]) -> list[str]:
    """`code_digest` of each of several parts, for which files are looked at once."""
    reading = Reading(values=False)
    return [hashed(reading.read(part))[:16] for part in parts]


def hashed(value: Any) -> str:
    """Digest of JSON."""
    text = json.dumps(value, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:HEX]


class Reading:
    """One call: values read so far, so that what is held many times is read once. values: False reads code alone."""

    def __init__(self, values: bool = True):
        self.values = values
        self._known: dict[int, tuple[Any, Any]] = {}  # with the value, so that its id stays its own
        self._open: list[int] = []
        self._way: list[str] = []
        self._codes = Codes()

    def read(self, value: Any, *way: str) -> Any:
        """The content of a value. way: what it is called in what holds it, for errors."""
        if isinstance(value, PLAIN) and not isinstance(value, enum.Enum):
            if not self.values:
                return None
            if isinstance(value, float) and not math.isfinite(value):
                return {"float": str(value)}  # JSON has none
            return value
        if id(value) in self._known:
            return self._known[id(value)][1]
        if id(value) in self._open:
            return {"holds itself": len(self._open) - self._open.index(id(value))}
        self._open.append(id(value))
        self._way.extend(way)
        try:
            found = self._code(value)
            if found is None:
                found = self._value(value) if self.values else self._code_within(value)
        finally:
            self._open.pop()
            del self._way[len(self._way) - len(way) :]
        self._known[id(value)] = value, found
        return found

    def object(self, kind: type, held: Mapping[str, Any] | Sequence) -> dict:
        """What is known by its class and by what it holds."""
        if isinstance(held, Mapping):
            held = {str(name): self.read(one, str(name)) for name, one in held.items()}
        return {"class": self.read(kind), "holds": hashed(held if isinstance(held, dict) else self.read(held))}

    def refused(self, value: Any, why: object = "") -> NoContent:
        """The error for a value that cannot be read."""
        where = f" ({'.'.join(self._way)})" if self._way else ""
        reason = f": {' '.join(str(why).split())}" if str(why) else ""
        return NoContent(
            f"{type(value).__name__}{where} has no content that a store could know it by{reason}. Pass arrays, JSON "
            "values, functions of these or objects that hold them, or give its class a method known_by() that returns "
            "such"
        )

    # values

    def _value(self, value: Any) -> Any:
        if callable(known_by := getattr(value, "known_by", None)):
            return self.read(known_by())
        if isinstance(value, enum.Enum):
            return {"member": value.name, "class": self.read(type(value))}
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, np.generic):
            plain = value.item()
            return self.read(plain) if isinstance(plain, PLAIN) else self._array(np.asarray(value))
        if "torch" in sys.modules:
            from .networks import of_torch

            if (found := of_torch(self, value)) is not None:
                return found
        if hasattr(value, "to_arrays"):
            return self.read(value.to_arrays())
        if isinstance(value, (bytes, bytearray, memoryview)):
            return {"bytes": hashlib.sha256(value).hexdigest()[:HEX]}
        if isinstance(value, Mapping):
            return self._mapping(value)
        if isinstance(value, Set):
            return {"set": sorted(map(self.read, value), key=json.dumps)}
        if isinstance(value, (Sequence, range)):
            return [self.read(one, f"[{i}]") for i, one in enumerate(value)]
        if isinstance(value, PurePath):
            return {"path": str(value)}
        return self._held(value)

    def _array(self, array: np.ndarray) -> Any:
        told = {"dtype": str(array.dtype), "shape": list(array.shape)}
        if array.dtype.hasobject:
            return {"objects": self.read(array.ravel().tolist()), **told}
        return {"array": hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:HEX], **told}

    def _mapping(self, value: Mapping) -> Any:
        if all(type(name) is str for name in value):
            return {name: self.read(one, name) for name, one in value.items()}
        rows = [[self.read(name), self.read(one, str(name))] for name, one in value.items()]  # 1 and "1" are two names
        return {"pairs": sorted(rows, key=json.dumps)}

    def _held(self, value: Any) -> Any:
        """What an object holds: the fields of a dataclass, its attributes, or what pickle would take."""
        kind = type(value)
        if dataclasses.is_dataclass(value):
            names = [field.name for field in dataclasses.fields(value) if field.compare]
            return self.object(kind, {name: getattr(value, name) for name in names if hasattr(value, name)})
        reduced = copyreg.dispatch_table.get(kind)
        plain = (kind.__reduce_ex__, kind.__reduce__, kind.__getstate__) == (
            object.__reduce_ex__, object.__reduce__, object.__getstate__
        )  # fmt: skip
        if plain and reduced is None and (attributes := attributes_of(value)) is not None:
            return self.object(kind, attributes)
        try:
            parts = reduced(value) if reduced is not None else value.__reduce_ex__(4)
        except Exception as error:  # whatever it is that cannot be pickled raises
            raise self.refused(value, error) from error
        if isinstance(parts, str):
            return self.object(kind, [parts])
        function, arguments, *state = parts
        return self.object(
            kind, [function, list(arguments), *state[:1], *(None if s is None else list(s) for s in state[1:3])]
        )

    # code

    def _code(self, value: Any) -> Any:
        """Of a class, a module, a function, or what is made of functions; None for all else."""
        if isinstance(value, types.FunctionType):
            return self._function(value)
        if isinstance(value, type):
            return self._class(value)
        if isinstance(value, types.ModuleType):
            return self._module(value)
        if isinstance(value, types.MethodType):
            return {"method": self.read(value.__func__), "of": self.read(value.__self__, f"{value.__name__}'s object")}
        if isinstance(value, functools.partial):
            parts = {"function": value.func, "arguments": value.args, "options": value.keywords}
            return {name: self.read(part, f"partial's {name}") for name, part in parts.items()}
        if isinstance(value, functools._lru_cache_wrapper):
            return self.read(value.__wrapped__)
        if isinstance(value, (staticmethod, classmethod)):
            return self.read(value.__func__)
        if isinstance(value, property):
            return [self.read(part) for part in (value.fget, value.fset, value.fdel)]
        if isinstance(value, functools.cached_property):
            return self.read(value.func)
        if isinstance(value, (types.BuiltinFunctionType, types.MethodWrapperType)):
            owner = value.__self__
            of = [] if owner is None or isinstance(owner, types.ModuleType) else [self.read(owner)]
            return {"builtin": f"{getattr(value, '__module__', None)}.{value.__qualname__}", "of": of}
        if isinstance(value, BUILT_IN):
            return {"builtin": f"{value.__objclass__.__module__}.{value.__qualname__}"}
        return None

    def _code_within(self, value: Any) -> Any:
        """Of what is no code itself, the code among its parts."""
        if not isinstance(value, (Mapping, list, tuple, Set)):
            return self.read(type(value))
        parts = value.values() if isinstance(value, Mapping) else value
        return sorted({json.dumps(found, sort_keys=True) for part in parts if (found := self.read(part)) is not None})

    def _module(self, value: types.ModuleType) -> dict:
        name, file = value.__name__, getattr(value, "__file__", None)
        if self._codes.kind(name) == "memory":
            return {"module": self.read({name: one for name, one in vars(value).items() if name[:2] != "__"})}
        if not str(file).endswith(".py") or (
            self._codes.kind(name) == "installed" and is_installed(Path(file).resolve())
        ):
            return {"module": name}
        return {"module": self._codes.of(Path(file).resolve(), value), "reaches": self._reached(name)}

    def _function(self, value: types.FunctionType) -> dict:
        home = home_of(value)
        kind, named = self._codes.kind(home), found_at_home(value)
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
            outside, reaches = self._outside(value, home)
            modules |= reaches
            # what this library's modules hold is none of a result's inputs
            held |= {} if kind == "ours" and whole else outside
        for name, one in held.items():
            if (part := self.read(one, f"{name!r} of {value.__qualname__}")) is not None or self.values:
                found.setdefault("holds", {})[name] = part
        found["reaches"] = [self._reached(name) for name in sorted(modules)]
        return {"function": hashed(found)}

    def _outside(self, function: types.FunctionType, home: str) -> tuple[dict[str, Any], set[str]]:
        """What a function takes from its module, by name, and the modules among it, with those that it imports."""
        names, used = set(), set()
        reaches: set[str] = set()
        for step in instructions(function.__code__):
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                names.add(step.argval)
            elif step.opname == "IMPORT_NAME":
                reaches.update(self._codes.imported(step.argval, None, home))
            elif isinstance(step.argval, str):
                used.add(step.argval)
        held = {name: function.__globals__[name] for name in sorted(names) if name in function.__globals__}
        for name, one in list(held.items()):
            if isinstance(one, types.ModuleType) and self._codes.kind(one.__name__) != "memory":
                del held[name]
                reaches.update(
                    place for what in [None, *used] for place in self._codes.imported(one.__name__, what, home)
                )
        return held, reaches

    def _class(self, kind: type) -> dict:
        home = home_of(kind)
        where, named = self._codes.kind(home), found_at_home(kind)
        if named and where in ("installed", "ours"):
            return {"class": f"{home}.{kind.__qualname__}", "reaches": self._reached(home)}
        members = {name: part for name, part in vars(kind).items() if name not in UNTOLD}
        found = {
            name: part for name, one in members.items() if (part := self.read(one, name)) is not None or self.values
        }
        bases = [self.read(base) for base in kind.__bases__]
        return {"class": hashed([found, bases, self._reached(home)])}

    def _reached(self, name: str) -> str:
        return hashed(self._codes.reached(name))


BUILT_IN = (types.WrapperDescriptorType, types.MethodDescriptorType, types.ClassMethodDescriptorType,
            types.GetSetDescriptorType, types.MemberDescriptorType)  # fmt: skip


def attributes_of(value: Any) -> dict[str, Any] | None:
    """What an object holds by name, without what a cached_property has worked out; None for one that cannot."""
    classes = type(value).__mro__
    slots = [slot for one in classes for slot in _listed(vars(one).get("__slots__", ())) if slot[:2] != "__"]
    if not hasattr(value, "__dict__") and not slots:
        return None
    made = {n for one in classes for n, part in vars(one).items() if isinstance(part, functools.cached_property)}
    held = {slot: getattr(value, slot) for slot in slots if hasattr(value, slot)}
    return (
        held | {name: part for name, part in vars(value).items() if name not in made}
        if hasattr(value, "__dict__")
        else held
    )


def _listed(slots: Any) -> list[str]:
    return [slots] if isinstance(slots, str) else list(slots)
