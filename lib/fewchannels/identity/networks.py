"""What torch, diffusers and transformers make: networks, schedulers, pipelines, tokenizers.

A network is its tensors, its configuration, its submodules with their plain settings, and what was hung on it: hooks,
another forward, another attention processor. Of a scheduler what counts is how it would begin a run, so that one that
has run is known as before.
"""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from .weights import of_tensor, tensors_of

if TYPE_CHECKING:
    from .values import Reading

# of a configuration, what says where it came from and not what it does
ORIGINS = {
    "_name_or_path",
    "name_or_path",
    "_class_name",
    "_commit_hash",
    "transformers_version",
    "_diffusers_version",
    "_use_default_values",
}
SAID_OF_TOKENS = ("special_tokens_map", "model_max_length", "padding_side", "truncation_side", "chat_template")
HOOKS = ("_forward_hooks", "_forward_pre_hooks")
MODULE = set(vars(torch.nn.Module())) - {"training"}
NOTING = {"torch", "diffusers", "transformers"}  # their private attributes are notes of a run
STEPS = 4  # of the run that a scheduler is asked to begin


def of_torch(reading: Reading, value: Any) -> Any:
    """The content of a tensor, a network, a scheduler, a pipeline, ...; None for all else."""
    if isinstance(value, torch.Tensor):
        try:
            found = of_tensor(value)
        except (TypeError, RuntimeError, NotImplementedError) as error:
            raise reading.refused(value, error) from error
        return {"tensor": found, "dtype": str(value.dtype), "shape": list(value.shape)}
    if isinstance(value, (torch.dtype, torch.device, torch.layout)):
        return {"torch": str(value)}
    if isinstance(value, torch.Generator):
        return {"generator": reading.read(value.get_state()), "device": value.device.type}
    if isinstance(value, torch.nn.Module):
        return _network(reading, value)
    if hasattr(value, "get_vocab") and hasattr(value, "model_max_length"):
        return _tokenizer(reading, value)
    if hasattr(value, "components") and hasattr(value, "progress_bar"):
        return _pipeline(reading, value)
    if hasattr(value, "config") and hasattr(value, "config_name"):
        return _scheduler(reading, value) if hasattr(value, "set_timesteps") else _configured(reading, value)
    if callable(getattr(value, "to_dict", None)) and type(value).__module__.startswith("transformers."):
        if not hasattr(value, "tokenizer"):  # a processor leaves that out
            return reading.object(type(value), {"config": _settings(value.to_dict())})
    return None


def _network(reading: Reading, module: torch.nn.Module) -> dict:
    parts = {}
    for path, part in module.named_modules():
        held = {name: _of_helper(one) for name, one in vars(part).items() if _is_setting(part, name, one)}
        hung = [hook for name in HOOKS for hook in vars(part)[name].values() if not _is_of_transformers(hook)]
        # accelerate moves weights around each forward, which it replaces
        forward = vars(part).get("_old_forward" if hasattr(part, "_hf_hook") else "forward")
        if getattr(forward, "__func__", None) is type(part).forward:
            forward = None
        held |= {} if forward is None else {"forward": forward}
        parts[path] = [type(part), held | ({"hooks": hung} if hung else {})]
    tensors = dict(sorted(tensors_of(module).items()))
    config = _settings(getattr(module, "config", None) or {})
    return reading.object(type(module), {"tensors": tensors, "config": config, "parts": parts})


def _is_setting(holder: Any, name: str, value: Any) -> bool:
    """Whether an attribute of a module is not torch's own, said elsewhere, or worked out when it was first asked for,
    as tensors are that are no buffers."""
    if name in MODULE | ORIGINS or name in ("config", "forward", "_internal_dict") or value is None:
        return False
    if name[:1] == "_" and type(holder).__module__.partition(".")[0] in NOTING:
        return False
    return not any(isinstance(one, torch.Tensor) for one in (value if isinstance(value, (list, tuple)) else [value]))


def _of_helper(value: Any) -> Any:
    """An object of diffusers or transformers that a module works with, such as an attention processor, as its class and
    its settings; all else as it is."""
    library = type(value).__module__.partition(".")[0] in NOTING
    if not library or isinstance(value, torch.nn.Module) or hasattr(value, "to_dict") or not hasattr(value, "__dict__"):
        return value
    return [type(value), {name: one for name, one in vars(value).items() if _is_setting(value, name, one)}]


def _is_of_transformers(value: Any) -> bool:
    """Whether a class, or a hook, by which its models gather what they return from their first call on, is its own."""
    return (getattr(value, "__module__", None) or "").startswith("transformers.")


def _scheduler(reading: Reading, scheduler: Any) -> dict:
    fresh = type(scheduler).from_config(scheduler.config)
    # counters, flags and queues of a run are not all put back when the next one begins
    told = {name for name, one in vars(fresh).items() if isinstance(one, (float, str, torch.Tensor, np.ndarray))}
    told |= {name for name, one in vars(scheduler).items() if callable(one)}
    begun = copy.deepcopy(scheduler)
    shifts = {"mu": 1.0} if scheduler.config.get("use_dynamic_shifting") else {}
    with contextlib.suppress(Exception):  # one that wants more than a number of steps is known by what it holds
        type(scheduler).set_timesteps(begun, STEPS, **shifts)
    state = {name: one for name, one in vars(begun).items() if name in told}
    # what stands around its functions while a context is open has no place in a copy
    around = {name: one for name, one in vars(scheduler).items() if callable(one) and name[:2] != "__"}
    return reading.object(type(scheduler), {"config": _settings(begun.config), "state": state | around})


def _pipeline(reading: Reading, pipeline: Any) -> dict:
    parts = pipeline.components
    config = {name: one for name, one in _settings(pipeline.config).items() if name not in parts}
    held = {name: one for name, one in vars(pipeline).items() if name[:1] != "_" and name not in parts}
    return reading.object(type(pipeline), {"config": config, "parts": parts, "held": held})


def _configured(reading: Reading, value: Any) -> dict:
    return reading.object(type(value), {"config": _settings(value.config)})


def _tokenizer(reading: Reading, tokenizer: Any) -> dict:
    told = {name: getattr(tokenizer, name, None) for name in SAID_OF_TOKENS}
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return reading.object(type(tokenizer), told | {"words": tokenizer.get_vocab()})
    whole = json.loads(backend.to_str())
    # how it cuts and fills is set with each call
    return reading.object(
        type(tokenizer), told | {n: p for n, p in whole.items() if n not in ("truncation", "padding")}
    )


def _settings(config: Any) -> Any:
    """A configuration without what says where it came from, at all depths."""
    if hasattr(config, "to_dict"):
        config = config.to_dict()
    if isinstance(config, Mapping):
        return {name: _settings(one) for name, one in config.items() if name not in ORIGINS}
    return config
