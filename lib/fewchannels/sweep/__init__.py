"""Many conditions: each computed once, kept as soon as it exists, on one machine or on many.

    cells = sweep({"top 8": lambda: {"change": ...}, "bottom 8": ...}, store=folder, key=case.key())
    cells["top 8"]["change"]                        # [n], one value a prompt

    table = grid({"prompts": prompts, "edit": "zero"}, channels={"top": top}, blocks=[[b] for b in range(6)])
    cells = sweep_conditions(table, store=folder, jobs=4)
    cells["top, blocks 3"]["change"]

`sweep` takes any functions; `sweep_conditions` takes a table of edits, and saves work: conditions that share prompts
and noise are generated in one batch, and the steps and blocks before their edit are computed once. conditions.py is
the table, batches.py puts its rows into batches, prefix.py and depth.py are the saving, recordings.py what a transport
takes from; the package store keeps the cells, and runs them here or elsewhere.
"""

from ..identity import code_digest
from ..store.cells import Store, StoreError
from ..store.running import digest_of, sweep
from ..store.tasks import SweepFailed
from .conditions import grid, pieces
from .recordings import Recording, unchanged
from .table import sweep_conditions

__all__ = [
    "Recording",
    "Store",
    "StoreError",
    "SweepFailed",
    "code_digest",
    "digest_of",
    "grid",
    "pieces",
    "sweep",
    "sweep_conditions",
    "unchanged",
]
