"""Refuses models whose block outputs would be silently wrong, with the way to turn the cause off.

With a cache of diffusers on, forward hooks on skipped blocks still fire and report stale or another block's output;
inside compiled code they need not fire at all.
"""

from __future__ import annotations

# Hook names of diffusers.hooks that skip or reuse block computations. Offloading and casting hooks are harmless.
CACHES = ("cache", "fbc_", "pyramid_attention_broadcast", "layer_skip", "smoothed_energy")


def refuse_silent_wrongs(transformer):
    """Raise RuntimeError where a cache is active on the transformer or where it or a block of it is compiled."""
    if getattr(transformer, "is_cache_enabled", False):
        config = type(transformer._cache_config).__name__
        raise RuntimeError(
            f"a diffusers cache is on ({config}): its hooks make skipped blocks report stale values. "
            f"Turn it off with model.transformer.disable_cache()"
        )
    for name, module in transformer.named_modules():
        where = name or type(transformer).__name__
        registry = getattr(module, "_diffusers_hook", None)
        for hook in getattr(registry, "hooks", {}):
            if any(word in hook for word in CACHES):
                raise RuntimeError(
                    f"the diffusers hook {hook!r} on {where} skips or reuses what blocks compute, so that their "
                    f"outputs are not what they seem. Load the model again without it, or remove it with "
                    f"diffusers.hooks.HookRegistry.check_if_exists_or_initialize(module).remove_hook({hook!r})"
                )
        if getattr(module, "_compiled_call_impl", None) is not None:
            raise RuntimeError(
                f"{where} is compiled, and hooks on its blocks need not fire: load the model again without compile()"
            )
