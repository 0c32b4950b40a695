"""Arguments that make no sense: refused by name, with what came and what was expected."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, tensor, zeros

from mmjudge.kernels import (
    blocked,
    late_interaction_matrix,
    late_interaction_pairs,
    segment_reduce,
    token_image_reward,
)

Operation = Callable[..., Any]
BOTH_SIDES: list[tuple[Operation, str]] = [
    (token_image_reward, "tokens"),
    (late_interaction_pairs, "text"),
    (late_interaction_matrix, "text"),
]
PAIRED = BOTH_SIDES[:2]
CU = tensor([0, 2, 5])


@pytest.fixture(autouse=True)
def nothing_may_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error after the arithmetic began is an error too late."""

    def run(*_: Any) -> None:
        raise AssertionError("ran with arguments that should have been refused")

    for name in blocked.__all__:
        monkeypatch.setattr(blocked, name, run)


def refused(call: Callable[[], object], error: type[Exception], *words: str) -> None:
    with pytest.raises(error) as raised:
        call()
    assert type(raised.value) is error
    for word in words:
        assert word in str(raised.value)


def ragged(operation: Operation, **changes: Any) -> Callable[[], object]:
    """A call with good ragged arguments but for the changes; `one`, `other`: the features."""
    one, other = changes.pop("one", zeros(5, 4)), changes.pop("other", zeros(6, 4))
    good = {"cu_tokens": CU, "cu_patches": tensor([0, 4, 6])}
    return lambda: operation(one, other, **good | changes)


def padded(operation: Operation, **changes: Any) -> Callable[[], object]:
    one, other = changes.pop("one", zeros(2, 3, 4)), changes.pop("other", zeros(2, 5, 4))
    return lambda: operation(one, other, **changes)


@pytest.mark.parametrize(("operation", "text"), BOTH_SIDES)
class TestFeatures:
    @pytest.mark.parametrize(
        "dtype", [torch.int64, torch.int8, torch.bool, torch.complex64, torch.float8_e4m3fn]
    )
    def test_of_another_kind_of_number(
        self, operation: Operation, text: str, dtype: torch.dtype
    ) -> None:
        kind = str(dtype).removeprefix("torch.")
        expected = "expected float16, bfloat16 or float32"
        one, other = zeros(5, 4, dtype=dtype), zeros(6, 4, dtype=dtype)
        refused(ragged(operation, one=one), TypeError, f"{text}: {kind}[5, 4]", expected)
        refused(ragged(operation, other=other), TypeError, f"image: {kind}[6, 4]", expected)

    @pytest.mark.parametrize("shape", [(), (4,), (1, 2, 3, 4)])
    def test_of_another_shape(
        self, operation: Operation, text: str, shape: tuple[int, ...]
    ) -> None:
        expected = "expected ragged [rows, dim] or padded [batch, length, dim]"
        came = f"float32{list(shape)}"
        refused(ragged(operation, one=zeros(shape)), ValueError, f"{text}: {came}", expected)
        refused(ragged(operation, other=zeros(shape)), ValueError, f"image: {came}", expected)

    def test_of_two_dimensions(self, operation: Operation, text: str) -> None:
        words = f"image: has dim 3, {text} has 4", "expected features of one space"
        refused(ragged(operation, other=zeros(6, 3)), ValueError, *words)
        refused(padded(operation, other=zeros(2, 5, 3)), ValueError, *words)

    def test_of_no_dimension_or_too_many(self, operation: Operation, text: str) -> None:
        for dim in (0, 16385):
            words = f"{text}: float32[5, {dim}] has dim {dim}", "expected 1 to 16384"
            one, other = zeros(5, dim), zeros(6, dim)
            refused(ragged(operation, one=one, other=other), ValueError, *words)

    def test_of_two_dtypes(self, operation: Operation, text: str) -> None:
        words = f"image: is float16, {text} is float32", "convert one of them"
        refused(ragged(operation, other=zeros(6, 4).half()), TypeError, *words)

    def test_on_two_devices(self, operation: Operation, text: str) -> None:
        words = f"image: is on meta, {text} on cpu", "put them together"
        refused(ragged(operation, other=zeros(6, 4, device="meta")), ValueError, *words)
        words = f"image: is on cpu, {text} on meta", "put them together"
        refused(ragged(operation, one=zeros(5, 4, device="meta")), ValueError, *words)


@pytest.mark.parametrize(("operation", "text"), PAIRED)
def test_pairs_of_unequal_numbers(operation: Operation, text: str) -> None:
    words = f"image: 3 of them, but 2 of {text}", "pairs need as many of each"
    refused(ragged(operation, cu_patches=tensor([0, 1, 4, 6])), ValueError, *words)
    refused(padded(operation, other=zeros(3, 5, 4)), ValueError, *words)
    refused(lambda: operation(zeros(2, 3, 4), zeros(6, 4), cu_patches=tensor([0, 6])), ValueError)


