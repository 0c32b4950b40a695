"""Judge `vlm` asked for several samples: means, votes, and samples that cannot be read."""

from collections.abc import Sequence
from typing import Any

import pytest
from tests.judges.scripted_generator import (
    ScriptedGenerator,
    asked,
    candidates,
    judged,
    values,
    vlm,
)

from mmjudge.contract.items import Item, Want
from mmjudge.contract.verdicts import Abstention, AbstentionReason
from mmjudge.judges.backbones.generator import Sampling
from mmjudge.judges.vlm import VlmJudge

ITEM = Item(["a lamp"], candidates(3))
PAIR = Item(["a lamp"], candidates(3, 7))


def sampled(texts: Sequence[str], **options: Any) -> VlmJudge:
    generator = ScriptedGenerator(lambda question, sample: texts[sample])
    return vlm(generator, samples=len(texts), temperature=0.7, **options)


def ratings(*numbers: object) -> list[str]:
    return [f"RATING: {number}" for number in numbers]


async def test_ratings_are_averaged_and_their_spread_told() -> None:
    judgement = await judged(sampled(ratings(2, 4, 9)), ITEM)
    assert values(judgement) == [5]
    assert judgement.scores[0].by_criterion["std"] == pytest.approx((26 / 3) ** 0.5)
    assert "[sample 2]\nRATING: 9" in judgement.scores[0].raw_text


@pytest.mark.parametrize(("numbers", "value"), [((2, 9, 9), 9), ((2, 9, 9, 2, 5), 5.5)])
async def test_a_vote_takes_the_most_frequent_rating(
    numbers: tuple[int, ...], value: float
) -> None:
    assert values(await judged(sampled(ratings(*numbers), combine="vote"), ITEM)) == [value]


async def test_a_minority_that_cannot_be_read_is_left_out_and_counted() -> None:
    verdict = await asked(sampled(ratings(2, "eleven", 4)), ITEM)
    assert verdict.judgement is not None
    assert values(verdict.judgement) == [3]
    (note,) = verdict.notes
    assert (note.code, note.field) == ("SAMPLES_UNREADABLE", "candidates[0]")
    assert note.message.startswith("1 of 3 samples could not be read")


@pytest.mark.parametrize("numbers", [("none", 3), ("none", "none", 3)])
async def test_a_readable_half_is_not_enough(numbers: tuple[object, ...]) -> None:
    outcome = (await asked(sampled(ratings(*numbers)), ITEM)).outcome
    assert isinstance(outcome, Abstention)
    assert outcome.reason is AbstentionReason.UNPARSEABLE
    assert f"{len(numbers) - 1} of {len(numbers)} samples cannot be read" in outcome.message
    assert "[sample 0]\nRATING: none" in outcome.raw_text


@pytest.mark.parametrize(
    ("choices", "ranks"),
    [((1, 2, 1), (1, 2)), ((1, 2), (1, 1)), ((0, 0, 2), (1, 1)), ((2, 2, 0, 1), (2, 1))],
)
async def test_choices_are_voted_on(choices: tuple[int, ...], ranks: tuple[int, int]) -> None:
    texts = [f"BETTER ANSWER: {choice}" for choice in choices]
    judgement = await judged(sampled(texts, template="preference-pair"), PAIR, Want.PREFERENCE)
    assert judgement.ranks == ranks


async def test_ratings_of_a_pair_have_a_spread_each() -> None:
    texts = [f"IMAGE-1 RATING: {n}\nIMAGE-2 RATING: 5\nBETTER IMAGE: 1" for n in (6, 8)]
    judgement = await judged(sampled(texts, template="safety-pair-numeric-10"), PAIR)
    assert values(judgement) == [7, 5]
    assert [score.by_criterion["std"] for score in judgement.scores] == [1, 0]


async def test_each_sample_is_a_draw_of_its_own_with_the_seed() -> None:
    drawn: list[int] = []

    def say(question: object, sample: int) -> str:
        drawn.append(sample)
        return "RATING: 3"

    generator = ScriptedGenerator(say)
    await judged(vlm(generator, samples=3, temperature=0.5, seed=9, max_new_tokens=40), ITEM)
    assert drawn == [0, 1, 2]
    assert set(generator.samplings) == {Sampling(40, 0.5, 9)}
