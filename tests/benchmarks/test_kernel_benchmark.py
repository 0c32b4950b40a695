"""benchmarks/kernels.py: floors of its workloads, goals, and the command."""

import json
import sys
from pathlib import Path
from typing import Any

import kernels
import pytest
import torch
from kernel_bench import goals, workloads
from kernel_bench.clocks import CpuClock
from kernel_bench.results import Results
from kernel_bench.workloads import (
    CLIP,
    COLQWEN,
    LLAVA,
    SIGLIP_729,
    SIGLIP_1024,
    Ceilings,
    Model,
    Workload,
)
from tests.benchmarks import made_up

KINDS: tuple[workloads.Kind, ...] = ("pairs", "matrix")


@pytest.mark.parametrize(
    ("model", "kind", "count", "floor_ms", "bound"),
    [
        (CLIP, "pairs", 32, 0.0075, "memory"),
        (CLIP, "pairs", 256, 0.0597, "memory"),
        (SIGLIP_729, "pairs", 256, 0.109, "memory"),
        (SIGLIP_1024, "pairs", 256, 0.149, "memory"),
        (COLQWEN, "pairs", 32, 0.0015, "memory"),
        (LLAVA, "pairs", 256, 0.783, "compute"),
        (CLIP, "matrix", 256, 5.65, "compute"),
        (SIGLIP_1024, "matrix", 256, 12.5, "compute"),
        (COLQWEN, "matrix", 1024, 8.35, "compute"),
        (LLAVA, "matrix", 1024, 3207, "compute"),
        (LLAVA, "global", 256, 0.250, "memory"),
    ],
)
def test_floor_is_that_of_the_h200(
    model: Model, kind: workloads.Kind, count: int, floor_ms: float, bound: str
) -> None:
    floor, limit = Workload(model, kind, count, count).floor(2, made_up.H200)
    assert floor * 1e3 == pytest.approx(floor_ms, rel=0.02)
    assert limit == bound


class TestGoals:
    def test_each_is_measured_by_some_workload_and_can_be_reached(self) -> None:
        found = goals.verdicts("NVIDIA H200", Results(made_up.gpu_rows()))
        assert {verdict.number for verdict in found} == set(range(1, 15))
        assert [str(verdict) for verdict in found if not verdict.passed] == []
        found = goals.verdicts("Some CPU", Results(made_up.cpu_rows()))
        assert [str(verdict) for verdict in found if not verdict.passed] == []

    @pytest.mark.parametrize(
        ("number", "operation", "changed"),
        [
            (2, "argmax", {"ms": 0.081}),
            (11, "t2i", {"peak_mb": 66.0}),
            (12, "t2i", {"error": 2e-5}),
            (12, "argmax", {"wrong_winners": 1}),
            (13, "both", {"invariant": False}),
            (13, "train", {"repeatable": False}),
            (14, "t2i", {"first_call_s": 3.5}),
        ],
    )
    def test_one_row_can_fail_it(
        self, number: int, operation: str, changed: dict[str, Any]
    ) -> None:
        rows = made_up.results(made_up.gpu_rows(), "CLIP-L/14@336 pairs 256", operation, **changed)
        failed = [one for one in goals.verdicts("NVIDIA H200", rows) if not one.passed]
        assert {verdict.number for verdict in failed} == {number}
        assert str(failed[0]).startswith(f"FAIL {number:>2}  ")

    def test_the_worst_row_decides_and_is_named(self) -> None:
        rows = made_up.cpu_rows()
        rows[5]["contenders"]["naive fp32"]["rounds_ms"] = [
            1.05 * one for one in rows[5]["contenders"]["mmjudge"]["rounds_ms"]
        ]
        failed = [one for one in goals.verdicts("Some CPU", Results(rows)) if not one.passed]
        assert [verdict.goal for verdict in failed][
            0
        ] == "naive fp32 takes >= 1.1x the time of mmjudge"
        assert f"1.05x (1.05 to 1.05) at worst, {rows[5]['workload']}" in failed[0].found

    def test_what_was_not_measured_neither_passes_nor_fails(self) -> None:
        rows = [row for row in made_up.gpu_rows() if row["kind"] == "pairs"]
        for row in rows:
            row["contenders"]["naive bf16"] = {"status": "out of memory"}
        marks = {str(verdict)[:8] for verdict in goals.verdicts("NVIDIA H200", Results(rows))}
        assert {"----  1 ", "----  4 ", "PASS  4 ", "----  5 "} <= marks

    def test_other_gpus_have_none(self) -> None:
        rows = made_up.gpu_rows()
        assert goals.verdicts("NVIDIA A100", Results(rows)) == []


def test_the_command_appends_rows_and_prints_goals_and_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = tuple(Workload(Model("tiny", 6, 9, 32), kind, 3, 3) for kind in KINDS)
    monkeypatch.setitem(workloads.QUICK, "cpu", tiny)
    monkeypatch.setattr(CpuClock, "ceilings", lambda self: Ceilings(1e9, 1e9))
    path = tmp_path / "rows" / "kernels.jsonl"
    command = ["kernels.py", "--device", "cpu", "--quick", "--rounds", "2", "--output", str(path)]
    monkeypatch.setattr(sys, "argv", [*command, "--only", "t2i|both"])
    kernels.main()
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(row["workload"], row["operation"]) for row in rows] == [
        (name, operation) for name in ("tiny pairs 3", "tiny 3x3") for operation in ("t2i", "both")
    ]
    assert all(row["contenders"]["mmjudge"]["ms"] > 0 for row in rows)
    assert rows[0]["torch"] == torch.__version__ and rows[0]["platform"] == "cpu"
    printed = capsys.readouterr().out.splitlines()
    assert printed[-2].startswith("| tiny 3x3 ")
    assert any(line[:8] in ("PASS 15 ", "FAIL 15 ") for line in printed)
    monkeypatch.setattr(sys, "argv", ["kernels.py", "--report", "--output", str(path)])
    kernels.main()
    assert "| tiny 3x3 " in path.with_suffix(".md").read_text()
