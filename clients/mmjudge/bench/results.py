"""A file of results: what was asked of whom in the first line, then a row a record."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from json import dumps, loads
from pathlib import Path
from typing import Any, Literal, TypeVar

from mmjudge.bench.rows import Row, parse_row

T = TypeVar("T")

Benchmark = Literal["mjbench", "mmie", "preferences"]
Orders = Literal["given", "both", "any"]
FORMAT = "mmjudge results"
VERSION = 1


@dataclass(frozen=True, slots=True)
class AskedJudge:
    """The judge of a perspective, as the server told of it."""

    name: str
    kind: str
    fingerprint: str
    orders: Orders
    """In which orders it is shown a pair: "any" for one that values candidates one by one."""
    description: str = ""
    caution: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """What was asked of whom: a file is gone on with only where all of this is the same.

    contender: the name under which all its judges compete; judges: by perspective. location: of the
    data set, as it was named; records, digest: how many it has, and `listing_digest` of them.
    """

    benchmark: Benchmark
    contender: str
    judges: Mapping[str, AskedJudge]
    location: str
    records: int
    digest: str


@dataclass(frozen=True, slots=True)
class Results:
    """All that a file holds. whole: bytes of its whole lines; more are a line half written."""

    path: Path
    header: Header
    rows: tuple[Row, ...]
    whole: int

    @property
    def torn(self) -> bool:
        """Whether the file ends in half a line, as after a crash."""
        return self.path.stat().st_size > self.whole


def header_line(header: Header) -> str:
    """The first line of a file, with its newline."""
    return dumps({"format": FORMAT, "version": VERSION, **asdict(header)}) + "\n"


def read_results(path: Path) -> Results:
    """Read a file of results; a last line without its newline is left out.

    Raises OSError, and ValueError naming file and line for what is no result, and for an id that
    occurs twice.
    """
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    lines = data[:whole].decode("utf-8").split("\n")[:-1]
    if not lines:
        raise ValueError(f"{path}: no whole line, expected the header of {FORMAT}")
    header = _read(path, 1, lines[0], _header)
    rows, seen = [], dict[str, int]()
    for number, line in enumerate(lines[1:], 2):
        row = _read(path, number, line, parse_row)
        if row.id in seen:
            raise ValueError(f"{path}:{number}: id {row.id} is in line {seen[row.id]} already")
        seen[row.id] = number
        rows.append(row)
    return Results(path, header, tuple(rows), whole)


def _read(path: Path, number: int, line: str, parse: Callable[[dict[str, Any]], T]) -> T:
    try:
        table = loads(line)
        if not isinstance(table, dict):
            raise ValueError(f"a JSON {type(table).__name__}, expected an object")
        return parse(table)
    except ValueError as error:  # also of JSON
        raise ValueError(f"{path}:{number}: {error}") from error


def _header(table: dict[str, Any]) -> Header:
    if table.pop("format", None) != FORMAT:
        raise ValueError(f"no results of `mmjudge bench`, which begin with the format {FORMAT!r}")
    if (version := table.pop("version", None)) != VERSION:
        raise ValueError(f"version {version}, expected {VERSION}: another mmjudge wrote it")
    try:
        judges = {name: AskedJudge(**judge) for name, judge in table.pop("judges").items()}
        return Header(judges=judges, **table)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"the header is not as we write it: {error}") from error
