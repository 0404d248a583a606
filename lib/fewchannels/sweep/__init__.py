"""Many conditions: each computed once, kept as soon as it exists, on one machine or on many.

    cells = sweep({"top 8": lambda: {"change": ...}, "bottom 8": ...}, store=folder, key=case.key())
    cells["top 8"]["change"]                        # [n], one value a prompt

running.py runs cells here or through joblib (workers.py), store.py keeps them.
"""

from .running import SweepFailed, digest_of, sweep
from .store import Store, StoreError

__all__ = ["Store", "StoreError", "SweepFailed", "digest_of", "sweep"]
