"""Tensors on the wire: dtype, shape and raw little-endian bytes, to and from numpy."""

from collections.abc import Sequence
from enum import IntEnum
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmjudge.contract.errors import invalid
from mmjudge.v1 import media_pb2 as pb

MAX_RANK = 8


class DataType(IntEnum):
    """Element type of a tensor; values of `mmjudge.v1.DataType`."""

    UINT8 = 1
    INT32 = 2
    INT64 = 3
    FLOAT16 = 4
    BFLOAT16 = 5
    FLOAT32 = 6


# numpy has no bfloat16: its bits travel as uint16 and widen to float32, which loses nothing.
_WIRE: dict[DataType, np.dtype[Any]] = {
    DataType.UINT8: np.dtype("u1"),
    DataType.INT32: np.dtype("<i4"),
    DataType.INT64: np.dtype("<i8"),
    DataType.FLOAT16: np.dtype("<f2"),
    DataType.BFLOAT16: np.dtype("<u2"),
    DataType.FLOAT32: np.dtype("<f4"),
}
_NATIVE = {_WIRE[t].newbyteorder("="): t for t in DataType if t is not DataType.BFLOAT16}


def encode_tensor(array: NDArray[Any], dtype: DataType | None = None) -> pb.Tensor:
    """Encode `array` of any shape, rank <= 8.

    `dtype` defaults to the array's own. The one conversion made is float32 to BFLOAT16 when asked
    for, rounding to nearest even. Raises TypeError for any other dtype, ValueError for the rank.
    """
    if array.ndim > MAX_RANK:
        raise ValueError(f"tensor of rank {array.ndim}: at most {MAX_RANK} dimensions can be sent")
    native = array.dtype.newbyteorder("=")
    if dtype is DataType.BFLOAT16 and native == np.float32:
        wire = _to_bfloat16(array)
    elif native in _NATIVE and dtype in (None, _NATIVE[native]):
        dtype = _NATIVE[native]
        wire = array.astype(_WIRE[dtype], copy=False)
    else:
        raise TypeError(
            f"tensor of {array.dtype} cannot be sent as {dtype.name if dtype else 'itself'}: "
            f"convert it to one of {', '.join(map(str, _NATIVE))} first"
        )
    return pb.Tensor(dtype=f"DATA_TYPE_{dtype.name}", shape=array.shape, data=wire.tobytes())


def decode_tensor(
    tensor: pb.Tensor,
    *,
    field: str,
    dtypes: Sequence[DataType] = tuple(DataType),
    shape: Sequence[int | None] | None = None,
    max_bytes: int | None = None,
    finite: bool = True,
) -> NDArray[Any]:
    """Decode and validate; the array is read-only and shares the message's bytes where it can.

    `dtypes` are those allowed, `shape` the expected one with None for free dimensions, `max_bytes`
    the cap on the data, `finite` refuses NaN and infinities in floats. BFLOAT16 comes back as
    float32. Raises `ItemError` naming `field` for anything else.
    """
    name = pb.DataType.Name(tensor.dtype) if tensor.dtype in pb.DataType.values() else tensor.dtype
    if int(tensor.dtype) not in list(map(int, dtypes)):
        wanted = ", ".join(d.name for d in dtypes)
        raise invalid("TENSOR_DTYPE", f"dtype {name}, expected {wanted}", f"{field}.dtype")
    dtype, dims = DataType(tensor.dtype), tuple(tensor.shape)
    if len(dims) > MAX_RANK or any(n < 0 for n in dims):
        raise invalid(
            "TENSOR_SHAPE",
            f"shape {_brief(dims)}, expected at most {MAX_RANK} sizes, each >= 0",
            f"{field}.shape",
        )
    if shape is not None and not _matches(dims, shape):
        wanted = ", ".join("n" if n is None else str(n) for n in shape)
        raise invalid(
            "TENSOR_SHAPE", f"shape {_brief(dims)}, expected [{wanted}]", f"{field}.shape"
        )
    expected = prod(dims) * _WIRE[dtype].itemsize
    if len(tensor.data) != expected:
        raise invalid(
            "TENSOR_SIZE",
            f"{len(tensor.data)} bytes, expected {expected} for {dtype.name} {_brief(dims)}",
            f"{field}.data",
        )
    if max_bytes is not None and expected > max_bytes:
        raise invalid(
            "TENSOR_TOO_LARGE", f"{expected} bytes, at most {max_bytes} allowed", f"{field}.data"
        )
    values: NDArray[Any] = np.frombuffer(tensor.data, _WIRE[dtype])
    if dtype is DataType.BFLOAT16:
        values = (values.astype(np.uint32) << 16).view(np.float32)
        values.flags.writeable = False
    if finite and values.dtype.kind == "f" and not np.isfinite(values).all():
        raise invalid("TENSOR_NOT_FINITE", "holds NaN or infinity, expected finite numbers", field)
    try:
        return values.reshape(dims)
    except ValueError as error:  # empty, beside sizes whose product overflows
        raise invalid(
            "TENSOR_SHAPE", f"shape {_brief(dims)} is too large", f"{field}.shape"
        ) from error


def _to_bfloat16(array: NDArray[Any]) -> NDArray[np.uint16]:
    values = np.ascontiguousarray(array, dtype=np.float32).ravel()  # scalars would warn of overflow
    bits = values.view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    # Rounding could carry a NaN's payload into an infinity: keep NaNs as quiet NaNs instead.
    wire = np.where(np.isnan(values), (bits >> 16) | 0x0040, rounded)
    return wire.astype("<u2")


def _matches(dims: Sequence[int], shape: Sequence[int | None]) -> bool:
    return len(dims) == len(shape) and all(
        want is None or have == want for have, want in zip(dims, shape, strict=True)
    )


def _brief(dims: Sequence[int]) -> str:
    shown = ", ".join(map(str, dims[:MAX_RANK]))
    return f"[{shown}, ...]" if len(dims) > MAX_RANK else f"[{shown}]"
