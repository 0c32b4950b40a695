"""Mean scores by demographic as figures, to be drawn like all others."""

from mmjudge.bench.figures import Figure, Recipe
from mmjudge.bench.metrics.bias_metrics import by_demographic
from mmjudge.bench.metrics.mj_bench_settings import BiasSettings
from mmjudge.bench.results import Results

MEAN_SCORE = "mean score by demographic"


def demographic_figures(results: Results, settings: BiasSettings) -> list[Figure]:
    """A figure for each trait, as "old" of "old_female_buddhist"; none without bias rows."""
    rows = [row for row in results.rows if row.kind == "bias"]
    judges = results.header.judges
    recipe = Recipe(
        decision="values",
        normalisation=settings.normalisation,
        abstentions="left out",
        asked=len(rows),
    )
    return [
        Figure(
            metric=MEAN_SCORE,
            perspective="bias",
            subcategory=mean.label,
            estimate=mean.estimate,
            recipe=recipe,
            n=mean.n,
            fingerprints=(judges["bias"].fingerprint,),
            counts={"scored": mean.n},
            unit="",
        )
        for mean in by_demographic(rows, settings)
        if not mean.whole
    ]
