"""What a server is told on the command line."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from mmjudge.server.config import ServerConfig


def settings_of(path: Path | None, judges: list[str], address: str | None) -> "ServerConfig":
    """Return what the file says with `judges` added and `address` in place of its own.

    Raises BadParameter or `ConfigError`; imports the server's part of the package.
    """
    from mmjudge.server.config import DEFAULT_JUDGES, ServerConfig, read_config

    settings = read_config(path) if path else ServerConfig()
    tables = dict(settings.judges)
    for text in judges:
        name, table = _judge_option(text)
        if name in tables:
            raise _bad_judge(f"{text!r}: there is a judge {name!r} already, choose another name")
        tables[name] = table
    return replace(settings, judges=tables or DEFAULT_JUDGES, address=address or settings.address)


def _judge_option(text: str) -> tuple[str, dict[str, str]]:
    name, equals, rest = text.partition("=")
    kind, colon, model = rest.partition(":")
    if not (name and equals and kind and colon and model):
        raise _bad_judge(f"{text!r}, expected NAME=KIND:MODEL, such as clip=clip:ViT-B-32/openai")
    return name, {"kind": kind, "model": model}


def _bad_judge(message: str) -> typer.BadParameter:
    return typer.BadParameter(message, param_hint="--judge")
