"""What a value in a pickle may be, and the last step from what was read to plain values."""

from typing import Any

import numpy as np

MAX_DEPTH = 32
MAX_INT_BITS = 1024

_SCALARS = frozenset({type(None), bool, int, float, complex, str, bytes, bytearray})
_KEYS = (type(None), bool, int, float, str, bytes, np.generic)
# The modulus of Python's hash of numbers: larger ones can be made to collide at will.
_LARGEST_KEY = 2**64


class PickleRefused(ValueError):
    """Bytes that are no pickle of plain data; says what was found, never a value out of it."""


class Pending:
    """A value whose parts come one after the other; `value` is the whole."""

    __slots__ = ()

    @property
    def value(self) -> Any:
        """The whole value; raises `PickleRefused` while parts are missing, or if it is none."""
        raise PickleRefused("a name or a dtype where a value should be")


def hashable(value: Any) -> Any:
    """Return a key of a dict or an element of a set, which must be a scalar.

    The hash of a tuple goes through all that it holds, shared parts again and again, which a few
    hundred bytes can make last for ever.
    """
    if not isinstance(value, _KEYS):
        raise PickleRefused("a key or an element of a set that is no plain scalar")
    if isinstance(value, int) and abs(value) > _LARGEST_KEY:
        raise PickleRefused("an integer of more than 64 bits as a key")
    return value


def finished(value: Any) -> Any:
    """Return the value with all `Pending` ones in it replaced by what they stand for.

    Shared parts stay shared, and each is gone through once. Raises `PickleRefused` for more than
    `MAX_DEPTH` levels, or for a value that holds itself.
    """
    return _finished(value, 0, {})


_OPEN = object()


def _finished(value: Any, depth: int, seen: dict[int, tuple[Any, Any]]) -> Any:
    kind = type(value)
    if kind in _SCALARS or isinstance(value, np.generic) or kind in (set, frozenset):
        return value
    if isinstance(value, Pending):
        return value.value
    if depth >= MAX_DEPTH:
        raise PickleRefused(f"more than {MAX_DEPTH} levels deep")
    if id(value) in seen:
        done = seen[id(value)][1]
        if done is _OPEN:
            raise PickleRefused("a value that holds itself")
        return done
    seen[id(value)] = value, _OPEN  # with the value, so that nothing else gets its id
    if kind is list:
        value[:] = [_finished(one, depth + 1, seen) for one in value]
    elif kind is dict:
        for key, one in value.items():
            value[key] = _finished(one, depth + 1, seen)
    elif kind is tuple:
        result = tuple(_finished(one, depth + 1, seen) for one in value)
        seen[id(value)] = value, result
        return result
    else:
        raise PickleRefused("a name that stands for no value")
    seen[id(value)] = value, value
    return value
