"""`mmjudge serve`: host judges."""

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.logging import RichHandler

from mmjudge.cli.options import Json
from mmjudge.cli.terminal import ExitStatus, err, fail, print_json, reported

if TYPE_CHECKING:
    from mmjudge.server.config import ServerConfig
    from mmjudge.server.serving import Server


def serve(
    config: Annotated[Path | None, typer.Argument(help="TOML file; see docs/server.md.")] = None,
    judge: Annotated[
        list[str] | None,
        typer.Option(help="A judge beside the file's, NAME=KIND:MODEL; may be repeated."),
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="host:port, over the file's; port 0 takes a free one.")
    ] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
    json: Json = False,
) -> None:
    """Host judges until Ctrl-C or SIGTERM; without CONFIG or --judge, the embedded photo-lite.

    With --json, one line with the address and the judges is printed when they are ready.
    """
    level = logging.getLevelNamesMapping().get(log_level.upper())
    if level is None:
        raise typer.BadParameter(
            f"{log_level!r}, expected debug, info, warning or error", param_hint="--log-level"
        )
    logging.basicConfig(level=level, format="%(message)s", handlers=[RichHandler(console=err)])
    with reported():
        try:
            # Seconds of imports, which no other command needs.
            from mmjudge.server.running import DeviceLost, run_server
        except ImportError as error:
            raise fail(
                f"serving needs more packages ({error}): pip install 'mmjudge[server]'",
                ExitStatus.MISTAKE,
            ) from error
        settings = _settings(config, judge or [], address)

        def ready(server: "Server") -> None:
            if json:
                print_json({"address": server.address, "judges": list(settings.judges)})

        try:
            asyncio.run(run_server(settings, ready))
        except DeviceLost as error:
            raise fail(str(error), ExitStatus.FAULT) from error


def _settings(path: Path | None, judges: list[str], address: str | None) -> "ServerConfig":
    from dataclasses import replace

    from mmjudge.server.config import DEFAULT_JUDGES, ServerConfig, read_config

    settings = read_config(path) if path else ServerConfig()
    tables = dict(settings.judges)
    for text in judges:
        name, table = _judge_option(text)
        if name in tables:
            raise typer.BadParameter(f"{text!r}: {name!r} is taken", param_hint="--judge")
        tables[name] = table
    return replace(settings, judges=tables or DEFAULT_JUDGES, address=address or settings.address)


def _judge_option(text: str) -> tuple[str, dict[str, str]]:
    name, equals, rest = text.partition("=")
    kind, colon, model = rest.partition(":")
    if not (name and equals and kind and colon and model):
        raise typer.BadParameter(
            f"{text!r}, expected NAME=KIND:MODEL, such as clip=clip:ViT-B-32/openai",
            param_hint="--judge",
        )
    return name, {"kind": kind, "model": model}
