"""Preferences between two texts, as POVID, CSR and SIMA publish them for training."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmjudge.bench.data.reading import Missing, Reading, kept
from mmjudge.bench.data.row_files import read_rows
from mmjudge.bench.records import Parts, PictureFile, Record

IMAGE = "<image>"
COLUMNS = ("conversations", "rejected_conversations")

Turns = Sequence[Mapping[str, str]]


def read_preferences(path: Path, images: Path | None, *, missing: Missing = "refuse") -> Reading:
    """Read rows {id, image, conversations, rejected_conversations} of a JSON list or of .jsonl.

    images: the folder that images are named in, or None for that of the file, or `images` beside
    it. A conversation is turns {"from": "human" or "gpt", "value"}, of which the last is the
    answer: the chosen one is candidate 0, and the label is 0. What goes before it is the prompt,
    with the image where `<image>` stands, or first. Of several turns each begins with a line of
    "Human:" or "Assistant:", as in the chosen conversation; where only answers before the last
    differ in the rejected one, the account says so. `rejected_conversations` may be the answer
    alone. An id is that of the image in these sets, so rows may share it.

    SIMA's own list of its critic's rankings is not read: it names no images. Its training file is.
    Raises ValueError naming file, row (from 0) and key.
    """
    try:
        rows = read_rows(path)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    root = path.parent if images is None else images
    notes = Counter[str]()
    found = []
    for number, row in enumerate(rows):
        try:
            record = _record(row, path.name, root, notes)
        except ValueError as error:
            raise ValueError(f"{path}: row {number}: {error}") from error
        absent = [one.name for one in record.pictures if not (root / one.name).is_file()]
        found.append((record, absent))
    records, names, left_out = kept(found, missing)
    if not records:
        raise ValueError(f"{path}: no record is left, for none has its image")
    told = tuple(f"{count} {what}" for what, count in notes.items())
    return Reading(records, ("preferences",), names, left_out, notes=told)


def _record(row: Mapping[str, Any], source: str, root: Path, notes: Counter[str]) -> Record:
    if not set(COLUMNS) <= set(row):
        raise ValueError(f"keys {', '.join(row)}; expected {', '.join(COLUMNS)}, id, image")
    chosen, rejected = (_turns(row, key) for key in COLUMNS)
    asked, asked_again = chosen[:-1], rejected[:-1]
    if not asked:
        raise ValueError("conversations: an answer alone, expected a question before it")
    questions, again = (
        [turn["value"] for turn in turns if turn["from"] == "human"]
        for turns in (asked, asked_again)
    )
    if again and again != questions:
        raise ValueError("rejected_conversations: asks something else than conversations")
    if len(asked) > 1:
        notes["records of several turns: the last answer is judged"] += 1
    if asked_again and list(asked) != list(asked_again):
        notes["records whose rejected conversation had other answers before the last"] += 1
    answers = (chosen[-1]["value"], rejected[-1]["value"])
    if answers[0] == answers[1]:
        notes["records whose chosen and rejected answers are equal"] += 1
    return Record(
        kind="pair",
        perspective="preference",
        subcategory="",
        source=source,
        prompt=_prompt(_text(asked), _picture(row, root)),
        candidates=tuple((answer,) for answer in answers),
        facts={"label": 0},
    )


def _turns(row: Mapping[str, Any], key: str) -> Turns:
    turns = row[key]
    if not isinstance(turns, list) or not turns:
        raise ValueError(f"{key}: {turns!r}, expected a list of turns")
    for number, turn in enumerate(turns):
        if not isinstance(turn, dict) or turn.get("from") not in ("human", "gpt"):
            raise ValueError(f'{key}[{number}]: {turn!r}, expected {{"from": "human" or "gpt"}}')
        if not isinstance(turn.get("value"), str) or not turn["value"].strip():
            raise ValueError(f"{key}[{number}].value: {turn.get('value')!r}, expected a text")
    if turns[-1]["from"] != "gpt":
        raise ValueError(f"{key}: ends with a turn of human, expected the answer of gpt")
    return turns


def _text(asked: Turns) -> str:
    if len(asked) == 1:
        return asked[0]["value"]
    speakers = {"human": "Human", "gpt": "Assistant"}
    return "\n".join(f"{speakers[turn['from']]}: {turn['value']}" for turn in asked)


def _picture(row: Mapping[str, Any], root: Path) -> PictureFile | None:
    name = row.get("image")
    if name is None:
        return None
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"image: {name!r}, expected a file's name, or none")
    beside = Path("images") / name
    if not (root / name).is_file() and (root / beside).is_file():
        return PictureFile(root, beside.as_posix())
    return PictureFile(root, name)


def _prompt(text: str, picture: PictureFile | None) -> Parts:
    pieces = [piece.strip() for piece in text.split(IMAGE)]
    marks = len(pieces) - 1
    if marks > 1 or (marks and picture is None):
        there = "no image" if picture is None else "one image"
        raise ValueError(f"conversations: {IMAGE} {marks} times, but the row has {there}")
    if picture is None:
        return (text.strip(),)
    before, after = pieces if marks else ("", pieces[0])
    parts = tuple(part for part in (before, picture, after) if part != "")
    if len(parts) == 1:
        raise ValueError("conversations: an image alone, expected a question")
    return parts
