"""The table and plots of benchmarks/kernels.py, from made-up rows."""

import json
from pathlib import Path

import pytest
from kernel_bench import report
from kernel_bench.results import Results, ratio
from tests.benchmarks import made_up


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "kernels.jsonl"
    lines = [*made_up.gpu_rows(), *made_up.cpu_rows()]
    lines[0]["contenders"]["flash-maxsim"] = {"status": "out of memory"}
    path.write_text("\n".join(json.dumps(row) for row in lines))
    return path


def test_table_has_every_row_and_says_what_is_missing(rows: Path) -> None:
    report.write_report(rows)
    page = rows.with_suffix(".md").read_text()
    assert page.count("\n| ") == len(rows.read_text().splitlines()) + 4
    line = next(line for line in page.splitlines() if line.startswith("| LLaVA global 256 "))
    assert "91%" in line and "4x (4 to 4)" in line and "no memory" in line
    assert "* flash-maxsim: out of memory." in page
    assert "    PASS  1  LLaVA global 256" in page


def test_plots_are_the_same_bytes_each_time(rows: Path) -> None:
    pytest.importorskip("matplotlib")
    written = report.write_report(rows)
    assert [path.name for path in written] == [
        "kernels.md", "kernels-nvidia-h200.svg", "kernels-some-cpu.svg",
    ]  # fmt: skip
    before = [path.read_bytes() for path in written]
    assert [path.read_bytes() for path in report.write_report(rows)] == before


def test_a_later_row_replaces_an_earlier_one() -> None:
    rows = [*made_up.gpu_rows(), *made_up.gpu_rows()[:1]]
    rows[-1]["contenders"]["mmjudge"]["ms"] = 7.0
    assert Results(rows).value(rows[0]["workload"], "t2i", "ms") == 7.0
    assert len(Results(rows).rows) == len(rows) - 1


def test_ratios_are_taken_within_a_round() -> None:
    row = made_up.gpu_rows()[0]
    row["contenders"]["mmjudge"]["rounds_ms"] = [1.0, 10.0, 100.0]
    row["contenders"]["naive bf16"]["rounds_ms"] = [2.0, 40.0, 300.0]
    assert ratio(row, "naive bf16") == (3.0, 2.0, 4.0)
