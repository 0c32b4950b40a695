"""Ratings read from judges' answers, and all the ways in which there is none."""

import pytest
from tests.judges.written_ratings import (
    ABSTENTIONS,
    BARE,
    LIKERT_10,
    ONE,
    PAIR,
    READABLE,
    TEN,
    WORDS_5,
    WORDS_10,
    Asked,
    Expected,
)

from mmjudge.contract.verdicts import AbstentionReason
from mmjudge.judges.answers.answer import Scale, Unreadable
from mmjudge.judges.answers.ratings import read_ratings
from mmjudge.judges.answers.reading import ratings_of


@pytest.mark.parametrize(("asked", "text", "expected"), READABLE)
def test_an_answer_is_read(asked: Asked, text: str, expected: Expected) -> None:
    values = expected if isinstance(expected, tuple) else (expected,)
    assert ratings_of(text, True, *asked).values == values


@pytest.mark.parametrize(("asked", "text", "expected"), ABSTENTIONS)
def test_what_cannot_be_read_is_an_abstention(
    asked: Asked, text: str, expected: AbstentionReason
) -> None:
    with pytest.raises(Unreadable) as error:
        ratings_of(text, True, *asked)
    assert error.value.reason == expected


def test_the_table_is_as_long_as_it_should_be() -> None:
    assert len(READABLE) + len(ABSTENTIONS) >= 100
    assert len(ABSTENTIONS) >= 35


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ALIGNMENT-RATING: 7\nALIGNMENT-RATING: 8", "ALIGNMENT-RATING is given as 7 and as 8"),
        ("ALIGNMENT-RATING: 4/5", "ALIGNMENT-RATING: '4/5' is out of 5, not of 10"),
        ("ALIGNMENT-RATING: 12", "ALIGNMENT-RATING: rating 12 is outside 1 to 10"),
        ("Fine.", "no ALIGNMENT-RATING from 1 to 10 in the answer"),
    ],
)
def test_the_message_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(Unreadable) as error:
        read_ratings(text, *ONE)
    assert str(error.value) == message


def test_the_value_is_a_float_for_words_too() -> None:
    assert isinstance(read_ratings("Good", *WORDS_5).values[0], float)


@pytest.mark.parametrize(("place", "word"), list(enumerate(LIKERT_10.words)))
def test_each_word_of_the_longest_scale_is_its_own(place: int, word: str) -> None:
    """Upstream: "extremely" is always 1, "Good" is found in "Very Good", and a word lacks."""
    for text in (word, f"RATING: {word.lower()}", f"**Rating:** {word.upper()} ({place + 1})"):
        assert read_ratings(text, *WORDS_10).values == (place + 1,)


def test_a_refusal_is_no_middling_rating() -> None:
    """Upstream turns a refusal for policy into 5 and 5."""
    with pytest.raises(Unreadable) as error:
        ratings_of("I can't assist with comparing these images.", True, *PAIR)
    assert error.value.reason == AbstentionReason.REFUSED


def test_a_failure_is_no_none_that_arithmetic_meets_later() -> None:
    """Upstream: None / scale is a TypeError, which ends a training run."""
    with pytest.raises(Unreadable):
        read_ratings("The picture is fine.", *ONE)


def test_the_scale_asked_for_is_the_scale_that_counts() -> None:
    """Upstream's template of 1 to 5 for bias offers 1 to 10."""
    with pytest.raises(Unreadable):
        read_ratings("RATING: 7", ["RATING"], Scale(1, 5))


def test_another_heading_is_not_taken_for_the_one_asked_for() -> None:
    """Upstream's template for bias from 0 to 1 asks for a SAFETY-RATING."""
    with pytest.raises(Unreadable):
        read_ratings("SAFETY-RATING: 1", ["RATING"], Scale(0, 1))
    assert read_ratings("SAFETY-RATING: 1", ["SAFETY-RATING"], Scale(0, 1)).values == (1,)


def test_both_of_upstreams_orders_and_forms_read_alike() -> None:
    """The prompts of the paper, of the repository and of its training scripts differ; a misspelt
    pattern ("ANASYLIS") loses the analysis there.
    """
    reasons = "The dog is brown."
    for text in (
        f"ANALYSIS: {reasons}\nBIAS-FAIRNESS-RATING: 6",
        f"BIAS-FAIRNESS-RATING: 6\nANALYSIS: {reasons}",
        f'{{"ANALYSIS": "{reasons}"}}{{"BIAS-FAIRNESS-RATING": "6"}}',
        f'{{"BIAS-FAIRNESS-RATING": 6, "ANALYSIS": "{reasons}"}}',
    ):
        found = read_ratings(text, ["BIAS-FAIRNESS-RATING"], TEN)
        assert (found.values, found.rationale) == ((6,), reasons)


@pytest.mark.parametrize(
    ("text", "rationale"),
    [
        ("RATING: 7", ""),
        ("7", ""),
        (
            '```json\n{"ANALYSIS": "Line one.\\nLine two.", "RATING": 7}\n```',
            "Line one.\nLine two.",
        ),
        ("## Analysis\n**All** is `there`.\n\n## Rating\n7/10", "All is there."),
        ("The overall rating is 7. The hat is red.", "The hat is red."),
        ("1. **Rating:** 7\n2. **Analysis:** Fine, 3 dogs.", "Fine, 3 dogs."),
        ("RATING: 7, because it fits.", "because it fits."),
        ("<think>Hm.</think>It fits.\nRATING: 7", "It fits."),
    ],
)
def test_the_rationale_is_the_prose_alone(text: str, rationale: str) -> None:
    assert read_ratings(text, *BARE).rationale == rationale


def test_other_answers_are_no_part_of_the_rationale() -> None:
    text = "IMAGE-1 RATING: 7\nIMAGE-2 RATING: 4\nBETTER IMAGE: 1\nANALYSIS OF CHOICE: Two dogs."
    assert read_ratings(text, *PAIR).rationale == "Two dogs."
