"""What transformers raises and warns of while it loads, in this package's terms."""

from collections.abc import Iterator
from contextlib import contextmanager

from safetensors import SafetensorError

from mmjudge.judges.backbones.errors import BackboneUnavailable


@contextmanager
def reported(what: str, hint: str = "") -> Iterator[None]:
    """Whatever transformers raises for files it cannot use, as `BackboneUnavailable`."""
    try:
        with _quiet():
            yield
    except BackboneUnavailable:
        raise  # a RuntimeError that already says the fix
    except (
        ImportError,
        KeyError,
        OSError,
        RuntimeError,
        SafetensorError,
        TypeError,
        ValueError,
    ) as error:
        reason = " ".join(str(error).split())[:600]
        raise BackboneUnavailable(f"{what}: {type(error).__name__}: {reason}{hint}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without progress bars and warnings: what matters of them is raised as an error."""
    from transformers.utils import logging

    bars, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        if bars:
            logging.enable_progress_bar()
        logging.set_verbosity(verbosity)
