"""What stands on a model while a context is open: wrapped methods and hooks, which leave no trace however it closes.

    with around(scheduler, "step", layer):          # scheduler.step(...) is now layer(step, ...)
    with hooked(block, hook), hooked(transformer, begins, pre=True):

A method has one wrapper with a list of layers, the last one put on being the outermost, and the wrapper goes with its
last layer; so contexts may close in the order in which they were opened too. Copies of the object (copy.deepcopy,
pickle, torch.save) are made without any of it. An object belongs to the thread whose contexts stand on it: two
threads would read and change each other's runs.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_lock = threading.RLock()


@contextmanager
def around(host, name: str, layer: Callable) -> Iterator[None]:
    """While open, `host.name(...)` is `layer(inner, ...)`, inner being the method as it was. Raises RuntimeError where
    contexts of another thread stand on the host."""
    with _standing(host, lambda state: _put(state, name, wrapper.before)):
        with _lock:
            wrapper = vars(host).get(name)
            if not isinstance(wrapper, _Wrapper):
                wrapper = vars(host)[name] = _Wrapper(host, name)
            wrapper.layers.append(layer)
        try:
            yield
        finally:
            with _lock:
                wrapper.layers.remove(layer)
                if not wrapper.layers and vars(host).get(name) is wrapper:
                    _put(vars(host), name, wrapper.before)


@contextmanager
def hooked(module, hook: Callable, pre: bool = False, always: bool = False) -> Iterator[None]:
    """While open, the module has a forward hook, with `always` one that is called after an exception too, or with `pre`
    one before the forward, with keyword arguments. Raises RuntimeError where contexts of another thread stand on the
    module."""
    with _standing(module, lambda state: _unhook(state, handle.id)):
        if pre:
            handle = module.register_forward_pre_hook(hook, with_kwargs=True)
        else:
            handle = module.register_forward_hook(hook, always_call=always)
        try:
            yield
        finally:
            handle.remove()


class _Wrapper:
    """Stands on an object in a method's place. before: what stood there by another hand, None for the class's own."""

    def __init__(self, host, name):
        inner = getattr(host, name)
        functools.update_wrapper(self, inner)  # pipelines read the signature
        self.inner, self.before = inner, vars(host).get(name)
        self.layers: list[Callable] = []

    def __call__(self, *args, **kwargs):
        call = self.inner
        for layer in tuple(self.layers):
            call = functools.partial(layer, call)
        return call(*args, **kwargs)


class _Guests:
    """Stands as an object's `__getstate__`, which copies are made of. undo: for each guest, what takes it out of a
    copy's state."""

    def __init__(self, host):
        self.host, self.thread = host, threading.current_thread()
        self.undo: list[Callable] = []

    def __call__(self):
        state = type(self.host).__getstate__(self.host)
        if isinstance(state, dict):
            state = {name: value for name, value in state.items() if value is not self}
            for undo in self.undo:
                undo(state)
        return state


def stood_on(host) -> bool:
    """Whether a context of ours is open that stands on this object."""
    return isinstance(vars(host).get("__getstate__"), _Guests)


@contextmanager
def _standing(host, undo: Callable) -> Iterator[None]:
    with _lock:
        guests = vars(host).get("__getstate__")
        if not isinstance(guests, _Guests):
            guests = vars(host)["__getstate__"] = _Guests(host)
        if not guests.thread.is_alive():
            guests.thread = threading.current_thread()
        refuse_other_thread(guests.thread, host)
        guests.undo.append(undo)
    try:
        yield
    finally:
        with _lock:
            guests.undo.remove(undo)
            if not guests.undo:
                del vars(host)["__getstate__"]


def refuse_other_thread(thread: threading.Thread, host) -> None:
    """Raise RuntimeError where this is not the thread to which what stands on the host belongs."""
    if thread is not threading.current_thread():
        raise RuntimeError(
            f"the model is at work in another thread ({thread.name}): its {type(host).__name__} is in a run or a "
            f"context there, and two threads would see each other's tokens. Wait until that is done, open contexts in "
            f"the thread that generates, or load the model once for each thread"
        )


def _put(names: dict, name: str, before) -> None:
    if before is None:
        names.pop(name, None)
    else:
        names[name] = before


def _unhook(state: dict, number: int) -> None:
    for name, value in state.items():
        if "hooks" in name and isinstance(value, dict) and number in value:
            state[name] = type(value)((key, hook) for key, hook in value.items() if key != number)
