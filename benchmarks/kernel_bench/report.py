"""A table and a plot made from rows alone."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from kernel_bench.goals import verdicts
from kernel_bench.lineup import LINEUP, OURS
from kernel_bench.results import Results, Row, load, measured, ratio
from kernel_bench.workloads import EVERY

# Okabe and Ito's colours, told apart with any kind of colour vision, and a shape for each besides.
MARKS = {
    OURS: ("#000000", "D"), "mmjudge medium": ("#000000", "d"),
    "naive bf16": ("#E69F00", "o"), "naive fp32": ("#56B4E9", "s"),
    "naive medium": ("#56B4E9", "s"),
    "chunked bf16": ("#009E73", "^"), "chunked fp32": ("#009E73", "^"),
    "compiled bf16": ("#0072B2", "v"), "compiled fp32": ("#0072B2", "v"),
    "flash-maxsim": ("#D55E00", "P"), "late-interaction-kernels": ("#CC79A7", "X"),
    "maxsim-cpu": ("#D55E00", "P"), "fast-maxsim": ("#CC79A7", "X"),
}  # fmt: skip


def write_report(rows: Path) -> list[Path]:
    """Tables of all devices beside the rows, as `.md`, and a plot of each, as `.svg`.

    Without matplotlib there are no plots.
    """
    parts, written = ["# Kernels\n\nMade by `benchmarks/kernels.py --report`.\n"], []
    for device, results in load(rows).items():
        picture = rows.with_name(f"{rows.stem}-{_slug(device)}.svg")
        parts.append(section(device, results))
        if plot(device, results, picture):
            parts.append(f"![Share of the roofline, {device}]({picture.name})\n")
            written.append(picture)
    page = rows.with_suffix(".md")
    page.write_text("\n".join(parts), encoding="utf-8")
    return [page, *written]


def section(device: str, results: Results) -> str:
    """One device: what it is, every number, and its goals."""
    about = results.rows[-1]
    versions = ", ".join(
        f"{name} {about[name]}" for name in ("python", "torch", "triton") if about.get(name)
    )
    ceilings = about["ceilings"]
    lines = [
        f"## {device}\n",
        f"{about['date']}, {about['cores']} CPU cores, {versions}. Measured ceilings: "
        f"{ceilings['products_tflop_per_s']:g} TFLOP/s in {about['dtype']} products, "
        f"{ceilings['copies_tb_per_s']:g} TB/s in copies.\n",
        table(results),
        "Floor: the least time at these ceilings. Columns to the right: how many times as long "
        "others take, median of the rounds' ratios (least to most).\n",
        *(f"* {note}" for note in _notes(results)),
        "",
        *(f"    {verdict}" for verdict in verdicts(device, results)),
        "",
    ]
    return "\n".join(lines)


def table(results: Results) -> str:
    others = [name for name in _names(results) if name != OURS]
    head = [
        "workload", "operation", "floor ms", "ms", "of roofline", "rate", "MB ours / naive",
        "error", *others,
    ]  # fmt: skip
    return _markdown(head, [_line(row, others) for row in results.rows])


def short_table(results: Results) -> str:
    """One line a workload: our milliseconds, and what others take at t2i."""
    others = [name for name in _names(results) if not name.startswith(OURS)]
    head = ["workload", "floor ms", *(f"{of} ms" for of in EVERY), "of roofline", *others]
    lines = []
    for workload in dict.fromkeys(row["workload"] for row in results.rows):
        found = {of: results.row(workload, of) for of in EVERY}
        row = found["t2i"] or next(row for row in found.values() if row is not None)
        times = [_number(results.value(workload, of, "ms")) for of in EVERY]
        against = [_ratio(row, name, spread=False) for name in others]
        share = _percent(measured(row).get("roofline"))
        lines.append([workload, f"{row['floor_ms']:g}", *times, share, *against])
    return _markdown(head, lines)


def plot(device: str, results: Results, path: Path) -> bool:
    """Each contender's share of the roofline, workload by workload; False without matplotlib."""
    try:
        matplotlib: Any = importlib.import_module("matplotlib")
        figures: Any = importlib.import_module("matplotlib.figure")
    except ModuleNotFoundError:
        return False
    panels = [of for of in ("t2i", "both") if any(row["operation"] == of for row in results.rows)]
    workloads = list(dict.fromkeys(row["workload"] for row in results.rows))
    # The same rows give the same bytes.
    with matplotlib.rc_context({"svg.hashsalt": "mmjudge", "font.size": 9}):
        figure = figures.Figure((5.0 * len(panels) + 2.0, 0.3 * len(workloads) + 1.9))
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for panel, operation in zip(axes, panels, strict=True):
            _panel(panel, operation, results, workloads)
        handles = {
            label: handle
            for panel in axes
            for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)
        }
        figure.legend(handles.values(), handles, loc="outside lower center", ncols=5, frameon=False)
        figure.suptitle(f"Share of the roofline: {device}")
        figure.set_layout_engine("constrained")
        figure.savefig(path, metadata={"Date": None})
    return True


