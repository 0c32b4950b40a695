import pytest
from tests.bench.scored_rows import ABSTAINED, FAILED, pair, ranks, scores

from mmjudge.bench.metrics.mj_bench_settings import PairSettings, PairWeighting
from mmjudge.bench.metrics.pair_accuracy import (
    ABSTAINED as SHARE_ABSTAINED,
)
from mmjudge.bench.metrics.pair_accuracy import (
    WITH_TIES,
    WITHOUT_TIES,
    accuracies,
    accuracy_counts,
    counted,
)
from mmjudge.bench.metrics.pair_decisions import Decided, decide
from mmjudge.bench.results import Orders
from mmjudge.bench.rows import Row

RAW = PairSettings(normalisation="none", threshold=0.0)


def decided(rows: list[Row], orders: Orders = "any") -> list[Decided]:
    return decide(rows, orders, RAW)


def values(
    rows: list[Row], orders: Orders = "any", weighting: PairWeighting = "records"
) -> dict[str, float]:
    found = accuracies(decided(rows, orders), weighting, ["test"])
    return {metric: share.value for metric, share in found.items()}


RIGHT, WRONG, TIE = scores(2, 1), scores(1, 2), scores(1, 1)


def test_ties_are_wrong_with_ties_and_left_out_without() -> None:
    rows = [pair(str(n), it) for n, it in enumerate([RIGHT, RIGHT, RIGHT, WRONG, TIE])]
    assert values(rows) == pytest.approx(
        {WITH_TIES: 3 / 5, WITHOUT_TIES: 3 / 4, SHARE_ABSTAINED: 0.0}
    )


def test_an_abstention_counts_as_a_tie_and_is_told_apart() -> None:
    rows = [pair(str(n), it) for n, it in enumerate([RIGHT, WRONG, TIE, ABSTAINED])]
    assert values(rows) == pytest.approx(
        {WITH_TIES: 1 / 4, WITHOUT_TIES: 1 / 2, SHARE_ABSTAINED: 1 / 4}
    )
    assert accuracy_counts(decided(rows)) == {
        "correct": 1,
        "wrong": 1,
        "ties": 1,
        "abstained": 1,
        "abstained: REFUSED": 1,
        "failed": 0,
    }


def test_labelled_ties_have_no_right_answer_and_failures_none_at_all() -> None:
    rows = [
        pair("a", RIGHT),
        pair("b", FAILED),
        pair("c", TIE, label=0.5),
        pair("d", RIGHT, label=0.5),
    ]
    assert values(rows)[WITH_TIES] == 1.0
    assert len(counted(decided(rows))) == 1
    counts = accuracy_counts(decided(rows))
    assert (counts["failed"], counts["labelled ties"]) == (1, 2)
    assert counts["labelled ties called ties"] == 1


def test_the_label_says_which_candidate_is_right() -> None:
    assert values([pair("a", WRONG, label=1)])[WITH_TIES] == 1.0


def test_each_of_both_orders_has_half_a_weight() -> None:
    """Right twice; first shown twice; right and abstained; right and tied."""
    rows = [
        pair("a", ranks(1, 2), ranks(2, 1)),
        pair("b", ranks(1, 2), ranks(1, 2)),
        pair("c", ranks(1, 2), ABSTAINED),
        pair("d", ranks(1, 2), ranks(1, 1)),
    ]
    assert values(rows, "both") == pytest.approx(
        {WITH_TIES: 2.5 / 4, WITHOUT_TIES: 2.5 / 3, SHARE_ABSTAINED: 0.5 / 4}
    )
    counts = accuracy_counts(decided(rows, "both"))
    assert [counts[key] for key in ("correct", "wrong", "ties", "abstained")] == [5, 1, 1, 1]


def test_subcategories_can_weigh_alike() -> None:
    rows = [pair(str(n), RIGHT, subcategory="nsfw") for n in range(3)]
    rows += [pair("toxic", WRONG, subcategory="toxic")]
    assert values(rows)[WITH_TIES] == 3 / 4
    assert values(rows, weighting="subcategories")[WITH_TIES] == 1 / 2


def test_a_subcategory_of_ties_has_no_accuracy_without_ties_to_average() -> None:
    rows = [pair("a", RIGHT, subcategory="nsfw"), pair("b", TIE, subcategory="toxic")]
    found = values(rows, weighting="subcategories")
    assert (found[WITH_TIES], found[WITHOUT_TIES]) == (0.5, 1.0)


def test_nothing_but_ties_has_no_accuracy_without_ties() -> None:
    found = accuracies(decided([pair("a", TIE)]), "records", ["test"])
    assert found[WITH_TIES].value == 0.0
    assert found[WITHOUT_TIES].estimate() is None


def test_no_pairs_have_no_accuracy() -> None:
    found = accuracies([], "subcategories", ["test"])
    assert all(share.estimate() is None for share in found.values())


def test_strata_are_resampled_each_by_itself() -> None:
    """Between subcategories all differ and within them none do: nothing is left to vary."""
    rows = [pair(f"r{n}", RIGHT, subcategory="nsfw") for n in range(5)]
    rows += [pair(f"w{n}", WRONG, subcategory="toxic") for n in range(5)]
    found = accuracies(decided(rows), "subcategories", ["test"])[WITH_TIES].estimate()
    assert found is not None and (found.low, found.value, found.high) == (0.5, 0.5, 0.5)
    pooled = accuracies(decided(rows), "records", ["test"])[WITH_TIES].estimate()
    assert pooled is not None and pooled.low < 0.3 < 0.7 < pooled.high
