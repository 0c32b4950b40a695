import pytest
from tests.bench.scored_rows import ABSTAINED, FAILED, judge, pair, ranks, scores

from mmjudge.bench.figures import Figure, Recipe
from mmjudge.bench.metrics.mj_bench_settings import PairSettings
from mmjudge.bench.metrics.pair_figures import pair_perspective
from mmjudge.bench.results import Orders
from mmjudge.bench.rows import Row

ACCURACIES = {"accuracy with ties", "accuracy without ties", "abstained"}
POSITION = {"consistent", "position bias", "first shown wins"}


def figures(
    rows: list[Row], orders: Orders = "any", settings: PairSettings | None = None
) -> dict[tuple[str, str], Figure]:
    settings = settings or PairSettings()
    found = pair_perspective("quality", rows, judge(orders=orders), settings)
    return {(figure.metric, figure.subcategory): figure for figure in found.figures}


def test_a_figure_says_how_it_was_made() -> None:
    rows = [pair("a", scores(1, 0)), pair("b", scores(0, 1)), pair("c", FAILED)]
    figure = figures(rows)["accuracy with ties", ""]
    assert figure.recipe == Recipe(
        decision="values",
        orders="any",
        normalisation="min-max by source",
        threshold=0.05,
        weighting="records",
        abstentions="as ties",
        asked=3,
    )
    assert (figure.n, figure.unit, figure.fingerprints) == (2, "%", ("fingerprint of judge",))
    assert figure.estimate is not None and figure.estimate.value == 50.0
    assert figure.counts == {"correct": 1, "wrong": 1, "ties": 0, "abstained": 0, "failed": 1}


def test_ranks_have_neither_normalisation_nor_threshold() -> None:
    figure = figures([pair("a", ranks(1, 2))], "given")["accuracy with ties", ""]
    assert figure.recipe == Recipe(
        decision="ranks", orders="given", abstentions="as ties", asked=1, normalisation=""
    )


def test_position_is_told_of_where_both_orders_were_shown() -> None:
    both = [pair("a", ranks(1, 2), ranks(1, 2)), pair("b", ranks(1, 2), ABSTAINED)]
    found = figures(both, "both")
    assert {metric for metric, _ in found} == ACCURACIES | POSITION
    bias = found["position bias", ""]
    assert bias.estimate is not None and bias.estimate.value == 100.0
    assert (bias.n, bias.recipe.asked, bias.recipe.abstentions) == (1, 2, "left out")
    assert {metric for metric, _ in figures([pair("a", ranks(1, 2))], "given")} == ACCURACIES


def test_subcategories_have_figures_of_their_own() -> None:
    rows = [pair(f"{n}", scores(1, 0), subcategory="blur/motion") for n in range(3)]
    rows += [pair("x", scores(0, 1), subcategory="distortion/object"), pair("y", scores(0, 1))]
    found = figures(rows)
    assert {subcategory for _, subcategory in found} == {"", "blur/motion", "distortion/object"}
    motion = found["accuracy with ties", "blur/motion"]
    assert motion.estimate is not None and motion.estimate.value == 100.0
    assert (motion.n, motion.recipe.asked, motion.recipe.groups) == (3, 3, None)


def test_subcategories_that_weigh_alike_are_counted_in_the_recipe() -> None:
    settings = PairSettings(weighting="subcategories")
    rows = [pair(f"{n}", scores(1, 0), subcategory="blur") for n in range(3)]
    rows += [pair("x", scores(0, 1), subcategory="face")]
    found = figures(rows, settings=settings)
    whole = found["accuracy with ties", ""]
    assert whole.estimate is not None and whole.estimate.value == 50.0
    assert (whole.recipe.weighting, whole.recipe.groups) == ("subcategories", 2)
    assert found["accuracy with ties", "blur"].recipe.weighting == "records"


def test_why_a_figure_is_undefined_is_told() -> None:
    tied = figures([pair("a", scores(1, 1))])
    assert tied["accuracy without ties", ""].why == "all answers are ties or abstentions"
    none = figures([pair("a", FAILED), pair("b", scores(1, 0), label=0.5)])
    assert none["accuracy with ties", ""].why == "no pair with a right answer was judged"
    both = figures([pair("a", ranks(1, 1), ranks(1, 1))], "both")
    assert both["first shown wins", ""].why == "all answers are ties"
    half = figures([pair("a", ranks(1, 2), ABSTAINED)], "both")
    assert half["consistent", ""].why == "no pair was answered in both orders"


@pytest.mark.parametrize("orders", ["given", "any"])
def test_figures_are_the_same_again(orders: Orders) -> None:
    rows = [
        pair(str(n), scores(n % 3, 1) if orders == "any" else ranks(1, 1 + n % 2))
        for n in range(30)
    ]
    assert figures(rows, orders) == figures(rows, orders)
