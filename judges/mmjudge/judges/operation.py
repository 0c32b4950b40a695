"""What a backbone computes: inputs are prepared on the CPU and run in batches on a device."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from mmjudge.contract.verdicts import Note

I_contra = TypeVar("I_contra", contravariant=True)
P = TypeVar("P")
O_co = TypeVar("O_co", covariant=True)
O = TypeVar("O")  # noqa: E741 - I, P, O: input, payload, output


@dataclass(frozen=True, slots=True)
class Prepared(Generic[P]):
    """An input made ready for the device: payload, padded cost in the operation's unit, notes."""

    payload: P
    cost: int
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Computed(Generic[O_co]):
    """An operation's output for one input, and what was done to that input on the way."""

    value: O_co
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Budget:
    """Largest batch: `items`, and `cost` in padded units (largest cost in the batch x items).

    `rows` are the items of one forward pass, where that is fixed: fewer cost as much.
    """

    items: int
    cost: int
    rows: int = 1

    def __post_init__(self) -> None:
        if min(self.items, self.cost, self.rows) < 1:
            raise ValueError(f"a batch of {self.items} items and cost {self.cost} holds nothing")


class Operation(Protocol[I_contra, P, O]):
    """One batched computation of a backbone. Equal `fingerprint` and `key` mean equal outputs."""

    @property
    def name(self) -> str:
        """Name for metrics and logs, e.g. "photo-lite/images"."""

    @property
    def fingerprint(self) -> str:
        """Digest of all that can change an output."""

    @property
    def device(self) -> str:
        """The torch device it runs on; operations of one device take turns."""

    @property
    def budget(self) -> Budget:
        """Largest batch that `forward` takes."""

    def key(self, value: I_contra, /) -> bytes:
        """Content of an input: equal keys are computed once."""

    def prepare(self, value: I_contra, /) -> Prepared[P]:
        """Decode, resize, tokenize; runs on any CPU thread. Raises `ItemError` for a bad input."""

    def forward(self, payloads: list[P], /) -> list[O]:
        """Compute one output for each payload, in order; runs on the device's thread."""

    def size(self, output: O, /) -> int:
        """Bytes that an output holds while it is cached."""


Compute = Callable[[I_contra], Awaitable[Computed[O_co]]]
"""A served operation: prepared, cached, batched with others' inputs, and computed."""
