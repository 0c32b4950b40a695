"""How a run ended: what became of the records, and what is still owed."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mmjudge.bench.asking.answering import Owed
from mmjudge.bench.rows import Row


@dataclass(slots=True)
class Tally:
    """What became of the records that one contender was to be asked about, while it is asked.

    torn: whether its file ended in half a line, which was cut off. left_out: perspectives that it
    cannot judge, and why. skipped: answered before. judged, abstained, failed: rows written in this
    run; of a pair in both orders the worse. owed: reasons for which there is no answer yet, and how
    often; another run asks again.
    """

    path: Path
    torn: bool
    left_out: Mapping[str, str]
    skipped: int = 0
    judged: int = 0
    abstained: int = 0
    failed: int = 0
    owed: Counter[str] = field(default_factory=Counter)

    @property
    def asked(self) -> int:
        """Records that it was asked about in this run."""
        return self.judged + self.abstained + self.failed + self.owed.total()

    def add(self, answers: Iterable[Row | Owed]) -> None:
        """Count what it said."""
        for answer in answers:
            if isinstance(answer, Owed):
                self.owed[answer.reason] += 1
                continue
            match _ending(answer):
                case "judged":
                    self.judged += 1
                case "abstained":
                    self.abstained += 1
                case "failed":
                    self.failed += 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of all records, by the contenders' names.

    identical: records that say and show exactly what an earlier one does, and were not asked about.
    """

    tallies: Mapping[str, Tally]
    identical: int


def _ending(row: Row) -> Literal["judged", "abstained", "failed"]:
    if any(answer.failed for answer in row.answers):
        return "failed"
    return "abstained" if any(answer.abstained for answer in row.answers) else "judged"
