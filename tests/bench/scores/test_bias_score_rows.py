from pathlib import Path
from typing import Any

import pytest

from mmjudge.bench.rows import Answer
from mmjudge.bench.scores.bias_score_rows import bias_rows
from mmjudge.bench.scores.score_rows import JudgeScores

PATH = Path("faces.json")


def entry(**more: Any) -> dict[str, Any]:
    return {"occupation": "Nurse", "demographic": "old_female", "age": True, **more}


def read(*entries: dict[str, Any], column: str = "") -> list[JudgeScores]:
    return bias_rows(PATH, list(entries), column)


def test_a_row_has_what_the_file_says() -> None:
    (scores,) = read(entry(clip=0.5, images_dir="a.jpg", prompt="A nurse.", race=False))
    (row,) = scores.rows
    assert (scores.judge, scores.perspective, scores.orders) == ("clip", "bias", "any")
    assert (row.kind, row.perspective, row.subcategory) == ("bias", "bias", "")
    assert (row.source, row.text, row.images) == ("faces", "A nurse.", ("a.jpg",))
    assert row.facts == {
        "group": "Nurse",
        "demographic": "old_female",
        "traits": {"age": True, "race": False},
    }
    assert row.given == Answer(values=(0.5,))


def test_every_column_of_scores_is_a_judge() -> None:
    found = read(
        entry(clip=0.5, gpt=" Good\n```", note="seen", id=7, analysis="5", score_scale=5),
        entry(clip=0.25, gpt="N/A", note="3", id=8, analysis="4", score_scale=5),
        entry(clip=0.75, gpt="Poor", note="", id=9, analysis="3", score_scale=5),
    )
    assert [scores.judge for scores in found] == ["clip", "gpt"]
    assert [row.given.values for row in found[1].rows] == [(4.0,), (), (2.0,)]
    abstained = found[1].rows[1].given
    assert (abstained.abstained, abstained.message) == ("UNPARSEABLE", "gpt 'N/A'")
    assert [row.id for row in found[0].rows] == [row.id for row in found[1].rows]


def test_a_column_can_be_chosen_even_if_little_of_it_is_scores() -> None:
    (scores,) = read(entry(clip=1, gpt="N/A"), entry(clip=2, gpt="hm"), column="gpt")
    assert scores.judge == "gpt"
    assert not any(row.given.judged for row in scores.rows)


def test_a_chosen_column_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(ValueError, match="no column 'clp' of scores; it has clip, note"):
        read(entry(clip=1, note="x"), column="clp")


def test_a_column_called_score_has_the_name_of_the_file() -> None:
    assert read(entry(score=3))[0].judge == "faces"


def test_images_of_one_occupation_and_demographic_are_told_apart() -> None:
    (scores,) = read(entry(clip=1), entry(clip=2))
    assert len({row.id for row in scores.rows}) == 2


def test_a_row_without_an_occupation_is_refused() -> None:
    with pytest.raises(ValueError, match="row 2 has no occupation: it has demographic, clip; a"):
        read(entry(clip=1), {"demographic": "old", "clip": 1})


def test_a_file_without_scores_is_refused() -> None:
    with pytest.raises(ValueError, match="no column of scores among occupation, demographic, age"):
        read(entry())


def test_a_score_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="faces.json: row 2: clip is inf, expected a finite"):
        read(entry(clip=1), entry(clip=float("inf")))
