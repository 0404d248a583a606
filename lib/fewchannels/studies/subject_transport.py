"""A subject from a picture into new scenes, by the channels of the picture's own trajectory (paper, image-conditioned
transport; what the paper leaves open is a choice of ours here).

    found = run(studies.subject_transport, model, n=24)
    found.harmonic("subject taken", "scene kept", channels="top", mask="union")     # both goals in one number

Beside transport stand image-to-image (SDEdit, Meng et al., 2022, arXiv 2108.01073), pasting the noised reference's
latents under the same mask (as in Blended Diffusion, Avrahami et al., 2022, arXiv 2111.14818), and the subject's name
in the prompt, without any picture. Settings are chosen on calibration pairs and other noise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..edits.inversion import image_trajectory
from ..edits.patching import Transport, transport
from ..metrics import squared_distance
from ..reading.readers import Adoption, Distances, Regions
from ..reading.second import AdoptionByEye, Concord
from .condition import Condition, each
from .critical import DRAWS, MATCHED, MATCHES
from .edits import UNTOUCHED, Ground
from .groups import Group, NotHere, references
from .results import Results
from .sets import Sets
from .study import Instrument, Study
from .text_transport import difference as shares_of_difference

COUNTS = (1, 2, 4, 8, 16, 32, 64)
WIDER = (1, 2, 4)  # times k, the counts that transport's best setting is chosen among: few channels are the claim
GOALS = ("subject taken", "scene kept")
METHODS = ("transport", "image to image", "paste")
INVERSIONS = {  # rounds of the fixed point, and whether the target starts from its own noise
    f"inverted {rounds}, {'own' if own else 'shared'} noise": {"way": "invert", "iterations": rounds, "own_noise": own}
    for rounds in (1, 3)
    for own in (False, True)
}
_TRIED = tuple(f"tried, {name}" for name in INVERSIONS)
WAYS = {"renoise": {}, "invert 1": {"way": "invert"}, "invert 3": {"way": "invert", "iterations": 3}}


def conditions(sets: Sets, blocks: int, steps: int) -> list[Condition]:
    """The headline on all pairs, and on calibration pairs the settings that compete."""
    moved, plain = Condition("transport", "top", sets.k, mask="union"), Condition(k=sets.k)
    tried, shown = {"prompts": ["tried"]}, lambda counts: [range(count) for count in counts]
    return [
        *each(plain, edit=(UNTOUCHED, "asked for")),
        *each(moved, channels=("top", "top without the first", "bottom", "all")),
        moved.but(k=1),
        *each(moved, channels=("random",), draw=range(DRAWS)),
        *each(moved, channels=MATCHED, draw=range(MATCHES)),
        *each(moved, k=[times * sets.k for times in WIDER], mask=("source", "union"), **tried),
        *each(plain, edit=("image to image",), steps=shown(range(1, max(2, steps - 2))), **tried),
        *each(plain, edit=("paste",), steps=shown(range(steps // 2, steps + 1, 2)), mask=("source", "union"), **tried),
    ]


def best_of(found: Results, method: str) -> Condition:
    """The setting that a method chose on calibration pairs."""
    return found.best(*GOALS, edit=method, prompts="tried").but(prompts="all")


def choose_inversion(found: Results) -> list[Condition]:
    """The chosen transport from inverted trajectories, on calibration pairs."""
    return [best_of(found, "transport").but(prompts=name) for name in _TRIED]


def best_inversion(found: Results) -> str:
    """The variant of inversion, one of `INVERSIONS`, that does best on calibration pairs with the chosen transport; the
    first where none can be run."""
    if not any(c.prompts in _TRIED for c in found.cells):
        return next(iter(INVERSIONS))
    return found.best(*GOALS, prompts=_TRIED.__contains__).prompts.removeprefix("tried, ")


def headline_and_sweeps(found: Results) -> list[Condition]:
    """Each method at its best, on all pairs; and, with the chosen count, sweeps over counts, masks, windows, places."""
    best = {method: best_of(found, method) for method in METHODS}
    last, steps = best["transport"], found.provenance["steps"]
    k, few = last.k, Condition("transport", "top", last.k, mask="union", prompts="few")
    half, plain = steps // 2, Condition(k=found.base.k, prompts="few")
    counts, both = [count for count in COUNTS if count <= found.index["width"]], sorted({found.base.k, k})
    shown = [range(count) for count in range(1, steps + 1)]
    windows = [window for window in (range(half), range(half, steps), range(steps - 2), range(2, steps)) if window]
    inverted = best_inversion(found)
    return [
        *best.values(),
        last.but(prompts=inverted),
        Condition(UNTOUCHED, k=found.base.k, prompts=inverted),
        *each(few, k=counts),
        *each(few, channels=("all", "random", "bottom", "complement")),
        *each(few, mask=("source", "target", "truth", "")),
        *each(few, steps=windows),
        *each(plain, edit=("image to image",), steps=shown[:-1]),
        *each(plain, edit=("paste",), steps=shown[1:], mask=("source",)),
        *each(few, prompts=("empty caption",), k=both),
        *_elsewhere("elsewhere", few, "union", both, best),
        few.but(prompts="elsewhere", mask="source"),
        *_elsewhere("nothing", few, "source", both, best),  # an empty scene has no subject to find a mask of
    ]


def _elsewhere(place: str, few: Condition, mask: str, ks: list[int], best: dict[str, Condition]) -> list[Condition]:
    there = few.but(prompts=place, mask=mask)
    return [
        Condition(UNTOUCHED, k=min(ks), prompts=place),
        there.but(channels="random", k=min(ks)),
        *each(there, k=ks),
        there.but(channels="all"),
        *(best[method].but(prompts=place) for method in METHODS[1:]),
    ]


def transport_picture(
    model,
    image,
    caption: str,
    prompts: str | Sequence[str],
    channels,
    how: str = "renoise",
    mask="union",
    *,
    seed: int = 0,
    steps: int | None = None,
    iterations: int = 1,
    **generation,
) -> Transport:
    """One picture's subject into new scenes: `image_trajectory` and `transport` in one call, with any model.

    image: a file's path, a PIL image or an array; caption: what it shows; prompts: the new scenes. how, iterations: as
    for image_trajectory; channels, mask: as for transport. The picture is recorded once a scene, since both must start
    from one noise: the scene's own, or of an inverted picture the one that leads to it. Raises what the two raise, and
    leaves the model as it was.
    """
    prompts = [prompts] if isinstance(prompts, str) else list(prompts)
    given, count = {"seed": seed, "steps": steps, **generation}, len(prompts)
    source = image_trajectory(model, [image] * count, [caption] * count, channels, how, iterations=iterations, **given)
    return transport(model, source, prompts, channels, mask=mask, latents=source.latents, **given)


def difference(model, group: Group, sets: Sets) -> dict[str, np.ndarray]:
    """Shares of the difference of a reference's trajectory and its target's run, as of `text_transport.difference`."""
    ground = Ground(sets, group)
    if not ground.fits(None):
        raise NotHere("the references' states on all channels do not fit into one recording")
    source = ground.source().of(model).trajectory
    return shares_of_difference(model, group, sets, conditions, source)


def trajectory(model, group: Group, sets: Sets) -> dict[str, np.ndarray]:
    """What a way makes of the same references: "error" [P], the mean squared distance of what its trajectory ends in to
    the reference; and of inverted start noise "mean", "deviation" and "neighbours" [P], the correlation of horizontal
    neighbours in the latents, 0 for white noise; NaN where latents are packed into tokens."""
    made = Ground(sets, group).source(sets.of("top")).of(model)
    found = {"error": squared_distance(made.images, group.images).astype(np.float32)}
    noise = made.trajectory.latents
    if noise is not None and noise.ndim == 4:
        flat, left, right = (x.flatten(1).double() for x in (noise, noise[..., :-1], noise[..., 1:]))
        left, right = (x - x.mean(dim=1, keepdim=True) for x in (left, right))
        together = (left * right).mean(dim=1) / (left.square().mean(dim=1) * right.square().mean(dim=1)).sqrt()
        for part, values in (("mean", flat.mean(dim=1)), ("deviation", flat.std(dim=1)), ("neighbours", together)):
            found[part] = values.cpu().numpy().astype(np.float32)
    elif noise is not None:
        found |= dict.fromkeys(("mean", "deviation", "neighbours"), np.full(len(group), np.nan, np.float32))
    return found


subject_transport = Study(
    "subject_transport",
    conditions,
    prompts={
        "all": references(),
        "few": references(1 / 4),
        "tried": references(1 / 4, split="calibration", noise=1),
        "empty caption": references(1 / 4, caption=""),
        "elsewhere": references(1 / 4, "elsewhere"),
        "nothing": references(1 / 4, "nothing"),
        **{name: references(**way) for name, way in INVERSIONS.items()},
        **{f"tried, {name}": references(1 / 4, split="calibration", noise=1, **w) for name, w in INVERSIONS.items()},
        **{f"way {name}": references(1 / 4, **way) for name, way in WAYS.items()},
    },
    readers=(Distances(), Adoption(), AdoptionByEye(), Concord(), Regions()),
    base=Condition("transport", "top", mask="union"),
    choose=(choose_inversion, headline_and_sweeps),
    instruments=lambda sets: {
        "difference": Instrument(difference),
        **{f"way {name}": Instrument(trajectory, f"way {name}") for name in WAYS},
    },
    about="The subject of a picture in new scenes, beside image-to-image, pasting, and the subject's name.",
)
