import json
import os
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.conftest import CHELSEA, GUARD, MARKED_UP, PHOTOS, ROOT, Run, command

from mmjudge.cli.terminal import ExitStatus
from mmjudge.client import LocalClient

TEXTS = ["a dog", "a cat", "[bold]x[/]", "[/]"]


def rows(out: str) -> list[list[str]]:
    """The cells of a table's rows, below its head."""
    lines = [line for line in out.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]


def test_a_table_with_the_best_first(run: Run, address: str, local: LocalClient) -> None:
    result = run("score", "--address", address, CHELSEA, *TEXTS)
    assert (result.status, result.err) == (0, "")
    values = local.score(CHELSEA, TEXTS).values
    best_first = [(f"{values[i]:.4f}", TEXTS[i]) for i in np.argsort(-values)]
    assert [tuple(row) for row in rows(result.out)] == best_first
    assert best_first[0][1] == "a cat"
    assert f"photo-lite ({local.score(CHELSEA, 'x').fingerprint[:12]})" in result.out


def test_json_has_the_very_scores(run: Run, address: str, local: LocalClient) -> None:
    result = run("score", "--json", "--address", address, CHELSEA, *TEXTS)
    assert (result.status, result.err) == (0, "")
    (line,) = result.out.splitlines()
    scores, direct = json.loads(line), local.score(CHELSEA, TEXTS)
    assert scores["judge"] == "photo-lite" and scores["fingerprint"] == direct.fingerprint
    assert [row["text"] for row in scores["scores"]] == TEXTS
    assert [row["value"] for row in scores["scores"]] == direct.values.tolist()
    assert [row["remarks"] for row in scores["scores"]] == [[], [], [], []]


def test_local_has_the_same_scores(run: Run, local: LocalClient) -> None:
    result = run("score", "--local", "--json", CHELSEA, *TEXTS)
    assert (result.status, result.err) == (0, "")
    values = [row["value"] for row in json.loads(result.out)["scores"]]
    assert values == local.score(CHELSEA, TEXTS).values.tolist()


def test_a_text_that_the_judge_refuses(run: Run, address: str) -> None:
    result = run("score", "--address", address, CHELSEA, "", "a cat")
    assert result.status == ExitStatus.NOT_JUDGED
    assert result.error == "no score for 1 of 2: the output says why"
    first, second, reason = rows(result.out)
    assert first[1] == "a cat" and second == ["none", ""] and reason[1].startswith("TEXT_EMPTY:")


def test_a_text_that_is_too_long_is_shown_whole(run: Run, address: str) -> None:
    result = run("score", "--address", address, CHELSEA, "word " * 400)
    assert result.status == ExitStatus.NOT_JUDGED
    assert result.out.count("word") == 400
    assert "TEXT_TOO_LONG" in result.out


@pytest.mark.parametrize(("judge", "reason"), [("shy", "REFUSED: I [i]will[/] not say"),
                                               ("fails", "TEXT_DULL: a dull text")])  # fmt: skip
def test_no_score_is_null_and_never_a_number(run: Run, fakes: str, judge: str, reason: str) -> None:
    result = run("score", "--json", "--judge", judge, "--address", fakes, CHELSEA, "x")
    assert result.status == ExitStatus.NOT_JUDGED
    assert json.loads(result.out)["scores"] == [{"text": "x", "value": None, "remarks": [reason]}]
    table = run("score", "--judge", judge, "--address", fakes, CHELSEA, "x")
    assert [cell for row in rows(table.out) for cell in row] == ["none", "x", "", reason]


def test_several_judges_and_their_notes(run: Run, fakes: str) -> None:
    arguments = ("--judge", "plain", "--judge", MARKED_UP, "--address", fakes, CHELSEA, "four")
    result = run("score", "--json", *arguments)
    assert result.status == 0
    first, second = map(json.loads, result.out.splitlines())
    assert (first["judge"], second["judge"]) == ("plain", MARKED_UP)
    expected = [{"text": "four", "value": 4 / 64, "remarks": ["note: counted [u]all[/]"]}]
    assert first["scores"] == second["scores"] == expected
    table = run("score", *arguments)
    assert f"{MARKED_UP} (fingerprint)" in table.out.replace("fingerprint ", "fingerprint")
    assert "note: counted [u]all[/]" in table.out


