"""Rewards of units on callers' tokens: by rule, for several tokenizers and scripts."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.judges.caller_tokenizers import (
    TEXTS,
    byte_level,
    published_word_piece,
    spans,
    unigram,
    word_piece,
)
from tokenizers import Tokenizer

from mmjudge.contract.spans import check_spans
from mmjudge.judges.text_units import UnitRules, text_units
from mmjudge.judges.token_mapping import MappingRule, map_rewards

RULES: list[MappingRule] = ["every", "first", "last", "split"]
TOKENIZERS = [byte_level, unigram, word_piece]
PIECES = [*"ab .,'-3é日本語ك🚀👩\u200d\u0301\n", "cat", "קו", "ไทย"]
WRITTEN = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


def by_hand(
    units: list[tuple[int, int]], rewards: list[float], tokens: list[tuple[int, int]], rule: str
) -> list[float]:
    """The definition, straightforwardly."""
    given: list[list[float]] = [[] for _ in tokens]
    for (start, end), reward in zip(units, rewards, strict=True):
        reached = [i for i, (a, b) in enumerate(tokens) if a < b and a < end and b > start]
        share = reward / len(reached) if rule == "split" and reached else reward
        for i in {"first": reached[:1], "last": reached[-1:]}.get(rule, reached):
            given[i].append(share)
    return [math.fsum(values) for values in given]


def array(pairs: list[tuple[int, int]]) -> NDArray[np.int32]:
    return np.array(pairs, np.int32).reshape(-1, 2)


@st.composite
def span_lists(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Spans as the contract lets them through: filled ones by start, empty ones anywhere."""
    pairs = st.tuples(st.integers(0, 30), st.integers(1, 9))
    found = sorted(((start, start + size) for start, size in draw(st.lists(pairs, max_size=9))),
                   key=lambda span: span[0])  # fmt: skip
    for at in draw(st.lists(st.integers(0, 9), max_size=3)):
        found.insert(at, (0, 0))
    return found


@pytest.mark.parametrize("rule", RULES)
@given(units=span_lists(), tokens=span_lists(), seed=st.integers(0, 99))
def test_it_is_what_the_rule_says(
    rule: MappingRule, units: list[tuple[int, int]], tokens: list[tuple[int, int]], seed: int
) -> None:
    filled = [unit for unit in units if unit[0] < unit[1]]
    rewards = np.random.default_rng(seed).normal(size=len(filled)).astype(np.float32)
    found = map_rewards(array(filled), rewards, array(tokens), rule)
    expected = by_hand(filled, rewards.tolist(), tokens, rule)
    np.testing.assert_allclose(found.values, expected, rtol=1e-6, atol=1e-6)
    assert found.values.dtype == np.float32 and found.source.dtype == np.int32
    for value, source, (start, end) in zip(found.values, found.source, tokens, strict=True):
        if source < 0:
            assert value == 0
        else:
            assert filled[source][0] < end and filled[source][1] > start


@pytest.mark.parametrize("rule", RULES)
def test_a_token_of_several_units_has_their_sum_and_the_region_of_the_largest(
    rule: MappingRule,
) -> None:
    units = array([(0, 3), (4, 7), (8, 9)])
    rewards = np.array([0.25, -0.5, 0.5], np.float32)
    found = map_rewards(units, rewards, array([(0, 9)]), rule)
    assert found.values.tolist() == [0.25] and found.source.tolist() == [1]


def test_the_rules_for_one_word_of_three_tokens() -> None:
    unit, reward = array([(2, 8)]), np.array([0.75], np.float32)
    tokens = array([(0, 0), (0, 2), (2, 4), (4, 6), (6, 9), (0, 0)])
    found = {rule: map_rewards(unit, reward, tokens, rule).values.tolist() for rule in RULES}
    assert found == {
        "every": [0, 0, 0.75, 0.75, 0.75, 0],
        "first": [0, 0, 0.75, 0, 0, 0],
        "last": [0, 0, 0, 0, 0.75, 0],
        "split": [0, 0, 0.25, 0.25, 0.25, 0],
    }


