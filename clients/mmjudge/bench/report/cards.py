"""Failures as the page shows them: a card each, with its pictures or texts and all answers."""

from collections.abc import Iterator
from dataclasses import dataclass

from mmjudge.bench.metrics.pair_decisions import TIE
from mmjudge.bench.report.failures import Failure, Outcome
from mmjudge.bench.report.thumbnails import NOT_AT_HAND, Thumbnails
from mmjudge.bench.rows import Answer

NAMES = ("A", "B")
VEILED = "safety"
SIGNS: dict[Outcome, str] = {
    "wrong": "✗ wrong",
    "inconsistent": "⇄ inconsistent order",
    "tie": "= tie",
    "abstained": "∅ abstained",
    "failed": "! failed",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of a pair: a picture's place among the thumbnails or why there is none, or a text."""

    name: str
    right: bool
    picture: int | str | None
    text: str


@dataclass(frozen=True, slots=True)
class Order:
    """What the judge said of a pair in one order, told of A and B in this order, or of one item.

    said: its choice; values: by candidate, with ranks.
    """

    shown: str
    values: tuple[str, ...]
    said: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Card:
    """A failure with all that is shown of it; pictures: those of the prompt."""

    failure: Failure
    sign: str
    veiled: bool
    pictures: tuple[int | str, ...]
    candidates: tuple[Candidate, ...]
    orders: tuple[Order, ...]


def card(failure: Failure, thumbnails: Thumbnails) -> Card:
    """Lay a failure out."""
    row = failure.row
    images = [thumbnails.place(name) for name in row.images]
    of_images = row.kind == "pair" and not row.texts and len(images) in (0, 2)
    candidates: list[Candidate] = []
    if row.kind == "pair":
        parts: list[tuple[int | str | None, str]] = [(None, text) for text in row.texts]
        if of_images:
            parts = [(image, "") for image in images or (NOT_AT_HAND, NOT_AT_HAND)]
        candidates = [
            Candidate(NAMES[index], failure.preferred == index, picture, text)
            for index, (picture, text) in enumerate(parts[:2])
        ]
    return Card(
        failure=failure,
        sign=SIGNS[failure.outcome],
        veiled=row.perspective == VEILED,
        pictures=() if of_images else tuple(images),
        candidates=tuple(candidates),
        orders=tuple(_orders(failure)),
    )


def _orders(failure: Failure) -> Iterator[Order]:
    pair = failure.row.kind == "pair"
    answers = failure.answers or (None, None)
    for place, (answer, choice) in enumerate(zip(failure.row.answers, answers, strict=False)):
        values = [_value(answer, index) for index in range(2 if pair else 1)]
        if place:  # of the swapped order, in which the second stands first
            values.reverse()
        shown = "" if not pair else "B, then A" if place else "A, then B"
        yield Order(shown, tuple(values), _said(answer, choice), answer)


def _said(answer: Answer, choice: float | None) -> str:
    if reason := answer.failed or answer.abstained:
        return reason
    if choice is None:
        return ""
    return "tie" if choice == TIE else NAMES[int(choice)]


def _value(answer: Answer, index: int) -> str:
    told = [f"{answer.values[index]:.4g}"] if index < len(answer.values) else []
    told += [f"rank {answer.ranks[index]}"] if index < len(answer.ranks) else []
    return ", ".join(told) or "none"
