"""Judge `vlm` over a scripted generator: candidates rated one by one."""

import re
from dataclasses import replace
from typing import Any

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

from mmjudge.contract.errors import ItemError, invalid
from mmjudge.contract.images import ImageUri
from mmjudge.contract.info import Input
from mmjudge.contract.items import Ask, Candidate, Item, Want
from mmjudge.contract.verdicts import Abstention, AbstentionReason, Note
from mmjudge.judges.backbones.generator import Question, Reply

FIVE = "alignment-single-numeric-5"


def by_grey(question: Question, sample: int) -> str:
    """Rates a picture by its grey."""
    return f"ANALYSIS: it is grey\nRATING: {grey_of(question.images[0])}"


async def test_each_candidate_is_rated_by_a_question_of_its_own() -> None:
    generator = ScriptedGenerator(by_grey)
    judge = vlm(generator, template=FIVE)
    judgement = await judged(judge, Item(["a cat"], candidates(2, 5, 2)))
    assert values(judgement) == [2, 5, 2]
    assert judgement.ranks == ()
    assert [len(question.images) for question in generator.questions] == [1, 1, 1]
    assert judgement.scores[0].rationale == "it is grey"
    assert judgement.scores[0].raw_text == "ANALYSIS: it is grey\nRATING: 2"


async def test_preference_ranks_by_rating_and_equal_ratings_share_a_rank() -> None:
    judge = vlm(ScriptedGenerator(by_grey), template=FIVE)
    judgement = await judged(judge, Item(["a cat"], candidates(2, 5, 2)), Want.PREFERENCE)
    assert judgement.ranks == (2, 1, 2)


async def test_words_of_a_likert_scale_are_their_places() -> None:
    judge = vlm(ScriptedGenerator(lambda *_: "RATING: Good"), template="quality-single-likert-5")
    assert values(await judged(judge, Item(["a cat"], candidates(2)))) == [4]
    assert judge.info.range == (1, 5)


async def test_reasons_and_raw_text_come_only_when_asked_for() -> None:
    judge = vlm(ScriptedGenerator(by_grey), template=FIVE)
    verdict = await judge.judge(Item(["a cat"], candidates(2)), Ask())
    assert verdict.judgement is not None
    (score,) = verdict.judgement.scores
    assert (score.rationale, score.raw_text) == ("", "")


async def test_the_question_shows_prompt_picture_scale_and_criteria() -> None:
    generator = ScriptedGenerator(by_grey)
    judge = vlm(generator, template=FIVE)
    await judged(judge, Item(["a cat on a mat"], candidates(3)))
    text = text_of(generator.questions[0])
    assert re.search(
        r"----- text begins|----- prompt begins (\w{12}) -----\na cat on a mat\n", text
    )
    assert text.index("<grey 3>") < text.index("a cat on a mat") < text.index("- counting: as many")
    assert "a whole number from 1 (worst) to 5 (best)" in text
    assert text.endswith("RATING: your rating alone")


async def test_a_request_may_ask_for_some_criteria() -> None:
    generator = ScriptedGenerator(by_grey)
    judge = vlm(generator, template=FIVE)
    assert judge.info.criteria == ("objects", "attributes", "counting", "actions", "relations")
    item = Item(["a cat"], candidates(3))
    verdict = await judge.judge(item, Ask(criteria=("counting",)))
    assert verdict.judgement is not None
    text = text_of(generator.questions[0])
    assert "- counting:" in text
    assert "- objects:" not in text


