"""What holds of MJ-Bench's metrics whatever a judge says."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bench.scored_rows import ABSTAINED, FAILED, pair, ranks, scores

from mmjudge.bench.metrics.bias_metrics import ACC, GES, NDS, Scaling, group_metrics
from mmjudge.bench.metrics.mj_bench_settings import PairSettings, PairWeighting
from mmjudge.bench.metrics.pair_accuracy import WITH_TIES, WITHOUT_TIES, accuracies
from mmjudge.bench.metrics.pair_decisions import TIE, decide
from mmjudge.bench.results import Orders
from mmjudge.bench.rows import Row

ratings = st.integers(0, 20).map(float)
valued = st.builds(scores, ratings, ratings) | st.sampled_from([ABSTAINED, FAILED])
ranked = st.sampled_from([ranks(1, 2), ranks(2, 1), ranks(1, 1), ABSTAINED, FAILED])
labels = st.sampled_from([0, 1, TIE])
places = st.sampled_from(["blur", "face", ""])
weightings = st.sampled_from(["records", "subcategories"])


@st.composite
def pairs_by_values(draw: st.DrawFn) -> tuple[list[Row], Orders]:
    facts = draw(st.lists(st.tuples(valued, labels, places), min_size=1, max_size=12))
    return [
        pair(str(n), answer, label=label, subcategory=place, source=f"of {place}")
        for n, (answer, label, place) in enumerate(facts)
    ], "any"


@st.composite
def pairs_by_ranks(draw: st.DrawFn) -> tuple[list[Row], Orders]:
    facts = draw(st.lists(st.tuples(ranked, ranked, labels, places), min_size=1, max_size=12))
    return [
        pair(str(n), given, swapped, label=label, subcategory=place)
        for n, (given, swapped, label, place) in enumerate(facts)
    ], "both"


pairs = pairs_by_values() | pairs_by_ranks()


def values(
    asked: tuple[list[Row], Orders],
    weighting: PairWeighting = "records",
    recipe: PairSettings | None = None,
) -> list[float]:
    found = accuracies(decide(*asked, recipe or PairSettings()), weighting, ["test"])
    return [found[metric].value for metric in (WITH_TIES, WITHOUT_TIES)]


@given(pairs, weightings)
@settings(deadline=None)
def test_accuracy_without_ties_is_never_below_that_with(
    asked: tuple[list[Row], Orders], weighting: PairWeighting
) -> None:
    found = accuracies(decide(*asked, PairSettings()), weighting, ["test"])
    with_ties, without = found[WITH_TIES], found[WITHOUT_TIES]
    assert not without.value < with_ties.value
    assert not (without.drawn < with_ties.drawn - 1e-12).any()
    for share in found.values():
        assert not (share.drawn < 0).any() and not (share.drawn > 1).any()


def exchanged(row: Row) -> Row:
    """The same pair, whose candidates stand in the other order."""
    given, swapped = (
        replace(it, values=it.values[::-1]) if it and not it.ranks else it
        for it in (row.given, row.swapped)
    )
    if swapped is not None:
        given, swapped = swapped, given
    assert given is not None
    return replace(row, given=given, swapped=swapped, facts={"label": 1 - row.facts["label"]})


@given(pairs, weightings)
@settings(deadline=None)
def test_candidates_exchanged_with_their_labels_change_nothing(
    asked: tuple[list[Row], Orders], weighting: PairWeighting
) -> None:
    rows, orders = asked
    there, back = values(asked, weighting), values(([*map(exchanged, rows)], orders), weighting)
    assert there == pytest.approx(back, nan_ok=True)


@given(pairs_by_values(), st.integers(-50, 50), st.sampled_from([0.25, 2.0, 8.0]))
@settings(deadline=None)
def test_under_min_max_neither_unit_nor_origin_matters(
    asked: tuple[list[Row], Orders], origin: int, unit: float
) -> None:
    """By powers of two, which shift binary fractions and round nothing."""
    rows, orders = asked
    moved = []
    for row in rows:
        found = tuple(unit * value + origin for value in row.given.values)
        moved.append(replace(row, given=replace(row.given, values=found)))
    assert decided(moved, orders) == decided(rows, orders)


def decided(rows: list[Row], orders: Orders) -> list[tuple[float | None, ...]]:
    return [pair.answers for pair in decide(rows, orders, PairSettings())]


@given(pairs, st.data())
@settings(deadline=None)
def test_abstaining_never_raises_accuracy_with_ties(
    asked: tuple[list[Row], Orders], data: st.DataObject
) -> None:
    """Whatever decides is left as it is: min-max would be over fewer values."""
    raw = PairSettings(normalisation="none")
    rows, orders = asked
    said = [n for n, row in enumerate(rows) if row.given.judged]
    silent = data.draw(st.sets(st.sampled_from(said)) if said else st.just(set()))
    fewer = [replace(row, given=ABSTAINED) if n in silent else row for n, row in enumerate(rows)]
    before, _ = values(asked, recipe=raw)
    after, _ = values((fewer, orders), recipe=raw)
    assert not after > before


scores_of_group = st.lists(st.floats(0, 1, width=32), min_size=2, max_size=12).map(np.array)


@given(scores_of_group)
def test_bias_metrics_are_in_their_ranges(group: np.ndarray) -> None:
    """sigma/mu is at most sqrt(n - 1) and Gini at most 1 - 1/n: one image has all there is."""
    found = group_metrics(group.astype(float), Scaling(0.0, 1.0), 0.1)
    n = len(group)
    assert 0 <= found[ACC] <= 1
    if group.sum() > 1e-30:
        assert 1 - (n - 1) ** 0.5 - 1e-6 <= found[NDS] <= 1
        assert 1 / n - 1e-6 <= found[GES] <= 1 + 1e-12


@given(scores_of_group, st.data())
def test_the_order_of_a_groups_images_does_not_matter(
    group: np.ndarray, data: st.DataObject
) -> None:
    other = np.array(data.draw(st.permutations(group.tolist())))
    found = group_metrics(group.astype(float), Scaling(0.0, 1.0), 0.1)
    assert group_metrics(other, Scaling(0.0, 1.0), 0.1) == pytest.approx(found, nan_ok=True)


@given(scores_of_group)
def test_gini_is_that_of_sorted_scores(group: np.ndarray) -> None:
    """As MJ-Bench's code has it: 2 sum(i s_i) / (n sum s) - (n + 1) / n, of scores rising."""
    rising, n = np.sort(group.astype(float)), len(group)
    if rising.sum() > 1e-3:
        gini = 2 * (np.arange(1, n + 1) @ rising) / (n * rising.sum()) - (n + 1) / n
        found = group_metrics(group.astype(float), Scaling(0.0, 1.0), 0.1)
        assert found[GES] == pytest.approx(1 - gini)
