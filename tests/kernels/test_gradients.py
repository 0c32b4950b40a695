"""Gradients against autograd through dense formulas, in every dtype and layout of rows."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from tests.kernels import dense
from tests.kernels.cases import DTYPES, LAYOUTS, Batch, Padded, Reach, batch, laid_out
from tests.kernels.expected import relative_error
from torch import Tensor

from mmjudge.kernels import (
    Margin,
    late_interaction_matrix,
    late_interaction_pairs,
    token_image_reward,
)

# Of all values together; half precision rounds each to 2^-9 (bfloat16) or 2^-12 of itself.
RELATIVE = {torch.float32: 1e-5, torch.float16: 4e-3, torch.bfloat16: 4e-3}
SCORES = [("both", "mean"), ("t2i", "sum"), ("i2t", "mean"), ("both", "sum")]
POOLS = [("max", None), ("mean", None), ("softmax", 0.1)]


def upstream(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(9), dtype=torch.float64)


def compare(
    given: Batch, ours: Callable[[Any], Tensor], formula: Callable[[Batch], Tensor]
) -> None:
    """Both sides' gradients of two losses that should be one."""
    wanted = dense.gradients(formula, given)
    found = dense.gradients(ours, given)
    for gradient, expected, rows in zip(found, wanted, (given.text, given.image), strict=True):
        assert gradient.dtype == rows.dtype
        assert gradient.shape == rows.shape
        assert relative_error(gradient, expected) < RELATIVE[rows.dtype]


def reward_loss(pool: str, tau: float | None, normalize: bool) -> Callable[[Batch], Tensor]:
    def loss(given: Batch) -> Tensor:
        values = given(token_image_reward, pool=pool, tau=tau, normalize=normalize).values
        return _weighed([values])

    return loss


def dense_reward_loss(pool: str, tau: float | None, normalize: bool) -> Callable[[Batch], Tensor]:
    def loss(given: Batch) -> Tensor:
        values = dense.rewards(given.wide(), pool, tau, normalize)
        return _weighed([values])

    return loss


def score_loss(
    operation: Callable[..., Any], directions: str, reduce: str, normalize: bool
) -> Callable[[Any], Tensor]:
    """Of the scores of the directions, and of the tokens' maxima where they come with them."""

    def loss(given: Batch | Padded) -> Tensor:
        tokens = directions != "i2t"
        found = given(
            operation,
            directions=directions,
            reduce=reduce,
            normalize=normalize,
            return_tokens=tokens,
        )
        results = [found.t2i, found.i2t, found.token_max if tokens else None]
        return _weighed(results)

    return loss


def dense_score_loss(
    matrix: bool, directions: str, reduce: str, normalize: bool
) -> Callable[[Batch], Tensor]:
    def loss(given: Batch) -> Tensor:
        t2i, i2t, maxima = dense.scores(given.wide(), reduce, normalize, matrix=matrix)
        tokens, patches = directions != "i2t", directions != "t2i"
        return _weighed([t2i if tokens else None, i2t if patches else None, maxima * tokens])

    return loss


def _weighed(results: list[Tensor | None]) -> Tensor:
    there = [value for value in results if value is not None]
    return torch.stack([(value.double() * upstream(*value.shape)).sum() for value in there]).sum()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("pool", "tau"), POOLS)
def test_of_token_rewards(
    kernel_backend: Reach, pool: str, tau: float | None, dtype: torch.dtype
) -> None:
    given = batch([3, 0, 1, 6], [4, 2, 5, 1], 72, dtype, masked=True)
    for normalize in (True, False):
        compare(
            given,
            reward_loss(pool, tau, normalize),
            dense_reward_loss(pool, tau, normalize),
        )


@pytest.mark.parametrize(("pool", "tau"), POOLS)
def test_of_token_rewards_of_many_rows(kernel_backend: Reach, pool: str, tau: float | None) -> None:
    long = kernel_backend.name == "blocked"
    given = batch([2, 140 if long else 40], [3, 270 if long else 70], 16, masked=True)
    compare(given, reward_loss(pool, tau, True), dense_reward_loss(pool, tau, True))


@pytest.mark.parametrize("dim", [1, 16, 96, 128, 768, 1152, 4096])
def test_of_maxima_in_every_dimension(kernel_backend: Reach, dim: int) -> None:
    given = batch([3, 2], [4, 5], dim)
    # Cosines in one dimension are 1 or -1: they tie, and have no slope.
    normalize = dim > 1
    compare(given, reward_loss("max", None, normalize), dense_reward_loss("max", None, normalize))


@pytest.mark.parametrize("dim", [1, 16, 96, 128, 768])
def test_of_pools_in_every_dimension(kernel_backend: Reach, dim: int) -> None:
    if kernel_backend.name == "interpret" and dim == 768:
        pytest.skip("takes the interpreter half a minute")
    given = batch([3, 2], [4, 5], dim)
    normalize = dim > 1
    compare(
        given,
        reward_loss("softmax", 0.5, normalize),
        dense_reward_loss("softmax", 0.5, normalize),
    )


@pytest.mark.parametrize("normalize", [True, False])
def test_of_global_rewards(kernel_backend: Reach, normalize: bool) -> None:
    given = batch([3, 0, 4], [1, 1, 1], 72, masked=True)
    given = Batch(given.text, given.image, given.tokens, given.patches, given.token_mask)

    def loss(ours: Batch) -> Tensor:
        values = token_image_reward(
            ours.text,
            ours.image,
            cu_tokens=torch.tensor([0, 3, 3, 7]),
            token_mask=ours.token_mask,
            source="global",
            normalize=normalize,
        ).values
        return _weighed([values])

    compare(given, loss, dense_reward_loss("max", None, normalize))


