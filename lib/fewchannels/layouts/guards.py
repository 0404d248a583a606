"""Refuses models whose block outputs would be silently wrong, with the way to turn the cause off.

With a cache of diffusers on, forward hooks on skipped blocks still fire and report stale or another block's output;
inside compiled code they need not fire at all.
"""

from __future__ import annotations

# Hook names of diffusers.hooks, by what they do to a block's output. Offloading and casting hooks are harmless.
CACHES = {
    "cache": "skips or reuses what blocks compute",
    "fbc_": "skips or reuses what blocks compute",
    "pyramid_attention_broadcast": "skips or reuses what blocks compute",
    "layer_skip": "skips layers",
    "smoothed_energy": "changes the attention of its layers",
    "cp_input": "shares the tokens out over several devices",
    "cp_output": "shares the tokens out over several devices",
}
# Arguments by which a pipeline keeps keys and values of earlier steps, with the way to do without.
KEPT_KEYS = {
    "QwenImage21Transformer2DModel": "call model.generate(..., use_kv_cache=False)",
    "Flux2Transformer2DModel": "use Flux2KleinPipeline, which keeps none, in place of the KV pipeline",
}


def refuse_silent_wrongs(transformer):
    """Raise RuntimeError where a cache is active on the transformer or where it or a block of it is compiled; quick
    enough for every forward."""
    if getattr(transformer, "is_cache_enabled", False):
        config = type(transformer._cache_config).__name__
        raise RuntimeError(
            f"a diffusers cache is on ({config}): its hooks make skipped blocks report stale values. "
            f"Turn it off with model.transformer.disable_cache()"
        )
    for module in transformer.modules():
        own = vars(module)
        if own.get("_diffusers_hook") is not None:
            _refuse_hooks(transformer, module)
        if own.get("_compiled_call_impl") is not None:
            raise RuntimeError(
                f"{_name_in(transformer, module)} is compiled, and hooks on its blocks need not fire: load the model "
                f"again without compile()"
            )


def _refuse_hooks(transformer, module):
    for hook in getattr(module._diffusers_hook, "hooks", {}):
        for word, deed in CACHES.items():
            if word in hook:
                raise RuntimeError(
                    f"the diffusers hook {hook!r} on {_name_in(transformer, module)} {deed}, so that block outputs are "
                    f"not what they seem. Load the model again without it, or remove it with "
                    f"diffusers.hooks.HookRegistry.check_if_exists_or_initialize(module).remove_hook({hook!r})"
                )


def _name_in(transformer, module) -> str:
    return next(name for name, one in transformer.named_modules() if one is module) or type(transformer).__name__


def refuse_kept_keys(layout, arguments: dict):
    """Raise RuntimeError where a forward works with keys and values kept from earlier steps, so that its blocks hold
    only part of the sequence."""
    if arguments.get("kv_cache") is not None:
        how = KEPT_KEYS.get(layout.name, "turn it off in the call of the pipeline")
        raise RuntimeError(
            f"{layout.name} runs with a key/value cache: after the first step its blocks hold the drawn image alone, "
            f"and what is read or edited differs from step to step. To turn it off, {how}"
        )


def refuse_replaced(model):
    """Raise RuntimeError where a pipeline runs another transformer than the loaded one, or one that was wrapped by
    torch.compile, as a whole or in part: hooks on the loaded one's blocks need not fire. A wrapper that calls the
    loaded one (PEFT's) is fine."""
    for name in filter(None, ("transformer", model.layout.second)):
        now = getattr(model.pipeline, name, None)
        if now is None:
            continue
        for part, module in now.named_modules():
            if type(module).__name__ == "OptimizedModule":
                where = ".".join(filter(None, ("model.pipeline", name, part)))
                raise RuntimeError(
                    f"{where} is wrapped by torch.compile, and hooks on its blocks need not fire: put the plain module "
                    f"back, {where} = {where}._orig_mod"
                )
        if name == "transformer" and all(module is not model.transformer for module in now.modules()):
            raise RuntimeError(
                f"model.pipeline.transformer is another {type(now).__name__} than the one that was loaded: load the "
                f"pipeline again, fc.load(model.pipeline), or put the first back, model.pipeline.transformer = "
                f"model.transformer"
            )
