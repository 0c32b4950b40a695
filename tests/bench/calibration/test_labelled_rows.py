import json
from pathlib import Path
from typing import Any

import pytest

from mmjudge.bench.calibration.labelled_rows import (
    LabelledUnit,
    RatedText,
    read_ratings,
    read_units,
)

UNIT = {"image": "a.png", "text": "a dog and a dog", "unit": "dog", "start": 2, "label": "correct"}
RATING = {"image": "a.png", "text": "a dog", "target": 0.5}


def write(folder: Path, *rows: Any) -> Path:
    (folder / "a.png").touch()
    file = folder / "rows.jsonl"
    file.write_text("\n\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return file


def test_units_are_found_in_bytes(tmp_path: Path) -> None:
    row = {"image": "a.png", "text": "déjà vu 犬", "unit": "犬", "label": "hallucinated"}
    first, second = read_units(write(tmp_path, UNIT, row))
    assert first == LabelledUnit(tmp_path / "a.png", "a dog and a dog", (2, 5), True)
    assert second.span == (10, 13) and not second.correct


def test_ratings_may_have_targets_or_none(tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    assert read_ratings(write(tmp_path, RATING)) == [RatedText(image, "a dog", 0.5)]
    bare = {"image": "a.png", "text": "a dog"}
    assert read_ratings(write(tmp_path, bare)) == [RatedText(image, "a dog", None)]
    with pytest.raises(ValueError, match=r"rows.jsonl:2: target: missing, but others have one"):
        read_ratings(write(tmp_path, RATING, bare))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"label": "wrong"}, "label: 'wrong', expected one of correct, hallucinated"),
        ({"label": None}, "label: None"),
        ({"unit": "cat"}, "start: 2: the text has no 'cat' there"),
        ({"start": 3}, "start: 3: the text has no 'dog' there"),
        ({"start": "2"}, "start: '2'"),
        ({"text": "  "}, "text: '  ', expected a text"),
        ({"image": "b.png"}, "b.png: no such file; paths are relative to the rows' file"),
        ({"colour": 1}, "colour: unknown key, expected image, label, start, text, unit"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=rf"rows.jsonl:3: {told}|rows.jsonl:3: image: .*{told}"):
        read_units(write(tmp_path, UNIT, UNIT | change))


def test_a_unit_that_occurs_twice_needs_its_place(tmp_path: Path) -> None:
    row = {key: value for key, value in UNIT.items() if key != "start"}
    with pytest.raises(ValueError, match="'dog' is 2 times in the text"):
        read_units(write(tmp_path, row))


@pytest.mark.parametrize(
    ("rows", "told"),
    [((), "no rows"), (("[1]",), "a JSON list, expected an object"), (("{",), r"rows.jsonl:1: ")],
)
def test_what_is_no_row(tmp_path: Path, rows: tuple[str, ...], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_ratings(write(tmp_path, *rows))


@pytest.mark.parametrize("target", ["1", True, float("nan"), [1]])
def test_a_target_is_a_finite_number(tmp_path: Path, target: Any) -> None:
    with pytest.raises(ValueError, match="target: .*, expected a finite number"):
        read_ratings(write(tmp_path, RATING | {"target": target}))
