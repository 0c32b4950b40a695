"""Grounding maps: scores and chosen patches laid out on the image's grid."""

from typing import Any

import pytest
import torch
from tests.kernels.cases import Reach, batch
from torch import Tensor, nan, tensor

from mmjudge.kernels import grounding_map, token_image_reward


def test_scores_are_laid_out_row_by_row() -> None:
    scores = torch.arange(6.0)
    assert grounding_map(scores, (2, 3)).tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert grounding_map(scores, (3, 2)).tolist() == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_leading_dimensions_stay_and_maps_are_float32(dtype: torch.dtype) -> None:
    found = grounding_map(torch.ones(2, 4, 6, dtype=dtype), (2, 3))
    assert found.shape == (2, 4, 2, 3)
    assert found.dtype == torch.float32


def test_chosen_patches_are_counted() -> None:
    chosen = tensor([[0, 3, 3, -1], [-1, -1, -1, -1]], dtype=torch.int32)
    assert grounding_map(chosen, (2, 2)).tolist() == [
        [[1.0, 0.0], [0.0, 2.0]],
        [[0.0, 0.0], [0.0, 0.0]],
    ]


def test_chosen_patches_may_weigh_differently() -> None:
    chosen = tensor([0, 3, 3, -1])
    weights = tensor([0.5, 1.0, -3.0, 100.0])
    assert grounding_map(chosen, (2, 2), weights=weights).tolist() == [[0.5, 0.0], [0.0, -2.0]]


def test_the_weight_of_no_patch_may_be_nan() -> None:
    found = grounding_map(tensor([0, -1]), (1, 2), weights=tensor([1.0, nan]))
    assert found.tolist() == [[1.0, 0.0]]


def test_weights_have_gradients() -> None:
    weights = tensor([0.5, 1.0, 2.0], requires_grad=True)
    found = grounding_map(tensor([1, -1, 1]), (1, 2), weights=weights)
    (found * tensor([[3.0, 7.0]])).sum().backward()
    assert weights.grad is not None
    assert weights.grad.tolist() == [7.0, 0.0, 7.0]


def test_no_tokens_make_an_empty_map() -> None:
    assert grounding_map(torch.zeros(0, dtype=torch.int32), (1, 2)).tolist() == [[0.0, 0.0]]
    assert grounding_map(torch.zeros(0, 4, dtype=torch.int32), (2, 2)).shape == (0, 2, 2)


def test_a_reward_s_argmax_and_values_make_a_map(kernel_backend: Reach) -> None:
    given = batch([5, 3], [6, 6], 16, masked=True).padded()
    reward = given(token_image_reward, return_argmax=True)
    found = grounding_map(reward.argmax, (2, 3), weights=reward.values)
    assert found.shape == (2, 2, 3)
    for i in range(2):
        wanted = torch.zeros(6)
        for patch, value in zip(reward.argmax[i].tolist(), reward.values[i], strict=True):
            if patch >= 0:
                wanted[patch] += value
        torch.testing.assert_close(found[i].flatten(), wanted)


@pytest.mark.parametrize(
    ("patches", "grid", "weights", "error", "message"),
    [
        (torch.zeros(6), (0, 3), None, ValueError, r"grid: \(0, 3\); expected"),
        (torch.zeros(6), (2, -3), None, ValueError, r"grid: \(2, -3\); expected"),
        (torch.zeros(6), (2, 2), None, ValueError, r"patches: float32\[6\]; expected 4 scores"),
        (torch.tensor(1.0), (1, 1), None, ValueError, r"patches: float32\[\]; expected 1 scores"),
        (torch.zeros(4), (2, 2), torch.ones(4), ValueError, "weights: given with scores"),
        (tensor([4]), (2, 2), None, ValueError, "patches: holds 4; expected indices below 4"),
        (tensor([1]), (2, 2), torch.ones(2), ValueError, r"weights: float32\[2\]; expected \[1\]"),
        (tensor([True]), (2, 2), None, TypeError, r"patches: bool\[1\]; expected float scores or"),
        (tensor(1), (2, 2), None, TypeError, r"patches: int64\[\]; expected float scores or int"),
    ],
)
def test_what_cannot_be_laid_out_is_refused(
    patches: Tensor, grid: tuple[int, int], weights: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        grounding_map(patches, grid, weights=weights)
