"""Whether token rewards tell objects that are in a photograph from objects that are not.

The words, true and false for each example photograph, stand in token_alignment_words.json, written
by looking at the photographs before anything was scored. Each word stands in a sentence of its own,
"There is a WORD in the room.", and is rewarded by itself. Settings are chosen by the AUC on half of
the photographs; the report is of the other half: the chance that a true word has a higher reward
than a false one, over all pairs of words, with an interval from resampling the words.

    python benchmarks/token_alignment_words.py [--model photo-lite] [--record]
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from environment import environment, record
from numpy.typing import NDArray

from mmjudge.cli.photos import example_photos
from mmjudge.client import Candidate, EncodedImage, Item, LocalClient

WORDS = Path(__file__).with_suffix(".json")
# By its class, so that this also runs beside an installation that does not name the kind.
KIND = "mmjudge.judges.token_alignment:TokenAlignmentJudge"
SOURCES: dict[str, dict[str, Any]] = {
    "global": {"source": "global"},
    "max": {"source": "max"},
    "mean": {"source": "mean"},
    "softmax 0.02": {"source": "softmax", "tau": 0.02},
    "softmax 0.05": {"source": "softmax", "tau": 0.05},
    "softmax 0.1": {"source": "softmax", "tau": 0.1},
}
EMBEDS: dict[str, dict[str, Any]] = {
    "context": {"embed": "context"},
    "alone": {"embed": "alone"},
    "alone, bare": {"embed": "alone", "template": "{unit}"},
}

DEFAULT = "max, alone"  # what the judge does unless it is told otherwise


class Rewarded(NamedTuple):
    """Rewards of words by photograph, and which words are true."""

    rewards: dict[str, NDArray[np.float64]]
    true: dict[str, NDArray[np.bool_]]

    def of(self, photographs: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Rewards and truth of all words of these photographs."""
        rewards = np.concatenate([self.rewards[name] for name in photographs])
        return rewards, np.concatenate([self.true[name] for name in photographs])


def sentence(word: str) -> Candidate:
    """The word in a sentence, and the span of the word: it alone is rewarded."""
    article = "an" if word[0] in "aeiou" else "a"
    before = f"There is {article} "
    span = [len(before), len(before) + len(word)]
    return Candidate([f"{before}{word} in the room."], spans=np.array([span], np.int32))


def auc(rewards: NDArray[np.float64], true: NDArray[np.bool_]) -> float:
    """Chance that a true word has the higher reward; a tie is half a chance."""
    difference = rewards[true][:, None] - rewards[~true]
    return float((difference > 0).mean() + (difference == 0).mean() / 2)


def interval(rewards: NDArray[np.float64], true: NDArray[np.bool_]) -> list[float]:
    """95 % of the AUCs of words drawn with replacement, true and false ones apart."""
    drawn, rng = [], np.random.default_rng(0)
    sides = np.flatnonzero(true), np.flatnonzero(~true)
    for _ in range(2000):
        index = np.concatenate([rng.choice(side, len(side)) for side in sides])
        drawn.append(auc(rewards[index], true[index]))
    return [round(float(q), 3) for q in np.quantile(drawn, [0.025, 0.975])]


def reward_words(
    words: dict[str, Any], model: str, settings: dict[str, dict[str, Any]]
) -> dict[str, Rewarded]:
    """What each setting says of all words."""
    folder = example_photos()
    judges = {
        name: {"kind": KIND, "model": model, "unit": "span"} | options
        for name, options in settings.items()
    }
    items = [
        Item(
            [EncodedImage((folder / photograph).read_bytes())],
            [sentence(word) for word in (*listed["true"], *listed["false"])],
        )
        for photograph, listed in words["photographs"].items()
    ]
    true = {
        photograph: np.arange(len(listed["true"]) + len(listed["false"])) < len(listed["true"])
        for photograph, listed in words["photographs"].items()
    }
    found = {}
    with LocalClient(judges) as client:
        for name in judges:
            values = client.judge(items, judges=name).candidate_values
            rewards = [np.asarray(row, np.float64) for row in values]
            found[name] = Rewarded(dict(zip(true, rewards, strict=True)), true)
    return found


def told(rewarded: Rewarded, photographs: Sequence[str]) -> dict[str, Any]:
    """What one setting says of the words of these photographs."""
    rewards, true = rewarded.of(photographs)
    return {
        "true_words": int(true.sum()),
        "false_words": int((~true).sum()),
        "mean_true": round(float(rewards[true].mean()), 4),
        "mean_false": round(float(rewards[~true].mean()), 4),
        "auc": round(auc(rewards, true), 3),
        "auc_interval": interval(rewards, true),
        "auc_by_photograph": {name: round(auc(*rewarded.of([name])), 3) for name in photographs},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="photo-lite")
    parser.add_argument("--record", action="store_true", help="append to results/")
    options = parser.parse_args()
    words = json.loads(WORDS.read_text(encoding="utf-8"))
    choose = words["choose"]
    report = [name for name in words["photographs"] if name not in choose]
    settings = {
        f"{source}, {embed}": SOURCES[source] | EMBEDS[embed]
        for source in SOURCES
        for embed in EMBEDS
    }
    found = reward_words(words, options.model, settings)
    chosen = {name: auc(*rewarded.of(choose)) for name, rewarded in found.items()}
    for name, value in sorted(chosen.items(), key=lambda one: -one[1]):
        print(f"{name:24} {value:.3f} on the half to choose by")
    best = max(chosen, key=lambda name: chosen[name])
    row: dict[str, Any] = {
        "benchmark": "token_alignment_words",
        "model": options.model,
        "chosen": best,
        "auc_choosing": {name: round(value, 3) for name, value in chosen.items()},
        "photographs": report,
        "with_chosen": told(found[best], report),
        "with_defaults": told(found[DEFAULT], report),
    }
    row |= environment("torch", "timm", "transformers", "pillow", "regex")
    print(json.dumps(row, indent=2))
    if options.record:
        print("recorded in", record("token_alignment_words", row).name)


if __name__ == "__main__":
    main()
