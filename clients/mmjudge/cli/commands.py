"""How every command ends: a mistake in one line on stderr, and an exit status that means it."""

import sys
import traceback
from typing import Any

from typer.core import TyperGroup

from mmjudge.cli.terminal import ExitStatus, fail


class Commands(TyperGroup):
    """The group of all commands."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command and exit with its status."""
        try:
            # Else typer draws a box around mistakes, and breaks the message to fit.
            status = super().main(*args, **{**options, "standalone_mode": False})
        except Exception as error:  # noqa: BLE001 - nothing is above
            status = _told(error)
        sys.exit(status or 0)


def _told(error: Exception) -> int:
    if isinstance(error, OSError):  # `reported` has told of all others
        fail(f"cannot print the result: {error.strerror}", ExitStatus.MISTAKE)
        return ExitStatus.MISTAKE
    # By attribute, because where click's errors are imported from depends on typer's version.
    if not hasattr(error, "format_message"):
        traceback.print_exception(error)
        return ExitStatus.FAULT
    context = getattr(error, "ctx", None)
    # The help that stands in for missing arguments has been printed, and leaves no message.
    if message := error.format_message().strip():
        see = f" (see {context.command_path} --help)" if context else ""
        fail(f"{message}{see}", ExitStatus.MISTAKE)
    return ExitStatus.MISTAKE
