"""Is an entry of the layout table right? The checks that tell, on the model itself.

    report = check_layout(fc.load(pipeline), height=256, width=384)      # a whole pipeline, a size that is no square
    report = check_layout(fc.load(transformer), call)                    # a bare transformer, and how to run it
    print(report)                                                        # a line for each check; report.ok

No check trusts the entry. Where the image tokens are is told by the model's own output layer, which works token by
token, by its residual stream, and by what a change of the prompt changes. Each check says what it found, also where
that is an error of the reader.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .bench import CHECKS, Bench, one_forward
from .pipelines import branches_of, recorded, sized

__all__ = ["Finding", "LayoutReport", "check_layout", "one_forward"]
PROMPTS = (
    "a large red star at the center on a plain white background",
    "a small blue circle at the left on a plain green background",
)
NO_SQUARE = (3, 12)  # 36 tokens: a root would make a square of them


@dataclass(frozen=True)
class Finding:
    """One check: passed is None where it could not be made, and detail says why, or what was found."""

    name: str
    passed: bool | None
    detail: str


@dataclass(frozen=True)
class LayoutReport:
    """What `check_layout` found for a class. ok: no check failed; failed: the names of those that did."""

    layout: str
    findings: tuple[Finding, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        return tuple(finding.name for finding in self.findings if finding.passed is False)

    @property
    def ok(self) -> bool:
        return not self.failed

    def __str__(self) -> str:
        marks = {True: "right", False: "WRONG", None: "not checked"}
        lines = [f"{marks[f.passed]:12} {f.name:9} {f.detail}" for f in self.findings]
        verdict = "no check failed" if self.ok else f"failed: {', '.join(self.failed)}"
        return "\n".join([f"Layout of {self.layout}: {verdict}", *lines])


def check_layout(
    model, call: Callable | None = None, grid: tuple[int, int] = NO_SQUARE, prompts=PROMPTS, **generation
) -> LayoutReport:
    """Run the checks of a model's layout on one forward, and on a pipeline also those of its guidance branches.

    call(height, width), in tokens, runs one forward of a bare transformer for two samples and returns the image part
    of its output, [B, N, C] or [B, C, H, W]; grid is what it is asked for. Without it the model needs a pipeline: a
    forward that it makes for two `prompts` is recorded and run again, with `generation` as for model.generate (256 x
    384 px where the pipeline takes a size; turn guidance on, as in guidance_scale=4, for the check of branches).

    "blocks" run in the order of the table. "grid" is the size that was asked for. "tokens": every block gives one
    vector a token. "inverse": what is written is read again and nothing is changed in place. "text" is untouched by a
    write of the image, and with it, registers and padding all that a block returns. "place": a token of the last block
    is a patch of the output. "residual": a token keeps its place from block to block. "reach": an edit of any block
    reaches the output and leaves no trace. "identity": an edit that changes nothing changes no bit. "planted": a
    channel made massive in a block is found there. "reads": the norms that the entry names are all that reads the
    stream of the picture. "branches": the conditional one follows the prompt and the other does not.

    Raises ValueError for a bare transformer without `call`, and what model.generate raises.
    """
    if call is None and model.pipeline is None:
        raise ValueError(f"{model.name} is a bare transformer: pass call(height, width), which runs one forward of it")
    own = {} if call is not None else sized(model, generation)
    if call is None:
        size, call = (own.get("height"), own.get("width")), recorded(model, list(prompts), own)
        arguments, asked = {}, size
    else:
        arguments = {"height": grid[0], "width": grid[1]}
        asked = grid
    bench = Bench(model, call, arguments, asked)
    checks = [(name, getattr(bench, name)) for name in CHECKS]
    if own:
        checks.append(("branches", lambda: branches_of(model, list(prompts), own)))
    return LayoutReport(model.layout.name, tuple(_made(name, check) for name, check in checks))


def _made(name: str, check: Callable) -> Finding:
    try:
        return Finding(name, *check())
    except (ValueError, TypeError, LookupError, AttributeError, RuntimeError) as error:
        return Finding(name, False, " ".join(str(error).split()) or type(error).__name__)
