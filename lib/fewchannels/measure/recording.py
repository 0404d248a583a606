"""Generate once and keep what the channels did: statistics of all, token maps of some, the pictures, as one `Run`.

    run = record_run(model, prompts, seed=0)
    edited = record_run(model, prompts, seed=0, like=run, ablate={"how": "zero", "channels": run_channels(run, "top")})

What `fewchannels run` writes and an explorer shows. A recording can be told to stop between any two blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from ..channels import ChannelSet, bottom_channels, random_channels, top_channels
from ..edits.ablation import ablate as ablated
from ..names import ASKED
from ..runfile import Run
from ..scheduler import noise_levels
from ..watch.hooks import capture
from ..watch.statistics import ChannelStats
from ..watch.tokens import KeepTokens


class Stopped(Exception):
    """The recording was told to stop; the model is as it was."""


class _Watch:
    """A sink that keeps nothing: tells how far the run is, and ends it where it is asked to."""

    def __init__(self, total: int, report: Callable[[float], None] | None, stopped: Callable[[], bool] | None):
        self._total, self._report, self._stopped, self._seen = total, report, stopped, 0

    def start(self, layers, grid):
        self._layers = len(layers)

    def add(self, tokens, *, layer, step, samples, grid=None):
        if self._stopped is not None and self._stopped():
            raise Stopped("stopped before the end")
        self._seen += len(samples)
        if self._report is not None and self._total:
            self._report(min(1.0, self._seen / (self._total * self._layers)))


def record_run(
    model: Any,
    prompts: Sequence[str],
    *,
    seed: int = 0,
    k: int = 8,
    score: str = "abs_mean",
    shown: tuple[int, int, int] = (12, 4, 4),
    map_steps: Sequence[int] | None = None,
    like: Run | None = None,
    ablate: dict[str, Any] | None = None,
    label: str = "",
    report: Callable[[float], None] | None = None,
    stopped: Callable[[], bool] | None = None,
    **asked: Any,
) -> Run:
    """A Run of `model.generate(prompts, seed=seed, **asked)`: statistics, maps of chosen channels, pictures.

    Its index holds the sets "top", "random" and "bottom", k channels a block each, ranked by `score`, and "shown": the
    channels whose token maps are kept, as many of each as `shown` says. like: take these sets from an earlier run (the
    same channels before and after an edit); else the model runs twice, first to rank and then for the maps.
    map_steps: at which steps maps are kept (None: at all).
    ablate: {"how": an edit of `fewchannels.ablate`, "channels": a ChannelSet}; what is recorded is then what the model
    goes on with, after the edit. report: is told the share done, 0 to 1. stopped: is asked between blocks; once it says
    True the recording ends.

    Raises Stopped for that, and what generate, capture and ablate raise; the model is always left as it was.
    """
    passes = 1 if like is not None or not sum(shown) else 2
    watch = _Watch(passes * len(prompts) * (asked.get("steps") or model.steps or 0), report, stopped)

    def run_with(*sinks: Any) -> np.ndarray:
        with ExitStack() as stack:
            if ablate is not None:
                stack.enter_context(ablated(model, ablate["channels"], ablate["how"]))
            stack.enter_context(capture(model, watch, *sinks))
            return model.generate(list(prompts), seed=seed, **asked)

    stats = ChannelStats()
    if like is not None:
        sets = {name: ChannelSet.from_json(given) for name, given in like.index["channels"].items()}
        tokens = KeepTokens(steps=map_steps, channels=sets["shown"]) if "shown" in sets else None
        images = run_with(stats, *([tokens] if tokens else []))
    else:
        images = run_with(stats)
        sets = channel_sets(stats, k, score, shown)
        tokens = KeepTokens(steps=map_steps, channels=sets["shown"]) if "shown" in sets else None
        if tokens:
            run_with(tokens)
    edit = {"how": str(ablate["how"]), "channels": ablate["channels"].to_json()} if ablate else None
    made = {**model.provenance(), "seed": seed, **asked, "steps": len(stats.steps), "edit": edit}
    run = run_of(made, prompts, stats, images, sets, score, tokens and {"shown": tokens})
    if edit:
        edit["label"] = f"{edit['how']} {ablate['channels'].label}".strip()
    if label:
        run.index["label"] = label
    sigmas = noise_levels(model)
    if sigmas is not None and len(sigmas) == len(stats.steps):
        run.index["sigmas"] = [round(float(sigma), 4) for sigma in sigmas]
    return run


def run_of(
    provenance: dict[str, Any],
    prompts: Sequence[str],
    stats: ChannelStats,
    images: np.ndarray,
    sets: Mapping[str, ChannelSet],
    score: str = "abs_mean",
    maps: Mapping[str, KeepTokens] | None = None,
) -> Run:
    """What was captured, as the content of a run file. sets: channels, ranked by `score`; maps: by the name of such a
    set its tokens, of the first prompts at some steps, as [S, L, T, h, w, k]."""
    run = Run(
        provenance=provenance,
        prompts=list(prompts),
        stats=stored(stats),
        images=images,
        index={
            "layers": list(stats.layers),
            "steps": [int(step) for step in stats.steps],
            "grid": list(stats.grid),
            "score": score,
            "channels": {name: chosen.to_json() for name, chosen in sets.items()},
        },
    )
    for name, tokens in (maps or {}).items():
        kept = tokens.array
        run.maps[name] = kept.reshape(*kept.shape[:3], *tokens.grid, kept.shape[-1])
        run.index.setdefault("maps", {})[name] = {
            "axes": ["sample", "layer", "step", "row", "column", "channel"],
            "channels": name,
            "samples": list(range(len(kept))),
            "steps": [int(step) for step in tokens.steps],
        }
    return run


def stored(stats: ChannelStats) -> dict[str, np.ndarray]:
    """The arrays for a run file. Counts of inf and nan, half of all bytes, go in where there are any."""
    arrays = stats.to_arrays()
    if not arrays["nonfinite"].any():
        del arrays["nonfinite"]
    return arrays


def channel_sets(stats: Any, k: int, score: str, shown: tuple[int, int, int]) -> dict[str, ChannelSet]:
    """The sets of a run by name: top, random (outside the top), bottom, and shown, whose maps are kept."""
    width = np.shape(stats.mean)[-1]
    most = min(width, max(k, *shown))
    sets = {"top": top_channels(stats, k, score), "bottom": bottom_channels(stats, k, score)}
    wide = {"top": top_channels(stats, most, score), "bottom": bottom_channels(stats, most, score)}
    if 2 * k <= width:
        apart = wide["top"] if most + k <= width else sets["top"]
        sets["random"] = random_channels(stats, k, outside=apart)[0]
        wide["random"] = sets["random"]
    if sum(shown):
        rows = []
        for layer in range(len(wide["top"])):
            parts = [
                wide[name][layer][:count]
                for name, count in zip(("top", "random", "bottom"), shown, strict=True)
                if name in wide
            ]
            rows.append(list(dict.fromkeys(np.concatenate(parts).tolist())))
        fewest = min(map(len, rows))
        sets["shown"] = ChannelSet(tuple(np.asarray(row[:fewest]) for row in rows), width, "channels with maps")
    return sets


MAP_VALUES = 4_000_000  # that an answer carries at most, which decides at how many steps it has maps


def recorder(model: Any, like: Run | None = None) -> Callable[..., Run]:
    """What an explorer in a live notebook asks: `Explorer(run, ask=recorder(model, like=run))`.

    The function that is returned takes a request, {"prompt": text, "seed": int, "steps": int, "ablate": None or
    {"how": one of `names.ASKED`, "channels": a ChannelSet's JSON}}, and report and stopped as `record_run` does, and
    gives a Run of one prompt with the channel sets of `like`. Raises ValueError for a request that is none,
    RuntimeError where the model is at work already.
    """

    def answer(request: dict[str, Any], report=None, stopped=None) -> Run:
        prompt, seed, steps = request.get("prompt"), request.get("seed"), request.get("steps")
        if not isinstance(prompt, str) or not prompt.strip():
            raise ValueError("the prompt is empty: write what the picture is to show")
        if type(seed) is not int or type(steps) is not int or seed < 0 or not 1 <= steps <= 1000:
            raise ValueError(f"seed {seed!r} and steps {steps!r}: expected whole numbers, seed from 0, steps 1 to 1000")
        edit, name = request.get("ablate"), f"{prompt}, seed {seed}"
        if edit is not None:
            if edit.get("how") not in ASKED:
                raise ValueError(f"the edit {edit.get('how')!r}: expected one of {', '.join(ASKED)}")
            edit = {"how": edit["how"], "channels": ChannelSet.from_json(edit["channels"])}
            name += f", {edit['how']} {edit['channels'].label}".rstrip()
        if model.run is not None:
            raise RuntimeError("the model is at work in another cell: ask again when that is done")
        shown = like.index["channels"].get("shown") if like is not None else None
        kept = (
            sum(map(len, shown["indices"])) * int(np.prod(like.index["grid"]))
            if shown
            else 20 * len(model.layers) * 256
        )
        places = np.unique(np.linspace(0, steps - 1, max(1, min(steps, MAP_VALUES // kept))).astype(int)).tolist()
        return record_run(
            model,
            [prompt],
            seed=seed,
            steps=steps,
            like=like,
            ablate=edit,
            map_steps=places,
            label=name,
            report=report,
            stopped=stopped,
        )

    return answer
