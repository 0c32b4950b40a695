"""What token rewards cost: one server against the straightforward loop over sentences.

One image, `candidates` answers to it of `sentences` sentences each, all new in every round. The
server reads every answer once and the image once, and keeps no similarities. The loop, written as
one would without a server, takes each sentence by itself: it preprocesses and encodes the image,
encodes the sentence, holds all cosines of tokens with patches, and takes their maxima. Both run the
same weights in float32 with all cores. The models are photo-lite and, for more patches, vision
transformers with random weights, whose arithmetic costs what trained ones' does.

Seconds are of the median round; memory is what a process that does nothing else came to hold beyond
what it held after a warm-up of one sentence.

    python benchmarks/token_rewards.py [--rounds 3] [--case 16x12 ...] [--patches 0 196] [--record]
"""

import argparse
import json
import multiprocessing
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from environment import environment, record
from PIL import Image as PIL
from safetensors.torch import save_file

from mmjudge.client import Candidate, Item, LocalClient, PixelImage, Want
from mmjudge.judges.backbones.dual_encoder import DualEncoderConfig, load_dual_encoder
from mmjudge.judges.backbones.torchvision_schema import ensure_torchvision_schemas

# By its class, so that this also runs beside an installation that does not name the kind.
KIND = "mmjudge.judges.token_alignment:TokenAlignmentJudge"
WORDS = (
    "cat dog horse tree river bridge lamp table cup spoon astronaut flag rocket tower lake roof "
    "flower petal camera tripod coat field the a of in on with and near red blue small wooden old"
).split()
SIDE = 480  # of the images, in pixels
Answers = list[list[str]]


def write_model(folder: Path, patches: int) -> str:
    """The name of a model with so many patches: random weights in `folder`; 0 for photo-lite."""
    if not patches:
        return "photo-lite"
    ensure_torchvision_schemas()
    from open_clip import CLIP

    side = round(patches**0.5) * 16
    config: dict[str, Any] = {
        "embed_dim": 256,
        "vision_cfg": {"image_size": side, "patch_size": 16, "width": 384, "layers": 6},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 256, "heads": 4,
                     "layers": 6},
    }  # fmt: skip
    torch.manual_seed(0)
    network = CLIP(**config)
    torch.nn.init.normal_(network.text_projection, std=0.1)
    state = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors")
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    return f"local-dir:{folder}"


def draw(rng: np.random.Generator, candidates: int, sentences: int) -> tuple[PixelImage, Answers]:
    """A new image, and answers to it."""
    image = PixelImage(rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8))

    def sentence() -> str:
        words = " ".join(rng.choice(WORDS, 10))
        return f"{words} {rng.integers(10_000)}."

    return image, [[sentence() for _ in range(sentences)] for _ in range(candidates)]


Reward = Callable[[PixelImage, Answers], None]


@contextmanager
def server(model: str) -> Iterator[Reward]:
    """The judge, asked for all answers in one item."""
    judge = {"kind": KIND, "model": model, "embed": "context"}
    with LocalClient({"it": judge}) as client:

        def reward(image: PixelImage, answers: Answers) -> None:
            candidates = [Candidate([" ".join(answer)]) for answer in answers]
            client.judge([Item([image], candidates)], judges="it", want=Want.TOKEN_REWARDS)

        yield reward


@contextmanager
def loop(model: str) -> Iterator[Reward]:
    """Sentence by sentence, with the tower alone."""
    tower = load_dual_encoder(DualEncoderConfig(model)).tower

    @torch.inference_mode()
    def reward(image: PixelImage, answers: Answers) -> None:
        for answer in answers:
            for sentence in answer:
                (pixels,) = tower.preprocess(PIL.fromarray(image.pixels))
                patches = tower.encode_images(pixels[None])[1]
                ids = torch.tensor([tower.tokenize(sentence)])
                length = next(n for n in tower.text_lengths if n >= ids.shape[1])
                mask = torch.arange(length)[None] < ids.shape[1]
                padding = torch.full((1, length - ids.shape[1]), tower.pad_id)
                tokens = tower.encode_texts(torch.cat([ids, padding], 1), mask)[1]
                assert patches is not None and tokens is not None
                unit = torch.nn.functional.normalize
                (unit(tokens[0], dim=1) @ unit(patches[0], dim=1).T).max(1).values.tolist()

    yield reward


CONTENDERS = {"server": server, "loop": loop}


def measure(contender: str, model: str, candidates: int, sentences: int, rounds: int) -> Any:
    """Seconds of each round, and the megabytes that they took beside what was there before."""
    rng = np.random.default_rng(0)
    with CONTENDERS[contender](model) as reward:
        reward(*draw(rng, 1, 1))
        Path("/proc/self/clear_refs").write_text("5")  # the peak from here on
        before = held_kb("VmRSS")
        seconds = []
        for _ in range(rounds):
            asked = draw(rng, candidates, sentences)
            began = time.perf_counter()
            reward(*asked)
            seconds.append(time.perf_counter() - began)
        return seconds, (held_kb("VmHWM") - before) / 1024


def held_kb(what: str) -> int:
    """Memory of this process as the kernel counts it: VmRSS now, VmHWM at its peak."""
    (found,) = re.findall(rf"{what}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found)


def compare(patches: int, candidates: int, sentences: int, rounds: int) -> dict[str, Any]:
    """One row: both contenders, each in a process of its own, one after the other."""
    row: dict[str, Any] = {"candidates": candidates, "sentences": sentences}
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        model = write_model(Path(folder), patches)
        tower = load_dual_encoder(DualEncoderConfig(model)).tower
        _, answers = draw(np.random.default_rng(1), candidates, sentences)
        tokens = sum(len(tower.tokenize(" ".join(answer))) for answer in answers)
        grid = tower.grid or (0, 0)
        row |= {"model": model.partition(":")[0], "patches": grid[0] * grid[1], "tokens": tokens}
        for contender in CONTENDERS:
            with ProcessPoolExecutor(1, spawn) as process:
                asked = process.submit(measure, contender, model, candidates, sentences, rounds)
                seconds, held = asked.result()
            row[contender] = {
                "s": round(median(seconds), 3),
                "s_min_max": [round(min(seconds), 3), round(max(seconds), 3)],
                "tokens_per_s": round(tokens / median(seconds)),
                "peak_mb": round(held, 1),
            }
    row["ratio"] = round(row["loop"]["s"] / row["server"]["s"], 2)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--case", nargs="+", default=["1x1", "4x4", "16x12"], help="answers x sentences"
    )
    parser.add_argument("--patches", nargs="+", type=int, default=[0, 196, 576])
    parser.add_argument("--record", action="store_true", help="append to results/")
    options = parser.parse_args()
    print("model       patches  case   tokens   server tok/s (MB)     loop tok/s (MB)   ratio")
    for patches in options.patches:
        for case in options.case:
            candidates, sentences = map(int, case.split("x"))
            row = compare(patches, candidates, sentences, options.rounds)
            ours, theirs = row["server"], row["loop"]
            print(
                f"{row['model']:10} {row['patches']:8} {case:>6} {row['tokens']:8} "
                f"{ours['tokens_per_s']:10} ({ours['peak_mb']:5.0f}) "
                f"{theirs['tokens_per_s']:13} ({theirs['peak_mb']:5.0f}) {row['ratio']:9.2f}"
            )
            told = {"benchmark": "token_rewards", "rounds": options.rounds} | row
            told |= environment("torch", "transformers", "timm", "open_clip_torch")
            if options.record:
                record("token_rewards", told)


if __name__ == "__main__":
    main()
