"""Nothing is read or written outside the tensors: such accesses are silent, in both backends."""

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
import torch
from tests.kernels.allocations import Canaries, watch, within_poison
from tests.kernels.cases import Batch, Reach, batch, offsets, same_bits
from torch import Tensor

from mmjudge.kernels import (
    blocked,
    late_interaction_matrix,
    late_interaction_pairs,
    segment_reduce,
    token_image_reward,
)
from mmjudge.kernels.segment_reduction import MODES, Reduce

CALLS: dict[str, Callable[[Batch], Any]] = {
    "maximum": lambda given: given(token_image_reward, return_argmax=True),
    "mean": lambda given: given(token_image_reward, pool="mean"),
    "softmax": lambda given: given(token_image_reward, pool="softmax", tau=0.1),
    "pairs": lambda given: given(
        late_interaction_pairs, return_tokens=True, return_argmax=True, normalize=False
    ),
    "matrix": lambda given: given(
        late_interaction_matrix, return_tokens=True, return_argmax=True, image_chunk=2
    ),
    "t2i": lambda given: given(late_interaction_matrix, directions="t2i"),
}
# Dimensions and lengths at and beside those of tiles, and far from them.
SHAPES = [([1, 33], [31, 2], 1), ([32, 0, 3], [3, 33, 1], 65), ([5, 2], [33, 32], 96)]


def results(call: Callable[[Batch], Any], given: Batch) -> list[Tensor]:
    """What comes, and the gradients of its sum."""
    leaves = given.leaves()
    # A view keeps its place in memory only if it is not copied: gradients go to the view.
    leaves = replace(
        leaves,
        text=given.text.detach().requires_grad_(),
        image=given.image.detach().requires_grad_(),
    )
    found = [value for value in call(leaves) if value is not None]
    torch.stack([value.sum() for value in found if value.requires_grad]).sum().backward()
    assert leaves.text.grad is not None and leaves.image.grad is not None
    return [*found, leaves.text.grad, leaves.image.grad]


def guard(reach: Reach, monkeypatch: pytest.MonkeyPatch) -> Canaries:
    """Have all buffers of the backend guarded from here on."""
    module: ModuleType = blocked
    if reach.name == "interpret":
        from mmjudge.kernels import gpu

        module = gpu
    canaries = Canaries()
    watch(monkeypatch, canaries, module, *module.__all__)
    return canaries


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_what_lies_around_the_features_is_not_read(
    kernel_backend: Reach, name: str, shape: tuple[list[int], list[int], int]
) -> None:
    given = batch(*shape, masked=True)
    poisoned = replace(
        given,
        text=within_poison(given.text),
        image=within_poison(given.image),
        token_mask=within_poison(given.kept_tokens[:, None])[:, 0].contiguous(),
        patch_mask=within_poison(given.kept_patches[:, None])[:, 0].contiguous(),
    )
    assert not poisoned.text.is_contiguous()
    wanted, found = results(CALLS[name], given), results(CALLS[name], poisoned)
    for one, other in zip(found, wanted, strict=True):
        assert bool(one.isfinite().all())
        assert same_bits(one, other)


@pytest.mark.parametrize("name", CALLS)
def test_buffers_are_filled_and_nothing_is_written_around_them(
    kernel_backend: Reach, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """New buffers hold NaN, and large integers, until something is written there."""
    tokens, patches, dim = SHAPES[1]
    given = batch(tokens, patches, dim, torch.bfloat16, masked=True)
    wanted = results(CALLS[name], given)
    canaries = guard(kernel_backend, monkeypatch)
    found = results(CALLS[name], given)
    assert canaries.buffers and canaries.untouched()
    for one, other in zip(found, wanted, strict=True):
        assert same_bits(one, other)


@pytest.mark.parametrize("reduce", MODES)
def test_segments_are_read_and_written_within_bounds(
    kernel_backend: Reach, monkeypatch: pytest.MonkeyPatch, reduce: Reduce
) -> None:
    given = batch([5, 0, 12], [0, 0, 0], 3)
    cu_segments = offsets(given.tokens)
    wanted = segment_reduce(given.text, cu_segments, reduce)
    canaries = guard(kernel_backend, monkeypatch)
    found = segment_reduce(within_poison(given.text), cu_segments, reduce)
    assert canaries.untouched()
    assert same_bits(found, wanted)


def test_the_canaries_would_tell(blocked_backend: None) -> None:
    canaries = Canaries()
    with canaries:
        buffer = torch.empty(2, 3)
        counts = torch.zeros(4, dtype=torch.int32)
    assert bool(buffer.isnan().all()) and not counts.any()
    assert canaries.untouched()
    for made, place in ((buffer, -1), (counts, 4)):
        beyond = made.as_strided((1,), (1,), made.storage_offset() + place)
        before = beyond.clone()
        beyond.fill_(7)
        assert not canaries.untouched()
        beyond.copy_(before)
    assert canaries.untouched()
