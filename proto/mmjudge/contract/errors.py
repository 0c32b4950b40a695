"""Everything that can go wrong, as one exception tree that server and client share.

MmjudgeError
├── RequestError             the request as a whole was refused; nothing was judged
│   ├── InvalidRequest       it is malformed: every bad field is named
│   ├── JudgeNotFound        a judge it names is not hosted
│   ├── Overloaded           the queue is full: try again after `retry_after` seconds
│   ├── Unavailable          the server is loading, draining, gone, or lost its device
│   ├── DeadlineExceeded     no answer in time
│   ├── Unauthenticated      credentials are missing or wrong
│   └── ServerFault          a fault of the server's own
├── ItemError                one item could not be judged (raised by judges, sent as an `Error`)
├── SetupError               a server cannot start as configured (its subclasses stand with it)
└── NotJudged                a verdict is not a judgement, and the caller wanted a number
    ├── ItemFailed           its verdict is an `Error`
    └── ItemAbstained        its verdict is an `Abstention`
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any


class ErrorCode(IntEnum):
    """Kind of an item's failure; values and meanings of `mmjudge.v1.ErrorCode`."""

    INVALID_ARGUMENT = 1
    NOT_FOUND = 2
    RESOURCE_EXHAUSTED = 3
    UNAVAILABLE = 4
    DEADLINE_EXCEEDED = 5
    INTERNAL = 6


@dataclass(frozen=True, slots=True)
class Error:
    """Why an item could not be judged: `mmjudge.v1.Error`."""

    code: ErrorCode
    reason: str
    message: str
    field: str = ""

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


@dataclass(frozen=True, slots=True)
class Violation:
    """One bad field of a request: its path and what is wrong with it."""

    field: str
    description: str

    def __str__(self) -> str:
        return f"{self.field}: {self.description}"


class MmjudgeError(Exception):
    """Base of all errors of this package; every one survives pickling between processes."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self.args, self.__dict__)


def _rebuilt(
    kind: type[MmjudgeError], args: tuple[Any, ...], state: dict[str, Any]
) -> MmjudgeError:
    # Without `__init__`, whose parameters are not `args` in every class.
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class RequestError(MmjudgeError):
    """The request as a whole was refused; nothing was judged."""


class InvalidRequest(RequestError):
    """The request is malformed; `violations` names every bad field."""

    def __init__(self, *violations: Violation) -> None:
        super().__init__("; ".join(map(str, violations)))
        self.violations: Sequence[Violation] = violations


class JudgeNotFound(RequestError):
    """A judge named by the request is not hosted."""


class Overloaded(RequestError):
    """The queue is full; `retry_after` seconds is when room is expected."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(RequestError):
    """The server is loading, draining, gone, or lost its device."""


class DeadlineExceeded(RequestError):
    """No answer in time."""


class Unauthenticated(RequestError):
    """Credentials are missing or wrong."""


class ServerFault(RequestError):
    """A fault of the server's own."""


class SetupError(MmjudgeError):
    """A server cannot start as configured; the message says what to change."""


class ItemError(MmjudgeError):
    """One item could not be judged; its neighbours are not affected.

    `error.field` is the path from where the error was raised; callers on the way out lengthen it
    with `at`, each on a copy of its own, because one failed computation may serve several items.
    """

    def __init__(self, error: Error) -> None:
        super().__init__(str(error))
        self.error = error

    def at(self, path: str) -> "ItemError":
        """Return this error with `path` put before its field."""
        return ItemError(replace(self.error, field=join_path(path, self.error.field)))


def invalid(reason: str, message: str, field: str = "") -> ItemError:
    """Return the `ItemError` of an item that is wrong and will fail again."""
    return ItemError(Error(ErrorCode.INVALID_ARGUMENT, reason, message, field))


def join_path(*parts: str) -> str:
    """Join field paths, leaving out empty ones: ("items[2]", "", "id") -> "items[2].id"."""
    return ".".join(part for part in parts if part)


class NotJudged(MmjudgeError):
    """A verdict is not a judgement; says which item of which judge, and why.

    `index` is the item's place in the call, `item_id` the caller's own name for it, `field` the
    path of the offending part from the item, `fingerprint` that of the judge.
    """

    def __init__(
        self, message: str, *, index: int, item_id: str, judge: str, fingerprint: str, field: str
    ) -> None:
        super().__init__(message)
        self.index = index
        self.item_id = item_id
        self.judge = judge
        self.fingerprint = fingerprint
        self.field = field


class ItemFailed(NotJudged):
    """The verdict is an `Error`."""


class ItemAbstained(NotJudged):
    """The verdict is an `Abstention`."""
