"""A scripted JudgeService: values are the numbers that items hold as their first prompt text."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from mmjudge.contract import Hosting, Input, JudgeInfo, Limits, Timing, Want
from mmjudge.contract.wire_hosting import hosting_to_proto
from mmjudge.contract.wire_verdicts import timing_to_proto
from mmjudge.v1 import judge_pb2 as pb
from mmjudge.v1 import verdict_pb2
from mmjudge.v1.judge_pb2_grpc import JudgeServiceServicer, add_JudgeServiceServicer_to_server

Context = Any
Step = Callable[[Context], Awaitable[None]]
Tweak = Callable[[pb.JudgeResponse], None]


def hosting(*names: str, limits: Limits | None = None) -> Hosting:
    """Return a hosting of judges of these names."""
    judges = {
        name: JudgeInfo(name, "fake", name * 8, {}, (Want.SCORE,), (Input.PROMPT_TEXT,))
        for name in names
    }
    return Hosting(judges, limits or Limits(), "0.1.0")


def status(code: grpc.StatusCode, message: str, *details: Message) -> bytes:
    """Return a serialized google.rpc.Status."""
    packed = []
    for detail in details:
        packed.append(AnyMessage())
        packed[-1].Pack(detail)
    return bytes(
        status_pb2.Status(code=code.value[0], message=message, details=packed).SerializeToString()
    )


def bad_request(*violations: tuple[str, str]) -> Message:
    """Return BadRequest details of (field, description) pairs."""
    violation = error_details_pb2.BadRequest.FieldViolation
    details: Message = error_details_pb2.BadRequest(
        field_violations=[violation(field=f, description=d) for f, d in violations]
    )
    return details


def retry_info(seconds: float) -> Message:
    """Return RetryInfo details."""
    delay = Duration()
    delay.FromNanoseconds(round(seconds * 1e9))
    details: Message = error_details_pb2.RetryInfo(retry_delay=delay)
    return details


def refuse(code: grpc.StatusCode, message: str = "no", *details: Message) -> Step:
    """Return a step that ends a call with `code`, and `details` where given."""

    async def step(context: Context) -> None:
        packed = status(code, message, *details)
        metadata = (("grpc-status-details-bin", packed),) if details else ()
        await context.abort(code, message, trailing_metadata=metadata)

    return step


async def answer(context: Context) -> None:
    """A step that lets the call be answered as usual."""


class FakeService(JudgeServiceServicer):
    """Answers by script first: each `Judge` or `JudgeStream` call takes one step of it."""

    def __init__(self, *names: str, limits: Limits | None = None) -> None:
        self.hosting = hosting(*(names or ("clip",)), limits=limits)
        self.script: deque[Step] = deque()
        self.list_script: deque[Step] = deque()
        self.tweaks: deque[Tweak] = deque()
        self.cut_streams: deque[int] = deque()
        self.requests: list[pb.JudgeRequest] = []
        self.metadata: list[dict[str, str | bytes]] = []
        self.listed = 0
        self.running = 0
        self.peak = 0
        self.ended = threading.Event()

    async def ListJudges(self, request: Any, context: Context) -> pb.ListJudgesResponse:
        self.listed += 1
        if self.list_script:
            await self.list_script.popleft()(context)
        return hosting_to_proto(self.hosting)

    async def Judge(self, request: pb.JudgeRequest, context: Context) -> pb.JudgeResponse:
        await self._enter(request, context)
        response = pb.JudgeResponse(
            results=[
                pb.JudgeResult(
                    judge=judge,
                    fingerprint=judge * 8,
                    verdicts=[verdict(item, judge) for item in request.items],
                    timing=timing_to_proto(Timing(queue=float(len(request.items)))),
                )
                for judge in request.judges
            ]
        )
        if self.tweaks:
            self.tweaks.popleft()(response)
        return response

    async def JudgeStream(
        self, request: pb.JudgeStreamRequest, context: Context
    ) -> AsyncIterator[pb.JudgeStreamResponse]:
        batch = request.request
        await self._enter(batch, context)
        left = self.cut_streams.popleft() if self.cut_streams else None
        for i, item in reversed(list(enumerate(batch.items))):
            for number, judge in enumerate(batch.judges):
                if left == 0:
                    await context.abort(grpc.StatusCode.UNAVAILABLE, "cut")
                left = None if left is None else left - 1
                yield pb.JudgeStreamResponse(
                    judge_index=number,
                    item_index=i,
                    verdict=verdict(item, judge),
                    fingerprint=judge * 8,
                )

    async def _enter(self, request: pb.JudgeRequest, context: Context) -> None:
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        self.running += 1
        self.peak = max(self.peak, self.running)
        try:
            if self.script:
                await self.script.popleft()(context)
            else:
                await asyncio.sleep(0.002)  # long enough for other parts to arrive meanwhile
        finally:
            self.running -= 1
            self.ended.set()


def verdict(item: pb.Item, judge: str) -> verdict_pb2.Verdict:
    """Return the number in the item's prompt for each candidate; "bad" fails, "shy" abstains."""
    text = item.prompt[0].text if item.prompt else "0"
    if text == "bad":
        error = verdict_pb2.Error(
            code="ERROR_CODE_INVALID_ARGUMENT",
            reason="IMAGE_UNDECODABLE",
            field="candidates[0].parts[0].image",
            message="7 bytes that are no whole image file",
        )
        return verdict_pb2.Verdict(error=error)
    if text == "shy":
        abstention = verdict_pb2.Abstention(reason="ABSTENTION_REASON_REFUSED", message="I won't")
        return verdict_pb2.Verdict(abstention=abstention)
    value = float(text) if text.removeprefix("-").isdigit() else 0.0
    scores = [verdict_pb2.Score(value=value + k / 10) for k in range(len(item.candidates))]
    return verdict_pb2.Verdict(judgement=verdict_pb2.Judgement(scores=scores))


@asynccontextmanager
async def serve(
    service: FakeService, options: Sequence[tuple[str, Any]] = ()
) -> AsyncIterator[tuple[str, grpc.aio.Server]]:
    """Serve on a free loopback port of this loop; yields the address and the server."""
    limits = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.aio.server(options=list({**dict(limits), **dict(options)}.items()))
    port = server.add_insecure_port("127.0.0.1:0")
    add_JudgeServiceServicer_to_server(service, server)
    await server.start()
    try:
        yield f"127.0.0.1:{port}", server
    finally:
        await server.stop(None)


@contextmanager
def serve_in_thread(service: FakeService) -> Iterator[str]:
    """Serve from a thread with a loop of its own, for tests that block theirs."""
    address: list[str] = []
    up, down = threading.Event(), threading.Event()

    async def main() -> None:
        async with serve(service) as (where, _):
            address.append(where)
            up.set()
            while not down.is_set():
                await asyncio.sleep(0.01)

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    up.wait(10)
    try:
        yield address[0]
    finally:
        down.set()
        thread.join()
