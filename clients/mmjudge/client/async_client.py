"""The client for code that runs in an event loop."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Self, overload

import grpc

from mmjudge.client.asking import Judges, WantName, chosen, parse_want, request_without_items
from mmjudge.client.async_rewards import AsyncRewards
from mmjudge.client.batch import judge_batch
from mmjudge.client.calls import Call
from mmjudge.client.deadline import Deadline
from mmjudge.client.encoding import encode_items
from mmjudge.client.failing import OnFailure, check_on_failure
from mmjudge.client.grpc_transport import GrpcTransport, Metadata
from mmjudge.client.pairing import Images, Texts, pair
from mmjudge.client.readiness import until_ready
from mmjudge.client.results import Scores, Verdicts
from mmjudge.client.retrying import DEFAULT_RETRIES, Retries, retry
from mmjudge.client.splitting import DEFAULT_PART_SIZE, PartSize, split
from mmjudge.client.streaming import Answer, stream_batch
from mmjudge.client.transport import Transport
from mmjudge.contract import Hosting, Item, RequestError, Want
from mmjudge.contract.wire_hosting import hosting_from_proto
from mmjudge.v1 import judge_pb2 as pb


class AsyncClient(AsyncRewards):
    """Asks judges at `address` ("host:port"), or those behind `transport`; connects when used.

    timeout: seconds a whole call may take, with all its parts and retries.
    retries: how often to try again when the server is away or full.
    credentials, metadata: TLS, and what goes with every call, such as an authorization token.
    part_size, in_flight: a call is cut into requests of this size, so many of them at once.

    Every call raises a `RequestError`, documented in `mmjudge.client.errors`, when nothing was
    judged. Closes the transport, a given one too; used again after that, it raises RuntimeError.
    """

    def __init__(
        self,
        address: str = "127.0.0.1:50051",
        *,
        timeout: float = 60.0,
        retries: Retries = DEFAULT_RETRIES,
        credentials: grpc.ChannelCredentials | None = None,
        metadata: Metadata = (),
        transport: Transport | None = None,
        part_size: PartSize = DEFAULT_PART_SIZE,
        in_flight: int = 4,
    ) -> None:
        if in_flight < 1:
            raise ValueError(f"in_flight is {in_flight}, expected at least 1 request at a time")
        self._transport: Transport = transport or GrpcTransport(
            address, credentials=credentials, metadata=metadata
        )
        self._timeout = timeout
        self._retries = retries
        self._part_size = part_size
        self._in_flight = in_flight
        self._hosting: Hosting | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection and end the calls still running; closing twice does nothing."""
        if not self._closed:
            self._closed = True
            await self._transport.close()

    async def list_judges(self, *, timeout: float | None = None) -> Hosting:
        """Return the judges the server hosts by name, its limits and its version."""
        return await self._list_judges(self._deadline(timeout))

    async def wait_until_ready(self, timeout: float | None = None) -> Hosting:
        """Wait for the server to come up and load, and return what it hosts.

        Raises Unavailable with the last reason when it is not ready in time; at once what waiting
        does not mend, such as Unauthenticated.
        """
        deadline = self._deadline(timeout)
        self._hosting = hosting_from_proto(await until_ready(self._transport, deadline))
        return self._hosting

    @overload
    async def score(
        self,
        images: Images,
        texts: Texts,
        *,
        judges: str | None = None,
        criteria: str | Sequence[str] = (),
        on_failure: OnFailure = "raise",
        timeout: float | None = None,
    ) -> Scores: ...

    @overload
    async def score(
        self,
        images: Images,
        texts: Texts,
        *,
        judges: list[str] | tuple[str, ...],
        criteria: str | Sequence[str] = (),
        on_failure: OnFailure = "raise",
        timeout: float | None = None,
    ) -> dict[str, Scores]: ...

    async def score(
        self,
        images: Images,
        texts: Texts,
        *,
        judges: Judges | None = None,
        criteria: str | Sequence[str] = (),
        on_failure: OnFailure = "raise",
        timeout: float | None = None,
    ) -> Scores | dict[str, Scores]:
        """Score each image with its text, pair by pair: float32 `[n]`; by judge for a list of them.

        A single image or text goes with every element of the other's list; a str image is a path.
        `judges=None` asks the only judge that scores. Raises ItemFailed or ItemAbstained for the
        first pair without a score, or leaves NaN there with `on_failure="nan"`; ValueError for
        unequal lengths or nothing to judge; TypeError or OSError naming a bad `images[i]`.
        """
        check_on_failure(on_failure)
        call = await self._call(
            lambda: encode_items(pair(images, texts)), judges, Want.SCORE, criteria, timeout
        )
        scores = {v.judge: Scores.of(v.check(on_failure)) for v in await self._verdicts(call)}
        return scores if isinstance(judges, list | tuple) else scores[call.judges[0]]

    @overload
    async def judge(
        self,
        items: Sequence[Item],
        *,
        judges: str | None = None,
        want: Want | WantName = "score",
        criteria: str | Sequence[str] = (),
        regions: bool = False,
        rationale: bool = False,
        raw_text: bool = False,
        on_failure: OnFailure = "raise",
        timeout: float | None = None,
    ) -> Verdicts: ...

    @overload
    async def judge(
        self,
        items: Sequence[Item],
        *,
        judges: list[str] | tuple[str, ...],
        want: Want | WantName = "score",
        criteria: str | Sequence[str] = (),
        regions: bool = False,
        rationale: bool = False,
        raw_text: bool = False,
        on_failure: OnFailure = "raise",
        timeout: float | None = None,
    ) -> dict[str, Verdicts]: ...

    async def judge(
        self,
        items: Sequence[Item],
        *,
        judges: Judges | None = None,
        want: Want | WantName = "score",
        criteria: str | Sequence[str] = (),
        regions: bool = False,
        rationale: bool = False,
        raw_text: bool = False,
        on_failure: OnFailure = "raise",
        timeout: float | None = None,
    ) -> Verdicts | dict[str, Verdicts]:
        """Judge `items` and return the verdicts in their order; by judge for a list of judges.

        A str part of an item is text, never a path; parts may be PIL images, uint8 arrays, bytes
        or `Path`s beside contract Images. `regions`, `rationale` and `raw_text` ask for more than
        the values. Raises as `score`.
        """
        check_on_failure(on_failure)
        call = await self._call(
            partial(encode_items, items),
            judges,
            want,
            criteria,
            timeout,
            regions=regions,
            rationale=rationale,
            raw_text=raw_text,
        )
        verdicts = {v.judge: v.check(on_failure) for v in await self._verdicts(call)}
        return verdicts if isinstance(judges, list | tuple) else verdicts[call.judges[0]]

    async def stream(
        self,
        items: Sequence[Item],
        *,
        judges: Judges | None = None,
        want: Want | WantName = "score",
        criteria: str | Sequence[str] = (),
        regions: bool = False,
        rationale: bool = False,
        raw_text: bool = False,
        timeout: float | None = None,
    ) -> AsyncGenerator[Answer, None]:
        """Yield (index of the item, judge, verdict) as each is ready, in any order.

        Takes items as `judge` does. A verdict may be an error or an abstention: look at its
        `outcome`. Wrap in `contextlib.aclosing` to leave early and cancel the rest at once.
        """
        call = await self._call(
            partial(encode_items, items),
            judges,
            want,
            criteria,
            timeout,
            regions=regions,
            rationale=rationale,
            raw_text=raw_text,
        )
        answers = stream_batch(call)
        with self._doubting_limits():
            try:
                async for answer in answers:
                    yield answer
            finally:
                await answers.aclose()

    async def _verdicts(self, call: Call) -> list[Verdicts]:
        with self._doubting_limits():
            return await judge_batch(call)

    async def _call(
        self,
        encode: Callable[[], list[pb.Item]],
        judges: Judges | None,
        want: Want | WantName,
        criteria: str | Sequence[str],
        timeout: float | None,
        *,
        regions: bool = False,
        rationale: bool = False,
        raw_text: bool = False,
    ) -> Call:
        deadline = self._deadline(timeout)
        items = await asyncio.to_thread(encode)
        if not items:
            raise ValueError("nothing to judge: expected at least one item or pair")
        hosting = await self._known_hosting(deadline)
        template = request_without_items(
            chosen(judges, hosting, parse_want(want)),
            want,
            criteria,
            regions=regions,
            rationale=rationale,
            raw_text=raw_text,
        )
        parts = split(
            items, hosting.limits, envelope=template.ByteSize(), preferred=self._part_size
        )
        return Call(
            self._transport, template, items, parts, deadline, self._retries, self._in_flight
        )

    async def _known_hosting(self, deadline: Deadline) -> Hosting:
        return self._hosting or await self._list_judges(deadline)

    async def _list_judges(self, deadline: Deadline) -> Hosting:
        response = await retry(self._transport.list_judges, self._retries, deadline)
        self._hosting = hosting_from_proto(response)
        return self._hosting

    def _deadline(self, timeout: float | None) -> Deadline:
        if self._closed:
            raise RuntimeError("the client is closed: make a new one")
        return Deadline(self._timeout if timeout is None else timeout)

    @contextmanager
    def _doubting_limits(self) -> Iterator[None]:
        try:
            yield
        except RequestError:
            self._hosting = None  # a restarted server may host other judges within other limits
            raise
