"""What the commands print, where, and the exit status they end with."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

import typer
from rich.console import Console

from mmjudge.contract import (
    DeadlineExceeded,
    MmjudgeError,
    NotJudged,
    Overloaded,
    ServerFault,
    Unavailable,
)

# Results go to stdout, where a program may read them; all else to stderr.
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


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


def print_json(value: Any) -> None:
    """Print one line of JSON on stdout."""
    print(json.dumps(value), flush=True)


@contextmanager
def reported() -> Iterator[None]:
    """Turn errors a user can do something about into one line on stderr and an exit status."""
    try:
        yield
    except (Unavailable, Overloaded, DeadlineExceeded) as error:
        raise fail(str(error), ExitStatus.NO_ANSWER) from error
    except ServerFault as error:
        raise fail(str(error), ExitStatus.FAULT) from error
    except NotJudged as error:
        raise fail(str(error), ExitStatus.NOT_JUDGED) from error
    except (MmjudgeError, OSError, ValueError, TypeError) as error:
        raise fail(str(error), ExitStatus.MISTAKE) from error


def fail(message: str, status: ExitStatus) -> typer.Exit:
    """Print `message` as an error and return what to raise."""
    err.print("[bold red]error:[/]", message, markup=True, soft_wrap=True)
    return typer.Exit(status)
