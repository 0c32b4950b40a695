"""Which consecutive rows belong together."""

import pytest
import torch

from mmjudge.kernels.segments import Segments

CPU = torch.device("cpu")


def segments(lengths: list[int], given: bool) -> Segments:
    offsets = torch.tensor([0, *lengths]).cumsum(0)
    return Segments("cu", offsets if given else None, len(lengths), sum(lengths), CPU)


@pytest.mark.parametrize("lengths", [[], [0, 0], [3, 3, 3], [1]])
def test_runs_of_one_length_need_no_offsets(lengths: list[int]) -> None:
    one, other = segments(lengths, True), segments(lengths, False)
    assert list(one) == list(other)
    assert one.longest == other.longest
    values = torch.arange(len(lengths), dtype=torch.int32) + 5
    for found, wanted in (
        (one.offsets, other.offsets),
        (one.ids, other.ids),
        (one.per_row(values), other.per_row(values)),
    ):
        assert found.dtype == wanted.dtype
        assert found.tolist() == wanted.tolist()


def test_values_of_runs_for_each_of_their_rows() -> None:
    assert segments([2, 0, 1], True).per_row(torch.tensor([7, 8, 9])).tolist() == [7, 7, 9]
