"""The key of an endpoint: where it is read, and that it is told to nobody else."""

import logging
import os
from dataclasses import dataclass, field
from pathlib import Path

from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.generator_config import GeneratorConfig

logger = logging.getLogger(__name__)

# What is sent where there is no key: clients insist on one, servers without keys ignore it.
NO_KEY = "no-key"
OPEN_TO_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that its repr does not show; empty for an endpoint that asks for none.

    source: the setting it comes from, for messages.
    """

    value: str = field(default="", repr=False)
    source: str = ""

    @property
    def sent(self) -> str:
        """What goes into the request's header."""
        return self.value or NO_KEY

    @property
    def advice(self) -> str:
        """What to do when the endpoint does not accept it."""
        if not self.source:
            return "no key was sent: set api_key_env or api_key_file"
        return f"it was sent the key of {self.source}: put one there that it accepts"

    def redact(self, text: str) -> str:
        """Return text with the key replaced."""
        return text.replace(self.value, "[key]") if self.value else text


def read_key(config: GeneratorConfig) -> ApiKey:
    """Read the key from the environment variable or the file that the configuration names.

    A file that others than its owner can read is warned of in the log. Raises
    `BackboneUnavailable`: both are named, the variable is not set, the file is not readable or
    empty, or what stands there is no key.
    """
    if config.api_key_env and config.api_key_file:
        raise BackboneUnavailable("api_key_env and api_key_file are both set; remove one of them")
    if config.api_key_env:
        source = f"api_key_env {config.api_key_env!r}"
        value = os.environ.get(config.api_key_env, "").strip()
        if not value:
            raise BackboneUnavailable(
                f"{source}: no such environment variable, or empty; "
                f"set it before the start: export {config.api_key_env}=..."
            )
    elif config.api_key_file:
        source = f"api_key_file {config.api_key_file!r}"
        value = _read_file(Path(config.api_key_file).expanduser(), source)
    else:
        return ApiKey()
    # It travels in a header; and HTTP libraries quote what they cannot send there.
    if not all("!" <= character <= "~" for character in value):
        raise BackboneUnavailable(
            f"{source}: holds no key: expected one word of printable ASCII characters"
        )
    return ApiKey(value, source)


def _read_file(path: Path, source: str) -> str:
    try:
        value = path.read_bytes().decode(errors="replace").strip()
        open_to_others = path.stat().st_mode & OPEN_TO_OTHERS
    except OSError as error:
        raise BackboneUnavailable(
            f"{source}: cannot be read ({error.strerror}); expected a file that holds the key alone"
        ) from None
    if not value:
        raise BackboneUnavailable(f"{source}: is empty; write the key into it")
    if open_to_others:
        logger.warning("%s: others can read it; fix it by: chmod 600 %s", source, path)
    return value
