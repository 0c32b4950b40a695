"""A server process: how it starts, and the ways in which it ends."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import grpc
import pytest
import torch
from grpc import StatusCode
from tests.server.fakes import (
    GUARD,
    FakeJudge,
    score_of,
    settle,
    text_item,
    until,
    within,
)
from tests.server.grpc_fixtures import config, connected, operation, request, value

from mmjudge.contract.errors import ItemError, SetupError, invalid
from mmjudge.contract.items import Ask, Item
from mmjudge.contract.verdicts import Judgement, Score, Verdict
from mmjudge.judges.judge import Host
from mmjudge.server.config import ServerConfig
from mmjudge.server.host import WarmUpFailed
from mmjudge.server.running import DeviceLost, run_server
from mmjudge.server.serving import Server
from mmjudge.server.strict import ConfigError

ROOT = Path(__file__).resolve().parents[2]


class Run:
    """`run_server` in a task, and its server once it is ready."""

    def __init__(self, settings: ServerConfig) -> None:
        self.servers: list[Server] = []
        self.task = asyncio.create_task(run_server(settings, self.servers.append))

    async def ready(self) -> Server:
        """The server, when health is SERVING."""
        await until(lambda: bool(self.servers) or self.task.done())
        if not self.servers:
            await self.task
        return self.servers[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_lets_running_work_finish_and_ends_in_order(number: signal.Signals) -> None:
    op = operation()
    run = Run(config())
    async with connected(await run.ready()) as peer:
        op.gate.clear()
        call = peer.stub.Judge(request(text_item("running")))
        await until(lambda: op.forwarded[-1] == "running")
        os.kill(os.getpid(), number)
        await settle()
        assert not run.task.done()
        op.gate.set()
        assert value((await within(call)).results[0].verdicts[0]) == score_of("running")
        await within(run.task)


async def test_a_lost_device_ends_the_process_with_its_name() -> None:
    op = operation(device="cuda:0")
    run = Run(config())
    async with connected(await run.ready()) as peer:
        op.fault = lambda batch: torch.AcceleratorError("illegal address")
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await peer.judge(text_item("fatal"))
        assert raised.value.code() is StatusCode.UNAVAILABLE
        with pytest.raises(DeviceLost, match="cuda:0"):
            await within(run.task)


async def test_a_lost_device_does_not_wait_for_work_that_will_not_come() -> None:
    healthy, broken = operation("healthy"), operation("broken", device="cuda:0")
    run = Run(config("healthy", "broken", grace=1e6))
    async with connected(await run.ready()) as peer:
        healthy.gate.clear()
        call = peer.stub.Judge(request(text_item("a"), text_item("b"), judges=["healthy"]))
        await until(lambda: healthy.forwarded[-1] in "ab")
        broken.fault = lambda batch: torch.AcceleratorError("illegal address")
        fatal = peer.stub.Judge(request(text_item("fatal"), judges=["broken"]))
        with pytest.raises(grpc.aio.AioRpcError):
            await within(fatal)
        with pytest.raises(grpc.aio.AioRpcError):
            await within(peer.stub.Judge(request(text_item("late"), judges=["healthy"])))
        healthy.gate.set()
        await within(asyncio.gather(call, return_exceptions=True))
        with pytest.raises(DeviceLost):
            await within(run.task)


class Remote(FakeJudge):
    """A judge whose model is elsewhere: nothing of it runs on a device."""

    def __init__(self, name: str, options: Any, backbone: Any, host: Host) -> None:
        class Nowhere:
            def backbone(self, config: Any, load: Callable[[Any], Any]) -> Any:
                return load(config)

            def serve(self, operation: Any) -> Any:
                return operation

        super().__init__(name, options, backbone, Nowhere())

    async def judge(self, item: Item, ask: Ask) -> Verdict:
        """1.0 for everything."""
        return Verdict(Judgement(tuple(Score(1.0) for _ in item.candidates)))


async def test_judges_without_a_device_are_served_like_others() -> None:
    run = Run(config(kind=f"{__name__}:Remote"))
    async with connected(await run.ready()) as peer:
        await settle()
        assert not run.task.done()
        assert value((await peer.judge(text_item("a")))[0]) == 1.0
    os.kill(os.getpid(), signal.SIGTERM)
    await within(run.task)


class Loading(FakeJudge):
    """A judge that takes for ever to load."""

    begun: ClassVar[threading.Event] = threading.Event()
    finish: ClassVar[threading.Event] = threading.Event()

    def __init__(self, name: str, options: Any, backbone: Any, host: Host) -> None:
        self.begun.set()
        print("loading", flush=True)  # noqa: T201 - read by the test that runs it as a process
        self.finish.wait(3 * GUARD)
        super().__init__(name, options, backbone, host)


def start_process(kind: str) -> subprocess.Popen[str]:
    code = f"""
