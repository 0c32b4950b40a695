import json
import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageOps
from tests.cli.conftest import GUARD, PHOTOS, ROOT, Run, command, run_process

from mmjudge.cli.contact_sheet import LINE, MARGIN, PHOTO_HEIGHT, WIDTH
from mmjudge.cli.photos import example_photos, read_photos
from mmjudge.cli.terminal import ExitStatus
from mmjudge.client import Candidate, EncodedImage, Item, LocalClient

SIX = ("chelsea", "coffee", "astronaut", "rocket", "china", "flower")


def folder_of(entries: object, folder: Path) -> Path:
    (folder / "captions.json").write_text(json.dumps(entries))
    return folder


def test_the_examples_are_found() -> None:
    photos = read_photos(example_photos())
    assert example_photos() == PHOTOS
    assert len(photos) == 8 and all(photo.file.is_file() for photo in photos)


def test_it_starts_its_own_server_and_draws_every_photograph(
    tmp_path: Path, local: LocalClient
) -> None:
    sheet = tmp_path / "sheet.png"
    result = run_process("demo", "--json", "--output", sheet)
    assert (result.status, result.err) == (0, "")
    told = json.loads(result.out)
    photos = read_photos(PHOTOS)
    assert told["contact_sheet"] == str(sheet)
    assert told["captions"] == [photo.caption for photo in photos]
    assert [row["photo"] for row in told["photos"]] == [photo.file.name for photo in photos]
    assert [row["true"] for row in told["photos"]] == told["captions"]
    assert told["right"] == sum(row["best"] == row["true"] for row in told["photos"])
    assert told["right"] * 6 >= len(photos) * 5

    candidates = [Candidate([caption]) for caption in told["captions"]]
    items = [Item([EncodedImage(photo.file.read_bytes())], candidates) for photo in photos]
    direct = local.judge(items)
    assert told["fingerprint"] == direct.fingerprint
    assert [row["scores"] for row in told["photos"]] == [
        v.tolist() for v in direct.candidate_values
    ]

    with Image.open(sheet) as drawn:
        cell = (WIDTH + MARGIN, PHOTO_HEIGHT + 7 * LINE + MARGIN)
        assert drawn.format == "PNG"
        assert drawn.size == (4 * cell[0] + MARGIN, 2 * cell[1] + 3 * LINE + MARGIN)
        for index, photo in enumerate(photos):
            x, y = MARGIN + index % 4 * cell[0], 3 * LINE + index // 4 * cell[1]
            with Image.open(photo.file) as picture:
                fitted = ImageOps.fit(picture.convert("RGB"), (WIDTH, PHOTO_HEIGHT))
            shown = drawn.crop((x, y, x + WIDTH, y + PHOTO_HEIGHT))
            assert ImageChops.difference(shown, fitted).getbbox() is None, photo.file.name


def test_the_true_caption_is_first_among_six(run: Run, address: str, tmp_path: Path) -> None:
    entries = [
        {"file": str(photo.file), "caption": photo.caption}
        for photo in read_photos(PHOTOS)
        if photo.file.stem in SIX
    ]
    assert len(entries) == 6
    arguments = ("--photos", folder_of(entries, tmp_path), "--output", tmp_path / "six.png")
    result = run("demo", "--json", "--address", address, *arguments)
    assert (result.status, result.err) == (0, "")
    told = json.loads(result.out)
    assert len(told["captions"]) == 6
    assert sum(row["best"] == row["true"] for row in told["photos"]) >= 5


