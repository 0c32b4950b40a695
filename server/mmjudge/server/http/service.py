"""From an HTTP request to an HTTP reply: limits, deadline, cancellation, scores or a refusal."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from mmjudge.contract.errors import RequestError, ServerFault, Unavailable
from mmjudge.server.admission import Admission
from mmjudge.server.admittance import Admittance
from mmjudge.server.deadlines import deadline
from mmjudge.server.http.bodies import check_headers, discard_body, read_body
from mmjudge.server.http.failures import Told, told
from mmjudge.server.http.protocol import Asked, Endpoint
from mmjudge.server.http.scoring import Batch, NotScored, batches, score
from mmjudge.server.metrics import Metrics

# What nginx calls a request whose client is gone; nobody reads it but the metrics.
CLIENT_GONE = 499

logger = logging.getLogger(__name__)


class HttpService(Admittance):
    """Answers once `answerer` is set, until `draining`; refuses with 503 before and after."""

    def __init__(
        self, admission: Admission, metrics: Metrics, max_bytes: int, timeout: float
    ) -> None:
        super().__init__()
        self._admission, self._metrics = admission, metrics
        self._max_bytes, self._timeout = max_bytes, timeout
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="http")

    def close(self) -> None:
        """End the thread that reads bodies."""
        self._threads.shutdown(cancel_futures=True)

    async def respond(self, endpoint: Endpoint, request: Request) -> Response:
        """Answer one request, whatever happens to it."""
        try:
            with self._counted():
                body = await self._answer(endpoint, request)
            return self._response(endpoint, Told(200, {}, body))
        except asyncio.CancelledError:
            if not self.draining:
                raise
            # The server's last words; the rest of the body will not come any more.
            error: RequestError | NotScored = Unavailable("the server stopped before it was done")
            return self._response(endpoint, told(error, endpoint.overloaded))
        except ClientDisconnect:
            return self._response(endpoint, Told(CLIENT_GONE, {}, {}))
        except (RequestError, NotScored) as refused:
            error = refused
        except Exception as fault:
            logger.error("POST %s failed", endpoint.path, exc_info=fault)
            error = ServerFault(f"{type(fault).__name__} in the server; its log has the details")
        await discard_body(request)
        return self._response(endpoint, told(error, endpoint.overloaded))

    def _response(self, endpoint: Endpoint, reply: Told) -> Response:
        self._metrics.request(f"POST {endpoint.path}", str(reply.status))
        data = endpoint.format.encode(reply.body)
        return Response(data, reply.status, reply.headers, endpoint.format.media_types[0])

    async def _answer(self, endpoint: Endpoint, request: Request) -> Any:
        answerer = self._ready()
        async with deadline(self._timeout):
            size = check_headers(request, endpoint.format.media_types, self._max_bytes)
            # Until it is a request of the engine's own, which admits it by itself.
            with self._admission.admit_bytes(size):
                data = await read_body(request, self._max_bytes)
                loop = asyncio.get_running_loop()
                asked, requests = await loop.run_in_executor(self._threads, _read, endpoint, data)
                del data
            answer = asyncio.create_task(score(answerer, asked.questions, requests))
            await _while_connected(request, answer)
            return asked.reply(answer.result())


def _read(endpoint: Endpoint, data: bytes) -> tuple[Asked, list[Batch]]:
    asked = endpoint.read(endpoint.format.decode(data))
    return asked, batches(asked.questions)


async def _while_connected(request: Request, answer: asyncio.Task[Any]) -> None:
    """Wait for the answer; cancel it and raise `ClientDisconnect` if its client goes away."""
    gone = asyncio.create_task(_disconnected(request))
    try:
        await asyncio.wait([answer, gone], return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise ClientDisconnect
    finally:
        for task in (answer, gone):
            task.cancel()
        await asyncio.wait([answer, gone])
        if not answer.cancelled():
            answer.exception()  # seen, even if this wait was cancelled itself


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
