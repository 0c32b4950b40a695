"""Answers requests: checks them, judges every item with every judge, and accounts for each."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import dataclass
from importlib.metadata import version

from mmjudge.contract.errors import ItemError
from mmjudge.contract.info import Hosting, Limits
from mmjudge.contract.items import Ask, Item
from mmjudge.contract.verdicts import Verdict
from mmjudge.contract.wire_hosting import hosting_to_proto
from mmjudge.contract.wire_items import item_from_proto
from mmjudge.contract.wire_verdicts import timing_to_proto, verdict_to_proto
from mmjudge.judges.judge import Judge
from mmjudge.server.admission import Admission
from mmjudge.server.deadlines import deadline, gather
from mmjudge.server.image_store import ImageStore
from mmjudge.server.metrics import Metrics
from mmjudge.server.request_checks import check_request, parse_request
from mmjudge.server.stopwatch import Stopwatch, current_stopwatch
from mmjudge.server.verdict_checks import verdict_of
from mmjudge.v1 import judge_pb2 as pb
from mmjudge.v1 import verdict_pb2


@dataclass(frozen=True, slots=True)
class _Work:
    """A checked request: whom to ask, what of each item, and the items or why they are none."""

    judges: list[Judge]
    ask: Ask
    items: list[Item | ItemError]

    @property
    def verdicts(self) -> int:
        """How many verdicts it asks for."""
        return len(self.judges) * len(self.items)


class Answerer:
    """The service without its transport: protobuf messages in and out, `RequestError`s raised."""

    def __init__(
        self,
        judges: dict[str, Judge],
        limits: Limits,
        admission: Admission,
        images: ImageStore,
        threads: Executor,
        metrics: Metrics,
    ) -> None:
        self._judges, self._limits, self._admission = judges, limits, admission
        self._images, self._threads, self._metrics = images, threads, metrics

    def list_judges(self) -> pb.ListJudgesResponse:
        """What is hosted, and the limits."""
        infos = {name: judge.info for name, judge in self._judges.items()}
        return hosting_to_proto(Hosting(infos, self._limits, version("mmjudge")))

    async def judge(self, data: bytes, timeout: float | None) -> pb.JudgeResponse:
        """Answer a serialized `JudgeRequest` within `timeout` seconds.

        Raises `InvalidRequest`, `JudgeNotFound`, `Overloaded`, `DeadlineExceeded`, `Unavailable`.
        """
        async with deadline(timeout):
            with self._admission.admit_bytes(len(data)):
                work = await self._take(data)
                with self._admission.admit_items(work.verdicts):
                    results = [
                        asyncio.create_task(self._result(judge, work)) for judge in work.judges
                    ]
                    return pb.JudgeResponse(results=await gather(results))

    async def judge_stream(
        self, data: bytes, timeout: float | None
    ) -> AsyncIterator[pb.JudgeStreamResponse]:
        """Answer a serialized `JudgeStreamRequest`, verdict by verdict; raises as `judge` does."""
        async with deadline(timeout):
            with self._admission.admit_bytes(len(data)):
                work = await self._take(data, stream=True)
                with self._admission.admit_items(work.verdicts):
                    async with aclosing(self._verdicts_as_ready(work)) as ready:
                        async for response in ready:
                            yield response

    async def _verdicts_as_ready(self, work: _Work) -> AsyncGenerator[pb.JudgeStreamResponse]:
        tasks = [
            asyncio.create_task(self._streamed(work, judge_index, item_index))
            for item_index in range(len(work.items))
            for judge_index in range(len(work.judges))
        ]
        try:
            for done in asyncio.as_completed(tasks):
                yield await done
        finally:
            for task in tasks:
                task.cancel()

    async def _take(self, data: bytes, stream: bool = False) -> _Work:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._read, data, stream)

    def _read(self, data: bytes, stream: bool) -> _Work:
        """Check the request and decode its items; on a CPU thread, because it hashes images."""
        request = parse_request(data, stream)
        judges, ask = check_request(request, self._judges, self._limits)
        items = [self._item(message) for message in request.items]
        return _Work(judges, ask, [self._resolved(item) for item in items])

    def _item(self, message: pb.Item) -> Item | ItemError:
        try:
            item = item_from_proto(message, self._limits)
        except ItemError as error:
            return error
        self._images.hold(item)
        return item

    def _resolved(self, item: Item | ItemError) -> Item | ItemError:
        # After all items were read, so that a digest may name a file that comes later.
        try:
            return item if isinstance(item, ItemError) else self._images.resolve(item)
        except ItemError as error:
            return error

    async def _result(self, judge: Judge, work: _Work) -> pb.JudgeResult:
        watch = Stopwatch()
        current_stopwatch.set(watch)
        tasks = [asyncio.create_task(self._verdict(judge, item, work.ask)) for item in work.items]
        verdicts = await gather(tasks)
        return pb.JudgeResult(
            judge=judge.info.name,
            fingerprint=judge.info.fingerprint,
            verdicts=verdicts,
            timing=timing_to_proto(watch.timing),
        )

    async def _streamed(
        self, work: _Work, judge_index: int, item_index: int
    ) -> pb.JudgeStreamResponse:
        watch = Stopwatch()
        current_stopwatch.set(watch)
        judge = work.judges[judge_index]
        verdict = await self._verdict(judge, work.items[item_index], work.ask)
        return pb.JudgeStreamResponse(
            judge_index=judge_index,
            item_index=item_index,
            verdict=verdict,
            fingerprint=judge.info.fingerprint,
            timing=timing_to_proto(watch.timing),
        )

    async def _verdict(self, judge: Judge, item: Item | ItemError, ask: Ask) -> verdict_pb2.Verdict:
        verdict = (
            verdict_to_proto(Verdict(item.error))
            if isinstance(item, ItemError)
            else await verdict_of(judge, item, ask)
        )
        self._metrics.verdict(judge.info.name, verdict.WhichOneof("outcome") or "none")
        return verdict
