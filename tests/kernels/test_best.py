"""Maxima and winners on a CPU, as blocks of products come by."""

from operator import itemgetter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mmjudge.kernels.blocked.best import Best
from mmjudge.kernels.winners import ABSENT, POISONED

# Few values, so that many rows have ties.
VALUES = st.sampled_from([-1.0, 0.0, -0.0, 1.0, torch.inf, -torch.inf, torch.nan])
LIKE, WHOLE = torch.zeros(()), itemgetter(slice(None))
FIRST = torch.tensor(0, dtype=torch.int32)


def lowest(row: list[float]) -> int:
    """The first place of the maximum; that of something not a number where there is one."""
    if any(value != value for value in row):
        return POISONED
    return row.index(max(row))


def settled(best: Best) -> tuple[Tensor, Tensor]:
    if best.winners:
        best.settle(torch.ones(len(best.value)), FIRST)
    return best.results(None)


@settings(deadline=None)
@given(st.lists(st.lists(VALUES, min_size=5, max_size=5), min_size=1, max_size=8))
def test_rows_seen_whole(rows: list[list[float]]) -> None:
    block = torch.tensor(rows)
    for winners in (True, False):
        best = Best(LIKE, (len(rows),), winners)
        best.put(WHOLE, block)
        value, winner = settled(best)
        torch.testing.assert_close(value, block.amax(1), equal_nan=True)
        wanted = [lowest(row) if winners else 0 for row in rows]
        assert winner.dtype == torch.int32
        assert winner.tolist() == wanted


@settings(deadline=None)
@given(st.lists(st.lists(VALUES, min_size=6, max_size=6), min_size=1, max_size=8))
def test_columns_seen_in_parts(columns: list[list[float]]) -> None:
    whole = torch.tensor(columns).T
    for winners in (True, False):
        best = Best(LIKE, (len(columns),), winners)
        for first in (0, 1, 4):
            stop = {0: 1, 1: 4, 4: 6}[first]
            best.take(WHOLE, whole[first:stop], first)
        value, winner = settled(best)
        torch.testing.assert_close(value, whole.amax(0), equal_nan=True)
        assert winner.tolist() == [lowest(column) if winners else 0 for column in columns]


def test_rows_of_a_larger_block() -> None:
    """Wide products are looked at with vector instructions, which must keep the lowest too."""
    block = torch.randint(0, 50, (40, 300), generator=torch.Generator().manual_seed(0)).float()
    best = Best(LIKE, (40,), True)
    best.put(WHOLE, block[:, :277])
    assert best.winner.tolist() == [row.index(max(row)) for row in block[:, :277].tolist()]


def test_a_row_as_similar_to_all_has_the_first() -> None:
    best = Best(LIKE, (3,), True)
    best.put(WHOLE, torch.tensor([[1.0, 2.0], [-torch.inf, -torch.inf], [1.0, 2.0]]))
    best.settle(torch.tensor([0.0, 1.0, 1.0]), torch.tensor([1, 1, 0], dtype=torch.int32))
    assert best.winner.tolist() == [1, 1, 1]


@pytest.mark.parametrize("winners", [True, False])
def test_none_is_absent(winners: bool) -> None:
    best = Best(LIKE, (3,), winners)
    best.put(WHOLE, torch.tensor([[1.0, 2.0], [torch.nan, 0.0], [3.0, 2.0]]))
    value, winner = best.results(torch.tensor([True, True, False]))
    assert value.tolist() == [0.0, 0.0, 3.0]
    assert winner.tolist() == [ABSENT, ABSENT, 0]
