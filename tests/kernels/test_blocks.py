"""The blocked backend's own freedom: the size of its blocks, and how float32 is multiplied."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from tests.kernels.cases import DTYPES, Batch, batch, offsets, same_bits
from tests.kernels.dense import gradients
from tests.kernels.expected import check_maxima, relative_error, sides
from torch import Tensor

from mmjudge.kernels import (
    late_interaction_matrix,
    late_interaction_pairs,
    token_image_reward,
)
from mmjudge.kernels.blocked import products, vectors

pytestmark = pytest.mark.usefixtures("blocked_backend")

EVERYTHING = {"return_tokens": True, "return_argmax": True}
CALLS: dict[str, Callable[[Batch], Any]] = {
    "pairs": lambda given: given(late_interaction_pairs, **EVERYTHING),
    "matrix": lambda given: given(late_interaction_matrix, **EVERYTHING),
    "mean": lambda given: given(token_image_reward, pool="mean", return_argmax=True),
    "softmax": lambda given: given(token_image_reward, pool="softmax", tau=0.1, return_argmax=True),
}


def small_blocks(monkeypatch: pytest.MonkeyPatch, values: int) -> None:
    monkeypatch.setattr(products, "BLOCK_VALUES", values)


@pytest.mark.parametrize("values", [1, 200, 700, 1000])
@pytest.mark.parametrize("name", CALLS)
def test_the_size_of_blocks_changes_no_bit(
    monkeypatch: pytest.MonkeyPatch, name: str, values: int
) -> None:
    given = batch([3, 60, 0, 17, 16], [5, 30, 1, 12, 7], 96, masked=True)
    whole = CALLS[name](given)
    small_blocks(monkeypatch, values)
    for one, other in zip(CALLS[name](given), whole, strict=True):
        assert same_bits(one, other)


@pytest.mark.parametrize("features", [1, 96, 1000, 5000])
def test_how_many_features_are_multiplied_together_changes_no_bit(
    monkeypatch: pytest.MonkeyPatch, features: int
) -> None:
    given = batch([3, 60, 60, 0, 17], [1] * 5, 96, masked=True)
    arguments: dict[str, Any] = {
        "cu_tokens": offsets(given.tokens), "token_mask": given.token_mask, "source": "global",
    }  # fmt: skip
    whole = token_image_reward(given.text, given.image, **arguments).values
    monkeypatch.setattr(vectors, "TOGETHER", features)
    assert same_bits(token_image_reward(given.text, given.image, **arguments).values, whole)


@pytest.mark.parametrize("values", [1, 300, 700])
def test_blocks_of_padded_texts_change_no_bit(monkeypatch: pytest.MonkeyPatch, values: int) -> None:
    """Texts of one length are taken several at a time, or in parts."""
    for length in (1, 5, 16, 40):
        given = batch([length] * 7, [30, 2, 30], 16, masked=True).padded()
        whole = given(late_interaction_matrix, **EVERYTHING)
        with monkeypatch.context() as patch:
            small_blocks(patch, values)
            blocks = given(late_interaction_matrix, **EVERYTHING)
        assert all(map(same_bits, whole, blocks))


def test_ties_between_blocks_go_to_the_lowest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same token in every block: the winner shows, or in a matrix has all the gradient."""
    small_blocks(monkeypatch, 1)
    given = batch([1], [5], 16)
    given = replace(given, text=given.text.repeat(60, 1), tokens=(60,))
    assert given(late_interaction_pairs, return_argmax=True).patch_argmax.tolist() == [0] * 5
    for operation in (late_interaction_pairs, late_interaction_matrix):

        def loss(ours: Batch, operation: Callable[..., Any] = operation) -> Tensor:
            return torch.as_tensor(ours(operation).i2t.sum())

        text, _ = gradients(loss, given)
        assert bool(text[0].any()) and not text[1:].any()


def test_gradients_of_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    given = batch([3, 60], [5, 30], 16, masked=True)

    def loss(ours: Batch) -> Tensor:
        values = ours(token_image_reward, pool="softmax", tau=0.1).values
        return torch.as_tensor(values.square().sum())

    whole = gradients(loss, given)
    small_blocks(monkeypatch, 200)
    for one, other in zip(gradients(loss, given), whole, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("precision", ["highest", "high"])
def test_products_are_exact_unless_asked_otherwise(precision: str) -> None:
    torch.set_float32_matmul_precision(precision)
    given = batch([20, 3], [30, 40], 768)
    pairs, matrix = CALLS["pairs"](given), CALLS["matrix"](given)
    for i, run in enumerate(given.texts):
        tokens, _ = sides(given, i, i)
        check_maxima(tokens, pairs.token_max[run], pairs.token_argmax[run])
        check_maxima(tokens, matrix.token_max[run, i], matrix.token_argmax[run, i])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_faster_products_stay_near(dtype: torch.dtype) -> None:
    """`set_float32_matmul_precision("medium")` allows bfloat16 products, where a CPU has them."""
    given = batch([20, 3], [30, 40], 768, dtype)
    wanted = [side.maxima for i in range(2) for side in sides(given, i, i)[:1]]
    torch.set_float32_matmul_precision("medium")
    for values in (
        given(token_image_reward).values,
        given(late_interaction_pairs, return_tokens=True).token_max,
    ):
        torch.testing.assert_close(values.double(), torch.cat(wanted), atol=2e-3, rtol=0.0)
    matrix = given(late_interaction_matrix, return_tokens=True).token_max
    for i, run in enumerate(given.texts):
        torch.testing.assert_close(matrix[run, i].double(), wanted[i], atol=2e-3, rtol=0.0)


def test_faster_products_of_bfloat16_are_exact_products() -> None:
    """They are only summed in another order, so errors stay those of float32 sums."""
    given = batch([20], [30], 768, torch.bfloat16)
    torch.set_float32_matmul_precision("medium")
    values = given(token_image_reward).values
    assert relative_error(values, sides(given, 0, 0)[0].maxima) < 1e-5
