"""What a person at a terminal sees, and what a file gets in its place."""

import os
import subprocess

import pytest
from tests.cli.conftest import CHELSEA, GUARD, ROOT, command, run_process


def run_on_terminal(*arguments: str, **environment: str) -> str:
    """Run a command with stderr on a terminal and return what appeared there."""
    terminal, stderr = os.openpty()
    with subprocess.Popen(
        command(*arguments),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        env={**os.environ, "TERM": "xterm-256color", **environment},
    ) as process:
        os.close(stderr)
        shown = b""
        try:
            while chunk := os.read(terminal, 4096):
                shown += chunk
        except OSError:  # how a terminal says that its other end is closed
            pass
        finally:
            os.close(terminal)
        assert process.wait(GUARD) == 0
    return shown.decode()


def test_progress_is_shown_on_a_terminal_and_taken_off_again(address: str) -> None:
    shown = run_on_terminal("score", "--address", address, str(CHELSEA), "a cat")
    assert f"asking {address}" in shown and "asking photo-lite" in shown
    *_, last = shown.split("\x1b[2K")  # clears the line
    assert last == ""
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")  # the cursor is back


def test_no_color_is_respected(address: str) -> None:
    shown = run_on_terminal("judges", "--address", address, NO_COLOR="1")
    assert "asking" in shown
    assert "\x1b[3" not in shown  # \x1b[30m to \x1b[38;5;...m are colours


@pytest.mark.parametrize("environment", [{}, {"FORCE_COLOR": "1"}])
def test_a_file_gets_no_progress(address: str, environment: dict[str, str]) -> None:
    arguments = ("score", "--address", address, CHELSEA, "a cat")
    result = run_process(*arguments, env=environment)
    assert (result.status, result.err) == (0, "")
    assert "a cat" in result.out
