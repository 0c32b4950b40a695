"""How a client reaches an engine: over the network, or inside its own process."""

from collections.abc import AsyncIterator
from typing import Protocol

from mmjudge.v1 import judge_pb2 as pb


class Transport(Protocol):
    """Carries one request to an engine and its answer back.

    Every method raises `RequestError` and its subclasses only, `DeadlineExceeded` among them once
    `timeout` seconds have passed; after `close`, RuntimeError.
    """

    async def list_judges(self, timeout: float) -> pb.ListJudgesResponse:
        """Return what is hosted, and the limits of a request."""
        ...

    async def judge(self, request: pb.JudgeRequest, timeout: float) -> pb.JudgeResponse:
        """Judge a batch and return all verdicts, in the order of the items."""
        ...

    def judge_stream(
        self, request: pb.JudgeStreamRequest, timeout: float
    ) -> AsyncIterator[pb.JudgeStreamResponse]:
        """Judge a batch and yield each verdict as it is ready, in any order."""
        ...

    async def close(self) -> None:
        """Let go of connections and end the calls still running; closing twice does nothing."""
        ...
