"""Every error a client raises: the tree of `mmjudge.contract.errors`, which the server shares."""

from mmjudge.contract.errors import (
    DeadlineExceeded,
    InvalidRequest,
    ItemAbstained,
    ItemFailed,
    JudgeNotFound,
    MmjudgeError,
    NotJudged,
    Overloaded,
    RequestError,
    ServerFault,
    SetupError,
    Unauthenticated,
    Unavailable,
    Violation,
)

__all__ = [
    "DeadlineExceeded",
    "InvalidRequest",
    "ItemAbstained",
    "ItemFailed",
    "JudgeNotFound",
    "MmjudgeError",
    "NotJudged",
    "Overloaded",
    "RequestError",
    "ServerFault",
    "SetupError",
    "Unauthenticated",
    "Unavailable",
    "Violation",
]
