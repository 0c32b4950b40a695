"""Readouts of judge `vlm` that read probabilities: VQAScore and expected ratings."""

import pytest
from tests.judges.scripted_generator import (
    ScriptedGenerator,
    asked,
    candidates,
    grey_of,
    judged,
    text_of,
    values,
    vlm,
)

from mmjudge.contract.items import Item, Want
from mmjudge.contract.verdicts import Abstention, AbstentionReason
from mmjudge.judges.backbones.errors import BackboneUnavailable

ITEM = Item(["a lamp"], candidates(3))
EXPECTED = "quality-expected-5"


async def test_the_first_token_of_yes_is_the_value() -> None:
    generator = ScriptedGenerator(
        chance=lambda question: {"Yes": grey_of(question.images[0]) / 10, "No": 0.1},
        family="qwen2_5_vl",
    )
    judge = vlm(generator, template="vqascore")
    judgement = await judged(judge, Item(["a lamp"], candidates(3, 8)), Want.PREFERENCE)
    assert values(judgement) == [0.3, 0.8]
    assert judgement.ranks == (2, 1)
    assert judge.info.range == (0, 1)
    assert judge.info.provenance["normalisation"] == "first_token"
    assert text_of(generator.questions[0]).endswith("Answer with one word, Yes or No.")


async def test_llava_is_scored_by_the_answer_and_its_end() -> None:
    generator = ScriptedGenerator(tokens=(0.5, 0.32), family="llava")
    judge = vlm(generator, template="vqascore")
    (value,) = values(await judged(judge, ITEM))
    assert value == pytest.approx(0.4)
    assert judge.info.provenance["normalisation"] == "answer_and_end"


async def test_the_normalisation_may_be_chosen() -> None:
    generator = ScriptedGenerator(
        chance=lambda _: {"Yes": 0.25}, tokens=(0.25, 1.0), family="llava"
    )
    first = vlm(generator, template="vqascore", normalisation="first_token")
    assert values(await judged(first, ITEM)) == [0.25]
    both = vlm(generator, template="vqascore", normalisation="answer_and_end")
    assert values(await judged(both, ITEM)) == [0.5]


async def test_an_impossible_answer_has_probability_zero() -> None:
    generator = ScriptedGenerator(tokens=(0.0, 1.0), family="llava")
    assert values(await judged(vlm(generator, template="vqascore"), ITEM)) == [0]


async def test_an_endpoint_that_does_not_tell_the_answer_is_noted() -> None:
    generator = ScriptedGenerator(chance=lambda _: {"No": 0.9}, family="endpoint")
    verdict = await asked(vlm(generator, template="vqascore"), ITEM)
    assert verdict.judgement is not None
    assert values(verdict.judgement) == [0]
    assert [note.code for note in verdict.notes] == ["PROBABILITY_UNTOLD"]


async def test_ratings_are_weighted_with_their_probabilities() -> None:
    generator = ScriptedGenerator(chance=lambda _: {"1": 0.1, "4": 0.3, "5": 0.4, "the": 0.2})
    judge = vlm(generator, template=EXPECTED)
    (score,) = (await judged(judge, ITEM)).scores
    assert score.value == pytest.approx((0.1 + 1.2 + 2.0) / 0.8)
    assert score.by_criterion["mass"] == pytest.approx(0.8)
    assert judge.info.range == (1, 5)


async def test_a_model_that_would_say_something_else_abstains() -> None:
    generator = ScriptedGenerator(chance=lambda _: {"1": 0.1, "5": 0.39, "The": 0.5})
    outcome = (await asked(vlm(generator, template=EXPECTED), ITEM)).outcome
    assert isinstance(outcome, Abstention)
    assert (outcome.reason, outcome.field) == (AbstentionReason.UNPARSEABLE, "candidates[0]")
    assert "the ratings 1 to 5 have a probability of 0.49 together" in outcome.message


def test_ratings_of_several_tokens_are_refused_at_start_up() -> None:
    with pytest.raises(BackboneUnavailable, match="several tokens; use 'rating'"):
        vlm(ScriptedGenerator(single_tokens=False), template=EXPECTED)


async def test_a_template_of_expected_ratings_may_be_asked_in_words() -> None:
    generator = ScriptedGenerator(lambda *_: "RATING: 4", single_tokens=False)
    judge = vlm(generator, template=EXPECTED, readout="rating")
    assert values(await judged(judge, ITEM)) == [4]
    assert text_of(generator.questions[0]).endswith("RATING: your rating alone")
