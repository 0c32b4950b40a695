"""The list of words in the example photographs, and what photo-lite makes of it."""

import json
from typing import Any

import numpy as np
from token_alignment_words import DEFAULT, EMBEDS, SOURCES, WORDS, auc, interval, reward_words

from mmjudge.cli.photos import example_photos

LISTED: dict[str, Any] = json.loads(WORDS.read_text(encoding="utf-8"))


def test_the_list_has_true_and_false_words_for_every_photograph() -> None:
    photographs = LISTED["photographs"]
    assert {file.name for file in example_photos().glob("*.[jp][pn]g")} == set(photographs)
    assert len(LISTED["choose"]) * 2 == len(photographs)
    assert set(LISTED["choose"]) < set(photographs)
    for words in photographs.values():
        assert words["true"] and words["false"]
        assert len({*words["true"], *words["false"]}) == len(words["true"] + words["false"])
    every = [word for words in photographs.values() for kind in words.values() for word in kind]
    assert len(every) == 152 and len(set(every)) >= 60


def test_the_auc_counts_ties_half() -> None:
    true = np.array([True, True, False, False])
    assert auc(np.array([3.0, 2.0, 1.0, 0.0]), true) == 1
    assert auc(np.array([1.0, 1.0, 1.0, 1.0]), true) == 0.5
    assert auc(np.array([3.0, 0.0, 2.0, 1.0]), true) == 0.5
    low, high = interval(np.random.default_rng(0).normal(size=40), np.arange(40) < 20)
    assert 0 < low < high < 1


def test_photo_lite_rewards_true_words_above_false_ones() -> None:
    source, embed = DEFAULT.split(", ")
    settings = {DEFAULT: SOURCES[source] | EMBEDS[embed]}
    rewarded = reward_words(LISTED, "photo-lite", settings)[DEFAULT]
    rewards, true = rewarded.of(list(LISTED["photographs"]))
    assert rewards[true].mean() > rewards[~true].mean() + 0.02
    # Hoped for was 0.8; docs/token-rewards.md says what is reached, and why not more.
    assert 0.6 < auc(rewards, true) < 0.8