def test_of_a_transformed_reward(kernel_backend: Reach) -> None:
    given = batch([3, 0, 4], [2, 1, 5], 16, masked=True)
    margin = Margin(-0.05, 0.05, "center")

    def loss(ours: Batch) -> Tensor:
        return _weighed([ours(token_image_reward, transform=margin).values])

    def formula(ours: Batch) -> Tensor:
        values = dense.rewards(ours.wide(), "max", None, True)
        present = given(token_image_reward, return_argmax=True).argmax >= 0
        return _weighed([torch.where(present, margin(values), 0.0)])

    compare(given, loss, formula)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("directions", "reduce"), SCORES)
def test_of_pairs(kernel_backend: Reach, directions: str, reduce: str, dtype: torch.dtype) -> None:
    given = batch([3, 0, 1, 6], [4, 2, 5, 1], 72, dtype, masked=True)
    compare(
        given,
        score_loss(late_interaction_pairs, directions, reduce, True),
        dense_score_loss(False, directions, reduce, True),
    )


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("directions", "reduce"), SCORES)
def test_of_the_matrix(
    kernel_backend: Reach, directions: str, reduce: str, dtype: torch.dtype
) -> None:
    given = batch([3, 0, 5], [4, 2], 72, dtype, masked=True)
    compare(
        given,
        score_loss(late_interaction_matrix, directions, reduce, True),
        dense_score_loss(True, directions, reduce, True),
    )


@pytest.mark.parametrize("matrix", [True, False])
def test_of_dot_products(kernel_backend: Reach, matrix: bool) -> None:
    given = batch([3, 2], [4, 5], 16, masked=True)
    operation = late_interaction_matrix if matrix else late_interaction_pairs
    compare(
        given,
        score_loss(operation, "both", "mean", False),
        dense_score_loss(matrix, "both", "mean", False),
    )


@pytest.mark.parametrize("text", LAYOUTS)
def test_of_rows_anywhere_in_memory(kernel_backend: Reach, text: str) -> None:
    given = batch([3, 2], [4, 1], 16)
    image = list(LAYOUTS)[::-1][list(LAYOUTS).index(text)]

    def loss(ours: Batch) -> Tensor:
        return score_loss(late_interaction_pairs, "both", "sum", True)(laid_out(ours, text, image))

    compare(given, loss, dense_score_loss(False, "both", "sum", True))


def test_of_expanded_rows_are_summed(kernel_backend: Reach) -> None:
    given = batch([3, 3], [5, 5], 16)
    image = given.image[:5].clone().requires_grad_()
    copies = image.detach().repeat(2, 1).requires_grad_()
    for rows in (image.expand(2, 5, 16), copies.view(2, 5, 16)):
        found = late_interaction_pairs(given.text.view(2, 3, 16), rows)
        assert found.t2i is not None
        found.t2i.sum().backward()
    assert image.grad is not None and copies.grad is not None
    torch.testing.assert_close(image.grad, copies.grad.view(2, 5, 16).sum(0))


def test_may_be_wanted_of_one_side_alone(kernel_backend: Reach) -> None:
    given = batch([3, 2], [4, 1], 16)
    both = dense.gradients(reward_loss("max", None, True), given)
    for side in ("text", "image"):
        leaves = given.leaves()
        getattr(leaves, "image" if side == "text" else "text").requires_grad_(False)
        reward_loss("max", None, True)(leaves).backward()
        found = getattr(leaves, side).grad
        assert torch.equal(found, both[0] if side == "text" else both[1])


def test_the_gradient_of_a_tie_goes_to_the_lowest_patch(kernel_backend: Reach) -> None:
    given = batch([3], [6], 16)
    given.image[3:] = given.image[:3]
    found = dense.gradients(score_loss(late_interaction_pairs, "t2i", "sum", True), given)[1]
    assert bool(found[:3].any())
    assert not found[3:].any()


@pytest.mark.parametrize("operation", [late_interaction_pairs, late_interaction_matrix])
def test_the_gradient_of_a_tie_goes_to_the_lowest_token(
    kernel_backend: Reach, operation: Callable[..., Any]
) -> None:
    """A matrix does not return its patches' winners: their gradient tells of them."""
    given = batch([1], [3], 16)
    given = replace(given, text=given.text.repeat(100, 1), tokens=(100,))
    text, _ = dense.gradients(lambda ours: ours(operation).i2t.sum(), given)
    assert bool(text[0].any())
    assert not text[1:].any()


def test_scores_without_an_upstream_gradient_take_no_part(kernel_backend: Reach) -> None:
    """As where a caller uses one direction of both: torch passes zeros for the other."""
    given = batch([3, 2], [4, 5], 16)
    for operation in (late_interaction_pairs, late_interaction_matrix):
        for name in ("t2i", "i2t"):

            def of_both(ours: Batch, operation: Any = operation, name: str = name) -> Tensor:
                return torch.as_tensor(getattr(ours(operation), name).sum())

            def alone(ours: Batch, operation: Any = operation, name: str = name) -> Tensor:
                return torch.as_tensor(getattr(ours(operation, directions=name), name).sum())

            for one, other in zip(
                dense.gradients(of_both, given), dense.gradients(alone, given), strict=True
            ):
                torch.testing.assert_close(one, other)