async def test_one_unreadable_answer_makes_the_item_an_abstention_with_the_text() -> None:
    def say(question: Question, sample: int) -> str:
        return "no idea" if grey_of(question.images[0]) == 5 else "RATING: 3"

    judge = vlm(ScriptedGenerator(say), template=FIVE)
    outcome = (await asked(judge, Item(["a cat"], candidates(2, 5)))).outcome
    assert isinstance(outcome, Abstention)
    assert outcome.reason is AbstentionReason.UNPARSEABLE
    assert (outcome.raw_text, outcome.field) == ("no idea", "candidates[1]")


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply("RATING: 11"), AbstentionReason.UNPARSEABLE),
        (Reply("RATING: 2\nRATING: 4"), AbstentionReason.UNPARSEABLE),
        (Reply("I'm sorry, but I can't help with that."), AbstentionReason.REFUSED),
        (Reply("", refused=True), AbstentionReason.REFUSED),
        (Reply("RATING: 3", refused=True), AbstentionReason.REFUSED),
        (Reply("ANALYSIS: the picture is", finished=False), AbstentionReason.CUT_SHORT),
    ],
)
async def test_answers_without_a_rating_are_abstentions(
    reply: Reply, reason: AbstentionReason
) -> None:
    judge = vlm(ScriptedGenerator(lambda *_: reply), template=FIVE)
    outcome = (await asked(judge, Item(["a cat"], candidates(2)))).outcome
    assert isinstance(outcome, Abstention)
    assert (outcome.reason, outcome.raw_text) == (reason, reply.text)


async def test_a_failed_question_is_told_before_an_unreadable_answer() -> None:
    def say(question: Question, sample: int) -> str | ItemError:
        failed = grey_of(question.images[0]) == 5
        return invalid("CONTEXT_EXCEEDED", "too long") if failed else "no idea"

    judge = vlm(ScriptedGenerator(say), template=FIVE)
    with pytest.raises(ItemError) as caught:
        await asked(judge, Item(["a cat"], candidates(2, 5)))
    error = caught.value.error
    assert (error.reason, error.field) == ("CONTEXT_EXCEEDED", "candidates[1]")


async def test_errors_and_notes_of_a_picture_have_its_path_in_the_item() -> None:
    bad = invalid("IMAGE_UNDECODABLE", "no picture", "images[0].data")
    judge = vlm(ScriptedGenerator(lambda *_: bad), template=FIVE)
    item = Item(["a cat"], [Candidate(["a cat, I hope", picture(3)])])
    with pytest.raises(ItemError) as caught:
        await asked(judge, item)
    assert caught.value.error.field == "candidates[0].parts[1].image.data"
    notes = (Note("IMAGE_ROTATED", "turned", "images[0]"), Note("CUT", "cut"))
    judge = vlm(ScriptedGenerator(by_grey, notes=notes), template=FIVE)
    found = (await asked(judge, item)).notes
    assert [note.field for note in found] == ["candidates[0].parts[1].image", "candidates[0]"]


async def test_pictures_of_the_prompt_are_told_apart_from_the_candidates() -> None:
    bad = invalid("IMAGE_UNDECODABLE", "no picture", "images[0]")
    judge = vlm(ScriptedGenerator(lambda *_: bad), template="caption-faithfulness")
    with pytest.raises(ItemError) as caught:
        await asked(judge, Item(["describe", picture(3)], [Candidate(["a cat"])]))
    assert caught.value.error.field == "prompt[1].image"


@pytest.mark.parametrize(
    ("template", "item", "reason", "field"),
    [
        (FIVE, Item(["a cat"], [Candidate(["a cat"])]), "IMAGE_EXPECTED", "candidates[0].parts"),
        (
            FIVE,
            Item(["a cat"], [Candidate([picture(1), picture(2)])]),
            "IMAGE_EXPECTED",
            "candidates[0].parts",
        ),
        (FIVE, Item([" "], candidates(1)), "TEXT_EMPTY", "prompt"),
        (FIVE, Item([], candidates(1)), "TEXT_EMPTY", "prompt"),
        (
            FIVE,
            Item(["a cat"], [Candidate([ImageUri("file:///x")])]),
            "IMAGE_UNRESOLVED",
            "candidates[0].parts[0].image",
        ),
        (
            "caption-faithfulness",
            Item(["describe"], [Candidate(["a cat"])]),
            "IMAGE_EXPECTED",
            "prompt",
        ),
        (
            "caption-faithfulness",
            Item([picture(1)], [Candidate(["\n"])]),
            "TEXT_EMPTY",
            "candidates[0].parts",
        ),
        (
            "sima-critic",
            Item(["what?", picture(1)], [Candidate(["a cat"]), Candidate(["a dog"])]),
            "REFERENCE_EXPECTED",
            "references",
        ),
        (
            "sima-critic",
            Item(["what?", picture(1)], [Candidate(["a cat"]), Candidate(["a dog"])], [[" "]]),
            "REFERENCE_EXPECTED",
            "references[0].parts",
        ),
        ("preference-pair", Item(["a cat"], candidates(1)), "CANDIDATE_COUNT", "candidates"),
        (
            "preference-pair",
            Item(["a cat"], candidates(*range(33))),
            "CANDIDATE_COUNT",
            "candidates",
        ),
        ("preference-list", Item(["a cat"], candidates(1)), "CANDIDATE_COUNT", "candidates"),
    ],
)
async def test_what_a_template_needs_and_does_not_find_is_named(
    template: str, item: Item, reason: str, field: str
) -> None:
    generator = ScriptedGenerator()
    with pytest.raises(ItemError) as caught:
        await asked(vlm(generator, template=template), item)
    assert (caught.value.error.reason, caught.value.error.field) == (reason, field)
    assert generator.questions == []


