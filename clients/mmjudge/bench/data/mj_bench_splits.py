"""Which tables are which splits of MJ-Bench: on the hub, saved by `datasets`, or as files."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmjudge.bench.data.mj_bench_sources import Source, Sources
from mmjudge.bench.data.row_files import UnknownRows

if TYPE_CHECKING:
    from datasets import Dataset

SAVED = ("state.json", "dataset_info.json", "dataset_dict.json")
"""What `save_to_disk` writes beside its tables."""


def is_table(file: Path) -> bool:
    """Whether it is a file of rows, or the mark of a folder that `save_to_disk` wrote."""
    if file.suffix == ".arrow":
        return not file.name.startswith("cache-")  # of `map` and `filter`
    return file.suffix == ".parquet" or file.name == "state.json"


def read_table_files(root: Path, files: Sequence[Path]) -> Sources:
    """Read tables, all of them under `root`; what holds no rows of MJ-Bench is passed over.

    Files that differ in their counts alone, as alignment-00000-of-00002.parquet, are one split. A
    name that says nothing, such as data or 0000, gives way to its folder's. Raises ValueError for a
    file that cannot be read, and for a wrong row.
    """
    if not files:
        return Sources(())
    import datasets

    saved = [file.parent for file in files if file.name == "state.json"]
    shards: dict[Path, list[str]] = {}
    for file in files:
        if file.parent not in saved:
            shards.setdefault(_split(file), []).append(str(file))
    tables: dict[Path, Dataset] = {}
    try:
        tables.update({folder: datasets.load_from_disk(folder) for folder in saved})
        tables.update({split: _table(names) for split, names in shards.items()})
    except (OSError, ValueError, IndexError, datasets.exceptions.DatasetsError) as error:
        # An IndexError is that of a saved split without rows.
        raise ValueError(f"{root}: a table that cannot be read: {error}") from error
    return _read(tables, root)


def read_hub(name: str) -> Sources:
    """Read the data set of this name on the hub; raises ValueError where it is not to be had."""
    import datasets

    try:
        splits = datasets.load_dataset(name)
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        raise ValueError(
            f"{name}: no such file or folder, and not to be had from the hub: {error}; where it "
            "asks for consent, give it on its page and log in with `hf auth login`"
        ) from error
    return _read({Path(split): table for split, table in splits.items()}, Path())


def _read(tables: "Mapping[Path, Dataset]", root: Path) -> Sources:
    import pyarrow

    from mmjudge.bench.data.mj_bench_tables import read_table

    # Unpacking Parquet takes a few row groups at a time, but Arrow would keep that memory.
    pyarrow.default_memory_pool().release_unused()
    outside = root.resolve().parts[-2:]
    names = {place: place.name or root.resolve().name for place in tables}
    counts = Counter(names.values())
    read, passed_over = list[Source](), list[tuple[str, str]]()
    for place, table in sorted(tables.items(), key=lambda one: one[0]):
        within = place.relative_to(root)
        name = names[place] if counts[names[place]] == 1 else within.as_posix()
        try:
            read.append(read_table(table, name, (*outside, *within.parts[:-1]), root))
        except UnknownRows as error:
            passed_over.append((name, str(error)))
    return Sources(tuple(read), tuple(passed_over))


def _split(file: Path) -> Path:
    stem = re.sub(r"-\d+-of-\d+$", "", file.stem)
    says_nothing = stem.isdigit() or stem in ("data", "dataset")
    return file.parent if says_nothing else file.parent / stem


def _table(files: Sequence[str]) -> "Dataset":
    from datasets import Dataset, concatenate_datasets

    if files[0].endswith(".parquet"):
        return Dataset.from_parquet(list(files))
    return concatenate_datasets([Dataset.from_file(file) for file in files])
