"""The names that a pickle of plain data holds, and what each makes of its arguments."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from mmjudge.server.http.pickle_arrays import PickledArray, PickledDType, scalar_of
from mmjudge.server.http.pickle_values import Pending, PickleRefused, hashable


@dataclass(frozen=True, slots=True)
class Word(Pending):
    """A name that is allowed, and what its call makes; by itself it stands for no value."""

    make: Callable[[tuple[Any, ...]], Any]


def word(module: Any, name: Any) -> Word:
    """Return what a name means; raises `PickleRefused` for all names but a few."""
    known = _WORDS.get((module, name)) if type(module) is type(name) is str else None
    if known is None:
        raise PickleRefused("names something other than builtin values and numpy arrays")
    return known


def _refuse() -> NoReturn:
    raise PickleRefused("makes a value from other arguments than Python and numpy give")


def _ndarray(arguments: tuple[Any, ...]) -> NoReturn:
    _refuse()  # numpy's pickles name it, and never call it


def _reconstruct(arguments: tuple[Any, ...]) -> PickledArray:
    if arguments not in ((_NDARRAY, (0,), b"b"), (_NDARRAY, (0,), "b")):
        _refuse()
    return PickledArray()


def _frombuffer(arguments: tuple[Any, ...]) -> PickledArray:
    match arguments:
        case (data, PickledDType() as dtype, tuple() as shape, order):
            made = PickledArray()
            made.set_state((1, shape, dtype, order == "F", data))
            return made
        case _:
            _refuse()


def _scalar(arguments: tuple[Any, ...]) -> Any:
    match arguments:
        case (PickledDType() as dtype, data):
            return scalar_of(data, dtype)
        case _:
            _refuse()


def _dtype(arguments: tuple[Any, ...]) -> PickledDType:
    match arguments:
        case (name, bool() | int(), bool() | int()):
            return PickledDType(name)
        case _:
            _refuse()


def _encode(arguments: tuple[Any, ...]) -> bytes:
    match arguments:
        case (str() as text, "latin1" | "latin-1"):
            return text.encode("latin1")
        case _:
            _refuse()


def _bytes(arguments: tuple[Any, ...]) -> bytes:
    return _refuse() if arguments else b""


def _bytearray(arguments: tuple[Any, ...]) -> bytearray:
    match arguments:
        case ():
            return bytearray()
        case (bytes() as data,):
            return bytearray(data)
        case _:
            _refuse()


def _elements(arguments: tuple[Any, ...]) -> list[Any]:
    match arguments:
        case (list() as elements,):
            return [hashable(one) for one in elements]
        case _:
            _refuse()


def _set(arguments: tuple[Any, ...]) -> set[Any]:
    return set(_elements(arguments))


def _frozenset(arguments: tuple[Any, ...]) -> frozenset[Any]:
    return frozenset(_elements(arguments))


def _complex(arguments: tuple[Any, ...]) -> complex:
    match arguments:
        case (float() as real, float() as imaginary):
            return complex(real, imaginary)
        case _:
            _refuse()


_NDARRAY = Word(_ndarray)
# numpy 1 and 2, by protocol: 0 to 4, 5, and what Python 3 writes of itself to protocols 0 to 3.
_WORDS = {
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): Word(_dtype),
    **{
        (f"numpy.{core}.{module}", name): Word(make)
        for core in ("core", "_core")
        for module, name, make in (
            ("multiarray", "_reconstruct", _reconstruct),
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", _frombuffer),
        )
    },
    **{
        (module, name): Word(make)
        for module in ("builtins", "__builtin__")
        for name, make in (
            ("bytes", _bytes),
            ("bytearray", _bytearray),
            ("set", _set),
            ("frozenset", _frozenset),
            ("complex", _complex),
        )
    },
    ("_codecs", "encode"): Word(_encode),
}
