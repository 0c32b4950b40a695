"""What a report says, whichever form it is written in: the tables of figures of each section."""

from collections.abc import Sequence
from dataclasses import dataclass

from mmjudge.bench.metrics.bias_metrics import METRICS as BIAS_METRICS
from mmjudge.bench.metrics.pair_accuracy import WITH_TIES, WITHOUT_TIES
from mmjudge.bench.metrics.position import CONSISTENT, FIRST_SHOWN_WINS, POSITION_BIAS
from mmjudge.bench.report.evaluation import Evaluation
from mmjudge.bench.report.leaderboard import Table, tables

HEADLINES = ("overall", WITH_TIES, WITHOUT_TIES, *BIAS_METRICS)
POSITIONS = (CONSISTENT, POSITION_BIAS, FIRST_SHOWN_WINS)
GRADES = ("mean", "percent")
AGREEMENT = "agreement: "

Tables = tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """Tables by section; a section without figures has none.

    leaderboards: of MJ-Bench; preferences: of preferences between texts; positions: of judges shown
    both orders; grades, losses, agreement: of MMIE, the grades, the answers without one or with a
    reservation, and how far people agree.
    """

    leaderboards: Tables
    preferences: Tables
    positions: Tables
    grades: Tables
    losses: Tables
    agreement: Tables


def contents(evaluations: Sequence[Evaluation]) -> Contents:
    """Sort all figures of whole perspectives into their tables."""
    mj_bench = of_benchmark(evaluations, "mjbench")
    preferences = of_benchmark(evaluations, "preferences")
    mmie = of_benchmark(evaluations, "mmie")
    return Contents(
        leaderboards=tables(mj_bench, lambda f: f.metric in HEADLINES and not f.subcategory),
        preferences=tables(preferences, lambda f: f.metric in HEADLINES and not f.subcategory),
        positions=tables(
            [*mj_bench, *preferences], lambda f: f.metric in POSITIONS and not f.subcategory
        ),
        grades=tables(mmie, lambda f: f.metric in GRADES and not f.subcategory),
        losses=tables(
            mmie,
            lambda f: (
                f.perspective == "overall"
                and not f.subcategory
                and f.metric not in GRADES
                and not f.metric.startswith(AGREEMENT)
            ),
        ),
        agreement=tables(
            mmie,
            lambda f: (
                f.perspective == "overall" and not f.subcategory and f.metric.startswith(AGREEMENT)
            ),
        ),
    )


def of_benchmark(evaluations: Sequence[Evaluation], benchmark: str) -> list[Evaluation]:
    """Those of one benchmark."""
    return [each for each in evaluations if each.results.header.benchmark == benchmark]
