"""`Explorer`: every channel of every block and step of one or more runs, in a notebook and in a page.

    Explorer("run.safetensors")                       # what `fewchannels run` wrote, or a Run
    Explorer([untouched, edited], title="Before and after")

Runs are packed small for the page (packing.py); a reader can open run files of any size beside them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from .explorer_runs import pack_run
from .host import PageWidget
from .packing import LEVELS, RELATIVE_ERROR, Block


class Explorer(PageWidget):
    """Explore runs: scores of all channels over blocks and steps, token maps, pictures, one run against another.

    runs: a Run or a path of a run file, or a list of them; the first is shown first. Each needs the statistics that
        `ChannelStats.to_arrays` gives (`stats/mean`, `stats/mean_abs`, `stats/max_abs`, `stats/var`).
    start: first view. title: a line above. key: the name of this widget in links to a view.
    score_error, map_levels: precision of what the page carries, the relative error of scores and the number of values
        that a map has; the page states both. Coarser is smaller.
    In a live notebook `explorer.state` follows the page, and setting it moves the page.

    Raises ValueError for a run without statistics or whose index does not fit them, RunFileError for a bad file.
    """

    def __init__(
        self,
        runs: Any,
        *,
        start: Mapping[str, Any] | None = None,
        title: str = "",
        key: str = "explorer",
        score_error: float = RELATIVE_ERROR,
        map_levels: int = LEVELS,
    ) -> None:
        given = list(runs) if isinstance(runs, Sequence) and not isinstance(runs, (str, bytes)) else [runs]
        if not 0 < score_error < 0.5 or not 2 <= map_levels <= 256:
            raise ValueError(f"score_error={score_error}, map_levels={map_levels}: expected 0 to 0.5, and 2 to 256")
        if not given:
            raise ValueError("no runs: expected a Run, a path of a run file, or a list of them")
        block, headers = Block(), []
        for number, run in enumerate(given):
            headers.append(pack_run(block, _loaded(run), f"run{number}", score_error, map_levels))
        data = {"label": "Channel explorer", "key": key, "title": title, "runs": headers}
        super().__init__("explorer", data, block.tobytes(), dict(start or {}))


def _loaded(run: Any) -> Any:
    if isinstance(run, (str, os.PathLike)):
        from ..runfile import load_run

        return load_run(run)
    missing = [name for name in ("provenance", "prompts", "stats", "maps", "index", "images") if not hasattr(run, name)]
    if missing:
        raise ValueError(f"{type(run).__name__} is no Run (it has no {', '.join(missing)}): expected a Run or a path")
    return run