def _panel(panel: Any, operation: str, results: Results, workloads: list[str]) -> None:
    for name, (colour, marker) in MARKS.items():
        shares = [results.value(workload, operation, "roofline", name) for workload in workloads]
        points = [(share, y) for y, share in enumerate(shares) if share is not None]
        if points:
            hollow = "none" if name.endswith("medium") else colour
            panel.scatter(
                *zip(*points, strict=True), s=42, color=colour, facecolors=hollow, marker=marker,
                label=name, zorder=3 if name == OURS else 2,
            )  # fmt: skip
    panel.set_xscale("log")
    ticks = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0]
    panel.set_xticks(ticks, [f"{tick:.0%}" for tick in ticks])
    panel.minorticks_off()
    panel.axvline(1.0, color="0.4", linewidth=1)
    panel.set_yticks(range(len(workloads)), workloads)
    panel.set_ylim(len(workloads) - 0.5, -0.5)
    panel.grid(axis="both", color="0.9")
    panel.set_title({"t2i": "tokens to patches", "both": "both directions"}[operation])


def _line(row: Row, others: list[str]) -> list[str]:
    ours = measured(row)
    key, unit = ("tflop_per_s", "TFLOP/s") if row["bound"] == "compute" else ("tb_per_s", "TB/s")
    naive = next((found for name in ("naive bf16", "naive fp32") if (found := measured(row, name))),
                 {})  # fmt: skip
    low, high = ours.get("iqr_ms", (None, None))
    return [
        row["workload"],
        row["operation"],
        f"{row['floor_ms']:g}",
        f"{_number(ours.get('ms'))} ({_number(low)} to {_number(high)})" if ours else _why(row),
        _percent(ours.get("roofline")),
        f"{ours[key]:.3g} {unit}" if key in ours else "",
        f"{_number(ours.get('peak_mb'))} / {_number(naive.get('peak_mb'))}",
        _number(ours.get("error"), 2),
        *(_ratio(row, name, spread=True) for name in others),
    ]


def _ratio(row: Row, name: str, spread: bool) -> str:
    found = ratio(row, name)
    if found is None:
        return _why(row, name)
    middle, low, high = (_number(value) for value in found)
    return f"{middle}x ({low} to {high})" if spread else f"{middle}x"


def _why(row: Row, name: str = OURS) -> str:
    """Why there is no number, in a word or two; notes say more."""
    status = str(row["contenders"].get(name, {}).get("status", "not run"))
    return {"not run": "", "out of memory": "no memory"}.get(status.partition(":")[0], "failed")


def _notes(results: Results) -> list[str]:
    """What a contender is given, and why it is missing where it is."""
    notes: dict[str, list[str]] = {}
    for row in results.rows:
        for name, entry in row["contenders"].items():
            found = notes.setdefault(name, [])
            if entry.get("version"):
                found.append(f"version {entry['version']}")
            if "note" in entry:
                found.append(entry["note"])
            if entry["status"] != "ok":
                found.append(entry["status"])
    return [f"{name}: {'; '.join(dict.fromkeys(said))}." for name, said in notes.items() if said]


def _names(results: Results) -> list[str]:
    """Contenders that ran anywhere, as they line up."""
    platform = results.rows[-1]["platform"]
    ran = {name for row in results.rows for name in row["contenders"] if measured(row, name)}
    return [contender.name for contender in LINEUP[platform] if contender.name in ran]


def _markdown(head: list[str], lines: list[list[str]]) -> str:
    columns = list(zip(head, *lines, strict=True))
    widths = [max(len(cell) for cell in column) for column in columns]

    def written(cells: list[str]) -> str:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        return f"| {' | '.join(padded)} |"

    return "\n".join([written(head), written(["-" * width for width in widths]),
                      *(written(line) for line in lines), ""])  # fmt: skip


def _number(value: float | None, digits: int = 3) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _slug(device: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in device).lower().split())
