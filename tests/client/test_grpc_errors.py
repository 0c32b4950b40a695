import grpc
import pytest
from tests.client.fake_service import FakeService, bad_request, refuse, retry_info

from mmjudge.client.grpc_errors import request_error
from mmjudge.client.grpc_transport import GrpcTransport
from mmjudge.contract import (
    DeadlineExceeded,
    InvalidRequest,
    JudgeNotFound,
    Overloaded,
    RequestError,
    ServerFault,
    Unauthenticated,
    Unavailable,
)
from mmjudge.v1 import judge_pb2 as pb

Code = grpc.StatusCode


async def error_of(address: str) -> RequestError:
    transport = GrpcTransport(address)
    try:
        with pytest.raises(RequestError) as caught:
            await transport.judge(pb.JudgeRequest(), 10)
    finally:
        await transport.close()
    return caught.value


EXPECTED: dict[grpc.StatusCode, type[RequestError]] = {
    Code.INVALID_ARGUMENT: InvalidRequest,
    Code.NOT_FOUND: JudgeNotFound,
    Code.UNAUTHENTICATED: Unauthenticated,
    Code.PERMISSION_DENIED: Unauthenticated,
    Code.UNAVAILABLE: Unavailable,
    Code.CANCELLED: Unavailable,
    Code.DEADLINE_EXCEEDED: DeadlineExceeded,
    Code.RESOURCE_EXHAUSTED: InvalidRequest,
}


@pytest.mark.parametrize("code", [code for code in Code if code is not Code.OK], ids=str)
async def test_every_code_has_its_error(
    service: FakeService, address: str, code: grpc.StatusCode
) -> None:
    service.script.append(refuse(code, "the server's words"))
    error = await error_of(address)
    assert type(error) is EXPECTED.get(code, ServerFault)
    assert "the server's words" in str(error)
    if not isinstance(error, InvalidRequest | JudgeNotFound):
        assert address in str(error)


async def test_every_bad_field_is_named(service: FakeService, address: str) -> None:
    details = bad_request(("judges[0]", "unknown"), ("want", "not given"))
    service.script.append(refuse(Code.INVALID_ARGUMENT, "bad", details))
    error = await error_of(address)
    assert isinstance(error, InvalidRequest)
    assert [(v.field, v.description) for v in error.violations] == [
        ("judges[0]", "unknown"),
        ("want", "not given"),
    ]


async def test_a_full_queue_says_when_to_come_back(service: FakeService, address: str) -> None:
    service.script.append(refuse(Code.RESOURCE_EXHAUSTED, "full", retry_info(1.25)))
    error = await error_of(address)
    assert isinstance(error, Overloaded)
    assert error.retry_after == 1.25


async def test_exhaustion_without_a_wait_is_a_message_too_large(
    service: FakeService, address: str
) -> None:
    service.script.append(refuse(Code.RESOURCE_EXHAUSTED, "5 vs. 4"))
    with pytest.raises(InvalidRequest, match=r"items: the message was too large .*\(5 vs. 4\)"):
        raise await error_of(address)


async def test_hints_say_what_to_do(service: FakeService, address: str) -> None:
    for code, hint in [
        (Code.UNAVAILABLE, "wait_until_ready"),
        (Code.UNAUTHENTICATED, "metadata="),
        (Code.DEADLINE_EXCEEDED, "`timeout`"),
    ]:
        service.script.append(refuse(code))
        assert hint in str(await error_of(address))


def test_details_of_a_stranger_are_passed_over() -> None:
    trailing = grpc.aio.Metadata(("grpc-status-details-bin", b"\xff\xff\xff"), ("x", "y"))
    error = grpc.aio.AioRpcError(Code.INVALID_ARGUMENT, grpc.aio.Metadata(), trailing, "bad")
    assert str(request_error(error, "host:1")) == "request: bad"


def test_no_metadata_and_no_words() -> None:
    error = grpc.aio.AioRpcError(Code.INTERNAL, grpc.aio.Metadata(), grpc.aio.Metadata())
    assert str(request_error(error, "host:1")) == "host:1: INTERNAL: INTERNAL"
