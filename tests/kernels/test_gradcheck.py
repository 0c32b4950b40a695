"""Derivatives by differences, in float64, which the blocked backend alone computes in."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.kernels.cases import batch
from torch import Tensor

from mmjudge.kernels import (
    late_interaction_matrix,
    late_interaction_pairs,
    segment_reduce,
    token_image_reward,
)
from mmjudge.kernels.segment_reduction import MODES, Reduce

pytestmark = pytest.mark.usefixtures("blocked_backend")

TOKENS, PATCHES = [2, 0, 3], [3, 2, 1]


def checked(operation: Callable[..., Any], names: list[str], **options: Any) -> bool:
    given = batch(TOKENS, PATCHES, 5, masked=True, seed=3).wide().leaves()

    def function(text: Tensor, image: Tensor) -> tuple[Tensor, ...]:
        found = operation(
            text,
            image,
            cu_tokens=torch.tensor([0, 2, 2, 5]),
            cu_patches=torch.tensor([0, 3, 5, 6]),
            token_mask=given.token_mask,
            patch_mask=given.patch_mask,
            **options,
        )
        return tuple(getattr(found, name) for name in names)

    assert function(given.text, given.image)[0].dtype == torch.float64
    return torch.autograd.gradcheck(function, (given.text, given.image))


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize(("pool", "tau"), [("max", None), ("mean", None), ("softmax", 0.3)])
def test_token_rewards(pool: str, tau: float | None, normalize: bool) -> None:
    assert checked(token_image_reward, ["values"], pool=pool, tau=tau, normalize=normalize)


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("reduce", ["mean", "sum"])
def test_pairs(reduce: str, normalize: bool) -> None:
    names = ["t2i", "i2t", "token_max", "patch_max"]
    options = {"reduce": reduce, "normalize": normalize, "return_tokens": True}
    assert checked(late_interaction_pairs, names, **options)


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("reduce", ["mean", "sum"])
def test_the_matrix(reduce: str, normalize: bool) -> None:
    options = {"reduce": reduce, "normalize": normalize, "return_tokens": True}
    assert checked(late_interaction_matrix, ["t2i", "i2t", "token_max"], **options)


@pytest.mark.parametrize("operation", [late_interaction_pairs, late_interaction_matrix])
@pytest.mark.parametrize("directions", ["t2i", "i2t"])
def test_one_direction(operation: Callable[..., Any], directions: str) -> None:
    assert checked(operation, [directions], directions=directions)


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("reduce", MODES)
def test_segment_reduce(reduce: Reduce, masked: bool) -> None:
    values = torch.randn(6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    mask = torch.tensor([True, False, True, True, True, False]) if masked else None
    assert torch.autograd.gradcheck(
        lambda rows: segment_reduce(rows, torch.tensor([0, 2, 2, 6]), reduce, mask=mask),
        values.requires_grad_(),
    )
