"""Forward passes side by side, each on one core."""

import os

import torch

from mmjudge.judges.backbones.cpu_workers import cpu_workers
from mmjudge.judges.backbones.features import in_rows


def test_each_worker_computes_alone_and_the_process_is_left_as_it_was() -> None:
    before = torch.get_num_threads()
    workers = cpu_workers()
    inside = {workers.submit(torch.get_num_threads).result() for _ in range(16)}
    assert inside == {1}
    assert torch.get_num_threads() == before
    assert workers._max_workers == len(os.sched_getaffinity(0))


def test_passes_are_full_in_order_and_of_one_shape() -> None:
    for workers in (None, cpu_workers()):
        passes: list[list[int]] = []

        def encode(part: list[int], passes: list[list[int]] = passes) -> list[int]:
            passes.append(part)
            return [10 * payload for payload in part]

        outputs = in_rows(list(range(10)), 4, encode, workers)  # type: ignore[arg-type]
        assert outputs == [10 * payload for payload in range(10)]
        assert sorted(passes) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 9, 9]]


def test_without_fixed_rows_there_is_one_pass() -> None:
    passes: list[int] = []

    def encode(part: object) -> list[int]:
        passes.append(len(part))  # type: ignore[arg-type]
        return list(part)  # type: ignore[call-overload, no-any-return]

    assert in_rows([1, 2, 3], None, encode, cpu_workers()) == [1, 2, 3]
    assert passes == [3]
