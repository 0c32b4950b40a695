"""A real server of fake judges on a loopback port, and a channel to it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from tests.server.fakes import OPERATIONS, FakeOperation, within

from mmjudge.contract.items import Item
from mmjudge.contract.wire_items import item_to_proto
from mmjudge.server.config import CacheConfig, ServerConfig
from mmjudge.server.serving import Server
from mmjudge.v1 import judge_pb2 as pb
from mmjudge.v1 import verdict_pb2
from mmjudge.v1.judge_pb2_grpc import JudgeServiceStub

KIND = "tests.server.fakes:FakeJudge"
PATH = "/mmjudge.v1.JudgeService/"
NOTHING_CACHED = CacheConfig(feature_bytes=0)


def config(*judges: str, kind: str = KIND, **settings: Any) -> ServerConfig:
    """Judges of these names, each over the operation of its name; nothing is cached."""
    names = judges or ("fake",)
    tables = {name: {"kind": kind, "operation": name} for name in names}
    given: dict[str, Any] = {"address": "127.0.0.1:0", "cache": NOTHING_CACHED, "judges": tables}
    return ServerConfig(**given | settings)


def operation(name: str = "fake", **settings: Any) -> FakeOperation:
    """Lay out an operation for the judge of this name."""
    OPERATIONS[name] = FakeOperation(name, **settings)
    return OPERATIONS[name]


def request(*items: Item, judges: Sequence[str] = ("fake",), want: int = 1) -> pb.JudgeRequest:
    """A request for these items; want may be any number."""
    made = pb.JudgeRequest(judges=judges, items=map(item_to_proto, items))
    made.want = want  # type: ignore[assignment]
    return made


def stream(it: pb.JudgeRequest) -> pb.JudgeStreamRequest:
    """The same for `JudgeStream`."""
    return pb.JudgeStreamRequest(request=it)


def value(verdict: verdict_pb2.Verdict, candidate: int = 0) -> float:
    """The score of a candidate that was judged."""
    assert verdict.WhichOneof("outcome") == "judgement", verdict
    return verdict.judgement.scores[candidate].value


@dataclass
class Peer:
    """A server and a client's end of a channel to it."""

    server: Server
    channel: grpc.aio.Channel

    @property
    def stub(self) -> Any:
        """JudgeService."""
        return JudgeServiceStub(self.channel)

    @property
    def pending(self) -> float | None:
        """Verdicts admitted and not given."""
        return self.server.engine.metrics.registry.get_sample_value("mmjudge_pending_items")

    def requests(self, method: str, code: str) -> float:
        """How many RPCs ended so."""
        labels = {"method": method, "code": code}
        registry = self.server.engine.metrics.registry
        return registry.get_sample_value("mmjudge_requests_total", labels) or 0.0

    async def judge(self, *items: Item, timeout: float | None = None) -> list[verdict_pb2.Verdict]:
        """Verdicts of judge `fake`."""
        response = await within(self.stub.Judge(request(*items), timeout=timeout))
        return list(response.results[0].verdicts)


@asynccontextmanager
async def connected(server: Server) -> AsyncIterator[Peer]:
    """A channel to a server that has an address."""
    options = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
    async with grpc.aio.insecure_channel(server.address, options=options) as channel:
        yield Peer(server, channel)


@asynccontextmanager
async def serving(settings: ServerConfig | None = None) -> AsyncIterator[Peer]:
    """A started server and a channel to it; both stopped at the end."""
    server = Server(settings or config())
    await within(server.start())
    try:
        async with connected(server) as peer:
            yield peer
    finally:
        await within(server.stop(0))


def details(error: grpc.aio.AioRpcError) -> list[Message]:
    """The details of `grpc-status-details-bin`; its code and message agree with the error's."""
    packed = dict(error.trailing_metadata() or ())["grpc-status-details-bin"]
    status = status_pb2.Status.FromString(packed)
    assert status.code == error.code().value[0]
    assert status.message == error.details()
    kinds = {"BadRequest": error_details_pb2.BadRequest, "RetryInfo": error_details_pb2.RetryInfo}
    unpacked: list[Message] = []
    for detail in status.details:
        message = kinds[detail.type_url.rpartition(".")[2]]()
        assert detail.Unpack(message)
        unpacked.append(message)
    return unpacked


def fields(error: grpc.aio.AioRpcError) -> list[str]:
    """The bad fields that a refused request is told."""
    (bad,) = details(error)
    assert isinstance(bad, error_details_pb2.BadRequest)
    return [violation.field for violation in bad.field_violations]
