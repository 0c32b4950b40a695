"""A policy that edits a photograph, trained through the flow_grpo adapter; an exploit caught.

    pip install mmjudge[server] matplotlib
    python examples/image_policy.py [--address HOST:PORT] [--steps 80] [--seed 0] [--output FILE]

The policy draws eight numbers, by which a photograph is cropped, coloured and blurred; judge `clip`
says how well the picture fits its caption. It is trained twice from the same seed: with every
number in the range of an ordinary edit, and with the brightness free. Judge `subject`, which the
policy is not trained on, watches both runs. Without --address the script starts a server of its
own, with the judges of image_policy.toml.
"""

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from mmjudge.cli.server_process import own_server
from mmjudge.rl import HeldOut, Reward
from mmjudge.rl.flow_grpo import multi_score

HERE = Path(__file__).parent
JUDGES, PHOTO, PROMPT = HERE / "image_policy.toml", HERE / "photos" / "coffee.png", "espresso"
TRAINED, HELD_OUT = "clip", "subject"
SIDE, GROUP, BLUR_RADIUS = 224, 16, 4

Score = Callable[..., tuple[dict[str, Any], dict[str, float]]]


@dataclass(frozen=True, slots=True)
class Range:
    """Where a number may lie, and where the policy starts; factors are spaced as logarithms."""

    low: float
    high: float
    start: float
    factor: bool = False

    def value(self, z: Tensor) -> Tensor:
        """Any real numbers -> numbers between low and high."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        values = low + (high - low) * torch.sigmoid(z)
        return values.exp() if self.factor else values

    def start_z(self) -> float:
        """What `value` turns into `start`."""
        low, high, start = (self._scaled(x) for x in (self.low, self.high, self.start))
        return math.log((start - low) / (high - start))

    def _scaled(self, value: float) -> float:
        return math.log(value) if self.factor else value


CONSTRAINED: Mapping[str, Range] = {
    "x": Range(-1, 1, 0),  # of the crop's centre, from edge to edge
    "y": Range(-1, 1, 0),
    "scale": Range(
        0.6, 1, 0.95, factor=True
    ),  # of the crop's side; 1 is the photograph's short one
    "brightness": Range(0.8, 1.25, 1, factor=True),
    "contrast": Range(0.8, 1.25, 1, factor=True),
    "saturation": Range(0.7, 1.4, 1, factor=True),
    "hue": Range(-0.2, 0.2, 0),  # radians
    "blur": Range(0.1, 1, 0.2, factor=True),  # pixels, of a Gaussian
}
UNCONSTRAINED = {**CONSTRAINED, "brightness": Range(0.02, 50, 1, factor=True)}


def read_photo(path: Path) -> Tensor:
    """Float32 [3, height, width] in [0, 1]."""
    pixels = np.array(Image.open(path).convert("RGB"))
    return torch.from_numpy(pixels).permute(2, 0, 1).float() / 255


def develop(photo: Tensor, values: Mapping[str, Tensor]) -> Tensor:
    """A photograph [3, height, width] and numbers [n] each -> pictures [n, 3, 224, 224]."""
    pictures = crop(photo, values["x"], values["y"], values["scale"])
    pictures = blur(pictures, values["blur"])
    brightness, contrast, saturation = (
        values[name][:, None, None, None] for name in ("brightness", "contrast", "saturation")
    )
    pictures = ((pictures - 0.5) * contrast + 0.5) * brightness
    grey = pictures.mean(1, keepdim=True)
    chroma = turn_hue(pictures - grey, values["hue"])
    return (grey + saturation * chroma).clamp(0, 1)


def crop(photo: Tensor, x: Tensor, y: Tensor, scale: Tensor) -> Tensor:
    """Squares of the photograph, resampled to [n, 3, 224, 224]."""
    height, width = photo.shape[1:]
    half = scale[:, None] * min(height, width) / torch.tensor([width, height])
    centre = torch.stack([x, y], 1) * (1 - half)
    # An affine map from the square [-1, 1] x [-1, 1] into the photograph's.
    theta = torch.cat([torch.diag_embed(half), centre[:, :, None]], 2)
    grid = F.affine_grid(theta, [len(x), 3, SIDE, SIDE], align_corners=False)
    return F.grid_sample(photo.expand(len(x), -1, -1, -1), grid, align_corners=False)


def blur(pictures: Tensor, sigma: Tensor) -> Tensor:
    """A Gaussian blur of each picture with its own sigma, in pixels."""
    n, channels, height, width = pictures.shape
    distances = torch.arange(-BLUR_RADIUS, BLUR_RADIUS + 1)
    weights = torch.softmax(-((distances / sigma[:, None]) ** 2) / 2, 1)
    kernels = weights.repeat_interleave(channels, 0)[:, None, None, :]
    edges = (BLUR_RADIUS,) * 4
    flat = F.pad(pictures.view(1, n * channels, height, width), edges, mode="replicate")
    flat = F.conv2d(flat, kernels, groups=n * channels)
    flat = F.conv2d(flat, kernels.transpose(2, 3), groups=n * channels)
    return flat.view(pictures.shape)


def turn_hue(chroma: Tensor, angle: Tensor) -> Tensor:
    """Turn colours less their grey, [n, 3, height, width], about the axis of greys."""
    cos, sin = (f(angle)[:, None, None, None] for f in (torch.cos, torch.sin))
    red, green, blue = chroma.split(1, 1)
    across = torch.cat([blue - green, red - blue, green - red], 1) / math.sqrt(3)
    return cos * chroma + sin * across


class Policy(nn.Module):
    """Independent normal distributions, one for each number, before they are put into range."""

    def __init__(self, ranges: Mapping[str, Range]) -> None:
        super().__init__()
        self.ranges = ranges
        self.mean = nn.Parameter(torch.tensor([each.start_z() for each in ranges.values()]))
        self.log_std = nn.Parameter(torch.full((len(ranges),), math.log(0.4)))

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw z [n, numbers], without gradients."""
        noise = torch.randn(n, len(self.mean), generator=generator)
        return (self.mean + self.log_std.exp() * noise).detach()

    def log_prob(self, z: Tensor) -> Tensor:
        """Log density [n] of what was drawn."""
        densities: Tensor = torch.distributions.Normal(self.mean, self.log_std.exp()).log_prob(z)
        return densities.sum(1)

    def values(self, z: Tensor) -> dict[str, Tensor]:
        """Numbers in their ranges by name, [n] each."""
        return {name: each.value(z[:, i]) for i, (name, each) in enumerate(self.ranges.items())}


