"""Threads that each run a whole forward pass on one core."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Barrier

import torch


@cache
def cpu_workers() -> ThreadPoolExecutor:
    """One thread a core, on which torch computes with that thread alone.

    Passes side by side beat one pass on all cores: they have nothing to wait for, where the threads
    of one pass meet after every operation, and stand still while any of them has lost its core to a
    decoder or a client. And no score depends on how many cores there are.
    """
    cores = len(os.sched_getaffinity(0))
    # What one thread sets becomes the default of threads to come: all workers take theirs now, and
    # what it was is put back for the rest of the process.
    before = torch.get_num_threads()
    workers = ThreadPoolExecutor(cores, "forward", initializer=_compute_alone)
    started = Barrier(cores + 1)
    for _ in range(cores):
        workers.submit(started.wait)
    started.wait()
    torch.set_num_threads(before)
    return workers


def _compute_alone() -> None:
    torch.set_num_threads(1)
    torch.get_num_threads()  # a thread takes the default over for good when it first asks
