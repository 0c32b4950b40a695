"""An entry of MMIE's `data.json` as a record."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmjudge.bench.metrics.mmie_answers import CATEGORIES, HIGHEST, LOWEST
from mmjudge.bench.records import Parts, PictureFile, Record

REQUIRED = ("id", "question", "answer")
HUMAN = ("human_score", "human", "human_scores")
KNOWN = (*REQUIRED, "gt_answer", "model", "category", *HUMAN)
WORD = re.compile(r"[^\W\d_]+")


def mmie_record(entry: object, file: Path) -> Record:
    """The record of {"id", "question", "answer", "gt_answer", "model"} in a file.

    question, answer and gt_answer are lists of {"text", "image"}, either of which may be null;
    answer and gt_answer may be a text or null. The prompt is the question, the candidate the
    answer, the reference the right answer, of which judge `mmie` reads the texts for MSR and
    nothing for others. Facts are "id", "model" and, where people graded, "human": from 0 to 6, of
    the key "human_score" or "human", or the mean of the list "human_scores".

    The category, which is the perspective, is the key "category", or the one word among SA, PBL and
    MSR in the id: `USA-PBL-7` is PBL, where the published code (Lillianwei-h/MMIE, commit eb0fd6e)
    finds SA. Also unlike that code, which passes over what follows the third image and drops what
    has more than four, all texts and images are in the record; blank texts are not, where it shows
    an empty line; and all texts of gt_answer are the reference, where it takes the first. As there,
    an answer of nothing is one to be graded: an empty text. Keys beside `KNOWN` are not read.

    Raises ValueError naming the key that is wrong.
    """
    if not isinstance(entry, dict):
        raise ValueError(f"a JSON {type(entry).__name__}, expected an object")
    _check_keys(entry, REQUIRED)
    if not (name := _text(entry["id"], "id")).strip():
        raise ValueError(f"id: {_shown(entry['id'])}, expected a text")
    category = _category(name, entry.get("category"))
    if category == "MSR":
        _check_keys(entry, (*REQUIRED, "gt_answer"))
    if not isinstance(entry["question"], list):
        raise ValueError(
            f"question: {_shown(entry['question'])}, expected a list of {{text, image}}; if these "
            "are results of the published code, give the data.json that they were made from"
        )
    reference = _parts(entry.get("gt_answer"), "gt_answer", file.parent)
    human = _human(entry)
    return Record(
        kind="grade",
        perspective=category,
        subcategory="",
        source=file.name,
        prompt=_parts(entry["question"], "question", file.parent),
        candidates=(_parts(entry["answer"], "answer", file.parent) or ("",),),
        facts={"id": name, "model": _text(entry.get("model"), "model")}
        | ({} if human is None else {"human": human}),
        references=(reference,) if reference else (),
        attributes={"category": category},
    )


def _check_keys(entry: Mapping[str, Any], needed: Sequence[str]) -> None:
    if lacking := [key for key in needed if key not in entry]:
        raise ValueError(
            f"no {', '.join(lacking)}; its keys are {', '.join(entry)}, expected "
            f"{', '.join(KNOWN)}, of which {', '.join(needed)} must be there"
        )


def _category(name: str, given: object) -> str:
    expected = f"expected one of {', '.join(CATEGORIES)}"
    if given is None:
        found = [word for word in CATEGORIES if word in WORD.findall(name)]
        if len(found) == 1:
            return found[0]
        raise ValueError(
            f"id: {name!r} has {' and '.join(found) or 'no category'} in it, {expected} as a word "
            'of its own; or say the category with the key "category"'
        )
    if given not in CATEGORIES:
        raise ValueError(f"category: {_shown(given)}, {expected}")
    return str(given)


def _parts(pieces: object, key: str, folder: Path) -> Parts:
    if isinstance(pieces, str | None):
        pieces = [{"text": pieces}]
    if not isinstance(pieces, list):
        raise ValueError(f"{key}: {_shown(pieces)}, expected a list of {{text, image}}")
    parts: list[str | PictureFile] = []
    for place, piece in enumerate(pieces):
        where = f"{key}[{place}]"
        if not isinstance(piece, dict) or not piece or not piece.keys() <= {"text", "image"}:
            raise ValueError(f"{where}: {_shown(piece)}, expected {{text, image}}")
        text, image = (_text(piece.get(name), f"{where}.{name}") for name in ("text", "image"))
        parts += [text] if text.strip() else []
        parts += [PictureFile(folder, image)] if image.strip() else []
    return tuple(parts)


def _human(entry: Mapping[str, Any]) -> float | None:
    given = {key: entry[key] for key in HUMAN if entry.get(key) not in (None, [])}
    if len(given) > 1:
        raise ValueError(f"{', '.join(given)}: people's grade under several keys, expected one")
    for key, value in given.items():
        grades = value if isinstance(value, list) and key == "human_scores" else [value]
        for grade in grades:
            if type(grade) not in (int, float) or not LOWEST <= grade <= HIGHEST:
                raise ValueError(
                    f"{key}: {_shown(grade)}, expected a number from {LOWEST:g} to {HIGHEST:g}"
                    + (", or a list of them" if key == "human_scores" else "")
                )
        return float(sum(grades) / len(grades))
    return None


def _text(value: object, key: str) -> str:
    if not isinstance(value, str | None):
        raise ValueError(f"{key}: {_shown(value)}, expected a text")
    return value or ""


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:80]}..."
