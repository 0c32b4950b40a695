"""What the commands print, where, and the exit status they end with."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, NoReturn

import grpc
import typer
from rich.console import Console
from rich.text import Text

from mmjudge.contract import (
    DeadlineExceeded,
    MmjudgeError,
    NotJudged,
    Overloaded,
    ServerFault,
    Unavailable,
)


class ExitStatus(IntEnum):
    """What a status other than 0 means."""

    NOT_JUDGED = 1
    """Some of what was asked has no score."""
    MISTAKE = 2
    """The command line, the configuration or the request is wrong."""
    NO_ANSWER = 3
    """The server is away, full or late: trying again may help."""
    FAULT = 4
    """A fault of ours."""
    PIPE_CLOSED = 141
    """Nobody reads the output any more, as a shell reports it."""


class _Console(Console):
    def on_broken_pipe(self) -> NoReturn:
        raise typer.Exit(ExitStatus.PIPE_CLOSED)


# Results go to stdout, where a program may read them; all else to stderr.
out = _Console(highlight=False)
err = _Console(stderr=True, highlight=False)


def on_terminal() -> bool:
    """Whether stderr is a terminal; rich would take FORCE_COLOR for one, too."""
    return sys.stderr is not None and sys.stderr.isatty()


def print_json(value: Any) -> None:
    """Print one line of JSON on stdout."""
    try:
        print(json.dumps(value), flush=True)
    except BrokenPipeError as error:
        raise typer.Exit(ExitStatus.PIPE_CLOSED) from error


@contextmanager
def reported(address: str = "") -> Iterator[None]:
    """Turn errors a user can do something about into one line on stderr and an exit status.

    `address` is where the body asks a server, if it asks one that may not be there.
    """
    try:
        yield
    except Unavailable as error:
        raise fail(_no_answer(address, error), ExitStatus.NO_ANSWER) from error
    except (Overloaded, DeadlineExceeded) as error:
        raise fail(str(error), ExitStatus.NO_ANSWER) from error
    except ServerFault as error:
        raise fail(str(error), ExitStatus.FAULT) from error
    except NotJudged as error:
        raise fail(str(error), ExitStatus.NOT_JUDGED) from error
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise fail(f"{where}{error.strerror or error}", ExitStatus.MISTAKE) from error
    except (MmjudgeError, ValueError) as error:
        raise fail(str(error), ExitStatus.MISTAKE) from error


def fail(message: str, status: ExitStatus) -> typer.Exit:
    """Print `message` as an error on one line and return what to raise."""
    line = " ".join(filter(None, map(str.strip, message.splitlines())))
    # As text, because what users typed may look like markup.
    err.print(Text("error:", "bold red"), Text(line), soft_wrap=True)
    return typer.Exit(status)


def _no_answer(address: str, error: Unavailable) -> str:
    cause = error.__cause__
    if not address or not isinstance(cause, grpc.RpcError):
        return str(error)
    # gRPC's own account ends with what matters: "...: Failed to connect ...: Connection refused".
    reason = (getattr(cause, "details", str)() or "unavailable").rstrip(": ").rpartition(": ")[2]
    return (
        f"no answer from {address} ({reason}): `mmjudge serve` starts a server, which answers "
        "when its judges are loaded; --address says where one listens"
    )
