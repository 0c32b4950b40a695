from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.bench.fake_judges import pair

from mmjudge.bench.asking.answering import row_of
from mmjudge.bench.asking.listing import Places, listed
from mmjudge.bench.asking.results_file import ResultsFile
from mmjudge.bench.results import AskedJudge, Header, header_line, read_results
from mmjudge.bench.rows import Answer, Row, row_line

JUDGE = AskedJudge("clip", "clip", "old print", "any", "cosine")
HEADER = Header("mjbench", "clip", {"quality": JUDGE}, "data", 3, "d" * 64)
RECORDS = [pair(text) for text in "abc"]
ROWS = [row_of(record, record.text * 3, Answer((1.0, 2.0)), None) for record in RECORDS]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "clip.jsonl"


@pytest.fixture
def written(path: Path) -> Iterator[bytes]:
    with ResultsFile(path, HEADER) as file:
        file.append(ROWS)
    yield path.read_bytes()


def test_a_file_begins_with_its_header_and_goes_on_with_rows(path: Path, written: bytes) -> None:
    assert written.decode() == header_line(HEADER) + "".join(map(row_line, ROWS))


def test_it_is_gone_on_with_by_what_it_holds(path: Path, written: bytes) -> None:
    with ResultsFile(path, HEADER) as file:
        assert file.rows == {row.id: listed(r) for row, r in zip(ROWS, RECORDS, strict=True)}
        assert not file.torn
    assert path.read_bytes() == written


def test_every_half_line_is_cut_off_and_nothing_else(path: Path, written: bytes) -> None:
    for end in range(len(written)):
        path.write_bytes(written[:end])
        with ResultsFile(path, HEADER) as file:
            assert file.torn == (end > 0 and not written[:end].endswith(b"\n"))
            assert list(file.rows) == [row.id for row in ROWS][: len(file.rows)]
        kept = max(written[:end].rfind(b"\n") + 1, written.find(b"\n") + 1)
        assert path.read_bytes() == written[:kept]


@pytest.mark.parametrize("content", [b"notes of mine", b'{"format": "mmjudge resul_', b"\0"])
def test_half_a_line_of_something_else_is_left_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(ValueError, match="holds no results of `mmjudge bench`"):
        ResultsFile(path, HEADER)
    assert path.read_bytes() == content


def test_a_second_run_on_the_same_file_is_refused(path: Path, written: bytes) -> None:
    with ResultsFile(path, HEADER) as file:
        with pytest.raises(ValueError, match=r"clip.jsonl: another run is writing to it"):
            ResultsFile(path, HEADER)
        file.arrange(lambda row: (-ord(row.text), row.id))  # by another file under the same name
        with pytest.raises(ValueError, match="another run is writing to it"):
            ResultsFile(path, HEADER)
    ResultsFile(path, HEADER).__exit__(None, None, None)


@pytest.mark.parametrize(
    "header, told",
    [
        (replace(HEADER, benchmark="mmie"), "benchmark was mjbench, now mmie"),
        (replace(HEADER, contender="hps"), "contender was clip, now hps"),
        (replace(HEADER, records=4), "data was 3 records with digest dddddddddddd, now 4 records"),
        (replace(HEADER, digest="e" * 64), "digest dddddddddddd, now 3 records with digest eeeee"),
        (replace(HEADER, judges={"quality": replace(JUDGE, fingerprint="new print")}),
         "fingerprint of quality was old print, now new print"),
        (replace(HEADER, judges={"quality": replace(JUDGE, orders="both")}),
         "order of pairs of quality was any, now both"),
        (replace(HEADER, judges={"quality": replace(JUDGE, name="b")}),
         "judge of quality was clip, now b"),
    ],
)  # fmt: skip
def test_results_of_something_else_are_refused_and_kept(
    path: Path, written: bytes, header: Header, told: str
) -> None:
    path.write_bytes(written[:-9])
    with pytest.raises(ValueError, match=f"{told}.*Write to another folder, or delete the file"):
        ResultsFile(path, header)
    assert path.read_bytes() == written[:-9]


def test_all_that_differs_is_told_at_once(path: Path, written: bytes) -> None:
    with pytest.raises(ValueError, match="benchmark was .*; contender was "):
        ResultsFile(path, replace(HEADER, benchmark="mmie", contender="b"))


def test_data_that_moved_and_judges_described_anew_are_the_same(path: Path, written: bytes) -> None:
    judges = {"quality": replace(JUDGE, description="in better words", caution="beware")}
    header = replace(HEADER, location="elsewhere", judges=judges)
    ResultsFile(path, header).__exit__(None, None, None)
    results = read_results(path)
    assert results.header == header and results.rows == tuple(ROWS)


def test_judges_of_other_perspectives_come_in_beside(path: Path, written: bytes) -> None:
    other = replace(JUDGE, name="b")
    ResultsFile(path, replace(HEADER, judges={"bias": other})).__exit__(None, None, None)
    assert list(read_results(path).header.judges.items()) == [("bias", other), ("quality", JUDGE)]
    assert read_results(path).rows == tuple(ROWS)


def test_an_id_that_occurs_twice_is_refused(path: Path, written: bytes) -> None:
    path.write_bytes(written + row_line(ROWS[0]).encode())
    with pytest.raises(ValueError, match="clip.jsonl:5: id aaa is in line 2 already"):
        ResultsFile(path, HEADER)


def test_rows_are_put_in_order_and_more_can_be_added(path: Path, written: bytes) -> None:
    path.with_name("clip.jsonl.new").write_text("left by a run that was killed")
    path.write_text(header_line(HEADER) + row_line(ROWS[2]) + row_line(ROWS[0]))
    with ResultsFile(path, HEADER) as file:
        file.arrange(Places(RECORDS))
        assert [row.text for row in read_results(path).rows] == ["a", "c"]
        file.append([ROWS[1]])
        file.arrange(Places(RECORDS))
    assert path.read_bytes() == written
    assert [file.name for file in path.parent.iterdir()] == ["clip.jsonl"]


def test_a_file_in_order_is_not_written_again(path: Path, written: bytes) -> None:
    before = path.stat()
    with ResultsFile(path, HEADER) as file:
        file.arrange(Places(RECORDS))
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_numbers_and_texts_are_told_apart_in_listings() -> None:
    records = [pair("a", label=label) for label in (0, 1, 0.5)]
    records += [pair("a", images="b"), pair("a", perspective="safety")]
    rows: list[Row] = [row_of(record, "1", Answer((1.0,)), None) for record in records]
    assert len({listed(record) for record in records}) == 5
    assert [Places(records)(row)[0] for row in rows] == [0, 1, 2, 3, 4]
