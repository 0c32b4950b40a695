"""Similarities of units as a candidate's score."""

import numpy as np
import pytest

from mmjudge.judges.backbones.alignment import Similarities
from mmjudge.judges.text_units import UnitRules, text_units
from mmjudge.judges.token_scores import token_score
from mmjudge.judges.transforms import Levels, Transform

TEXT = "a red cat sits"
UNITS = text_units(TEXT, None, UnitRules())
HINGE = Transform("hinge", Levels(0.5, 0.25))


def similar(*values: float, known: tuple[bool, ...] = (True, True, True)) -> Similarities:
    patches = np.arange(len(values), dtype=np.int32) + 7
    return Similarities(np.array(values, np.float32), patches, np.array(known))


def test_without_spans_every_unit_has_one() -> None:
    score = token_score(UNITS, similar(0.25, 0.5, 0.75), Transform(), None, "every")
    assert score.spans is not None and score.spans.tolist() == [[0, 1], [2, 5], [6, 9], [10, 14]]
    assert score.span_values is not None and score.span_values.tolist() == [0, 0.25, 0.5, 0.75]
    assert score.regions is not None and score.regions.tolist() == [-1, 7, 8, 9]
    assert score.value == 0.5 and score.by_criterion == {"similarity": 0.5}


def test_the_raw_similarity_is_kept_beside_the_reward() -> None:
    score = token_score(UNITS, similar(0.0, 0.25, 1.0), HINGE, None, "every")
    assert score.span_values is not None and score.span_values.tolist() == [0, -0.25, 0, 0.5]
    assert score.value == pytest.approx(0.25 / 3)
    assert score.by_criterion["similarity"] == pytest.approx(1.25 / 3)


def test_a_unit_of_which_nothing_is_known_has_no_reward_whatever_the_transform() -> None:
    found = similar(0.0, 0.75, 0.0, known=(False, True, False))
    score = token_score(UNITS, found, HINGE, None, "every")
    assert score.span_values is not None and score.span_values.tolist() == [0, 0, 0.25, 0]
    assert score.regions is not None and score.regions.tolist() == [-1, -1, 8, -1]
    assert score.value == 0.25 and score.by_criterion == {"similarity": 0.75}
    nothing = similar(0.0, 0.0, 0.0, known=(False, False, False))
    score = token_score(UNITS, nothing, HINGE, None, "every")
    assert score.value == 0 and score.by_criterion == {}


def test_on_the_callers_spans_regions_are_of_the_unit_that_gives_most() -> None:
    spans = np.array([[0, 0], [0, 1], [1, 9], [9, 14]], np.int32)
    score = token_score(UNITS, similar(0.5, -0.75, 0.25), Transform(), spans, "every")
    assert score.span_values is not None and score.span_values.tolist() == [0, 0, -0.25, 0.25]
    assert score.regions is not None and score.regions.tolist() == [-1, -1, 8, 9]


def test_what_is_no_number_is_not_made_one() -> None:
    score = token_score(UNITS, similar(0.5, np.nan, 0.25), HINGE, None, "every")
    assert score.value is not None and np.isnan(score.value)
    assert score.span_values is not None and np.isnan(score.span_values[2])
