"""What capturing costs: time over the bare run, and memory, beside the ways one would otherwise do it.

    python bench/capture.py                      # both workloads, a table
    python bench/capture.py --json rows.json     # the rows too: what, ratio, seconds, peak_bytes, workload

Workloads: the toy world at batch 16 through its pipeline, and a random FLUX-class transformer of 12 blocks of width
768 on 1,024 image tokens (called in a loop, since what surrounds it is not the matter).

ratio, seconds: median, lowest and highest. ratio: each run of a method follows or precedes a bare run of its own, and
this is their quotient, so that other work on the machine falls on both. On a machine that others use, `--threads 1
--clock cpu` counts the processor time of this process instead of the time on the wall. peak_bytes: how far resident
memory rose above what a fresh, warmed process held before the run (Linux; elsewhere since the start of the process),
one process a method; differences of 10 to 20 MiB are the allocator's. inside: for ours, the time spent within the
sink over the time outside it in one and the same run, plus one: it leaves the hooks themselves out (about 0.001) and
is steady where pairs scatter by some per cent. The goal is a ratio of 1.02 or less for ours.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import fewchannels as fc
import torch
from fewchannels.layouts import blocks_of, read
from paired import CLOCKS, paired
from workloads import Flux, Toy


def bare(work):
    work.run()


def ours(work, per_sample=True):
    with fc.capture(work.model, stats := fc.ChannelStats(per_sample=per_sample)):
        work.run()
    return stats.mean, stats.mean_abs, stats.max_abs, stats.var


def ours_merged(work):
    return ours(work, per_sample=False)


def four_reductions(tokens):
    x = tokens.float()
    return x.mean(1), x.abs().mean(1), x.abs().amax(1), x.var(1)


@contextlib.contextmanager
def plain_hooks(model, function):
    """What a careful reader would write by hand: a forward hook a block, a list of results."""
    found, frame = [], {}

    def begins(module, args, kwargs):
        frame["now"] = fc.layouts.frame_of(model.layout, module, kwargs)

    handles = [model.transformer.register_forward_pre_hook(begins, with_kwargs=True)]
    for _, group, block in blocks_of(model.layout, model.transformer):
        handles.append(
            block.register_forward_hook(
                lambda module, args, output, group=group: found.append(function(read(group, output, frame["now"])))
            )
        )
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def hooks_four_reductions(work):
    with plain_hooks(work.model, four_reductions) as found:
        work.run()
    return found


def store_everything(work):
    with plain_hooks(work.model, lambda tokens: tokens) as found:
        work.run()
    return found


def _nnsight(work, function):
    """nnsight traces the transformer; its own loop stands in for the pipeline's."""
    from nnsight import NNsight

    if not hasattr(work, "traced"):
        work.traced = NNsight(work.model.transformer)
    found, blocks = [], [name for name, _, _ in blocks_of(work.model.layout, work.model.transformer)]
    modules = [work.traced.get(name) if hasattr(work.traced, "get") else None for name in blocks]
    for timestep in work.timesteps():
        with torch.no_grad(), work.traced.trace(timestep=timestep, **work.inputs):
            step = [function(module.output[1]) for module in modules].save()
        found.append(step)
    return found


def nnsight_saving(work):
    return _nnsight(work, lambda tokens: tokens)


def nnsight_four_reductions(work):
    return _nnsight(work, four_reductions)


METHODS = {
    "bare": bare,
    "fewchannels ChannelStats": ours,
    "fewchannels ChannelStats, merged": ours_merged,
    "plain hooks, four reductions": hooks_four_reductions,
    "plain hooks, store everything": store_everything,
    "nnsight, four reductions": nnsight_four_reductions,
    "nnsight, save block outputs": nnsight_saving,
}
WORKLOADS = {"toy": Toy, "flux": Flux}


def available(name, kind) -> str | None:
    """None where the method can run on this workload, else why not."""
    if not name.startswith("nnsight"):
        return None
    if kind is Toy:
        return "not run: nnsight traces a module, not a pipeline's loop"
    try:
        import nnsight  # noqa: F401
    except ImportError:
        return "not installed: pip install nnsight"
    return None


