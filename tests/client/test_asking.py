from typing import Any

import pytest
from tests.client.fake_service import hosting

from mmjudge.client.asking import chosen, parse_want, request_without_items
from mmjudge.contract import Want
from mmjudge.v1 import judge_pb2 as pb


def test_judges_by_name_or_the_only_one() -> None:
    assert chosen(None, hosting("clip")) == ["clip"]
    assert chosen("clip", hosting("a", "b")) == ["clip"]
    assert chosen(("b", "a"), hosting()) == chosen(["b", "a"], hosting()) == ["b", "a"]


@pytest.mark.parametrize(
    ("judges", "hosted", "message"),
    [
        (None, ("clip", "aesthetic"), "server hosts 'aesthetic', 'clip': name one"),
        (None, (), "server hosts none"),
        ([], ("clip",), "judges is empty"),
    ],
)
def test_no_clear_choice(judges: Any, hosted: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        chosen(judges, hosting(*hosted))


def test_judges_that_are_no_names() -> None:
    with pytest.raises(TypeError, match="judges holds a int"):
        chosen([3], hosting("clip"))  # type: ignore[list-item]


@pytest.mark.parametrize("want", list(Want))
def test_wants_by_name(want: Want) -> None:
    assert parse_want(want) is parse_want(want.name.lower()) is want  # type: ignore[arg-type]


def test_unknown_wants() -> None:
    with pytest.raises(ValueError, match="'rank', expected one of 'score', 'preference'"):
        parse_want("rank")  # type: ignore[arg-type]


def test_all_of_a_request_but_its_items() -> None:
    request = request_without_items(
        ["clip"], "token_rewards", "alignment", regions=True, rationale=False, raw_text=True
    )
    assert request == pb.JudgeRequest(
        judges=["clip"],
        want="WANT_TOKEN_REWARDS",
        criteria=["alignment"],
        options=pb.Options(regions=True, raw_text=True),
    )
