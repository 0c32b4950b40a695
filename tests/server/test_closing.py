"""Backbones that hold connections are closed with the host."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from tests.server.fakes import FakeJudge, within
from tests.server.grpc_fixtures import config, operation, serving

from mmjudge.judges.judge import Closing, Host
from mmjudge.server.host import WarmUpFailed
from mmjudge.server.running import run_server


class Connection:
    """A backbone that remembers on which loops it was closed."""

    def __init__(self) -> None:
        self.closed: list[asyncio.AbstractEventLoop] = []

    async def aclose(self) -> None:
        """Take a while."""
        await asyncio.sleep(0)
        self.closed.append(asyncio.get_running_loop())


@dataclass(frozen=True, slots=True)
class Where:
    """What a connection is shared by."""

    place: str = "there"


CONNECTIONS: dict[str, Connection] = {}


def connect(where: Where) -> Connection:
    """A new connection, to be found by its place."""
    CONNECTIONS[where.place] = Connection()
    return CONNECTIONS[where.place]


class Connected(FakeJudge):
    """A judge with a connection beside its operation."""

    def __init__(self, name: str, options: Any, backbone: Any, host: Host) -> None:
        super().__init__(name, options, backbone, host)
        host.backbone(Where(), connect)


KIND = f"{__name__}:Connected"


async def test_a_connection_is_closed_once_on_the_servers_loop_when_it_stops() -> None:
    async with serving(config("a", "b", kind=KIND)) as peer:
        connection = CONNECTIONS["there"]
        assert isinstance(connection, Closing) and not connection.closed
        assert set(peer.server.engine.host.judges) == {"a", "b"}
    assert connection.closed == [asyncio.get_running_loop()]


async def test_a_connection_is_closed_though_the_start_failed() -> None:
    operation().fault = lambda batch: ValueError()
    with pytest.raises(WarmUpFailed):
        await within(run_server(config(kind=KIND), lambda server: None))
    assert CONNECTIONS["there"].closed == [asyncio.get_running_loop()]