def test_a_table(run: Run, address: str, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    result = run("demo", "--address", address, "--output", sheet)
    assert (result.status, result.err) == (0, "")
    for photo in read_photos(PHOTOS):
        assert photo.file.name in result.out
    assert len(re.findall(r"\* -?0\.\d{3}", result.out)) == 8
    assert re.search(r"The true caption is first for [78] of 8 photographs\.", result.out)
    assert result.out.endswith(f"\nContact sheet: {sheet}\n") and sheet.is_file()


def test_names_and_captions_are_shown_as_they_are(run: Run, fakes: str, tmp_path: Path) -> None:
    shutil.copy(PHOTOS / "coffee.png", tmp_path / "[i]cup.png")
    photos = folder_of([{"file": "[i]cup.png", "caption": "[/] a cup"}], tmp_path)
    sheet = tmp_path / "[b]sheet.jpg"
    arguments = ("--judge", "plain", "--address", fakes, "--photos", photos, "--output", sheet)
    result = run("demo", *arguments)
    assert result.status == 0
    assert all(text in result.out for text in ("[i]cup.png", "[/] a cup", "[b]sheet.jpg"))
    with Image.open(sheet) as drawn:
        assert drawn.format == "JPEG" and drawn.width == WIDTH + 2 * MARGIN


def test_an_unknown_judge(run: Run, address: str, tmp_path: Path) -> None:
    result = run("demo", "--judge", "no", "--address", address, "--output", tmp_path / "x.png")
    assert result.status == ExitStatus.MISTAKE
    assert "'no'" in result.error and "photo-lite" in result.error


@pytest.mark.parametrize("judge", ["shy", "fails"])
def test_a_photograph_without_a_score(run: Run, fakes: str, tmp_path: Path, judge: str) -> None:
    sheet = tmp_path / "x.png"
    result = run("demo", "--judge", judge, "--address", fakes, "--output", sheet)
    assert result.status == ExitStatus.NOT_JUDGED
    assert "chelsea.png" in result.error
    assert not sheet.exists()


def test_no_server(run: Run, tmp_path: Path) -> None:
    result = run("demo", "--address", "127.0.0.1:1", "--output", tmp_path / "x.png")
    assert result.status == ExitStatus.NO_ANSWER
    assert "no answer from 127.0.0.1:1 (Connection refused)" in result.error


def test_an_output_that_cannot_be_written_is_told_before_the_work(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> Any:
        pytest.fail("a server was started")

    monkeypatch.setattr("mmjudge.cli.demo.own_server", never)
    for output, told in (
        (tmp_path / "no" / "x.png", f"there is no folder {tmp_path / 'no'}"),
        (tmp_path / "x.xyz", "expected the name of an image, such as x.png"),
        (tmp_path / "x", "expected the name of an image, such as x.png"),
        (tmp_path, "is a directory"),
    ):
        result = run("demo", "--output", output)
        assert result.status == ExitStatus.MISTAKE
        assert "--output" in result.error and told in result.error


@pytest.mark.parametrize(
    ("captions", "told"),
    [
        (None, "captions.json: there is none"),
        ("{", "captions.json: not JSON"),
        ("[]", "captions.json: expected a list of"),
        ('{"file": "a"}', "captions.json: expected a list of"),
        ('[{"file": "a.png"}]', "entry 0 is {'file': 'a.png'}, expected"),
        ('[{"file": "a.png", "caption": 3}]', "entry 0 is"),
        ('[{"file": "a.png", "caption": "a"}]', "a.png: No such file or directory"),
    ],
)
def test_a_folder_that_is_no_set_of_photographs(
    run: Run, address: str, tmp_path: Path, captions: str | None, told: str
) -> None:
    if captions is not None:
        (tmp_path / "captions.json").write_text(captions)
    output = tmp_path / "x.png"
    result = run("demo", "--address", address, "--photos", tmp_path, "--output", output)
    assert result.status == ExitStatus.MISTAKE
    assert told in result.error
    assert not output.exists()


def test_a_folder_that_is_missing(run: Run, tmp_path: Path) -> None:
    result = run("demo", "--photos", tmp_path / "no")
    assert result.status == ExitStatus.MISTAKE
    assert "--photos" in result.error and "does not exist" in result.error


def children(pid: int) -> list[int]:
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def wait_until_gone(pid: int) -> None:
    """Return when the process has ended, although nobody may have asked for its status yet."""
    ending = time.monotonic() + GUARD
    with suppress(FileNotFoundError):
        while "State:\tZ" not in (status := Path(f"/proc/{pid}/status").read_text()):
            assert time.monotonic() < ending, status
            time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_its_server_too(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        command("demo", "--output", tmp_path / "x.png"),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            while not (servers := children(process.pid)):
                assert process.poll() is None
            if number == signal.SIGINT:  # as a terminal sends it: to both
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)
            out, err = process.communicate(timeout=GUARD)
        finally:
            process.kill()
    assert (process.returncode, out, err) == (128 + number, b"", b"")
    wait_until_gone(servers[0])
