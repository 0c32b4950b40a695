"""Servers, a client in the process, and two ways to run a command."""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mmjudge.cli.app import app
from mmjudge.cli.server_process import own_server
from mmjudge.client import LocalClient

ROOT = Path(__file__).resolve().parents[2]
PHOTOS = ROOT / "examples" / "photos"
CHELSEA = PHOTOS / "chelsea.png"
# What would hang fails after so many seconds; no test takes anywhere near as long.
GUARD = 60.0
KIND = "tests.cli.fakes:FakeJudge"
MARKED_UP = "[bold]x[/]"

FAKES = f"""
[judges.plain]
kind = "{KIND}"
[judges."{MARKED_UP}"]
kind = "{KIND}"
[judges.shy]
kind = "{KIND}"
act = "abstain"
[judges.fails]
kind = "{KIND}"
act = "fail"
[judges.slow]
kind = "{KIND}"
act = "wait"
"""


class Result:
    """How a command ended, and what it printed."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    @property
    def error(self) -> str:
        """The one line of a mistake, without its beginning."""
        assert self.err.count("\n") == 1 and self.err.startswith("error: "), self.err
        return self.err.removeprefix("error: ").removesuffix("\n")


Run = Callable[..., Result]


@pytest.fixture
def run() -> Iterator[Run]:
    """Run a command in this process, which is quick."""
    signals = {number: signal.getsignal(number) for number in (1, 2, 15)}
    host = logging.getLogger("mmjudge.server.host")
    handlers, environment = list(host.handlers), dict(os.environ)

    def run(*arguments: str | Path) -> Result:
        result = CliRunner().invoke(
            app, [str(argument) for argument in arguments], prog_name="mmjudge"
        )
        return Result(result.exit_code, result.stdout, result.stderr)

    yield run
    for number, handler in signals.items():
        signal.signal(number, handler)
    host.handlers[:] = handlers
    logging.captureWarnings(False)
    for name in ("mmjudge", "py.warnings"):
        logging.getLogger(name).setLevel(logging.NOTSET)
    os.environ.clear()
    os.environ.update(environment)


def command(*arguments: str | Path) -> list[str]:
    """The command line of a process of its own."""
    return [sys.executable, "-m", "mmjudge.cli", *map(str, arguments)]


def run_process(*arguments: str | Path, env: dict[str, str] | None = None) -> Result:
    """Run a command to its end as a process."""
    ended = subprocess.run(
        command(*arguments),
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=GUARD,
        check=False,
    )
    return Result(ended.returncode, ended.stdout, ended.stderr)


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """A server of photo-lite."""
    with own_server() as address:
        yield address


@pytest.fixture(scope="session")
def fakes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of fake judges."""
    config = tmp_path_factory.mktemp("fakes") / "fakes.toml"
    config.write_text(FAKES)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)  # where a process finds the fakes
        with own_server(str(config)) as address:
            yield address


@pytest.fixture(scope="session")
def local() -> Iterator[LocalClient]:
    """photo-lite in this process."""
    with LocalClient() as client:
        yield client