import asyncio
from tests.server.grpc_fixtures import config
from mmjudge.server.running import run_server
asyncio.run(run_server(config(kind={kind!r}), lambda server: print("ready", flush=True)))
"""
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=-1, stderr=-1)


@pytest.mark.parametrize(
    ("kind", "moment"),
    [("tests.server.fakes:FakeJudge", "ready"), (f"{__name__}:Loading", "loading")],
)
def test_sigterm_ends_the_process_without_an_error(kind: str, moment: str) -> None:
    with start_process(kind) as process:
        try:
            assert process.stdout and process.stdout.readline() == f"{moment}\n"
            process.terminate()
            _, complaints = process.communicate(timeout=GUARD)
        finally:
            process.kill()
    assert process.returncode == 0, complaints
    assert "Traceback" not in complaints


def test_a_second_signal_does_not_wait_for_running_requests() -> None:
    code = """
import asyncio
from tests.server.grpc_fixtures import config
from mmjudge.server.running import run_server
def ready(server):
    server.held = server._service._counted()  # a request that never ends
    server.held.__enter__()
    print("ready", flush=True)
asyncio.run(run_server(config(grace=3600.0), ready))
"""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=ROOT, text=True, stdout=-1, stderr=-1) as process:
        try:
            assert process.stdout and process.stdout.readline() == "ready\n"
            for _ in range(int(GUARD)):
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(1)
                    break
            assert process.returncode == -signal.SIGTERM
        finally:
            process.kill()


class Failing(FakeJudge):
    """A judge that cannot score its own example."""

    failure: ClassVar[Any] = None

    async def judge(self, item: Item, ask: Ask) -> Verdict:
        """What the test put into `failure`."""
        if isinstance(self.failure, Exception):
            raise self.failure
        verdict: Verdict = self.failure
        return verdict


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (invalid("TEXT_BAD", "too short", "prompt[0]"), "prompt[0]: too short"),
        (Verdict(invalid("TEXT_BAD", "too short").error), "too short"),
        (KeyError("weights"), "KeyError; see the log"),
        (Verdict(Judgement((Score(float("nan")),))), "NaN"),
        (Verdict(Judgement(())), "0 scores for 1 candidates"),
    ],
)
async def test_a_judge_that_fails_its_own_example_stops_the_start(
    failure: object, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Failing, "failure", failure)
    with pytest.raises(WarmUpFailed) as raised:
        await within(run_server(config(kind=f"{__name__}:Failing"), lambda server: None))
    assert str(raised.value).startswith("judge fake: ") and told in str(raised.value)
    assert isinstance(raised.value, SetupError) and not isinstance(raised.value, ItemError)


async def test_a_device_that_is_lost_in_the_warm_up_stops_the_start() -> None:
    operation().fault = lambda batch: torch.AcceleratorError("illegal address")
    with pytest.raises(WarmUpFailed, match="judge fake: device cpu is lost"):
        await within(run_server(config(), lambda server: None))


class Unfit(FakeJudge):
    """A judge that refuses its options."""

    def __init__(self, name: str, options: Any, backbone: Any, host: Host) -> None:
        raise ValueError("template 'x': expected {text} in it once")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (config(judges={"a": {"kind": "clpi"}}), "judges.a.kind: no kind of judge is called"),
        (config("a", kind=f"{__name__}:Unfit"), "judges.a: template 'x': expected {text} in it"),
        (config(address="not an address"), "address: 'not an address', expected host:port"),
        (config(address="127.0.0.1:99999"), "address: '127.0.0.1:99999', expected host:port"),
        (config(address="192.0.2.1:0"), "address: cannot listen on '192.0.2.1:0'"),
        (config(metrics_address="127.0.0.1:x"), "metrics_address: '127.0.0.1:x': "),
    ],
)
async def test_what_is_wrong_with_the_configuration_is_raised(
    settings: ServerConfig, told: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        await within(run_server(settings, lambda server: None))
    assert str(raised.value).startswith(told)


async def test_an_address_that_is_taken_is_told() -> None:
    server = Server(config())
    await within(server.start())
    try:
        with pytest.raises(ConfigError, match=f"address: cannot listen on '{server.address}'"):
            await within(run_server(config(address=server.address), lambda server: None))
    finally:
        await within(server.stop(0))


async def test_a_failed_start_leaves_the_address_free() -> None:
    operation("bad").fault = lambda batch: ValueError()
    failed = Server(config("bad"))
    with pytest.raises(WarmUpFailed):
        await within(failed.start())
    await within(failed.stop(0))
    again = Server(config("good", address=failed.address))
    await within(again.start())
    await within(again.stop(0))