@pytest.mark.parametrize(("operation", "text"), BOTH_SIDES)
class TestOffsets:
    def test_missing(self, operation: Operation, text: str) -> None:
        words = "float32[5, 4] is ragged and needs cu_tokens", "padded, as [batch, length, dim]"
        refused(ragged(operation, cu_tokens=None), ValueError, f"{text}: ", *words)
        refused(ragged(operation, cu_patches=None), ValueError, "image: ", "needs cu_patches")

    def test_beside_padded_features(self, operation: Operation, text: str) -> None:
        words = f"cu_tokens: given beside a padded {text} of shape [2, 3, 4]", "give token_mask"
        refused(padded(operation, cu_tokens=CU), ValueError, *words)
        words = "cu_patches: given beside a padded image of shape [2, 5, 4]", "give patch_mask"
        refused(padded(operation, cu_patches=CU), ValueError, *words)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.int16, torch.uint8, torch.bool])
    def test_of_another_dtype(self, operation: Operation, text: str, dtype: torch.dtype) -> None:
        kind = str(dtype).removeprefix("torch.")
        for name in ("cu_tokens", "cu_patches"):
            words = f"{name}: {kind}[3]", "expected int32 or int64"
            refused(ragged(operation, **{name: CU.to(dtype)}), TypeError, *words)

    @pytest.mark.parametrize("shape", [(), (0,), (1, 3)])
    def test_of_another_shape(
        self, operation: Operation, text: str, shape: tuple[int, ...]
    ) -> None:
        for name in ("cu_tokens", "cu_patches"):
            words = f"{name}: int64{list(shape)}", "expected shape [segments + 1]"
            offsets = zeros(shape, dtype=torch.int64)
            refused(ragged(operation, **{name: offsets}), ValueError, *words)

    @pytest.mark.parametrize(
        ("offsets", "came"),
        [
            ([1, 2, 5], "begins at 1 and ends at 5; expected 0 and 5"),
            ([-1, 2, 5], "begins at -1 and ends at 5; expected 0 and 5"),
            ([0, 2, 4], "begins at 0 and ends at 4; expected 0 and 5"),
            ([0, 2, 6], "begins at 0 and ends at 6; expected 0 and 5"),
            ([0, 7, 5], "decreases from 7 to 5 at index 2"),
            ([0, -1, 5], "decreases from 0 to -1 at index 1"),
        ],
    )
    @pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
    def test_that_lead_nowhere(
        self, operation: Operation, text: str, offsets: list[int], came: str, dtype: torch.dtype
    ) -> None:
        other = zeros(5, 4)
        given = tensor(offsets, dtype=dtype)
        for name in ("cu_tokens", "cu_patches"):
            good = {"cu_tokens": CU, "cu_patches": CU}
            refused(
                ragged(operation, other=other, **good | {name: given}),
                ValueError,
                f"{name}: {came}",
            )

    def test_on_a_device_without_data(self, operation: Operation, text: str) -> None:
        for name in ("cu_tokens", "cu_patches"):
            refused(ragged(operation, **{name: CU.to("meta")}), ValueError, f"{name}: ", "meta")


@pytest.mark.parametrize(("operation", "text"), BOTH_SIDES)
class TestMasks:
    def test_of_another_dtype(self, operation: Operation, text: str) -> None:
        for name, shape in (("token_mask", (2, 3)), ("patch_mask", (2, 5))):
            for dtype in (torch.int64, torch.float32, torch.uint8):
                mask = zeros(shape, dtype=dtype)
                kind = str(dtype).removeprefix("torch.")
                words = f"{name}: {kind}{list(shape)}", "expected bool, True where a row counts"
                refused(padded(operation, **{name: mask}), TypeError, *words)

    def test_of_another_shape(self, operation: Operation, text: str) -> None:
        for name, side, right in (("token_mask", text, [2, 3]), ("patch_mask", "image", [2, 5])):
            for shape in ([2], [right[1]], [2, 4], [2, right[1], 1], [1, right[1]]):
                mask = zeros(shape, dtype=torch.bool)
                words = f"{name}: bool{shape}; expected {right}, as {side} has"
                refused(padded(operation, **{name: mask}), ValueError, words)
        refused(
            ragged(operation, token_mask=zeros(2, 3, dtype=torch.bool)),
            ValueError,
            "token_mask: bool[2, 3]; expected [5]",
        )

    def test_on_another_device(self, operation: Operation, text: str) -> None:
        mask = zeros(2, 3, dtype=torch.bool, device="meta")
        words = f"token_mask: is on meta, {text} on cpu"
        refused(padded(operation, token_mask=mask), ValueError, words)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"source": "pixels"}, ["source: 'pixels'", "expected 'patches' or 'global'"]),
        ({"pool": "median"}, ["pool: 'median'", "expected 'max', 'mean' or 'softmax'"]),
        ({"pool": "softmax"}, ["tau: None with pool='softmax'", "softmax needs it"]),
        ({"pool": "mean", "tau": 1.0}, ["tau: 1.0 with pool='mean'", "nothing else takes it"]),
        ({"tau": 1.0}, ["tau: 1.0 with pool='max'", "nothing else takes it"]),
        ({"pool": "softmax", "tau": 0.0}, ["tau: 0.0", "expected a temperature above 0"]),
        ({"pool": "softmax", "tau": -1.0}, ["tau: -1.0", "expected a temperature above 0"]),
        ({"pool": "softmax", "tau": torch.nan}, ["tau: nan", "expected a temperature above 0"]),
    ],
)
def test_options_of_rewards(options: dict[str, Any], words: list[str]) -> None:
    refused(padded(token_image_reward, **options), ValueError, *words)


