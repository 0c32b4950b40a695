"""What holds for all commands."""

import subprocess
import sys
from importlib.metadata import version

import pytest
from tests.cli.conftest import GUARD, ROOT, Run, run_process

import mmjudge.cli
from mmjudge.cli import terminal
from mmjudge.cli.terminal import ExitStatus
from mmjudge.contract import (
    DeadlineExceeded,
    InvalidRequest,
    ItemAbstained,
    JudgeNotFound,
    Overloaded,
    ServerFault,
    SetupError,
    Unauthenticated,
    Unavailable,
    Violation,
)

COMMANDS = ("serve", "pull", "judges", "score", "demo")


def test_version(run: Run) -> None:
    result = run("--version")
    assert (result.status, result.out, result.err) == (0, f"mmjudge {version('mmjudge')}\n", "")


def test_help_names_every_command_and_the_exit_statuses(run: Run) -> None:
    result = run("--help")
    assert result.status == 0
    for word in (*COMMANDS, "--version", "Exit status: 0 done"):
        assert word in result.out


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_and_json(run: Run, command: str) -> None:
    result = run(command, "--help")
    assert (result.status, result.err) == (0, "")
    assert "--json" in result.out


def test_a_mistyped_command_is_one_line(run: Run) -> None:
    result = run("jugdes")
    assert result.status == ExitStatus.MISTAKE
    assert "No such command 'jugdes'" in result.error


def test_a_mistyped_option_is_one_line(run: Run) -> None:
    result = run("judges", "--adress", "x")
    assert result.status == ExitStatus.MISTAKE
    assert "No such option: --adress" in result.error
    assert result.error.endswith("(see mmjudge judges --help)")


@pytest.mark.parametrize("command", [("judges",), ("score", __file__, "x"), ("demo",), ("serve",)])
@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("nonsense", "expected host:port, such as 127.0.0.1:50051"),
        ("127.0.0.1:", "expected host:port"),
        (":50051", "expected host:port"),
        ("127.0.0.1:99999", "expected a port up to 65535"),
        ("http://127.0.0.1:50051", "leave out the scheme"),
    ],
)
def test_an_address_that_is_none(
    run: Run, command: tuple[str, ...], address: str, told: str
) -> None:
    result = run(*command, "--address", address)
    assert result.status == ExitStatus.MISTAKE
    assert "--address" in result.error and repr(address) in result.error and told in result.error


@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (Unavailable("away"), ExitStatus.NO_ANSWER),
        (Overloaded("full", 1.0), ExitStatus.NO_ANSWER),
        (DeadlineExceeded("late"), ExitStatus.NO_ANSWER),
        (ServerFault("broken"), ExitStatus.FAULT),
        (SetupError("missing"), ExitStatus.MISTAKE),
        (InvalidRequest(Violation("items", "empty")), ExitStatus.MISTAKE),
        (JudgeNotFound("none"), ExitStatus.MISTAKE),
        (Unauthenticated("no token"), ExitStatus.MISTAKE),
        (ValueError("no number"), ExitStatus.MISTAKE),
        (FileNotFoundError(2, "No such file", "x.png"), ExitStatus.MISTAKE),
        (
            ItemAbstained("no", index=0, item_id="", judge="j", fingerprint="f", field=""),
            ExitStatus.NOT_JUDGED,
        ),
    ],
)
def test_each_error_has_its_status(
    raised: Exception, status: ExitStatus, capsys: pytest.CaptureFixture[str]
) -> None:
    import typer

    with pytest.raises(typer.Exit) as exit, terminal.reported():
        raise raised
    assert exit.value.exit_code == status
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ") and printed.err.count("\n") == 1


def test_a_file_that_is_missing_is_named_first(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Exception), terminal.reported():  # noqa: B017 - its status is tested above
        raise FileNotFoundError(2, "No such file", "x.png")
    assert capsys.readouterr().err == "error: x.png: No such file\n"


@pytest.mark.parametrize("text", ["[bold]x[/]", "[/]", "\\[x]", "[link=a]b", ":smile:"])
def test_errors_are_shown_as_typed(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.fail(text, ExitStatus.MISTAKE)
    assert capsys.readouterr().err == f"error: {text}\n"


def test_an_error_of_many_lines_becomes_one(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.fail(f"first\n\n  second {'long ' * 100}", ExitStatus.MISTAKE)
    assert capsys.readouterr().err == f"error: first second {'long ' * 100}".rstrip() + "\n"


def test_a_defect_has_a_status_of_its_own(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("mmjudge.cli.judges.Client", broken)
    result = run("judges")
    assert result.status == ExitStatus.FAULT
    assert "ZeroDivisionError: ours" in result.err


def test_importing_it_needs_no_torch() -> None:
    code = """
import sys
import mmjudge.cli, mmjudge.cli.app
roots = {name.partition(".")[0] for name in sys.modules}
print(sorted(roots & {"torch", "transformers", "open_clip", "timm", "prometheus_client"}))
print([name for name in sys.modules if name.startswith(("mmjudge.server", "mmjudge.judges"))])
"""
    ran = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True)
    assert ran.stdout == "[]\n[]\n"
    assert mmjudge.cli.__all__ == ["main"]


WITHOUT_EXTRA = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "transformers", "prometheus_client", "grpc_health"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hidden())
sys.argv[0] = "mmjudge"
from mmjudge.cli import main
main()
"""


def run_without_extra(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", WITHOUT_EXTRA, *arguments]
    return subprocess.run(
        command, cwd=ROOT, text=True, capture_output=True, timeout=GUARD, check=False
    )


def test_asking_a_server_needs_no_extra(address: str) -> None:
    judges = run_without_extra("judges", "--json", "--address", address)
    assert (judges.returncode, judges.stderr) == (0, "")
    assert judges.stdout.startswith('{"name": "photo-lite"')
    image = str(ROOT / "examples" / "photos" / "chelsea.png")
    score = run_without_extra("score", image, "a cat", "--json", "--address", address)
    assert (score.returncode, score.stderr) == (0, "")
    assert score.stdout.startswith('{"judge": "photo-lite"')


@pytest.mark.parametrize(
    "arguments",
    [("serve",), ("pull", "clip"), ("score", "--local", "examples/photos/chelsea.png", "x")],
)
def test_judging_here_without_the_extra_tells_how_to_get_it(arguments: tuple[str, ...]) -> None:
    ran = run_without_extra(*arguments)
    assert ran.returncode == ExitStatus.MISTAKE
    assert ran.stderr.count("\n") == 1
    assert "pip install 'mmjudge[server]'" in ran.stderr


def test_python_m_is_the_same_command() -> None:
    result = run_process("--version")
    assert (result.status, result.out) == (0, f"mmjudge {version('mmjudge')}\n")
