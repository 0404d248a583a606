"""Which layers and which steps: the one reading of what a caller writes for them.

    chosen_layers(model.layers, ["transformer_blocks.3", -1])      # depth indices
    chosen_steps(slice(None, 4), total)                            # step indices

Whole numbers may be Python's, NumPy's or tensors without axes; negative ones count from the end. Truth values are a
mask, one of every layer or step.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence

import numpy as np


def listed(what: str, given, names: bool = False) -> list | None:
    """A choice as a list of ints, slices, masks (bool arrays) and where there are any names; None, for all, stays None.
    `what` names it in the ValueError that is raised for anything else.

    >>> listed("steps", np.int64(3)), listed("steps", [True, False])
    ([3], [array([ True, False])])
    """
    if given is None:
        return None
    if hasattr(given, "detach"):
        given = given.detach().cpu().numpy()
    if isinstance(given, np.ndarray) and given.ndim:
        if given.ndim > 1:
            raise ValueError(f"{what} of shape {given.shape}: expected one axis")
        given = list(given)
    if isinstance(given, (str, slice)) or not isinstance(given, Iterable) or isinstance(given, np.ndarray):
        return [_item(what, given, given, names)]
    items = [_plain(item) for item in given]
    if items and all(isinstance(item, bool) for item in items):
        return [np.array(items)]
    return [_item(what, item, given, names) for item in items]


def chosen_layers(names: Sequence[str], layers) -> frozenset[int]:
    """Depth indices from None, a number, a name, a slice, several of these, or a mask. Raises ValueError for an unknown
    or no layer.

    >>> sorted(chosen_layers(("blocks.0", "blocks.1", "blocks.2"), ["blocks.0", -1]))
    [0, 2]
    """
    items = listed("layers", layers, names=True)
    if items is None:
        return frozenset(range(len(names)))
    chosen: set[int] = set()
    for item in items:
        if isinstance(item, str):
            if item not in names:
                raise ValueError(f"unknown layer {item!r}; the model has {', '.join(names)}")
            chosen.add(names.index(item))
        elif isinstance(item, int) and not -len(names) <= item < len(names):
            raise ValueError(f"layer {item} is out of range: the model has {len(names)} blocks, 0 to {len(names) - 1}")
        else:
            chosen.update(_indices("layers", item, len(names)))
    if not chosen:
        raise ValueError(f"layers={layers!r} chooses no block of the {len(names)} of this model")
    return frozenset(chosen)


def chosen_steps(steps, total: int | None, run=None) -> frozenset[int] | None:
    """Step indices of a trajectory of `total` steps; None for all. run: whether it is known to have just these, so that
    a number beyond them is refused. Raises ValueError for what is no choice of steps, and where one is out of range."""
    items = listed("steps", steps)
    if items is None:
        return None
    for item in items:
        if total is None and (not isinstance(item, int) or item < 0):
            raise ValueError(f"steps={steps!r}: the number of steps is not known here, so pass step indices from 0 on")
        if total is not None and isinstance(item, int) and (item < -total or (run is not None and item >= total)):
            raise ValueError(f"step {item} is out of range: the trajectory has {total} steps, 0 to {total - 1}")
    return frozenset(index for item in items for index in _indices("steps", item, total))


def _indices(what: str, item, count: int | None) -> Iterable[int]:
    if isinstance(item, slice):
        return range(count)[item]
    if isinstance(item, np.ndarray):
        if len(item) != count:
            raise ValueError(f"{what}: a mask of {len(item)} truth values, and there are {count}: pass one of each")
        return np.flatnonzero(item).tolist()
    return [item if item >= 0 else item + count]


def _plain(item):
    """An element of a list, as a bool where it is a truth value."""
    if hasattr(item, "detach"):
        item = item.detach().cpu().numpy()
    if isinstance(item, np.ndarray) and not item.ndim:
        item = item[()]
    return bool(item) if isinstance(item, np.bool_) else item


def _item(what: str, item, given, names=False):
    item = _plain(item)
    if isinstance(item, np.ndarray) and item.dtype == bool and item.ndim == 1:
        return item
    if isinstance(item, slice):
        parts = item.start, item.stop, item.step
        return slice(*(None if part is None else _item(what, part, given) for part in parts))
    if isinstance(item, str) and names:
        return str(item)
    try:
        if not isinstance(item, bool):
            return operator.index(item)
    except TypeError:
        pass
    raise ValueError(
        f"{what}={given!r}: expected whole numbers, a slice, a mask with one truth value of each"
        + (", or names" if names else "")
    )
