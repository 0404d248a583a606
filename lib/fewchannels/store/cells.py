"""A folder that keeps the result of each cell of a sweep: whole, checked, and computed by one process at a time.

    store = Store(folder)
    store.read(digest)                              # {"change": array}, or None where there is none that is sound
    with store.claim(digest) as mine:               # mine is False where another living process computes that cell
        store.write(digest, "top 8", {"change": array})

A cell is one safetensors file, named by the digest of what it hangs on, and written whole or not at all. It bears a
checksum over its digest, name, key and arrays, so that a file that was cut short, flipped, edited or renamed
is found out and computed again. (Who edits a file and its checksum is not found out: that takes a signature.) A claim
is a lock of the operating system on a file in `.claims`; when a process dies, the system takes its locks away.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from ..disk import remedy, scraps, try_folder, write_whole

CLAIMS = ".claims"
CODE = "computed by"  # in a cell's key: the function's name and the digest of its code
RECORD = "fewchannels.cell"  # the one entry of the file's metadata, JSON


class StoreError(OSError):
    """The folder cannot be written or read. The message names it, the reason, and what to do."""


class Store:
    """Cells in `folder`, which is made when the first one is claimed.

    damaged: digests of the files that `read` found unsound.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder).expanduser()
        self.damaged: list[str] = []
        self._tried = False
        if self.folder.exists() and not self.folder.is_dir():
            raise StoreError(errno.ENOTDIR, f"the store {self.folder} is a file: name a folder")

    def __contains__(self, digest: str) -> bool:
        return self.read(digest) is not None

    def path(self, digest: str) -> Path:
        return self.folder / f"{digest}.safetensors"

    def read(self, digest: str, code: Mapping[str, str] | None = None) -> dict[str, np.ndarray] | None:
        """Arrays by name; None where there are none, or where the file is unsound (then see `damaged`). code: digests
        of functions by their names; a cell that one of them gave when its code was another is not there.

        Raises StoreError where the file is there and may not be read.
        """
        found = self._read(digest)
        if found is None:
            return None
        before = found[0]["key"].get(CODE) or {}
        return None if any(before.get(name, now) != now for name, now in (code or {}).items()) else found[1]

    def cells(self) -> Iterator[tuple[str, dict, dict[str, np.ndarray]]]:
        """(name, key, arrays) of every sound cell, in the order of their names."""
        found = [self._read(path.stem) for path in self.folder.glob("*.safetensors")]
        for record, arrays in sorted(filter(None, found), key=lambda cell: cell[0]["condition"]):
            yield record["condition"], record["key"], arrays

    def _read(self, digest: str) -> tuple[dict, dict[str, np.ndarray]] | None:
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.path(digest), "numpy") as file:
                arrays = {name: file.get_tensor(name) for name in file.keys()}
                record = json.loads((file.metadata() or {})[RECORD])
            if record.pop("sha256") == _checksum(digest, record, arrays):
                return record, arrays
        except FileNotFoundError:
            return None
        except PermissionError as error:
            raise self._refused("read", error) from error
        except (SafetensorError, OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError):
            pass  # whatever it is, we did not write it like this
        self.damaged.append(digest)
        return None

    def write(self, digest: str, name: str, arrays: Mapping[str, np.ndarray], key: Mapping | None = None) -> None:
        """Keep a cell. Raises StoreError where the folder takes no file, and leaves nothing half-written;
        TypeError for arrays that are no numbers."""
        from safetensors.numpy import save

        stored = {part: _storable(part, array) for part, array in arrays.items()}
        record = {"condition": name, "key": dict(key or {})}
        record["sha256"] = _checksum(digest, record, stored)
        # one entry, as safetensors writes several in any order, and equal cells shall be equal files
        metadata = {RECORD: json.dumps(record, sort_keys=True)}
        try:
            write_whole(self.path(digest), save(stored, metadata=metadata))
        except OSError as error:
            raise self._refused("written", error) from error

    @contextlib.contextmanager
    def claim(self, digest: str) -> Iterator[bool]:
        """True while the cell is this process's to compute, False where another holds it. Does not wait.

        Raises StoreError where the folder cannot be written.
        """
        lock = self.take(digest)
        try:
            yield lock is not None
        finally:
            if lock is not None:
                self.give_back(lock, digest in self)

    def take(self, digest: str):
        """A held lock with a method release(), or None where another process holds the cell."""
        from filelock import FileLock, Timeout

        try:
            (self.folder / CLAIMS).mkdir(parents=True, exist_ok=True)
            if not self._tried:  # a claim can be had where no cell can be written
                try_folder(self.folder)
                self._tried = True
            # a sweep takes claims in joblib's threads and gives them back in its own
            lock = FileLock(self.folder / CLAIMS / digest, thread_local=False)
            lock.acquire(blocking=False)
        except Timeout:
            return None
        except OSError as error:
            raise self._refused("written", error) from error
        for scrap in scraps(self.path(digest)):  # of a process that was killed while it wrote this cell
            scrap.unlink(missing_ok=True)
        return lock

    def give_back(self, lock, done: bool) -> None:
        """Release a lock. done: the cell is kept, so that whoever gets its file next will find the result, and the file
        can go; on a file that is gone two processes could otherwise each hold a lock."""
        if done:
            with contextlib.suppress(OSError):  # Windows keeps open files
                os.unlink(lock.lock_file)
        lock.release()

    def _refused(self, what: str, error: OSError) -> StoreError:
        reason, what_to_do = remedy(error)
        return StoreError(
            error.errno, f"the store {self.folder} cannot be {what} ({reason}): {what_to_do}, and run it again"
        )


def _storable(part: str, array) -> np.ndarray:
    array = np.asarray(array, order="C")
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        raise TypeError(f"{part!r} is {array.dtype}: a store keeps floats of up to 8 bytes, integers and bools")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _checksum(digest: str, record: Mapping, arrays: Mapping[str, np.ndarray]) -> str:
    """sha256 over the cell's digest, name, key and arrays, these in the order of their names."""
    total = hashlib.sha256(f"{digest}{json.dumps(record, sort_keys=True)}".encode())
    for name in sorted(arrays):
        array = arrays[name]
        total.update(json.dumps([name, array.dtype.str, array.shape]).encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()
