import asyncio
import threading

import pytest

from mmjudge.client.loop_thread import LoopThread


async def nothing() -> None: ...


async def where() -> str:
    return threading.current_thread().name


def test_runs_on_a_daemon_thread_of_its_own() -> None:
    loop = LoopThread()
    assert loop.run(where) == "mmjudge-client"
    assert all(t.daemon for t in threading.enumerate() if t.name == "mmjudge-client")
    loop.close(nothing)


def test_errors_come_through() -> None:
    async def failing() -> None:
        raise KeyError("x")

    loop = LoopThread()
    with pytest.raises(KeyError):
        loop.run(failing)
    loop.close(nothing)


def test_closing_cancels_what_runs_and_ends_the_thread() -> None:
    loop, started, found = LoopThread(), threading.Event(), []

    async def endless() -> None:
        started.set()
        await asyncio.Event().wait()

    def wait() -> None:
        with pytest.raises(RuntimeError, match="closed while the call was running"):
            loop.run(endless)
        found.append("ended")

    waiting = threading.Thread(target=wait)
    waiting.start()
    started.wait(10)
    loop.close(nothing)
    waiting.join(10)
    assert found == ["ended"]
    loop.close(nothing)
    with pytest.raises(RuntimeError, match="client is closed: make a new one"):
        loop.run(where)
    loop.start(where)


def test_the_last_word_is_said_and_the_thread_ends_though_it_fails() -> None:
    async def last() -> None:
        said.append("bye")
        raise OSError("cannot close")

    loop, said = LoopThread(), list[str]()
    with pytest.raises(OSError, match="cannot close"):
        loop.close(last)
    assert said == ["bye"]
    with pytest.raises(RuntimeError, match="client is closed"):
        loop.run(where)


def test_background_work_is_left_for_the_last_word() -> None:
    loop, background = LoopThread(), list[asyncio.Task[None]]()

    async def begin() -> None:
        async def endless() -> None:
            await asyncio.Event().wait()

        background.extend(asyncio.create_task(endless()) for _ in range(2))

    async def last() -> None:
        assert not any(task.cancelling() for task in background)
        background[0].cancel()

    loop.run(begin)
    loop.close(last)
    assert all(task.cancelled() for task in background)


def test_waiting_for_itself_is_refused() -> None:
    loop = LoopThread()

    async def inner() -> str:
        return loop.run(where)

    with pytest.raises(RuntimeError, match="use AsyncClient in coroutines"):
        loop.run(inner)
    loop.close(nothing)


def test_only_grpcs_empty_wake_ups_are_kept_quiet(caplog: pytest.LogCaptureFixture) -> None:
    loop = LoopThread()

    async def report(error: Exception, message: str) -> None:
        context = {"message": message, "exception": error}
        asyncio.get_running_loop().call_exception_handler(context)

    loop.run(lambda: report(BlockingIOError(), "in PollerCompletionQueue._handle_events()"))
    assert caplog.records == []
    loop.run(lambda: report(BlockingIOError(), "elsewhere"))
    loop.run(lambda: report(OSError(), "in PollerCompletionQueue._handle_events()"))
    assert len(caplog.records) == 2
    loop.close(nothing)
