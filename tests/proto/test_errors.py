"""Errors: paths, messages, and pickling between processes."""

import pickle

import pytest

from mmjudge.contract import (
    Error,
    ErrorCode,
    InvalidRequest,
    ItemAbstained,
    ItemError,
    ItemFailed,
    JudgeNotFound,
    MmjudgeError,
    Overloaded,
    Violation,
)
from mmjudge.contract.errors import invalid, join_path

WHERE = {"index": 3, "item_id": "x", "judge": "clip", "fingerprint": "ab", "field": "prompt[0]"}


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequest(Violation("items[0]", "no candidates"), Violation("want", "0")),
        JudgeNotFound("no judge is called 'x'"),
        Overloaded("full", 1.5),
        ItemError(Error(ErrorCode.INTERNAL, "REASON", "message", "field")),
        ItemFailed("failed", **WHERE),  # type: ignore[arg-type]
        ItemAbstained("abstained", **WHERE),  # type: ignore[arg-type]
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_error_survives_pickling(error: MmjudgeError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


def test_a_path_grows_outwards_on_a_copy() -> None:
    inner = invalid("REASON", "wrong", "text")
    outer = inner.at("parts[0]").at("candidates[1]")
    assert outer.error.field == "candidates[1].parts[0].text"
    assert str(outer) == "candidates[1].parts[0].text: wrong"
    assert inner.error.field == "text"


def test_empty_paths_leave_no_dots() -> None:
    assert join_path("items[2]", "", "id") == "items[2].id"
    assert join_path("", "") == ""
