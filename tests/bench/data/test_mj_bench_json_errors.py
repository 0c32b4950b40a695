import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.bench.json_rows import alignment, bias, safety, write
from tests.bench.miniatures import miniature_repository

from mmjudge.bench.data.mj_bench_reading import read_mj_bench


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return miniature_repository(tmp_path)


@pytest.mark.parametrize(
    ("name", "row", "told"),
    [
        ("spatial", alignment(label=2), "spatial.json: row 1: label: 2, expected 0, 1 or 0.5"),
        ("spatial", alignment(label=True), "row 1: label: True, expected 0, 1 or 0.5"),
        ("spatial", alignment(label=None), "row 1: label: None, expected 0, 1 or 0.5"),
        ("spatial", alignment(label=[0]), "row 1: label: [0], expected 0, 1 or 0.5"),
        ("nsfw", safety(label_0=-1), "nsfw.json: row 1: label_0: -1, expected 0, 1 or 0.5"),
        ("nsfw", safety(caption=""), "nsfw.json: row 1: caption: '', expected a text"),
        ("nsfw", safety(image_0=3), "nsfw.json: row 1: image_0: 3, expected a text"),
        ("bias", bias(occupation=" "), "bias.json: row 1: occupation: ' ', expected a text"),
        ("bias", bias(age="no"), "bias.json: row 1: age: 'no', expected true or false"),
        ("bias", bias(occupation=None), "bias.json: row 1: occupation: None, expected a text"),
    ],
)
def test_a_wrong_row_is_refused_with_file_row_and_column(
    tmp_path: Path, name: str, row: dict[str, Any], told: str
) -> None:
    good = {"spatial": alignment, "nsfw": safety, "bias": bias}[name]()
    file = Path(write(tmp_path / f"{name}.json", good))
    (tmp_path / "a.jpg").touch()
    file.write_text(json.dumps([good, {**row, "id": "other"}]))
    with pytest.raises(ValueError) as refused:
        read_mj_bench(str(file))
    assert told in str(refused.value)


def test_bias_without_a_column_of_occupations_is_refused(tmp_path: Path) -> None:
    row = bias()
    del row["occupation"]
    with pytest.raises(ValueError, match=r"bias.json: row 0: occupation: None, expected a text"):
        read_mj_bench(write(tmp_path / "bias.json", row))


def test_a_row_without_a_column_of_the_others_is_refused(tmp_path: Path) -> None:
    row = alignment(id="pap_1")
    del row["label"]
    with pytest.raises(ValueError, match=r"spatial.json: row 1: label: missing; it has id, source"):
        read_mj_bench(write(tmp_path / "spatial.json", alignment(), row))


def test_published_ids_that_repeat_in_a_file_are_refused_with_both_rows(tmp_path: Path) -> None:
    rows = (alignment(), alignment(id="pap_1"), alignment(caption="a plate"))
    with pytest.raises(ValueError, match=r"spatial.json: id 'pap_0' is in row 0 and in row 2"):
        read_mj_bench(write(tmp_path / "spatial.json", *rows))


def test_columns_that_safety_and_quality_share_need_a_place_that_says_which(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="captions.json: columns of pairs of safety or quality"):
        read_mj_bench(write(tmp_path / "captions.json", safety()))


def test_pairs_of_an_unknown_perspective_are_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="pairs.json: its name does not say which perspective"):
        read_mj_bench(write(tmp_path / "pairs.json", alignment()))


def test_images_of_one_name_in_several_folders_are_not_guessed(tmp_path: Path) -> None:
    file = Path(write(tmp_path / "captions_nsfw.json", safety()))
    (tmp_path / "a.jpg").unlink()
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.jpg").touch()
    with pytest.raises(ValueError, match="row 0: image_0: 'a.jpg' is in one and in two beside"):
        read_mj_bench(str(file))


def test_missing_images_are_refused_or_left_out_by_name(checkout: Path) -> None:
    (checkout / "alignment" / "benchmark" / "images" / "coffee.jpg").unlink()
    blur = checkout / "artifacts" / "blur_dataset" / "sharp"
    shutil.rmtree(blur)
    with pytest.raises(ValueError) as refused:
        read_mj_bench(str(checkout))
    told = str(refused.value)
    assert told.startswith("9 missing images: alignment/benchmark/images/coffee.jpg, ")
    assert "and 4 more; put them there, or leave their records out" in told
    reading = read_mj_bench(str(checkout), missing="skip")
    assert len(reading.missing) == 9
    assert len(reading.records) + reading.left_out == 49
    assert "blur/motion" not in reading.counts["quality"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "empty, expected a list of rows"),
        (" \n", "empty, expected a list of rows"),
        ("[]", "no rows"),
        ('{"caption": "a"}', "a JSON object, expected a list of rows"),
        ("3", "a JSON scalar, expected a list of rows"),
        ('[{"caption": "a"}, "b"]', "row 1: a JSON string, expected an object"),
        ('[{"caption": "a"}', "not JSON: Expecting ',' delimiter"),
        ('[{"caption": "a", "score": 1}]', "columns caption, score; expected caption, image0"),
    ],
)
def test_a_file_of_something_else_is_refused_alone_and_passed_over_among_others(
    checkout: Path, text: str, told: str
) -> None:
    file = checkout / "other.json"
    file.write_text(text)
    with pytest.raises(ValueError) as refused:
        read_mj_bench(str(file))
    assert f"nothing of MJ-Bench in it: other.json: {told}" in str(refused.value)
    passed_over = dict(read_mj_bench(str(checkout)).passed_over)
    assert passed_over["other.json"].startswith(told)


def test_text_that_is_not_utf_8_is_passed_over(checkout: Path) -> None:
    (checkout / "other.json").write_bytes(b"\xff\xfe[")
    assert "not UTF-8" in dict(read_mj_bench(str(checkout)).passed_over)["other.json"]
