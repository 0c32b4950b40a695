"""A slice of a benchmark: what all figures about the same rows have in common."""

from collections.abc import Mapping
from dataclasses import dataclass

from mmjudge.bench.figures import Figure, Recipe
from mmjudge.bench.metrics.bootstrap import Sampled


@dataclass(frozen=True, slots=True)
class Slice:
    """A perspective or one of its subcategories, as `Figure` tells of it."""

    perspective: str
    subcategory: str
    recipe: Recipe
    n: int
    fingerprints: tuple[str, ...]
    counts: Mapping[str, int]

    def figure(self, metric: str, share: Sampled, undefined: str) -> Figure:
        """A share as a percentage; `undefined` is why there is none, where there is none."""
        estimate = share.estimate(100.0)
        return Figure(
            metric=metric,
            perspective=self.perspective,
            subcategory=self.subcategory,
            estimate=estimate,
            recipe=self.recipe,
            n=self.n,
            fingerprints=self.fingerprints,
            counts=self.counts,
            why="" if estimate else undefined,
        )


@dataclass(frozen=True, slots=True)
class Perspective:
    """A perspective's figures, its parts' after its own, and what it brings to the overall score.

    share: accuracy with ties of pairs, ACC of bias. recipe, n: of the whole.
    """

    figures: tuple[Figure, ...]
    share: Sampled
    recipe: Recipe
    n: int
