"""What a benchmark ran on: hardware and versions, to key its rows by."""

import json
import os
import platform
import tomllib
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def environment(*libraries: str) -> dict[str, Any]:
    """Processor, cores, Python and library versions; None for a library that is not installed."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "mmjudge": _version("mmjudge") or _source_version(),
        **{name: _version(name) for name in libraries},
    }


def record(benchmark: str, row: dict[str, Any]) -> Path:
    """Append one row to the benchmark's file of JSON lines."""
    path = RESULTS / f"{benchmark}.jsonl"
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    return path


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _source_version() -> str:
    """Where the sources are on the path without having been installed."""
    with (Path(__file__).parents[1] / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
