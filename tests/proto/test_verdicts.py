"""Verdicts, timing and hosting: through the wire and back, absent told apart from zero."""

from enum import IntEnum
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmjudge.contract import (
    Abstention,
    AbstentionReason,
    DataType,
    Error,
    ErrorCode,
    Grid,
    Hosting,
    Input,
    ItemError,
    JudgeInfo,
    Judgement,
    Limits,
    Note,
    Score,
    Timing,
    Verdict,
    Want,
)
from mmjudge.contract.verdicts import rank
from mmjudge.contract.wire_hosting import hosting_from_proto, hosting_to_proto
from mmjudge.contract.wire_verdicts import (
    timing_from_proto,
    timing_to_proto,
    verdict_from_proto,
    verdict_to_proto,
)
from mmjudge.v1 import judge_pb2, media_pb2, verdict_pb2

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
FLOAT32 = st.floats(width=32, allow_nan=False)
INT32 = st.integers(-(2**31), 2**31 - 1)


def arrays(dtype: str, elements: st.SearchStrategy[Any], *tail: int) -> st.SearchStrategy[Any]:
    count = int(np.prod(tail, dtype=int))
    row = st.lists(elements, min_size=count, max_size=count)
    return st.lists(row, max_size=4).map(lambda rows: np.array(rows, dtype).reshape(-1, *tail))


SCORES = st.builds(
    Score,
    value=st.none() | FLOAT32,
    by_criterion=st.dictionaries(TEXT, FLOAT32, max_size=3),
    spans=st.none() | arrays("i4", INT32, 2),
    span_values=st.none()
    | arrays("f4", st.floats(width=32, allow_nan=False, allow_infinity=False)),
    regions=st.none() | arrays("i4", INT32),
    grid=st.none() | st.builds(Grid, INT32, INT32, st.tuples(FLOAT32, FLOAT32, FLOAT32, FLOAT32)),
    rationale=TEXT,
    raw_text=TEXT,
)
OUTCOMES = st.one_of(
    st.builds(
        Judgement,
        scores=st.lists(SCORES, max_size=3).map(tuple),
        ranks=st.lists(INT32, max_size=3).map(tuple),
        rationale=TEXT,
        raw_text=TEXT,
    ),
    st.builds(Abstention, st.sampled_from(AbstentionReason), TEXT, TEXT, TEXT),
    st.builds(Error, st.sampled_from(ErrorCode), TEXT, TEXT, TEXT),
)
VERDICTS = st.builds(
    Verdict, OUTCOMES, st.lists(st.builds(Note, TEXT, TEXT, TEXT), max_size=2).map(tuple)
)


def plain(value: Any) -> Any:
    """`value` with its dataclasses and arrays as tuples and lists, types kept, to compare."""
    if isinstance(value, np.ndarray):
        return str(value.dtype), value.shape, value.tolist()
    if hasattr(value, "__dataclass_fields__"):
        fields = value.__dataclass_fields__
        return type(value), {name: plain(getattr(value, name)) for name in fields}
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    return type(value), value


def over_the_wire(verdict: Verdict) -> Verdict:
    data = verdict_to_proto(verdict).SerializeToString()
    return verdict_from_proto(verdict_pb2.Verdict.FromString(data))


@given(VERDICTS)
def test_verdicts_come_back_whole(verdict: Verdict) -> None:
    assert plain(over_the_wire(verdict)) == plain(verdict)


def test_a_full_score_comes_back() -> None:
    score = Score(
        value=0.5,
        by_criterion={"cosine": 0.25, "": -0.0},
        spans=np.array([[0, 2], [2, 2]], np.int32),
        span_values=np.array([0.5, 0.0], np.float32),
        regions=np.array([3, -1], np.int32),
        grid=Grid(2, 3, (0.0, 0.25, 1.0, 0.75)),
        rationale="because",
        raw_text="0.5",
    )
    verdict = Verdict(Judgement((score,), (1,), "order", "raw"), (Note("N", "m", "prompt[0]"),))
    back = over_the_wire(verdict)
    assert plain(back) == plain(verdict)
    assert back.judgement is back.outcome


