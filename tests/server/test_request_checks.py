"""Requests: all that is wrong with one is told at once, however much it is."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.server.fakes import StubJudge, judge_info

from mmjudge.contract.errors import InvalidRequest, JudgeNotFound
from mmjudge.contract.info import Limits
from mmjudge.contract.items import Ask, Item, Want
from mmjudge.contract.verdicts import Verdict
from mmjudge.server.request_checks import check_request, parse_request
from mmjudge.v1 import judge_pb2 as pb


def judge(name: str, wants: Sequence[Want] = (Want.SCORE,), *criteria: str) -> StubJudge:
    async def answer(item: Item, ask: Ask) -> Verdict:
        raise AssertionError("asked")

    return StubJudge(answer, replace(judge_info(name), wants=tuple(wants), criteria=criteria))


LEFT = judge("left", [Want.SCORE, Want.PREFERENCE], "charm", "truth")
RIGHT = judge("right", [Want.SCORE], "truth")
HOSTED: dict[str, Any] = {"left": LEFT, "right": RIGHT}
LIMITS = Limits(max_items=3)


def request(
    *judges: str, items: int = 1, want: int = 1, criteria: Sequence[str] = ()
) -> pb.JudgeRequest:
    made = pb.JudgeRequest(judges=judges, items=[pb.Item()] * items, criteria=criteria)
    made.want = want  # type: ignore[assignment]
    return made


def violations(it: pb.JudgeRequest) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRequest) as raised:
        check_request(it, HOSTED, LIMITS)
    return [(v.field, v.description) for v in raised.value.violations]


def test_a_right_request_names_its_judges_and_what_is_asked() -> None:
    it = request("right", "left", items=3, want=1, criteria=["truth"])
    it.options.regions = it.options.raw_text = True
    asked, ask = check_request(it, HOSTED, LIMITS)
    assert asked == [RIGHT, LEFT]
    assert ask == Ask(Want.SCORE, ("truth",), regions=True, rationale=False, raw_text=True)


def test_everything_wrong_is_told_at_once() -> None:
    found = violations(request("left", "right", "left", items=4, want=2, criteria=["charm", "x"]))
    assert found == [
        ("judges[2]", "'left' is named twice"),
        ("items", "4 items, expected 1 to 3: split the request"),
        ("want", "judge 'right' does not give PREFERENCE; it gives SCORE"),
        ("criteria[1]", "judge 'left' knows no 'x'; it knows charm, truth"),
        ("criteria[0]", "judge 'right' knows no 'charm'; it knows truth"),
        ("criteria[1]", "judge 'right' knows no 'x'; it knows truth"),
    ]


def test_an_empty_request_is_told_all_that_it_lacks() -> None:
    wants = "SCORE, PREFERENCE, STEP_REWARDS, TOKEN_REWARDS"
    assert violations(pb.JudgeRequest()) == [
        ("judges", "none named, expected at least one"),
        ("items", "0 items, expected 1 to 3: nothing to judge"),
        ("want", f"0, expected one of {wants}"),
    ]


@pytest.mark.parametrize("want", [0, 5, 99, -1])
def test_a_want_that_is_none_is_refused(want: int) -> None:
    assert [field for field, _ in violations(request("left", want=want))] == ["want"]


def test_a_judge_that_knows_no_criteria_says_so() -> None:
    hosted: dict[str, Any] = {"plain": judge("plain")}
    with pytest.raises(InvalidRequest, match="'plain' knows no 'x'; it knows no criteria"):
        check_request(request("plain", criteria=["x"]), hosted, LIMITS)


def test_an_unknown_judge_is_told_with_those_that_are_hosted() -> None:
    with pytest.raises(JudgeNotFound) as raised:
        check_request(request("left", "lefd"), HOSTED, LIMITS)
    assert str(raised.value) == "judges[1]: no judge is called 'lefd'; hosted are: left, right"


@pytest.mark.parametrize("count", [1, 3])
def test_as_many_items_as_allowed_are_allowed(count: int) -> None:
    check_request(request("left", items=count), HOSTED, LIMITS)


def test_a_request_of_nothing_but_repetitions_is_refused_without_ado() -> None:
    # Quadratic checks would hold a thread, and the interpreter, for hours.
    found = violations(request(*["left"] * 50_000, criteria=["x"] * 50_000))
    assert len(found) == 49_999 + 50_000
    assert found[0] == ("judges[1]", "'left' is named twice")


def test_bytes_that_are_no_request_are_told_so() -> None:
    for stream in (False, True):
        with pytest.raises(InvalidRequest) as raised:
            parse_request(b"\xff\xff\xff", stream)
        assert [v.field for v in raised.value.violations] == ["request"]


def test_text_that_is_not_utf8_is_told_so() -> None:
    data = request("left").SerializeToString().replace(b"left", b"\xff\xfe\xfd\xfc")
    with pytest.raises(InvalidRequest, match="not UTF-8"):
        parse_request(data, stream=False)


def test_a_stream_s_request_is_what_it_holds() -> None:
    it = request("left", items=2)
    data = pb.JudgeStreamRequest(request=it).SerializeToString()
    assert parse_request(data, stream=True) == it
    assert parse_request(it.SerializeToString(), stream=False) == it


def test_no_bytes_are_an_empty_request() -> None:
    assert parse_request(b"", stream=False) == parse_request(b"", stream=True) == pb.JudgeRequest()
