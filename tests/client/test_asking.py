from dataclasses import replace
from typing import Any

import pytest
from tests.client.fake_service import hosting

from mmjudge.client.asking import chosen, parse_want, request_without_items
from mmjudge.contract import Hosting, Want
from mmjudge.v1 import judge_pb2 as pb


def giving(**wants: Want) -> Hosting:
    """A hosting of judges that give one kind of answer each."""
    hosted = hosting(*wants)
    judges = {name: replace(hosted.judges[name], wants=(wants[name],)) for name in wants}
    return replace(hosted, judges=judges)


def test_judges_by_name_or_the_only_one() -> None:
    assert chosen(None, hosting("clip"), Want.SCORE) == ["clip"]
    assert chosen("clip", hosting("a", "b"), Want.SCORE) == ["clip"]
    several = chosen(("b", "a"), hosting(), Want.SCORE)
    assert several == chosen(["b", "a"], hosting(), Want.SCORE) == ["b", "a"]


def test_the_only_judge_that_gives_what_is_wanted() -> None:
    hosted = giving(clip=Want.SCORE, fisao=Want.TOKEN_REWARDS)
    assert chosen(None, hosted, Want.TOKEN_REWARDS) == ["fisao"]
    # The server says why its only one does not.
    assert chosen(None, hosting("clip"), Want.TOKEN_REWARDS) == ["clip"]
    with pytest.raises(ValueError, match="server hosts 'clip', 'fisao': name one"):
        chosen(None, hosted, Want.STEP_REWARDS)


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
        chosen(judges, hosting(*hosted), Want.SCORE)


def test_judges_that_are_no_names() -> None:
    with pytest.raises(TypeError, match="judges holds a int"):
        chosen([3], hosting("clip"), Want.SCORE)  # type: ignore[list-item]


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
