"""Tensors: what numpy holds comes back bit for bit, and nothing else comes in."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from mmjudge.contract import DataType, ErrorCode, ItemError, decode_tensor, encode_tensor
from mmjudge.v1 import media_pb2 as pb

NATIVE = {
    DataType.UINT8: "u1",
    DataType.INT32: "i4",
    DataType.INT64: "i8",
    DataType.FLOAT16: "f2",
    DataType.FLOAT32: "f4",
}
FLOATS = [DataType.FLOAT16, DataType.BFLOAT16, DataType.FLOAT32]
SHAPES = hnp.array_shapes(min_dims=0, max_dims=8, min_side=0, max_side=3)
FLOAT32_BITS = hnp.arrays(np.uint32, hnp.array_shapes(min_dims=0, min_side=0))


def refusal(call: Callable[[], object]) -> tuple[str, str]:
    """Reason and field of the `ItemError` that `call` raises."""
    with pytest.raises(ItemError) as caught:
        call()
    error = caught.value.error
    assert error.code is ErrorCode.INVALID_ARGUMENT
    assert error.message
    return error.reason, error.field


def tensor(dtype: DataType, shape: list[int], data: bytes) -> pb.Tensor:
    return pb.Tensor(dtype=f"DATA_TYPE_{dtype.name}", shape=shape, data=data)


def over_the_wire(message: pb.Tensor, **expected: Any) -> NDArray[Any]:
    received = pb.Tensor.FromString(message.SerializeToString())
    return decode_tensor(received, field="t", **expected)


@st.composite
def laid_out_arrays(draw: st.DrawFn) -> tuple[DataType, NDArray[Any]]:
    """Arrays of any bits, in either byte order, contiguous or not."""
    dtype = draw(st.sampled_from(list(NATIVE)))
    plain = np.dtype(NATIVE[dtype])
    stored = draw(st.sampled_from([plain, plain.newbyteorder("S")]))
    shape = draw(SHAPES)
    size = plain.itemsize * int(np.prod(shape, dtype=int))
    bits = draw(st.binary(min_size=size, max_size=size))
    array = np.frombuffer(bits, stored).reshape(shape)
    if array.ndim and draw(st.booleans()):
        array = array.transpose(draw(st.permutations(range(array.ndim))))
    if array.ndim and draw(st.booleans()):
        array = array[:: draw(st.sampled_from([-1, 2]))]
    return dtype, array


def test_data_types_are_those_of_the_wire() -> None:
    wire = {name.removeprefix("DATA_TYPE_"): n for name, n in pb.DataType.items() if n != 0}
    assert {t.name: t.value for t in DataType} == wire


@given(laid_out_arrays())
def test_every_layout_comes_back_bit_for_bit(case: tuple[DataType, NDArray[Any]]) -> None:
    dtype, array = case
    message = encode_tensor(array)
    back = over_the_wire(message, dtypes=[dtype], shape=array.shape, finite=False)
    assert int(message.dtype) == dtype
    assert back.shape == array.shape
    assert back.dtype == NATIVE[dtype]
    assert back.tobytes() == array.astype(array.dtype.newbyteorder("=")).tobytes()
    assert not back.flags.writeable


def test_wire_bytes_are_little_endian_row_major() -> None:
    array = np.array([[1, 2], [3, 0x01020304]], ">i4").T
    message = encode_tensor(array)
    assert list(message.shape) == [2, 2]
    assert message.data == bytes([1, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 4, 3, 2, 1])


@pytest.mark.parametrize("dtype", NATIVE)
def test_dtype_may_be_named_if_it_is_the_arrays_own(dtype: DataType) -> None:
    array = np.zeros(2, NATIVE[dtype])
    assert encode_tensor(array, dtype) == encode_tensor(array)


@pytest.mark.parametrize("dtype", NATIVE)
def test_no_dtype_is_converted_silently(dtype: DataType) -> None:
    for other in set(DataType) - {dtype}:
        if (dtype, other) == (DataType.FLOAT32, DataType.BFLOAT16):
            continue
        with pytest.raises(TypeError, match=f"cannot be sent as {other.name}"):
            encode_tensor(np.zeros(2, NATIVE[dtype]), other)


@pytest.mark.parametrize(
    "dtype", ["f8", "i2", "u2", "u4", "u8", "i1", "?", "c8", "O", "U3", "M8[s]"]
)
def test_dtypes_the_wire_lacks_cannot_be_encoded(dtype: str) -> None:
    with pytest.raises(TypeError, match="cannot be sent as itself: convert it to one of uint8"):
        encode_tensor(np.zeros(2, dtype))


def test_equal_dtypes_of_other_names_can_be_encoded() -> None:
    message = encode_tensor(np.zeros(1, np.longlong))
    assert int(message.dtype) == DataType.INT64


def test_rank_9_cannot_be_encoded() -> None:
    with pytest.raises(ValueError, match="rank 9: at most 8"):
        encode_tensor(np.zeros((1,) * 9, np.uint8))


@given(FLOAT32_BITS)
@example(np.array([0x3F808000, 0x3F818000, 0x3F808001, 0x3F807FFF], np.uint32))  # ties
@example(np.array([0x7F7FFFFF, 0x7F7F8000, 0x7F7F7FFF], np.uint32))  # overflow, or just not
@example(np.array([0x7F800000, 0xFF800000, 0x00000000, 0x80000000], np.uint32))  # inf, 0, -0
@example(np.array([0x7F800001, 0xFF800001, 0x7FFFFFFF, 0xFFFFFFFF], np.uint32))  # NaN
@example(np.array([0x00000001, 0x00008000, 0x007FFFFF], np.uint32))  # subnormal
@example(np.array(0xFFFF8000, np.uint32))  # a scalar whose rounding carries out of 32 bits
def test_bfloat16_rounds_as_torch_does(bits: NDArray[np.uint32]) -> None:
    array = bits.view(np.float32)
    expected = torch.from_numpy(array.copy()).to(torch.bfloat16).float().numpy()
    message = encode_tensor(array, DataType.BFLOAT16)
    back = over_the_wire(message, finite=False)
    assert (int(message.dtype), tuple(message.shape)) == (DataType.BFLOAT16, array.shape)
    assert len(message.data) == 2 * array.size
    assert back.dtype == np.float32
    assert back.shape == array.shape
    assert not back.flags.writeable
    np.testing.assert_array_equal(np.isnan(back), np.isnan(array))
    number = ~np.isnan(array)
    np.testing.assert_array_equal(back[number].view(np.uint32), expected[number].view(np.uint32))


@given(FLOAT32_BITS, st.booleans(), st.sampled_from([-1, 2]))
def test_bfloat16_ignores_the_layout(bits: NDArray[np.uint32], swap: bool, step: int) -> None:
    array = bits.view(np.float32)
    dtype = np.dtype("f4")
    other = array.astype(dtype.newbyteorder("S") if swap else dtype).T
    if other.ndim:
        array, other = array.T[::step], other[::step]
    plain = encode_tensor(np.array(array, order="C"), DataType.BFLOAT16)
    assert encode_tensor(other, DataType.BFLOAT16) == plain


def test_bfloat16_decoded_encodes_to_the_same_bits() -> None:
    every = np.arange(2**16, dtype="<u2")
    quiet = every | np.where((every & 0x7FFF) > 0x7F80, 0x0040, 0).astype("<u2")  # NaNs
    message = tensor(DataType.BFLOAT16, [2**16], quiet.tobytes())
    assert encode_tensor(over_the_wire(message, finite=False), DataType.BFLOAT16) == message


@pytest.mark.parametrize("size", [0, 5, 7, 12])
def test_bytes_that_do_not_match_the_shape_are_refused(size: int) -> None:
    message = tensor(DataType.UINT8, [2, 3], bytes(size))
    reason = refusal(lambda: decode_tensor(message, field="a.b"))
    assert reason == ("TENSOR_SIZE", "a.b.data")


@pytest.mark.parametrize("dtype", DataType)
def test_bytes_are_counted_by_element_size(dtype: DataType) -> None:
    size = {"u1": 1, "f2": 2, "i4": 4, "f4": 4, "i8": 8}[NATIVE.get(dtype, "f2")]
    assert decode_tensor(tensor(dtype, [3], bytes(3 * size)), field="t").tolist() == [0, 0, 0]
    short = tensor(dtype, [3], bytes(3 * size - 1))
    assert refusal(lambda: decode_tensor(short, field="t")) == ("TENSOR_SIZE", "t.data")


@pytest.mark.parametrize("dtype", DataType)
@pytest.mark.parametrize("shape", [[-1], [2, -3], [-1, -1], [-(2**63)], [0, -1], [1] * 9, [0] * 9])
def test_impossible_shapes_are_refused(shape: list[int], dtype: DataType) -> None:
    message = tensor(dtype, shape, bytes(8))
    assert refusal(lambda: decode_tensor(message, field="t")) == ("TENSOR_SHAPE", "t.shape")


@pytest.mark.parametrize("dtype", DataType)
@pytest.mark.parametrize("data", [b"", bytes(64)])
@pytest.mark.parametrize("shape", [[2**62] * 8, [2**63 - 1], [2**32, 2**32], [2**62, 4]])
def test_huge_shapes_are_refused_without_being_allocated(
    shape: list[int], data: bytes, dtype: DataType
) -> None:
    message = tensor(dtype, shape, data)
    assert refusal(lambda: decode_tensor(message, field="t")) == ("TENSOR_SIZE", "t.data")


@pytest.mark.parametrize("shape", [[0, 2**62, 2**62], [2**62] * 7 + [0], [2**62, 4, 0]])
def test_empty_tensors_of_overflowing_sizes_are_refused(shape: list[int]) -> None:
    message = tensor(DataType.INT64, shape, b"")
    assert refusal(lambda: decode_tensor(message, field="t")) == ("TENSOR_SHAPE", "t.shape")


def test_a_refused_shape_of_many_sizes_is_cut_in_the_message() -> None:
    with pytest.raises(ItemError) as caught:
        decode_tensor(tensor(DataType.UINT8, [1] * 100_000, b"0"), field="t")
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("number", [0, 7, -1, 2**31 - 1])
def test_dtypes_unknown_here_are_refused(number: int) -> None:
    message = pb.Tensor(shape=[1], data=b"0")
    message.dtype = number  # type: ignore[assignment]  # open enums take any number
    assert refusal(lambda: decode_tensor(message, field="t")) == ("TENSOR_DTYPE", "t.dtype")


def test_dtypes_not_asked_for_are_refused() -> None:
    message = encode_tensor(np.zeros(2, np.int64))
    wanted = [DataType.INT32, DataType.FLOAT32]
    with pytest.raises(ItemError, match="DATA_TYPE_INT64, expected INT32, FLOAT32") as caught:
        decode_tensor(message, field="t", dtypes=wanted)
    assert caught.value.error.reason == "TENSOR_DTYPE"


@pytest.mark.parametrize("shape", [[2, 4], [3, 3], [2], [2, 3, 1], [], [None], [None] * 3])
def test_shapes_not_asked_for_are_refused(shape: list[int | None]) -> None:
    message = encode_tensor(np.zeros((2, 3), np.uint8))
    decode = lambda: decode_tensor(message, field="t", shape=shape)  # noqa: E731
    assert refusal(decode) == ("TENSOR_SHAPE", "t.shape")


@pytest.mark.parametrize("shape", [[2, 3], [None, 3], [2, None], [None, None]])
def test_shapes_asked_for_are_accepted(shape: list[int | None]) -> None:
    message = encode_tensor(np.zeros((2, 3), np.uint8))
    assert decode_tensor(message, field="t", shape=shape).shape == (2, 3)


def test_more_bytes_than_allowed_are_refused() -> None:
    message = encode_tensor(np.zeros(3, np.float32))
    assert decode_tensor(message, field="t", max_bytes=12).shape == (3,)
    refused = refusal(lambda: decode_tensor(message, field="t", max_bytes=11))
    assert refused == ("TENSOR_TOO_LARGE", "t.data")


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused_unless_allowed(value: float, dtype: DataType) -> None:
    half = dtype is DataType.FLOAT16
    array = np.array([0.0, value], np.float16 if half else np.float32)
    message = encode_tensor(array, dtype)
    assert refusal(lambda: decode_tensor(message, field="t")) == ("TENSOR_NOT_FINITE", "t")
    np.testing.assert_array_equal(decode_tensor(message, field="t", finite=False), array)


@pytest.mark.parametrize("dtype", DataType)
def test_decoded_tensors_are_read_only(dtype: DataType) -> None:
    array = np.zeros(2, NATIVE.get(dtype, "f4"))
    back = decode_tensor(encode_tensor(array, dtype), field="t")
    with pytest.raises(ValueError, match="read-only"):
        back[0] = 1
