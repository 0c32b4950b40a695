"""Requests that came to nothing: what is said of them, and whether to try again."""

import json
from dataclasses import dataclass
from typing import Any, Literal

from mmjudge.contract.errors import Error, ErrorCode, ItemError

LONGEST = 300
PASSING = (408, 409, 429)

Reason = Literal["ENDPOINT_FAILED", "ENDPOINT_TIMEOUT", "ENDPOINT_REFUSED_REQUEST"]


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that failed.

    message: says nothing of the key. status: of HTTP, 0 if none came. may_pass: another attempt
    may succeed. retry_after: seconds that the endpoint asks to wait before it.
    """

    reason: Reason
    message: str
    status: int = 0
    may_pass: bool = True
    retry_after: float = 0.0

    @property
    def error(self) -> ItemError:
        """The error of the item that needed the answer."""
        # A refused request will be refused again; the rest says nothing about the item.
        refused = self.reason == "ENDPOINT_REFUSED_REQUEST"
        code = ErrorCode.INVALID_ARGUMENT if refused else ErrorCode.UNAVAILABLE
        return ItemError(Error(code, self.reason, self.message))


def status_failure(status: int, said: str, advice: str, retry_after: float) -> Failure:
    """The failure of a request that was answered with a status other than 2xx.

    said: the server's words. advice: what to do about the key, for 401 and 403.
    """
    if status in PASSING or status >= 500:
        message = f"the endpoint answered {status}: {said}"
        return Failure("ENDPOINT_FAILED", message, status, True, retry_after)
    message = f"the endpoint refused the request with {status}: {said}"
    if status in (401, 403):
        message = f"{message}; {advice}"
    return Failure("ENDPOINT_REFUSED_REQUEST", message, status, False)


def server_message(body: str) -> str:
    """What the body of a refusal says in words, and which parameter it names; else the body."""
    try:
        told: Any = json.loads(body)
    except ValueError:
        return body
    # OpenAI and vLLM: {"error": {"message", "param"}}; FastAPI: {"detail"}; others: {"message"}.
    error = told.get("error") or told if isinstance(told, dict) else told
    if not isinstance(error, dict):
        return error if isinstance(error, str) else body
    said = error.get("message") or error.get("detail")
    if not isinstance(said, str):
        return body
    parameter = error.get("param")
    named = isinstance(parameter, str) and parameter not in said
    return f"{said} (parameter {parameter})" if named else said


def shortened(text: str) -> str:
    """One line of at most 300 characters."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."
