"""How far a judge's grades agree with people's, over the answers that have both."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmjudge.bench.figures import Figure, Recipe
from mmjudge.bench.metrics.bootstrap import DRAWS, Sampled, divided, generator
from mmjudge.bench.metrics.mmie_answers import AnswerGroup, answer_groups, grade, human_grade
from mmjudge.bench.metrics.separation import Estimate, Numbers
from mmjudge.bench.results import Results

CORRELATIONS = ("Pearson", "Spearman")
MEASURES = ("cosine", "MSE", "MAE", *CORRELATIONS)
FEWEST = 3
"""Answers that a correlation needs: two points are always on a line."""
BLOCK = 2**20
"""Most elements of an array: those of all draws of 20,000 answers would take gigabytes."""


def agreement_figures(results: Results) -> list[Figure]:
    """Figures "agreement: cosine", "agreement: MSE", ... of each group that people graded in.

    The groups are those of `mmie_figures`: all answers, each category, each model. n: answers that
    have a grade of the judge's and people's; the counts say how many were "graded by both", "by
    people only" and "by the judge only".
    """
    return [figure for group in answer_groups(results) for figure in _figures(group)]


def agreement(grades: Numbers, humans: Numbers, *names: str) -> Mapping[str, Estimate | str]:
    """Each of `MEASURES` with its percentile interval, or why it is undefined.

    grades, humans: float64 `[n]`, of the same answers. Cosine is of both columns as vectors, MSE
    and MAE are of their differences, Spearman's is Pearson's correlation of mid-ranks. Answers are
    resampled with both their grades (Efron and Tibshirani 1993), and ranked anew in each draw;
    draws in which a measure is undefined, such as a correlation of equal grades, are not in its
    interval. names: what the random numbers depend on.
    """
    n = len(grades)
    if not n:
        return dict.fromkeys(MEASURES, "no answer was graded by both the judge and people")
    cells, counts = np.unique(np.stack([grades, humans]), axis=1, return_counts=True)
    random = generator(*names)
    step = max(1, BLOCK // len(counts))
    blocks = [
        _measures(random.multinomial(n, counts / n, min(step, DRAWS - start)), *cells)
        for start in range(0, DRAWS, step)
    ]
    values = _measures(counts[None], *cells)
    found = {
        name: Sampled(values[name].item(), np.concatenate([block[name] for block in blocks]))
        for name in MEASURES
    }
    return {name: one.estimate() or _why(name, grades, humans) for name, one in found.items()}


def _figures(group: AnswerGroup) -> Iterator[Figure]:
    pairs = [(grade(row), human_grade(row)) for row in group.rows]
    both = [pair for pair in pairs if None not in pair]
    people = sum(human is not None for _, human in pairs)
    if not people:
        return
    told = {
        "graded by both": len(both),
        "by people only": people - len(both),
        "by the judge only": sum(ours is not None for ours, _ in pairs) - len(both),
    }
    columns = np.array(both, np.float64).reshape(-1, 2).T
    recipe = Recipe(abstentions="left out", asked=len(group.rows))
    for name, found in agreement(*columns, group.perspective, group.model).items():
        yield group.figure(f"agreement: {name}", found, len(both), recipe, "", told)


def _why(name: str, grades: Numbers, humans: Numbers) -> str:
    """Why there is no correlation, or no cosine, which a column of zeros has not."""
    if name in CORRELATIONS and len(grades) < FEWEST:
        return f"{len(grades)} answers graded by both, a correlation needs {FEWEST}"
    columns = (("the judge's", grades), ("people's", humans))
    same = [f"{whose} grades are all {one[0]:g}" for whose, one in columns if np.ptp(one) == 0]
    return " and ".join(same) or "the grades differ by too little to be squared"


def _measures(weights: NDArray[Any], grades: Numbers, humans: Numbers) -> dict[str, Numbers]:
    """Each measure of each draw, `[draws]`, NaN where it is undefined.

    weights: `[draws, cells]`, how often a draw has each pair of grades.
    """
    n = weights.sum(1)
    lengths = np.sqrt((weights @ grades**2) * (weights @ humans**2))
    defined = (n >= FEWEST) & _varies(weights, grades) & _varies(weights, humans)
    ranks = (_mid_ranks(weights, column) for column in (grades, humans))
    return {
        "cosine": _within_one(divided(weights @ (grades * humans), lengths)),
        "MSE": weights @ (grades - humans) ** 2 / n,
        "MAE": weights @ np.abs(grades - humans) / n,
        "Pearson": np.where(defined, _correlation(weights, grades, humans), np.nan),
        "Spearman": np.where(defined, _correlation(weights, *ranks), np.nan),
    }


def _varies(weights: NDArray[Any], values: Numbers) -> NDArray[np.bool_]:
    """Whether a draw has two values; exact, where a variance would be a rounding error."""
    drawn = weights > 0
    lows, highs = np.where(drawn, values, np.inf), np.where(drawn, values, -np.inf)
    return np.asarray(lows.min(1) < highs.max(1))


def _correlation(weights: NDArray[Any], first: Numbers, second: Numbers) -> Numbers:
    n = weights.sum(1, keepdims=True)
    a, b = (values - (weights * values).sum(1, keepdims=True) / n for values in (first, second))
    lengths = np.sqrt((weights * a**2).sum(1) * (weights * b**2).sum(1))
    return _within_one(divided((weights * a * b).sum(1), lengths))


def _within_one(values: Numbers) -> Numbers:
    return np.clip(values, -1.0, 1.0)  # beyond by rounding alone


def _mid_ranks(weights: NDArray[Any], values: Numbers) -> Numbers:
    """Rank of each cell within each draw, `[draws, cells]`; equal values share their mean rank."""
    order = np.argsort(values, kind="stable")
    distinct, starts = np.unique(values[order], return_index=True)
    tied = np.add.reduceat(weights[:, order], starts, axis=1)
    ranks = np.cumsum(tied, axis=1) - (tied - 1) / 2
    return np.asarray(ranks[:, np.searchsorted(distinct, values)])
