"""What a protocol is: a path, how its body is read, and how scores are told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mmjudge.contract.items import Item
from mmjudge.server.http.bodies import BodyFormat
from mmjudge.server.http.nodes import Node


@dataclass(frozen=True, slots=True)
class Question:
    """One item for one judge; `index` and `field` say which sample of the body it is."""

    index: int
    field: str
    judge: str
    item: Item


@dataclass(frozen=True, slots=True)
class Scored:
    """A judge's score, finite, and the fingerprint of how it was made."""

    value: float
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A body that was read: the questions, and what makes their scores the reply's body."""

    questions: Sequence[Question]
    reply: Callable[[Sequence[Scored]], Any]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path that takes POST.

    read: the questions of a body; raises `InvalidRequest`, on a thread.
    overloaded: the status told when the queue is full, one that this protocol's client retries.
    """

    protocol: str
    path: str
    format: BodyFormat
    read: Callable[[Node], Asked]
    overloaded: int = 429


def values(scored: Sequence[Scored]) -> list[float]:
    """The scores alone."""
    return [one.value for one in scored]
