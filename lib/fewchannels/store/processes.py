"""Tasks in other processes, through joblib: here (loky), on a Dask cluster, or on Ray.

    with joblib.parallel_config(backend="dask"):
        sweep(cells, store=folder, key=key)

Workers only compute: results come back to the process that called, and it alone writes the store. So workers need no
common disk. How a model gets there is told in workers.py.
"""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Iterator

from .tasks import Failure, Task, attempt
from .workers import travelling


def elsewhere(jobs: int | None) -> bool:
    """Whether tasks go to other processes: jobs asks for several, or joblib.parallel_config names a backend."""
    if jobs == 0:
        raise ValueError("jobs=0: expected a number of processes, or -1 for one a core")
    import joblib
    from joblib.parallel import get_active_backend

    backend, _ = get_active_backend()
    away = joblib.effective_n_jobs(jobs) > 1 or _of_others(backend)
    if away and getattr(backend, "supports_sharedmem", False):
        raise ValueError("threads would share the model and its edits: use joblib's backend 'loky', 'dask' or 'ray'")
    return away


def _of_others(backend) -> bool:
    """Whether a backend is not joblib's own: a cluster's."""
    return not type(backend).__module__.startswith("joblib._parallel_backends")


def _all_of_a_cluster(jobs: int | None) -> int | None:
    """jobs, or -1 where none are asked for on a cluster: Ray's backend would take that for one, and compute here."""
    from joblib.parallel import get_active_backend

    backend, configured = get_active_backend()
    return -1 if jobs is None and configured in (None, 1) and _of_others(backend) else jobs


def in_workers(claimed: Iterator[tuple[Task, list[str]]], jobs: int | None) -> Iterator[tuple[Task, dict]]:
    """(task, outcomes) in the order in which they are ready.

    When a worker dies, joblib says neither which nor what it was at. All that was handed out and has not come back is
    then done once more, one task at a time: the task whose worker dies again is the one to blame, and fails alone.
    """
    import joblib

    jobs = _all_of_a_cluster(jobs)
    sent: dict[int, tuple[Task, list[str]]] = {}
    trouble: list[Exception] = []

    def calls():
        try:
            for number, (task, names) in enumerate(claimed):
                sent[number] = task, names
                yield joblib.delayed(_work)(number, task, names)
        except Exception as error:  # such as a full disk; joblib draws from here in threads that tell nobody
            trouble.append(error)

    todo = calls()
    with travelling():
        while True:
            try:
                for number, outcomes in _streamed(todo, jobs):
                    task, _ = sent.pop(number)
                    yield task, outcomes
            except GeneratorExit:
                raise
            except Exception as error:
                suspects, sent = sent, {}
                if not suspects:
                    raise
                for task, names in suspects.values():
                    yield task, _once_more(task, names, jobs, error)
                todo = calls()
                continue
            if trouble:
                raise trouble[0]
            return


def _streamed(todo, jobs) -> Iterator[tuple[int, dict]]:
    import joblib
    from joblib.parallel import get_active_backend

    options = {"n_jobs": jobs, "batch_size": 1, "max_nbytes": None}  # no memory maps: cells may write to their arrays
    backend, _ = get_active_backend()
    if backend.supports_return_generator:
        yield from joblib.Parallel(**options, return_as="generator_unordered", pre_dispatch="2*n_jobs")(todo)
        return
    # such as Ray's: a few tasks a worker at a time, so that what is done is kept before all is
    size = 2 * joblib.effective_n_jobs(jobs)
    while part := list(itertools.islice(todo, size)):
        yield from joblib.Parallel(**options)(part)


def _once_more(task: Task, names: list[str], jobs, before: Exception) -> dict:
    import joblib

    try:
        call = joblib.delayed(_work)(0, task, names)
        # with one job joblib would compute here, where a crash would end the sweep
        [(_, outcomes)] = joblib.Parallel(n_jobs=jobs if jobs not in (None, 1) else None, max_nbytes=None)([call])
        return outcomes
    except Exception as error:
        error.add_note(f"This was the second attempt; the first ended with {type(before).__name__}.")
        return dict.fromkeys(names, Failure(error))


def _work(number: int, task: Task, names: list[str]) -> tuple[int, dict]:
    return number, {name: _sendable(outcome) for name, outcome in attempt(task, names).items()}


def _sendable(outcome):
    """A failure whose error does not survive pickling would look like a dead worker."""
    if isinstance(outcome, Failure):
        try:
            pickle.loads(pickle.dumps(outcome.error))
        except Exception:
            return Failure(RuntimeError(str(outcome)), outcome.trace)
    return outcome
