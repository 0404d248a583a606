"""Files that are written whole or not at all, and places that are tried before hours are spent on what goes there.

    place = check_place("run.safetensors")        # raises OSError now rather than after the run
    write_whole("run.safetensors", data)          # into a temporary file beside it, flushed to the disk, then renamed

A symbolic link is followed to the file that it names, and stays; a folder, a pipe, a device or a socket is refused.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import glob
import os
import secrets
import stat
import time
from collections.abc import Iterator
from pathlib import Path

HELD = (errno.EACCES, errno.EPERM, errno.EBUSY, errno.ETXTBSY)  # a virus scanner, a viewer, a synchronised folder
WAITS = (0.05, 0.1, 0.2, 0.4, 0.8)  # seconds between tries to rename
UNFLUSHED = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS)  # a file system without fsync, such as a mounted bucket
REMEDIES = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some of your quota",
    errno.EFBIG: "raise the limit",
    errno.EACCES: "name a folder that is yours",
    errno.EPERM: "name a folder that is yours",
    errno.EROFS: "name a folder that can be written",
    errno.ENAMETOOLONG: "give a shorter name",
    errno.ENOENT: "make the folder first",
    errno.ENOTDIR: "a part of it is a file and no folder",
    errno.ELOOP: "the link leads to itself",
}


def check_place(path: str | os.PathLike) -> Path:
    """The file that `path` names, links followed, where one can be written; an existing file stays as it is.

    Raises OSError that says what is in the way and what to do: a folder that is missing or takes no file (one is made
    and removed), a file that is protected from writing, a folder, a pipe or a device in its place.
    """
    place = _place(path)
    if not place.parent.is_dir():
        raise FileNotFoundError(f"{path}: the folder {place.parent} is not there: make it first, or name another")
    if place.exists() and not os.access(place, os.W_OK):
        raise PermissionError(f"{path} is protected from writing: name another file, or make it writable")
    try_folder(place.parent, path)
    return place


def try_folder(folder: Path, path: str | os.PathLike | None = None) -> None:
    """Make an empty file in the folder and remove it. Raises OSError, in which `path` is what cannot be written."""
    trial = _part(folder / "trial")
    try:
        os.close(os.open(trial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        os.unlink(trial)
    except OSError as error:
        raise _refused(folder if path is None else path, error) from error


def write_whole(path: str | os.PathLike, data: bytes) -> Path:
    """Write a file completely or not at all, and return the file that `path` names, links followed.

    Raises OSError where the disk refuses, and leaves the old file and nothing else. Where the file is complete and the
    old one cannot be replaced, because another program holds it for longer than a second, it is kept beside its place
    and the error names it.
    """
    place = _place(path)
    mode = stat.S_IMODE(place.stat().st_mode) & 0o666 | 0o200 if place.exists() else 0o666
    part, complete = _part(place), False
    try:
        # opened with its mode: some file systems refuse to change it afterwards
        with open(part, "xb", opener=functools.partial(os.open, mode=mode)) as file:
            file.write(data)
            file.flush()
            _flush(file.fileno())
        complete = True
        rename(part, place)
    except OSError as error:
        if complete and part.exists():
            raise OSError(
                error.errno,
                f"{path} cannot be replaced ({error.strerror}); what was to go there is complete and is kept as {part}",
            ) from error
        _remove(part)
        raise _refused(path, error) from error
    except BaseException:
        _remove(part)
        raise
    return place


def rename(part: Path, place: Path) -> None:
    """`os.replace`, tried again for a second and a half where another program holds one of the two."""
    for wait in WAITS:
        try:
            return os.replace(part, place)
        except OSError as error:
            if error.errno not in HELD:
                raise
            time.sleep(wait)
    os.replace(part, place)


def scraps(path: Path) -> Iterator[Path]:
    """Temporary files of `path` that a process left when it was killed."""
    return path.parent.glob(f".{glob.escape(path.name[:12])}*.part")


def remedy(error: OSError) -> tuple[str, str]:
    """Why a place cannot be written or read, in the system's words, and what to do."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    return reason, REMEDIES.get(error.errno, "see to the folder")


def _place(path: str | os.PathLike) -> Path:
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:  # a new file, or a link to one
        mode = stat.S_IFREG
    except OSError as error:
        raise _refused(path, error) from error
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(f"{path} is a folder: name a file in it")
    if not stat.S_ISREG(mode):
        what = "a pipe" if stat.S_ISFIFO(mode) else "a socket" if stat.S_ISSOCK(mode) else "a device"
        raise OSError(f"{path} is {what}, which a file cannot replace: name a file")
    return Path(os.path.realpath(path))


def _part(place: Path) -> Path:
    # short, so that a name which just fits the file system, or a path, has a temporary one that fits too
    return place.with_name(f".{place.name[:12]}.{secrets.token_hex(4)}.part")


def _flush(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in UNFLUSHED:
            raise


def _remove(part: Path) -> None:
    with contextlib.suppress(OSError):
        os.unlink(part)


def _refused(path: str | os.PathLike, error: OSError) -> OSError:
    reason, what_to_do = remedy(error)
    return OSError(error.errno, f"{path} cannot be written ({reason}): {what_to_do}")


def beside_the_code(in_repository: str, in_package: str) -> Path:
    """A file or folder of the repository around the working folder, else around the package, else the package's own
    copy of it. Raises FileNotFoundError where it is nowhere."""
    package = Path(__file__).resolve().parent
    above = (Path.cwd(), *Path.cwd().parents, package.parents[1])
    for path in (*(folder / in_repository for folder in above), package / "data" / in_package):
        if path.exists():
            return path
    raise FileNotFoundError(
        f"{in_repository} is neither here, nor above, nor in the package: install fewchannels from its repository"
    )
