"""The one place where a gRPC status turns into this package's errors."""

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from mmjudge.contract import (
    DeadlineExceeded,
    InvalidRequest,
    JudgeNotFound,
    Overloaded,
    RequestError,
    ServerFault,
    Unauthenticated,
    Unavailable,
    Violation,
)

_DETAILS_KEY = "grpc-status-details-bin"


def request_error(error: grpc.aio.AioRpcError, address: str) -> RequestError:
    """Return the `RequestError` that `error`, from the server at `address`, stands for."""
    code, message = error.code(), error.details() or error.code().name
    status = _status(error)
    match code:
        case grpc.StatusCode.INVALID_ARGUMENT:
            return InvalidRequest(*_violations(status) or [Violation("request", message)])
        case grpc.StatusCode.NOT_FOUND:
            return JudgeNotFound(message)
        case grpc.StatusCode.UNAUTHENTICATED | grpc.StatusCode.PERMISSION_DENIED:
            return Unauthenticated(
                f"{address}: {message} (pass the server's token as "
                "`metadata=[('authorization', 'Bearer ...')]`, or its certificates as "
                "`credentials`)"
            )
        case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.CANCELLED:
            return Unavailable(
                f"{address}: {message} (does an mmjudge server listen there, and has it loaded "
                "its judges? `wait_until_ready` waits for it)"
            )
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return DeadlineExceeded(
                f"{address}: no answer in time ({message}): send fewer items at once or raise "
                "`timeout`"
            )
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            wait = _retry_after(status)
            if wait is not None:
                return Overloaded(f"{address}: {message}", wait)
            # gRPC itself refuses a message over its limit, and names no wait: none would help.
            return InvalidRequest(
                Violation(
                    "items",
                    f"the message was too large for {address} ({message}): send fewer or smaller "
                    "items in one request",
                )
            )
        case _:
            return ServerFault(f"{address}: {code.name}: {message}")


def _status(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    status = status_pb2.Status()
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS_KEY and isinstance(value, bytes):
            try:
                status.ParseFromString(value)
            except DecodeError:  # a proxy's own details: code and message are all there is
                return status_pb2.Status()
    return status


def _violations(status: status_pb2.Status) -> list[Violation]:
    request = error_details_pb2.BadRequest()
    return [
        Violation(violation.field, violation.description)
        for detail in status.details
        if detail.Unpack(request)
        for violation in request.field_violations
    ]


def _retry_after(status: status_pb2.Status) -> float | None:
    retry = error_details_pb2.RetryInfo()
    for detail in status.details:
        if detail.Unpack(retry):
            return float(retry.retry_delay.ToTimedelta().total_seconds())
    return None
