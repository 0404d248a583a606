"""What the figures of the study `spatial` take, from its results: grids, rows and curves of the middle block.

    found = run(studies.spatial, model, n=24)
    plots.dots(beside(found, tested(found)), "IoU")               # channels, and what they are held against
    plots.panels_of_numbers(**grids(found, "generated", ("top", "random")))

What a model lacks (words that can be rendered, attention that can be read) is left out of rows and lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..instruments.looks import Looked
from ..masks.subjects import POLARITIES
from ..metrics import Interval, known_mean
from ..reading.worlds import ToyWorld
from ..studies.groups import scenes
from ..studies.results import Results
from ..studies.spatial import at, difference, mean_of, tested
from ..toyworld.prompts import SIZES

BLIND = "priors: everything", "priors: centred disc", "priors: average mask"
RIVALS = {
    "nothing seen": {
        "everything": BLIND[0],
        "a coin": "priors: random half",
        "centred disc": BLIND[1],
        "average mask": BLIND[2],
    },
    "words": {"words alone": "priors: words"},
    "latents": {
        "noisy latents": "noisy pixels",
        "own estimate": "own estimate",
        "own estimate, scaled": "own estimate, scaled",
    },
    "attention": {"to the noun": "attention to noun, all blocks", "to the phrase": "attention to phrase, all blocks"},
}  # what a mask from channels is held against
SETS = {
    "top": "top",
    "top, the first alone": "k: top, k = 1",
    "top, without the first": "frozen without the first",
    "matched to these": "matched",
    "next in rank": "next",
    "PCA": "PCA",
    "random directions": "random directions",
    "random": "random",
    "bottom": "bottom",
}  # what is clustered beside the top
OF_KINDS = {
    "top": "top",
    "all": "all",
    "own\nestimate": "own estimate, scaled",
    "to the\nphrase": "attention to phrase, all blocks",
    "words\nalone": "priors: words",
    "disc": "priors: centred disc",
}  # what is told apart by kinds of scenes
EARLY = {
    "top": "top",
    "random": "random",
    "noisy latents": "noisy pixels",
    "own estimate": "own estimate",
    "attention to the phrase": "attention to phrase, all blocks",
    "words alone": "priors: words",
}  # what is followed from noise to picture
ORIGINS = {
    "own prompt, own noise": "top",
    "own prompt, other noise": "other noise",
    "other prompt, own noise": "other prompt",
    "no prompt, own noise": "empty prompt",
}


def scores(
    found: Results, group: str, names: Mapping[str, str], level: float | None = None, part: str = "iou"
) -> dict[str, Interval]:
    """Rows of `plots.dots`, in the middle block: the mean of each {label: name}, but for those that a model lacks."""
    rows = {label: mean_of(at(found, group, name, level=level, part=part)) for label, name in names.items()}
    return {label: row for label, row in rows.items() if np.isfinite(row.value)}


def sets(found: Results, group: str) -> dict[str, dict[str, Interval]]:
    """What `plots.dots` takes: IoU of the masks from each of `SETS`, and the share of the energy that the set holds."""
    return {"IoU": scores(found, group, SETS), "energy": scores(found, group, SETS, part="energy")}


def origins(found: Results) -> dict[str, dict[str, Interval]]:
    """What `plots.dots` takes: the masks of `ORIGINS` at pure noise, and at the noise level that is claimed."""
    levels = {"pure noise": 1.0, "a little later": None}
    return {heading: scores(found, "generated", ORIGINS, level) for heading, level in levels.items()}


def turning(found: Results, group: str, rivals: Mapping[str, str]) -> dict[str, dict[str, Interval]]:
    """What `plots.dots` takes: by how much the top is ahead of each rival {label: name}, where it is claimed and with
    one choice changed, so that a reader sees on which of them a verdict hangs."""
    middle = found.index["blocks"] // 2
    choices = {
        "as claimed": {},
        "a block earlier": {"block": middle - 1},
        "a block later": {"block": middle + 1},
        "at pure noise": {"level": 1.0},
        "with little noise": {"level": 0.2},
    } | ({"generated pictures": {"group": "generated"}} if group != "generated" else {})
    return {
        heading: {
            label: difference(*(at(found, name=side, **{"group": group, **where}) for side in ("top", name)))
            for label, where in choices.items()
        }
        for heading, name in rivals.items()
    }


def beside(found: Results, group: str) -> dict[str, dict[str, Interval]]:
    """What `plots.dots` takes: masks from channels beside those of `RIVALS`, at the claimed noise level."""
    groups = {"channels": {name: name for name in ("top", "frozen", "all", "random", "bottom")}, **RIVALS}
    rows = {heading: scores(found, group, names) for heading, names in groups.items()}
    return {heading: own for heading, own in rows.items() if own}


def best_blind(found: Results, group: str) -> str:
    """The best of the masks that see nothing of the picture, by its name."""
    return max(BLIND, key=lambda name: np.nan_to_num(known_mean(at(found, group, name)), nan=-1))


def grids(found: Results, group: str, names: Sequence[str]) -> dict:
    """What `plots.panels_of_numbers` takes: the mean IoU in each block and at each noise level, a panel a name."""
    cell = found.instruments[group]
    where = [[(block, level) for level in cell["sigmas"]] for block in cell["layers"]]
    panels = {
        name: np.array([[mean_of(at(found, group, name, *place)).value for place in row] for row in where])
        for name in names
    }
    return _grid(panels, cell["layers"], cell["sigmas"])


def looked_at(seen: Looked, truth: np.ndarray, names: Mapping[str, str]) -> dict:
    """The same of a look of one's own (`studies.spatial.seen_by_all`), {label: name}."""
    panels = {label: np.nanmean(seen.iou(name, truth), axis=0) for label, name in names.items()}
    return _grid(panels, range(len(next(iter(panels.values())))), seen.sigmas)


