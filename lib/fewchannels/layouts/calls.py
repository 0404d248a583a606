"""What a class takes in a call: its own arguments, and those of its parents where it hands them on.

signature_of(type(pipeline), "__call__").parameters      # also of a subclass that takes *args and **kwargs
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from inspect import Parameter

OPEN = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


def signature_of(kind: type, method: str) -> inspect.Signature:
    """The signature of a method, in which **kwargs stand for what the parent's method takes.

    >>> class Parent:
    ...     def call(self, prompt, steps=20): ...
    >>> class Child(Parent):
    ...     def call(self, *args, strength=1.0, **kwargs): ...
    >>> signature_of(Child, "call")
    <Signature (self, prompt, steps=20, *, strength=1.0)>
    """
    found: dict[str, Parameter] = {}
    for function in _functions(kind, method):
        own = dict(inspect.signature(function).parameters)
        if found and all(name == "self" or one.kind in OPEN for name, one in own.items()):
            continue  # it names nothing: the roots of torch and diffusers, or one more that hands on
        found = _joined(found, own) if found else own
        if not is_open(found):
            break
    return inspect.Signature(list(found.values()), __validate_parameters__=False)


def is_open(parameters) -> bool:
    """Whether arguments of any name are taken."""
    return any(one.kind is Parameter.VAR_KEYWORD for one in parameters.values())


def mentions(kind: type, method: str, word: str) -> bool:
    """Whether the code of a method, or of the parent's that it calls, names an attribute or holds the string `word`."""
    for function in _functions(kind, method):
        code = inspect.unwrap(function).__code__
        if word in (*code.co_names, *code.co_consts):
            return True
        if "super" not in code.co_names and not is_open(inspect.signature(function).parameters):
            return False
    return False


def _functions(kind: type, method: str) -> Iterator[Callable]:
    return (vars(base)[method] for base in kind.__mro__ if method in vars(base))


def _joined(own: dict[str, Parameter], parent: dict[str, Parameter]) -> dict[str, Parameter]:
    """Parameters of a method that takes **kwargs, the parent's in their place."""
    positions = any(one.kind is Parameter.VAR_POSITIONAL for one in own.values())
    joined = {name: one for name, one in own.items() if one.kind not in OPEN}
    for name, one in parent.items():
        if one.kind is Parameter.VAR_KEYWORD or positions:
            joined.setdefault(name, one)
        elif one.kind is not Parameter.VAR_POSITIONAL:
            joined.setdefault(name, one.replace(kind=Parameter.KEYWORD_ONLY))
    return dict(sorted(joined.items(), key=lambda item: item[1].kind))
