import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import GUARD, KIND, ROOT

from mmjudge.cli.server_process import own_server
from mmjudge.client import Client
from mmjudge.contract import ServerFault, SetupError, Unavailable

FAKE = f'[judges.fake]\nkind = "{KIND}"\n'


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> "list[subprocess.Popen[str]]":
    """The processes that a test has started."""
    processes: list[subprocess.Popen[str]] = []

    class Noted(subprocess.Popen[str]):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            processes.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    monkeypatch.chdir(ROOT)
    return processes


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "judges.toml"
    path.write_text(FAKE)
    return path


def assert_gone(process: "subprocess.Popen[str]") -> None:
    assert process.poll() is not None
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_no_process_is_left_when_the_body_raises(
    started: "list[subprocess.Popen[str]]", config: Path
) -> None:
    with pytest.raises(KeyboardInterrupt), own_server(str(config)) as address:
        (process,) = started
        with Client(address) as client:
            assert list(client.list_judges().judges) == ["fake"]
        raise KeyboardInterrupt
    assert_gone(process)
    assert process.returncode == 0
    with Client(address, timeout=5) as client, pytest.raises(Unavailable):
        client.list_judges()


def test_no_process_is_left_when_this_one_is_killed(config: Path) -> None:
    code = f"""
import time
from mmjudge.cli.server_process import own_server
with own_server({str(config)!r}) as address:
    print(address, flush=True)
    time.sleep({GUARD})
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        process.kill()
    with Client(address, timeout=5) as client:
        ending = time.monotonic() + GUARD
        with pytest.raises(Unavailable):
            while time.monotonic() < ending:
                client.list_judges()


def test_a_server_that_cannot_start_says_why(
    started: "list[subprocess.Popen[str]]", config: Path
) -> None:
    config.write_text('[judges.a]\nkind = "clpi"\n')
    with pytest.raises(SetupError) as raised, own_server(str(config)):
        pytest.fail("it is up")
    assert str(raised.value) == (
        "the server did not start: judges.a.kind: no kind of judge is called 'clpi': "
        "did you mean 'clip'?"
    )
    assert_gone(*started)


def test_a_server_with_a_defect_is_no_mistake_of_the_setup(
    started: "list[subprocess.Popen[str]]", config: Path
) -> None:
    config.write_text(f'{FAKE}load = "crash"\n')
    with pytest.raises(ServerFault, match="a defect of the judge's"), own_server(str(config)):
        pytest.fail("it is up")
    assert_gone(*started)
