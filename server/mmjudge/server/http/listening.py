"""The HTTP server beside the gRPC one: same process, same event loop, same engine."""

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from mmjudge.server.config import ServerConfig
from mmjudge.server.engine import Engine
from mmjudge.server.http.app import app, endpoints
from mmjudge.server.http.config import check_scores, host_and_port, is_loopback
from mmjudge.server.http.service import HttpService
from mmjudge.server.strict import ConfigError

BACKLOG = 2048
# Longer than clients keep theirs: a connection that the server drops first may be in use just then.
KEEP_ALIVE_SECONDS = 75

logger = logging.getLogger(__name__)


class HttpServer:
    """`start`, then `open`, then `drain` and `stop`."""

    def __init__(self, config: ServerConfig, engine: Engine) -> None:
        self.address = config.http.address
        self._config, self._engine = config.http, engine
        self._service = HttpService(
            engine.admission,
            engine.metrics,
            config.limits.max_message_bytes,
            config.http.timeout,
        )
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Bind and answer, with 503 until `open`; raises `ConfigError` if the address is taken."""
        listener = self._bound()
        host, port = listener.getsockname()[:2]
        self.address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if not is_loopback(host):
            logger.warning(
                "http.address: %s can be reached from other machines, without TLS and without "
                "authentication: anyone who can connect can have things judged",
                self.address,
            )
        self._server = _Server(
            uvicorn.Config(
                app(self._config, self._service),
                lifespan="off",
                ws="none",
                proxy_headers=False,
                log_config=None,
                log_level=logging.WARNING,
                access_log=False,
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                backlog=BACKLOG,
            )
        )
        self._serving = asyncio.create_task(self._server.serve([listener]))

    def open(self) -> None:
        """Answer requests from now on; raises `ConfigError` if a judge gives no scores."""
        check_scores(self._config, self._engine.host.judges)
        self._service.answerer = self._engine.answerer
        served = ", ".join(f"POST {one.path}" for one in endpoints(self._config))
        logger.info("serving %s on http://%s", served, self.address)

    async def drain(self, grace: float) -> None:
        """Refuse new requests with 503, wait for running ones `grace` seconds at most."""
        self._service.draining = True
        await self._service.idle(grace)

    async def stop(self, last_words: float) -> None:
        """Stop listening, give replies `last_words` seconds to be sent, close all connections."""
        if self._server and self._serving:
            self._server.config.timeout_graceful_shutdown = max(1, round(last_words))
            self._server.should_exit = True
            await self._serving
        self._service.close()

    def _bound(self) -> socket.socket:
        host, port = host_and_port(self._config.address)
        try:
            # All interfaces of a family at most: two families would take two ports for port 0.
            (family, _, _, _, address), *_ = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
            listener = socket.create_server(address[:2], family=family, backlog=BACKLOG)
        except OSError as error:
            message = f"http.address: cannot listen on {self._config.address!r}: {error.strerror}"
            raise ConfigError(message) from error
        bound = listener.getsockname()[0]
        if self._config.judges.pickle and not is_loopback(bound):
            listener.close()
            raise ConfigError(f"http.allow_pickle: {host!r} is {bound} here, which is no loopback")
        return listener


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process, which stops this server in its turn."""
        yield
