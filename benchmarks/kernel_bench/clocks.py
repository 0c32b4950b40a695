"""How time, memory and a machine's ceilings are measured, on the CPU and on a GPU."""

from __future__ import annotations

import ctypes
import gc
import math
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple, Protocol

import torch
from kernel_bench.contenders import Call, Scores
from kernel_bench.workloads import Ceilings, Workload
from torch import Tensor

GRAPH_BELOW = 200e-6  # seconds of floor under which launches from Python weigh as much as work
AT_LEAST = {"cpu": 0.05, "cuda": 0.02}  # seconds that one round of one contender lasts


class Stopwatch(NamedTuple):
    """`round` gives the seconds of a call, one round's mean.

    `how`: "graph" replays or plain "calls"; `eager` the seconds of a call from Python, if replayed.
    """

    round: Callable[[], float]
    how: str
    eager: float | None = None


class Clock(Protocol):
    device: str
    dtype: torch.dtype

    def sets(self, workload: Workload) -> int:
        """How many inputs to rotate among, so that a cache does not hold them all."""

    def seconds(self, run: Callable[[], Scores]) -> tuple[float, Scores]:
        """Of one run, finished, and what it returned."""

    def peak(self, call: Call) -> tuple[int | None, Scores]:
        """Bytes held at most beside what was held before, and what the call returned."""

    def stopwatch(self, calls: list[Call], floor: float) -> Stopwatch:
        """For repeated calls, after they were warmed up."""

    def ceilings(self) -> Ceilings:
        """The rates that this machine reaches today."""


class CpuClock:
    """Wall-clock time; memory as the process's resident set.

    The peak is the kernel's own high-water mark (`VmHWM`), reset before the call, after free memory
    was given back: it sees what libraries allocate behind torch's back too, such as packed
    matrices. Pages that a library keeps from an earlier call are not counted again.
    """

    device = "cpu"
    dtype = torch.float32

    def sets(self, workload: Workload) -> int:
        return 1

    def seconds(self, run: Callable[[], Scores]) -> tuple[float, Scores]:
        began = time.perf_counter()
        found = run()
        return time.perf_counter() - began, found

    def peak(self, call: Call) -> tuple[int | None, Scores]:
        gc.collect()
        try:
            ctypes.CDLL(None).malloc_trim(0)
            Path("/proc/self/clear_refs").write_text("5")
            before = _resident("VmRSS")
        except (OSError, AttributeError):  # not Linux with glibc
            return None, call()
        found = call()
        return max(0, _resident("VmHWM") - before), found

    def stopwatch(self, calls: list[Call], floor: float) -> Stopwatch:
        spent, _ = self.seconds(calls[0])
        repeats = max(1, math.ceil(AT_LEAST["cpu"] / spent))

        def measured() -> float:
            began = time.perf_counter()
            for i in range(repeats):
                calls[i % len(calls)]()
            return (time.perf_counter() - began) / repeats

        return Stopwatch(measured, "calls")

    def ceilings(self) -> Ceilings:
        a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
        source = torch.arange(64 << 20, dtype=self.dtype)
        target = torch.empty_like(source)

        def fastest(run: Callable[[], object]) -> float:
            times = []
            for _ in range(6):
                began = time.perf_counter()
                run()
                times.append(time.perf_counter() - began)
            return min(times)

        products = fastest(lambda: a @ b)
        copies = fastest(lambda: target.copy_(source))
        return Ceilings(2 * 2048**3 / products, 2 * source.nbytes / copies)


class CudaClock:
    """CUDA events; replays of a captured graph where launches would weigh too much."""

    device = "cuda"
    dtype = torch.bfloat16

    def sets(self, workload: Workload) -> int:
        cache = torch.cuda.get_device_properties(0).L2_cache_size
        return max(1, math.ceil(4 * cache / workload.bytes(self.dtype.itemsize)))

    def seconds(self, run: Callable[[], Scores]) -> tuple[float, Scores]:
        torch.cuda.synchronize()
        began = time.perf_counter()
        found = run()
        torch.cuda.synchronize()
        return time.perf_counter() - began, found

    def peak(self, call: Call) -> tuple[int | None, Scores]:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        found = call()
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated() - before, found

    def stopwatch(self, calls: list[Call], floor: float) -> Stopwatch:
        def rotate() -> None:
            for call in calls:
                call()

        eager = _by_events(rotate, len(calls))
        if floor >= GRAPH_BELOW:
            return Stopwatch(eager, "calls")
        try:
            replay = _captured(rotate)
        except RuntimeError:  # something in it waits for the GPU or allocates outside torch
            return Stopwatch(eager, "calls: not capturable")
        from_python = median(eager() for _ in range(3))
        return Stopwatch(_by_events(replay, len(calls)), "graph", from_python)

    def ceilings(self) -> Ceilings:
        a, b = (torch.randn(8192, 8192, device="cuda", dtype=self.dtype) for _ in range(2))
        out = torch.empty_like(a)
        products = _by_events(lambda: torch.mm(a, b, out=out), 1)
        source = torch.randn(1 << 30, device="cuda")
        target = torch.empty_like(source)
        copies = _by_events(lambda: target.copy_(source), 1)
        return Ceilings(
            2 * 8192**3 / min(products() for _ in range(5)),
            2 * source.nbytes / min(copies() for _ in range(5)),
        )


def _by_events(run: Callable[[], object], calls: int) -> Callable[[], float]:
    """Times as many runs as last a while, queued without waiting between them."""

    def measured(repeats: int) -> float:
        start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        for _ in range(repeats):
            run()
        stop.record()
        torch.cuda.synchronize()
        return float(start.elapsed_time(stop)) / 1e3 / repeats

    measured(1)
    repeats = max(1, math.ceil(AT_LEAST["cuda"] / measured(1)))
    return lambda: measured(repeats) / calls


def _captured(run: Callable[[], None]) -> Callable[[], None]:
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return graph.replay


def clock_for(device: str) -> Clock:
    return CudaClock() if device == "cuda" else CpuClock()


def total_bytes(found: Scores) -> int:
    return sum(part.nbytes for part in found if isinstance(part, Tensor))


def _resident(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {field}")
