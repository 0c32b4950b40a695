"""Loads by descriptor, as on Hopper, which cannot leave out masked or neighbouring rows."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from tests.kernels.cases import Batch, Reach, batch, same_bits

from mmjudge.kernels import (
    late_interaction_matrix,
    late_interaction_pairs,
    token_image_reward,
)

EVERYTHING = {"return_tokens": True, "return_argmax": True}
OPERATIONS: dict[str, Callable[[Batch], tuple[Any, ...]]] = {
    "softmax": lambda given: given(token_image_reward, pool="softmax", tau=0.1, return_argmax=True),
    "pairs": lambda given: given(late_interaction_pairs, **EVERYTHING),
    "matrix": lambda given: given(late_interaction_matrix, **EVERYTHING),
    "t2i": lambda given: given(late_interaction_matrix, directions="t2i", **EVERYTHING),
}


@pytest.mark.parametrize("kernel_backend", ["interpret"], indirect=True)
@pytest.mark.parametrize("name", OPERATIONS)
def test_bits_are_those_of_loads_by_pointer(
    kernel_backend: Reach, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mmjudge.kernels.gpu import tiles

    given = batch((9, 40), (35, 7), 72, torch.bfloat16, masked=True)
    assert given.token_mask is not None and given.patch_mask is not None
    # What a descriptor loads of masked rows, and beyond an image, is the next one's or garbage.
    given.text[~given.token_mask] = torch.nan
    given.image[~given.patch_mask] = torch.inf
    wanted = OPERATIONS[name](given)
    shape = replace(tiles.INTERPRETED, descriptors=True)
    monkeypatch.setattr(tiles, "INTERPRETED", shape)
    found = OPERATIONS[name](given)
    assert all(same_bits(*both) for both in zip(found, wanted, strict=True))
