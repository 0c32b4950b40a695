"""Calls to a server of fake judges, over a real channel."""

from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.server.fakes import (
    FakeOperation,
    score_of,
    text_item,
    until,
    within,
)
from tests.server.grpc_fixtures import (
    PATH,
    Peer,
    request,
    stream,
)

from mmjudge.v1 import judge_pb2 as pb

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE = "mmjudge.v1.JudgeService"
WORDS = [f"text {i}" for i in range(20)]
ITEMS = [text_item(word) for word in WORDS]
SCORES = [score_of(word) for word in WORDS]


async def refused(call: Any) -> grpc.aio.AioRpcError:
    """The error of a unary call, or of a stream that is read to its end."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        if isinstance(call, grpc.aio.UnaryStreamCall):
            await within(drained(call))
        else:
            await within(call)
    return raised.value


async def drained(call: Any) -> list[Any]:
    return [response async for response in call]


def both(peer: Peer, it: pb.JudgeRequest, **options: Any) -> list[Any]:
    """The request by both methods."""
    return [peer.stub.Judge(it, **options), peer.stub.JudgeStream(stream(it), **options)]


async def hold(peer: Peer, op: FakeOperation) -> Any:
    """A call whose forward waits for `op.gate`, so that what comes next queues up behind it."""
    op.gate.clear()
    before = len(op.forwards)
    call = peer.stub.Judge(request(text_item("held")))
    await until(lambda: len(op.forwards) > before)
    return call


def raw(peer: Peer, method: str, data: bytes) -> Any:
    """A call that sends these very bytes."""
    channel: Any = peer.channel
    open_ = channel.unary_unary if method == "Judge" else channel.unary_stream
    return open_(PATH + method)(data)


async def health(peer: Peer, service: str = "") -> int:
    stub = health_pb2_grpc.HealthStub(peer.channel)
    response = await within(stub.Check(health_pb2.HealthCheckRequest(service=service)))
    return int(response.status)


# Verdicts
