"""Judges loaded into the command's own process, for `--local`."""

from collections.abc import Mapping
from typing import Any

from mmjudge.cli.logs import quiet_libraries
from mmjudge.cli.serve import missing_extra
from mmjudge.client.local import LocalClient


def local_client(
    timeout: float, judges: Mapping[str, Mapping[str, Any]] | None = None
) -> LocalClient:
    """Load `judges`, the embedded photo-lite for None; raises typer.Exit without the packages."""
    quiet_libraries()
    try:
        return LocalClient(judges, timeout=timeout)
    except ImportError as error:
        raise missing_extra(error) from error
