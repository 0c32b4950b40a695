"""The network transport: one gRPC channel, opened at the first call."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import grpc

from mmjudge.client.grpc_errors import request_error
from mmjudge.v1 import judge_pb2 as pb
from mmjudge.v1.judge_pb2_grpc import JudgeServiceStub

Metadata = Sequence[tuple[str, str | bytes]]

_OPTIONS: list[tuple[str, Any]] = [
    # The server's declared limit bounds what is sent; what it answers is never too much.
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # Retries are ours: gRPC's own know neither RetryInfo nor what a streamed part still lacks.
    ("grpc.enable_retries", 0),
    ("grpc.service_config", '{"methodConfig": [{"name": [{}]}]}'),
    # Servers may take pings closer than 5 minutes for abuse, and balancers drop a connection
    # after 350 s of silence: in between.
    ("grpc.keepalive_time_ms", 310_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # The default of up to two minutes would outlast every retry when a server restarts.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # A cluster's http_proxy is for the web; behind it the training node cannot reach its judges.
    ("grpc.enable_http_proxy", 0),
]


class GrpcTransport:
    """Reaches the server at `address` ("host:port" or "unix:path"), with TLS given `credentials`.

    `metadata` goes with every call, `options` are gRPC channel options that override ours. Belongs
    to the event loop of its first call; RuntimeError in another one, ValueError for a URL.
    """

    def __init__(
        self,
        address: str,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        metadata: Metadata = (),
        options: Sequence[tuple[str, Any]] = (),
    ) -> None:
        if address.startswith(("http://", "https://")):
            raise ValueError(
                f"address {address!r} is a URL, expected 'host:port': leave out the scheme, and "
                "pass `credentials=grpc.ssl_channel_credentials()` for TLS"
            )
        self.address = address
        self._credentials = credentials
        self._metadata = tuple(metadata)
        self._options = list({**dict(_OPTIONS), **dict(options)}.items())
        self._channel: grpc.aio.Channel | None = None
        self._stub: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    async def list_judges(self, timeout: float) -> pb.ListJudgesResponse:
        """Call `ListJudges`."""
        with self._errors():
            response: pb.ListJudgesResponse = await self._open().ListJudges(
                pb.ListJudgesRequest(), **self._terms(timeout)
            )
            return response

    async def judge(self, request: pb.JudgeRequest, timeout: float) -> pb.JudgeResponse:
        """Call `Judge`."""
        with self._errors():
            response: pb.JudgeResponse = await self._open().Judge(request, **self._terms(timeout))
            return response

    async def judge_stream(
        self, request: pb.JudgeStreamRequest, timeout: float
    ) -> AsyncIterator[pb.JudgeStreamResponse]:
        """Call `JudgeStream`."""
        with self._errors():
            call = self._open().JudgeStream(request, **self._terms(timeout))
            try:
                async for response in call:
                    yield response
            finally:
                call.cancel()

    async def close(self) -> None:
        """Close the channel; calls still running end with RuntimeError."""
        self._closed = True
        if self._channel is not None:
            await self._channel.close()

    def _open(self) -> Any:
        if self._closed:
            raise RuntimeError("the client is closed: make a new one")
        loop = asyncio.get_running_loop()
        if self._stub is None:
            if self._credentials is None:
                channel = grpc.aio.insecure_channel(self.address, self._options)
            else:
                channel = grpc.aio.secure_channel(self.address, self._credentials, self._options)
            self._channel, self._stub, self._loop = channel, JudgeServiceStub(channel), loop
        elif loop is not self._loop:
            raise RuntimeError(
                "the client belongs to the event loop of its first call, and this is another one: "
                "make one AsyncClient a loop, or use Client from anywhere"
            )
        return self._stub

    def _terms(self, timeout: float) -> dict[str, Any]:
        return {"timeout": timeout, "metadata": self._metadata}

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except grpc.aio.AioRpcError as error:
            raise request_error(error, self.address) from error
        except asyncio.CancelledError:
            task = asyncio.current_task()
            # Closing a channel cancels its calls, and nobody asked the waiting task to end.
            if self._closed and task is not None and not task.cancelling():
                raise RuntimeError("the client was closed while the call was running") from None
            raise
