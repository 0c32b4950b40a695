"""What the harness of `mmjudge bench` costs: its time / the bare client's on the same pairs.

Bare: images are read from the same files and handed to `client.judge`, a batch of 64 pairs after
the other, and the verdicts are dropped. The harness also hashes all that it asks, looks for
repeated records, and writes and orders a file of results; it reads a batch while others are asked
about. Beside it the bare client is asked about all pairs in one call, their images in memory at
once. The pairs are cut into pieces of 250; all three take turns over each piece, and ratios are
taken within a piece, so that a machine that is slow for a minute is slow for all of them.

Once with the feature cache off, so that every image costs a forward pass of photo-lite; and, the
worst case, with all features cached, so that judging is decoding requests and looking things up.

    python benchmarks/bench_overhead.py [--pairs 2000] [--rounds 1] [--record]
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from environment import environment, record
from serve_overhead import photographs

from mmjudge.bench.asking.contenders import contender, perspectives_of
from mmjudge.bench.asking.running import DEFAULT_BATCH, run
from mmjudge.bench.records import PictureFile, Record
from mmjudge.client import Candidate, EncodedImage, Item, LocalClient
from mmjudge.server.config import DEFAULT_JUDGES, CacheConfig, ServerConfig

JUDGE, SECONDS = "photo-lite", 3600.0
PIECE = 250


def make_pairs(folder: Path, count: int) -> list[Record]:
    """Pairs of distinct JPEGs, 448 x 336, in the folder."""
    images, records = photographs(0), []
    for number in range(count):
        pictures = [PictureFile(folder, f"{number}-{side}.jpg") for side in (0, 1)]
        for picture in pictures:
            (folder / picture.name).write_bytes(next(images).data)
        prompt = (f"a photograph of subject number {number}",)
        candidates = tuple((picture,) for picture in pictures)
        records.append(Record("pair", "quality", "", "made", prompt, candidates, {"label": 0}))
    return records


def bare(client: LocalClient, records: list[Record], batch: int) -> None:
    """The loop a user would write around the client."""
    for start in range(0, len(records), batch):
        items = [
            Item(
                prompt=[record.text],
                candidates=[Candidate([EncodedImage(p.read())]) for p in record.pictures],
            )
            for record in records[start : start + batch]
        ]
        client.judge(items, judges=JUDGE, on_failure="nan", timeout=SECONDS)


def harness(client: LocalClient, records: list[Record]) -> None:
    """A run from nothing, whose results go where they came from."""
    who = contender(JUDGE, perspectives_of(records), client.list_judges())
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(
            client, records, [who], Path(folder), benchmark="mjbench", location="made"
        )  # fmt: skip
        tally = outcome.tallies[JUDGE]
        assert (tally.judged, tally.asked) == (len(records), len(records)), tally


def compared(records: list[Record], rounds: int, feature_bytes: int) -> dict[str, Any]:
    """Seconds of each, and the harness's over the others', piece by piece."""
    config = ServerConfig(judges=DEFAULT_JUDGES, cache=CacheConfig(feature_bytes=feature_bytes))
    with LocalClient(config, timeout=SECONDS) as client:
        ways: dict[str, Callable[[list[Record]], None]] = {
            "bare": lambda piece: bare(client, piece, DEFAULT_BATCH.items),
            "one_call": lambda piece: bare(client, piece, len(piece)),
            "harness": lambda piece: harness(client, piece),
        }
        warming = records if feature_bytes else records[: DEFAULT_BATCH.items]
        bare(client, warming, DEFAULT_BATCH.items)
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        pieces = [records[start : start + PIECE] for start in range(0, len(records), PIECE)]
        for number, piece in enumerate(pieces * rounds):
            order = list(ways)[number % 3 :] + list(ways)[: number % 3]
            for name in order:
                began = time.perf_counter()
                ways[name](piece)
                seconds[name].append((time.perf_counter() - began) / len(piece))
    told: dict[str, Any] = {
        f"{name}_pairs_per_s": round(1 / median(spent), 1) for name, spent in seconds.items()
    }
    for base in ("bare", "one_call"):
        ratios = [a / b for a, b in zip(seconds["harness"], seconds[base], strict=True)]
        told[f"over_{base}"] = round(median(ratios), 4)
        told[f"over_{base}_min_max"] = [round(min(ratios), 4), round(max(ratios), 4)]
    own = [a - b for a, b in zip(seconds["harness"], seconds["bare"], strict=True)]
    told["more_than_bare_ms_a_pair"] = round(1e3 * median(own), 4)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--record", action="store_true", help="append to results/")
    options = parser.parse_args()
    row = {"benchmark": "bench_overhead", "model": JUDGE, "pairs": options.pairs,
           "rounds": options.rounds, "piece": PIECE, "batch": DEFAULT_BATCH.items}  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        records = make_pairs(Path(folder), options.pairs)
        for name, feature_bytes in (("computed", 0), ("cached", CacheConfig().feature_bytes)):
            row[name] = told = compared(records, options.rounds, feature_bytes)
            low, high = told["over_bare_min_max"]
            print(f"{name}: {told['over_bare']:.4f} of the bare client ({low} to {high})")
    row |= environment("torch", "grpcio", "protobuf", "pillow", "transformers", "timm")
    print(json.dumps(row, indent=2))
    if options.record:
        print("recorded in", record("bench_overhead", row).name)


if __name__ == "__main__":
    main()
