import json

import pytest
from tests.goldens import recorded

from mmjudge.bench.metrics.pair_accuracy import WITH_TIES, WITHOUT_TIES
from mmjudge.bench.report.published import COLUMNS, OVERALL, PAIRWISE, published

ROWS = {row.judge: row for row in published().rows}


def test_every_row_of_the_papers_table_has_every_figure() -> None:
    assert len(published().rows) == len(ROWS) == 21
    assert all(list(row.figures) == list(COLUMNS) for row in ROWS.values())
    assert all(0 < value <= 100 for row in ROWS.values() for value in row.figures.values())


def test_the_overall_score_is_that_of_the_leaderboards_site() -> None:
    file = recorded("mjbench") / "published_benchmark.json"
    on_site = {
        (row["Alignment_Avg_w_tie"], row["Bias_NDS"]): row["Overall_Score"]
        for row in json.loads(file.read_text())
    }
    assert len(on_site) == len(ROWS)
    for row in ROWS.values():
        known = on_site[row.figures["alignment", WITH_TIES], row.figures["bias", "NDS"]]
        assert row.figures[OVERALL] == pytest.approx(known, abs=0.01), row.judge


def test_the_cells_that_no_data_can_give_are_those_marked_so() -> None:
    impossible = {
        (row.judge, perspective)
        for row in ROWS.values()
        for perspective in PAIRWISE
        if row.figures[perspective, WITHOUT_TIES] < row.figures[perspective, WITH_TIES]
    }
    marked = {
        (row.judge, perspective)
        for row in ROWS.values()
        for perspective in PAIRWISE
        if published().mark(row, perspective) == "†1"
    }
    assert marked == impossible
    assert len(impossible) == 4


@pytest.mark.parametrize(
    ("judge", "place", "said"),
    [
        ("PickScore", "bias", "softmax"),
        ("CLIP-v1", "judge", "ViT-H/14"),
        ("HPSv2.1", "safety", "thresholds"),
    ],
)
def test_other_known_defects_are_noted(judge: str, place: str, said: str) -> None:
    assert said in ROWS[judge].defects[place]


def test_what_has_no_known_defect_has_no_mark() -> None:
    assert published().mark(ROWS["GPT-4o"], "bias") == ""
