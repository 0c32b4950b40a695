"""`mmjudge report`: pages from results, and from scores of others."""

import json
from pathlib import Path

import pytest
from tests.bench.conftest import tables_cache  # noqa: F401 - a fixture
from tests.bench.miniatures import miniature_repository
from tests.cli.conftest import Run

from mmjudge.cli.terminal import ExitStatus

pytestmark = pytest.mark.usefixtures("tables_cache")


def test_a_page_markdown_and_csv_are_written_the_same_twice(
    run: Run, tmp_path: Path, address: str
) -> None:
    data, out, page = miniature_repository(tmp_path), tmp_path / "out", tmp_path / "page.html"
    asked = run("bench", "mjbench", data, "--address", address, "--output", out)
    assert asked.status == 0
    files = [page.with_suffix(suffix) for suffix in (".html", ".md", ".csv")]
    ended = run("report", out, "--output", page, "--title", "Photographs & <judges>")
    assert ended.status == 0
    assert ended.out == f"wrote {', '.join(map(str, files))}\n"
    texts = [file.read_text() for file in files]
    assert "Photographs &amp; &lt;judges&gt;" in texts[0]
    assert "data:image/jpeg;base64," in texts[0]
    assert run("report", out / "photo-lite.jsonl", "--output", page, "--title",
               "Photographs & <judges>").status == 0  # fmt: skip
    assert [file.read_text() for file in files] == texts


def test_without_its_data_the_report_says_so_and_how_to_name_it(
    run: Run, tmp_path: Path, address: str
) -> None:
    data, out, page = miniature_repository(tmp_path), tmp_path / "out", tmp_path / "page.html"
    assert run("bench", "mjbench", data, "--address", address, "--output", out).status == 0
    data.rename(tmp_path / "elsewhere")
    ended = run("report", out, "--output", page)
    assert ended.status == 0
    assert f"no pictures of {data}: " in ended.err
    assert "--data" in page.read_text() and "data:image/jpeg" not in page.read_text()
    assert run("report", out, "--output", page, "--data", tmp_path / "elsewhere").status == 0
    assert "data:image/jpeg" in page.read_text()


def test_scores_computed_elsewhere_are_reported_too(run: Run, tmp_path: Path) -> None:
    file, page = tmp_path / "clip.blur.json", tmp_path / "page.html"
    rows = [{"score_0": n % 3, "score_1": 1, "label": "0"} for n in range(30)]
    file.write_text(json.dumps(rows))
    assert run("report", "--scores", file, "--output", page).status == 0
    assert "clip" in page.with_suffix(".csv").read_text()


@pytest.mark.parametrize(
    ("name", "message"), [("page.pdf", "expected the name of a page, such as page.html"),
                          ("no/page.html", "there is no folder")]
)  # fmt: skip
def test_a_page_that_cannot_be_written_is_told_before_the_work(
    name: str, message: str, run: Run, tmp_path: Path
) -> None:
    ended = run("report", tmp_path, "--output", tmp_path / name)
    assert ended.status == ExitStatus.MISTAKE and message in ended.error


def test_a_folder_without_results_and_a_file_that_is_none_are_refused(
    run: Run, tmp_path: Path
) -> None:
    empty = run("report", tmp_path, "--output", tmp_path / "page.html")
    assert "no results in it, expected files that end in .jsonl" in empty.error
    other = tmp_path / "other.jsonl"
    other.write_text('{"a": 1}\n')
    ended = run("report", other, "--output", tmp_path / "page.html")
    assert "other.jsonl:1: no results of `mmjudge bench`" in ended.error
