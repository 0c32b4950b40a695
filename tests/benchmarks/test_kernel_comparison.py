"""How benchmarks/kernels.py checks and times contenders, at tiny workloads."""

import itertools
from typing import Any

import pytest
import torch
from kernel_bench import clocks, workloads
from kernel_bench.clocks import CpuClock, CudaClock
from kernel_bench.comparison import compare
from kernel_bench.contenders import Contender, Scores, chunked, gemm, mmjudge, naive
from kernel_bench.workloads import Ceilings, Model, Workload

SLOW = Ceilings(1e9, 1e9)


def workload(kind: workloads.Kind) -> Workload:
    return Workload(Model("tiny", 6, 9, 32), kind, 3, 3)


class TestComparison:
    @pytest.mark.parametrize(
        ("kind", "operation"),
        [*itertools.product(["pairs", "matrix"], workloads.EVERY), ("global", "t2i")],
    )
    def test_torch_agrees_with_float64(
        self, kind: workloads.Kind, operation: workloads.Operation
    ) -> None:
        entrants = (
            Contender("mmjudge", mmjudge),
            Contender("naive", naive(torch.float32)),
            Contender("chunked", chunked(torch.float32)),
            Contender("gemm", gemm),
        )
        row = compare(workload(kind), operation, entrants, CpuClock(), SLOW, 2)
        ran = {name: entry for name, entry in row["contenders"].items() if entry["status"] == "ok"}
        assert {"mmjudge", "naive"} <= set(ran)
        checked = [ran[name] for name in ran if name != "gemm"]
        assert all(entry["error"] < 1e-6 for entry in checked)
        assert all(entry.get("gradient_error", 0.0) < 1e-5 for entry in checked)
        assert all(len(entry["rounds_ms"]) == 2 for entry in ran.values())
        assert ran["mmjudge"]["repeatable"] and ran["mmjudge"].get("invariant", True)
        assert ("gradient_error" in ran["naive"]) == (operation == "train")
        assert ("wrong_winners" in ran["naive"]) == (operation == "argmax")

    def test_a_wrong_score_has_an_error(self) -> None:
        def make(_: Workload, __: workloads.Operation) -> Any:
            return lambda inputs: lambda: Scores(torch.full((3,), 2.0))

        row = compare(workload("pairs"), "t2i", (Contender("wrong", make),), CpuClock(), SLOW, 1)
        assert row["contenders"]["wrong"]["error"] > 0.5

    def test_what_one_contender_cannot_do_ends_nothing(self) -> None:
        def failing(error: Exception) -> Any:
            def make(_: Workload, __: workloads.Operation) -> Any:
                raise error

            return make

        entrants = (
            Contender("missing", failing(ModuleNotFoundError("no package"))),
            Contender("large", failing(torch.OutOfMemoryError("18 GB"))),
            Contender("broken", failing(ValueError("shared memory\nlong explanation"))),
            Contender("naive", naive(torch.float32)),
        )
        row = compare(workload("pairs"), "t2i", entrants, CpuClock(), SLOW, 1)
        assert [entry["status"] for entry in row["contenders"].values()] == [
            "not installed", "out of memory", "ValueError: shared memory", "ok",
        ]  # fmt: skip

    def test_memory_of_one_call_is_seen(self) -> None:
        peak, _ = CpuClock().peak(lambda: Scores(torch.ones(1 << 24).sum()[None]))
        if peak is None:
            pytest.skip("no /proc")
        assert 60e6 < peak < 80e6


class TestCudaClock:
    """Without a GPU: events that read a clock of ours, graphs that count their replays."""

    @pytest.fixture
    def played(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        log: list[str] = []

        class Event:
            def __init__(self, enable_timing: bool) -> None:
                self.at = 0

            def record(self) -> None:
                self.at = len(log)

            def elapsed_time(self, stop: "Event") -> float:
                return float(stop.at - self.at)  # each thing that was played takes a millisecond

        monkeypatch.setattr(torch.cuda, "Event", Event)
        monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
        monkeypatch.setattr(clocks, "_captured", lambda run: lambda: log.append("replay"))
        return log

    def test_a_round_is_per_call_over_all_inputs(self, played: list[str]) -> None:
        def call(name: str) -> Any:
            return lambda: _play(played, name)

        watch = CudaClock().stopwatch([call("a"), call("b")], floor=1.0)
        played.clear()
        assert watch.round() == pytest.approx(1e-3)
        assert (watch.how, watch.eager) == ("calls", None)
        assert played[:4] == ["a", "b", "a", "b"] and "replay" not in played

    def test_short_work_is_replayed(self, played: list[str]) -> None:
        def call() -> Scores:
            return _play(played, "call")

        watch = CudaClock().stopwatch([call, call], floor=50e-6)
        played.clear()
        assert watch.how == "graph"
        assert watch.round() == pytest.approx(0.5e-3)
        assert watch.eager == pytest.approx(1e-3) and set(played) == {"replay"}

    def test_what_cannot_be_captured_is_called(
        self, played: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_: Any) -> Any:
            raise RuntimeError("operation not permitted when stream is capturing")

        monkeypatch.setattr(clocks, "_captured", refuse)
        watch = CudaClock().stopwatch([lambda: _play(played, "call")], floor=1e-6)
        assert watch.how == "calls: not capturable"


def _play(log: list[str], name: str) -> Scores:
    log.append(name)
    return Scores()
