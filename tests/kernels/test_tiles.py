"""The Triton sources with the tiles and the loads that GPUs get, in the interpreter."""

from collections.abc import Callable
from typing import Any, get_args

import pytest
import torch
from tests.kernels.cases import DTYPES, Batch, batch, same_bits
from torch import Tensor, inf, nan

from mmjudge import kernels
from mmjudge.kernels import (
    late_interaction_matrix,
    late_interaction_pairs,
    token_image_reward,
)

pytest.importorskip("triton", reason="triton is not installed")

EVERYTHING = {"return_tokens": True, "return_argmax": True}
CALLS: dict[str, Callable[[Batch], Any]] = {
    "maximum": lambda given: given(token_image_reward, return_argmax=True),
    "mean": lambda given: given(token_image_reward, pool="mean", return_argmax=True),
    "softmax": lambda given: given(token_image_reward, pool="softmax", tau=0.1),
    "pairs": lambda given: given(late_interaction_pairs, **EVERYTHING),
    "matrix": lambda given: given(late_interaction_matrix, **EVERYTHING),
    "t2i": lambda given: given(late_interaction_matrix, directions="t2i", return_argmax=True),
}
ARCHITECTURES = [
    *("sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_103", "sm_120"),
    *("gfx90a", "gfx942", "gfx950", "gfx1100"),
]


def use_tile(monkeypatch: pytest.MonkeyPatch, *shape: int, descriptors: bool = False) -> None:
    from mmjudge.kernels.gpu import tiles

    rows, columns, depth = shape
    tile = tiles.Tile(rows, columns, depth, descriptors=descriptors)
    monkeypatch.setattr(tiles, "INTERPRETED", tile)


def results(name: str, given: Batch) -> list[Tensor]:
    """What comes, and the gradients of its sum."""
    leaves = given.leaves()
    found = [value for value in CALLS[name](leaves) if value is not None]
    torch.stack([value.sum() for value in found if value.requires_grad]).sum().backward()
    assert leaves.text.grad is not None and leaves.image.grad is not None
    return [*found, leaves.text.grad, leaves.image.grad]


@pytest.mark.parametrize("name", CALLS)
def test_loads_by_descriptor_change_no_bit(
    interpreter: None, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """They bring masked rows, and rows of neighbouring texts and images, into the products."""
    given = batch([5, 40, 3], [7, 33, 2], 72, torch.bfloat16, masked=True)
    given.text[~given.kept_tokens], given.image[~given.kept_patches] = nan, inf
    first_kept = int(given.kept_tokens.nonzero()[3])
    given.text[first_kept] = nan
    use_tile(monkeypatch, 32, 32, 64)
    pointers = results(name, given)
    use_tile(monkeypatch, 32, 32, 64, descriptors=True)
    descriptors = results(name, given)
    assert not bool(torch.cat([value.flatten() for value in pointers]).isnan().all())
    for one, other in zip(descriptors, pointers, strict=True):
        assert same_bits(one, other)


@pytest.mark.parametrize("shape", [(16, 64, 32), (64, 16, 16)], ids=str)
@pytest.mark.parametrize("name", CALLS)
def test_other_tiles_give_the_same(
    interpreter: None, monkeypatch: pytest.MonkeyPatch, name: str, shape: tuple[int, int, int]
) -> None:
    given = batch([5, 40, 0, 30], [7, 33, 2, 20], 40, masked=True)
    use_tile(monkeypatch, *shape)
    found = results(name, given)
    with kernels.backend("blocked"):
        wanted = results(name, given)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, atol=2e-6, rtol=1e-4)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_architecture_has_a_tile_that_the_batch_cannot_change(
    architecture: str, dtype: torch.dtype
) -> None:
    from mmjudge.kernels.gpu.tiles import Kernel, tile

    for kernel in get_args(Kernel):
        for dim in (1, 72, 768, 4096):
            for winners in (True, False):
                chosen = {
                    tile(kernel, architecture, torch.zeros(rows, dim, dtype=dtype), winners=winners)
                    for rows in (0, 1, 1000)
                }
                assert len(chosen) == 1
                assert chosen.pop().depth <= max(32, dim)
