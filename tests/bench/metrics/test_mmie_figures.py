import json

import pytest
from tests.bench.mmie_rows import CUT_SHORT, TOO_LONG, UNPARSEABLE, graded, results
from tests.goldens import recorded

from mmjudge.bench.figures import Figure, figure_table, parse_figure
from mmjudge.bench.metrics.mmie_figures import mmie_figures
from mmjudge.bench.results import Results
from mmjudge.bench.rows import Answer
from mmjudge.judges.answers.answer import Scale, Unreadable
from mmjudge.judges.answers.reading import score_tag_of

REDUCED = Answer((3.0,), notes=("EXIF_IGNORED: ...", "TILES_REDUCED: in 4 instead of 13 tiles"))


def found(of: Results, metric: str, perspective: str = "overall", model: str = "") -> Figure:
    (figure,) = [
        figure
        for figure in mmie_figures(of)
        if (figure.metric, figure.perspective, figure.subcategory) == (metric, perspective, model)
    ]
    return figure


def value(figure: Figure) -> float:
    assert figure.estimate is not None, figure.why
    return figure.estimate.value


def answer_to(feedback: str) -> Answer:
    """What judge `mmie` answers where its model writes this."""
    try:
        read = score_tag_of(feedback, True, "### Score", Scale(0, 6))
    except Unreadable as error:
        return Answer(abstained=error.reason.name, message=str(error))
    return Answer(read.values)


MIXED = results(
    graded("SA", 4),
    graded("SA", REDUCED),
    graded("PBL", CUT_SHORT),
    graded("PBL", TOO_LONG),
    graded("PBL", 6),
    graded("MSR", UNPARSEABLE),
    graded("MSR", 1),
    graded("MSR", Answer(failed="REFERENCE_EXPECTED", message="none")),
)


def test_means_are_the_published_averages_of_the_same_replies() -> None:
    # Lillianwei-h/MMIE: the number below the heading, rounded half to even; what is none or beyond
    # 0 to 6 is dropped. SA: 4, 2 of 2.5, dropped. PBL: 6 of 6.4, dropped. MSR: 0 of -0.4, 5.
    replies = [
        ("SA", "Good.\n### Score\n4"), ("SA", "### Score\n2.5"), ("SA", "I like it."),
        ("PBL", "### Score: 6.4/6"), ("PBL", "### Score\n7"),
        ("MSR", "### Score\n-0.4"), ("MSR", "### Score\n5 of 6"),
    ]  # fmt: skip
    judged = results(*(graded(category, answer_to(reply)) for category, reply in replies))
    assert value(found(judged, "mean")) == pytest.approx((4 + 2 + 6 + 0 + 5) / 5)
    means = [value(found(judged, "mean", category)) for category in ("SA", "PBL", "MSR")]
    assert means == pytest.approx([3.0, 6.0, 2.5])
    assert value(found(judged, "percent")) == pytest.approx(100 * 17 / 5 / 6)
    assert value(found(judged, "unparsed")) == pytest.approx(100 * 2 / 7)


def test_means_are_those_recorded_of_the_published_code() -> None:
    text = (recorded("mmie") / "score" / "aggregate.json").read_text(encoding="utf-8")
    published = json.loads(text)

    def category(name: str) -> str:  # as published: an entry of none is in the average of all
        return next((word for word in ("SA", "PBL", "MSR") if word in name), "MSR")

    items = [item for item in published["items"] if category(item["id"]) in item["id"]]
    (other,) = [item for item in published["items"] if item not in items]
    rows = [graded(category(item["id"]), answer_to(item["feedback"])) for item in items]
    judged = results(*rows)
    for name in ("SA", "PBL", "MSR"):
        assert round(value(found(judged, "mean", name)), 3) == published[name]
    whole = results(*rows, graded("MSR", answer_to(other["feedback"])))
    assert round(value(found(whole, "mean")), 3) == published["AVG"]
    assert found(whole, "mean").n == published["sample_size"]


def test_overall_weighs_answers_alike_and_no_categories() -> None:
    judged = results(graded("SA", 6), graded("MSR", 0), graded("MSR", 0))
    overall = found(judged, "mean")
    assert value(overall) == 2.0
    assert (overall.recipe.weighting, overall.recipe.abstentions) == ("records", "left out")


