import json
from pathlib import Path

import pytest
from tests.bench.miniatures import miniature_repository, miniature_v1_parquet

from mmjudge.bench.data.mj_bench_reading import read_mj_bench
from mmjudge.bench.records import listing_digest

pytestmark = pytest.mark.usefixtures("tables_cache")


def test_a_folder_with_nothing_readable_is_refused(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("nothing")
    with pytest.raises(ValueError, match="nothing of MJ-Bench in it: neither tables nor JSON"):
        read_mj_bench(str(tmp_path))


def test_a_folder_of_other_files_is_refused_with_the_first_reasons(tmp_path: Path) -> None:
    for number in range(7):
        (tmp_path / f"{number}.json").write_text("{}")
    with pytest.raises(ValueError) as refused:
        read_mj_bench(str(tmp_path))
    told = str(refused.value)
    assert "0.json: a JSON object" in told and "4.json: a JSON object" in told
    assert "5.json" not in told and told.endswith("; ...")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("caption,image0")
    with pytest.raises(ValueError, match="expected a folder, or a file of JSON, Parquet or Arrow"):
        read_mj_bench(str(tmp_path / "rows.csv"))


def test_tables_and_json_files_of_one_folder_are_both_read(tmp_path: Path) -> None:
    both = tmp_path / "both"
    both.mkdir()
    miniature_v1_parquet(both)
    miniature_repository(both)
    reading = read_mj_bench(str(both))
    assert reading.forms[:2] == ("v1 splits", "repository JSON: alignment")
    assert len(reading.records) == 32 + 49


def test_hidden_folders_are_not_looked_into(tmp_path: Path) -> None:
    root = miniature_repository(tmp_path)
    hidden = root / ".git" / "rows.json"
    hidden.parent.mkdir()
    hidden.write_text(json.dumps([{"caption": "a"}]))
    assert ".git/rows.json" not in dict(read_mj_bench(str(root)).passed_over)


def test_a_moved_folder_gives_the_same_listing(tmp_path: Path) -> None:
    root = miniature_repository(tmp_path)
    before = listing_digest(read_mj_bench(str(root)).records)
    moved = root.rename(tmp_path / "moved")
    assert listing_digest(read_mj_bench(str(moved)).records) == before


def test_two_readings_give_the_same_records_in_the_same_order(tmp_path: Path) -> None:
    root = str(miniature_repository(tmp_path))
    assert read_mj_bench(root) == read_mj_bench(root)
