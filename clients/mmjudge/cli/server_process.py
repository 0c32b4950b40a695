"""A server of one's own: started as another process, stopped at the end."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from mmjudge.contract import Unavailable

STOP_SECONDS = 15.0


@contextmanager
def own_server(*arguments: str) -> Iterator[str]:
    """Start `mmjudge serve` on a free loopback port, yield its address when ready, stop it.

    Raises `Unavailable` with what the server said when it does not come up.
    """
    command = [sys.executable, "-m", "mmjudge.cli", "serve", "--json", "--address", "127.0.0.1:0"]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [*command, *arguments], stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            assert process.stdout is not None  # asked for above
            ready = process.stdout.readline()
            if not ready:
                process.wait(STOP_SECONDS)
                log.seek(0)
                raise Unavailable(f"the server did not start:\n{log.read().strip()}")
            yield json.loads(ready)["address"]
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
