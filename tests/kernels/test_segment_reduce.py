"""Reductions of consecutive rows: tokens to sentences and steps."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
import torch
from hypothesis import strategies as st
from tests.kernels.cases import DTYPES, Reach, explore, kept, offsets, same_bits, spans
from torch import Tensor, inf, nan

from mmjudge.kernels import segment_reduce
from mmjudge.kernels.segment_reduction import MODES, Reduce


@dataclass(frozen=True)
class Rows:
    """`[rows, columns]` in runs of `lengths`; of `mask` only what is True."""

    values: Tensor
    lengths: tuple[int, ...]
    mask: Tensor | None

    def reduced(self, reduce: Reduce, empty: float = 0.0) -> Tensor:
        cu_segments = offsets(self.lengths)
        return segment_reduce(self.values, cu_segments, reduce, mask=self.mask, empty=empty)


def rows(
    lengths: Sequence[int],
    columns: int,
    dtype: torch.dtype = torch.float32,
    *,
    masked: bool = False,
    seed: int = 0,
) -> Rows:
    random = torch.Generator().manual_seed(seed)
    number = sum(lengths)
    values = torch.randn(number, columns, generator=random).to(dtype)
    mask = torch.rand(number, generator=random) > 0.4 if masked else None
    return Rows(values, tuple(lengths), mask)


def wanted(given: Rows, reduce: str, empty: float) -> Tensor:
    """In float64, one segment and one formula at a time."""
    formulas = {
        "sum": lambda among: among.sum(0),
        "mean": lambda among: among.mean(0),
        "min": lambda among: among.amin(0),
        "max": lambda among: among.amax(0),
    }
    results = []
    for run in spans(given.lengths):
        among = given.values[run][kept(given.mask, given.values)[run]].double()
        nothing = torch.full((given.values.shape[1],), empty, dtype=torch.float64)
        results.append(formulas[reduce](among) if len(among) else nothing)
    return torch.stack(results) if results else given.values[:0].double()


@st.composite
def drawn_rows(draw: st.DrawFn) -> Rows:
    length = st.sampled_from([0, 1]) | st.integers(2, 30)
    given = rows(
        draw(st.lists(length, max_size=6)),
        draw(st.sampled_from([1, 2, 5, 130])),
        draw(st.sampled_from(DTYPES)),
        masked=draw(st.booleans()),
        seed=draw(st.integers(0, 999)),
    )
    if len(given.values):
        place = st.tuples(
            st.integers(0, len(given.values) - 1), st.integers(0, given.values.shape[1] - 1)
        )
        bad = st.sampled_from([nan, inf, -inf, 0.0, -0.0])
        for (row, column), value in draw(st.lists(st.tuples(place, bad), max_size=3)):
            given.values[row, column] = value
    return given


@pytest.mark.parametrize("reduce", MODES)
def test_segments_are_reduced(kernel_backend: Reach, reduce: Reduce) -> None:
    def holds(given: Rows, empty: float) -> None:
        result = given.reduced(reduce, empty)
        assert result.dtype == torch.float32
        expected = wanted(given, reduce, empty)
        if reduce in ("min", "max"):
            assert torch.equal(result.isnan(), expected.isnan())
            assert torch.equal(result.nan_to_num(7.0), expected.float().nan_to_num(7.0))
        else:
            atol = 2e-6 if reduce == "mean" else 3e-5
            torch.testing.assert_close(
                result.double(), expected, atol=atol, rtol=1e-6, equal_nan=True
            )

    explore(kernel_backend, holds, drawn_rows(), st.sampled_from([0.0, -1.5, nan, inf]))


@pytest.mark.parametrize("reduce", MODES)
def test_a_column_may_come_alone(kernel_backend: Reach, reduce: Reduce) -> None:
    given = rows([3, 0, 2], 2, masked=True)
    both = given.reduced(reduce)
    for column in range(2):
        one = Rows(given.values[:, column], given.lengths, given.mask).reduced(reduce)
        assert one.shape == (3,)
        assert same_bits(one, both[:, column])


@pytest.mark.parametrize("reduce", MODES)
def test_layout_in_memory_changes_no_bit(kernel_backend: Reach, reduce: Reduce) -> None:
    given = rows([3, 0, 9], 5, masked=True)
    plain = given.reduced(reduce)
    for values in (
        given.values.T.contiguous().T,
        given.values.repeat_interleave(2, 0)[::2],
        given.values.repeat_interleave(3, 1)[:, ::3],
    ):
        assert not values.is_contiguous()
        assert same_bits(Rows(values, given.lengths, given.mask).reduced(reduce), plain)
    expanded = given.values[:, :1].expand(-1, 5)
    copied = Rows(expanded.contiguous(), given.lengths, given.mask).reduced(reduce)
    assert same_bits(Rows(expanded, given.lengths, given.mask).reduced(reduce), copied)


@pytest.mark.parametrize("reduce", MODES)
def test_nothing_to_reduce(kernel_backend: Reach, reduce: Reduce) -> None:
    assert rows([], 3).reduced(reduce).shape == (0, 3)
    assert rows([0, 0], 2).reduced(reduce, 7.0).tolist() == [[7.0, 7.0], [7.0, 7.0]]
    assert rows([2, 1], 0).reduced(reduce).shape == (2, 0)
    assert segment_reduce(torch.zeros(0), torch.tensor([0]), reduce).shape == (0,)
    masked = Rows(torch.ones(2, 1), (2,), torch.zeros(2, dtype=torch.bool))
    assert masked.reduced(reduce, -3.0).tolist() == [[-3.0]]


@pytest.mark.parametrize("reduce", MODES)
def test_masked_rows_may_hold_anything(kernel_backend: Reach, reduce: Reduce) -> None:
    given = rows([4, 1, 7], 3, masked=True)
    assert given.mask is not None
    for garbage in (nan, inf, -inf, 3e38):
        values = given.values.clone()
        values[~given.mask] = garbage
        other = Rows(values, given.lengths, given.mask)
        assert same_bits(other.reduced(reduce), given.reduced(reduce))


@pytest.mark.parametrize("reduce", MODES)
def test_nan_stays_in_its_segment_and_column(kernel_backend: Reach, reduce: Reduce) -> None:
    given = rows([3, 2, 4], 2)
    clean = given.reduced(reduce)
    given.values[4, 1] = nan
    result = given.reduced(reduce)
    assert result.isnan().tolist() == [[False, False], [False, True], [False, False]]
    assert torch.equal(result[~result.isnan()], clean[~result.isnan()])


@pytest.mark.parametrize("reduce", MODES)
def test_a_segment_has_the_same_bits_in_any_company(kernel_backend: Reach, reduce: Reduce) -> None:
    given = rows([5, 0, 33, 1, 17], 3, masked=True)
    assert given.mask is not None
    together = given.reduced(reduce)
    for i, run in enumerate(spans(given.lengths)):
        alone = Rows(given.values[run], (given.lengths[i],), given.mask[run])
        assert same_bits(alone.reduced(reduce), together[i : i + 1])


def gradient(given: Rows, reduce: Reduce, upstream: Tensor) -> Tensor:
    values = given.values.clone().requires_grad_()
    result = Rows(values, given.lengths, given.mask).reduced(reduce, 4.0)
    (found,) = torch.autograd.grad(result, values, upstream)
    assert found.dtype == values.dtype
    return found


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("reduce", MODES)
def test_gradients(kernel_backend: Reach, reduce: Reduce, dtype: torch.dtype) -> None:
    given = rows([4, 0, 1, 9], 3, dtype, masked=True)
    upstream = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
    values = given.values.double().requires_grad_()
    expected = wanted(Rows(values, given.lengths, given.mask), reduce, 4.0)
    (dense,) = torch.autograd.grad(expected, values, upstream.double())
    torch.testing.assert_close(gradient(given, reduce, upstream), dense.to(dtype))


@pytest.mark.parametrize("reduce", ["min", "max"])
def test_the_gradient_of_a_tie_goes_to_the_first_row(kernel_backend: Reach, reduce: Reduce) -> None:
    values = torch.tensor([[9.0], [2.0], [2.0], [5.0], [5.0], [2.0]])
    if reduce == "max":
        values = -values
    mask = torch.tensor([True, False, True, True, True, True])
    found = gradient(Rows(values, (1, 5), mask), reduce, torch.tensor([[3.0], [7.0]]))
    assert found[:, 0].tolist() == [3.0, 0.0, 7.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("reduce", ["min", "max"])
def test_infinities_among_the_rows_have_gradients(kernel_backend: Reach, reduce: Reduce) -> None:
    """An extremum that is infinite is still a row's own."""
    values = torch.tensor([[inf], [inf], [-inf], [-inf]])
    found = gradient(Rows(values, (2, 2), None), reduce, torch.tensor([[3.0], [7.0]]))
    assert found[:, 0].tolist() == [3.0, 0.0, 7.0, 0.0]
