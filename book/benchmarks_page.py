"""Writes the page of benchmarks, from what `make bench` measured (bench/results.json).

write_page(src, results)                # fills the placeholder in src/book/benchmarks.md
print(as_text(json.loads(...)))         # the same tables for a terminal
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

EXTRA = {"at_most": "at most", "apart": "furthest apart", "agree": "tokens that agree"}  # columns that some rows have
PLACEHOLDER = "<!-- benchmarks -->"
NOTHING = "Nothing was measured yet: `make bench` does, and writes `bench/results.json`."
CLASS_PLACEHOLDER = "<!-- class -->"  # of book/class.md, which shows this bench alone
TITLES = {
    "capture": "Capturing",
    "sharing": "Conditions together",
    "masks": "Masks",
    "dragging": "A drag in the explorer",
    "live": "A picture in the live lab",
    "class": "A class on one machine",
    "book": "The book itself",
}
GOALS = {
    "capture": "Goal: at most 1.02 times the bare run, on a CPU.",
    "sharing": "Goal: both together twice as fast as one at a time, with the same threads.",
    "masks": "Goal: the 171 masks of one prompt in less than a second on two cores.",
    "dragging": "Goal: 60 frames a second, so at most 16.7 ms a change.",
    "live": "Goal: 16 steps and one decode in 0.6 seconds on one core, and no slower than PyTorch on one thread.",
    "class": "Goal: no more than 2 GiB a learner.",
    "book": "Goal: all notebooks within twelve minutes on two cores.",
}


def write_page(src: Path, results: Path) -> None:
    """Fill the placeholders of src/book/benchmarks.md and class.md, where they are. Raises ValueError for a page
    without its placeholder."""
    measured = json.loads(results.read_text(encoding="utf-8")) if results.exists() else {"benches": {}}
    alone = {"benches": {name: bench for name, bench in measured["benches"].items() if name == "class"}}
    pages = {"benchmarks": (PLACEHOLDER, measured, "##"), "class": (CLASS_PLACEHOLDER, alone, "###")}
    for name, (placeholder, shown, level) in pages.items():
        page = src / "book" / f"{name}.md"
        if not page.exists():
            continue
        text = page.read_text(encoding="utf-8")
        if placeholder not in text:
            raise ValueError(f"{page.name} has no placeholder {placeholder}")
        page.write_text(text.replace(placeholder, as_markdown(shown, level) or NOTHING), encoding="utf-8")


def as_markdown(results: Mapping, level: str = "##") -> str:
    """A section a bench: where and when, its goal, a table a workload."""
    parts = []
    for name, bench in _ordered(results):
        parts += [f"{level} {TITLES[name]}", _where(name, bench), GOALS[name]]
        for workload, rows in _by_workload(bench["rows"]).items():
            head, lines = _table(name, rows)
            table = ["| " + " | ".join(line) + " |" for line in (head, [":--", *["--:"] * (len(head) - 1)], *lines)]
            parts += [f"**{_sentence(workload)}**", "\n".join(table)]
    return "\n\n".join(parts)


def as_text(results: Mapping) -> str:
    """The tables in columns."""
    told = []
    for name, bench in _ordered(results):
        told += [f"\n{TITLES[name]}. {GOALS[name]}", _where(name, bench)]
        for workload, rows in _by_workload(bench["rows"]).items():
            head, lines = _table(name, rows)
            widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]
            told.append(f"  {workload}")
            for line in (head, *lines):
                first, *others = (
                    cell.ljust(w) if i == 0 else cell.rjust(w)
                    for i, (cell, w) in enumerate(zip(line, widths, strict=True))
                )
                told.append("    " + "  ".join([first, *others]))
    return "\n".join(told)


def _ordered(results: Mapping) -> list[tuple[str, Mapping]]:
    return [(name, results["benches"][name]) for name in TITLES if name in results["benches"]]


def _where(name: str, bench: Mapping) -> str:
    m = bench["machine"]
    memory = f", {m['memory_bytes'] / 2**30:.0f} GiB" if m.get("memory_bytes") else ""
    versions = ", ".join(f"{name} {m['versions'][name]}" for name in ("python", "torch", "diffusers", "fewchannels"))
    how = f"Medians of {bench['pairs']} paired runs, with the lowest and the highest."
    if name == "book":
        how = "The last run of each notebook, and the site that was built from them."
    if name == "class":
        how = "One run each; memory that kernels share counts once."
    if name == "dragging":
        how = f"Processor time of the page's main thread; {bench['pairs']} drags of 40 changes, median, least and most."
    if name == "live":
        how = f"Processor time of all; medians of {bench['pairs']} paired runs, with the lowest and the highest."
    return (
        f"{bench['date']}; {m['processor']}, {m['cores']} cores ({m['instructions']}){memory}, {m['threads']} threads "
        f"of torch; {versions}. {how}"
    )


def _by_workload(rows) -> dict[str, list[Mapping]]:
    found: dict[str, list[Mapping]] = {}
    for row in rows:
        found.setdefault(row["workload"], []).append(row)
    return found


def _table(bench: str, rows) -> tuple[list[str], list[list[str]]]:
    if "bytes" in rows[0]:
        ordered = sorted(rows, key=lambda row: -row["packed"])
        return ["page", "KB", "KB packed"], [
            [row["what"], f"{row['bytes'] / 1000:,.0f}", f"{row['packed'] / 1000:,.0f}"] for row in ordered
        ]
    if bench == "book":
        lines = [[row["what"], f"{row['seconds'][0]:.0f}", row["when"]] for row in rows]
        total = sum(row["seconds"][0] for row in rows)
        return ["notebook", "seconds", "run"], [*lines, ["all", f"{total:.0f}", ""]]
    if bench == "class":
        head = ["at the same time", "MiB each", "MiB together", "processor seconds each", "seconds until all are done"]
        return head, [
            [
                row["what"],
                f"{row['peak_bytes'] / row['learners'] / 2**20:,.0f}",
                f"{row['peak_bytes'] / 2**20:,.0f}",
                f"{row['busy']:.0f}",
                f"{row['seconds'][0]:.0f}",
            ]
            for row in rows
        ]
    if bench == "dragging":
        return ["slider", "ms a change"], [[r["what"], _spread([1000 * s for s in r["seconds"]], 1)] for r in rows]
    if bench == "capture":
        head = ["way", "time over bare", "counted inside", "seconds", "memory"]
        return head, [
            [
                r["what"],
                _spread(r["ratio"], 3),
                f"{r['inside']:.3f}" if "inside" in r else "",
                _spread(r["seconds"], 2),
                _memory(r),
            ]
            for r in rows
        ]
    columns = {name: text for name, text in EXTRA.items() if name in rows[0]}
    lines = []
    for row in rows:
        median, low, high = row["ratio"]
        faster = _spread([1 / median, 1 / high, 1 / low], 2)
        digits = 2 if row["seconds"][0] > 0.1 else 4
        lines.append([row["what"], faster, _spread(row["seconds"], digits), *(f"{row[name]:.3g}" for name in columns)])
    return ["way", "times as fast", "seconds", *columns.values()], lines


def _memory(row) -> str:
    return "" if row.get("peak_bytes") is None else f"{row['peak_bytes'] / 2**20:,.0f} MiB"


def _spread(values, digits: int) -> str:
    median, low, high = values
    if low == high:
        return f"{median:.{digits}f}"
    return f"{median:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
