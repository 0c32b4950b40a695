"""Errors as HTTP statuses, with bodies that name what was wrong and headers that say when again."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from mmjudge.contract.errors import (
    DeadlineExceeded,
    ErrorCode,
    InvalidRequest,
    JudgeNotFound,
    Overloaded,
    RequestError,
    ServerFault,
    Unavailable,
)
from mmjudge.server.http.bodies import BodyRefused
from mmjudge.server.http.scoring import Failure, NotScored

# Bodies stay short enough to be read in a trainer's log.
MAX_NAMED = 20
MAX_MESSAGE = 1000
UNAVAILABLE_SECONDS = 1

_STATUS: Mapping[type[Exception], int] = {
    InvalidRequest: 400,
    JudgeNotFound: 404,
    Unavailable: 503,
    DeadlineExceeded: 504,
    ServerFault: 500,
}
# What may pass by itself is told as such; what will fail again is not to be retried.
_ITEM_STATUS = {ErrorCode.UNAVAILABLE: 503, ErrorCode.DEADLINE_EXCEEDED: 504}


class Told(NamedTuple):
    """A status, headers, and a body of plain values; with an error, no number in it is a score."""

    status: int
    headers: dict[str, str]
    body: Any


def told(error: RequestError | NotScored, overloaded: int) -> Told:
    """Say what went wrong; `overloaded` is the protocol's status for a full queue."""
    if isinstance(error, NotScored):
        return _not_scored(error)
    body: dict[str, Any] = {"error": _cut(str(error)), "reason": type(error).__name__}
    if isinstance(error, InvalidRequest):
        body["fields"] = [
            {"field": one.field, "message": _cut(one.description)}
            for one in error.violations[:MAX_NAMED]
        ]
    if isinstance(error, Overloaded):
        return Told(overloaded, _retry(math.ceil(error.retry_after)), body)
    status = error.status if isinstance(error, BodyRefused) else _STATUS.get(type(error), 500)
    return Told(status, _retry(UNAVAILABLE_SECONDS) if status == 503 else {}, body)


def _not_scored(error: NotScored) -> Told:
    statuses = {_ITEM_STATUS.get(failure.error.code, 422) for failure in error.failures}
    status = 422 if 422 in statuses else min(statuses)
    items = [_item(failure) for failure in error.failures[:MAX_NAMED]]
    first = items[0]
    summary = f"{first['field']}: {first['reason']}: {first['message']}"
    if more := len(error.failures) - 1:
        summary += f" (and {more} more without a score)"
    body = {"error": summary, "reason": "NotScored", "items": items}
    return Told(status, _retry(UNAVAILABLE_SECONDS) if status == 503 else {}, body)


def _item(failure: Failure) -> dict[str, Any]:
    error, question = failure.error, failure.question
    return {
        "index": question.index,
        "field": question.field,
        "judge": question.judge,
        "code": error.code.name,
        "reason": error.reason,
        "message": _cut(error.message),
        "part": error.field,
    }


def _retry(seconds: int) -> dict[str, str]:
    return {"Retry-After": str(seconds)}


def _cut(text: str) -> str:
    # Half of a surrogate pair has no UTF-8 form, and would fail the reply that tells of it.
    told = text.encode(errors="replace").decode()
    return told if len(told) <= MAX_MESSAGE else told[:MAX_MESSAGE] + " ..."
