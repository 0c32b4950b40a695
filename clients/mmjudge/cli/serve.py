"""`mmjudge serve`: host judges."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from mmjudge.cli.logs import LogLevel, show_logs
from mmjudge.cli.options import Json, checked_address
from mmjudge.cli.progress import Progress, progress
from mmjudge.cli.settings import settings_of
from mmjudge.cli.terminal import ExitStatus, fail, print_json, reported

if TYPE_CHECKING:
    from mmjudge.server.config import ServerConfig
    from mmjudge.server.serving import Server


def serve(
    config: Annotated[
        Path | None,
        typer.Argument(
            metavar="[CONFIG]", help="TOML file; see docs/server.md.", exists=True, dir_okay=False
        ),
    ] = None,
    judge: Annotated[
        list[str] | None,
        typer.Option(help="A judge beside the file's, NAME=KIND:MODEL; may be repeated."),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            help="host:port, over the file's; port 0 takes a free one.", callback=checked_address
        ),
    ] = None,
    log_level: Annotated[LogLevel, typer.Option(help="What to log on stderr.")] = LogLevel.INFO,
    json: Json = False,
    until_stdin_closes: Annotated[bool, typer.Option("--until-stdin-closes", hidden=True)] = False,
) -> None:
    """Host judges until Ctrl-C or SIGTERM; without CONFIG or --judge, the embedded photo-lite.

    With --json, one line with the address and the judges is printed when they are ready.
    """
    with reported(), progress("starting") as shown:
        show_logs(log_level, shown.say)
        # Until the server handles these itself, there is nothing to wind down.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: _end(shown))
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
        if until_stdin_closes:
            threading.Thread(target=_end_with_stdin, daemon=True).start()
        try:
            # Seconds of imports, which no other command needs.
            from mmjudge.server.running import DeviceLost
        except ImportError as error:
            raise missing_extra(error) from error
        settings = settings_of(config, judge or [], address)

        def ready(server: "Server") -> None:
            shown.close()
            if json:
                print_json({"address": server.address, "judges": list(settings.judges)})

        try:
            asyncio.run(_serve(settings, ready, shown))
        except DeviceLost as error:
            raise fail(str(error), ExitStatus.FAULT) from error


def missing_extra(error: ImportError) -> typer.Exit:
    """Tell which package judges in this process lack, and return what to raise.

    Raises `error` itself when it is ours.
    """
    if (error.name or "").startswith("mmjudge"):
        raise error
    return fail(
        f"judges need more packages ({error}): pip install 'mmjudge[server]'", ExitStatus.MISTAKE
    )


async def _serve(
    settings: "ServerConfig", ready: Callable[["Server"], None], shown: Progress
) -> None:
    from mmjudge.server.running import run_server

    served = asyncio.Event()

    def noted(server: "Server") -> None:
        served.set()
        ready(server)

    await run_server(settings, noted)
    if not served.is_set():
        # A thread may be loading weights still, and the interpreter must not end under it.
        _end(shown)


def _end_with_stdin() -> None:
    # Not through `sys.stdin`, whose lock would be held when the interpreter ends.
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _end(shown: Progress) -> NoReturn:
    shown.close()
    os._exit(0)
