"""Errors as gRPC statuses with google.rpc details."""

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
)

DETAILS_KEY = "grpc-status-details-bin"
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
    status = status_pb2.Status(code=code.value[0], message=str(error))
    for detail in _details(error):
        packed = Any()
        packed.Pack(detail)
        status.details.append(packed)
    return code, str(error), ((DETAILS_KEY, status.SerializeToString()),)


def _details(error: RequestError) -> list[Message]:
    match error:
        case InvalidRequest():
            details = error_details_pb2.BadRequest()
            for violation in error.violations:
                details.field_violations.add(
                    field=violation.field, description=violation.description
                )
            return [details]
        case Overloaded():
            retry = error_details_pb2.RetryInfo()
            retry.retry_delay.FromTimedelta(timedelta(seconds=error.retry_after))
            return [retry]
        case _:
            return []
