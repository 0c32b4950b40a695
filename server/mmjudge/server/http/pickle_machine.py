"""Reads pickles of plain data by an interpreter of its own, which can call nothing.

`pickle.Unpickler` with a list of allowed names still imports, calls and sets attributes as the
bytes say, in C, with arguments an attacker chose. Here no name is ever looked up: the few a pickle
of builtins and numpy arrays holds are words of a vocabulary (`pickle_words`), each of which makes
one kind of plain value from checked arguments. Everything else is refused, and so is what would
cost more memory or time than the bytes are worth.
"""

import pickle
from collections.abc import Callable
from pickletools import genops
from typing import Any

from mmjudge.server.http.pickle_arrays import PickledArray, PickledDType
from mmjudge.server.http.pickle_values import MAX_INT_BITS, PickleRefused, finished, hashable
from mmjudge.server.http.pickle_words import Word, word

# Some 60 a sample of GenEval's metadata, for twice as many samples as a request may hold.
MAX_OPCODES = 500_000
# What values may cost beyond the bytes that spell them.
SLACK_BYTES = 1024 * 1024
ELEMENT_BYTES = 64

_LITERALS = frozenset(
    "INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT UNICODE SHORT_BINUNICODE "
    "BINUNICODE BINUNICODE8 SHORT_BINBYTES BINBYTES BINBYTES8 BYTEARRAY8".split()
)
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY: dict[str, Callable[[], Any]] = {
    "EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_SET": set, "EMPTY_TUPLE": tuple
}  # fmt: skip
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def read_pickle(data: bytes) -> Any:
    """Return the value of a pickle of protocol 0 to 5.

    Values are None, bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set,
    frozenset, and numpy arrays and scalars of numbers, texts or bytes; arrays are read-only views
    of `data`. Keys and elements of sets are scalars. Raises `PickleRefused` for all else.
    """
    machine, end = _Machine(len(data) + SLACK_BYTES), -1
    try:
        for count, (opcode, argument, position) in enumerate(genops(data)):
            if count >= MAX_OPCODES:
                raise PickleRefused(f"more than {MAX_OPCODES} opcodes")
            machine.step(opcode.name, argument)
            end = position or 0
    except PickleRefused:
        raise
    except (ValueError, OverflowError, LookupError, DeprecationWarning) as error:
        # The last, for a wrong escape in a text, where warnings are errors.
        raise PickleRefused(f"not a pickle ({type(error).__name__})") from error
    if end + 1 != len(data):
        raise PickleRefused("bytes after its end")
    return finished(machine.result())


class _Machine:
    def __init__(self, budget: int) -> None:
        self._stack: list[Any] = []
        self._below_marks: list[list[Any]] = []
        self._memo: dict[int, Any] = {}
        self._budget = budget

    def result(self) -> Any:
        """What is left on the stack, alone."""
        if self._below_marks or len(self._stack) != 1:
            raise PickleRefused("ends with more or less than one value")
        return self._stack[0]

    def step(self, name: str, argument: Any) -> None:
        """Run one opcode. Raises `PickleRefused`, IndexError or KeyError."""
        if name in _LITERALS:
            if type(argument) is int and argument.bit_length() > MAX_INT_BITS:
                raise PickleRefused(f"an integer of more than {MAX_INT_BITS} bits")
            self._stack.append(argument)
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            self._stack.append(_EMPTY[name]())
        elif name in _TUPLES:
            self._stack.append(tuple(self._popped(_TUPLES[name])))
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            self._memo[argument] = self._stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            self._stack.append(self._memo[argument])
        elif name == "PROTO":
            if argument > pickle.HIGHEST_PROTOCOL:
                raise PickleRefused(f"protocol {argument}, expected 0 to {pickle.HIGHEST_PROTOCOL}")
        elif name not in ("FRAME", "STOP"):
            if name not in _OPCODES:
                raise PickleRefused(f"opcode {name} is not allowed")
            getattr(self, f"_{name.lower()}")(argument)

    def _popped(self, count: int) -> list[Any]:
        if len(self._stack) < count:
            raise PickleRefused("takes from an empty stack")
        taken = self._stack[-count:]
        del self._stack[-count:]
        return taken

    def _marked(self) -> list[Any]:
        taken, self._stack = self._stack, self._below_marks.pop()
        return taken

    def _top(self, kind: type) -> Any:
        if type(self._stack[-1]) is not kind:
            raise PickleRefused(f"adds to what is no {kind.__name__}")
        return self._stack[-1]

    def _charge(self, size: int) -> None:
        self._budget -= size
        if self._budget < 0:
            raise PickleRefused("makes more of its bytes than they are worth")

    def _mark(self, _: Any) -> None:
        self._below_marks.append(self._stack)
        self._stack = []

    def _pop(self, _: Any) -> None:
        if self._stack:
            self._stack.pop()
        else:  # the stack begins with a mark
            self._marked()

    def _pop_mark(self, _: Any) -> None:
        self._marked()

    def _dup(self, _: Any) -> None:
        self._stack.append(self._stack[-1])

    def _memoize(self, _: Any) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def _tuple(self, _: Any) -> None:
        values = tuple(self._marked())
        self._stack.append(values)

    def _list(self, _: Any) -> None:
        values = self._marked()
        self._stack.append(values)

    def _append(self, _: Any) -> None:
        (value,) = self._popped(1)
        self._top(list).append(value)

    def _appends(self, _: Any) -> None:
        values = self._marked()
        self._top(list).extend(values)

    def _dict(self, _: Any) -> None:
        values = self._marked()
        self._stack.append({})
        self._set(values)

    def _setitem(self, _: Any) -> None:
        self._set(self._popped(2))

    def _setitems(self, _: Any) -> None:
        self._set(self._marked())

    def _set(self, values: list[Any]) -> None:
        if len(values) % 2:
            raise PickleRefused("a key without a value")
        self._top(dict).update(zip(map(hashable, values[::2]), values[1::2], strict=True))

    def _additems(self, _: Any) -> None:
        values = self._marked()
        self._top(set).update(map(hashable, values))

    def _frozenset(self, _: Any) -> None:
        values = frozenset(map(hashable, self._marked()))
        self._stack.append(values)

    def _global(self, argument: Any) -> None:
        module, _, name = argument.partition(" ")
        self._stack.append(word(module, name))

    def _stack_global(self, _: Any) -> None:
        module, name = self._popped(2)
        self._stack.append(word(module, name))

    def _reduce(self, _: Any) -> None:
        called, arguments = self._popped(2)
        if type(called) is not Word or type(arguments) is not tuple:
            raise PickleRefused("calls what it made itself")
        self._charge(sum(_size(argument) for argument in arguments))
        self._stack.append(called.make(arguments))

    def _build(self, _: Any) -> None:
        target, state = self._popped(2)
        if type(target) is not PickledArray and type(target) is not PickledDType:
            raise PickleRefused("sets the state of something other than an array")
        target.set_state(state)
        self._stack.append(target)


_OPCODES = frozenset(
    "MARK POP POP_MARK DUP MEMOIZE TUPLE LIST APPEND APPENDS DICT SETITEM SETITEMS ADDITEMS "
    "FROZENSET GLOBAL STACK_GLOBAL REDUCE BUILD".split()
)


def _size(argument: Any) -> int:
    if type(argument) in (str, bytes, bytearray):
        return len(argument)
    return ELEMENT_BYTES * len(argument) if type(argument) is list else 0
