"""The file of a token reward's calibration, and what is wrong with others."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from mmjudge.judges.calibration_file import read_calibration

FILE: dict[str, Any] = {
    "version": 1,
    "kind": "token_alignment",
    "mean_correct": 0.3,
    "std_correct": 0.03,
    "mean_hallucinated": 0.1,
    "std_hallucinated": 0.04,
    "margin": 0.02,
    "judge fingerprint": "f",
    "auc": 0.9,
}


def written(folder: Path, **changed: Any) -> str:
    file = folder / "calibration.json"
    file.write_text(json.dumps(FILE | changed))
    return str(file)


def test_what_it_says(tmp_path: Path) -> None:
    found = read_calibration(written(tmp_path))
    assert (found.levels.hi, found.levels.lo) == pytest.approx((0.28, 0.12))
    assert found.mean == pytest.approx(0.2)
    assert found.std == pytest.approx(math.sqrt((0.03**2 + 0.04**2) / 2))
    assert found.judge_fingerprint == "f"
    assert found.digest != read_calibration(written(tmp_path, auc=0.8)).digest


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"version": 2}, "version 2, expected 1"),
        ({"kind": "affine"}, "kind 'affine', expected 'token_alignment'"),
        ({"mean_correct": None}, "mean_correct None, expected a finite number"),
        ({"std_correct": "0.1"}, "std_correct '0.1', expected a finite number"),
        ({"margin": True}, "margin True, expected a finite number"),
        ({"mean_hallucinated": math.nan}, "mean_hallucinated nan, expected a finite number"),
        ({"judge fingerprint": ""}, "judge fingerprint '', expected a text"),
    ],
)
def test_a_malformed_file_is_told_with_the_fix(
    tmp_path: Path, changed: dict[str, Any], told: str
) -> None:
    with pytest.raises(ValueError, match="write it with `mmjudge calibrate`") as raised:
        read_calibration(written(tmp_path, **changed))
    assert told in str(raised.value)


@pytest.mark.parametrize(("content", "told"), [("{", "no JSON"), ("[]", "expected a JSON object")])
def test_what_is_no_object_is_told(tmp_path: Path, content: str, told: str) -> None:
    file = tmp_path / "x.json"
    file.write_text(content)
    with pytest.raises(ValueError, match=told):
        read_calibration(str(file))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="No such file"):
        read_calibration(str(tmp_path / "none.json"))
