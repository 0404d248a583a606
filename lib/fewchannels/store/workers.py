"""Models in other processes: one that is as it was loaded is loaded there again, once a worker, and any other one is
sent as it is. A worker refuses what is not the model that the caller has.
"""

from __future__ import annotations

import contextlib
import copyreg
import functools
import importlib.resources
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path

from ..identity import digest
from ..wrapping import stood_on


class ChangedModel(RuntimeError):
    """A worker has another model than the process that sent it. The message says how they differ, and what to do."""


@contextlib.contextmanager
def travelling() -> Iterator[None]:
    """While it is open, models are pickled by what they were loaded from, where they are as they were loaded, and by
    all that they hold where not; each is looked at once, and not for each task anew."""
    if f"{__package__.rpartition('.')[0]}.models" not in sys.modules:  # there is no model, and torch need not come in
        yield
        return
    from ..models import Model

    described: dict[int, tuple] = {}  # by a model's id the model, and how it travels

    def description(model) -> tuple:
        if id(model) not in described:
            described[id(model)] = model, description_of(model)
        return described[id(model)][1]

    before = copyreg.dispatch_table.get(Model)
    copyreg.pickle(Model, description)
    try:
        yield
    finally:
        if before is None:
            del copyreg.dispatch_table[Model]
        else:
            copyreg.pickle(Model, before)


def description_of(model) -> tuple:
    """How a model travels: a function and its arguments. Raises PicklingError where an open context stands on it,
    which would be lost on the way."""
    if any(map(stood_on, _parts(model))) or id(model) in _leaving:
        raise pickle.PicklingError(
            f"{model.name} cannot go to another process while something on it holds the model itself, such as an "
            "open capture or edit: close that first, or leave jobs= out"
        )
    known = digest(model)
    if known != model.as_loaded:  # an adapter, another scheduler, edited weights, or made in memory
        # joblib's, which brings one of its own up to 1.5 and wants the installed one from 1.6
        from joblib.externals.loky.cloudpickle_wrapper import dumps

        _leaving.add(id(model))
        try:
            return _sent, (known, dumps(vars(model)))
        finally:
            _leaving.discard(id(model))
    source = model.name if model.name == "toyworld" or model.folder is None else str(model.folder)
    revision = None if model.folder is not None else model.revision
    options = {"generation": model.generation, "offload": model.offload, "quantize": model.quantize}
    where = str(model.device), str(model.dtype).removeprefix("torch.")
    return model_of, (source, revision, *where, known, pickle.dumps(options))


def _parts(model) -> Iterator[object]:
    yield from (model, model.pipeline)
    for part in getattr(model.pipeline, "components", {}).values():
        if hasattr(part, "modules"):
            yield from part.modules()
        elif hasattr(part, "__dict__"):
            yield part


@functools.lru_cache(maxsize=2)
def model_of(
    source: str,
    revision: str | None = None,
    device: str | None = None,
    dtype: str | None = None,
    known: str | None = None,
    options: bytes = b"",
):
    """A model by what it is loaded from, once a process: the last two are kept.

    dtype: a name such as "float32". known: its `identity.digest` where it comes from; options: more arguments of
    `load`, pickled. Raises ChangedModel where what is loaded here is another model.
    """
    import torch

    from ..models import load

    more = pickle.loads(options) if options else {}
    model = load(
        source, device=device, dtype=None if dtype is None else getattr(torch, dtype), revision=revision, **more
    )
    if known is not None and model.as_loaded != known:
        raise ChangedModel(
            f"{source} as it was loaded in this process is not the model that was sent (digest {model.as_loaded}, and "
            f"there {known}): its files were changed since, or differ from machine to machine, or so do the libraries. "
            "Load it again, or leave jobs= out"
        )
    return model


def named(source: str, revision: str | None = None, files: str | None = None):
    """A model by its name or folder, as `model_of`. files: the digest of the folder's files when the sweep began.
    Raises ChangedModel where they are others now."""
    return _named(source, revision, files if files is not None else files_of(source))


@functools.lru_cache(maxsize=2)
def _named(source: str, revision: str | None, files: str | None):
    from ..models import load

    model = load(source, revision=revision)
    if (now := files_of(source)) != files:
        raise ChangedModel(
            f"the files of {source} are not those that the sweep began with (digest {now}, and there {files}): leave "
            "them as they are meanwhile, and on every machine alike"
        )
    return model


_leaving: set[int] = set()  # ids of models that are being made ready to travel
_arrived: dict[str, object] = {}  # of this process, by digest; the last is kept


def _sent(known: str, data: bytes):
    if known not in _arrived:
        from ..models import Model

        model = object.__new__(Model)
        vars(model).update(pickle.loads(data))
        if (here := digest(model)) != known:
            raise ChangedModel(
                f"{model.name}, which was changed after it was loaded or made in memory, did not arrive as it was sent "
                f"(digest {here}, and there {known}). Save its pipeline to a folder and load that, or leave jobs= out"
            )
        _arrived.clear()
        _arrived[known] = model
    return _arrived[known]


def folder_of(source: str) -> Path | None:
    """The folder that a name stands for; None for a model of the hub."""
    if source == "toyworld":
        return Path(str(importlib.resources.files("fewchannels") / "toyworld" / "weights" / "pipeline"))
    folder = Path(source).expanduser().absolute()
    return folder if folder.is_dir() else None


def files_of(source: str) -> str | None:
    """Digest of all files of a model's folder; None for a model of the hub, whose commit says it."""
    from ..origins import files_digest

    folder = folder_of(source)
    return None if folder is None else files_digest(folder)


def source_of(model):
    """A Model as it is, and what `load` would take: a folder by its whole path, since workers stand elsewhere."""
    if not isinstance(model, (str, Path)) or model == "toyworld":
        return model
    folder = folder_of(str(model))
    return str(model) if folder is None else str(folder)


def identity(model, revision: str | None = None) -> tuple[str, str | None, str | None]:
    """(name, revision, dtype) of a Model, or of what `load` takes, without loading it. revision: the caller's own word
    for a pipeline in memory, or the commit, tag or branch of a hub model.

    dtype is None where `load` would choose it. Raises FileNotFoundError for a folder that is not there, and OSError
    where the hub does not answer.
    """
    from ..models import Model
    from ..origins import digest_of

    if isinstance(model, Model):
        return model.name, model.revision or revision, str(model.dtype).removeprefix("torch.")
    folder = folder_of(model)
    if folder is not None:
        return folder.name if model != "toyworld" else model, digest_of(folder / "transformer"), None
    if model.startswith((".", "/", "~")) or model.count("/") != 1:
        raise FileNotFoundError(f"{model!r} is no folder, and no hub name of the form 'owner/model'")
    from huggingface_hub import hf_hub_download

    return model, Path(hf_hub_download(model, "model_index.json", revision=revision)).parent.name, None
