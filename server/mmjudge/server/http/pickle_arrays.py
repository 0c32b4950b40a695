"""numpy arrays, scalars and dtypes out of the parts that their pickles hold, all checked."""

import re
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmjudge.server.http.pickle_values import Pending, PickleRefused

# bool, integers, floats, complex, bytes, texts: no objects, no records, no dates.
_DTYPE = re.compile(r"[biufcSU]\d{1,9}")
_MAX_DIMENSIONS = 32
_LAST_CHARACTER = 0x10FFFF


class PickledDType(Pending):
    """A dtype, whose byte order comes after its name."""

    __slots__ = ("_built", "dtype")

    def __init__(self, name: Any) -> None:
        if not isinstance(name, str) or not _DTYPE.fullmatch(name):
            raise PickleRefused("an array of other than numbers, texts or bytes")
        try:
            self.dtype: np.dtype[Any] = np.dtype(name)
        except (TypeError, ValueError) as error:
            raise PickleRefused("a dtype that numpy does not have") from error
        self._built = False

    def set_state(self, state: Any) -> None:
        """Take the byte order of `(version, order, None, None, None, ...)`."""
        match state:
            case (int(), "<" | ">" | "|" | "=" as order, None, None, None, int(), int(), int()):
                pass
            case _:
                raise PickleRefused("a dtype with fields, shapes or metadata")
        if self._built:
            raise PickleRefused("a dtype that is changed twice")
        self._built = True
        self.dtype = self.dtype.newbyteorder("=" if order == "|" else order)


class PickledArray(Pending):
    """An array, whose shape, dtype and bytes come after it."""

    __slots__ = ("_array",)

    def __init__(self) -> None:
        self._array: NDArray[Any] | None = None

    @property
    def value(self) -> NDArray[Any]:
        """The array; raises `PickleRefused` while it is none."""
        if self._array is None:
            raise PickleRefused("an array without its bytes")
        return self._array

    def set_state(self, state: Any) -> None:
        """Take `(1, shape, dtype, whether in Fortran's order, bytes)`."""
        if self._array is not None:
            raise PickleRefused("an array that is changed twice")
        match state:
            case (1, tuple() as shape, PickledDType() as dtype, bool() | int() as fortran, data):
                self._array = array_of(data, dtype, shape, "F" if fortran else "C")
            case _:
                raise PickleRefused("an array with another state than numpy gives it")


def array_of(data: Any, dtype: PickledDType, shape: tuple[Any, ...], order: Any) -> NDArray[Any]:
    """Return a view of `data`, which must have exactly the bytes that dtype and shape ask for."""
    if not isinstance(data, bytes | bytearray) or order not in ("C", "F"):
        raise PickleRefused("an array whose data are not bytes")
    if len(shape) > _MAX_DIMENSIONS or not all(type(n) is int and 0 <= n < 2**32 for n in shape):
        raise PickleRefused("an array without a plain shape")
    if prod(shape) * dtype.dtype.itemsize != len(data):
        raise PickleRefused("an array of more or fewer bytes than its shape")
    flat: NDArray[Any] = np.frombuffer(data, dtype.dtype) if data else np.empty(0, dtype.dtype)
    _check_characters(flat)
    try:
        return flat.reshape(shape, order=order)
    except ValueError as error:
        raise PickleRefused("an array without a plain shape") from error


def scalar_of(data: Any, dtype: PickledDType) -> np.generic:
    """Return a numpy scalar of exactly these bytes."""
    sized = bool(dtype.dtype.itemsize)  # the empty text has none
    array = array_of(data, dtype, (int(sized),), "C")
    found: np.generic = array[0] if sized else array.dtype.type()
    return found


def _check_characters(array: NDArray[Any]) -> None:
    if array.dtype.kind == "U" and array.size:
        codes = array.view(np.dtype("u4").newbyteorder(array.dtype.byteorder))
        if codes.max() > _LAST_CHARACTER:
            raise PickleRefused("a text with characters that do not exist")
