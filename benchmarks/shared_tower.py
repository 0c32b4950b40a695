"""What sharing a tower saves: three scorers on one server against a server for each of the three.

`cosine`, `clipscore` and `aesthetic` over one dual encoder, asked for 64 pairs. One server encodes
each image once for all three; three servers on the same machine encode it once each, whether they
are asked at the same time or, so that they do not fight over the cores, in turn. Every image and
text is new to all servers. The contenders take turns, round by round, and ratios are taken within
a round, so that a drifting machine does not decide; the order changes with every round.

    python benchmarks/shared_tower.py [--rounds 5] [--model photo-lite] [--record]
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from environment import environment, record
from serve_overhead import ITEMS, Inputs

from mmjudge.cli.server_process import own_server
from mmjudge.client import AsyncClient, Candidate, Item
from mmjudge.judges.backbones.dual_encoder import DualEncoderConfig, load_dual_encoder

SCORERS = {
    "cosine": {"kind": "clip"},
    "clipscore": {"kind": "clip", "score": "clipscore"},
    # By its class, so that this also runs beside an installation that does not name the kind.
    "aesthetic": {"kind": "mmjudge.judges.aesthetic:AestheticJudge"},
}


def write_config(path: Path, model: str, head: Path, names: Sequence[str]) -> Path:
    """The configuration of a server that hosts these scorers."""
    lines: list[str] = []
    for name in names:
        settings = SCORERS[name] | {"model": model}
        settings |= {"head": str(head)} if name == "aesthetic" else {}
        lines.append(f"[judges.{name}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    path.write_text("\n".join(lines))
    return path


def write_head(path: Path, model: str) -> Path:
    """A head that fits any model: its weights do not change what it costs."""
    dim = load_dual_encoder(DualEncoderConfig(model)).tower.dim
    torch.save({"weight": torch.ones(1, dim), "bias": torch.zeros(1)}, path)
    return path


Clients = Sequence[tuple[AsyncClient, list[str]]]


async def at_once(clients: Clients, items: list[Item]) -> None:
    """Every server at the same time."""
    await asyncio.gather(*(client.judge(items, judges=judges) for client, judges in clients))


async def in_turn(clients: Clients, items: list[Item]) -> None:
    """One server after the other."""
    for client, judges in clients:
        await client.judge(items, judges=judges)


async def measure(model: str, rounds: int) -> dict[str, list[float]]:
    """Seconds until every scorer has judged all items, by contender and round."""
    inputs = Inputs()

    def items() -> list[Item]:
        return [Item([text], [Candidate([image])]) for image, text in inputs.take(ITEMS)]

    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        head = write_head(folder / "head.pth", model)

        async def serve(*names: str) -> tuple[AsyncClient, list[str]]:
            file = write_config(folder / f"{'-'.join(names)}.toml", model, head, names)
            address = stack.enter_context(own_server(str(file)))
            return await stack.enter_async_context(AsyncClient(address, timeout=600)), list(names)

        together = [await serve(*SCORERS)]
        apart = [await serve(name) for name in SCORERS]
        contenders = {
            "one_server": partial(at_once, together),
            "three_at_once": partial(at_once, apart),
            "three_in_turn": partial(in_turn, apart),
        }
        seconds: dict[str, list[float]] = {name: [] for name in contenders}
        for ask in contenders.values():
            await ask(items())
        for number in range(rounds):
            order = list(contenders)
            for name in order if number % 2 else reversed(order):
                asked = items()
                began = time.perf_counter()
                await contenders[name](asked)
                seconds[name].append(time.perf_counter() - began)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", default="photo-lite")
    parser.add_argument("--record", action="store_true", help="append to results/")
    options = parser.parse_args()
    seconds = asyncio.run(measure(options.model, options.rounds))
    one = seconds["one_server"]
    row: dict[str, Any] = {
        "benchmark": "shared_tower", "model": options.model, "scorers": list(SCORERS),
        "images": ITEMS, "rounds": options.rounds, "one_server_s": round(median(one), 3),
    }  # fmt: skip
    for name in ("three_at_once", "three_in_turn"):
        ratios = sorted(apart / shared for shared, apart in zip(one, seconds[name], strict=True))
        row[name] = {
            "s": round(median(seconds[name]), 3),
            "ratio": round(median(ratios), 3),
            "ratio_min_max": [round(ratios[0], 3), round(ratios[-1], 3)],
        }
        print(f"one server is {median(ratios):.2f} times as fast as {name} "
              f"({ratios[0]:.2f} to {ratios[-1]:.2f})")  # fmt: skip
    row |= environment("torch", "grpcio", "protobuf", "pillow", "transformers", "timm")
    print(row)
    if options.record:
        print("recorded in", record("shared_tower", row).name)


if __name__ == "__main__":
    main()
