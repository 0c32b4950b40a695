"""Credit for whole captions against credit for words: PPO in plain torch, rewards over gRPC.

    pip install mmjudge[server,bench]
    python examples/token_reward_ppo.py [--seeds 5] [--steps 100] [--output token_reward_ppo.png]

A policy names four objects for each example photograph: "A photo of cat, fur, nose, eye." At first
all words are alike to it, and it sees no photograph, only which one it is. Judge `token_alignment`
rewards each word. Policy "token" learns each word by the word's own reward, policy "sequence" all
four by their mean, with as many captions and calls. Which objects are in a photograph is written
down for the report alone: neither the policies nor the judge are told.
"""

import argparse
import json
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import matplotlib.pyplot as plt
import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor, nn

from mmjudge.cli.server_process import own_server
from mmjudge.client import Client, EncodedImage

Credit = Literal["sequence", "token"]

PHOTOS = Path(__file__).parent / "photos"
OBJECTS = Path(__file__).parents[1] / "benchmarks" / "token_alignment_words.json"
JUDGE = '[judges.words]\nkind = "token_alignment"\nmodel = "photo-lite"\nunit = "span"\n'
# The list has some 20 words a photograph; these are of the others' words those that one can point
# at in it, too. Written by looking at the photographs, before any word was scored here.
ALSO_TRUE = {
    "astronaut.png": "person eye nose ear rocket spacecraft star".split(),
    "camera.png": "person face hair ear nose hand eye city collar roof tree window".split(),
    "chelsea.png": ["hair"],
    "china.jpg": ["plant", "leaf", "window", "tower", "wood"],
    "hubble_deep_field.jpg": ["sky"],
}
LENGTH, GROUP, HIDDEN = 4, 8, 32  # words a caption, captions a photograph and step, state
EPOCHS, CLIP = 4, 0.2  # updates by the same captions, and how far they may move a probability
LEARNING_RATE: dict[Credit, float] = {"sequence": 0.003, "token": 0.003}  # the best by --tune
LINES: dict[Credit, tuple[str, str, str]] = {
    "sequence": ("--", "#d55e00", "each word credited with the caption's mean reward"),
    "token": ("-", "#0072b2", "each word credited with its own reward"),
}


@dataclass(frozen=True)
class Objects:
    """The words to choose from, and which of them are in which photograph."""

    files: list[str]
    words: list[str]
    true: Tensor  # bool [photographs, words]

    def false_rate(self, captions: Tensor) -> float:
        """The share of the words of `captions`, int64 [photographs, n, LENGTH], that are false."""
        photos = torch.arange(len(self.files))[:, None, None]
        return 1 - self.true[photos, captions].float().mean().item()

    def starred(self, captions: Tensor) -> list[str]:
        """One caption a photograph, [photographs, LENGTH], a star behind each false word."""
        return [
            ", ".join(self.words[index] + "*" * (not true[index]) for index in caption)
            for true, caption in zip(self.true, captions, strict=True)
        ]


def read_objects() -> Objects:
    """All true and false words of all photographs, each word once."""
    listed = json.loads(OBJECTS.read_text(encoding="utf-8"))["photographs"]
    words = sorted({word for kinds in listed.values() for kind in kinds.values() for word in kind})
    true = {file: {*kinds["true"], *ALSO_TRUE.get(file, [])} for file, kinds in listed.items()}
    rows = [[word in true[file] for word in words] for file in listed]
    return Objects(list(listed), words, torch.tensor(rows))


class Judge:
    """Rewards of captions from the server, with a count of what was asked."""

    def __init__(self, client: Client, objects: Objects) -> None:
        self._client, self._words = client, objects.words
        self._photos = [EncodedImage((PHOTOS / file).read_bytes()) for file in objects.files]
        self.calls = self.captions = 0
        self.fingerprint = ""

    def rewards(self, captions: Tensor) -> Tensor:
        """The reward of each word, float32 of the captions' shape; raises if one is not judged."""
        texts, spans = zip(*(self._caption(row) for row in captions.flatten(0, 1)), strict=True)
        images = [photo for photo in self._photos for _ in range(captions.shape[1])]
        found = self._client.token_rewards(images, texts, offsets=spans)
        self.calls, self.captions = self.calls + 1, self.captions + len(texts)
        self.fingerprint = found.fingerprint
        return torch.from_numpy(found.values).view(captions.shape)

    def _caption(self, indices: Tensor) -> tuple[str, list[tuple[int, int]]]:
        """A caption, and where in it the words stand: the policy's tokens."""
        text, spans = "A photo of", []
        for index in indices.tolist():
            text += ", " if spans else " "
            spans.append((len(text), len(text) + len(self._words[index])))
            text += self._words[index]
        return f"{text}.", spans


