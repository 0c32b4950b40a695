"""Blocks side by side, each on a core of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Barrier

import torch


def side_by_side(task: Callable[[int], None], count: int) -> None:
    """Run `task(0)` to `task(count - 1)`, on as many cores as torch may use here.

    Threads within an operation meet after every one of them, and blocks are made of many short
    operations; one block a core has nothing to wait for. The tasks write to places of their own.
    Fewer tasks than there are cores run in turn, each on all cores.
    """
    inference, threads = torch.is_inference_mode_enabled(), torch.get_num_threads()
    if threads < 2 or count < threads:
        _run(task, iter(range(count)), inference)
        return
    # From one list, so that a core that others use as well does not hold up the rest.
    left = iter(range(count))
    running = [_workers(threads).submit(_run, task, left, inference) for _ in range(threads)]
    for future in running:
        future.result()


def _run(task: Callable[[int], None], left: Iterator[int], inference: bool) -> None:
    # Both modes belong to a thread; what autograd needs is recorded around the whole operation.
    with torch.inference_mode(inference), torch.no_grad():
        for i in left:
            task(i)


@cache
def _workers(threads: int) -> ThreadPoolExecutor:
    # What one thread sets becomes the default of threads to come: all workers take theirs now, and
    # what it was is put back for the rest of the process.
    before = torch.get_num_threads()
    workers = ThreadPoolExecutor(threads, "token-similarity", initializer=_compute_alone)
    started = Barrier(threads + 1)
    for _ in range(threads):
        workers.submit(started.wait)
    started.wait()
    torch.set_num_threads(before)
    return workers


def _compute_alone() -> None:
    torch.set_num_threads(1)
    torch.get_num_threads()  # a thread takes the default over for good when it first asks
