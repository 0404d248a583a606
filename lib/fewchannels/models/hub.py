"""What the hub says before anything large is downloaded: the pipeline's index, its commit, the sizes of its files.

Every refusal of the hub becomes an error that says what to do next.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .folders import read_json

INDEX = "model_index.json"


def fetch_index(name: str, revision: str | None) -> tuple[dict, str]:
    """(a pipeline's index, the commit it is of). Raises PermissionError for a gated model, FileNotFoundError for a
    model, revision or index that is not there, ConnectionError without a network, OSError for all else, such as an
    index in the cache that is cut short."""
    from huggingface_hub import hf_hub_download

    try:
        index = Path(hf_hub_download(name, INDEX, revision=revision))
    except Exception as error:
        raise _translated(error, name, revision) from error
    # The cache keeps a file under the commit it came from.
    return read_json(index), index.parent.name


def _translated(error: Exception, name: str, revision: str | None) -> Exception:
    from huggingface_hub import errors, get_token

    page = f"https://huggingface.co/{name}"
    if isinstance(error, errors.GatedRepoError):
        token = (
            "then log in with huggingface_hub.login(): no token was found here"
            if get_token() is None
            else "with the account of the token that was found here, which has no access yet"
        )
        return PermissionError(f"{name!r} is gated: accept its licence on {page}, {token}")
    if isinstance(error, errors.RepositoryNotFoundError):
        return FileNotFoundError(
            f"the hub has no model {name!r}, or shows it to members only: check the name; if it is private, log in "
            f"with huggingface_hub.login()"
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return FileNotFoundError(f"{name!r} has no revision {revision!r}: see its branches and commits on {page}/tree")
    if isinstance(error, (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled)):
        return ConnectionError(
            f"{name!r} is not in the cache, and the hub could not be reached: check the network and the environment "
            f"variable HF_HUB_OFFLINE, or pass the folder of a pipeline"
        )
    if isinstance(error, errors.EntryNotFoundError):
        return FileNotFoundError(
            f"{name!r} holds no {INDEX}, so it is no diffusers pipeline (a single file, a LoRA, a modular pipeline): "
            f"look for a repository that ends in -diffusers, or load it with diffusers and pass the pipeline"
        )
    return OSError(f"{name!r} could not be loaded from the hub: {error}")


def file_sizes(name: str, commit: str) -> dict[str, int] | None:
    """Bytes of each file of a model at a commit, by the hub's own list; None where that cannot be had."""
    from huggingface_hub import HfApi

    try:
        found = HfApi().model_info(name, revision=commit, files_metadata=True).siblings
    except Exception:  # of httpx or requests, by the hub's version; a model that is in the cache loads without the list
        return None
    return {file.rfilename: file.size or 0 for file in found}


def missing_bytes(name: str, commit: str, files: Mapping[str, int]) -> int:
    """Bytes of those files that are not in the cache."""
    from huggingface_hub import try_to_load_from_cache

    return sum(
        size for file, size in files.items() if not isinstance(try_to_load_from_cache(name, file, revision=commit), str)
    )


def cached_folder(name: str, commit: str) -> Path | None:
    """Where the cache keeps the files of a model at a commit; None where it has none."""
    from huggingface_hub import try_to_load_from_cache

    index = try_to_load_from_cache(name, INDEX, revision=commit)
    return Path(index).parent if isinstance(index, str) else None
