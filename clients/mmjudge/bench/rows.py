"""A judge's answers about records, as lines of JSON: what every figure is computed from."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from json import dumps
from math import isfinite
from typing import Any

from mmjudge.bench.records import Kind


@dataclass(frozen=True, slots=True)
class Answer:
    """What a judge made of one item: values, ranks or both; or why there are none.

    values, ranks: one a candidate, in the order sent; ranks start at 1, the best; () for none.
    abstained, failed: the reason's name, "" if judged; message says more; raw_text is the judge's
    own text of an abstention.
    """

    values: tuple[float, ...] = ()
    ranks: tuple[int, ...] = ()
    rationale: str = ""
    notes: tuple[str, ...] = ()
    abstained: str = ""
    failed: str = ""
    message: str = ""
    raw_text: str = ""

    @property
    def judged(self) -> bool:
        """Whether there are values or ranks."""
        return not (self.abstained or self.failed)


@dataclass(frozen=True, slots=True)
class Row:
    """A record's facts, and the answer about it; `swapped` is that to the other order, if asked.

    images: names of the pictures; texts: of a pair of texts, the two; facts: as `Record.facts`.
    The swapped answer's values and ranks stand as they came: of the second candidate first.
    """

    id: str
    kind: Kind
    perspective: str
    subcategory: str
    source: str
    text: str
    images: tuple[str, ...]
    facts: Mapping[str, Any]
    given: Answer
    swapped: Answer | None = None
    texts: tuple[str, ...] = field(default=())

    @property
    def answers(self) -> tuple[Answer, ...]:
        """The answer to the order as it stands, then to the swapped one if that was asked."""
        return (self.given,) if self.swapped is None else (self.given, self.swapped)


def row_line(row: Row) -> str:
    """One line of JSON with its newline, equal for equal rows; empty fields are left out."""
    table = asdict(row)
    for key in ("given", "swapped"):
        if table[key] is not None:
            table[key] = {
                name: value for name, value in table[key].items() if value not in ("", ())
            }
    kept = {key: value for key, value in table.items() if value not in (None, "", ())}
    return dumps(kept) + "\n"


def parse_row(table: Mapping[str, Any]) -> Row:
    """Read what `row_line` wrote; raises ValueError naming the key that is wrong."""
    try:
        given, swapped = table["given"], table.get("swapped")
        row = Row(
            id=table["id"],
            kind=table["kind"],
            perspective=table["perspective"],
            subcategory=table.get("subcategory", ""),
            source=table.get("source", ""),
            text=table.get("text", ""),
            images=tuple(table.get("images", ())),
            facts=table["facts"],
            given=_answer(given),
            swapped=None if swapped is None else _answer(swapped),
            texts=tuple(table.get("texts", ())),
        )
    except KeyError as error:
        raise ValueError(f"{error.args[0]}: missing") from error
    except TypeError as error:
        raise ValueError(f"not a row of results: {error}") from error
    return row


def _answer(table: Mapping[str, Any]) -> Answer:
    lists = {key: tuple(table[key]) for key in ("values", "ranks", "notes") if key in table}
    answer = Answer(**{**table, **lists})
    if not all(isfinite(value) for value in answer.values):
        raise ValueError(f"values: {list(answer.values)}, expected finite numbers")
    if answer.judged and not (answer.values or answer.ranks):
        raise ValueError("given: neither values nor ranks, and no reason why")
    return answer