def inside(work, per_sample, repeats, clock) -> float:
    """Median over runs of 1 + time within ChannelStats.add / time outside it."""

    class Timed(fc.ChannelStats):
        spent = 0.0

        def add(self, *args, **labels):
            start = clock()
            super().add(*args, **labels)
            self.spent += clock() - start

    found = []
    for _ in range(repeats):
        start = clock()
        with fc.capture(work.model, stats := Timed(per_sample)):
            work.run()
        found.append(1 + stats.spent / (clock() - start - stats.spent))
    return statistics.median(found)


def peak_of(work, name) -> int:
    """Bytes by which one run raises resident memory, in this process."""
    bare(work)
    status = Path("/proc/self/status")
    if status.exists():
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")  # sets the high-water mark back to what is resident now

    def resident(field):
        if not status.exists():
            import resource

            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith(field))

    before = resident("VmRSS")
    kept = METHODS[name](work)
    after = resident("VmHWM")
    del kept
    return max(after - before, 0)


def peak_in_a_fresh_process(workload, name, argv) -> int:
    command = [sys.executable, __file__, "--peak", workload, name, *argv]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    if done.returncode:
        raise RuntimeError(f"the memory run of {name!r} failed:\n{done.stderr[-2000:]}")
    return int(done.stdout.split()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", metavar="FILE", help="write the rows as a JSON list")
    parser.add_argument("--only", choices=sorted(WORKLOADS), help="one workload")
    parser.add_argument("--model", help="a folder instead of the shipped toy world")
    parser.add_argument("--methods", help="only methods with this in their name (and the bare run)")
    parser.add_argument("--repeats", type=int, default=7, help="pairs a method (default 7)")
    parser.add_argument("--steps", type=int, help="steps a run (default: toy 4, FLUX-class 2)")
    parser.add_argument("--dtype", default="bfloat16", choices=["bfloat16", "float32"], help="of the FLUX-class model")
    parser.add_argument("--threads", type=int, help="threads of torch (default: torch's own)")
    parser.add_argument("--clock", default="wall", choices=sorted(CLOCKS), help="time on the wall, or of the processor")
    parser.add_argument("--no-memory", action="store_true", help="leave the memory runs out")
    parser.add_argument("--peak", nargs=2, metavar=("WORKLOAD", "METHOD"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.peak:
        print(peak_of(WORKLOADS[options.peak[0]](options), options.peak[1]))
        return

    passed = ["--dtype", options.dtype]
    for name in ("model", "steps", "threads"):
        if getattr(options, name):
            passed += [f"--{name}", str(getattr(options, name))]
    rows = []
    for key, kind in WORKLOADS.items():
        if options.only not in (None, key):
            continue
        work = kind(options)
        print(
            f"\n{work.label} (threads: {torch.get_num_threads()}, pairs: {options.repeats}, steps: {work.steps}, "
            f"clock: {options.clock})"
        )
        print(f"  {'':36}{'ratio':>8}{'seconds':>10}{'memory':>12}{'inside':>9}")
        asked = [name for name in METHODS if name == "bare" or (options.methods or "") in name]
        names = [name for name in asked if available(name, kind) is None]
        times = paired({name: METHODS[name] for name in names}, "bare", work, options.repeats, options.clock)
        for name in asked:
            if name not in times:
                print(f"  {name:36}{available(name, kind)}")
                continue
            ratio, seconds = times[name]
            peak = None if options.no_memory else peak_in_a_fresh_process(key, name, passed)
            memory = "" if peak is None else f"{peak / 2**20:.1f} MiB"
            row = {
                "what": name,
                "workload": work.label,
                "ratio": list(ratio),
                "seconds": list(seconds),
                "peak_bytes": peak,
            }
            within = ""
            if name.startswith("fewchannels"):
                row["inside"] = inside(work, "merged" not in name, options.repeats, CLOCKS[options.clock])
                within = f"{row['inside']:9.3f}"
            print(f"  {name:36}{ratio.median:8.3f}{seconds.median:10.3f}{memory:>12}{within}", flush=True)
            rows.append(row)
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