def test_all_judges_when_none_is_named(run: Run, address: str) -> None:
    named = run("score", "--json", "--judge", "photo-lite", "--address", address, CHELSEA, "x")
    assert run("score", "--json", "--address", address, CHELSEA, "x").out == named.out


@pytest.mark.parametrize("judge", ["photolite", "[/]"])
def test_an_unknown_judge(run: Run, address: str, judge: str) -> None:
    result = run("score", "--judge", judge, "--address", address, CHELSEA, "x")
    assert result.status == ExitStatus.MISTAKE
    assert repr(judge) in result.error and "photo-lite" in result.error


def test_a_judge_named_twice(run: Run, address: str) -> None:
    twice = ("--judge", "photo-lite", "--judge", "photo-lite")
    result = run("score", *twice, "--address", address, CHELSEA, "x")
    assert result.status == ExitStatus.MISTAKE
    assert "'photo-lite' is named twice" in result.error


def test_an_image_that_is_missing_or_a_folder(run: Run, tmp_path: Path) -> None:
    for path, told in ((tmp_path / "no.png", "does not exist"), (tmp_path, "is a directory")):
        result = run("score", path, "x")
        assert result.status == ExitStatus.MISTAKE
        assert "IMAGE" in result.error and str(path) in result.error and told in result.error


def test_a_file_that_is_no_image_needs_no_server_to_be_told(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "[b]notes[i].txt"
    path.write_text("no picture")
    result = run("score", path, "x", "--address", "127.0.0.1:1")
    assert result.status == ExitStatus.MISTAKE
    assert result.error.startswith(f"{path}: ") and "expected one of" in result.error
    path.write_bytes(b"")
    assert "0 bytes, expected an image file" in run("score", path, "x").error


def test_a_half_image(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "half.png"
    path.write_bytes(CHELSEA.read_bytes()[:1000])
    result = run("score", path, "x")
    assert result.status == ExitStatus.MISTAKE
    assert "no whole image file" in result.error


def test_no_text(run: Run) -> None:
    result = run("score", CHELSEA)
    assert result.status == ExitStatus.MISTAKE
    assert "TEXT" in result.error


def test_local_asks_no_address(run: Run) -> None:
    result = run("score", CHELSEA, "x", "--local", "--address", "127.0.0.1:1")
    assert result.status == ExitStatus.MISTAKE
    assert "leave out --address" in result.error


def test_a_judge_that_takes_too_long(run: Run, fakes: str) -> None:
    result = run("score", "--timeout", "0.5", "--judge", "slow", "--address", fakes, CHELSEA, "x")
    assert result.status == ExitStatus.NO_ANSWER
    assert "no answer in time" in result.error


def test_an_image_of_another_format(run: Run, fakes: str, tmp_path: Path) -> None:
    path = tmp_path / "turned.tiff"
    with Image.open(PHOTOS / "coffee.png") as picture:
        picture.save(path)
    result = run("score", "--json", "--judge", "plain", "--address", fakes, path, "four")
    assert json.loads(result.out)["scores"][0]["value"] == 4 / 64


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait_without_a_traceback(fakes: str, number: signal.Signals) -> None:
    terminal, stderr = os.openpty()
    asking = command("score", "--judge", "slow", "--address", fakes, CHELSEA, "x")
    with subprocess.Popen(asking, cwd=ROOT, stderr=stderr, stdout=subprocess.PIPE) as process:
        os.close(stderr)
        try:
            shown = b""
            while b"asking slow" not in shown:
                shown += os.read(terminal, 1024)
            process.send_signal(number)
            assert process.wait(GUARD) == 128 + number
        finally:
            process.kill()
            os.close(terminal)
    assert b"Traceback" not in shown


@pytest.mark.parametrize("form", [["--json"], []])
def test_nobody_reads_the_output(address: str, form: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    arguments = command("score", *form, "--address", address, CHELSEA, "x")
    ended = subprocess.run(
        arguments, stdout=writer, stderr=subprocess.PIPE, timeout=GUARD, check=False
    )
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (ExitStatus.PIPE_CLOSED, b"")


def test_a_full_disk(address: str) -> None:
    with open("/dev/full", "w") as full:
        arguments = command("judges", "--json", "--address", address)
        ended = subprocess.run(
            arguments, stdout=full, stderr=subprocess.PIPE, text=True, timeout=GUARD, check=False
        )
    assert ended.returncode == ExitStatus.MISTAKE
    assert ended.stderr == "error: cannot print the result: No space left on device\n"
