"""Records that runs are tested with, and what is in their files."""

from pathlib import Path

from tests.bench.fake_judges import pair

from mmjudge.bench.asking.running import results_path
from mmjudge.bench.records import question
from mmjudge.bench.results import Results, read_results

ROOT = Path(__file__).resolve().parents[2]
RECORDS = [pair(f"picture {number}") for number in range(10)]
IDS = [question(record).id for record in RECORDS]
# What would hang fails after so many seconds.
GUARD = 60.0


def results(folder: Path, name: str = "clip") -> Results:
    """The file of a contender."""
    return read_results(results_path(folder, name))


def ids(folder: Path, name: str = "clip") -> list[str]:
    """The ids in it, in order."""
    return [row.id for row in results(folder, name).rows]