def test_options_of_global_rewards() -> None:
    tokens, image = zeros(2, 3, 4), zeros(2, 4)

    def refuse(*words: str, image: Tensor = image, **options: Any) -> None:
        call = padded(token_image_reward, one=tokens, other=image, source="global", **options)
        refused(call, ValueError, *words)

    refuse("cu_patches, patch_mask: given with source='global'", cu_patches=CU)
    refuse("cu_patches, patch_mask: given", patch_mask=zeros(2, 1, dtype=torch.bool))
    refuse("pool, return_argmax: there are no patches", pool="mean")
    refuse("pool, return_argmax: there are no patches", return_argmax=True)
    refuse("image: float32[2, 1, 4]", "expected one embedding an image", image=image[:, None])
    refuse("image: 3 of them, but 2 of tokens", image=zeros(3, 4))


@pytest.mark.parametrize("operation", [late_interaction_pairs, late_interaction_matrix])
def test_options_of_scores(operation: Operation) -> None:
    words = "directions: 'up'; expected 'both', 't2i' or 'i2t'"
    refused(padded(operation, directions="up"), ValueError, words)
    words = "reduce: 'max'; expected 'mean' or 'sum'"
    refused(padded(operation, reduce="max"), ValueError, words)


def test_options_of_the_matrix() -> None:
    for chunk in (0, -1):
        words = f"image_chunk: {chunk}; expected at least 1 image"
        refused(padded(late_interaction_matrix, image_chunk=chunk), ValueError, words)
    for option in ("return_tokens", "return_argmax"):
        options = {"directions": "i2t", option: True}
        words = "return_tokens, return_argmax: are of the direction t2i"
        refused(padded(late_interaction_matrix, **options), ValueError, words)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"values": zeros(5).long()}, TypeError, ["values: int64[5]", "expected float16"]),
        ({"values": tensor(1.0)}, ValueError, ["values: float32[]", "expected [rows] or [rows"]),
        ({"values": zeros(5, 1, 1)}, ValueError, ["values: float32[5, 1, 1]", "expected [rows]"]),
        ({"cu_segments": CU.float()}, TypeError, ["cu_segments: float32[3]", "expected int32"]),
        ({"cu_segments": CU[:0]}, ValueError, ["cu_segments: int64[0]", "expected shape"]),
        ({"cu_segments": CU + 1}, ValueError, ["cu_segments: begins at 1 and ends at 6"]),
        ({"cu_segments": tensor([0, 6, 5])}, ValueError, ["cu_segments: decreases from 6 to 5"]),
        ({"cu_segments": CU.to("meta")}, ValueError, ["cu_segments: ", "meta"]),
        ({"mask": zeros(5)}, TypeError, ["mask: float32[5]; expected bool"]),
        ({"mask": zeros(4).bool()}, ValueError, ["mask: bool[4]; expected [5], as values has"]),
        ({"mask": zeros(5, 1).bool()}, ValueError, ["mask: bool[5, 1]; expected [5], as values"]),
        ({"mask": zeros(5).bool().to("meta")}, ValueError, ["mask: ", "meta"]),
        ({"reduce": "median"}, ValueError, ["reduce: 'median'", "mean, sum, min, max"]),
    ],
)
def test_segment_reduce(changes: dict[str, Any], error: type[Exception], words: list[str]) -> None:
    good: dict[str, Any] = {"values": zeros(5), "cu_segments": CU}
    refused(lambda: segment_reduce(**good | changes), error, *words)


def test_float64_is_for_the_cpu() -> None:
    """Where there is no GPU, a pretended one must do."""

    class Pretended:
        dtype, device, shape = torch.float64, torch.device("cuda"), torch.Size([5, 4])

    from mmjudge.kernels.rows import check_floats

    words = "tokens: float64[5, 4]", "expected float16, bfloat16 or float32 (float64 on a CPU"
    pretended: Any = Pretended()
    refused(lambda: check_floats("tokens", pretended), TypeError, *words)
