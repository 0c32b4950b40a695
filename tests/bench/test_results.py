from pathlib import Path

import pytest

from mmjudge.bench.results import AskedJudge, Header, header_line, read_results
from mmjudge.bench.rows import Answer, Row, row_line

JUDGE = AskedJudge("clip", "clip", "f" * 64, "any", "cosine", "of no use")
HEADER = Header("mjbench", "clip", {"quality": JUDGE, "bias": JUDGE}, "dätä", 2, "d" * 64)
ROWS = [
    Row(id, "pair", "quality", "", "s", "t", (), {"label": 0}, Answer((1.0, 2.0))) for id in "ab"
]
WHOLE = header_line(HEADER) + "".join(map(row_line, ROWS))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "clip.jsonl"


def test_a_file_is_read_as_it_was_written(path: Path) -> None:
    path.write_text(WHOLE)
    results = read_results(path)
    assert (results.header, results.rows) == (HEADER, tuple(ROWS))
    assert results.whole == len(WHOLE.encode()) and not results.torn


def test_half_a_line_at_the_end_is_left_out(path: Path) -> None:
    path.write_text(WHOLE[:-1])
    results = read_results(path)
    assert results.rows == tuple(ROWS[:1]) and results.torn


def test_a_broken_line_in_the_middle_is_named(path: Path) -> None:
    path.write_text(WHOLE.replace(row_line(ROWS[0]), '{"id": "a", "ki\n'))
    with pytest.raises(ValueError, match=r"clip.jsonl:2: "):
        read_results(path)


def test_an_id_that_occurs_twice_is_refused_with_both_lines(path: Path) -> None:
    path.write_text(WHOLE + row_line(ROWS[0]))
    with pytest.raises(ValueError, match=r"clip.jsonl:4: id a is in line 2 already"):
        read_results(path)


@pytest.mark.parametrize(
    "text, why",
    [
        ("", "no whole line"),
        ('{"format": "mmjudge res', "no whole line"),
        ('{"a": 1}\n', ":1: no results of `mmjudge bench`"),
        ("[]\n", ":1: a JSON list, expected an object"),
        (header_line(HEADER).replace('"version": 1', '"version": 9'), "version 9, expected 1"),
        (header_line(HEADER).replace('"orders"', '"order"'), "the header is not as we write it"),
    ],
)
def test_what_does_not_begin_with_a_header_is_refused(path: Path, text: str, why: str) -> None:
    path.write_text(text)
    with pytest.raises(ValueError, match=why):
        read_results(path)