class Policy(nn.Module):
    """A GRU that writes LENGTH different words for a photograph, uniform at first."""

    def __init__(self, photos: int, words: int) -> None:
        super().__init__()
        self.photos, self.words = nn.Embedding(photos, HIDDEN), nn.Embedding(words, HIDDEN)
        self.cell, self.head = nn.GRUCell(HIDDEN, HIDDEN), nn.Linear(HIDDEN, words)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, count: int, given: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Captions, drawn or given, and log-probabilities: both [photographs, count, LENGTH]."""
        state = self.photos.weight.repeat_interleave(count, 0)
        taken = torch.zeros(len(state), self.words.num_embeddings, dtype=torch.bool)
        inputs, captions, chosen = torch.zeros_like(state), [], []
        for place in range(LENGTH):
            state = self.cell(inputs, state)
            logs = self.head(state).masked_fill(taken, -torch.inf).log_softmax(-1)
            drawn = torch.multinomial(logs.exp(), 1) if given is None else given[..., place]
            word = drawn.reshape(-1, 1)
            taken, inputs = taken.scatter(1, word, True), self.words(word[:, 0])
            captions.append(word)
            chosen.append(logs.gather(1, word))
        shape = (-1, count, LENGTH)
        return torch.cat(captions, 1).view(shape), torch.cat(chosen, 1).view(shape)


def advantages(rewards: Tensor, credit: Credit) -> Tensor:
    """[photographs, GROUP, LENGTH] above the group's mean at that place: all the two differ in."""
    if credit == "sequence":
        rewards = rewards.mean(-1, keepdim=True).expand_as(rewards)
    return rewards - rewards.mean(1, keepdim=True)


@dataclass
class Run:
    """What one policy did: reward and rate of false words of each step; the rate around them."""

    PHASES = "before", "all steps", "after"
    credit: Credit
    seed: int
    reward: list[float] = field(default_factory=list)
    false: list[float] = field(default_factory=list)
    before: float = 0.0
    after: float = 0.0
    calls: int = 0
    captions: int = 0
    samples: list[str] = field(default_factory=list)

    def phases(self) -> list[tuple[float, float]]:
        """Reward and rate of false words: before, of all steps, and after (the last ten steps)."""
        rewards = self.reward[0], np.mean(self.reward), np.mean(self.reward[-10:])
        return list(zip(rewards, (self.before, np.mean(self.false), self.after), strict=True))


def train(
    judge: Judge, objects: Objects, credit: Credit, seed: int, steps: int, learning_rate: float
) -> Run:
    """Train one policy for so many steps, each with one call to the server."""
    torch.manual_seed(seed)
    policy, run = Policy(len(objects.files), len(objects.words)), Run(credit, seed)
    optimizer = torch.optim.Adam(policy.parameters(), lr=learning_rate)
    calls, captions = judge.calls, judge.captions
    run.before = objects.false_rate(policy(256)[0])
    for _ in range(steps):
        with torch.no_grad():
            drawn, old = policy(GROUP)
        rewards = judge.rewards(drawn)
        run.reward.append(round(rewards.mean().item(), 4))
        run.false.append(round(objects.false_rate(drawn), 4))
        gain = advantages(rewards, credit)
        gain = gain / (gain.std() + 1e-6)
        for _ in range(EPOCHS):
            ratio = (policy(GROUP, drawn)[1] - old).exp()
            loss = -torch.min(ratio * gain, ratio.clamp(1 - CLIP, 1 + CLIP) * gain).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    after, _ = policy(256)
    run.after, run.samples = objects.false_rate(after), objects.starred(after[:, 0])
    run.calls, run.captions = judge.calls - calls, judge.captions - captions
    return run


def compare(
    judge: Judge, objects: Objects, seeds: Iterable[int], steps: int, rates: dict[Credit, float]
) -> list[Run]:
    """Train both policies from each seed: they start alike, and draw the same captions at first."""
    runs = []
    for seed in seeds:
        for credit, rate in rates.items():
            runs.append(train(judge, objects, credit, seed, steps, rate))
            (first, before), _, (last, after) = runs[-1].phases()
            print(
                f"seed {seed:4}  {credit:8}  learning rate {rate:<5}  reward {first:.3f} to "
                f"{last:.3f}  false words {before:.1%} to {after:.1%}",
                flush=True,
            )
    return runs


