"""MMIE's `data.json`: questions and answers made of texts and images, to be graded."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mmjudge.bench.data.mmie_entries import KNOWN, mmie_record
from mmjudge.bench.data.reading import Missing, Reading, kept
from mmjudge.bench.records import PictureFile, Record


def read_mmie(path: Path, *, missing: Missing = "refuse") -> Reading:
    """Read a file of the published code's form, or the folder whose `data.json` is (`mmie_record`).

    Images are relative to the file's folder; `missing` is what is done where one is not there.
    Answers of several models may be in one file. Raises OSError, and ValueError naming file, entry,
    id and key for what is not of this form, and for a second answer of a model to an id.
    """
    file = path / "data.json" if path.is_dir() else path
    entries = _entries(file)
    records = list(_records(entries, file))
    found = ((record, _absent(record)) for record in records)
    try:
        there, names, left_out = kept(found, missing)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error
    notes = (*_notes(there), *_unread(entries))
    return Reading(there, ("MMIE data.json",), names, left_out, notes=notes)


def _records(entries: Sequence[Any], file: Path) -> Iterator[Record]:
    seen: dict[tuple[str, str], int] = {}
    for number, entry in enumerate(entries, 1):
        where = f"{file}: entry {number}"
        try:
            record = mmie_record(entry, file)
        except ValueError as error:
            name = f" ({entry['id']!r})" if isinstance(entry, dict) and "id" in entry else ""
            raise ValueError(f"{where}{name}: {error}") from error
        name, model = record.facts["id"], record.facts["model"]
        if (first := seen.setdefault((name, model), number)) != number:
            raise ValueError(
                f"{where}: id {name!r} of model {model!r} is in entry {first} already; give each "
                "answer an id of its own, or name the models"
            )
        yield record


def _entries(file: Path) -> Sequence[Any]:
    expected = 'expected a list of {"id", "question", "answer", ...}'
    try:
        entries = json.loads(file.read_bytes())
    except ValueError as error:
        raise ValueError(f"{file}: no JSON ({error}), {expected}") from error
    if not isinstance(entries, list):
        raise ValueError(f"{file}: a JSON {type(entries).__name__}, {expected}")
    if not entries:
        raise ValueError(f"{file}: an empty list, {expected}")
    return entries


def _absent(record: Record) -> list[str]:
    files = (picture for picture in record.pictures if isinstance(picture, PictureFile))
    return [picture.name for picture in files if not (picture.root / picture.name).is_file()]


def _notes(records: Sequence[Record]) -> Iterator[str]:
    models = Counter(record.facts["model"] or "(no name)" for record in records)
    told = ", ".join(f"{model} {count}" for model, count in sorted(models.items()))
    yield f"answers by model: {told or 'none'}"
    yield f"answers graded by people: {sum('human' in record.facts for record in records)}"
    if empty := sum(record.candidates == (("",),) for record in records):
        yield f"answers of nothing, asked about as an empty text: {empty}"
    unanswerable = [
        record.facts["id"]
        for record in records
        if record.perspective == "MSR"
        and not any(isinstance(part, str) for parts in record.references for part in parts)
    ]
    if unanswerable:
        yield (
            f"MSR without a right answer in words, which judge mmie needs: {len(unanswerable)}, "
            f"first {unanswerable[0]}"
        )


def _unread(entries: Sequence[Any]) -> Iterator[str]:
    keys = Counter(key for entry in entries for key in entry if key not in KNOWN)
    if keys:
        told = ", ".join(f"{key} {count}" for key, count in sorted(keys.items()))
        yield f"keys that are not read: {told}; read are {', '.join(KNOWN)}"
