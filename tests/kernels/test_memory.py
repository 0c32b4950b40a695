"""The blocked backend holds blocks of products, never all of them."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.kernels.allocations import Largest, watch
from tests.kernels.cases import Batch, batch
from torch import Tensor

from mmjudge.kernels import (
    blocked,
    late_interaction_matrix,
    late_interaction_pairs,
    matrix,
    pairs,
    token_image_reward,
)

MOST = 1 << 21  # values: 8 MB, of the 64 MB that are promised

pytestmark = pytest.mark.usefixtures("blocked_backend")

CALLS: dict[str, Callable[[Batch], Any]] = {
    "maximum": lambda given: given(token_image_reward).values,
    "mean": lambda given: given(token_image_reward, pool="mean").values,
    "softmax": lambda given: given(token_image_reward, pool="softmax", tau=0.1).values,
    "pairs": lambda given: torch.cat(given(late_interaction_pairs)[:2]),
    "matrix": lambda given: torch.cat(given(late_interaction_matrix)[:2]),
}


@pytest.fixture
def largest(monkeypatch: pytest.MonkeyPatch) -> Largest:
    mode = Largest()
    watch(monkeypatch, mode, blocked, *blocked.__all__)
    for module in (pairs, matrix):
        watch(monkeypatch, mode, module, "edge_gradients")
    return mode


@pytest.mark.parametrize("name", CALLS)
def test_products_are_never_all_held(largest: Largest, name: str) -> None:
    """2 texts of 3000 tokens with 2 images of 1100 patches: 3.3 million products a pair."""
    given = batch([3000, 3000], [1100, 1100], 4)
    CALLS[name](given)
    assert 0 < largest.values <= MOST


@pytest.mark.parametrize("name", CALLS)
def test_nor_for_gradients(largest: Largest, name: str) -> None:
    given = batch([3000, 3000], [1100, 1100], 4).leaves()
    loss: Tensor = CALLS[name](given).sum()
    largest.values = 0
    loss.backward()
    assert 0 < largest.values <= MOST


def test_the_watch_would_see_them(largest: Largest) -> None:
    with largest:
        torch.ones(3000, 4) @ torch.ones(4, 1100)
    assert largest.values == 3000 * 1100


def test_a_matrix_holds_no_tokens_by_images_unless_asked(largest: Largest) -> None:
    rows, images = 30000, 80
    given = batch([1000] * 30, [1] * images, 4)
    given(late_interaction_matrix)
    without = largest.values
    given(late_interaction_matrix, return_tokens=True)
    assert without <= MOST < rows * images <= largest.values
