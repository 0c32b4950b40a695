"""Blocks side by side: every one once, on threads that leave no trace in the process."""

import threading
from collections import Counter
from collections.abc import Callable

import pytest
import torch
from tests.kernels.cases import batch, same_bits

from mmjudge.kernels import late_interaction_matrix, late_interaction_pairs
from mmjudge.kernels.blocked import pairs
from mmjudge.kernels.blocked.workers import side_by_side

pytestmark = pytest.mark.usefixtures("blocked_backend")


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_every_task_runs_once(count: int, threads: int) -> None:
    torch.set_num_threads(threads)
    ran: list[int] = []
    side_by_side(ran.append, count)
    assert Counter(ran) == Counter(range(count))


def test_one_thread_needs_no_other() -> None:
    names = set()
    side_by_side(lambda _: names.add(threading.get_ident()), 3)
    assert names == {threading.get_ident()}


def test_a_worker_computes_alone() -> None:
    torch.set_num_threads(2)
    threads: list[int] = []
    side_by_side(lambda _: threads.append(torch.get_num_threads()), 4)
    assert threads == [1] * 4


def test_fewer_tasks_than_cores_have_all_cores_in_turn() -> None:
    torch.set_num_threads(3)
    ran = []
    side_by_side(lambda i: ran.append((i, threading.get_ident(), torch.get_num_threads())), 2)
    assert ran == [(i, threading.get_ident(), 3) for i in range(2)]


def test_what_a_task_raises_arrives() -> None:
    def task(i: int) -> None:
        if i == 3:
            raise KeyError(i)

    for threads in (1, 2):
        torch.set_num_threads(threads)
        with pytest.raises(KeyError, match="3"):
            side_by_side(task, 5)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("inference", [True, False])
def test_tasks_are_in_the_mode_of_their_caller(threads: int, inference: bool) -> None:
    torch.set_num_threads(threads)
    modes = set()
    with torch.inference_mode(inference):
        side_by_side(
            lambda _: modes.add((torch.is_inference_mode_enabled(), torch.is_grad_enabled())), 4
        )
    assert modes == {(inference, False)}


def test_threads_to_come_keep_their_default() -> None:
    """What one thread sets, torch gives to those that begin later."""
    torch.set_num_threads(2)
    side_by_side(lambda _: None, 4)
    assert torch.get_num_threads() == 2
    later: list[int] = []
    thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert later == [2]


@pytest.mark.parametrize("inference", [True, False])
def test_results_have_the_same_bits_on_any_number_of_threads(inference: bool) -> None:
    given = batch([5, 40, 0, 9], [7, 33, 2, 1], 96, masked=True)
    results = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        with torch.inference_mode(inference):
            results.append(
                (
                    *given(late_interaction_matrix, return_tokens=True, return_argmax=True)[:4],
                    *given(late_interaction_pairs, return_tokens=True, return_argmax=True),
                )
            )
    for one, *others in zip(*results, strict=True):
        assert all(same_bits(one, other) for other in others)


def test_pairs_have_the_same_bits_in_turn_and_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(2)
    given = batch([5, 40, 0, 9, 9], [7, 33, 2, 1, 1], 900, masked=True)
    options = {"return_tokens": True, "return_argmax": True}
    in_turn = given(late_interaction_pairs, **options)
    ran: list[int] = []

    def counted(task: Callable[[int], None], count: int) -> None:
        ran.append(count)
        side_by_side(task, count)

    monkeypatch.setattr(pairs, "side_by_side", counted)
    monkeypatch.setattr(pairs, "LARGE", 1)
    assert all(map(same_bits, given(late_interaction_pairs, **options), in_turn))
    assert ran == [4]
