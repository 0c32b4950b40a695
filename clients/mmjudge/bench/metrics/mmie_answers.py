"""Graded answers in groups, and what became of each: none is left out of the counts."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mmjudge.bench.figures import Figure, Recipe
from mmjudge.bench.metrics.separation import Estimate
from mmjudge.bench.results import Results
from mmjudge.bench.rows import Row

CATEGORIES = ("SA", "PBL", "MSR")
"""Storytelling, instructions, mathematics: the perspectives of MMIE."""

LOWEST, HIGHEST = 0.0, 6.0
OVERALL = "overall"
UNPARSED = ("UNPARSEABLE", "CUT_SHORT", "REFUSED")
"""Why a judge that writes gives no grade."""


@dataclass(frozen=True, slots=True)
class AnswerGroup:
    """Answers to be put into figures together.

    perspective: a category, or "overall". model: whose answers they are, or "" for all models'.
    """

    perspective: str
    model: str
    rows: tuple[Row, ...]
    fingerprints: tuple[str, ...]

    @property
    def unparsed(self) -> Mapping[str, int]:
        """How many answers the judge abstained from, by the reason."""
        found = Counter(row.given.abstained for row in self.rows if row.given.abstained)
        return {reason: found[reason] for reason in dict.fromkeys((*UNPARSED, *sorted(found)))}

    @property
    def counts(self) -> Mapping[str, int]:
        """What became of the answers: "graded", "abstained" and "failed" are all of them.

        Of the abstained how many by each reason; of the failed how many "over budget" and how many
        "out of range"; and of all the "tiles reduced".
        """
        graded = sum(grade(row) is not None for row in self.rows)
        abstained = sum(self.unparsed.values())
        return {
            "graded": graded,
            "abstained": abstained,
            "failed": len(self.rows) - graded - abstained,
            **self.unparsed,
            "over budget": sum(row.given.failed == "CONTEXT_EXCEEDED" for row in self.rows),
            "out of range": sum(map(_out_of_range, self.rows)),
            "tiles reduced": sum(map(_tiles_reduced, self.rows)),
        }

    def figure(
        self,
        metric: str,
        found: Estimate | str,
        n: int,
        recipe: Recipe,
        unit: str,
        told: Mapping[str, int] = MappingProxyType({}),
    ) -> Figure:
        """A figure of the group: what was found, or why nothing was; told: further counts."""
        return Figure(
            metric=metric,
            perspective=self.perspective,
            subcategory=self.model,
            estimate=None if isinstance(found, str) else found,
            recipe=recipe,
            n=n,
            fingerprints=self.fingerprints,
            counts={**self.counts, **told},
            unit=unit,
            why=found if isinstance(found, str) else "",
        )


def answer_groups(results: Results) -> Iterator[AnswerGroup]:
    """All answers, those of each category, and the same by model where several answered.

    Only the first may be empty. A model without a name is "(no name)" among others.
    """
    rows = [row for row in results.rows if row.kind == "grade"]
    models = sorted({_model(row) for row in rows})
    yield from _by_category("", rows, results)
    if len(models) > 1:
        for model in models:
            yield from _by_category(model, [row for row in rows if _model(row) == model], results)


def grade(row: Row) -> float | None:
    """The judge's grade from 0 to 6, or None for an answer that has none."""
    return row.given.values[0] if row.given.values and not _out_of_range(row) else None


def human_grade(row: Row) -> float | None:
    """People's grade from 0 to 6, or None for an answer that nobody graded."""
    human = row.facts.get("human")
    return None if human is None else float(human)


def _by_category(model: str, rows: list[Row], results: Results) -> Iterator[AnswerGroup]:
    found = {row.perspective for row in rows}
    categories = [*filter(found.__contains__, CATEGORIES), *sorted(found - {*CATEGORIES})]
    prints = {name: results.header.judges[name].fingerprint for name in categories}
    yield AnswerGroup(OVERALL, model, tuple(rows), tuple(dict.fromkeys(prints.values())))
    for name in categories:
        chosen = tuple(row for row in rows if row.perspective == name)
        yield AnswerGroup(name, model, chosen, (prints[name],))


def _model(row: Row) -> str:
    return str(row.facts.get("model") or "(no name)")


def _out_of_range(row: Row) -> bool:
    return bool(row.given.values) and not LOWEST <= row.given.values[0] <= HIGHEST


def _tiles_reduced(row: Row) -> bool:
    return any(note.startswith("TILES_REDUCED:") for note in row.given.notes)
