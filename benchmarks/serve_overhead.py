"""What serving costs: served throughput / in-process throughput of the same model.

In process: decode, preprocess, tokenize and encode in a plain loop, at the best of several batch
sizes. Served: a server in a process of its own, over gRPC on loopback, asked by one caller with
64-item requests, and by 64 concurrent callers with one item each. Every image and text is new to
the server and its feature cache is off, so each costs a forward pass. The three take turns, round
by round, and ratios are taken within a round, so that a drifting machine does not decide.

    python benchmarks/serve_overhead.py [--rounds 5] [--record]
"""

import argparse
import asyncio
import io
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import numpy as np
from environment import environment, record
from PIL import Image

from mmjudge.cli.photos import example_photos
from mmjudge.cli.server_process import own_server
from mmjudge.client import AsyncClient, Candidate, EncodedImage, Item
from mmjudge.judges.backbones.dual_encoder import DualEncoderConfig, load_dual_encoder
from mmjudge.judges.backbones.text_encoding import Text

ITEMS = 64
BATCHES = (1, 4, 16, 64)
CONFIG = """
[cache]
feature_bytes = 0
[judges.bench]
kind = "clip"
"""


def photographs(seed: int) -> Iterator[EncodedImage]:
    """Endless distinct JPEGs, 448 x 336: random crops of the example photographs."""
    random = np.random.default_rng(seed)
    files = sorted(p for p in example_photos().iterdir() if p.suffix in (".png", ".jpg"))
    pictures = [Image.open(file).convert("RGB") for file in files]
    while True:
        picture = pictures[random.integers(len(pictures))]
        scale = random.uniform(0.5, 0.95)
        width, height = (int(side * scale) for side in picture.size)
        left = int(random.integers(picture.width - width))
        top = int(random.integers(picture.height - height))
        crop = picture.resize((448, 336), box=(left, top, left + width, top + height))
        file = io.BytesIO()
        crop.save(file, "JPEG", quality=90)
        yield EncodedImage(file.getvalue())


class Inputs:
    """Hands out pairs that were never handed out before."""

    def __init__(self) -> None:
        self._images, self._count = photographs(0), 0

    def take(self, count: int) -> list[tuple[EncodedImage, str]]:
        """Return `count` new pairs."""
        self._count += count
        numbers = range(self._count - count, self._count)
        return [(next(self._images), f"a photograph of subject number {n}") for n in numbers]


def in_process() -> Callable[[list[tuple[EncodedImage, str]], int], None]:
    """The loop a user would write around the model: batch by batch."""
    encoder = load_dual_encoder(DualEncoderConfig())

    def run(pairs: list[tuple[EncodedImage, str]], batch: int) -> None:
        for start in range(0, len(pairs), batch):
            part = pairs[start : start + batch]
            images = [encoder.images.prepare(image).payload for image, _ in part]
            texts = [encoder.texts.prepare(Text(text)).payload for _, text in part]
            left, right = encoder.images.forward(images), encoder.texts.forward(texts)
            for one, other in zip(left, right, strict=True):
                float(one.embedding @ other.embedding)

    return run


async def one_caller(client: AsyncClient, pairs: list[tuple[EncodedImage, str]]) -> None:
    """All pairs in requests of 64 items, one after the other."""
    for start in range(0, len(pairs), ITEMS):
        part = pairs[start : start + ITEMS]
        await client.judge(
            [Item(prompt=[text], candidates=[Candidate([image])]) for image, text in part],
            judges="bench",
        )


async def many_callers(client: AsyncClient, pairs: list[tuple[EncodedImage, str]]) -> None:
    """All pairs by 64 callers, each sending one item at a time."""
    left = iter(pairs)

    async def caller() -> None:
        for image, text in left:
            await client.judge([Item([text], [Candidate([image])])], judges="bench")

    await asyncio.gather(*(caller() for _ in range(ITEMS)))


async def measure(rounds: int, size: int) -> dict[str, list[float]]:
    """Pairs a second of each contender, round by round."""
    inputs, local = Inputs(), in_process()
    local(inputs.take(8), 4)
    seconds = {batch: timed(local, inputs.take(ITEMS), batch) for batch in BATCHES}
    best = min(seconds, key=lambda batch: seconds[batch])
    print({batch: f"{ITEMS / spent:.1f} pairs/s" for batch, spent in seconds.items()})
    rates: dict[str, list[float]] = {"in_process": [], "requests_of_64": [], "64_callers": []}
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "bench.toml")
        config.write_text(CONFIG)
        with own_server(str(config)) as address:
            async with AsyncClient(address, timeout=600) as client:
                await one_caller(client, inputs.take(ITEMS))
                for _ in range(rounds):
                    pairs = inputs.take(size)
                    rates["in_process"].append(size / timed(local, pairs, best))
                    for name, ask in (("requests_of_64", one_caller), ("64_callers", many_callers)):
                        pairs = inputs.take(size)
                        began = time.perf_counter()
                        await ask(client, pairs)
                        rates[name].append(size / (time.perf_counter() - began))
    rates["best_batch"] = [best]
    return rates


def timed(run: Callable[[list[tuple[EncodedImage, str]], int], None],
          pairs: list[tuple[EncodedImage, str]], batch: int) -> float:  # fmt: skip
    """Seconds that one run takes."""
    began = time.perf_counter()
    run(pairs, batch)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=256, help="pairs a round and contender")
    parser.add_argument("--record", action="store_true", help="append to results/")
    options = parser.parse_args()
    rates = asyncio.run(measure(options.rounds, options.size))
    base = rates["in_process"]
    row = {
        "benchmark": "serve_overhead", "model": "photo-lite", "batch": rates["best_batch"][0],
        "pairs": options.size, "rounds": options.rounds, "in_process_per_s": round(median(base), 2),
    }  # fmt: skip
    for name in ("requests_of_64", "64_callers"):
        ratios = sorted(served / local for served, local in zip(rates[name], base, strict=True))
        row[name] = {
            "per_s": round(median(rates[name]), 2),
            "ratio": round(median(ratios), 3),
            "ratio_min_max": [round(ratios[0], 3), round(ratios[-1], 3)],
        }
        print(f"{name}: {median(ratios):.3f} of in-process ({ratios[0]:.3f} to {ratios[-1]:.3f})")
    row |= environment("torch", "grpcio", "protobuf", "pillow", "transformers", "timm")
    print(row)
    if options.record:
        print("recorded in", record("serve_overhead", row).name)


if __name__ == "__main__":
    main()
