from dataclasses import replace

from tests.bench.report.sample_results import sample

from mmjudge.bench.figures import Figure, Recipe
from mmjudge.bench.metrics.separation import Estimate
from mmjudge.bench.report.evaluation import Evaluation
from mmjudge.bench.report.leaderboard import best, ranked, tables

MIN_MAX = Recipe(decision="values", normalisation="min-max", threshold=0.05, asked=9)
RAW = replace(MIN_MAX, normalisation="none", threshold=0.0)
RESULTS = sample("clip", pairs=1)


def figure(value: float | None, recipe: Recipe = MIN_MAX, perspective: str = "quality") -> Figure:
    return Figure(
        metric="accuracy",
        perspective=perspective,
        subcategory="",
        estimate=None if value is None else Estimate(value, value - 1, value + 1),
        recipe=recipe,
        n=9,
        fingerprints=("f",),
        counts={},
        why="" if value is not None else "all ties",
    )


def contender(name: str, *figures: Figure) -> Evaluation:
    header = replace(RESULTS.header, contender=name)
    return Evaluation(replace(RESULTS, header=header), figures)


def names(*evaluations: Evaluation) -> list[list[str]]:
    found = tables(evaluations, lambda figure: True)
    return [[row.evaluation.name for row in table.rows] for table in found]


def test_like_recipes_share_a_table() -> None:
    assert names(contender("a", figure(50)), contender("b", figure(60))) == [["a", "b"]]


def test_unlike_recipes_are_never_in_one_table() -> None:
    found = names(
        contender("a", figure(50)), contender("b", figure(60, RAW)), contender("c", figure(70))
    )
    assert found == [["a", "c"], ["b"]]


def test_one_unlike_column_keeps_a_contender_out() -> None:
    first = contender("a", figure(50), figure(50, perspective="safety"))
    second = contender("b", figure(60), figure(60, RAW, "safety"))
    assert names(first, second) == [["a"], ["b"]]


def test_other_numbers_of_records_are_another_recipe() -> None:
    more = replace(MIN_MAX, asked=10)
    assert names(contender("a", figure(50)), contender("b", figure(60, more))) == [["a"], ["b"]]


def test_other_records_are_other_data_even_if_as_many() -> None:
    rows = tuple(replace(row, id=f"other {row.id}") for row in RESULTS.rows)
    other = contender("b", figure(60))
    other = replace(other, results=replace(other.results, rows=rows))
    assert names(contender("a", figure(50)), other) == [["a"], ["b"]]


def test_what_is_undefined_stands_with_any_recipe_and_says_why() -> None:
    (table,) = tables(
        [contender("a", figure(None, RAW), figure(5, perspective="safety")),
         contender("b", figure(60), figure(6, perspective="safety"))],
        lambda figure: True,
    )  # fmt: skip
    assert table.columns[0].recipe == MIN_MAX
    assert [(name, undefined.why) for name, undefined in table.undefined] == [("a", "all ties")]


def test_a_contender_without_a_figure_has_a_gap() -> None:
    (table,) = tables(
        [contender("a", figure(50)), contender("b", figure(60), figure(5, perspective="safety"))],
        lambda figure: True,
    )
    assert [row.figures[1] is None for row in table.rows] == [True, False]


def test_recipes_name_the_columns_they_made() -> None:
    (table,) = tables([contender("a", figure(5), figure(6, RAW, "safety"))], lambda figure: True)
    made = {
        recipe: [column.perspective for column in columns]
        for recipe, columns in table.recipes.items()
    }
    assert made == {MIN_MAX: ["quality"], RAW: ["safety"]}


def test_rows_are_ranked_by_the_overall_value_and_the_best_is_known() -> None:
    values = {"a": 50.0, "b": None, "c": 70.0}
    (table,) = tables(
        [
            contender(name, figure(value, perspective="overall"), figure(5))
            for name, value in values.items()
        ],
        lambda figure: True,
    )
    assert [row.evaluation.name for row in ranked(table)] == ["c", "a", "b"]
    assert best(table) == [70.0, 5.0]


def test_one_value_alone_is_no_best() -> None:
    (table,) = tables([contender("a", figure(50))], lambda figure: True)
    assert best(table) == [None]


def test_data_must_be_that_of_all_in_the_table_and_not_of_the_first_alone() -> None:
    def of(name: str, perspectives: set[str], prefix: str = "") -> Evaluation:
        rows = [row for row in RESULTS.rows if row.perspective in perspectives]
        kept = tuple(replace(row, id=prefix + row.id) for row in rows)
        made = contender(name, *(figure(50, perspective=name) for name in sorted(perspectives)))
        return replace(made, results=replace(made.results, rows=kept))

    first = of("a", {"quality"})
    second = of("b", {"quality", "safety"})
    third = of("c", {"safety"}, "other ")
    assert names(first, second, third) == [["a", "b"], ["c"]]
