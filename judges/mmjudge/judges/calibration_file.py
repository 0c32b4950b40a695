"""The file that `mmjudge calibrate` writes for `token_alignment`, read back.

JSON of one object, all of whose numbers are finite, of raw similarities:

    {"version": 1, "kind": "token_alignment",
     "mean_correct": 0.27, "std_correct": 0.04,
     "mean_hallucinated": 0.21, "std_hallucinated": 0.04,
     "margin": 0.0,
     "judge fingerprint": "..."}

The fingerprint is that of the judge whose similarities were measured: the same settings as the
judge that reads the file, but with `transform = "raw"`, without `calibration` and without clips.
Keys beside these, such as a count or an AUC, are for people.
"""

import json
import math
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from mmjudge.judges.transforms import Levels

NUMBERS = ("mean_correct", "std_correct", "mean_hallucinated", "std_hallucinated", "margin")
FIX = "write it with `mmjudge calibrate`"


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a file says, and the SHA-256 of its bytes."""

    levels: Levels
    std_correct: float
    std_hallucinated: float
    judge_fingerprint: str
    digest: str

    @property
    def mean(self) -> float:
        """The middle of the two means, for z-scores."""
        return (self.levels.mean_correct + self.levels.mean_hallucinated) / 2

    @property
    def std(self) -> float:
        """Standard deviation within the two kinds of words, each counted equally."""
        return math.hypot(self.std_correct, self.std_hallucinated) / math.sqrt(2)


def read_calibration(path: str) -> Calibration:
    """Read a calibration file; raises ValueError that says what is wrong with it, and the fix."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"calibration {path}: {error.strerror}; {FIX}") from error
    try:
        found: Any = json.loads(data)
    except ValueError as error:
        raise ValueError(f"calibration {path}: no JSON ({error}); {FIX}") from error
    if not isinstance(found, dict):
        raise ValueError(f"calibration {path}: expected a JSON object; {FIX}")
    for key, expected in (("version", 1), ("kind", "token_alignment")):
        if found.get(key) != expected:
            raise ValueError(
                f"calibration {path}: {key} {found.get(key)!r}, expected {expected!r}; {FIX}"
            )
    for key in NUMBERS:
        value: Any = found.get(key)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value):
            raise ValueError(
                f"calibration {path}: {key} {value!r}, expected a finite number; {FIX}"
            )
    fingerprint = found.get("judge fingerprint")
    if not isinstance(fingerprint, str) or not fingerprint:
        raise ValueError(
            f"calibration {path}: judge fingerprint {fingerprint!r}, expected a text; {FIX}"
        )
    return Calibration(
        Levels(found["mean_correct"], found["mean_hallucinated"], found["margin"]),
        found["std_correct"],
        found["std_hallucinated"],
        fingerprint,
        sha256(data).hexdigest(),
    )
