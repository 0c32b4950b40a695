"""What a server hosts and allows, as `ListJudges` tells it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from mmjudge.contract.image_files import MAX_PIXELS
from mmjudge.contract.items import Want


class Input(IntEnum):
    """An input that a judge may read; values of `mmjudge.v1.Input`."""

    PROMPT_TEXT = 1
    PROMPT_IMAGE = 2
    CANDIDATE_TEXT = 3
    CANDIDATE_IMAGE = 4
    REFERENCE_TEXT = 5
    REFERENCE_IMAGE = 6
    ATTRIBUTES = 7
    SPANS = 8
    LOG_PROBS = 9


@dataclass(frozen=True, slots=True)
class JudgeInfo:
    """What one judge can do, and how it makes its scores: `mmjudge.v1.JudgeInfo`."""

    name: str
    kind: str
    fingerprint: str
    provenance: Mapping[str, str]
    wants: tuple[Want, ...]
    reads: tuple[Input, ...]
    range: tuple[float | None, float | None] = (None, None)
    criteria: tuple[str, ...] = ()
    description: str = ""
    caution: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may hold: `mmjudge.v1.Limits`."""

    max_message_bytes: int = 64 * 1024 * 1024
    max_items: int = 4096
    max_candidates: int = 256
    max_text_bytes: int = 1024 * 1024
    max_image_pixels: int = MAX_PIXELS


@dataclass(frozen=True, slots=True)
class Hosting:
    """The judges a server hosts, by name, its limits and its version."""

    judges: Mapping[str, JudgeInfo] = field(default_factory=dict)
    limits: Limits = Limits()
    server_version: str = ""
