"""A run that takes a while, to be killed: `python -m tests.bench.killed_run FOLDER SECONDS`."""

import sys
from pathlib import Path

from tests.bench.fake_judges import FakeClient, comparing, judge, pair

RECORDS = [pair(f"picture {number} of “many”") for number in range(120)]


def slow_run(folder: Path, delay: float) -> None:
    """Ask two contenders about 120 records, 2 a batch, each call after `delay` seconds."""
    client = FakeClient([judge("clip"), comparing("vlm")], delay=delay)
    client.run(RECORDS, folder, "clip", "vlm", batch=2)


if __name__ == "__main__":
    slow_run(Path(sys.argv[1]), float(sys.argv[2]))
