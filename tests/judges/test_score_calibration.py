import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from mmjudge.judges.score_calibration import read_score_calibration

TABLE = {
    "version": 1,
    "kind": "isotonic",
    "fingerprint": "f",
    "knots": [[0.0, 1.0], [1.0, 2.0], [3.0, 2.0]],
}


def write(folder: Path, table: Any) -> Path:
    path = folder / "calibration.json"
    path.write_text(table if isinstance(table, str) else json.dumps(table))
    return path


def test_a_curve_goes_through_its_knots(tmp_path: Path) -> None:
    path = write(tmp_path, TABLE)
    curve = read_score_calibration(path)
    assert [curve(raw) for raw in (-5.0, 0.0, 0.5, 1.0, 2.0, 99.0)] == [1, 1, 1.5, 2, 2, 2]
    assert curve.range == (1.0, 2.0)
    assert (curve.fingerprint, curve.digest) == ("f", sha256(path.read_bytes()).hexdigest())


def test_a_line_goes_on(tmp_path: Path) -> None:
    table = TABLE | {"kind": "affine", "knots": [[0.0, 1.0], [2.0, 2.0]]}
    line = read_score_calibration(write(tmp_path, table))
    assert [line(raw) for raw in (-2.0, 0.0, 4.0)] == [0.0, 1.0, 3.0]
    assert line.range == (None, None)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("{", "Expecting"),
        ("[]", "a JSON list, expected an object"),
        (TABLE | {"version": 2}, "version: 2, expected 1"),
        (TABLE | {"kind": "magic"}, "kind: 'magic', expected one of affine, quantile, isotonic"),
        (TABLE | {"fingerprint": ""}, "fingerprint: ''"),
        (TABLE | {"knots": [[0.0, 1.0]]}, "knots: 1, expected two or more"),
        (TABLE | {"kind": "affine"}, "knots: 3, expected two;"),
        (TABLE | {"knots": [[0.0, 1.0], [0.0, 2.0]]}, "knots: raw scores do not rise"),
        (TABLE | {"knots": [[0.0, 1.0], [1.0, 0.5]]}, "knots: calibrated scores fall"),
        (TABLE | {"knots": [[0.0, 1.0], [1.0, None]]}, "knots: expected a list of"),
        ('{"version": 1, "kind": "affine", "fingerprint": "f", "knots": [[0, NaN], [1, 1]]}',
         "knots: expected a list of"),
    ],
)  # fmt: skip
def test_a_bad_file_is_named(tmp_path: Path, table: Any, told: str) -> None:
    with pytest.raises(ValueError, match=f"calibration.json: {told}"):
        read_score_calibration(write(tmp_path, table))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="No such file or directory; `mmjudge calibrate` writes"):
        read_score_calibration(tmp_path / "none.json")
