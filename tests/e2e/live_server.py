"""A real server of photo-lite, asked over a real channel."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc

from mmjudge.contract.items import Item
from mmjudge.contract.wire_items import item_to_proto
from mmjudge.server.config import DEFAULT_JUDGES, CacheConfig, ServerConfig
from mmjudge.server.serving import Server
from mmjudge.v1 import judge_pb2 as pb
from mmjudge.v1 import verdict_pb2
from mmjudge.v1.judge_pb2_grpc import JudgeServiceStub

# What would hang fails after so many seconds.
GUARD = 120.0


@dataclass
class LiveServer:
    """A server that runs, and a stub of JudgeService."""

    server: Server
    stub: Any

    async def judge(
        self, *items: Item | pb.Item, judge: str = "photo-lite"
    ) -> list[verdict_pb2.Verdict]:
        """Verdicts of one request."""
        messages = [it if isinstance(it, pb.Item) else item_to_proto(it) for it in items]
        request = pb.JudgeRequest(judges=[judge], items=messages, want=pb.WANT_SCORE)
        response = await self.stub.Judge(request, timeout=GUARD)
        return list(response.results[0].verdicts)

    async def judge_apart(self, items: Sequence[Item]) -> list[verdict_pb2.Verdict]:
        """Verdicts of one request an item, all at once."""
        found = await asyncio.gather(*map(self.judge, items))
        return [verdict for verdicts in found for verdict in verdicts]

    def batches(self, operation: str) -> float:
        """How many batches an operation ran."""
        value = self.server.engine.metrics.registry.get_sample_value(
            "mmjudge_batch_items_count", {"operation": operation}
        )
        return value or 0.0


@asynccontextmanager
async def live(**judges: dict[str, Any]) -> AsyncIterator[LiveServer]:
    """A server of photo-lite and of `judges`; nothing is cached, so every score is computed."""
    config = ServerConfig(
        address="127.0.0.1:0",
        cache=CacheConfig(feature_bytes=0),
        judges={**DEFAULT_JUDGES, **judges},
    )
    server = Server(config)
    await asyncio.wait_for(server.start(), GUARD)
    options = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
    try:
        async with grpc.aio.insecure_channel(server.address, options=options) as channel:
            yield LiveServer(server, JudgeServiceStub(channel))
    finally:
        await server.stop(0)


def score(verdict: verdict_pb2.Verdict) -> float:
    """The score of the only candidate of a judged item, to the bit."""
    assert verdict.WhichOneof("outcome") == "judgement", verdict
    (only,) = verdict.judgement.scores
    return only.value
