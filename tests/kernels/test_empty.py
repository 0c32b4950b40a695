"""Batches, texts and images with nothing in them: valid, 0 and nowhere, with gradients."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from tests.kernels.cases import Batch, Padded, Reach, batch
from torch import Tensor

from mmjudge.kernels import (
    late_interaction_matrix,
    late_interaction_pairs,
    token_image_reward,
)

POOLS = [("max", None), ("mean", None), ("softmax", 0.1)]
EVERYTHING = {"return_tokens": True, "return_argmax": True}
NOTHING = [([], []), ([0, 0], [0, 0]), ([2, 3], [0, 0]), ([0, 0], [2, 3])]


def rewarded(pool: str, tau: float | None) -> Callable[[Any], list[Tensor]]:
    def results(given: Any) -> list[Tensor]:
        reward = given(token_image_reward, pool=pool, tau=tau, return_argmax=True)
        return [reward.values, reward.argmax]

    return results


def scored(operation: Callable[..., Any]) -> Callable[[Any], list[Tensor]]:
    def results(given: Any) -> list[Tensor]:
        return [value for value in given(operation, **EVERYTHING) if value is not None]

    return results


RESULTS = {
    **{pool: rewarded(pool, tau) for pool, tau in POOLS},
    "pairs": scored(late_interaction_pairs),
    "matrix": scored(late_interaction_matrix),
}


def is_nothing(results: list[Tensor], *leaves: Tensor) -> None:
    """Values 0, winners -1, gradients there and 0."""
    for result in results:
        nothing = 0.0 if result.is_floating_point() else -1
        assert bool((result == nothing).all())
    torch.stack([result.sum() for result in results if result.requires_grad]).sum().backward()
    for leaf in leaves:
        assert leaf.grad is not None and leaf.grad.shape == leaf.shape
        assert leaf.grad.dtype == leaf.dtype
        assert not leaf.grad.any()


@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.parametrize(("tokens", "patches"), NOTHING, ids=str)
def test_without_texts_tokens_or_patches(
    kernel_backend: Reach, name: str, tokens: list[int], patches: list[int]
) -> None:
    for dtype in (torch.float32, torch.bfloat16):
        given = batch(tokens, patches, 16, dtype).leaves()
        results = RESULTS[name](given)
        assert {len(result) for result in results} <= {len(tokens), sum(tokens), sum(patches)}
        is_nothing(results, given.text, given.image)


@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.parametrize("side", ["token_mask", "patch_mask", "both"])
def test_without_anything_that_counts(kernel_backend: Reach, name: str, side: str) -> None:
    given = batch([2, 3], [4, 1], 16).leaves()
    nothing = torch.zeros(5, dtype=torch.bool)
    if side != "patch_mask":
        given = replace(given, token_mask=nothing)
    if side != "token_mask":
        given = replace(given, patch_mask=nothing)
    is_nothing(RESULTS[name](given), given.text, given.image)


@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.parametrize(("length", "patches"), [(0, 3), (3, 0), (0, 0)])
def test_padded_to_nothing(kernel_backend: Reach, name: str, length: int, patches: int) -> None:
    text = torch.zeros(2, length, 16, requires_grad=True)
    image = torch.zeros(2, patches, 16, requires_grad=True)
    masks = torch.ones(2, length).bool(), torch.ones(2, patches).bool()
    is_nothing(RESULTS[name](Padded(text, image, *masks)), text, image)


def test_no_texts_or_no_images_make_an_empty_matrix(kernel_backend: Reach) -> None:
    for tokens, patches in (([], [2, 3]), ([2, 3], []), ([], [])):
        given = batch(tokens, patches, 16).leaves()
        found = given(late_interaction_matrix, **EVERYTHING)
        assert found.t2i.shape == found.i2t.shape == (len(tokens), len(patches))
        assert found.token_max.shape == (sum(tokens), len(patches))
        (found.t2i.sum() + found.i2t.sum()).backward()
        assert given.text.grad is not None and not given.text.grad.any()
        assert given.image.grad is not None and not given.image.grad.any()


def test_no_global_embeddings(kernel_backend: Reach) -> None:
    tokens = torch.zeros(0, 3, 16, requires_grad=True)
    image = torch.zeros(0, 16, requires_grad=True)
    values = token_image_reward(tokens, image, source="global").values
    assert values.shape == (0, 3)
    values.sum().backward()
    assert tokens.grad is not None and tokens.grad.shape == (0, 3, 16)


@pytest.mark.parametrize("name", RESULTS)
def test_empty_pairs_among_others_change_nothing(kernel_backend: Reach, name: str) -> None:
    """A text or image without rows takes no room, and its neighbours keep their results."""
    given = batch([2, 4], [4, 3], 16)
    sparse = Batch(given.text, given.image, (0, 2, 0, 4, 0), (0, 4, 0, 3, 0))
    results, among = RESULTS[name](given), RESULTS[name](sparse)
    there = [1, 3]
    for one, other in zip(results, among, strict=True):
        if one.shape == other.shape:
            assert torch.equal(one, other)
        else:
            kept = other[there] if len(other) == 5 else other
            kept = kept[:, there] if kept.dim() == 2 and kept.shape[1] == 5 else kept
            assert torch.equal(one, kept)