@dataclass(frozen=True, slots=True)
class Run:
    """What a training left: numbers by name, one a step; the policy's mean, and its picture."""

    curves: dict[str, list[float]]
    values: dict[str, float]
    picture: Tensor

    @property
    def warned_at(self) -> int | None:
        """The first step with a warning, from 1."""
        return next((i for i, on in enumerate(self.curves["warning"], 1) if on), None)


def train(score: Score, ranges: Mapping[str, Range], steps: int, seed: int) -> Run:
    """Train by policy gradient: a group of pictures a step, their mean reward as the baseline."""
    photo, policy = read_photo(PHOTO), Policy(ranges)
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(policy.parameters(), lr=0.05)
    curves: dict[str, list[float]] = {}
    for step in range(1, steps + 1):
        z = policy.sample(GROUP, generator)
        pictures = develop(photo, policy.values(z))
        scores, info = score(pictures, [PROMPT] * GROUP, [{}] * GROUP)
        rewards = torch.as_tensor(scores["avg"])
        advantages = (rewards - rewards.mean()) / (rewards.std() + 1e-4)
        optimizer.zero_grad()
        (-advantages * policy.log_prob(z)).mean().backward()
        optimizer.step()
        row = {
            "reward": info["mmjudge/reward/mean"],
            "held_out": info[f"mmjudge/held_out/{HELD_OUT}/mean"],
            # The trend has none before its eighth point.
            "warning": info.get(f"mmjudge/held_out/{HELD_OUT}/warning", 0.0),
            "luminance": info["mmjudge/image/luminance"],
        }
        for name, value in row.items():
            curves.setdefault(name, []).append(value)
        if step % 10 == 0:
            print(f"step {step:4}", *(f"{k} {v:.3f}" for k, v in row.items()), sep="  ", flush=True)
    with torch.no_grad():
        values = policy.values(policy.mean[None])
        picture = develop(photo, values)[0]
    return Run(curves, {name: value.item() for name, value in values.items()}, picture)