def tune(judge: Judge, objects: Objects, steps: int) -> None:
    """Print, for each policy and learning rate, the mean reward of the last ten steps."""
    for rate in (0.001, 0.003, 0.01, 0.03, 0.1):
        rates = dict.fromkeys(LEARNING_RATE, rate)
        runs = compare(judge, objects, (1000, 1001), steps, rates)  # seeds that are not reported
        for credit in LEARNING_RATE:
            last = np.mean([run.phases()[-1][0] for run in runs if run.credit == credit])
            print(f"{credit:8}  learning rate {rate:<5}  reward {last:.4f}", flush=True)


def interval(values: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean over seeds, the first axis, and half the width of its 95 % interval (Student's)."""
    half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values, axis=0)
    return np.mean(values, 0), half


def summary(runs: list[Run]) -> dict[str, Any]:
    """Rewards and rates of false words with their 95 % intervals, and the differences by seed."""
    sequence, token = (
        np.array([run.phases() for run in runs if run.credit == credit]) for credit in LEARNING_RATE
    )
    told, rows = {}, {"sequence": sequence, "token": token, "token - sequence": token - sequence}
    for who, values in rows.items():
        for when, mean, half in zip(Run.PHASES, *interval(values), strict=True):
            told[f"{who}, {when}"] = (
                f"reward {mean[0]:.4f} ± {half[0]:.4f}, false words {mean[1]:.1%} ± {half[1]:.1%}"
            )
    return told


def plot(runs: list[Run], best: tuple[float, float], output: Path) -> None:
    """Reward and rate of false words by step, and what the judge's own choice would have."""
    figure, panels = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    for panel, name, level in zip(panels, ("reward", "false"), best, strict=True):
        for credit, (style, colour, label) in LINES.items():
            mean, half = interval([getattr(run, name) for run in runs if run.credit == credit])
            steps = np.arange(1, len(mean) + 1)
            panel.plot(steps, mean, style, color=colour, label=label)
            panel.fill_between(steps, mean - half, mean + half, color=colour, alpha=0.2, lw=0)
        panel.axhline(level, color="black", lw=1, ls=":", label="the judge's favourite words")
        panel.set(xlabel=f"step ({runs[0].captions // runs[0].calls} captions, one call)")
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set(ylabel="reward of a word (cosine by photo-lite)", title="What both learn from")
    panels[1].set(ylabel="share of words that are false", title="What neither is told", ylim=(0, 1))
    panels[0].legend(loc="lower right", fontsize=8, frameon=False)
    figure.savefig(output, dpi=130)


def main() -> None:
    """Parse the command line, train all, print the figures, plot and write them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--address", help="a running server; otherwise one is started")
    parser.add_argument("--seeds", type=int, default=5, help="runs of each policy, at least 2")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--output", type=Path, default=Path("token_reward_ppo.png"))
    parser.add_argument("--tune", action="store_true", help="compare learning rates instead")
    options = parser.parse_args()
    if options.seeds < 2 or options.steps < 1:
        parser.error("an interval takes at least 2 seeds, and a curve 1 step")
    torch.set_num_threads(1)  # a policy of this size is slower on two, and the server needs one
    objects = read_objects()
    with ExitStack() as stack:
        if options.address is None:
            config = Path(stack.enter_context(tempfile.TemporaryDirectory()), "judge.toml")
            config.write_text(JUDGE, encoding="utf-8")
            options.address = stack.enter_context(own_server(str(config)))
        judge = Judge(stack.enter_context(Client(options.address)), objects)
        if options.tune:
            return tune(judge, objects, options.steps)
        every = torch.arange(len(objects.words)).expand(len(objects.files), 1, -1)
        favourites = judge.rewards(every).topk(LENGTH)  # no captions have a higher reward
        runs = compare(judge, objects, range(options.seeds), options.steps, LEARNING_RATE)
    best = favourites.values.mean().item(), objects.false_rate(favourites.indices)
    told = summary(runs)
    told["the judge's favourite words"] = f"reward {best[0]:.4f}, false words {best[1]:.1%}"
    print(*(f"{name:36} {text}" for name, text in told.items()), sep="\n")
    for run in runs[:2]:
        print(f"seed {run.seed}, {run.credit}: the first captions drawn afterwards, * for false")
        for file, caption in zip(objects.files, run.samples, strict=True):
            print(f"    {file:24} {caption}")
    plot(runs, best, options.output)
    told |= {"judge": judge.fingerprint, "rates": LEARNING_RATE, "runs": [*map(asdict, runs)]}
    options.output.with_suffix(".json").write_text(json.dumps(told) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
