"""The figures that the MJ-Bench paper prints, and what is known to be wrong with them."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from mmjudge.bench.metrics.bias_metrics import METRICS
from mmjudge.bench.metrics.mj_bench_figures import WEIGHTS
from mmjudge.bench.metrics.pair_accuracy import WITH_TIES, WITHOUT_TIES

PAIRWISE = ("alignment", "safety", "quality")
OVERALL = ("overall", "overall")
PRINTED = (
    *((perspective, metric) for perspective in PAIRWISE for metric in (WITH_TIES, WITHOUT_TIES)),
    *(("bias", metric) for metric in METRICS),
)
"""(perspective, metric) of every column, as the paper has them."""
COLUMNS = (OVERALL, *PRINTED)
"""Those, after the leaderboard's overall score."""


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """A judge's row: figures in percent by (perspective, metric).

    The overall score is computed from the others by the leaderboard's weights, which gives the
    scores on its site back within 0.01.

    family: "score model", "open VLM" or "closed VLM"; defects: what is known to be wrong, by
    perspective, or of the name under "judge".
    """

    judge: str
    family: str
    figures: Mapping[tuple[str, str], float]
    defects: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Published:
    """The paper's main table and its study of scales. Their recipes are mixed or unknown."""

    source: str
    remarks: Sequence[str]
    rows: Sequence[PublishedRow]
    defects: Sequence[str]
    scale_source: str
    scale_means: Sequence[tuple[str, float]]
    scale_remark: str

    def mark(self, row: PublishedRow, perspective: str) -> str:
        """The dagger of a figure or name with a known defect, with the defect's number from 1."""
        defect = row.defects.get(perspective)
        return "" if defect is None else f"†{self.defects.index(defect) + 1}"


@cache
def published() -> Published:
    """Read what is packaged with this module."""
    text = files("mmjudge.bench.report").joinpath("published.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    scales = table["scales"]
    return Published(
        source=table["source"],
        remarks=tuple(table["remarks"]),
        rows=tuple(_row(row, table["defects"]) for row in table["rows"]),
        defects=tuple(table["defects"].values()),
        scale_source=scales["source"],
        scale_means=tuple((scale, mean) for scale, mean in scales["means"]),
        scale_remark=scales["remark"],
    )


def _row(row: Mapping[str, Any], defects: Mapping[str, str]) -> PublishedRow:
    values = [value for perspective in (*PAIRWISE, "bias") for value in row[perspective]]
    figures = dict(zip(PRINTED, values, strict=True))
    shares = [row[perspective][0] * weight for perspective, weight in WEIGHTS.items()]
    return PublishedRow(
        judge=row["judge"],
        family=row["family"],
        figures={OVERALL: sum(shares) / sum(WEIGHTS.values()), **figures},
        defects={key: defects[name] for key, name in row.get("defects", {}).items()},
    )