@pytest.mark.parametrize("value", [None, 0.0, -0.0, 1.0])
def test_an_absent_value_is_not_a_zero(value: float | None) -> None:
    judgement = over_the_wire(Verdict(Judgement((Score(value=value),)))).judgement
    assert judgement is not None
    assert repr(judgement.scores[0].value) == repr(value)


def test_an_empty_array_is_not_an_absent_one() -> None:
    empty = np.zeros((0, 2), np.int32)
    judgement = over_the_wire(Verdict(Judgement((Score(spans=empty), Score())))).judgement
    assert judgement is not None
    first, second = judgement.scores
    assert first.spans is not None
    assert first.spans.shape == (0, 2)
    assert (second.spans, second.span_values, second.regions, second.grid) == (None,) * 4


@pytest.mark.parametrize(
    "outcome",
    [Abstention(AbstentionReason.REFUSED, "no"), Error(ErrorCode.INTERNAL, "BUG", "oh")],
)
def test_only_a_judgement_is_a_judgement(outcome: Abstention | Error) -> None:
    assert over_the_wire(Verdict(outcome)).judgement is None


def test_a_verdict_without_outcome_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="without an outcome"):
        verdict_from_proto(verdict_pb2.Verdict(notes=[verdict_pb2.Note(code="N")]))


@pytest.mark.parametrize("name", ["spans", "span_values", "regions"])
def test_a_bad_tensor_in_a_score_is_named_by_path(name: str) -> None:
    score = verdict_pb2.Score()
    getattr(score, name).CopyFrom(
        media_pb2.Tensor(dtype="DATA_TYPE_INT32", shape=[2], data=b"1234")
    )
    message = verdict_pb2.Verdict(
        judgement=verdict_pb2.Judgement(scores=[verdict_pb2.Score(), score])
    )
    with pytest.raises(ItemError) as caught:
        verdict_from_proto(message)
    error = caught.value.error
    assert (error.reason, error.field) == ("TENSOR_SIZE", f"scores[1].{name}.data")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_span_value_that_is_no_number_is_refused(value: float) -> None:
    score = Score(span_values=np.array([value], np.float32))
    with pytest.raises(ItemError) as caught:
        over_the_wire(Verdict(Judgement((score,))))
    assert caught.value.error.reason == "TENSOR_NOT_FINITE"


@given(st.builds(Timing, *[st.integers(0, 10**12).map(lambda us: us / 1e6)] * 3))
def test_timing_comes_back_to_the_microsecond(timing: Timing) -> None:
    data = timing_to_proto(timing).SerializeToString()
    back = timing_from_proto(verdict_pb2.Timing.FromString(data))
    expected = (timing.queue, timing.preprocess, timing.inference)
    assert (back.queue, back.preprocess, back.inference) == pytest.approx(expected, abs=1e-6)


def test_absent_timing_is_zero() -> None:
    assert timing_from_proto(verdict_pb2.Timing()) == Timing(0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("values", "ranks"),
    [
        ([], ()),
        ([0.1], (1,)),
        ([0.5, 0.9, 0.1], (2, 1, 3)),
        ([0.5, 0.9, 0.5], (2, 1, 2)),
        ([0.9, 0.9, 0.5], (1, 1, 3)),
        ([0.0, -0.0, -1.0], (1, 1, 3)),
        ([1.0, 1.0, 1.0], (1, 1, 1)),
        ([-np.inf, np.inf, 0.0], (3, 1, 2)),
    ],
)
def test_equal_values_share_a_rank_and_skip_the_next(
    values: list[float], ranks: tuple[int, ...]
) -> None:
    assert rank(values) == ranks


