"""What the hub says before anything large is downloaded: the pipeline's index, its commit, the sizes of its files.

Every refusal of the hub becomes an error that says what to do next.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path

from .needs import Weights

INDEX = "model_index.json"


def fetch_index(name: str, revision: str | None) -> tuple[dict, str]:
    """(a pipeline's index, the commit it is of). Raises PermissionError for a gated model, FileNotFoundError for a
    model, revision or index that is not there, ConnectionError without a network, OSError for all else."""
    from huggingface_hub import hf_hub_download

    try:
        index = Path(hf_hub_download(name, INDEX, revision=revision))
    except Exception as error:
        raise _translated(error, name, revision) from error
    # The cache keeps a file under the commit it came from.
    return json.loads(index.read_text(encoding="utf-8")), index.parent.name


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


def variant_of(sizes: Mapping[str, int]) -> str | None:
    """The precision to ask diffusers for: None where the transformer has plain files, else one that it has."""
    found = {_variant(file) for file in sizes if file.startswith("transformer/") and file.endswith(".safetensors")}
    return None if None in found else next((variant for variant in ("bf16", "fp16") if variant in found), None)


def weight_files(config: Mapping, sizes: Mapping[str, int]) -> dict[str, int]:
    """The weight files that diffusers reads for the parts of a pipeline, of one precision each.

    >>> sizes = {"vae/a.safetensors": 5, "vae/a.fp16.safetensors": 3, "transformer/b.safetensors": 9, "c": 7}
    >>> weight_files({"vae": ["diffusers", "X"], "transformer": ["diffusers", "Y"]}, sizes)
    {'vae/a.safetensors': 5, 'transformer/b.safetensors': 9}
    """
    wanted, chosen = variant_of(sizes), {}
    for part, kind in config.items():
        if not isinstance(kind, (list, tuple)) or not kind or not kind[0]:
            continue
        own = {file: _variant(file) for file in sizes if re.fullmatch(rf"{re.escape(part)}/[^/]+\.safetensors", file)}
        variant = wanted if wanted in own.values() else None
        chosen |= {file: sizes[file] for file in own if own[file] == variant}
    return chosen


def _variant(file: str) -> str | None:
    found = re.search(r"\.(bf16|fp16|fp32|fp8|ema|non_ema)[.-]", file)
    return found[1] if found else None


def weights_by_files(files: Mapping[str, int], transformers=("transformer",)) -> Weights:
    """Weights from the bytes of their files, taken as 16 bit: of files in 32 bit that is twice what they are."""
    held = {part: sum(s for f, s in files.items() if f.startswith(f"{part}/")) for part in transformers}
    largest = max(held.values())
    return Weights(largest, sum(files.values()) - largest)


def missing_bytes(name: str, commit: str, files: Mapping[str, int]) -> int:
    """Bytes of those files that are not in the cache."""
    from huggingface_hub import try_to_load_from_cache

    return sum(
        size for file, size in files.items() if not isinstance(try_to_load_from_cache(name, file, revision=commit), str)
    )


def local_sizes(folder: Path) -> dict[str, int]:
    """Bytes that each weight file of a local folder has in 16 bit, counted from its header."""
    return {file.relative_to(folder).as_posix(): 2 * _parameters(file) for file in folder.glob("*/*.safetensors")}


def _parameters(file: Path) -> int:
    """Numbers that a safetensors file holds."""
    with file.open("rb") as opened:
        header = json.loads(opened.read(int.from_bytes(opened.read(8), "little")))
    return sum(math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")
