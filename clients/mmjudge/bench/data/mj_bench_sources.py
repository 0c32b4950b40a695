"""A file or split of MJ-Bench, read: its records, and what is missing of each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mmjudge.bench.records import Record, listing_digest


@dataclass(frozen=True, slots=True)
class Source:
    """The records of a file or split, in its order.

    form: how its schema is told of. absent: by record, the names of its images that are not there.
    """

    name: str
    form: str
    records: tuple[Record, ...]
    absent: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Sources:
    """What was read, and the files passed over, with the reason."""

    read: tuple[Source, ...]
    passed_over: tuple[tuple[str, str], ...] = ()


def without_repeats(sources: Sequence[Source]) -> Sources:
    """Pass over a source all of whose records are in another one too.

    A checkout has such: parts of a file beside it, and one list of images with the scores of
    several models. Of equal ones the first is kept.
    """
    listings = [{_listing(record) for record in source.records} for source in sources]
    read, passed_over, kept = [], [], list[int]()
    for index in sorted(range(len(sources)), key=lambda index: -len(listings[index])):
        whole = next((other for other in kept if listings[index] <= listings[other]), None)
        if whole is None:
            kept.append(index)
    for index, source in enumerate(sources):
        if index in kept:
            read.append(source)
        else:
            whole = next(other for other in kept if listings[index] <= listings[other])
            reason = f"all of its {len(source.records)} records are in {sources[whole].name}"
            passed_over.append((source.name, reason))
    return Sources(tuple(read), tuple(passed_over))


def _listing(record: Record) -> str:
    return listing_digest([replace(record, source="", subcategory="")])
