"""`mmjudge bench`: what is told, refused and gone on with."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.bench.conftest import tables_cache  # noqa: F401 - a fixture
from tests.bench.miniatures import miniature_preferences, miniature_repository
from tests.cli.conftest import GUARD, ROOT, Run, command

from mmjudge.bench.results import read_results
from mmjudge.cli.terminal import ExitStatus

pytestmark = pytest.mark.usefixtures("tables_cache")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return miniature_repository(tmp_path)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_a_dry_run_says_what_was_read_and_asks_nobody(run: Run, data: Path, out: Path) -> None:
    ended = run("bench", "mjbench", data, "--dry-run", "--address", "127.0.0.1:1", "--output", out)
    assert ended.status == 0
    assert ended.err.startswith("49 records of repository JSON: ")
    assert "quality: 22 (label 0: 20, label 0.5: 1, label 1: 1)\n  blur/motion: 8\n" in ended.err
    assert not out.exists()


def test_a_subset_and_a_limit_ask_about_less_and_more_goes_on(
    run: Run, data: Path, out: Path, address: str
) -> None:
    ask = ("bench", "mjbench", data, "--address", address, "--output", out, "--json")
    assert run(*ask, "--subset", "safety/nsfw").status == 0
    file = out / "photo-lite.jsonl"
    assert {row.subcategory for row in read_results(file).rows} == {"nsfw"}
    few = run(*ask, "--limit", "2")
    assert "4 answered before" not in few.err and few.status == 0
    whole = run(*ask)
    metrics = [json.loads(line) for line in whole.out.splitlines()]
    assert {table["contender"] for table in metrics} == {"photo-lite"}
    run(*ask[:-2], out / "again", "--json")
    assert file.read_bytes() == (out / "again" / "photo-lite.jsonl").read_bytes()


def test_half_a_line_at_the_end_is_cut_off_and_asked_again(
    run: Run, data: Path, out: Path, address: str
) -> None:
    ask = ("bench", "mjbench", data, "--address", address, "--output", out)
    assert run(*ask).status == 0
    file = out / "photo-lite.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole[:-40])
    ended = run(*ask)
    assert "1 judged, 0 abstained, 0 failed, 48 answered before, half a line" in ended.err
    assert file.read_bytes() == whole


def test_results_of_another_fingerprint_are_refused(
    run: Run, data: Path, out: Path, address: str
) -> None:
    ask = ("bench", "mjbench", data, "--address", address, "--output", out)
    assert run(*ask, "--limit", "1").status == 0
    file = out / "photo-lite.jsonl"
    fingerprint = read_results(file).header.judges["safety"].fingerprint
    text = file.read_text().replace(fingerprint, "0" * len(fingerprint))
    file.write_text(text)
    ended = run(*ask)
    assert ended.status == ExitStatus.MISTAKE
    assert "fingerprint" in ended.err and fingerprint[:12] in ended.err
    assert file.read_text() == text


def test_missing_images_are_refused_or_gone_without(
    run: Run, data: Path, out: Path, address: str
) -> None:
    gone = sorted((data / "alignment" / "benchmark" / "images").iterdir())[0]
    gone.unlink()
    ask = ("bench", "mjbench", data, "--address", address, "--output", out)
    refused = run(*ask)
    assert refused.status == ExitStatus.MISTAKE
    assert gone.name in refused.error and "missing images" in refused.error
    skipped = run(*ask, "--missing", "skip")
    assert skipped.status == 0 and "left out: " in skipped.err and gone.name in skipped.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--subset", "safety/nsfw", "--subset", "beauty"], "subset: 'beauty' matches no record"),
        (["--judge", "nobody"], "judge 'nobody': not hosted, for alignment; hosted are: photo"),
        (["--judge", "photo-{what}"], "unknown placeholder {what}, expected {perspective}"),
        (["--limit", "0"], "'--limit'"),
        (["--threshold", "-1"], "'--threshold'"),
        (["more", "data"], "3 of them, expected one data set"),
        (["--scores", "--judge", "photo-lite"], "--scores asks nobody"),
    ],
)
def test_mistakes_are_told_in_a_line(
    arguments: list[str], message: str, run: Run, data: Path, out: Path, address: str
) -> None:
    ended = run("bench", "mjbench", data, "--address", address, "--output", out, *arguments)
    assert ended.status == ExitStatus.MISTAKE
    assert message in ended.err.splitlines()[-1]
    assert not out.exists()


def test_unknown_columns_are_told_with_those_expected(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    file.write_text(json.dumps([{"text": "a cat", "picture": "a.png"}]))
    ended = run("bench", "mjbench", file)
    assert ended.status == ExitStatus.MISTAKE
    assert "columns text, picture; expected caption, image0, image1, label" in ended.error


def test_a_judge_that_abstains_is_a_result_and_one_that_breaks_is_owed(
    run: Run, out: Path, tmp_path: Path, fakes: str
) -> None:
    data = miniature_preferences(tmp_path)
    ask = ("bench", "preferences", data, "--address", fakes, "--output", out, "--limit", "2")
    shy = run(*ask, "--judge", "shy", "--orders", "given")
    assert shy.status == 0 and "shy: 0 judged, 2 abstained, 0 failed" in shy.err
    fails = run(*ask, "--judge", "fails")
    assert "fails: 0 judged, 0 abstained, 2 failed" in fails.err and fails.status == 0


def test_ctrl_c_ends_with_the_way_to_go_on(out: Path, tmp_path: Path, fakes: str) -> None:
    data = miniature_preferences(tmp_path)
    asking = command(
        "bench", "preferences", data, "--judge", "slow", "--address", fakes, "--output", out
    )
    with subprocess.Popen(asking, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        try:
            deadline = time.monotonic() + GUARD
            while not list(out.glob("*.jsonl")) and time.monotonic() < deadline:
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=GUARD)
        finally:
            process.kill()
    assert process.returncode == 130
    assert err.splitlines()[-1] == (
        "interrupted; what was written is kept: run the same command again to go on"
    )
