"""What a report is made from: results with their figures, and how they are to be shown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from mmjudge.bench.figures import Figure
from mmjudge.bench.metrics.mj_bench_settings import MjBenchSettings
from mmjudge.bench.results import AskedJudge, Results

Pictures = Callable[[str], bytes | None]
"""The stored file of a picture by its name in the data set; None where it is not at hand."""


@dataclass(frozen=True)  # without slots, for what is computed once
class Evaluation:
    """A contender's results, and all figures computed from them."""

    results: Results
    figures: Sequence[Figure]

    @property
    def name(self) -> str:
        """The contender's."""
        return self.results.header.contender

    def same_data(self, other: "Evaluation") -> bool:
        """Whether both were asked about the same records, in every perspective of both."""
        if self.results.header.benchmark != other.results.header.benchmark:
            return False
        mine, theirs = self._ids, other._ids
        return all(mine[name] == theirs[name] for name in mine.keys() & theirs.keys())

    @property
    def answered(self) -> int:
        """Records with a row, whatever became of them."""
        return len(self.results.rows)

    @property
    def abstained(self) -> int:
        """Records on which the judge abstained, in one order at least."""
        return sum(any(answer.abstained for answer in row.answers) for row in self.results.rows)

    @property
    def failed(self) -> int:
        """Records that could not be judged, in one order at least."""
        return sum(any(answer.failed for answer in row.answers) for row in self.results.rows)

    @property
    def judges(self) -> dict[AskedJudge, list[str]]:
        """The contender's judges, and the perspectives of each."""
        judges = dict[AskedJudge, list[str]]()
        for perspective, judge in self.results.header.judges.items():
            judges.setdefault(judge, []).append(perspective)
        return judges

    @property
    def judge_count(self) -> int:
        """How many judges, of which the same shown pairs in two ways counts twice."""
        return len(self.judges)

    @property
    def cautions(self) -> list[tuple[str, str]]:
        """Names of judges of which the server warns, and what it says."""
        judges = self.results.header.judges.values()
        return list(dict.fromkeys((judge.name, judge.caution) for judge in judges if judge.caution))

    @cached_property
    def _ids(self) -> dict[str, set[str]]:
        ids = dict[str, set[str]]()
        for row in self.results.rows:
            ids.setdefault(row.perspective, set()).add(row.id)
        return ids


@dataclass(frozen=True, slots=True)
class Options:
    """How a report is made.

    failures: at most so many records a contender in the failure browser. settings: by which the
    figures were computed. scales: contenders that are one judge asked on several scales, and the
    scale of each.
    """

    title: str = "Evaluation of judges"
    failures: int = 40
    settings: MjBenchSettings = field(default_factory=MjBenchSettings)
    scales: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.failures < 0:
            raise ValueError(f"failures: {self.failures}, expected 0 or more a contender")
