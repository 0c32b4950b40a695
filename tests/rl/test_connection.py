"""One client a process, whatever becomes of the processes."""

import os
import pickle
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from tests.client.conftest import QUICK
from tests.rl.reward_service import RewardService

from mmjudge.client import Client
from mmjudge.rl import HeldOut, Reward, RewardMix
from mmjudge.rl.connection import Connection

ROOT = Path(__file__).resolve().parents[2]
MakeReward = Callable[..., Reward]
SERVER = """
import sys, time
from tests.client.fake_service import serve_in_thread
from tests.rl.reward_service import RewardService
with serve_in_thread(RewardService("long", "watcher")) as address:
    print(address, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def far_address() -> Iterator[str]:
    """A server in a process of its own: one in this process would be forked, too."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin and server.stdout
        yield server.stdout.readline().strip()
        server.stdin.close()


FORK = """
import os, sys
from mmjudge.client import Client
from mmjudge.rl import Reward

def in_a_fork(work):
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        try:
            print(work(), flush=True)
        except Exception as error:
            print(type(error).__name__, error, flush=True)
        os._exit(0)
    os.waitpid(child, 0)

address = sys.argv[1]
reward = Reward(address, "long", timeout=10)

def ask(text):
    return reward.score_texts(["p"], [text]).floats()
"""


def printed(address: str, code: str) -> list[str]:
    """Return the lines that `code` prints in a process of its own, which holds no other gRPC."""
    run = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK + code, address]
    return subprocess.run(run, capture_output=True, text=True, check=True, timeout=60).stdout.split(
        "\n"
    )[:-1]


def test_both_sides_of_a_fork_go_on(far_address: str) -> None:
    code = """
print(ask("a"))
in_a_fork(lambda: ask("bb"))
in_a_fork(lambda: ask("ccc"))
print(ask("dddd"))
in_a_fork(lambda: in_a_fork(lambda: ask("eeeee")))
"""
    assert printed(far_address, code) == ["[1.0]", "[2.0]", "[3.0]", "[4.0]", "[5.0]", "None"]


def test_a_fork_in_the_middle_of_a_call_is_refused_in_the_child_alone(far_address: str) -> None:
    code = """
with reward.connection.client() as client:
    client.list_judges()
    in_a_fork(lambda: ask("a"))
    print(len(client.list_judges().judges))
print(ask("bb"))
"""
    first, *others = printed(far_address, code)
    assert first.startswith("RuntimeError this process was forked while gRPC was in use")
    assert others == ["2", "[2.0]"]


def test_another_client_of_the_process_is_told_of_instead_of_hanging(far_address: str) -> None:
    code = """
other = Client(address)
other.list_judges()
in_a_fork(lambda: ask("a"))
other.close()
del other
in_a_fork(lambda: ask("bb"))
"""
    first, second = printed(far_address, code)
    assert "close other clients, or start workers with 'spawn'" in first
    assert second == "[2.0]"


def test_a_reward_goes_to_other_processes_by_its_settings(far_address: str) -> None:
    mix = RewardMix({"long": 2.0}, {"long": "running"})
    reward = Reward(far_address, mix, timeout=20, retries=QUICK, held_out=HeldOut("watcher"))
    reward.score_texts(["p"] * 2, ["a", "ccc"])
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        batch = pool.submit(reward.score_texts, ["p"], ["bb"]).result(60)
    assert batch.values.tolist() == [1.0]  # twice the quantile 1/2: the window travelled, too
    assert reward.state_dict()["normalisers"]["long"] == [1, 3]
    reward.close()


def test_a_client_object_cannot_be_pickled_and_a_function_can(address: str) -> None:
    with Client(address) as client, pytest.raises(TypeError, match="give it the server's address"):
        pickle.dumps(Reward(client, "long"))
    copy = pickle.loads(pickle.dumps(Reward(Client, "long")))
    assert isinstance(copy, Reward)


def test_nothing_is_connected_before_the_first_question() -> None:
    reward = Reward("127.0.0.1:1", "long")
    assert pickle.loads(pickle.dumps(reward)).on_failure == "raise"


def test_a_closed_reward_connects_again(make_reward: MakeReward, service: RewardService) -> None:
    reward = make_reward()
    for _ in range(2):
        assert reward.score_texts(["p"], ["a"]).floats() == [1]
        reward.close()
    assert len(service.requests) == 2


def test_threads_share_one_client(address: str) -> None:
    made = []

    def make() -> Client:
        made.append(Client(address))
        return made[-1]

    reward = Reward(make, "long")
    threads = [threading.Thread(target=reward.score_texts, args=(["p"], ["a"])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    reward.close()


def test_connections_no_longer_in_use_are_forgotten() -> None:
    forgotten = weakref.ref(Connection("127.0.0.1:1", timeout=1, retries=QUICK))
    assert forgotten() is None