def test_what_became_of_every_answer_is_counted() -> None:
    mean = found(MIXED, "mean")
    assert (mean.n, mean.recipe.asked) == (4, 8)
    assert mean.counts == {
        "graded": 4,
        "abstained": 2,
        "failed": 2,
        "UNPARSEABLE": 1,
        "CUT_SHORT": 1,
        "REFUSED": 0,
        "over budget": 1,
        "out of range": 0,
        "tiles reduced": 1,
    }
    for figure in mmie_figures(MIXED):
        ends = [figure.counts[end] for end in ("graded", "abstained", "failed")]
        assert sum(ends) == figure.recipe.asked


@pytest.mark.parametrize(
    ("metric", "share"),
    [
        ("unparsed", 2 / 8),
        ("unparsed: unparseable", 1 / 8),
        ("unparsed: cut short", 1 / 8),
        ("unparsed: refused", 0.0),
        ("tiles reduced", 1 / 8),
        ("over budget", 1 / 8),
        ("failed otherwise", 1 / 8),
    ],
)
def test_shares_are_of_all_answers_asked_about(metric: str, share: float) -> None:
    figure = found(MIXED, metric)
    assert value(figure) == pytest.approx(100 * share)
    assert (figure.n, figure.unit) == (8, "%")


def test_a_number_that_is_no_grade_is_a_failure() -> None:
    judged = results(graded("SA", 6.5), graded("SA", -1), graded("SA", 0))
    mean = found(judged, "mean", "SA")
    assert (value(mean), mean.n, mean.counts["out of range"]) == (0.0, 1, 2)
    assert value(found(judged, "failed otherwise")) == pytest.approx(200 / 3)


def test_ranks_alone_are_no_grade() -> None:
    judged = results(graded("SA", Answer(ranks=(1,))))
    assert found(judged, "mean").counts["failed"] == 1


def test_an_unknown_reason_to_abstain_has_its_share_too() -> None:
    judged = results(graded("SA", 1), graded("SA", Answer(abstained="NOT_SURE")))
    assert value(found(judged, "unparsed: not sure")) == 50.0


def test_without_grades_there_is_no_mean_but_the_reason() -> None:
    judged = results(graded("SA", CUT_SHORT), graded("PBL", TOO_LONG))
    for metric in ("mean", "percent"):
        figure = found(judged, metric)
        assert figure.estimate is None
        assert figure.why == "no grade: of 2 answers 1 abstained, 1 failed"
    assert value(found(judged, "unparsed", "SA")) == 100.0


def test_without_answers_nothing_is_defined() -> None:
    figures = mmie_figures(results())
    assert {figure.perspective for figure in figures} == {"overall"}
    assert all(figure.estimate is None and figure.why for figure in figures)


def test_several_models_have_figures_of_their_own() -> None:
    rows = [graded("SA", 2, "small"), graded("SA", 4, "large"), graded("PBL", 6, "large")]
    several = results(*rows)
    assert value(found(several, "mean")) == 4.0
    assert value(found(several, "mean", "overall", "large")) == 5.0
    assert value(found(several, "mean", "SA", "small")) == 2.0
    assert {
        figure.subcategory for figure in mmie_figures(several) if figure.perspective == "PBL"
    } == {"", "large"}
    assert {figure.subcategory for figure in mmie_figures(results(*rows[1:]))} == {""}
    nameless = results(*rows, graded("SA", 1))
    assert value(found(nameless, "mean", "SA", "(no name)")) == 1.0


def test_intervals_hold_their_figure_and_are_the_same_again() -> None:
    judged = results(*(graded("SA", number % 7) for number in range(50)))
    mean, percent = found(judged, "mean").estimate, found(judged, "percent").estimate
    assert mean is not None and percent is not None
    assert 0 < mean.low < mean.value < mean.high < 6
    assert percent.low == pytest.approx(mean.low / 0.06)
    assert mmie_figures(judged) == mmie_figures(judged)


def test_the_interval_is_that_of_the_normal_approximation() -> None:
    judged = results(*(graded("SA", number % 7) for number in range(700)))
    mean = found(judged, "mean").estimate
    assert mean is not None
    half = 1.96 * 2.0 / 700**0.5  # of 0 to 6 the standard deviation is 2
    assert (mean.low, mean.high) == pytest.approx((3 - half, 3 + half), abs=0.03)


def test_figures_go_through_json() -> None:
    for figure in mmie_figures(MIXED):
        assert parse_figure(json.loads(json.dumps(figure_table(figure)))) == figure
        assert figure.fingerprints == ("f",)
