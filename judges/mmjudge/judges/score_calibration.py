"""Files that `mmjudge calibrate` wrote for a judge's scores, and the curve in them."""

import json
import math
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

VERSION = 1
KINDS = ("affine", "quantile", "isotonic")


@dataclass(frozen=True, slots=True)
class ScoreCalibration:
    """A curve through `knots`, by rising raw score; straight on beyond them if `extends`.

    fingerprint: of the judge whose scores it was fitted to. digest: SHA-256 of the file.
    """

    kind: str
    knots: tuple[tuple[float, float], ...]
    fingerprint: str
    digest: str

    def __call__(self, raw: float) -> float:
        """The calibrated score: between knots on the straight line, beyond them as the kind has it.

        affine goes straight on, quantile and isotonic stay at their first and last value.
        """
        x, y = zip(*self.knots, strict=True)
        if self.kind == "affine":
            return float(y[0] + (raw - x[0]) * (y[1] - y[0]) / (x[1] - x[0]))
        return float(np.interp(raw, x, y))

    @property
    def range(self) -> tuple[float | None, float | None]:
        """Between what all calibrated scores lie."""
        return (None, None) if self.kind == "affine" else (self.knots[0][1], self.knots[-1][1])


def read_score_calibration(path: Path) -> ScoreCalibration:
    """Read a calibration file.

    Raises ValueError naming the file and the key, what stood there and what was expected.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}; `mmjudge calibrate` writes one") from error
    try:
        table = json.loads(data)
        if not isinstance(table, dict):
            raise ValueError(f"a JSON {type(table).__name__}, expected an object")
        return _read(table, sha256(data).hexdigest())
    except ValueError as error:  # also of JSON and of bytes that are no text
        raise ValueError(f"{path}: {error}; `mmjudge calibrate` writes such files") from error


def _read(table: dict[str, Any], digest: str) -> ScoreCalibration:
    version, kind = table.get("version"), table.get("kind")
    fingerprint = table.get("fingerprint")
    if version != VERSION:
        raise ValueError(f"version: {version!r}, expected {VERSION}")
    if kind not in KINDS:
        raise ValueError(f"kind: {kind!r}, expected one of {', '.join(KINDS)}")
    if not isinstance(fingerprint, str) or not fingerprint:
        raise ValueError(f"fingerprint: {fingerprint!r}, expected that of the judge it was made of")
    return ScoreCalibration(kind, _knots(table.get("knots"), kind), fingerprint, digest)


def _knots(pairs: Any, kind: str) -> tuple[tuple[float, float], ...]:
    if not isinstance(pairs, list) or not all(_is_point(pair) for pair in pairs):
        raise ValueError("knots: expected a list of [raw score, calibrated score]")
    if len(pairs) < 2 or (kind == "affine" and len(pairs) != 2):
        raise ValueError(
            f"knots: {len(pairs)}, expected two{'' if kind == 'affine' else ' or more'}"
        )
    if any(later[0] <= earlier[0] for earlier, later in zip(pairs, pairs[1:], strict=False)):
        raise ValueError("knots: raw scores do not rise from one to the next")
    if any(later[1] < earlier[1] for earlier, later in zip(pairs, pairs[1:], strict=False)):
        raise ValueError("knots: calibrated scores fall, and would turn the judge around")
    return tuple((float(x), float(y)) for x, y in pairs)


def _is_point(pair: Any) -> bool:
    return (
        isinstance(pair, list)
        and len(pair) == 2
        and all(type(number) in (int, float) and math.isfinite(number) for number in pair)
    )
