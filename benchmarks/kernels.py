"""How fast the kernels are: milliseconds, share of the roofline, memory and error, beside others.

Each row is one operation of one workload: this project's kernels, torch as a user would write the
same, and published packages where they are installed, taking turns round by round, so that a
drifting machine does not decide. Ceilings (products, copies) are measured in the same run. Rows are
appended as they come; goals and a short table are printed last.

    python benchmarks/kernels.py [--device cuda|cpu] [--quick] [--rounds 7] [--minutes 8]
    python benchmarks/kernels.py --report          # table and plots from the rows, without running

On the CPU a row's "mmjudge medium" opts in to bfloat16 products of float32 features, by
`torch.set_float32_matmul_precision("medium")`; everything else computes in float32.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from environment import RESULTS, environment
from kernel_bench import workloads
from kernel_bench.clocks import clock_for
from kernel_bench.comparison import compare
from kernel_bench.goals import verdicts
from kernel_bench.lineup import LINEUP, OURS
from kernel_bench.report import short_table, write_report
from kernel_bench.results import Results, Row, measured

COMPILES = ("compiled bf16", "compiled fp32")  # left out of a quick run: slow to begin


def run(device: str, quick: bool, rounds: int, minutes: float, only: str) -> Iterator[Row]:
    """Rows as they are measured; no workload begins after the minutes are over."""
    began, clock, left = time.monotonic(), clock_for(device), 0
    ceilings = clock.ceilings()
    about = _about(device) | {"run": datetime.now(UTC).isoformat(timespec="seconds")}
    contenders = tuple(one for one in LINEUP[device] if not (quick and one.name in COMPILES))
    every = {"cuda": workloads.CUDA, "cpu": workloads.CPU}[device]
    for workload in workloads.QUICK[device] if quick else every:
        operations = [of for of in workload.operations if re.search(only, f"{workload.name} {of}")]
        if operations:
            ceilings = ceilings.best(clock.ceilings())
        for operation in operations:
            if time.monotonic() - began > 60 * minutes:
                left += 1
                continue
            try:
                row = compare(workload, operation, contenders, clock, ceilings, rounds)
            except RuntimeError as error:  # such as a GPU that somebody's kernel left unusable
                print(f"lost: {workload.name} {operation}: {error}")
                continue
            if device == "cuda":
                torch.cuda.empty_cache()
            yield {"benchmark": "kernels", "device": about["device"], **row, **about}
    over = f"; {left} comparisons not begun: time is over" if left else ""
    print(f"{time.monotonic() - began:.0f} s{over}")


def _about(device: str) -> dict[str, Any]:
    about = environment("torch", "triton", "numpy")
    about |= {"platform": device, "device": about["processor"]}
    if device == "cuda":
        card = torch.cuda.get_device_properties(0)
        about |= {
            "device": card.name, "multiprocessors": card.multi_processor_count,
            "gpu_memory_gb": round(card.total_memory / 1e9), "cuda": torch.version.cuda,
        }  # fmt: skip
    return about


def progress(row: Row) -> str:
    """One line a row while it runs: everybody's milliseconds, or why there are none."""
    times = [
        f"{name} {entry['ms']:g}" if "ms" in entry else f"{name}: {entry['status']}"
        for name, entry in row["contenders"].items()
        if not entry["status"].startswith("not ") or name == OURS
    ]
    share = measured(row).get("roofline")
    reached = "" if share is None else f" {share:.0%} of roofline;"
    return f"{row['workload']} {row['operation']}:{reached} {', '.join(times)} ms"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=("cuda", "cpu"), help="default: cuda if there is one")
    parser.add_argument("--quick", action="store_true",
                        help="few small workloads; recorded only with --output")  # fmt: skip
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--minutes", type=float, default=8.0, help="begin nothing after these")
    parser.add_argument("--only", default="", help="workloads and operations that match this regex")
    parser.add_argument("--output", type=Path,
                        help="append rows here, not to results/kernels.jsonl")  # fmt: skip
    parser.add_argument("--report", action="store_true", help="table and plots from the rows")
    options = parser.parse_args()
    output = options.output or RESULTS / "kernels.jsonl"
    if options.report:
        print("wrote", ", ".join(path.name for path in write_report(output)))
        return
    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    rows = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        # Kernels that an earlier run compiled would hide what a first call costs.
        os.environ["TRITON_CACHE_DIR"] = folder
        for row in run(device, options.quick, options.rounds, options.minutes, options.only):
            rows.append(row)
            print(progress(row), flush=True)
            if options.output or not options.quick:
                output.parent.mkdir(parents=True, exist_ok=True)
                with output.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
    if not rows:
        parser.exit(1, "nothing was measured\n")
    results = Results(rows)
    print("\ngoals")
    for verdict in verdicts(rows[0]["device"], results):
        print(verdict)
    print(f"\n{short_table(results)}")


if __name__ == "__main__":
    main()
