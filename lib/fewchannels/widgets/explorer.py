"""`Explorer`: every channel of every block and step of one or more runs, in a notebook and in a page.

    Explorer("run.safetensors")                       # what `fewchannels run` wrote, or a Run
    Explorer([untouched, edited], title="Before and after")

    Explorer(run, ask=recorder(model, like=run))      # live (measure.recording): the page can ask for more

Runs are packed small for the page (packing.py); a reader can open run files of any size beside them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..names import ASKED
from .answers import Answers
from .explorer_runs import pack_run
from .host import PageWidget
from .packing import LEVELS, RELATIVE_ERROR, SMALLEST_ERROR, Block


class Explorer(PageWidget):
    """Explore runs: scores of all channels over blocks and steps, token maps, pictures, one run against another.

    runs: a Run or a path of a run file, or a list of them; the first is shown first. Each needs the statistics that
        `ChannelStats.to_arrays` gives (`stats/mean`, `stats/mean_abs`, `stats/max_abs`, `stats/var`).
    start: first view. title: a line above. key: the name of this widget in links to a view.
    score_error, map_levels: precision of what the page carries, the relative error of scores and the number of values
        that a map has; the page states both. Coarser is smaller.
    ask: in a live notebook, what runs the model again where the reader asks for another prompt, seed or edit:
        ask(request, report=..., stopped=...) -> Run, such as `measure.recording.recorder(model, like=run)`. It works
        in a thread of its own; leave the model alone meanwhile. edits: those that it understands.
    sample: address of a run file that the page offers to try.
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
        ask: Callable[..., Any] | None = None,
        edits: Sequence[str] = ASKED,
        sample: str = "",
    ) -> None:
        given = list(runs) if isinstance(runs, Sequence) and not isinstance(runs, (str, bytes)) else [runs]
        if not SMALLEST_ERROR <= score_error < 0.5 or not 2 <= map_levels <= 256:
            raise ValueError(
                f"score_error={score_error}, map_levels={map_levels}: "
                f"expected {SMALLEST_ERROR:.3g} to 0.5, and 2 to 256"
            )
        if not given:
            raise ValueError("no runs: expected a Run, a path of a run file, or a list of them")
        block, headers = Block(), []
        for number, run in enumerate(given):
            headers.append(pack_run(block, _loaded(run), f"run{number}", score_error, map_levels))
        data: dict[str, Any] = {"label": "Channel explorer", "key": key, "title": title, "runs": headers}
        if sample:
            data["sample"] = sample
        if ask is not None:
            data["ask"] = {"edits": list(edits)}
        super().__init__("explorer", data, block.tobytes(), dict(start or {}))
        self._answers = None
        if ask is not None:
            self._answers = Answers(ask, _packed_alone, self.send)
            self.on_msg(self._answers.hear)

    def close(self) -> None:
        """Close the widget; what was asked and not answered is dropped."""
        if getattr(self, "_answers", None) is not None:
            self._answers.stop()
        super().close()


def _packed_alone(run: Any, key: str) -> tuple[dict, bytes]:
    block = Block()
    return pack_run(block, run, key), block.tobytes()


def _loaded(run: Any) -> Any:
    if isinstance(run, (str, os.PathLike)):
        from ..runfile import load_run

        return load_run(run)
    missing = [name for name in ("provenance", "prompts", "stats", "maps", "index", "images") if not hasattr(run, name)]
    if missing:
        raise ValueError(f"{type(run).__name__} is no Run (it has no {', '.join(missing)}): expected a Run or a path")
    return run
