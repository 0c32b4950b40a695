import pytest
from tests.bench.fake_judges import pair

from mmjudge.bench.asking.answering import Owed, candidate_texts, read_answer, row_of
from mmjudge.bench.records import Record
from mmjudge.bench.rows import Answer
from mmjudge.contract import (
    Abstention,
    AbstentionReason,
    Error,
    ErrorCode,
    Judgement,
    Note,
    Score,
    Verdict,
)

TWO = (Score(0.25), Score(0.5))


def test_a_judgement_gives_values_ranks_and_notes_that_begin_with_their_code() -> None:
    verdict = Verdict(Judgement(TWO, (2, 1), "why"), (Note("TILES_REDUCED", "to 6", "prompt"),))
    assert read_answer(verdict) == Answer((0.25, 0.5), (2, 1), "why", ("TILES_REDUCED: to 6",))


def test_an_order_alone_has_no_values() -> None:
    answer = read_answer(Verdict(Judgement((Score(), Score()), (1, 1))))
    assert answer == Answer(ranks=(1, 1)) and isinstance(answer, Answer) and answer.judged


def test_the_reasons_of_candidates_are_told_apart() -> None:
    scores = (Score(1.0, rationale="sharp"), Score(0.0, rationale="blurred"))
    answer = read_answer(Verdict(Judgement(scores)))
    assert isinstance(answer, Answer)
    assert answer.rationale == "[candidate 0]\nsharp\n\n[candidate 1]\nblurred"
    alone = read_answer(Verdict(Judgement((Score(1.0, rationale="sharp"),))))
    assert isinstance(alone, Answer) and alone.rationale == "sharp"


def test_an_abstention_keeps_its_text_and_says_where() -> None:
    abstention = Abstention(AbstentionReason.REFUSED, "will not", "I won't", "candidates[1]")
    assert read_answer(Verdict(abstention)) == Answer(
        abstained="REFUSED", message="candidates[1]: will not", raw_text="I won't"
    )


@pytest.mark.parametrize("code", [ErrorCode.INVALID_ARGUMENT, ErrorCode.NOT_FOUND])
def test_an_error_that_stays_is_an_answer(code: ErrorCode) -> None:
    error = Error(code, "IMAGE_EXPECTED", "none", "candidates[0]")
    answer = Answer(failed="IMAGE_EXPECTED", message="candidates[0]: none")
    assert read_answer(Verdict(error)) == answer


@pytest.mark.parametrize(
    "code",
    [
        ErrorCode.UNAVAILABLE,
        ErrorCode.DEADLINE_EXCEEDED,
        ErrorCode.RESOURCE_EXHAUSTED,
        ErrorCode.INTERNAL,
    ],
)
def test_an_error_that_passes_is_owed(code: ErrorCode) -> None:
    assert read_answer(Verdict(Error(code, "", "later"))) == Owed(code.name, "later")


def test_no_number_is_invented_for_a_judgement_without() -> None:
    empty = read_answer(Verdict(Judgement((Score(), Score(1.0)))))
    assert isinstance(empty, Answer) and (empty.failed, empty.values) == ("VALUE_MISSING", ())
    endless = read_answer(Verdict(Judgement((Score(float("nan")),))))
    assert isinstance(endless, Answer) and endless.failed == "SCORE_NOT_FINITE"


def test_a_row_has_the_records_facts_and_the_names_of_its_images() -> None:
    record = pair("a cat", label=0.5)
    row = row_of(record, "1a", Answer((1.0, 2.0)), None)
    assert (row.id, row.kind, row.perspective, row.source) == ("1a", "pair", "quality", "q.json")
    assert (row.text, row.images) == ("a cat", ("a cat/0.png", "a cat/1.png"))
    assert row.facts == {"label": 0.5} and row.texts == () and row.swapped is None


def test_texts_are_those_of_candidates_that_have_any() -> None:
    candidates: tuple[tuple[str, ...], ...] = (("a", "b"), ())
    record = Record("pair", "preference", "", "s", ("q",), candidates, {"label": 0})
    assert candidate_texts(record) == ("a\nb", "")