def _grid(panels: Mapping[str, np.ndarray], blocks: Sequence[int], sigmas: Sequence[float]) -> dict:
    labels = {"xlabel": "noise level", "ylabel": "block"}
    return {"panels": panels, "rows": list(map(str, blocks)), "columns": _levels(sigmas), **labels}


def levels_of(found: Results, group: str) -> list[str]:
    """Noise levels as labels.

    >>> levels_of(Results("", {}, {}, {"scenes": {"sigmas": np.array([1.0, 0.857, 0.001])}}), "scenes")
    ['1', '.86', '.00']
    """
    return _levels(found.instruments[group]["sigmas"])


def _levels(sigmas: Sequence[float]) -> list[str]:
    return [f"{level:.2f}".lstrip("0") if level < 0.995 else "1" for level in sigmas]


def over_levels(found: Results, group: str, names: Mapping[str, str] = EARLY, bands: int = 3) -> dict:
    """What `plots.curves` takes: {label: name} over the noise levels in the middle block, the first few with their
    intervals; what a model lacks is left out."""
    sigmas = found.instruments[group]["sigmas"]

    def row(name: str) -> np.ndarray:
        return np.array([mean_of(at(found, group, name, level=level)) for level in sigmas])

    rows = {label: row(name) for label, name in names.items()}
    known = {label: row for label, row in rows.items() if np.isfinite(row).any()}
    lines = {label: tuple(row.T) if i < bands else row[:, 0] for i, (label, row) in enumerate(known.items())}
    return {"x": levels_of(found, group), "lines": lines}


def over_k(found: Results) -> dict:
    """What `plots.curves` takes: IoU over the number of channels in the middle block, and the share of the energy that
    the top hold; where claims are tested."""
    group = tested(found)
    cell = found.instruments[group]
    named = [name for name in cell if name.startswith("k: top") and name.endswith("iou")]
    ks = sorted(int(name.split()[-2].rstrip(":")) for name in named)

    def row(kind: str, part: str = "iou") -> np.ndarray:
        few = [k for k in ks if kind != "random" or f"k: random 1, k = {k}: iou" in cell]
        means = [mean_of(at(found, group, f"k: {kind}, k = {k}", part=part)) for k in few]
        return np.array([*means, *[(np.nan,) * 3] * (len(ks) - len(few))]).T

    lines = {kind: tuple(row(kind)) for kind in ("top", "random", "bottom")}
    return {"x": ks, "lines": lines | {"energy of the top": row("top", "energy")[0]}}


def polarities(found: Results) -> dict:
    """What `plots.table_of_numbers` takes: the mean IoU by each rule that names the subject's cluster, and of the
    better one; a row a kind of scene, the last of all of them."""
    parts = {rule.replace("_", "\n"): "iou" if rule == "border" else rule for rule in POLARITIES}
    parts |= {"better\nof two": "best"}
    return _by_kind(found, {label: at(found, tested(found), "top", part=part) for label, part in parts.items()})


def by_kind(found: Results, names: Mapping[str, str] = OF_KINDS) -> dict:
    """What `plots.table_of_numbers` takes: the mean IoU of each {label: name}, but for those that a model lacks; a row
    a kind of scene, the last of all of them."""
    columns = {label: at(found, tested(found), name) for label, name in names.items()}
    return _by_kind(found, {label: column for label, column in columns.items() if np.isfinite(column).any()})


def _by_kind(found: Results, columns: Mapping[str, np.ndarray]) -> dict:
    n = len(next(iter(columns.values())))
    kinds = (_kinds(n) if tested(found) == "scenes" else {}) | {"all": np.ones(n, bool)}
    values = [[mean_of(column[chosen]).value for column in columns.values()] for chosen in kinds.values()]
    return {"values": np.array(values), "rows": list(kinds), "columns": list(columns), "label": "IoU"}


def _kinds(n: int) -> dict[str, np.ndarray]:
    """What each of n scenes holds, bool [n] by the size of its subject."""
    truth = scenes().of(ToyWorld(), n, 0).truth
    kinds = np.array(["two" if len(one.subjects) > 1 else one.subjects[0].size for one in truth])
    return {name: kinds == name for name in (*SIZES, "two") if (kinds == name).any()}


def protocols(found: Results) -> dict:
    """What `plots.panels_of_numbers` takes: the public replication's protocol in the last step, in each block, and one
    change of it at a time."""
    cell = found.instruments["generated"]
    changed = {
        "as stated": "as stated",
        "percentiles": "percentile range",
        "mean of abs": "mean of abs",
        "frozen top": "frozen set",
    }
    named = {label: (name, "larger_sum") for label, name in changed.items()} | {"border rule": ("as stated", "iou")}

    def grid(part: str | None) -> np.ndarray:
        keys = [f"protocol: {name}: {part or own}" for name, own in named.values()]
        return np.array([np.nanmean(np.asarray(cell[key], np.float64), axis=0)[:, 0] for key in keys])

    areas = grid("area")
    areas[-1] = np.asarray(cell["top: area"], np.float64)[:, :, -1].mean(axis=0)
    panels = {"IoU": grid(None), "IoU of the better cluster": grid("best"), "share of tokens in the mask": areas}
    return {"panels": panels, "rows": list(named), "columns": list(map(str, cell["layers"])), "xlabel": "block"}
