"""Choices and orders read from judges' answers."""

import pytest
from tests.judges.written_choices import BETTER, CHOICES, CRITIC, Asked

from mmjudge.contract.verdicts import AbstentionReason
from mmjudge.judges.answers.answer import Unreadable
from mmjudge.judges.answers.choices import read_choice
from mmjudge.judges.answers.rankings import read_ranking
from mmjudge.judges.answers.reading import choice_of, ranking_of


@pytest.mark.parametrize(("asked", "text", "expected"), CHOICES)
def test_a_choice_is_read_or_an_abstention(
    asked: Asked, text: str, expected: int | None | AbstentionReason
) -> None:
    if not isinstance(expected, AbstentionReason):
        assert choice_of(text, True, *asked).index == expected
        return
    with pytest.raises(Unreadable) as error:
        choice_of(text, True, *asked)
    assert error.value.reason == expected


def test_two_choices_are_named_in_the_message() -> None:
    with pytest.raises(Unreadable, match="the choice is given as 2 and as a tie"):
        read_choice("BETTER IMAGE: 2\nPREFERENCE: 0", *BETTER)


def test_the_reasons_for_a_choice_come_with_it() -> None:
    text = "The reason: the first invents a dog.\nThe better AI generated response: [[2]]."
    assert read_choice(text, *CRITIC).rationale == "the first invents a dog."
    text = "BETTER IMAGE: 1\nANALYSIS OF CHOICE: It has both dogs."
    assert read_choice(text, *BETTER).rationale == "It has both dogs."


def test_the_last_of_two_bracketed_choices_is_not_silently_taken() -> None:
    """Upstream's critic reads what follows the last `[[`, whatever was said before."""
    with pytest.raises(Unreadable, match="given as 1 and as 2"):
        read_choice("[[1]] was my first thought, [[2]] is better.", *CRITIC)


def test_a_refusal_is_no_preference_of_minus_one() -> None:
    """Upstream turns a refusal for policy into the preference -1."""
    with pytest.raises(Unreadable) as error:
        choice_of("I cannot assist with this request.", True, *BETTER)
    assert error.value.reason == AbstentionReason.REFUSED
    with pytest.raises(Unreadable, match="'-1' is none of 1, 2, 0"):
        read_choice("PREFERENCE: -1", *BETTER)


@pytest.mark.parametrize(
    ("text", "ranks"),
    [
        ("RANKING: 2 > 1 = 3", (2, 1, 2)),
        ("RANKING: 1 = 2 = 3", (1, 1, 1)),
        ("**Ranking:** 3 > 2 > 1.\nThe third is sharp.", (3, 2, 1)),
        ("It depends on the hands.\n\n### Ranking\nImage 2 > Image 1 > Image 3", (2, 1, 3)),
        ("RANKING: [2, 3, 1]", (3, 1, 2)),
        ('RANKING: ["2", "3", "1"]', (3, 1, 2)),
        ('{"RANKING": [2, 3, 1], "ANALYSIS": "fine"}', (3, 1, 2)),
        ('```json\n{"RANKING": "2 > 1 = 3"}\n```', (2, 1, 2)),
        ("[2, 3, 1]", (3, 1, 2)),
        ("2 > 3 > 1", (3, 1, 2)),
    ],
)
def test_a_ranking_gives_each_candidate_its_rank(text: str, ranks: tuple[int, ...]) -> None:
    assert read_ranking(text, ["RANKING"], 3) == ranks


@pytest.mark.parametrize(
    "text",
    [
        "",
        "RANKING: 2 > 1",
        "RANKING: 2 > 1 > 4",
        "RANKING: 0 > 1 > 2",
        "RANKING: 2 > 1 > 3 > 2",
        "RANKING: 2 > 1 > 2",
        "RANKING: 2, 1, 3",
        "RANKING: 2 < 1 < 3",
        "RANKING: [2, 1, 3",
        "RANKING: [2 > 1, 3]",
        "RANKING: 2 > 1 > 3\nRANKING: 1 > 2 > 3",
        "Images 1, 2 and 3 are alike.",
        '{"RANKING": [2, 1]}',
    ],
)
def test_a_ranking_without_each_candidate_exactly_once_is_none(text: str) -> None:
    with pytest.raises(Unreadable) as error:
        ranking_of(text, True, ["RANKING"], 3)
    assert error.value.reason == AbstentionReason.UNPARSEABLE


def test_many_candidates_are_ranked() -> None:
    count = 64
    text = "RANKING: " + " > ".join(f"Image {number}" for number in range(count, 0, -1))
    assert read_ranking(text, ["RANKING"], count) == tuple(range(count, 0, -1))
