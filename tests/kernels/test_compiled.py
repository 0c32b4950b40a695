"""The operations inside compiled and exported programs."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.kernels.cases import Batch, Padded, Reach, batch, offsets, same_bits
from torch import Tensor

from mmjudge.kernels import (
    Margin,
    late_interaction_matrix,
    late_interaction_pairs,
    segment_reduce,
    token_image_reward,
)

Program = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, ...]]


def rewarded(pool: str, tau: float | None) -> Program:
    def program(text: Tensor, image: Tensor, tokens: Tensor, patches: Tensor) -> Any:
        reward = token_image_reward(
            text,
            image,
            cu_tokens=tokens,
            cu_patches=patches,
            pool=pool,  # type: ignore[arg-type]
            tau=tau,
            transform=Margin(0.1, 0.2),
            return_argmax=True,
        )
        sums = segment_reduce(reward.values, tokens, "sum")
        return sums, reward.values, reward.argmax

    return program


def scored(operation: Callable[..., Any], reduce: str) -> Program:
    def program(text: Tensor, image: Tensor, tokens: Tensor, patches: Tensor) -> Any:
        found = operation(
            text,
            image,
            cu_tokens=tokens,
            cu_patches=patches,
            reduce=reduce,
            return_tokens=True,
            return_argmax=True,
        )
        return tuple(value for value in found if value is not None)

    return program


PROGRAMS = {
    "maximum": rewarded("max", None),
    "softmax": rewarded("softmax", 0.2),
    "pairs": scored(late_interaction_pairs, "mean"),
    "matrix": scored(late_interaction_matrix, "sum"),
}
SIZES = [([2, 0, 3], [3, 4, 1]), ([5, 1], [2, 6])]


@pytest.fixture(autouse=True)
def nothing_compiled_before() -> None:
    torch.compiler.reset()


def ran(program: Program, given: Batch) -> tuple[tuple[Tensor, ...], Tensor, Tensor]:
    """Results and the gradients of their sum."""
    ours = given.leaves()
    results = program(ours.text, ours.image, offsets(given.tokens), offsets(given.patches))
    wanted = [result for result in results if result.requires_grad]
    torch.stack([result.sum() for result in wanted]).sum().backward()
    assert ours.text.grad is not None and ours.image.grad is not None
    return results, ours.text.grad, ours.image.grad


@pytest.mark.parametrize("name", PROGRAMS)
def test_whole_programs_compile_for_any_size(kernel_backend: Reach, name: str) -> None:
    program = PROGRAMS[name]
    compiled = torch.compile(program, fullgraph=True, dynamic=True, backend="aot_eager")
    frames = []
    for tokens, patches in SIZES:
        given = batch(tokens, patches, 8)
        wanted, found = ran(program, given), ran(compiled, given)
        assert all(map(same_bits, found[0], wanted[0]))
        assert same_bits(found[1], wanted[1])
        assert same_bits(found[2], wanted[2])
        frames.append(torch._dynamo.utils.counters["stats"]["unique_graphs"])
    assert frames[0] == frames[1], "compiled again for another size"


# Inductor imports parts of torch that torch itself has deprecated.
@pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated:DeprecationWarning")
def test_inductor_s_code_gives_the_same(blocked_backend: None) -> None:
    program = PROGRAMS["matrix"]
    compiled = torch.compile(program, fullgraph=True, dynamic=True)
    given = batch([2, 3], [3, 4], 8)
    wanted, found = ran(program, given), ran(compiled, given)
    for one, other in zip(found[0], wanted[0], strict=True):
        torch.testing.assert_close(one, other)
    torch.testing.assert_close(found[1], wanted[1])
    torch.testing.assert_close(found[2], wanted[2])


def test_padded_programs_compile(kernel_backend: Reach) -> None:
    def program(text: Tensor, image: Tensor, tokens: Tensor, patches: Tensor) -> Tensor:
        given = Padded(text, image, tokens, patches)
        scores = given(late_interaction_pairs)
        return torch.as_tensor(scores.t2i + scores.i2t)

    compiled = torch.compile(program, fullgraph=True, dynamic=True, backend="aot_eager")
    for tokens, patches in SIZES:
        given = batch(tokens, patches, 8, masked=True).padded(1)
        arguments = given.text, given.image, given.token_mask, given.patch_mask
        assert same_bits(compiled(*arguments), program(*arguments))


class Judge(torch.nn.Module):
    def forward(self, text: Tensor, image: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        matrix = late_interaction_matrix(text, image, token_mask=mask)
        reward = token_image_reward(text, image, token_mask=mask, return_argmax=True)
        assert matrix.t2i is not None and matrix.i2t is not None and reward.argmax is not None
        return matrix.t2i, matrix.i2t, reward.values, reward.argmax


def test_programs_can_be_exported_with_dynamic_shapes(kernel_backend: Reach) -> None:
    pairs, length, patches = (torch.export.Dim(name) for name in ("pairs", "length", "patches"))
    shapes = {
        "text": {0: pairs, 1: length},
        "image": {0: pairs, 1: patches},
        "mask": {0: pairs, 1: length},
    }

    def arguments(pairs: int, length: int, patches: int) -> tuple[Tensor, ...]:
        given = batch([length] * pairs, [patches] * pairs, 8, masked=True).padded()
        return given.text, given.image, given.token_mask

    exported = torch.export.export(Judge(), arguments(3, 4, 5), dynamic_shapes=shapes)
    called = {str(node.target) for node in exported.graph.nodes if node.op == "call_function"}
    assert {"mmjudge.matrix_maxima.default", "mmjudge.pairs_maxima.default"} <= called
    for sizes in ((3, 4, 5), (2, 7, 3)):
        given = arguments(*sizes)
        found, wanted = exported.module()(*given), Judge()(*given)
        assert all(map(same_bits, found, wanted))


def test_shapes_are_known_without_data(kernel_backend: Reach) -> None:
    """On the meta device, as when a model's memory is planned."""
    text, image = torch.empty(2, 3, 8, device="meta"), torch.empty(2, 5, 8, device="meta")
    with torch.device("meta"):
        found = late_interaction_matrix(text, image, return_tokens=True)
    assert found.t2i is not None and found.t2i.shape == (2, 2)
    assert found.token_max is not None and found.token_max.shape == (2, 3, 2)
    assert found.t2i.device.type == "meta"
