"""What a reader of one value takes and gives: the text after a label, and what stood there."""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from mmjudge.contract.verdicts import AbstentionReason
from mmjudge.judges.answers.answer import Unreadable

T_co = TypeVar("T_co", covariant=True)

# Longer than any value, so that what is read after each of many labels stays linear.
WINDOW = 2_000


@dataclass(frozen=True, slots=True)
class Read(Generic[T_co]):
    """A value, and how many characters of the text it takes."""

    value: T_co
    length: int


class ReadValue(Protocol[T_co]):
    """Reads the value that `written` begins with; `aside` is a parenthesis after the label.

    Returns None where there is none; raises Unreadable for one that is not to be used: a range
    ("7-8"), a wrong scale, a number that a sentence goes on with ("3 dogs").
    """

    def __call__(self, written: str, aside: str = "") -> "Read[T_co] | None": ...


def unreadable(message: str) -> Unreadable:
    """An answer that does not say what was asked, or not clearly."""
    return Unreadable(AbstentionReason.UNPARSEABLE, message)


def shown(written: str) -> str:
    """The first words of what was written, for a message."""
    words = " ".join(written[:200].split())
    return repr(words if len(words) <= 60 else words[:59] + "…")
