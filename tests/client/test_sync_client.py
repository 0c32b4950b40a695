import asyncio
import gc
import inspect
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from textwrap import dedent

import pytest
from tests.client.conftest import QUICK
from tests.client.fake_service import Context, FakeService
from tests.client.test_batch import numbers

from mmjudge.client import AsyncClient, Candidate, Client, Item
from mmjudge.client.async_rewards import AsyncRewards
from mmjudge.client.errors import ItemFailed, Unavailable
from mmjudge.client.sync_rewards import SyncRewards


async def endless(context: Context) -> None:
    await asyncio.Event().wait()


def test_the_same_methods(service: FakeService, sync_client: Client) -> None:
    assert list(sync_client.wait_until_ready(10).judges) == ["clip"]
    assert list(sync_client.list_judges().judges) == ["clip"]
    assert sync_client.score([b"a", b"b"], ["3", "4"]).values.tolist() == [3, 4]
    assert list(sync_client.score(b"a", "3", judges=["clip"])) == ["clip"]
    assert sync_client.judge(numbers(3)).values.tolist() == [0, 1, 2]
    assert list(sync_client.judge(numbers(3), judges=("clip",))) == ["clip"]
    with pytest.raises(ItemFailed):
        sync_client.score(b"a", "bad")


def test_public_methods_are_those_of_the_async_client() -> None:
    def public(kind: type) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")}

    assert public(Client) == public(AsyncClient)
    assert public(SyncRewards) == public(AsyncRewards) == {"token_rewards", "step_rewards"}


def test_public_methods_take_the_same_arguments() -> None:
    for name in ("score", "judge", "stream", "token_rewards", "step_rewards"):
        there, here = (inspect.signature(getattr(kind, name)) for kind in (AsyncClient, Client))
        assert list(here.parameters.values()) == list(there.parameters.values()), name


def test_streams_are_iterators(service: FakeService, sync_client: Client) -> None:
    assert sorted(index for index, _, _ in sync_client.stream(numbers(5))) == [0, 1, 2, 3, 4]


def test_leaving_a_stream_cancels_it(service: FakeService, sync_client: Client) -> None:
    for _ in sync_client.stream(numbers(5)):
        break
    assert sync_client.score(b"a", "3").values.tolist() == [3]


def test_many_threads(sync_client: Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda i: sync_client.score(b"x", str(i)).values[0], range(50)))
    assert found == list(range(50))


async def test_inside_a_running_loop(sync_client: Client) -> None:
    assert sync_client.score(b"x", "7").values.tolist() == [7]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C raises, also in a process that a shell started in the background and told not to."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_cancels_the_call(service: FakeService, sync_client: Client) -> None:
    sync_client.list_judges()
    service.ended.clear()
    service.script.append(endless)
    main = threading.main_thread().ident
    assert main is not None

    def interrupt() -> None:
        while not service.running:
            time.sleep(
                0.001
            )  # a spinning thread would starve the service, which is in this process
        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        sync_client.score(b"x", "1")
    thread.join()
    assert service.ended.wait(10)
    assert sync_client.score(b"x", "2").values.tolist() == [2]


def test_closing_twice_and_using_it_after(far_address: str) -> None:
    client = Client(far_address)
    client.score(b"x", "1")
    client.close()
    client.close()
    for use in (lambda: client.score(b"x", "1"), client.list_judges):
        with pytest.raises(RuntimeError, match="client is closed: make a new one"):
            use()
    with pytest.raises(RuntimeError, match="client is closed"):
        next(client.stream(numbers(1)))


def test_no_server() -> None:
    with Client("127.0.0.1:1", retries=QUICK) as client, pytest.raises(Unavailable):
        client.score(b"x", "1")


def test_a_forgotten_client_ends_its_thread() -> None:
    before = set(threading.enumerate())
    client = Client()
    (thread,) = {t for t in threading.enumerate() if t.name == "mmjudge-client"} - before
    del client
    gc.collect()
    assert not thread.is_alive()


def test_a_factory_makes_the_client_it_runs(service: FakeService, far_address: str) -> None:
    made = []

    def factory() -> AsyncClient:
        made.append(threading.current_thread().name)
        return AsyncClient(far_address)

    with Client(factory=factory) as client:
        assert client.score(b"x", "1").values.tolist() == [1]
    assert made == ["mmjudge-client"]


def test_a_factory_that_fails_leaves_no_thread() -> None:
    def factory() -> AsyncClient:
        raise LookupError("no such judge")

    before = set(threading.enumerate())
    with pytest.raises(LookupError):
        Client(factory=factory)
    assert set(threading.enumerate()) <= before


def run_script(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.run(
        [sys.executable, "-c", dedent(script), *arguments],
        env={**os.environ, **paths},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_fork_is_told_to_make_its_own() -> None:
    # In a process of its own: forking one that runs a server would be another test.
    script = """
        import os
        from mmjudge.client import Client
        client = Client("127.0.0.1:1")
        if os.fork() == 0:
            try:
                client.score(b"x", "1")
            except RuntimeError as error:
                os._exit(7 if "does not survive a fork" in str(error) else 8)
            os._exit(9)
        client.close()
        raise SystemExit(os.waitstatus_to_exitcode(os.wait()[1]))
    """
    assert run_script(script).returncode == 7


def test_a_process_ends_though_its_client_is_open(far_address: str) -> None:
    script = """
        import sys
        from mmjudge.client import Client
        client = Client(sys.argv[1])
        print(client.score(b"x", "6").values[0])
    """
    done = run_script(script, far_address)
    assert (done.returncode, done.stdout, done.stderr) == (0, "6.0\n", "")


def test_items_of_groups(sync_client: Client) -> None:
    group = Item(["2"], [Candidate(["a"]), Candidate(["b"])])
    values = sync_client.judge([group]).candidate_values[0]
    assert values.tolist() == pytest.approx([2.0, 2.1])
