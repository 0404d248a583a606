"""All benches, one table, and bench/results.json, from which the page of the book is made.

    make bench                                   # or: python bench/run.py --only sharing masks --repeats 5

Run it on a machine that does nothing else. Each bench is a process of its own; what a bench is, and what its numbers
mean, its own file says. A bench that is not asked for keeps its rows, with their date.
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results.json"
SCRIPTS = {  # in the order of the table: what each is called with, once or more
    "capture": [
        ["capture.py", "--only", "toy"],
        ["capture.py", "--only", "flux", "--steps", "1", "--dtype", "float32"],
    ],
    "sharing": [["sharing.py"]],
    "masks": [["masks.py"]],
    "dragging": [["dragging.py"]],
    "live": [["live.py"]],
    "class": [["classroom.py"]],
}


def machine() -> dict:
    """What a reader needs to place the numbers, and nothing that names the machine."""
    import torch
    from fewchannels.origins import versions

    info = Path("/proc/cpuinfo")
    names = (
        [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        if info.exists()
        else []
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else None
    return {
        "processor": names[0] if names else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "memory_bytes": memory,
        "system": platform.system(),
        "versions": versions(),
    }


def measured(name: str, repeats: int, threads: int | None) -> list[dict]:
    """The rows of a bench, run in processes of its own."""
    rows = []
    for script, *arguments in SCRIPTS[name]:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "rows.json"
            command = [sys.executable, str(ROOT / "bench" / script), *arguments, "--repeats", str(repeats)]
            command += [
                "--json",
                str(out),
                *(["--threads", str(threads)] if threads and name in ("capture", "sharing") else []),
            ]
            subprocess.run(command, check=True)
            rows += json.loads(out.read_text())
    return rows


def of_the_book() -> list[dict]:
    """Seconds of each notebook's last run, from the build's stamps, and what each page weighs, from the built site."""
    rows = []
    for stamp in sorted((ROOT / "_build" / "stamps").glob("*.json")):
        record = json.loads(stamp.read_text())
        rows.append(
            {
                "what": stamp.stem.removesuffix(".ipynb").partition("--")[2],
                "workload": "notebook",
                "seconds": [record["seconds"]] * 3,
                "sections": record["sections"],
                "when": record["when"],
            }
        )
    for page in sorted((ROOT / "_build" / "html").rglob("*.html")):
        name = page.relative_to(ROOT / "_build" / "html").as_posix()
        if name.startswith(("notebooks/", "book/")):
            data = page.read_bytes()
            rows.append({"what": name, "workload": "page", "bytes": len(data), "packed": len(gzip.compress(data, 6))})
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=[*SCRIPTS, "book"], help="these alone")
    parser.add_argument("--repeats", type=int, default=3, help="pairs a method (default 3)")
    parser.add_argument("--threads", type=int, help="threads of torch (default: torch's own)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the results go (default bench/results.json)")
    options = parser.parse_args()
    kept = json.loads(options.out.read_text()) if options.out.exists() else {"benches": {}}
    for name in options.only or [*SCRIPTS, "book"]:
        print(f"== {name}", flush=True)
        rows = of_the_book() if name == "book" else measured(name, options.repeats, options.threads)
        date = datetime.datetime.now(datetime.UTC).date().isoformat()
        where = {**machine(), **({"threads": options.threads} if options.threads else {})}
        kept["benches"][name] = {"date": date, "machine": where, "pairs": options.repeats, "rows": rows}
        options.out.write_text(json.dumps(kept, indent=1) + "\n")
    sys.path.insert(0, str(ROOT / "book"))
    import benchmarks_page

    print(benchmarks_page.as_text(kept))


if __name__ == "__main__":
    main()
