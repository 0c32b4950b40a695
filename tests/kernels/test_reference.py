"""The reference itself, on numbers worked out by hand."""

import math

import torch
from torch import Tensor, nan

from mmjudge.kernels.reference import best, cosines

ALL = torch.ones(3, dtype=torch.bool)


def rows(*values: list[float]) -> Tensor:
    return torch.tensor(values)


def test_similarities_are_cosines() -> None:
    found = cosines(rows([3.0, 4.0], [0.0, -2.0]), rows([1.0, 0.0], [5.0, 5.0]))
    wanted = [[0.6, 1.4 / math.sqrt(2)], [0.0, -1 / math.sqrt(2)]]
    torch.testing.assert_close(found, torch.tensor(wanted, dtype=torch.float64))


def test_similarities_are_dot_products_where_not_normalised() -> None:
    found = cosines(rows([3.0, 4.0]), rows([1.0, 2.0]), normalize=False)
    assert found.tolist() == [[11.0]]


def test_rows_shorter_than_eps_are_similar_to_nothing() -> None:
    found = cosines(rows([0.0, 0.0], [1e-13, 0.0], [1e-11, 0.0]), rows([1.0, 0.0]))
    assert found.tolist() == [[0.0], [0.0], [1.0]]


def test_rows_that_are_not_finite_or_too_long_to_square_poison_what_they_touch() -> None:
    for bad in (nan, math.inf, -math.inf, 2e19):
        found = cosines(rows([bad, 0.0], [1.0, 0.0]), rows([1.0, 1.0], [1.0, 0.0]))
        assert found.isnan().tolist() == [[True, True], [False, False]]
        found = cosines(rows([1.0, 1.0], [1.0, 0.0]), rows([bad, 0.0], [1.0, 0.0]))
        assert found.isnan().tolist() == [[True, False], [True, False]]
    assert cosines(rows([1e19]), rows([1e19])).tolist() == [[1.0]]
    assert cosines(rows([2e19]), rows([1.0]), normalize=False).isfinite().all()


def test_best_is_the_lowest_column_of_the_maximum() -> None:
    value, index = best(rows([1.0, 3.0, 3.0], [-2.0, -2.0, -5.0]), ALL[:2], ALL)
    assert value.tolist() == [3.0, -2.0]
    assert index.tolist() == [1, 0]


def test_best_passes_over_masked_columns_and_rows() -> None:
    columns = torch.tensor([False, True, True])
    value, index = best(
        rows([9.0, 1.0, 2.0], [9.0, 9.0, 9.0]), torch.tensor([True, False]), columns
    )
    assert value.tolist() == [2.0, 0.0]
    assert index.tolist() == [2, -1]


def test_best_of_nothing_is_zero_and_nowhere() -> None:
    for similarity, columns in ((rows([1.0, 1.0, 1.0]), ~ALL), (torch.zeros(1, 0), ALL[:0])):
        value, index = best(similarity, ALL[:1], columns)
        assert (value.tolist(), index.tolist()) == ([0.0], [-1])


def test_best_with_nan_is_nan_and_nowhere_unless_masked() -> None:
    similarity = rows([nan, 1.0, 2.0])
    value, index = best(similarity, ALL[:1], ALL)
    assert bool(value.isnan().all()) and index.tolist() == [-1]
    value, index = best(similarity, ALL[:1], torch.tensor([False, True, True]))
    assert (value.tolist(), index.tolist()) == ([2.0], [2])
