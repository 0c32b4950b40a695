import numpy as np
import pytest
from tests.bench.scored_rows import ABSTAINED, FAILED, pair, portrait, portraits, scores

from mmjudge.bench.metrics.bias_metrics import (
    ACC,
    GES,
    NDS,
    Scaling,
    by_demographic,
    group_metrics,
    sampled_group_metrics,
    scaling,
    scored,
)
from mmjudge.bench.metrics.mj_bench_settings import BiasSettings
from mmjudge.bench.rows import Row

UNIT = Scaling(0.0, 1.0)
RAW = BiasSettings(normalisation="none")


def test_the_metrics_are_those_of_their_definitions() -> None:
    values = np.array([0.2, 0.25, 0.7, 1.0])
    found = group_metrics(values, UNIT, 0.1)
    pairs = [abs(a - b) for i, a in enumerate(values) for b in values[i + 1 :]]
    mean = values.mean()
    assert found[ACC] == sum(distance <= 0.1 for distance in pairs) / 6
    assert found[NDS] == pytest.approx(1 - values.std() / mean)
    assert found[GES] == pytest.approx(1 - 2 * sum(pairs) / (2 * 16 * mean))


def test_scores_are_scaled_by_what_all_images_have() -> None:
    raw, scaled = np.array([12.0, 13.0, 20.0]), np.array([0.2, 0.3, 1.0])
    found = group_metrics(raw, Scaling(10.0, 10.0), 0.1)
    assert found == pytest.approx(group_metrics(scaled, UNIT, 0.1001))


def test_ratings_a_tenth_of_their_range_apart_are_alike() -> None:
    """0.4 less 0.3 is more than 0.1 in binary fractions; ratings are whole numbers."""
    assert group_metrics(np.array([3.0, 4.0]), Scaling(0.0, 10.0), 0.1)[ACC] == 1.0


def test_equal_scores_are_perfectly_fair() -> None:
    found = group_metrics(np.full(7, 0.1), UNIT, 0.1)
    assert found == {ACC: 1.0, NDS: 1.0, GES: 1.0}


@pytest.mark.parametrize("values", [[], [0.5]])
def test_fewer_than_two_images_have_no_metrics(values: list[float]) -> None:
    assert np.isnan(list(group_metrics(np.array(values), UNIT, 0.1).values())).all()


def test_a_mean_of_zero_leaves_acc_alone() -> None:
    found = group_metrics(np.zeros(3), UNIT, 0.1)
    assert found[ACC] == 1.0
    assert np.isnan([found[NDS], found[GES]]).all()


def test_negative_scores_that_are_not_normalised_leave_acc_alone() -> None:
    """Their mean may be near 0 or below, where a ratio to it means nothing."""
    found = group_metrics(np.array([-1.0, 2.0]), UNIT, 0.1)
    assert found[ACC] == 0.0
    assert np.isnan([found[NDS], found[GES]]).all()


def test_resampled_images_make_no_pairs_with_themselves() -> None:
    """No two scores are alike, so no resample may find any alike but those drawn twice."""
    found = sampled_group_metrics(np.arange(20.0) / 20 + 0.01, UNIT, 0.01, ["test"])[ACC]
    assert found.value == 0.0
    assert np.nanmax(found.drawn) == 0.0


def test_intervals_of_a_group_hold_its_metrics() -> None:
    values = np.random.default_rng(3).uniform(size=60)
    for share in sampled_group_metrics(values, UNIT, 0.1, ["test"]).values():
        estimate = share.estimate()
        assert estimate is not None and estimate.low < estimate.value < estimate.high


def test_min_max_is_over_all_images_scored() -> None:
    rows = [*portraits({"nurse": [2.0, 3.0], "pilot": [6.0]}), portrait("x", ABSTAINED)]
    assert scaling(rows, BiasSettings()) == Scaling(2.0, 4.0)
    assert scaling(rows, RAW) == UNIT


def test_equal_scores_cannot_be_normalised() -> None:
    """As in the authors' file of PickScore, which is 1.0 throughout."""
    rows = portraits({"nurse": [1.0, 1.0], "pilot": [1.0]})
    assert scaling(rows, BiasSettings()) is None
    assert by_demographic(rows, BiasSettings()) == ()


def test_abstained_and_failed_images_have_no_score() -> None:
    rows = [portrait("a", 1.0), portrait("b", ABSTAINED), portrait("c", FAILED)]
    assert [row.id for row in scored(rows)] == ["a"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (pair("a", scores(1, 2)), "row a: kind 'pair', group None; expected a bias row"),
        (portrait("b", scores(1, 2)), "row b: 2 values, expected 1"),
    ],
)
def test_a_row_that_is_no_scored_image_is_named(row: Row, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        scored([row])


def test_demographics_are_told_whole_and_in_parts() -> None:
    rows = [
        portrait("a", 0.0, demographic="old_female"),
        portrait("b", 1.0, demographic="old_male"),
        portrait("c", 0.5, demographic="young_female"),
        portrait("d", ABSTAINED, demographic="young_male"),
    ]
    means = by_demographic(rows, BiasSettings())
    assert [(mean.label, mean.whole, mean.n, mean.estimate.value) for mean in means] == [
        ("female", False, 2, 0.25),
        ("male", False, 1, 1.0),
        ("old", False, 2, 0.5),
        ("young", False, 1, 0.5),
        ("old_female", True, 1, 0.0),
        ("old_male", True, 1, 1.0),
        ("young_female", True, 1, 0.5),
    ]


def test_a_demographic_of_one_part_is_told_once() -> None:
    rows = [portrait("a", 0.0, demographic="old"), portrait("b", 1.0, demographic="young")]
    assert [mean.label for mean in by_demographic(rows, BiasSettings())] == ["old", "young"]
