"""Many conditions: each computed once, kept as soon as it exists, on one machine or on many.

    cells = sweep({"top 8": lambda: {"change": ...}, "bottom 8": ...}, store=folder, key=case.key())
    cells["top 8"]["change"]                        # [n], one value a prompt

    table = grid({"prompts": prompts, "edit": "zero"}, channels={"top": top}, blocks=[[b] for b in range(6)])
    cells = sweep_conditions(table, store=folder, jobs=4)
    cells["top, blocks 3"]["change"]

`sweep` takes any functions; `sweep_conditions` takes a table of edits, and saves work: conditions that share prompts
and noise are generated in one batch, and the steps before their edit are computed once. running.py runs cells here or
through joblib (processes.py, and workers.py for models), store.py keeps them, conditions.py is the table, batches.py
and prefix.py are the saving.
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
