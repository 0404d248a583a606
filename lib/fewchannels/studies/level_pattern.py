"""Is it the level of a channel that matters, or its pattern? Each removed, and each moved, apart.

    found = run(studies.level_pattern, model, n=24)
    found.minus("right subject", {"edit": "no_level"}, {"edit": "own_mean"})        # what the pattern alone carries
    variance_shares(found.instruments["levels"]["top: level"])                      # what a level hangs on

Level: a channel's mean over image tokens. Pattern: what is left. "no_level" keeps the pattern, "own_mean" the level,
"mean_level" puts the level of calibration prompts there, which stays in the distribution. Carrying one part takes it
from another prompt's run and leaves the other part the target's own. What untouched states show is in `levels`, who
writes and reads the channels in `writers`, what can be read from them in `probes`.

A toy prompt names the background, which covers most tokens, and a level is a mean over tokens: so the background alone
could tie levels to prompts, and prompts that share one ("one background") must then lose the tie. And where a block
without these channels costs much, it may be for their level or for their pattern: both are taken from one block alone.
"""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np

from ..instruments.levels import States
from ..instruments.probes import probe_scenes, probe_sets
from ..instruments.writers import watch_writers, why_not, writers_cell
from ..prompts.toyworld import toyworld_attributes
from ..reading.readers import Adoption, Agreement, Change, Distances, Tone
from ..reading.second import AdoptionByEye, AgreementByEye, Concord
from ..toyworld.prompts import format_prompt
from .condition import Condition, each, one_at_a_time
from .critical import DRAWS, MATCHED, MATCHES
from .edits import SOURCE, UNTOUCHED
from .groups import Group, NotHere, evaluation, pairs
from .sets import Sets
from .study import Instrument, Study

NOISES = 2
PROBE_SCENES = 512
BACKGROUNDS, SCENES = 3, 16
CONTROLS = ("top", "top without the first", "bottom")
REMOVED = {"no level": "no_level", "mean level": "mean_level", "no pattern": "own_mean"}


def conditions(sets: Sets, blocks: int, steps: int) -> list[Condition]:
    """Parts removed on all prompts and in single blocks on half of them; parts carried between pairs."""
    top = Condition(channels="top", k=sets.k)
    half, moved = top.but(prompts="half"), top.but(edit="transport", prompts="pairs")
    removed, carried = ("no_level", "own_mean"), ("transport level", "transport pattern")
    return [
        Condition(UNTOUCHED, k=sets.k),
        *each(top, edit=removed, channels=CONTROLS),
        *each(top, edit=removed, channels=("random",), draw=range(DRAWS)),
        *each(top, edit=removed, channels=MATCHED, draw=range(MATCHES)),
        *each(top, edit=removed, k=(1,)),
        *each(top, edit=("mean_level",), channels=("top", "random", "energy-matched")),
        top,
        *each(top, blocks=one_at_a_time(blocks)),
        *each(half, edit=removed, blocks=one_at_a_time(blocks)),
        *each(Condition(k=sets.k, prompts="pairs"), edit=(UNTOUCHED, SOURCE)),
        moved,
        *each(moved, edit=carried, channels=CONTROLS),
        *each(moved, edit=carried, channels=("random",), draw=range(DRAWS)),
        *each(moved, edit=carried, channels=MATCHED, draw=range(MATCHES)),
        *each(moved, edit=carried, k=(1,)),
    ]


def instruments(sets: Sets) -> dict[str, Instrument]:
    """What untouched runs show, and what can be read from them."""
    lent = {
        f"one background {i + 1}": Instrument(functools.partial(one_background, number=i), again=False)
        for i in range(BACKGROUNDS)
    }
    return {
        "writers": Instrument(writers),
        "levels": Instrument(levels, "half"),
        "difference": Instrument(difference, "pairs"),
        "probes": Instrument(probes, again=False),
        "probes, no caption": Instrument(functools.partial(probes, captions=False), again=False),
        **(lent if sets.world.exact else {}),
    }


