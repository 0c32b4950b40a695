"""JudgeService over grpc.aio: bytes to `Answerer` and back, errors to statuses."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NoReturn, TypeVar

import grpc

from mmjudge.contract.errors import RequestError, ServerFault, Unavailable
from mmjudge.server.admittance import Admittance
from mmjudge.server.metrics import Metrics
from mmjudge.server.status import status_of
from mmjudge.v1 import judge_pb2 as pb

SERVICE = pb.DESCRIPTOR.services_by_name["JudgeService"].full_name

logger = logging.getLogger(__name__)

T = TypeVar("T")
Context = grpc.aio.ServicerContext[Any, Any]


class GrpcService(Admittance):
    """Answers once `answerer` is set, until `draining`; refuses with UNAVAILABLE before and after.

    Requests arrive as bytes, so that what protobuf cannot parse is answered like any other mistake
    and parsing happens off the event loop.
    """

    def __init__(self, metrics: Metrics) -> None:
        super().__init__()
        self._metrics = metrics

    def handler(self) -> grpc.GenericRpcHandler:
        """The RPCs by name, for `grpc.aio.Server.add_generic_rpc_handlers`."""
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "ListJudges": grpc.unary_unary_rpc_method_handler(
                    self._list_judges,
                    response_serializer=pb.ListJudgesResponse.SerializeToString,
                ),
                "Judge": grpc.unary_unary_rpc_method_handler(
                    self._judge, response_serializer=pb.JudgeResponse.SerializeToString
                ),
                "JudgeStream": grpc.unary_stream_rpc_method_handler(
                    self._judge_stream,
                    response_serializer=pb.JudgeStreamResponse.SerializeToString,
                ),
            },
        )

    async def _list_judges(self, data: bytes, context: Context) -> pb.ListJudgesResponse:
        async def answer() -> pb.ListJudgesResponse:
            return self._ready().list_judges()

        return await self._guarded("ListJudges", answer, context)

    async def _judge(self, data: bytes, context: Context) -> pb.JudgeResponse:
        return await self._guarded(
            "Judge", lambda: self._ready().judge(data, context.time_remaining()), context
        )

    async def _judge_stream(
        self, data: bytes, context: Context
    ) -> AsyncIterator[pb.JudgeStreamResponse]:
        try:
            with self._counted():
                async for response in self._ready().judge_stream(data, context.time_remaining()):
                    yield response
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - RPC boundary
            await self._abort("JudgeStream", error, context)
        self._metrics.request("JudgeStream", "OK")

    async def _guarded(
        self, method: str, answer: Callable[[], Awaitable[T]], context: Context
    ) -> T:
        try:
            with self._counted():
                response = await answer()
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - RPC boundary
            await self._abort(method, error, context)
        self._metrics.request(method, "OK")
        return response

    async def _abort(
        self, method: str, error: Exception | asyncio.CancelledError, context: Context
    ) -> NoReturn:
        if isinstance(error, asyncio.CancelledError):
            if not self.draining:  # the caller is gone
                self._metrics.request(method, "CANCELLED")
                raise error
            # A handler that ends in CancelledError leaves a grpc.aio client waiting for ever.
            error = Unavailable("the server stopped before it was done")
        if not isinstance(error, RequestError):
            logger.error("%s failed", method, exc_info=error)
            error = ServerFault(f"{type(error).__name__} in the server; its log has the details")
        code, message, details = status_of(error)
        self._metrics.request(method, code.name)
        await context.abort(code, message, details)
        raise AssertionError("abort returns never")
