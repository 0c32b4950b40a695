"""Which record of a data set a row of results is about, told without opening images."""

from collections.abc import Sequence
from hashlib import sha256
from json import dumps

from mmjudge.bench.asking.answering import candidate_texts
from mmjudge.bench.records import Record
from mmjudge.bench.rows import Row


def listed(record: Record) -> str:
    """SHA-256, in hex, of all that the record and its row have in common but the id."""
    names = [picture.name for picture in record.pictures]
    return _digest(record, names, candidate_texts(record))


def listed_row(row: Row) -> str:
    """As `listed`, of the record that the row is about."""
    return _digest(row, row.images, row.texts)


class Places:
    """Where in the data set the record of each row stands."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._places: dict[str, int] = {}
        for place, record in enumerate(records):
            self._places.setdefault(listed(record), place)

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def __call__(self, row: Row) -> tuple[int, str]:
        """What sorts rows into the data set's order; raises KeyError for a row of no record."""
        return self._places[listed_row(row)], row.id


def _digest(it: Record | Row, images: Sequence[str], texts: Sequence[str]) -> str:
    told = [it.kind, it.perspective, it.subcategory, it.source, it.text, list(images),
            list(texts), dict(it.facts)]  # fmt: skip
    return sha256(dumps(told, sort_keys=True).encode()).hexdigest()
