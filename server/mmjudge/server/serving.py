"""One server from start to stop: gRPC, health, reflection, judges, and an orderly end."""

import asyncio
import logging
from typing import TYPE_CHECKING

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from mmjudge.server.config import ServerConfig
from mmjudge.server.engine import Engine
from mmjudge.server.grpc_service import SERVICE, GrpcService
from mmjudge.server.http.config import check_http
from mmjudge.server.strict import ConfigError

if TYPE_CHECKING:
    from mmjudge.server.http.listening import HttpServer

# What surrounds the items of a message at the limit.
FRAME_BYTES = 64 * 1024
# What handlers get to send their refusals, once their work has been failed.
LAST_WORDS = 2.0

logger = logging.getLogger(__name__)


class Server:
    """`start`, then `wait` until something ends it, then `stop`."""

    def __init__(self, config: ServerConfig) -> None:
        self.address = config.address
        self.engine = Engine(config)
        self._config = config
        self.http: HttpServer | None = None
        self._service = GrpcService(self.engine.metrics)
        self._health = health.aio.HealthServicer()
        self._server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", config.limits.max_message_bytes + FRAME_BYTES),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),  # a second server on a taken port must fail, not share
            ]
        )
        self._server.add_generic_rpc_handlers((self._service.handler(),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection(
            (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server
        )

    async def start(self) -> None:
        """Bind, load and warm up; health says SERVING, overall and for each judge, when done.

        Raises `ConfigError` when an address is taken or none, and what `Engine.start` raises.
        """
        check_http(self._config.http, self._config.judges)
        address = self._config.address
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65535:  # gRPC would wrap it round
            raise ConfigError(f"address: {address!r}, expected host:port with a port up to 65535")
        try:
            bound = self._server.add_insecure_port(address)
        except RuntimeError as error:
            message = f"address: cannot listen on {address!r}: taken, or not of this machine"
            raise ConfigError(message) from error
        self.address = f"{host}:{bound}"
        await self._tell_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        await self._server.start()
        if self._config.metrics_address:
            self._serve_metrics(self._config.metrics_address)
        if self._config.http.on:
            self.http = _http_server(self._config, self.engine)
            await self.http.start()
        await self.engine.start()
        if self.http:
            self.http.open()
        self._service.answerer = self.engine.answerer
        await self._tell_health(health_pb2.HealthCheckResponse.SERVING)
        logger.info("serving %s on %s", ", ".join(self.engine.host.judges), self.address)

    async def device_lost(self) -> str:
        """Return the name of the first device that is lost, when it is."""
        waits = {
            asyncio.create_task(device.lost.wait()): name
            for name, device in self.engine.host.devices.items()
        }
        if not waits:
            await asyncio.Event().wait()  # no device, none to lose
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
        return waits[done.pop()]

    async def stop(self, grace: float | None = None) -> None:
        """Refuse new requests, give running ones `grace` seconds, fail the rest with UNAVAILABLE.

        `grace` defaults to the configured one.
        """
        self._service.draining = True
        await self._health.enter_graceful_shutdown()
        grace = self._config.grace if grace is None else grace
        await asyncio.gather(
            self._service.idle(grace), *([self.http.drain(grace)] if self.http else [])
        )
        await self.engine.close()
        await asyncio.gather(
            self._server.stop(LAST_WORDS), *([self.http.stop(LAST_WORDS)] if self.http else [])
        )

    async def _tell_health(self, status: int) -> None:
        for name in ("", SERVICE, *self._config.judges):
            await self._health.set(name, status)

    def _serve_metrics(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        try:
            self.engine.metrics.serve(host, int(port))
        except (OSError, ValueError) as error:
            raise ConfigError(f"metrics_address: {address!r}: {error}") from error


def _http_server(config: ServerConfig, engine: Engine) -> "HttpServer":
    # Only where it is asked for: the packages under it belong to an extra of their own.
    try:
        from mmjudge.server.http.listening import HttpServer
    except ImportError as error:
        if (error.name or "").startswith("mmjudge"):
            raise
        message = f"http: needs more packages ({error}): pip install 'mmjudge[server,http]'"
        raise ConfigError(message) from error
    return HttpServer(config, engine)
