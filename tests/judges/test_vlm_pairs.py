"""Judge `vlm` with templates that show two candidates, or all, in one question."""

import pytest
from tests.judges.scripted_generator import (
    ScriptedGenerator,
    asked,
    candidates,
    grey_of,
    judged,
    picture,
    text_of,
    values,
    vlm,
)

from mmjudge.contract.items import Ask, Candidate, Item, Want
from mmjudge.contract.verdicts import Abstention
from mmjudge.judges.backbones.generator import Question

PREFERENCE = Want.PREFERENCE


def greys(question: Question) -> list[int]:
    return [grey_of(image) for image in question.images]


def brighter(question: Question, sample: int) -> str:
    """Prefers the brighter picture, wherever it is shown; equal ones are a tie."""
    first, second = greys(question)
    best = "0" if first == second else "1" if first > second else "2"
    return f"ANALYSIS: light\nBETTER ANSWER: {best}"


def rated(question: Question, sample: int) -> str:
    """Rates by grey; the choice is that of the ratings."""
    first, second = greys(question)
    best = "0" if first == second else "1" if first > second else "2"
    ratings = f"IMAGE-1 RATING: {first}\nIMAGE-2 RATING: {second}"
    return f"ANALYSIS: light\n{ratings}\nBETTER IMAGE: {best}"


def first(question: Question, sample: int) -> str:
    return "ANALYSIS: it comes first\nBETTER ANSWER: 1"


def pictures(*greys: int) -> Item:
    return Item(["a lamp"], candidates(*greys))


async def test_a_pair_is_one_question_that_shows_both() -> None:
    generator = ScriptedGenerator(brighter)
    judge = vlm(generator, template="preference-pair")
    judgement = await judged(judge, pictures(3, 7), PREFERENCE)
    assert judgement.ranks == (2, 1)
    assert values(judgement) == [None, None]
    assert [greys(question) for question in generator.questions] == [[3, 7]]
    assert (judgement.rationale, judgement.raw_text[:9]) == ("light", "ANALYSIS:")


async def test_a_tie_shares_the_rank() -> None:
    judge = vlm(ScriptedGenerator(brighter), template="preference-pair")
    assert (await judged(judge, pictures(5, 5), PREFERENCE)).ranks == (1, 1)


async def test_both_orders_are_asked_and_agree() -> None:
    generator = ScriptedGenerator(brighter)
    judge = vlm(generator, template="preference-pair", debias=True)
    verdict = await asked(judge, pictures(3, 7), PREFERENCE)
    assert verdict.judgement is not None
    assert (verdict.judgement.ranks, verdict.notes) == ((2, 1), ())
    assert [greys(question) for question in generator.questions] == [[3, 7], [7, 3]]
    bright = verdict.judgement.scores[1].by_criterion
    assert bright == {"rank_shown_second": 1, "rank_shown_first": 1}


async def test_orders_that_disagree_are_a_tie_that_says_so() -> None:
    judge = vlm(ScriptedGenerator(first), template="preference-pair", debias=True)
    verdict = await asked(judge, pictures(3, 7), PREFERENCE)
    assert verdict.judgement is not None
    assert verdict.judgement.ranks == (1, 1)
    (note,) = verdict.notes
    assert (note.code, note.field) == ("POSITION_BIAS", "candidates")
    assert "with candidates[0] shown first, candidates[0] is better" in note.message
    assert "with candidates[1] shown first, candidates[1] is better" in note.message
    shown = {"rank_shown_first": 1, "rank_shown_second": 2}
    assert [dict(score.by_criterion) for score in verdict.judgement.scores] == [shown, shown]
    assert "[candidates 1 and 0]" in verdict.judgement.raw_text


async def test_ratings_of_a_pair_are_each_candidates_own() -> None:
    judge = vlm(ScriptedGenerator(rated), template="quality-pair-numeric-10")
    judgement = await judged(judge, pictures(3, 7), PREFERENCE)
    assert (values(judgement), judgement.ranks) == ([3, 7], (2, 1))
    assert judge.info.wants == (Want.SCORE, PREFERENCE)
    assert (await judged(judge, pictures(3, 7))).ranks == ()


async def test_ratings_are_averaged_over_both_orders() -> None:
    def generous(question: Question, sample: int) -> str:
        one, other = greys(question)
        ratings = f"IMAGE-1 RATING: {one + 2}\nIMAGE-2 RATING: {other}"
        return f"{ratings}\nBETTER IMAGE: {1 if one + 2 > other else 2}"

    judge = vlm(ScriptedGenerator(generous), template="quality-pair-numeric-10", debias=True)
    judgement = await judged(judge, pictures(3, 7), PREFERENCE)
    assert (values(judgement), judgement.ranks) == ([4, 8], (2, 1))
    told = judgement.scores[0].by_criterion
    assert (told["rating_shown_first"], told["rating_shown_second"]) == (5, 3)


async def test_a_choice_against_the_ratings_counts_and_is_noted() -> None:
    reply = "IMAGE-1 RATING: 3\nIMAGE-2 RATING: 4\nBETTER IMAGE: 1"
    judge = vlm(ScriptedGenerator(lambda *_: reply), template="quality-pair-numeric-10")
    verdict = await asked(judge, pictures(3, 7), PREFERENCE)
    assert verdict.judgement is not None
    assert (values(verdict.judgement), verdict.judgement.ranks) == ([3, 4], (1, 2))
    assert [note.code for note in verdict.notes] == ["CHOICE_UNLIKE_RATINGS"]


