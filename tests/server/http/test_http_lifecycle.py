"""The HTTP side starts and ends with its server, and is not there when nobody asked for it."""

import asyncio
import logging
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.server.fakes import GUARD, until, within
from tests.server.grpc_fixtures import config, operation
from tests.server.http.http_fixtures import (
    HttpPeer,
    TellingJudge,
    http_config,
    item_score,
    serving_http,
)

from mmjudge.judges.judge import Host
from mmjudge.server.http.config import HttpConfig, HttpJudges
from mmjudge.server.serving import Server
from mmjudge.server.strict import ConfigError

ROOT = Path(__file__).resolve().parents[3]
SAMPLE = {"prompt": "a", "response": "b"}


class Loading(TellingJudge):
    """A judge that takes for ever to load."""

    finish: ClassVar[threading.Event] = threading.Event()

    def __init__(self, name: str, options: Any, backbone: Any, host: Host) -> None:
        self.finish.wait(GUARD)
        super().__init__(name, options, backbone, host)


async def test_while_judges_load_it_answers_and_says_so() -> None:
    Loading.finish.clear()
    server = Server(http_config(kind=f"{__name__}:Loading"))
    starting = asyncio.create_task(server.start())
    try:
        await until(lambda: bool(server.http and not server.http.address.endswith(":0")))
        http = HttpPeer(server, None)  # type: ignore[arg-type]
        health = await http.get("/health")
        assert (health.status, health.json["status"]) == (503, "loading")
        reply = await http.post("/slime", SAMPLE)
        assert (reply.status, reply.headers["retry-after"]) == (503, "1")
        assert "loading" in reply.json["error"]
        Loading.finish.set()
        await within(starting)
        assert (await http.get("/health")).json["status"] == "ok"
        assert (await http.post("/slime", SAMPLE)).json == item_score("a", candidate="b")
    finally:
        Loading.finish.set()
        await asyncio.wait([starting])
        await within(server.stop(0))


async def test_at_the_end_running_requests_finish_and_new_ones_are_refused() -> None:
    op = operation("fake")
    async with serving_http() as http:
        op.gate.clear()
        before = len(op.forwards)
        running = asyncio.create_task(http.post("/slime", SAMPLE))
        await until(lambda: len(op.forwards) > before)
        stopping = asyncio.create_task(http.server.stop(GUARD))
        await asyncio.sleep(0)
        late = await http.post("/slime", SAMPLE)
        assert (late.status, late.json["error"]) == (503, "the server is stopping")
        assert (await http.get("/health")).json["status"] == "stopping"
        assert not stopping.done()
        op.gate.set()
        assert (await within(running)).json == item_score("a", candidate="b")
        await within(stopping)
        with pytest.raises(ConnectionRefusedError):
            await http.get("/health")


async def test_what_is_left_at_the_end_is_told_that_it_was_not_done() -> None:
    op = operation("fake")
    async with serving_http() as http:
        op.gate.clear()
        before = len(op.forwards)
        running = asyncio.create_task(http.post("/slime", SAMPLE))
        await until(lambda: len(op.forwards) > before)
        waiting = asyncio.create_task(http.post("/slime", {"prompt": "c", "response": "d"}))
        await until(lambda: http.grpc.pending == 2)
        stopping = asyncio.create_task(http.server.stop(0))
        assert (await within(waiting)).status == 503
        op.gate.set()
        await within(stopping)
        assert (await within(running)).status in (200, 503)


async def test_a_body_that_never_ends_does_not_keep_the_server(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving_http() as http:
        reader, writer = await asyncio.open_connection(*http.address.split(":"))
        head = b"POST /slime HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        writer.write(head + b"Content-Length: 1000\r\n\r\n{")
        await writer.drain()
        registry = http.server.engine.metrics.registry
        await until(lambda: registry.get_sample_value("mmjudge_pending_bytes") == 1000)
        await within(http.server.stop(0))
        assert b" 503 " in await within(reader.readline())
        writer.close()
    assert "Exception in ASGI application" not in caplog.text


async def test_a_taken_address_is_told_before_anything_is_loaded() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConfigError, match=f"http.address: cannot listen on '{address}'"):
            async with serving_http(http_config({"address": address}, kind="not:loaded")):
                pass


@pytest.mark.parametrize("address", ["0.0.0.0:0", "127.0.0.1:0"])
async def test_an_address_for_other_machines_is_warned_of(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"address": address, "judges": HttpJudges(slime="fake"), "allow_pickle": False}
    async with serving_http(http_config(settings)):
        pass
    warned = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert [("without TLS" in message) for message in warned] == [True] * address.startswith("0")


async def test_a_server_without_http_has_none() -> None:
    server = Server(config())
    await within(server.start())
    assert server.http is None
    await within(server.stop(0))


async def test_an_empty_address_turns_it_off() -> None:
    settings = HttpConfig(address="", judges=HttpJudges(slime="fake"))
    server = Server(config(http=settings))
    await within(server.start())
    assert server.http is None
    await within(server.stop(0))


OFF = """
import asyncio, sys
from tests.server.grpc_fixtures import config
from mmjudge.server.serving import Server

async def main():
    server = Server(config())
    await server.start()
    await server.stop(0)

asyncio.run(main())
found = [n for n in sys.modules if n.split(".")[0] in ("starlette", "uvicorn")]
found += [n for n in sys.modules if n.startswith("mmjudge.server.http.")]
print(sorted(found))
"""


def test_nothing_of_it_is_imported_when_it_is_off() -> None:
    done = subprocess.run(
        [sys.executable, "-c", OFF], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.stdout == "['mmjudge.server.http.config']\n", done.stderr


async def test_without_the_extra_the_fix_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    for name in [name for name in sys.modules if name.startswith("mmjudge.server.http.l")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ConfigError, match=r"pip install 'mmjudge\[server,http\]'"):
        async with serving_http():
            pass
