"""Values of a request's body with their paths, so that a wrong one is named."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmjudge.contract.errors import InvalidRequest, Violation


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a decoded JSON or pickle body, and its path, such as `requests[2].history`.

    The methods return what the value is read as and raise `InvalidRequest`, naming the path, where
    it is something else.
    """

    value: Any
    path: str = ""

    def bad(self, description: str) -> InvalidRequest:
        """Return the error that says what is wrong with this value."""
        return InvalidRequest(Violation(self.path or "body", description))

    def field(self, name: str) -> "Node":
        """Return the field `name` of an object, which must be there."""
        node = self.optional(name)
        if node is None:
            raise Node(None, self._at(name)).bad("missing")
        return node

    def optional(self, name: str) -> "Node | None":
        """Return the field `name` of an object, or None where it is missing or null."""
        if not isinstance(self.value, dict):
            raise self._expected("an object")
        value = self.value.get(name)
        return None if value is None else Node(value, self._at(name))

    def absent(self, name: str, fix: str) -> None:
        """Refuse a field that this server would have to ignore."""
        node = self.optional(name)
        if node is not None and node.value is not False:
            raise node.bad(fix)

    def items(self) -> "list[Node]":
        """Return the elements of a list, a tuple or a one-dimensional array."""
        value = self.value
        if not isinstance(value, list | tuple) and not (
            isinstance(value, np.ndarray) and value.ndim == 1
        ):
            raise self._expected("a list")
        return [Node(one, f"{self.path}[{i}]") for i, one in enumerate(value)]

    def text(self) -> str:
        """Return a text."""
        if not isinstance(self.value, str):
            raise self._expected("a text")
        return str(self.value)  # of numpy's own kind, too

    def data(self) -> bytes:
        """Return bytes."""
        if not isinstance(self.value, bytes):
            raise self._expected("bytes")
        return bytes(self.value)

    def _at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def _expected(self, what: str) -> InvalidRequest:
        return self.bad(f"{_kind(self.value)}, expected {what}")


def same_length(*nodes: Node) -> list[list[Node]]:
    """Return the elements of lists that belong together; raises `InvalidRequest` if ragged."""
    lists: Sequence[list[Node]] = [node.items() for node in nodes]
    for node, found in zip(nodes, lists, strict=True):
        if len(found) != len(lists[0]):
            raise node.bad(f"{len(found)} elements, {nodes[0].path} has {len(lists[0])}")
    return list(lists)


def _kind(value: Any) -> str:
    # Never the value itself, whose representation may be of any size.
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false",
             int: "a number", float: "a number", bytes: "bytes", type(None): "null"}  # fmt: skip
    if isinstance(value, np.ndarray):
        return f"an array of {value.ndim} dimensions"
    return names.get(type(value), f"a value of type {type(value).__name__}")
