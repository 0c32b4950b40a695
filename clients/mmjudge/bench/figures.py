"""Figures about a judge, each with the recipe it was computed by."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from mmjudge.bench.metrics.separation import Estimate

_ORDERS = {"": "", "any": "any order", "given": "the order given", "both": "both orders"}


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a figure was computed. Figures of unequal recipes are not compared.

    decision: what decides a pair: the candidates' "values" or the judge's own "ranks".
    orders: in which orders a pair was shown: as "given", in "both", or "any", where a judge values
    candidates one by one.
    normalisation: what was done to values first; "min-max by source" is over both candidates of all
    pairs of a file or split, "min-max" over all images.
    threshold: values that differ by no more are a tie.
    weighting: what counts alike in an average: "records", "subcategories", "groups", or weights.
    abstentions: counted "as ties", or "left out".
    asked: how many records were asked about; groups: of how many groups or subcategories.
    """

    decision: Literal["values", "ranks", ""] = ""
    orders: Literal["given", "both", "any", ""] = ""
    normalisation: Literal["none", "min-max by source", "min-max", ""] = ""
    threshold: float | None = None
    weighting: str = "records"
    abstentions: Literal["as ties", "left out", ""] = ""
    asked: int = 0
    groups: int | None = None

    def __str__(self) -> str:
        """All of it in a line: "values, any order, min-max by source, ties within 0.05, ..."."""
        said = [self.decision and f"by {self.decision}", _ORDERS[self.orders]]
        said += [self.normalisation and f"normalisation {self.normalisation}"]
        said += ["" if self.threshold is None else f"ties within {self.threshold:g}"]
        said += [f"{self.weighting} weigh alike" if self.weighting.isalpha() else self.weighting]
        said += [self.abstentions and f"abstentions {self.abstentions}", f"{self.asked} asked"]
        said += ["" if self.groups is None else f"groups: {self.groups}"]
        return ", ".join(filter(None, said))


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with its interval, or why it is undefined.

    metric: such as "accuracy with ties"; unit: "%" of 100, or "" for the judge's own.
    perspective: "overall" for the whole; subcategory: "" for the whole perspective.
    n: rows it was computed from; counts: what became of all rows asked about, such as "correct",
    "wrong", "ties", "abstained", "failed", "labelled ties".
    fingerprints: of the judge or judges.
    """

    metric: str
    perspective: str
    subcategory: str
    estimate: Estimate | None
    recipe: Recipe
    n: int
    fingerprints: tuple[str, ...]
    counts: Mapping[str, int]
    unit: str = "%"
    why: str = ""

    def __post_init__(self) -> None:
        if (self.estimate is None) != bool(self.why):
            raise ValueError(f"{self.metric}: an estimate or the reason why there is none")


def figure_table(figure: Figure) -> dict[str, Any]:
    """All of it as JSON."""
    return asdict(figure)


def parse_figure(table: Mapping[str, Any]) -> Figure:
    """Read what `figure_table` wrote; raises ValueError for anything else."""
    known = {field.name for field in fields(Figure)}
    if set(table) != known:
        raise ValueError(f"a figure of {sorted(table)}, expected {sorted(known)}")
    estimate = table["estimate"]
    return Figure(
        **{
            **table,
            "estimate": None if estimate is None else Estimate(**estimate),
            "recipe": Recipe(**table["recipe"]),
            "fingerprints": tuple(table["fingerprints"]),
        }
    )
