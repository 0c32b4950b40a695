"""Errors as gRPC statuses with google.rpc details."""

from collections.abc import Sequence
from datetime import timedelta

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from mmjudge.contract.errors import (
    DeadlineExceeded,
    InvalidRequest,
    JudgeNotFound,
    Overloaded,
    RequestError,
    Unauthenticated,
    Unavailable,
    Violation,
)

DETAILS_KEY = "grpc-status-details-bin"
# A trailer beyond 8 KiB becomes RESOURCE_EXHAUSTED on its way, whatever the code in it.
# The message is in it twice, once with three bytes for each that is not ASCII.
MAX_MESSAGE_BYTES = 1000
MAX_VIOLATION_BYTES = 500
MAX_VIOLATIONS_BYTES = 2000
_CODES: dict[type[RequestError], grpc.StatusCode] = {
    InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    JudgeNotFound: grpc.StatusCode.NOT_FOUND,
    Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Unavailable: grpc.StatusCode.UNAVAILABLE,
    DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
    Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
}


def status_of(error: RequestError) -> tuple[grpc.StatusCode, str, tuple[tuple[str, bytes], ...]]:
    """Code, message and trailing metadata with the serialized `google.rpc.Status`."""
    code = _CODES.get(type(error), grpc.StatusCode.INTERNAL)
    message = _cut(str(error), MAX_MESSAGE_BYTES)
    status = status_pb2.Status(code=code.value[0], message=message)
    for detail in _details(error):
        packed = Any()
        packed.Pack(detail)
        status.details.append(packed)
    return code, message, ((DETAILS_KEY, status.SerializeToString()),)


def _details(error: RequestError) -> list[Message]:
    match error:
        case InvalidRequest():
            return [_bad_request(error.violations)]
        case Overloaded():
            retry = error_details_pb2.RetryInfo()
            retry.retry_delay.FromTimedelta(timedelta(seconds=error.retry_after))
            return [retry]
        case _:
            return []


def _bad_request(violations: Sequence[Violation]) -> error_details_pb2.BadRequest:
    details = error_details_pb2.BadRequest()
    for i, violation in enumerate(violations):
        if details.ByteSize() > MAX_VIOLATIONS_BYTES:
            more = f"{len(violations) - i} more fields are bad"
            details.field_violations.add(field="request", description=more)
            break
        description = _cut(violation.description, MAX_VIOLATION_BYTES)
        details.field_violations.add(field=violation.field, description=description)
    return details


def _cut(text: str, most: int) -> str:
    data = text.encode()
    return text if len(data) <= most else data[:most].decode(errors="ignore") + " ..."
