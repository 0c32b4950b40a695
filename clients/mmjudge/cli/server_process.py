"""A server of one's own: started as another process, stopped at the end."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mmjudge.cli.terminal import ExitStatus
from mmjudge.contract import ServerFault, SetupError

STOP_SECONDS = 15.0


@contextmanager
def own_server(*arguments: str) -> Iterator[str]:
    """Start `mmjudge serve` on a free loopback port, yield its address when ready, stop it.

    Raises `SetupError`, or `ServerFault` when it is not the setup, with what the server said when
    it does not come up.
    """
    command = [sys.executable, "-m", "mmjudge.cli", "serve", "--json", "--address", "127.0.0.1:0"]
    # However this process ends, the other one's stdin closes.
    command += ["--until-stdin-closes", "--log-level", "error"]
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None  # asked for above
            ready = process.stdout.readline()
            if not ready:
                status = process.wait(STOP_SECONDS)
                log.seek(0)
                # One line of a mistake, or a traceback, which `mmjudge serve` shows whole.
                *_, last = ("", *log.read().splitlines())
                reason = last.removeprefix("error: ") or f"it ended with status {status}"
                kind = SetupError if status == ExitStatus.MISTAKE else ServerFault
                raise kind(f"the server did not start: {reason}")
            yield json.loads(ready)["address"]
        finally:
            process.terminate()
            try:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(STOP_SECONDS)
            finally:  # late, or left alone by a second Ctrl-C
                process.kill()
