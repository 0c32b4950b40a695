"""The client for code without an event loop, and for notebooks that have one of their own."""

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self, cast, overload

import grpc

from mmjudge.client.asking import Judges, WantName
from mmjudge.client.async_client import AsyncClient
from mmjudge.client.failing import OnFailure
from mmjudge.client.grpc_transport import Metadata
from mmjudge.client.loop_thread import LoopThread
from mmjudge.client.pairing import Images, Texts
from mmjudge.client.results import Scores, Verdicts
from mmjudge.client.retrying import DEFAULT_RETRIES, Retries
from mmjudge.client.splitting import DEFAULT_PART_SIZE, PartSize
from mmjudge.client.streaming import Answer
from mmjudge.client.sync_rewards import SyncRewards
from mmjudge.contract import Hosting, Item, Want


class Client(SyncRewards):
    """`AsyncClient` for plain functions: the same arguments, methods and errors.

    One client may serve many threads, and works inside a running event loop, which it blocks.
    Ctrl-C cancels the call. After a fork, and after `close`, it raises RuntimeError.
    `factory` makes the AsyncClient to run, in place of all other arguments; it is called once, on
    the client's own loop.
    """

    def __init__(
        self,
        address: str = "127.0.0.1:50051",
        *,
        timeout: float = 60.0,
        retries: Retries = DEFAULT_RETRIES,
        credentials: grpc.ChannelCredentials | None = None,
        metadata: Metadata = (),
        part_size: PartSize = DEFAULT_PART_SIZE,
        in_flight: int = 4,
        factory: Callable[[], AsyncClient] | None = None,
    ) -> None:
        async def make() -> AsyncClient:
            if factory is not None:
                return factory()
            return AsyncClient(
                address,
                timeout=timeout,
                retries=retries,
                credentials=credentials,
                metadata=metadata,
                part_size=part_size,
                in_flight=in_flight,
            )

        async def nothing() -> None: ...

        self._loop = LoopThread()
        with ExitStack() as undo:
            undo.callback(self._loop.close, nothing)
            self._client = self._loop.run(make)
            undo.pop_all()
        # A client that nobody closes must not keep the process from ending, nor outlive it.
        self._finish = weakref.finalize(self, self._loop.close, self._client.close, patience=5.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection and end the calls still running; closing twice does nothing."""
        self._finish.detach()
        self._loop.close(self._client.close)

    def list_judges(self, *, timeout: float | None = None) -> Hosting:
        """Return the judges the server hosts by name, its limits and its version."""
        return self._loop.run(lambda: self._client.list_judges(timeout=timeout))

    def wait_until_ready(self, timeout: float | None = None) -> Hosting:
        """Wait for the server and return what it hosts, as `AsyncClient.wait_until_ready`."""
        return self._loop.run(lambda: self._client.wait_until_ready(timeout))

    @overload
    def score(
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
    def score(
        self,
        images: Images,
        texts: Texts,
        *,
        judges: list[str] | tuple[str, ...],
        criteria: str | Sequence[str] = (),
        on_failure: OnFailure = "raise",
        timeout: float | None = None,
    ) -> dict[str, Scores]: ...

    def score(
        self,
        images: Images,
        texts: Texts,
        *,
        judges: Judges | None = None,
        criteria: str | Sequence[str] = (),
        on_failure: OnFailure = "raise",
        timeout: float | None = None,
    ) -> Scores | dict[str, Scores]:
        """Score each image with its text: float32 `[n]`, as `AsyncClient.score`."""
        either = cast(Any, judges)  # the overloads want to know which
        scores: Scores | dict[str, Scores] = self._loop.run(
            lambda: self._client.score(
                images,
                texts,
                judges=either,
                criteria=criteria,
                on_failure=on_failure,
                timeout=timeout,
            )
        )
        return scores

    @overload
    def judge(
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
    def judge(
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

    def judge(
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
        """Judge `items` and return the verdicts in their order, as `AsyncClient.judge`."""
        either = cast(Any, judges)  # the overloads want to know which
        verdicts: Verdicts | dict[str, Verdicts] = self._loop.run(
            lambda: self._client.judge(
                items,
                judges=either,
                want=want,
                criteria=criteria,
                regions=regions,
                rationale=rationale,
                raw_text=raw_text,
                on_failure=on_failure,
                timeout=timeout,
            )
        )
        return verdicts

    def stream(
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
    ) -> Iterator[Answer]:
        """Yield (index of the item, judge, verdict) as each is ready, as `AsyncClient.stream`."""
        answers = self._client.stream(
            items,
            judges=judges,
            want=want,
            criteria=criteria,
            regions=regions,
            rationale=rationale,
            raw_text=raw_text,
            timeout=timeout,
        )

        async def following() -> Answer | None:
            return await anext(answers, None)

        try:
            while (answer := self._loop.run(following)) is not None:
                yield answer
        finally:
            # Not waited for: a generator may be collected on any thread, the loop's own included.
            self._loop.start(answers.aclose)
