import json
from pathlib import Path
from typing import Any

import pytest

from mmjudge.bench.results import Results
from mmjudge.bench.scores.score_files import read_scores


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def pairs(*ids: int, **more: Any) -> list[dict[str, Any]]:
    return [{"id": it, "score_0": 1, "score_1": 0, "label": "0", **more} for it in ids]


BIAS = [
    {"occupation": "Nurse", "demographic": "old_male", "clip": 1, "gpt": 4},
    {"occupation": "Nurse", "demographic": "old_female", "clip": 2, "gpt": 4},
]
CHOSEN = {"vlm_pred": "0", "score_pred": "0"}


def test_files_of_one_judge_become_one_result(tmp_path: Path) -> None:
    files = [
        write(tmp_path / "clip.nsfw.json", pairs(0, 1)),
        write(tmp_path / "clip.toxic.json", pairs(0)),
        write(tmp_path / "hps.blur.json", pairs(0)),
        write(tmp_path / "bias.json", BIAS),
    ]
    clip, hps, gpt = read_scores(files)
    assert [it.header.contender for it in (clip, hps, gpt)] == ["clip", "hps", "gpt"]
    assert [row.subcategory for row in clip.rows] == ["nsfw", "nsfw", "toxic", "", ""]
    assert [row.source for row in clip.rows] == [*["clip.nsfw"] * 2, "clip.toxic", *["bias"] * 2]
    assert (clip.path, clip.torn, clip.header.records) == (files[0], False, 5)
    assert clip.header.benchmark == "mjbench"
    assert clip.header.location == f"{files[0]}, {files[1]}, {files[3]}"
    assert set(clip.header.judges) == {"safety", "bias"}
    asked = clip.header.judges["safety"]
    assert (asked.name, asked.kind, asked.orders) == ("clip", "score file", "any")
    assert asked.fingerprint == clip.header.judges["bias"].fingerprint


def fingerprint(result: Results) -> str:
    (found,) = {asked.fingerprint for asked in result.header.judges.values()}
    return found


def test_a_fingerprint_is_of_the_files_bytes_in_any_order(tmp_path: Path) -> None:
    one = write(tmp_path / "clip.nsfw.json", pairs(0, 1))
    other = write(tmp_path / "clip.toxic.json", pairs(0))
    ((both,), (again,), (alone,)) = (
        read_scores([one, other]),
        read_scores([other, one]),
        read_scores([one]),
    )
    assert fingerprint(both) == fingerprint(again) != fingerprint(alone)
    write(other, pairs(1))
    assert fingerprint(read_scores([one, other])[0]) != fingerprint(both)


def test_judges_of_one_file_have_fingerprints_of_their_own(tmp_path: Path) -> None:
    clip, gpt = read_scores([write(tmp_path / "bias.json", BIAS)])
    assert fingerprint(clip) != fingerprint(gpt)


def test_a_column_can_be_chosen(tmp_path: Path) -> None:
    path = write(tmp_path / "bias.json", BIAS)
    assert [it.header.contender for it in read_scores([f"{path}::gpt"])] == ["gpt"]


def test_a_perspective_can_be_said(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.json", pairs(0))
    (found,) = read_scores([f"quality/hands={path}"])
    assert (found.header.contender, found.rows[0].subcategory) == ("mine", "hands")


def test_judges_that_saw_both_images_were_shown_them_as_given(tmp_path: Path) -> None:
    path = write(tmp_path / "vlm.nsfw.json", pairs(0, 1, **CHOSEN))
    assert read_scores([path])[0].header.judges["safety"].orders == "given"


def test_the_same_file_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.nsfw.json", pairs(0))
    with pytest.raises(ValueError, match="clip: .*clip.nsfw.json has a pair that .* has too"):
        read_scores([path, path])


def test_scores_and_choices_of_one_perspective_are_not_mixed(tmp_path: Path) -> None:
    files = [
        write(tmp_path / "vlm.nsfw.json", pairs(0)),
        write(tmp_path / "vlm.toxic.json", pairs(0, **CHOSEN)),
    ]
    with pytest.raises(ValueError, match="vlm.toxic.json has choices of a judge that saw both"):
        read_scores(files)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "no JSON"),
        ('"\udcff"', "no JSON"),
        ({}, "an empty dict, expected a list of objects"),
        ([], "an empty list, expected a list of objects"),
        ({"a": 1}, "a dict, expected a list of objects"),
        ([*pairs(0), 7], "row 2 is a int, expected an object"),
        ([{"caption": "a"}], "row 1 has caption; expected score_0, score_1 and label of pairs, or"),
        ([{"label": 0}], "row 1 has no score_0, score_1"),
    ],
)
def test_what_is_no_score_file_is_named(tmp_path: Path, content: Any, message: str) -> None:
    path = tmp_path / "clip.nsfw.json"
    if content == '"\udcff"':
        path.write_bytes(b'"\xff"')
    else:
        write(path, content)
    with pytest.raises(ValueError, match=f"clip.nsfw.json: {message}"):
        read_scores([path])


def test_pairs_have_no_columns_to_choose(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.nsfw.json", pairs(0))
    with pytest.raises(ValueError, match="column 'gpt' of pairs; only bias has columns"):
        read_scores([f"{path}::gpt"])


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_scores([tmp_path / "clip.nsfw.json"])