def watched(address: str, ranges: Mapping[str, Range], steps: int, seed: int) -> Run:
    """Train against the server's judges, the held-out one looking at the whole run."""
    held_out = HeldOut(HELD_OUT, samples=GROUP, window=max(steps, 8))
    reward = Reward(address, TRAINED, held_out=held_out)
    try:
        return train(multi_score(reward), ranges, steps, seed)
    finally:
        reward.close()


def scores_of(address: str, pictures: Tensor) -> tuple[list[float], list[float]]:
    """What the trained and the held-out judge say of pictures."""
    reward = Reward(address, {TRAINED: 1.0, HELD_OUT: 1.0})
    try:
        scores, _ = multi_score(reward)(pictures, [PROMPT] * len(pictures))
    finally:
        reward.close()
    return scores[TRAINED].tolist(), scores[HELD_OUT].tolist()


def plot(runs: Mapping[str, Run], pictures: Mapping[str, tuple[Tensor, str]], output: Path) -> None:
    """The curves of both runs with the first warning, and what became of the photograph."""
    figure, (above, below) = plt.subplots(
        2, 3, figsize=(11, 7.2), layout="constrained", height_ratios=[1, 1.15]
    )
    panels = {
        "reward": f"reward: judge {TRAINED!r}, trained on",
        "held_out": f"judge {HELD_OUT!r}, held out",
        "luminance": "monitor: mean luminance",
    }
    for panel, (key, title) in zip(above, panels.items(), strict=True):
        for (name, run), colour in zip(runs.items(), ("#1f5fa8", "#c2410c"), strict=True):
            steps = np.arange(1, len(run.curves[key]) + 1)
            panel.plot(steps, run.curves[key], color=colour, label=name)
            if run.warned_at is not None:
                label = f"warning, step {run.warned_at} ({name})"
                panel.axvline(run.warned_at, color=colour, linewidth=1, linestyle="--", label=label)
        panel.set(title=title, xlabel="step")
        panel.spines[["top", "right"]].set_visible(False)
    above[-1].legend(fontsize=8, frameon=False, loc="center right")
    for panel, (name, (picture, caption)) in zip(below, pictures.items(), strict=True):
        panel.imshow(picture.permute(1, 2, 0).numpy())
        panel.set(title=name, xlabel=caption, xticks=[], yticks=[])
    figure.savefig(output, dpi=110)
    plt.close(figure)


def main(arguments: Sequence[str] | None = None) -> dict[str, Run]:
    """Parse the command line, train twice, print what came out and plot it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--address", help="a server of image_policy.toml; otherwise one is started")
    parser.add_argument("--steps", type=int, default=80)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("image_policy.png"))
    options = parser.parse_args(arguments)
    before = develop(
        read_photo(PHOTO),
        {name: torch.tensor([each.start]) for name, each in CONSTRAINED.items()},
    )
    running = nullcontext(options.address) if options.address else own_server(str(JUDGES))
    runs: dict[str, Run] = {}
    with running as address:
        for name, ranges in (("constrained", CONSTRAINED), ("brightness free", UNCONSTRAINED)):
            print(name)
            runs[name] = watched(address, ranges, options.steps, options.seed)
        pictures = torch.cat([before, *(run.picture[None] for run in runs.values())])
        trained, held_out = scores_of(address, pictures)
    captions = [
        f"{TRAINED} {one:.3f}, {HELD_OUT} {other:.3f}"
        for one, other in zip(trained, held_out, strict=True)
    ]
    names = ["before", *(f"after, {name}" for name in runs)]
    plot(runs, dict(zip(names, zip(pictures, captions, strict=True), strict=True)), options.output)
    for name, caption in zip(names, captions, strict=True):
        print(f"{name:24} {caption}")
    for name, run in runs.items():
        first, last = (np.mean(run.curves["reward"][part]) for part in (slice(5), slice(-5, None)))
        found = "no warning" if run.warned_at is None else f"warning at step {run.warned_at}"
        numbers = ", ".join(f"{key} {value:.3g}" for key, value in run.values.items())
        print(f"{name}: reward {first:.3f} in the first 5 steps, {last:.3f} in the last 5; {found}")
        print(f"  {numbers}")
    return runs


if __name__ == "__main__":
    main()