def tokenizers(goldens: Path) -> list[Tokenizer]:
    return [*(make() for make in TOKENIZERS), published_word_piece(goldens)]


def check_conserved(tokenizer: Tokenizer, text: str) -> None:
    """Under `split` no reward of a word that any token covers is lost, and none is made up."""
    units, tokens = text_units(text, None, UnitRules()), spans(tokenizer, text)
    check_spans(tokens, text, field="spans")
    # Multiples of 27720 split evenly among up to 12 tokens without rounding.
    rewards = (27720.0 * np.arange(1, len(units.bytes) + 1)).astype(np.float32)
    found = map_rewards(units.bytes, rewards, tokens, "split")
    covered = [
        any(a < end and b > start and a < b for a, b in tokens.tolist())
        for start, end in units.bytes.tolist()
    ]
    most = max((_reached(unit, tokens) for unit in units.bytes.tolist()), default=0)
    total, kept = math.fsum(found.values.tolist()), math.fsum(rewards[covered].tolist())
    assert total == kept if most <= 12 else total == pytest.approx(kept, rel=1e-6)
    empty = tokens[:, 0] == tokens[:, 1]
    assert not found.values[empty].any() and (found.source[empty] == -1).all()


def _reached(unit: list[int], tokens: NDArray[np.int32]) -> int:
    return int(((tokens[:, 0] < unit[1]) & (tokens[:, 1] > unit[0])).sum())


@pytest.mark.parametrize("text", TEXTS)
def test_split_conserves_rewards_in_every_script(goldens: Path, text: str) -> None:
    for tokenizer in tokenizers(goldens):
        check_conserved(tokenizer, text)


@pytest.mark.parametrize("make", TOKENIZERS)
@given(text=WRITTEN)
def test_split_conserves_rewards_of_any_text(make: Callable[[], Tokenizer], text: str) -> None:
    check_conserved(make(), text)


@pytest.mark.parametrize("make", TOKENIZERS)
@pytest.mark.parametrize("text", TEXTS)
def test_every_token_of_a_word_has_its_reward_and_no_other(
    make: Callable[[], Tokenizer], text: str
) -> None:
    units, tokens = text_units(text, None, UnitRules()), spans(make(), text)
    seen = np.flatnonzero(units.visual)
    rewards = np.arange(1, len(seen) + 1, dtype=np.float32)
    found = map_rewards(units.bytes[seen], rewards, tokens, "every")
    for (start, end), value in zip(tokens.tolist(), found.values.tolist(), strict=True):
        touched = [
            reward
            for (a, b), reward in zip(units.bytes[seen].tolist(), rewards.tolist(), strict=True)
            if start < end and start < b and end > a
        ]
        assert value == sum(touched)
    # Byte-level tokens that are part of a character are given its whole span, all of them rewarded.
    assert found.values.any()


def test_a_token_that_is_half_a_character_has_the_characters_reward() -> None:
    text = "a 🚀 b"
    units = text_units(text, None, UnitRules())
    rocket = units.bytes[1:2]
    assert rocket.tolist() == [[2, 6]]
    halves = array([(0, 1), (1, 4), (4, 6), (6, 8)])
    found = map_rewards(rocket, np.ones(1, np.float32), halves, "every")
    assert found.values.tolist() == [0, 1, 1, 0]


def test_a_long_text_is_mapped_without_a_table_of_all_pairs() -> None:
    starts = np.arange(0, 2_000_000, 10, dtype=np.int32)
    units = np.stack([starts, starts + 9], 1)
    tokens = np.stack([starts, starts + 5], 1)
    found = map_rewards(units, np.ones(len(units), np.float32), tokens, "split")
    assert found.values.sum() == len(units)
