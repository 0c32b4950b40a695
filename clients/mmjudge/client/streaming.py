"""The streamed way: verdicts of all parts as they come, each exactly once."""

import asyncio
from collections.abc import AsyncGenerator

from mmjudge.client.answers import Fingerprints, read_verdict
from mmjudge.client.calls import Call
from mmjudge.client.retrying import retry
from mmjudge.client.splitting import in_order, in_whole_call
from mmjudge.contract import InvalidRequest, ServerFault, Verdict
from mmjudge.v1 import judge_pb2 as pb

Answer = tuple[int, str, Verdict]
"""Index of the item in the call, name of the judge, its verdict."""


async def stream_batch(call: Call) -> AsyncGenerator[Answer, None]:
    """Yield every verdict of every judge once, in any order.

    A part that breaks off is asked again for what it still owes. Raises the first `RequestError`
    of any part, after the verdicts that came before it.
    """
    ready: asyncio.Queue[Answer | None] = asyncio.Queue()
    fingerprints = Fingerprints()

    async def feed() -> None:
        try:
            await in_order(
                [_Part(call, part, ready, fingerprints).ask for part in call.parts], call.in_flight
            )
        finally:
            ready.put_nowait(None)

    feeder = asyncio.create_task(feed())
    try:
        while (answer := await ready.get()) is not None:
            yield answer
        await feeder
    finally:
        feeder.cancel()
        await asyncio.gather(feeder, return_exceptions=True)


class _Part:
    """One part of the call, and what it still owes."""

    def __init__(
        self,
        call: Call,
        part: range,
        ready: asyncio.Queue[Answer | None],
        fingerprints: Fingerprints,
    ) -> None:
        self._call = call
        self._ready = ready
        self._fingerprints = fingerprints
        self._owed = {index: set(range(len(call.judges))) for index in part}

    async def ask(self) -> None:
        await retry(self._try, self._call.retries, self._call.deadline)

    async def _try(self, timeout: float) -> None:
        indices = list(self._owed)
        request = pb.JudgeStreamRequest(request=self._call.request(indices))
        responses = self._call.transport.judge_stream(request, timeout)
        try:
            async for response in responses:
                self._take(response, indices)
        except InvalidRequest as error:
            raise in_whole_call(error, indices) from error
        finally:
            # Left to the garbage collector, a refused answer's stream would go on for a while.
            if isinstance(responses, AsyncGenerator):
                await responses.aclose()
        if self._owed:
            raise ServerFault(f"the stream ended without verdicts on items {list(self._owed)[:8]}")

    def _take(self, response: pb.JudgeStreamResponse, indices: list[int]) -> None:
        place, number = response.item_index, response.judge_index
        if not (0 <= place < len(indices) and 0 <= number < len(self._call.judges)):
            raise ServerFault(
                f"verdict of judge_index {number} on item_index {place}, asked were "
                f"{len(self._call.judges)} judges about {len(indices)} items"
            )
        index, judge = indices[place], self._call.judges[number]
        self._fingerprints.add(judge, response.fingerprint)
        if number not in self._owed.get(index, ()):
            return  # asked again for another judge's sake
        candidates = len(self._call.items[index].candidates)
        verdict = read_verdict(response.verdict, judge=judge, index=index, candidates=candidates)
        self._ready.put_nowait((index, judge, verdict))
        self._owed[index].remove(number)
        if not self._owed[index]:
            del self._owed[index]
