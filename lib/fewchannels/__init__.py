"""Few channels draw the whole picture: look inside image diffusion transformers, channel by channel.

The shape of a study. Importing the package needs no torch; each name is fetched from its module at first use:

    import fewchannels as fc
    model = fc.load("toyworld")                                     # models
    with fc.capture(model, stats := fc.ChannelStats()):             # watch
        images = model.generate(prompts, seed=0)
    massive = fc.top_channels(stats, k=8)                           # channels
    with fc.ablate(model, massive, how="zero"):                     # edits
        broken = model.generate(prompts, seed=0)

Lowest first; each imports only from those before it:

    disk, metrics, wrapping, choices, names, origins  small modules that all lean on
    runfile, scheduler, identity                      results on disk; noise levels; what a value is known by
    toyworld                                          the embedded model and its world
    layouts, models                                   where the image tokens are; load, generate
    store                                             compute once, keep, go on after a stop
    channels, masks                                   scores, sets and controls; tokens to a subject's mask
    watch, edits                                      capture and what it keeps; ablate, transport, blends, pictures
    sweep                                             many edits, in batches
    prompts, reading                                  what is asked for; judges, readers, worlds
    instruments, measure                              what is measured besides an edit; statistics of many prompts
    studies, figures                                  conditions, results; what a chapter draws of them
    plots, widgets, layout_checks                     these see arrays, or layouts alone
    notebook                                          what a chapter calls
    exercises                                         what a chapter asks, and how it went
    cli                                               `fewchannels`

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
    "record": "watch.trajectories",
    "inject": "edits.patching",
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
