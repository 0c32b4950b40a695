"""What one question brought."""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from mmjudge.contract.verdicts import Abstention, AbstentionReason, Note

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Said:
    """Ratings or an order of the candidates shown, or both, in the order shown.

    values: ratings; none where candidates are only ordered.
    ranks: 1 is best, equal ones share it; none where candidates are only rated.
    parts: of the value of the only candidate shown, by name; spreads: of each candidate's ratings
    over several samples.
    """

    values: tuple[float, ...] = ()
    ranks: tuple[int, ...] = ()
    parts: Mapping[str, float] = field(default_factory=dict)
    spreads: tuple[float, ...] = ()
    rationale: str = ""
    raw_text: str = ""
    notes: tuple[Note, ...] = ()

    def turned(self) -> "Said":
        """The same with the candidates in reverse order."""
        return replace(
            self,
            values=self.values[::-1],
            ranks=self.ranks[::-1],
            spreads=self.spreads[::-1],
        )


class Abstained(Exception):
    """A question brought no usable answer; never leaves the judge, whose verdict it becomes."""

    def __init__(self, abstention: Abstention, notes: tuple[Note, ...] = ()) -> None:
        super().__init__(abstention.message)
        self.abstention, self.notes = abstention, notes


def abstained(
    reason: AbstentionReason, message: str, path: str, raw_text: str, notes: Iterable[Note] = ()
) -> Abstained:
    """The exception of an answer about `path` that cannot be used."""
    return Abstained(Abstention(reason, message, raw_text, path), tuple(notes))


async def together(questions: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Ask at once and wait for all.

    Raises the first error, or else the first `Abstained`, in the order asked: which one ends an
    item does not depend on which came first.
    """
    outcomes = await asyncio.gather(*questions, return_exceptions=True)
    failures = [one for one in outcomes if isinstance(one, BaseException)]
    for failure in sorted(failures, key=lambda one: isinstance(one, Abstained)):
        raise failure
    return [one for one in outcomes if not isinstance(one, BaseException)]
