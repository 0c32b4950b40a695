"""Which log records the user sees, and how they look."""

import logging
import os
from collections.abc import Callable
from enum import StrEnum

from rich.logging import RichHandler

from mmjudge.cli.terminal import err, on_terminal

# Read by libraries when they are imported; what the user has set stays.
QUIET = {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_VERBOSITY": "error",
    "TORCH_CPP_LOG_LEVEL": "ERROR",
    "TRANSFORMERS_VERBOSITY": "error",
}


class LogLevel(StrEnum):
    """What to log of: this and worse."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def quiet_libraries() -> None:
    """Keep libraries' warnings, logs and progress bars from the user; call before importing them.

    Errors of theirs reach the user as ours.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").setLevel(logging.CRITICAL)


def show_logs(level: LogLevel, loading: Callable[[str], None]) -> None:
    """Log on stderr: our records from `level` on, and libraries' warnings, or all with DEBUG.

    `loading` is called with what the server says while it loads its judges.
    """
    number = logging.getLevelNamesMapping()[level.name]
    shown: logging.Handler
    if on_terminal():
        shown, form = RichHandler(console=err, show_path=False), "%(message)s"
    else:  # one line a record, for files and journals
        shown, form = logging.StreamHandler(), "%(asctime)s %(levelname)s %(message)s"
    shown.setLevel(number)
    shown.setFormatter(logging.Formatter(form))
    everything = level is LogLevel.DEBUG
    logging.basicConfig(level=number if everything else logging.WARNING, handlers=[shown])
    logging.getLogger("mmjudge").setLevel(min(number, logging.INFO))
    logging.getLogger("mmjudge.server.host").addHandler(_Teller(loading))
    if not everything:
        quiet_libraries()


class _Teller(logging.Handler):
    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self._tell(record.getMessage())
