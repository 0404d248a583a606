"""Few channels draw the whole picture: look inside image diffusion transformers, channel by channel.

The shape of a study. Importing the package needs no torch; each name is fetched from its module at first use:

    import fewchannels as fc
    model = fc.load("toyworld")                                     # models
    with fc.capture(model, stats := fc.ChannelStats()):             # hooks, stats
        images = model.generate(prompts, seed=0)
    massive = fc.top_channels(stats, k=8)                           # channels
    with fc.ablate(model, massive, how="zero"):                     # ablation
        broken = model.generate(prompts, seed=0)

Modules, lowest first (each imports only those before it): scheduler (with wrapping and choices), identity, layouts,
models (with origins), hooks, stats (with sinks, reductions and kept), channels, then masks, ablation, patching,
inversion and blending, then judges, metrics, worlds and readers, then survey, recording, sweep and studies. prompts,
prompt_pairs, disk, runfile, plots, claims, notebook, chapters, widgets and cli serve them.
`toyworld` is the embedded model and its world.

Source: "Few channels draw the whole picture", arXiv 2605.13974.
"""

import importlib
import pkgutil

__version__ = "0.1.0"

_HOME = {
    "load": "models",
    "Model": "models",
    "capture": "watch.hooks",
    "edit": "watch.hooks",
    "ChannelStats": "watch.statistics",
    "KeepTokens": "watch.tokens",
    "channel_scores": "channels",
    "top_channels": "channels",
    "bottom_channels": "channels",
    "random_channels": "channels",
    "energy_matched_channels": "channels",
    "complement": "channels",
    "ChannelSet": "channels",
    "ablate": "edits.ablation",
    "transport": "edits.patching",
    "subject_masks": "masks.subjects",
    "save_run": "runfile",
    "load_run": "runfile",
}
__all__ = sorted(_HOME)


def __getattr__(name):
    if name in _HOME:
        value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    if name in _modules():
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__():
    return sorted({*globals(), *_HOME, *_modules()})


def _modules():
    return [module.name for module in pkgutil.iter_modules(__path__)]
