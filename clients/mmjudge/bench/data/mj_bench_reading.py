"""MJ-Bench, wherever it is: found by looking, told apart by its columns."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from mmjudge.bench.data.mj_bench_json import read_json_files
from mmjudge.bench.data.mj_bench_sources import Sources
from mmjudge.bench.data.mj_bench_splits import SAVED, is_table, read_hub, read_table_files
from mmjudge.bench.data.reading import NAMED, Missing, Reading, kept
from mmjudge.bench.data.row_files import SUFFIXES


def read_mj_bench(data: str, *, missing: Missing = "refuse") -> Reading:
    """Read MJ-Bench from `data`, in any form that it was published in.

    data: a folder saved by `datasets`; a folder of tables, such as a snapshot of the hub, where the
    name of a file, without its count, or of its folder is the split; a checkout of the repository
    or a folder of it; one JSON file; or, where there is no such path, a name of the hub. Both
    tables and JSON files are read, and files that are no part of MJ-Bench are told of. Images keep
    their bytes, and are not read yet, nor is it looked whether they are images. Parquet files and
    the hub's are unpacked into the cache of `datasets` first, which takes as much disk again.

    The repository does not carry all of its images. Folders are those of its scripts, where those
    differ from its files both; others beside a JSON file are looked in too. It has no file of the
    55 pairs of counting: those are among `other`. Its files human, mpii and objects say in an
    edited image's name which part was edited, which gives the paper's "distortion/human face",
    "distortion/human limbs" or "distortion/object".

    missing: what is done about records whose images are not there: "refuse" them all, or "skip".
    Raises ValueError for what cannot be read, naming file or split, row (from 0) and column.
    """
    path = Path(data).expanduser().resolve()
    if path.is_dir():
        found = _of_folder(path)
    elif path.is_file():
        found = _of_file(path)
    else:
        found = _of_hub(data)
    if not found.read:
        raise ValueError(f"{data}: nothing of MJ-Bench in it: {_reasons(found)}")
    records, names, left_out = kept(
        (pair for source in found.read for pair in zip(source.records, source.absent, strict=True)),
        missing,
    )
    if not records:
        raise ValueError(f"{data}: no record is left, for none has all of its images")
    forms = dict.fromkeys(source.form for source in found.read)
    return Reading(records, tuple(forms), names, left_out, found.passed_over)


def _of_folder(root: Path) -> Sources:
    files = sorted(_files(root), key=Path.as_posix)
    tables = [file for file in files if is_table(file)]
    jsons = [file for file in files if file.suffix in SUFFIXES and file.name not in SAVED]
    of_tables, of_jsons = read_table_files(root, tables), read_json_files(root, jsons)
    return Sources(
        (*of_tables.read, *of_jsons.read), (*of_tables.passed_over, *of_jsons.passed_over)
    )


def _of_file(path: Path) -> Sources:
    if path.suffix in SUFFIXES:
        return read_json_files(path.parent, [path])
    if is_table(path):
        return read_table_files(path.parent, [path])
    raise ValueError(f"{path}: expected a folder, or a file of JSON, Parquet or Arrow")


def _of_hub(name: str) -> Sources:
    if not re.fullmatch(r"\w[\w.-]*/[\w.-]+", name):
        raise ValueError(f"{name}: no such file or folder, and no name of the hub (owner/name)")
    return read_hub(name)


def _files(root: Path) -> Iterator[Path]:
    """All files below but those of hidden folders."""
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(folder) / name for name in names)


def _reasons(found: Sources) -> str:
    more = "; ..." if len(found.passed_over) > NAMED else ""
    told = "; ".join(f"{file}: {reason}" for file, reason in found.passed_over[:NAMED])
    return f"{told}{more}" if told else "neither tables nor JSON files"
