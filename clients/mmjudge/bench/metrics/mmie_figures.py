"""MMIE's figures: means of grades, and how many answers have none, by the reason."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from mmjudge.bench.figures import Figure, Recipe
from mmjudge.bench.metrics.bootstrap import sampled_mean
from mmjudge.bench.metrics.mmie_answers import HIGHEST, AnswerGroup, answer_groups, grade
from mmjudge.bench.results import Results


def mmie_figures(results: Results) -> list[Figure]:
    """Figures of all answers, of each category, and of each model where several answered.

    "mean" is of the grades of the answers that have one, from 0 to 6; "percent" is the same in
    percent of 6, as the paper prints it. Overall every answer weighs alike, so that a category
    weighs by its answers.

    With judge `mmie` the means are those of the published code (Lillianwei-h/MMIE, commit eb0fd6e)
    on the same replies, before it rounds them to three places: a grade is the number below
    `### Score` rounded half to even, and replies without one from 0 to 6 are in no mean. There
    they leave no trace. Here they are counted, and are shares of all answers: "unparsed", and by
    the reason "unparsed: cut short" and the like, "over budget", and "failed otherwise", as a judge
    has that gives a number beyond 0 to 6. "tiles reduced" is the share of answers judged by less of
    an image than the published code shows.

    The figures' subcategory is the model, or "" for all. Intervals are percentile bootstraps: over
    graded answers for a mean, over all answers for a share.
    """
    return [figure for group in answer_groups(results) for figure in _figures(group)]


def _figures(group: AnswerGroup) -> Iterator[Figure]:
    asked, counts = len(group.rows), group.counts
    names = (group.perspective, group.model)
    recipe = Recipe(asked=asked)
    grades = [value for row in group.rows if (value := grade(row)) is not None]
    mean = sampled_mean(np.array(grades), "grades", *names)
    why = f"no grade: of {asked} answers {counts['abstained']} abstained, {counts['failed']} failed"
    for metric, times, unit in (("mean", 1.0, ""), ("percent", 100 / HIGHEST, "%")):
        found = mean.estimate(times) or why
        yield group.figure(
            metric, found, len(grades), replace(recipe, abstentions="left out"), unit
        )
    shares = {
        "unparsed": counts["abstained"],
        **{
            f"unparsed: {reason.lower().replace('_', ' ')}": count
            for reason, count in group.unparsed.items()
        },
        "tiles reduced": counts["tiles reduced"],
        "over budget": counts["over budget"],
        "failed otherwise": counts["failed"] - counts["over budget"],
    }
    for metric, count in shares.items():
        share = sampled_mean((np.arange(asked) < count).astype(float), metric, *names)
        yield group.figure(metric, share.estimate(100) or "no answers", asked, recipe, "%")
