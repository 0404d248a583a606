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
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import PurePath
from typing import Any

import numpy as np

from .callables import of_callable
from .codes import Codes
from .sources import HEX, hashed

PLAIN = (str, bool, int, float, type(None))


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


class Reading:
    """One call: values read so far, so that what is held many times is read once. values: False reads code alone."""

    def __init__(self, values: bool = True):
        self.values = values
        self.codes = Codes()
        self._known: dict[int, tuple[Any, Any]] = {}  # with the value, so that its id stays its own
        self._open: list[int] = []
        self._way: list[str] = []

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
            found = of_callable(self, value)
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
            try:
                return self.read(value.to_arrays())
            except RuntimeError:  # statistics of a run that has not begun
                return self.object(type(value), {})
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
        """What an object holds: its attributes, or what pickle would take."""
        kind = type(value)
        reduced = copyreg.dispatch_table.get(kind)
        plain = (kind.__reduce_ex__, kind.__reduce__, kind.__getstate__) == (
            object.__reduce_ex__,
            object.__reduce__,
            object.__getstate__,
        )
        if plain and reduced is None and (attributes := attributes_of(value)) is not None:
            return self.object(kind, attributes)
        try:
            parts = reduced(value) if reduced is not None else value.__reduce_ex__(4)
        except Exception as error:  # whatever it is that cannot be pickled raises
            raise self.refused(value, error) from error
        if isinstance(parts, str):
            return self.object(kind, [parts])
        function, arguments, *state = parts
        listed = [None if part is None else list(part) for part in state[1:3]]
        return self.object(kind, [function, list(arguments), *state[:1], *listed])

    def _code_within(self, value: Any) -> Any:
        """Of what is no code itself, the code among its parts."""
        if not isinstance(value, (Mapping, list, tuple, Set)):
            return self.read(type(value))
        parts = value.values() if isinstance(value, Mapping) else value
        return sorted({json.dumps(found, sort_keys=True) for part in parts if (found := self.read(part)) is not None})


def attributes_of(value: Any) -> dict[str, Any] | None:
    """What an object holds by name, without what a cached_property has worked out and what a dataclass leaves out when
    it compares; None for one that cannot hold any."""
    classes = type(value).__mro__
    slots = [slot for one in classes for slot in _listed(vars(one).get("__slots__", ())) if slot[:2] != "__"]
    if not hasattr(value, "__dict__") and not slots:
        return None
    left_out = {n for one in classes for n, part in vars(one).items() if isinstance(part, functools.cached_property)}
    if dataclasses.is_dataclass(value):
        left_out |= {field.name for field in dataclasses.fields(value) if not field.compare}
    held = {slot: getattr(value, slot) for slot in slots if hasattr(value, slot)} | getattr(value, "__dict__", {})
    return {name: one for name, one in held.items() if name not in left_out}


def _listed(slots: Any) -> list[str]:
    return [slots] if isinstance(slots, str) else list(slots)
