"""The `mmjudge` command."""

import os
import signal
import sys


def main() -> None:
    """Run the command line."""
    # As an exception, so that a server of our own is stopped, too, and no traceback is shown.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    # Read when gRPC is imported. What it logs reaches the user as an error of ours.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from mmjudge.cli.app import app

    app()


__all__ = ["main"]
