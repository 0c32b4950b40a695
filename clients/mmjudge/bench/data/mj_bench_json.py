"""MJ-Bench as its repository has it: JSON files beside folders of images."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmjudge.bench.data.mj_bench_forms import PICTURES, Form, form_of, unknown_columns
from mmjudge.bench.data.mj_bench_images import ImageFolders
from mmjudge.bench.data.mj_bench_places import place_of
from mmjudge.bench.data.mj_bench_rows import (
    Row,
    records_of,
    refuse_missing_columns,
    refuse_repeated_ids,
)
from mmjudge.bench.data.mj_bench_sources import Source, Sources, without_repeats
from mmjudge.bench.data.row_files import UnknownRows, read_rows
from mmjudge.bench.records import PictureFile, Record

Rows = list[dict[str, Any]]


def read_json_files(root: Path, files: Sequence[Path]) -> Sources:
    """Read the files, all of them under `root`, that hold rows of MJ-Bench.

    Any other file is passed over, with the reason. Raises ValueError for a wrong row of MJ-Bench,
    naming file, row (from 0) and column.
    """
    sources, passed_over, rows_of = [], [], dict[str, Rows]()
    for file in files:
        name = file.relative_to(root).as_posix()
        try:
            rows = read_rows(file)
            form = form_of(rows[0])
            if form is None:
                raise UnknownRows(unknown_columns(rows[0]))
        except UnknownRows as error:
            passed_over.append((name, str(error)))
            continue
        rows_of[name] = rows
        sources.append(_source(root, file, name, form, rows))
    found = without_repeats(sources)
    for source in found.read:
        refuse_repeated_ids(source.name, rows_of[source.name])
    return Sources(found.read, (*passed_over, *found.passed_over))


def _source(root: Path, file: Path, name: str, form: Form, rows: Rows) -> Source:
    refuse_missing_columns(name, form, rows)
    parts = (*root.resolve().parts[-2:], *Path(name).parent.parts, file.stem)
    place = place_of(name, parts, form, split=False)
    folders = ImageFolders(root, file)
    records: list[Record] = []
    for number, row in enumerate(rows):
        pictures = _pictures(folders, form, row, f"{name}: row {number}")
        one_image = len({picture.name for picture in pictures.values()}) == 1
        records += records_of(form, place, number, row, pictures.__getitem__, one_image)
    named = form in ("blur", "two images")
    what = place.subcategory.partition("/")[0] if named else records[0].perspective
    return Source(name, f"repository JSON: {what}", tuple(records), tuple(map(_absent, records)))


def _pictures(folders: ImageFolders, form: Form, row: Row, at: str) -> dict[str, PictureFile]:
    try:
        return {column: folders.find(column, row[column]) for column in PICTURES[form]}
    except ValueError as error:
        raise ValueError(f"{at}: {error}") from error


def _absent(record: Record) -> tuple[str, ...]:
    files = [picture for picture in record.pictures if isinstance(picture, PictureFile)]
    return tuple(file.name for file in files if not (file.root / file.name).is_file())
