"""MJ-Bench as Hugging Face tables: splits of the first version, columns of the second."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset
from datasets import Image as ImageColumn

from mmjudge.bench.data.mj_bench_forms import PICTURES, Form, form_of, unknown_columns
from mmjudge.bench.data.mj_bench_places import place_of
from mmjudge.bench.data.mj_bench_rows import records_of, refuse_repeated_ids
from mmjudge.bench.data.mj_bench_sources import Source
from mmjudge.bench.data.row_files import UnknownRows
from mmjudge.bench.records import Record


@dataclass(frozen=True, slots=True, eq=False)
class PictureCell:
    """A picture in a table that is mapped into memory: read when it is asked for.

    column: the table of this one column, images undecoded. folder: what a path without bytes is
    relative to.
    """

    column: Dataset
    row: int
    name: str
    folder: Path

    def read(self) -> bytes:
        """Return the bytes as they are stored, or the file they point at; raises OSError."""
        (cell,) = self.column[self.row].values()
        data, path = _bytes_and_path(cell)
        if data:
            return data
        if not path:
            raise FileNotFoundError(f"{self.name}: neither bytes nor a path")
        return (self.folder / path).read_bytes()


def read_table(table: Dataset, split: str, folders: Sequence[str], root: Path) -> Source:
    """Read a split; `folders` are those around it, from the outermost; paths begin at `root`.

    Raises UnknownRows for columns of no known form, and for no rows; ValueError for a wrong row,
    naming split, row (from 0) and column.
    """
    form = form_of(table.column_names)
    if form is None:
        raise UnknownRows(unknown_columns(table.column_names))
    if not len(table):
        raise UnknownRows("no rows")
    place = place_of(split, (*folders, split), form, split=True)
    columns = {name: _undecoded(table, name) for name in PICTURES[form]}
    told = table.select_columns([name for name in table.column_names if name not in columns])
    rows = told.to_list()
    refuse_repeated_ids(split, rows)
    there = {name: _there(column, root) for name, column in columns.items()}
    same = _same(form, columns)
    records: list[Record] = []
    for number, row in enumerate(rows):
        pictures = {
            name: PictureCell(column, number, f"{split}/{number}/{name}", root)
            for name, column in columns.items()
        }
        row |= {name: picture.name for name, picture in pictures.items()}
        records += records_of(form, place, number, row, pictures.__getitem__, same[number])
    absent = {
        f"{split}/{number}/{name}"
        for name, found in there.items()
        for number, is_there in enumerate(found)
        if not is_there
    }
    missing = [
        tuple(picture.name for picture in record.pictures if picture.name in absent)
        for record in records
    ]
    return Source(split, _told_form(form), tuple(records), tuple(missing))


def _told_form(form: Form) -> str:
    return {"v1": "v1 splits", "v2": "v2 columns"}.get(form, f"tables: {form}")


def _undecoded(table: Dataset, name: str) -> Dataset:
    column = table.select_columns([name])
    if isinstance(table.features[name], ImageColumn):
        return column.cast_column(name, ImageColumn(decode=False))
    return column


def _there(column: Dataset, root: Path) -> list[bool]:
    """By row, whether there are bytes or a file, without reading the bytes."""
    data, paths = _stored(column)
    if data is None:
        sizes = [0] * len(column)
    else:
        sizes = pc.fill_null(pc.binary_length(data), 0).to_pylist()
    names = [None] * len(column) if paths is None else paths.to_pylist()
    return [
        size > 0 or (bool(name) and (root / name).is_file())
        for size, name in zip(sizes, names, strict=True)
    ]


def _same(form: Form, columns: dict[str, Dataset]) -> list[bool]:
    """By row, whether both images are stored as the same bytes, or else under the same path."""
    if form not in ("v1", "v2"):
        return [False] * len(next(iter(columns.values())))
    first, second = (_stored(column) for column in columns.values())
    either = [
        [False] * len(columns["image0"])
        if one is None or other is None
        else pc.fill_null(pc.equal(one, other), False).to_pylist()
        for one, other in zip(first, second, strict=True)
    ]
    return [any(pair) for pair in zip(*either, strict=True)]


def _stored(column: Dataset) -> tuple[pa.ChunkedArray | None, pa.ChunkedArray | None]:
    """The bytes and the paths of a column of images, as the table has them in memory."""
    (cells,) = column.with_format("arrow")[:].columns
    if pa.types.is_struct(cells.type):
        names = [field.name for field in cells.type]
        data, paths = (
            pc.struct_field(cells, name) if name in names else None for name in ("bytes", "path")
        )
        return data, paths
    if pa.types.is_binary(cells.type) or pa.types.is_large_binary(cells.type):
        return cells, None
    return None, cells


def _bytes_and_path(cell: Any) -> tuple[bytes | None, str | None]:
    if isinstance(cell, dict):
        return cell.get("bytes"), cell.get("path")
    return (cell, None) if isinstance(cell, bytes) else (None, cell)
