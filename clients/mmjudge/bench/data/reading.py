"""What was read of a data set: its records, and an account of them for people."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mmjudge.bench.records import Record, listing_digest

Missing = Literal["refuse", "skip"]
"""What is done about records whose images are not there."""

NAMED = 5
"""How many of many names are said."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Records in the data set's order, and what was found besides.

    forms: the schemas met, such as "v1 splits". missing: images that are not there, whose records
    (left_out many) are not among `records`. passed_over: files that were not read, with the reason.
    notes: what else people should know.
    """

    records: tuple[Record, ...]
    forms: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    left_out: int = 0
    passed_over: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """Records by perspective and subcategory, in the order they are met."""
        found: dict[str, dict[str, int]] = {}
        for record in self.records:
            by_subcategory = found.setdefault(record.perspective, {})
            by_subcategory[record.subcategory] = by_subcategory.get(record.subcategory, 0) + 1
        return found

    @property
    def labels(self) -> Mapping[str, Mapping[float, int]]:
        """Pairs by perspective and label: 0 or 1, the index of the preferred; 0.5 for a tie."""
        found: dict[str, Counter[float]] = {}
        for record in self.records:
            if "label" in record.facts:
                found.setdefault(record.perspective, Counter())[record.facts["label"]] += 1
        return {perspective: dict(sorted(counts.items())) for perspective, counts in found.items()}

    @property
    def identical(self) -> int:
        """How many records repeat an earlier one exactly, names of images and source included."""
        return len(self.records) - len({listing_digest([record]) for record in self.records})

    def lines(self) -> list[str]:
        """The account, a line a fact."""
        told = [f"{len(self.records)} records of {', '.join(self.forms) or 'no known form'}"]
        for perspective, subcategories in self.counts.items():
            labels = self.labels.get(perspective, {})
            said = [f"label {label:g}: {count}" for label, count in labels.items()]
            brackets = f" ({', '.join(said)})" if said else ""
            told.append(f"{perspective}: {sum(subcategories.values())}{brackets}")
            told += [f"  {name}: {count}" for name, count in subcategories.items() if name]
        if self.identical:
            told.append(f"{self.identical} records repeat another one exactly")
        if self.missing:
            told.append(f"left out: {self.left_out} records, for {missing_images(self.missing)}")
        reasons: dict[str, list[str]] = {}
        for name, reason in self.passed_over:
            reasons.setdefault(reason, []).append(name)
        told += [f"passed over {_named(names)}: {reason}" for reason, names in reasons.items()]
        return [*told, *self.notes]


def missing_images(names: Sequence[str]) -> str:
    """How many images are missing, and the first few of them."""
    return f"{len(names)} missing images: {_named(names)}"


def kept(
    found: Iterable[tuple[Record, Sequence[str]]], missing: Missing
) -> tuple[tuple[Record, ...], tuple[str, ...], int]:
    """Part records from those with missing images, of which each comes with the names.

    Returns the records, the names of missing images, and how many records are left out. Raises
    ValueError where an image is missing and `missing` is "refuse".
    """
    records, names, left_out = [], dict[str, None](), 0
    for record, absent in found:
        if absent:
            names.update(dict.fromkeys(absent))
            left_out += 1
        else:
            records.append(record)
    if names and missing == "refuse":
        raise ValueError(
            f"{missing_images(list(names))}; put them there, or leave their records out "
            "(missing: skip)"
        )
    return tuple(records), tuple(names), left_out


def select(
    records: Sequence[Record], subset: Sequence[str], limit: int | None
) -> tuple[Record, ...]:
    """Take the records of the subset, or of all, in their order; of each perspective the first.

    subset: perspectives such as "safety", or with subcategories such as "quality/blur", which has
    "quality/blur/motion" in it. limit: how many of each perspective, at least 1, so that a few
    records show all of them. Of bias, groups are taken whole, in order, until `limit` is reached,
    for a group in parts has other figures. Raises ValueError for an entry that matches nothing.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit: {limit}, expected at least 1, or none")
    wanted = [_path(entry) for entry in subset]
    paths = [_path(f"{record.perspective}/{record.subcategory}") for record in records]
    for entry, start in zip(subset, wanted, strict=True):
        if not any(_within(path, start) for path in paths):
            there = ", ".join(sorted({"/".join(path) for path in paths})) or "nothing"
            raise ValueError(f"subset: {entry!r} matches no record; there is {there}")
    chosen = [
        record
        for record, path in zip(records, paths, strict=True)
        if not wanted or any(_within(path, start) for start in wanted)
    ]
    return tuple(chosen) if limit is None else tuple(_limited(chosen, limit))


def _limited(records: Sequence[Record], limit: int) -> Iterable[Record]:
    """Of each perspective the first; a group's records need not stand together."""
    sizes = Counter((one.perspective, _group(one)) for one in records)
    taken, whole = Counter[str](), set[tuple[str, str]]()
    for record in records:
        perspective, group = record.perspective, _group(record)
        if (perspective, group) in whole:
            yield record
        elif taken[perspective] < limit:
            yield record
            if group:
                whole.add((perspective, group))
            taken[perspective] += sizes[perspective, group] if group else 1


def _group(record: Record) -> str:
    return str(record.facts["group"]) if record.kind == "bias" else ""


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"


def _path(entry: str) -> tuple[str, ...]:
    return tuple(part for part in entry.lower().split("/") if part)


def _within(path: tuple[str, ...], start: tuple[str, ...]) -> bool:
    return path[: len(start)] == start
