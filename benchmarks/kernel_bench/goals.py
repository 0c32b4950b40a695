"""What the kernels have to reach, and whether they did: one line a goal.

Numbers for the H200 follow from its limits, 790 TFLOP/s of bfloat16 products and 4.3 TB/s of
copies, with a share of them that a good kernel reaches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from kernel_bench.lineup import OURS
from kernel_bench.results import Results, measured, ratio

PAIRED = ("CLIP-L/14@336 pairs 256", "SigLIP2 P=729 pairs 256", "SigLIP2 P=1024 pairs 256")
WIDE = (
    "CLIP-L/14@336 256x256", "SigLIP2 P=729 256x256", "SigLIP2 P=1024 256x256", "LLaVA 256x256",
)  # fmt: skip
NARROW = "ColQwen2 256x256"
FORWARD = ("t2i", "argmax", "both")
BESIDE_MB = 64  # what is held at most beside the results
BLOCKS_MB = 32  # on the CPU: one block of 4 MB, its masked copies, and what is reduced from them


class Verdict(NamedTuple):
    """One goal: its number in the plan, what it asks, what was found; None: not measured."""

    number: int
    goal: str
    found: str
    passed: bool | None

    def __str__(self) -> str:
        mark = {True: "PASS", False: "FAIL", None: "----"}[self.passed]
        return f"{mark} {self.number:>2}  {self.goal}: {self.found}"


def verdicts(device: str, results: Results) -> list[Verdict]:
    """Every goal for this device: the H200's, a CPU's, or none."""
    if "H200" in device:
        return list(_h200(results))
    return list(_cpu(results)) if results.rows and _on_cpu(results) else []


def _h200(results: Results) -> Iterator[Verdict]:
    def within(number: int, workload: str, operation: str, most: float) -> Verdict:
        found = results.value(workload, operation, "ms")
        return _at_most(number, f"{workload}, {operation}, ms", found, most)

    yield within(1, "LLaVA global 256", "t2i", 0.295)
    yield within(2, "CLIP-L/14@336 pairs 256", "argmax", 0.080)
    yield within(2, "SigLIP2 P=1024 pairs 256", "argmax", 0.199)
    yield within(3, "LLaVA pairs 256", "argmax", 1.2)
    yield _slower(results, 4, "naive bf16", 3.0, PAIRED)
    yield _slower(results, 4, "naive fp32", 6.0, PAIRED)
    yield within(5, "CLIP-L/14@336 256x256", "t2i", 7.6)
    yield within(5, "SigLIP2 P=1024 256x256", "t2i", 16.8)
    yield within(6, "CLIP-L/14@336 256x256", "argmax", 8.7)
    yield within(6, "SigLIP2 P=1024 256x256", "argmax", 19.0)
    yield within(7, NARROW, "t2i", 0.95)
    yield within(7, NARROW, "argmax", 1.3)
    both = {name: _times(results, name, "both", "t2i") for name in (*WIDE, NARROW)}
    yield _most(8, "both directions, times one", both, 1.35)
    yield _slower(results, 9, "flash-maxsim", 1.5, WIDE)
    yield _slower(results, 9, "flash-maxsim", 1.2, (NARROW,))
    yield _slower(results, 9, "flash-maxsim", 0.95, ("ColQwen2 1x1024 rerank",))
    train = _times(results, WIDE[0], "train", "t2i")
    yield _at_most(10, f"{WIDE[0]}, train, times t2i", train, 2.0)
    extra = _beside(results, 0.01)
    yield _most(11, f"memory beside results and 1%, MB, {len(extra)} rows", extra, BESIDE_MB)
    largest = results.value("SigLIP2 P=1024 1024x1024", "t2i", "ms")
    found = "not measured" if largest is None else f"{largest:g} ms"
    yield Verdict(11, "SigLIP2 P=1024 1024x1024 runs", found, None if largest is None else True)
    yield _most(12, "error against float64", results.values("error"), 1e-5)
    yield _most(12, "wrong winners where the gap is clear", results.values("wrong_winners"), 0)
    yield from _bits(results)
    yield _most(14, "beyond a usual call, a first one takes s", _cold(results, False), 3.0)
    yield _most(14, "the same, of a kernel used before", _cold(results, True), 0.5)


def _cpu(results: Results) -> Iterator[Verdict]:
    every = [row["workload"] for row in results.rows]
    products = [row["workload"] for row in results.rows if row["kind"] != "global"]
    narrow = [row["workload"] for row in results.rows if row["dim"] == 128]
    yield _slower(results, 15, "naive fp32", 1.1, every, FORWARD)
    yield _slower(results, 15, "naive fp32", 2.0, narrow, FORWARD)
    yield _slower(results, 15, "naive fp32", 2.0, products, FORWARD, "mmjudge medium")
    # It takes unit rows; where we would normalise as well, the comparison is not of the same work.
    alike = [name for name in narrow if name.endswith("rerank")]
    yield _slower(results, 15, "maxsim-cpu", 2.5, alike)
    yield _most(15, "memory beside results, MB", _beside(results, 0.0), BLOCKS_MB)
    yield _most(12, "error against float64", results.values("error"), 1e-5)
    yield _most(12, "wrong winners where the gap is clear", results.values("wrong_winners"), 0)
    yield from _bits(results)


def _slower(
    results: Results, number: int, name: str, least: float, workloads: Iterable[str],
    operations: Iterable[str] = ("t2i",), to: str = OURS,
) -> Verdict:  # fmt: skip
    """`name` takes at least so many times as long as `to`, wherever both were measured."""
    ratios = {}
    for workload in dict.fromkeys(workloads):
        for operation in operations:
            row = results.row(workload, operation)
            found = None if row is None else ratio(row, name, to)
            if found is not None:
                ratios[f"{workload} {operation}"] = found
    goal = f"{name} takes >= {least:g}x the time of {to}"
    if not ratios:
        return Verdict(number, goal, "not measured", None)
    where = min(ratios, key=lambda key: ratios[key][0])
    middle, low, high = ratios[where]
    found_text = f"{middle:.2f}x ({low:.2f} to {high:.2f}) at worst, {where}"
    return Verdict(number, goal, f"{found_text}; {len(ratios)} rows", middle >= least)


def _at_most(number: int, goal: str, found: float | None, most: float) -> Verdict:
    text = "not measured" if found is None else f"{found:.3g}"
    return Verdict(number, f"{goal} <= {most:g}", text, None if found is None else found <= most)


def _most(number: int, goal: str, found: dict[str, float | None], most: float) -> Verdict:
    """No value is above `most`; names where the largest is."""
    there = {where: value for where, value in found.items() if value is not None}
    if not there:
        return Verdict(number, f"{goal} <= {most:g}", "not measured", None)
    where = max(there, key=lambda key: there[key])
    text = f"{there[where]:.3g}, {where}"
    return Verdict(number, f"{goal} <= {most:g}", text, there[where] <= most)


def _times(results: Results, workload: str, operation: str, other: str) -> float | None:
    one = results.value(workload, operation, "ms")
    base = results.value(workload, other, "ms")
    return None if one is None or base is None else one / base


def _beside(results: Results, share: float) -> dict[str, float | None]:
    """Memory held beside the results and a share of them, without training: it keeps winners."""
    held: dict[str, float | None] = {}
    for row in results.rows:
        ours = measured(row)
        if row["operation"] != "train" and ours.get("peak_mb") is not None:
            beside = ours["peak_mb"] - (1 + share) * ours["output_mb"]
            held[f"{row['workload']} {row['operation']}"] = max(0.0, beside)
    return held


def _bits(results: Results) -> Iterator[Verdict]:
    for key, goal in (
        ("repeatable", "the same bits again"),
        ("invariant", "the same bits whatever else is in the batch"),
    ):
        found = results.values(key)
        wrong = [where for where, same in found.items() if not same]
        text = f"{len(found) - len(wrong)} of {len(found)} rows" + "".join(
            f"; not {where}" for where in wrong[:3]
        )
        yield Verdict(13, goal, text if found else "not measured", not wrong if found else None)


def _cold(results: Results, used_before: bool) -> dict[str, float | None]:
    """What first calls took for compiling; or those of a kernel that other counts and lengths had
    compiled already."""
    seen: set[tuple[str, int, str]] = set()
    times: dict[str, float | None] = {}
    for row in results.rows:
        kernel = (row["kind"], row["dim"], row["operation"])
        first, usual = measured(row).get("first_call_s"), measured(row).get("ms")
        if first is not None and usual is not None and (kernel in seen or not used_before):
            times[f"{row['workload']} {row['operation']}"] = max(0.0, first - usual / 1e3)
        seen.add(kernel)
    return times


def _on_cpu(results: Results) -> bool:
    return all(row["platform"] == "cpu" for row in results.rows)