def _equal(sets: Sets, *kinds: str) -> dict[str, object]:
    return {kind: made for kind in kinds if (made := sets.find(kind)) is not None}


def levels(model, group: Group, sets: Sets) -> dict[str, np.ndarray]:
    """What `States.cell` gives of top, bottom and random, as "top: level" and so on; of the bottom no levels."""
    run = States(
        model, group.prompts, _equal(sets, "top", "bottom", "random"), NOISES, seed=group.seed, **sets.generation
    )
    found = {f"{name}: {part}": array for name in run.sets for part, array in run.cell(name).items()}
    return {name: array for name, array in found.items() if name != "bottom: level"}


def one_background(model, group: Group, sets: Sets, number: int = 0) -> dict[str, np.ndarray]:
    """ "level" of the top as from `States`, for prompts that differ in their subject and share their background, which
    the group's prompt of that number lends."""
    subjects = toyworld_attributes(SCENES, "evaluation", subjects=1)
    lent = subjects[number]
    shared = {"texture": lent.texture, "background": lent.background, "second": lent.second}
    prompts = [format_prompt(replace(one, **shared)) for one in subjects]
    run = States(model, prompts, {"top": sets.of("top")}, seed=group.seed, **sets.generation)
    return {"level": run.cell("top")["level"]}


def writers(model, group: Group, sets: Sets) -> dict[str, np.ndarray]:
    """Who writes and reads each set (`writers_cell`), as "top: gate" and so on."""
    if reason := why_not(model):
        raise NotHere(reason)
    with watch_writers(model) as seen:
        model.generate(group.prompts, seed=group.seed, **sets.generation)
    chosen = _equal(sets, "top", "random", "energy-matched", "bottom")
    return {f"{name}: {part}": a for name, one in chosen.items() for part, a in writers_cell(seen, one).items()}


def difference(model, group: Group, sets: Sets) -> dict[str, np.ndarray]:
    """Mean square over tokens of source minus target [P, L], over all channels ("all"), and over the top in its "level"
    and its "pattern"; mean over steps, sums over channels."""
    found = sets.difference(group, sets.of("top"))
    return {"all": found["channels"].sum(axis=-1), "level": found["level"], "pattern": found["pattern"]}


def probes(model, group: Group, sets: Sets, captions: bool = True) -> dict[str, np.ndarray]:
    """Right or wrong [n, 4] for each set, in the middle block, by scenes shown with their caption or without."""
    if not sets.world.exact:
        raise NotHere("probes need scenes whose attributes are known, which are rendered for the toy world only")
    more = ("bottom", "random directions", "PCA") if captions else ()
    chosen = _equal(sets, "top", "top without the first", "energy-matched", "matched without the first", *more)
    for draw in range(MATCHES if captions else 1):
        chosen[f"random {draw + 1}"] = sets.of("random", draw=draw)
    layer = len(model.layers) // 2
    shown = probe_scenes(model, PROBE_SCENES, layer, captions=captions)
    tuned = probe_scenes(model, PROBE_SCENES // 2, layer, captions=captions, seed=1, split="calibration")
    found = probe_sets(shown, tuned, chosen, layer)
    return {name: right.astype(np.int8) for name, right in found.items()}


level_pattern = Study(
    "level_pattern",
    conditions,
    prompts={"all": evaluation(), "half": evaluation(share=1 / 2), "pairs": pairs()},
    readers=(
        Change(),
        Tone(prompts=("all", "half")),
        Agreement(prompts=("all", "half")),
        AgreementByEye(prompts=("all", "half")),
        Distances(),
        Adoption(),
        AdoptionByEye(),
        Concord(),
    ),
    base=Condition(channels="top"),
    instruments=instruments,
    again=lambda c: c.channels in ("", "top") and c.blocks is None,
    about="The level and the pattern of channels: removed, carried over, and looked at in untouched runs.",
)