@given(st.lists(st.floats(allow_nan=False), max_size=8))
def test_ranks_order_as_values_do(values: list[float]) -> None:
    pairs = list(zip(values, rank(values), strict=True))
    assert all((a > b) == (i < j) and (a == b) == (i == j) for a, i in pairs for b, j in pairs)


@given(TEXT, TEXT, TEXT)
def test_a_note_is_lengthened_by_a_path(code: str, message: str, path: str) -> None:
    assert Note(code, message, "text").at("prompt[0]") == Note(code, message, "prompt[0].text")
    assert Note(code, message).at(path) == Note(code, message, path)


INFOS = st.builds(
    JudgeInfo,
    name=TEXT,
    kind=TEXT,
    fingerprint=TEXT,
    provenance=st.dictionaries(TEXT, TEXT, max_size=3),
    wants=st.lists(st.sampled_from(Want)).map(tuple),
    reads=st.lists(st.sampled_from(Input)).map(tuple),
    range=st.tuples(st.none() | FLOAT32, st.none() | FLOAT32),
    criteria=st.lists(TEXT, max_size=3).map(tuple),
    description=TEXT,
    caution=TEXT,
)
INT64 = st.integers(0, 2**63 - 1)
HOSTINGS = st.builds(
    Hosting,
    judges=st.lists(INFOS, max_size=3).map(lambda infos: {info.name: info for info in infos}),
    limits=st.builds(Limits, INT64, INT32, INT32, INT64, INT64),
    server_version=TEXT,
)


@given(HOSTINGS)
def test_hostings_come_back_whole(hosting: Hosting) -> None:
    message = hosting_to_proto(hosting)
    data = message.SerializeToString()
    back = hosting_from_proto(judge_pb2.ListJudgesResponse.FromString(data))
    assert back == hosting
    assert [info.name for info in message.judges] == sorted(hosting.judges)


@pytest.mark.parametrize("ends", [(None, None), (0.0, None), (None, 0.0), (0.0, 0.0), (-1.0, 1.0)])
def test_an_absent_end_of_a_range_stays_absent(ends: tuple[float | None, float | None]) -> None:
    info = JudgeInfo("j", "k", "f", {}, (Want.SCORE,), (), ends)
    back = hosting_from_proto(hosting_to_proto(Hosting({"j": info}))).judges["j"]
    assert repr(back.range) == repr(ends)


def test_a_missing_range_is_unbounded() -> None:
    message = judge_pb2.ListJudgesResponse(judges=[judge_pb2.JudgeInfo(name="j")])
    assert hosting_from_proto(message).judges["j"].range == (None, None)


def test_wants_and_inputs_of_a_newer_server_are_left_out() -> None:
    info = judge_pb2.JudgeInfo(name="j", wants=["WANT_SCORE"], reads=["INPUT_SPANS"])
    info.wants.extend([0, 999])  # type: ignore[list-item]  # open enums take any number
    info.reads.extend([0, 999])  # type: ignore[list-item]
    data = judge_pb2.ListJudgesResponse(judges=[info]).SerializeToString()
    back = hosting_from_proto(judge_pb2.ListJudgesResponse.FromString(data)).judges["j"]
    assert (back.wants, back.reads) == ((Want.SCORE,), (Input.SPANS,))


@pytest.mark.parametrize(
    ("python", "wire", "prefix"),
    [
        (Want, judge_pb2.Want, "WANT_"),
        (Input, judge_pb2.Input, "INPUT_"),
        (DataType, media_pb2.DataType, "DATA_TYPE_"),
        (ErrorCode, verdict_pb2.ErrorCode, "ERROR_CODE_"),
        (AbstentionReason, verdict_pb2.AbstentionReason, "ABSTENTION_REASON_"),
    ],
)
def test_enums_are_those_of_the_wire(python: type[IntEnum], wire: Any, prefix: str) -> None:
    named = {name.removeprefix(prefix): n for name, n in wire.items()}
    assert named.pop("UNSPECIFIED") == 0
    assert {member.name: member.value for member in python} == named
