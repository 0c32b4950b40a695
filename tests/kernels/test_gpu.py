"""On a GPU: parity with the reference by dtype, memory ceilings, and the same bits every time."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.kernels.cases import Batch, Padded, batch, same_bits
from torch import Tensor

from mmjudge import kernels
from mmjudge.kernels.reference import best, cosines

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"),
]

# Products of half-precision features are exact, float32 ones are three TF32 products: what is left
# is the rounding of float32 sums, which tensor cores truncate.
ATOL = {torch.float32: 1e-5, torch.float16: 1e-5, torch.bfloat16: 1e-5}
LENGTHS = [(77, 576), (1, 1), (130, 300), (0, 40), (33, 0), (64, 729)]
GRADIENT = {torch.float32: 1e-4, torch.float16: 4e-3, torch.bfloat16: 1.6e-2}


def on_gpu(given: Batch | Padded) -> Any:
    moved: dict[str, Any] = {
        name: value.cuda() if isinstance(value, Tensor) else value
        for name, value in vars(given).items()
    }
    return type(given)(**moved)


def drawn(dim: int, dtype: torch.dtype = torch.bfloat16, masked: bool = True) -> Batch:
    tokens, patches = zip(*LENGTHS, strict=True)
    return batch(tokens, patches, dim, dtype, masked=masked)


@pytest.mark.parametrize("dim", [16, 72, 128, 768, 1152, 4096])
@pytest.mark.parametrize("dtype", ATOL, ids=str)
def test_maxima_equal_the_reference(dim: int, dtype: torch.dtype) -> None:
    given = drawn(dim, dtype)
    with kernels.strict():
        pairs = on_gpu(given)(
            kernels.late_interaction_pairs, return_tokens=True, return_argmax=True
        )
        matrix = on_gpu(given)(
            kernels.late_interaction_matrix, return_tokens=True, return_argmax=True
        )
    for i, run in enumerate(given.texts):
        for j, columns in enumerate(given.images):
            similarity = cosines(given.text[run], given.image[columns])
            value, _ = best(similarity, given.kept_tokens[run], given.kept_patches[columns])
            found = matrix.token_max[run, j].cpu().double()
            torch.testing.assert_close(found, value, atol=ATOL[dtype], rtol=0)
            chosen = matrix.token_argmax[run, j].cpu().long()
            rows = (chosen >= 0).nonzero()[:, 0]
            reached = similarity[rows, chosen[rows]]
            assert bool((reached >= value[rows] - 2 * ATOL[dtype]).all())
            if i == j:
                found = pairs.token_max[run].cpu().double()
                torch.testing.assert_close(found, value, atol=ATOL[dtype], rtol=0)
    torch.testing.assert_close(matrix.t2i.diagonal(), pairs.t2i, atol=ATOL[dtype], rtol=0)
    torch.testing.assert_close(matrix.i2t.diagonal(), pairs.i2t, atol=ATOL[dtype], rtol=0)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "max": lambda given: given(kernels.token_image_reward).values,
    "mean": lambda given: given(kernels.token_image_reward, pool="mean").values,
    "softmax": lambda given: given(kernels.token_image_reward, pool="softmax", tau=0.1).values,
    "pairs": lambda given: torch.cat(given(kernels.late_interaction_pairs)[:2]),
    "matrix": lambda given: torch.cat(given(kernels.late_interaction_matrix)[:2]).flatten(),
}


def forward_and_backward(operation: Callable[..., Tensor], given: Any) -> tuple[Tensor, ...]:
    leaves = given.leaves()
    result = operation(leaves)
    weights = torch.linspace(0.5, 1.5, result.numel(), device=result.device, dtype=result.dtype)
    (result * weights).sum().backward()
    return result.detach(), leaves.text.grad, leaves.image.grad


@pytest.mark.parametrize("dim", [128, 768])
@pytest.mark.parametrize("dtype", ATOL, ids=str)
@pytest.mark.parametrize("name", OPERATIONS)
def test_results_and_gradients_equal_the_cpu_s(name: str, dtype: torch.dtype, dim: int) -> None:
    given = drawn(dim, dtype)
    wanted = forward_and_backward(OPERATIONS[name], given.wide())
    with kernels.strict():
        found = forward_and_backward(OPERATIONS[name], on_gpu(given))
    torch.testing.assert_close(found[0].cpu().double(), wanted[0], atol=ATOL[dtype], rtol=0)
    for one, other in zip(found[1:], wanted[1:], strict=True):
        assert one.dtype == dtype
        error = (one.cpu().double() - other).norm() / other.norm()
        assert float(error) < GRADIENT[dtype]


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_same_bits_run_to_run(name: str) -> None:
    given = on_gpu(drawn(768))
    first = forward_and_backward(OPERATIONS[name], given)
    for _ in range(5):
        again = forward_and_backward(OPERATIONS[name], given)
        assert all(same_bits(*both) for both in zip(first, again, strict=True))


@pytest.mark.parametrize("dim", [128, 768, 4096])
def test_the_same_bits_alone_permuted_and_padded(dim: int) -> None:
    given = drawn(dim)
    options = {"return_tokens": True}
    whole = on_gpu(given)(kernels.late_interaction_pairs, **options)
    order = [4, 2, 0, 5, 1, 3]
    moved = on_gpu(given.take(order, order))(kernels.late_interaction_pairs, **options)
    assert same_bits(moved.t2i, whole.t2i[order]) and same_bits(moved.i2t, whole.i2t[order])
    for more in (0, 37):
        padded = on_gpu(given.padded(more))(kernels.late_interaction_pairs, **options)
        assert same_bits(padded.t2i, whole.t2i) and same_bits(padded.i2t, whole.i2t)
    for i in range(len(LENGTHS)):
        alone = on_gpu(given.take([i], [i]))(kernels.late_interaction_pairs, **options)
        assert same_bits(alone.t2i, whole.t2i[i : i + 1])
        assert same_bits(alone.i2t, whole.i2t[i : i + 1])


@pytest.mark.parametrize("dim", [128, 768, 4096])
def test_matrix_entries_have_the_same_bits_in_any_company(dim: int) -> None:
    given = drawn(dim)
    whole = on_gpu(given)(kernels.late_interaction_matrix)
    part = on_gpu(given.take([5, 0], [2, 1, 5]))(kernels.late_interaction_matrix)
    assert same_bits(part.t2i, whole.t2i[[5, 0]][:, [2, 1, 5]].contiguous())
    assert same_bits(part.i2t, whole.i2t[[5, 0]][:, [2, 1, 5]].contiguous())
    chunked = on_gpu(given)(kernels.late_interaction_matrix, image_chunk=1)
    assert same_bits(chunked.t2i, whole.t2i) and same_bits(chunked.i2t, whole.i2t)


def peak(operation: Callable[[], Any]) -> tuple[int, int]:
    """Bytes that an operation returned, and the most it held above what was there before."""
    operation()  # compiles
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    results = [value for value in operation() if value is not None]
    torch.cuda.synchronize()
    most = torch.cuda.max_memory_allocated() - before
    return sum(value.nbytes for value in results), most


@pytest.mark.parametrize("texts, images", [(256, 256), (64, 1024)])
@pytest.mark.parametrize("directions", ["t2i", "both"])
@pytest.mark.parametrize("tokens", [False, True])
def test_a_matrix_holds_little_beside_its_results(
    texts: int, images: int, directions: kernels.late_interaction.Directions, tokens: bool
) -> None:
    text = torch.randn(texts, 77, 768, device="cuda", dtype=torch.bfloat16)
    image = torch.randn(images, 576, 768, device="cuda", dtype=torch.bfloat16)
    outputs, most = peak(
        lambda: kernels.late_interaction_matrix(
            text, image, directions=directions, return_tokens=tokens, return_argmax=tokens
        )
    )
    assert most <= 1.01 * outputs + (64 << 20)


def test_pairs_hold_little_beside_their_results() -> None:
    text = torch.randn(256, 512, 4096, device="cuda", dtype=torch.bfloat16)
    image = torch.randn(256, 576, 4096, device="cuda", dtype=torch.bfloat16)
    outputs, most = peak(lambda: kernels.token_image_reward(text, image, return_argmax=True))
    assert most <= 1.01 * outputs + (64 << 20)


def test_rows_beyond_two_to_the_31_values() -> None:
    """Offsets are 64 bits wide: the last image begins past 2^31 values."""
    image = torch.zeros(900, 576, 4608, device="cuda", dtype=torch.bfloat16)
    image[-1, 5] = 1.0
    text = torch.ones(900, 1, 4608, device="cuda", dtype=torch.bfloat16)
    reward = kernels.token_image_reward(text, image, return_argmax=True)
    assert reward.argmax is not None and int(reward.argmax[-1, 0]) == 5
    torch.testing.assert_close(reward.values[-1, 0].item(), 1.0, atol=1e-5, rtol=0)


def test_a_cuda_graph_replays_padded_calls() -> None:
    text = torch.randn(8, 77, 768, device="cuda", dtype=torch.bfloat16)
    image = torch.randn(8, 576, 768, device="cuda", dtype=torch.bfloat16)
    wanted = kernels.late_interaction_pairs(text, image).t2i
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = kernels.late_interaction_pairs(text, image).t2i
    assert captured is not None and wanted is not None
    captured.zero_()
    graph.replay()
    assert same_bits(captured, wanted)
    offsets = torch.tensor([0, 77], device="cuda")
    with (
        pytest.raises(ValueError, match="cu_tokens.*CUDA graph"),
        torch.cuda.graph(torch.cuda.CUDAGraph()),
    ):
        kernels.token_image_reward(text[0], image[:1], cu_tokens=offsets)
