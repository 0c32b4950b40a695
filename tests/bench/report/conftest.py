"""A report on judges that never were, made once."""

import pytest
from tests.bench.report.sample_results import (
    SCALES,
    sample,
    sample_grades,
    sample_pictures,
    sample_texts,
)

from mmjudge.bench.metrics.agreement import agreement_figures
from mmjudge.bench.metrics.mj_bench_figures import mj_bench_figures
from mmjudge.bench.metrics.mmie_figures import mmie_figures
from mmjudge.bench.metrics.significance import Comparison, compare_all
from mmjudge.bench.report.evaluation import Evaluation, Options
from mmjudge.bench.report.page import html_report

OPTIONS = Options(title="Judges & <co>", failures=12, scales=SCALES)


@pytest.fixture(scope="session")
def mj_bench() -> list[Evaluation]:
    """Three contenders of MJ-Bench: two by values, one by ranks in both orders."""
    names = ("clip", "guess", "qwen-{perspective}")
    return [Evaluation(results, mj_bench_figures(results)) for results in map(sample, names)]


@pytest.fixture(scope="session")
def evaluations(mj_bench: list[Evaluation]) -> list[Evaluation]:
    """Those, a study of scales, preferences between texts, and MMIE."""
    pairs = [*map(sample, SCALES), sample_texts()]
    grades = sample_grades()
    return [
        *mj_bench,
        *(Evaluation(results, mj_bench_figures(results)) for results in pairs),
        Evaluation(grades, mmie_figures(grades) + agreement_figures(grades)),
    ]


@pytest.fixture(scope="session")
def comparisons(mj_bench: list[Evaluation]) -> list[Comparison]:
    """Every two of the three contenders compared."""
    return compare_all([each.results for each in mj_bench])


@pytest.fixture(scope="session")
def page(evaluations: list[Evaluation], comparisons: list[Comparison]) -> str:
    """The page of HTML on all of them."""
    return html_report(evaluations, comparisons, sample_pictures(), OPTIONS)