def test_info_says_what_is_read_and_computed() -> None:
    info = vlm(template="alignment-single-likert-10").info
    assert info.wants == (Want.SCORE, Want.PREFERENCE)
    assert (info.range, info.kind) == ((1, 10), "vlm")
    assert Input.PROMPT_TEXT in info.reads and Input.REFERENCE_TEXT not in info.reads
    assert info.provenance["template name"] == "alignment-single-likert-10"
    assert info.provenance["weights"] == "none"
    assert "few distinct values" in info.caution
    assert info.description == (
        "alignment: one image rated, read as rating, analysis first (some/model)"
    )
    order = vlm(template="sima-critic").info
    assert (order.wants, order.range) == ((Want.PREFERENCE,), (None, None))
    assert Input.REFERENCE_TEXT in order.reads


def test_whatever_changes_a_score_changes_the_fingerprint() -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"template": "alignment-single-numeric-10"},
        {"template": "alignment-expected-5"},
        {"template": "alignment-expected-5", "readout": "rating"},
        {"max_new_tokens": 64},
        {"temperature": 0.5},
        {"temperature": 0.5, "seed": 1},
        {"temperature": 0.5, "samples": 3},
        {"temperature": 0.5, "samples": 3, "combine": "vote"},
        {"template": "vqascore"},
        {"template": "vqascore", "normalisation": "answer_and_end"},
        {"template": "preference-pair"},
        {"template": "preference-pair", "debias": True},
    ]
    found = [vlm(**{"template": FIVE, **change}).info.fingerprint for change in changes]
    assert len(set(found)) == len(changes)


def test_the_words_around_a_templates_own_are_fingerprinted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = vlm(template=FIVE).info.fingerprint
    monkeypatch.setattr("mmjudge.judges.prompting.questions.RULE", "Mind the fences.")
    assert vlm(template=FIVE).info.fingerprint != before


def test_what_changes_no_score_leaves_the_fingerprint() -> None:
    plain = vlm(template=FIVE).info.fingerprint
    assert vlm(template=FIVE, seed=5, combine="vote").info.fingerprint == plain
    template = vlm(template=FIVE)._template
    assert replace(template, name="x", description="y", caution="z").digest == template.digest


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"samples": 0}, "samples: 0, expected at least 1"),
        ({"samples": 3}, "samples: 3 answers at temperature 0 are one answer; set a temperature"),
        ({"temperature": -1.0}, "temperature: -1.0"),
        ({"max_new_tokens": 0}, "max_new_tokens: 0"),
        ({"debias": True}, "debias: template .* shows 'single', no pair"),
        ({"template": "vqascore", "temperature": 1.0}, "temperature: 1.0, but readout 'yes_"),
        (
            {"template": "alignment-expected-5", "samples": 2, "temperature": 1.0},
            "samples: 2, but readout 'expected_rating' reads probabilities",
        ),
        ({"normalisation": "first_token"}, "normalisation: belongs to readout 'yes_probability'"),
        ({"readout": "choice"}, "readout: 'choice' is none of template .*; expected one of rating"),
        ({"template": "alignment-expected-5", "readout": "ratin"}, "did you mean 'rating'"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        vlm(**options)