async def test_a_score_does_without_the_choice_and_a_preference_does_not() -> None:
    reply = "IMAGE-1 RATING: 3\nIMAGE-2 RATING: 4"
    judge = vlm(ScriptedGenerator(lambda *_: reply), template="quality-pair-numeric-10")
    assert values(await judged(judge, pictures(3, 7))) == [3, 4]
    outcome = (await asked(judge, pictures(3, 7), PREFERENCE)).outcome
    assert isinstance(outcome, Abstention)
    assert (outcome.field, outcome.raw_text) == ("candidates", reply)


async def test_of_many_every_two_are_compared_and_wins_are_counted() -> None:
    generator = ScriptedGenerator(brighter)
    judge = vlm(generator, template="preference-pair")
    judgement = await judged(judge, pictures(3, 9, 3, 5), PREFERENCE)
    assert judgement.ranks == (3, 1, 3, 2)
    assert len(generator.questions) == 6
    assert all(score.by_criterion == {} for score in judgement.scores)


async def test_of_many_both_orders_of_every_two_are_compared() -> None:
    generator = ScriptedGenerator(first)
    judge = vlm(generator, template="preference-pair", debias=True)
    verdict = await asked(judge, pictures(3, 9, 5), PREFERENCE)
    assert verdict.judgement is not None
    assert verdict.judgement.ranks == (1, 1, 1)
    assert len(generator.questions) == 6
    assert [note.code for note in verdict.notes] == ["POSITION_BIAS"] * 3


async def test_ratings_of_many_are_averaged_over_their_comparisons() -> None:
    def shy(question: Question, sample: int) -> str:
        one, other = greys(question)
        ratings = f"IMAGE-1 RATING: {one}\nIMAGE-2 RATING: {min(other, one + 1)}"
        return f"{ratings}\nBETTER IMAGE: {1 if one > other else 2}"

    judge = vlm(ScriptedGenerator(shy), template="quality-pair-numeric-10")
    judgement = await judged(judge, pictures(2, 4, 8))
    assert values(judgement) == [2, (3 + 4) / 2, (3 + 5) / 2]


async def test_one_unreadable_comparison_leaves_no_partial_order() -> None:
    def say(question: Question, sample: int) -> str:
        return "who knows" if greys(question) == [9, 5] else brighter(question, sample)

    judge = vlm(ScriptedGenerator(say), template="preference-pair")
    outcome = (await asked(judge, pictures(3, 9, 5), PREFERENCE)).outcome
    assert isinstance(outcome, Abstention)
    assert (outcome.field, outcome.raw_text) == ("candidates", "who knows")


async def test_a_list_is_ordered_by_one_answer() -> None:
    generator = ScriptedGenerator(lambda *_: "ANALYSIS: light\nRANKING: 2 > 1 = 3")
    judge = vlm(generator, template="preference-list")
    judgement = await judged(judge, pictures(3, 9, 3), PREFERENCE)
    assert judgement.ranks == (2, 1, 2)
    text = text_of(generator.questions[0])
    assert "Candidate 1:\n<grey 3>\nCandidate 2:\n<grey 9>\nCandidate 3:\n<grey 3>" in text


@pytest.mark.parametrize(("said", "ranks"), [("2", (2, 1, 2)), ("0", (1, 1, 1))])
async def test_the_best_of_a_list_may_be_chosen(said: str, ranks: tuple[int, ...]) -> None:
    generator = ScriptedGenerator(lambda *_: f"BEST ANSWER: {said}")
    judge = vlm(generator, template="preference-list", readout="choice")
    assert (await judged(judge, pictures(3, 9, 3), PREFERENCE)).ranks == ranks


async def test_an_order_that_leaves_one_out_is_an_abstention() -> None:
    judge = vlm(ScriptedGenerator(lambda *_: "RANKING: 2 > 1"), template="preference-list")
    outcome = (await asked(judge, pictures(3, 9, 3), PREFERENCE)).outcome
    assert isinstance(outcome, Abstention)


@pytest.mark.parametrize(
    ("reply", "ranks"),
    [
        ("The second invents a dog. Better response: [[1]]", (1, 2)),
        ("Objects: ...\nThe better one is\n[[2]].", (2, 1)),
    ],
)
async def test_the_critic_of_sima_answers_in_brackets(reply: str, ranks: tuple[int, int]) -> None:
    generator = ScriptedGenerator(lambda *_: reply)
    judge = vlm(generator, template="sima-critic")
    item = Item(
        [picture(1), "What is on the mat?"],
        [Candidate(["A cat."]), Candidate(["A dog."])],
        [["There is a cat."]],
    )
    verdict = await judge.judge(item, Ask(PREFERENCE))
    assert verdict.judgement is not None
    assert verdict.judgement.ranks == ranks
    text = text_of(generator.questions[0])
    places = [text.index(part) for part in ("What is", "There is a cat.", "A cat.", "A dog.")]
    assert places == sorted(places)
    assert judge.info.criteria == ("objects", "relations", "attributes")
