import json
from dataclasses import replace

import pytest

from mmjudge.bench.rows import Answer, Row, parse_row, row_line

ROW = Row(
    "1a", "pair", "quality", "blur", "q.json", "ein „Bild“\u2028 von\nDüren", ("0.png", "1.png"),
    {"label": 0}, Answer((0.1, 1.0), (2, 1), "why", ("NOTED: it",)),
)  # fmt: skip


@pytest.mark.parametrize(
    "row",
    [
        ROW,
        replace(ROW, swapped=Answer(ranks=(1, 2))),
        replace(ROW, given=Answer(abstained="REFUSED", message="m", raw_text="t")),
        replace(ROW, given=Answer(failed="IMAGE_EXPECTED", message="m")),
        replace(ROW, subcategory="", source="", text="", images=(), texts=("a", "")),
    ],
)
def test_a_row_is_read_as_it_was_written(row: Row) -> None:
    line = row_line(row)
    assert parse_row(json.loads(line)) == row
    assert row_line(parse_row(json.loads(line))) == line
    assert line.endswith("\n") and line.count("\n") == 1


def test_empty_fields_take_no_room() -> None:
    table = json.loads(row_line(replace(ROW, given=Answer(ranks=(1, 2)), subcategory="")))
    assert table["given"] == {"ranks": [1, 2]}
    assert not {"swapped", "subcategory", "texts"} & set(table)


@pytest.mark.parametrize("key", ["id", "kind", "perspective", "facts", "given"])
def test_a_missing_key_is_named(key: str) -> None:
    table = json.loads(row_line(ROW))
    del table[key]
    with pytest.raises(ValueError, match=f"^{key}: missing$"):
        parse_row(table)


def test_an_answer_of_nothing_is_refused() -> None:
    table = json.loads(row_line(ROW)) | {"given": {"notes": ["N: n"]}}
    with pytest.raises(ValueError, match="neither values nor ranks, and no reason why"):
        parse_row(table)


def test_a_number_that_is_none_is_refused() -> None:
    table = json.loads(row_line(ROW).replace("[0.1, 1.0]", "[NaN, 1.0]"))
    with pytest.raises(ValueError, match="expected finite numbers"):
        parse_row(table)


def test_an_unknown_key_of_an_answer_is_refused() -> None:
    table = json.loads(row_line(ROW))
    table["given"]["score"] = 1
    with pytest.raises(ValueError, match="not a row of results: .*score"):
        parse_row(table)
