"""One part of an ensemble: a judge, its weight, and what it says of an item."""

from dataclasses import dataclass

from mmjudge.contract.errors import Error, ErrorCode
from mmjudge.contract.items import Item
from mmjudge.contract.verdicts import Abstention, Note
from mmjudge.judges.judge import Host, Judge, JudgeConfig
from mmjudge.judges.scoring import scored, scorer_of


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What a part says of an item: a value for each candidate, or why there are none."""

    name: str
    weight: float
    values: tuple[float, ...]
    absence: Abstention | Error | None
    notes: tuple[Note, ...]

    @property
    def broken(self) -> bool:
        """Whether the part itself failed, and not over what is wrong with the item."""
        absence = self.absence
        return isinstance(absence, Error) and absence.code != ErrorCode.INVALID_ARGUMENT


class EnsemblePart:
    """Constructs a judge over the ensemble's host, and asks it for scores."""

    def __init__(self, name: str, weight: float, config: JudgeConfig, host: Host) -> None:
        """Raises ValueError, naming the part, where its judge does or gives no scores."""
        self.name, self.weight = name, weight
        self.judge: Judge = scorer_of(config, host, f"parts.{name}", "sum")
        self.info = self.judge.info

    def range(self) -> tuple[float | None, float | None]:
        """Between what its term in the sum lies."""
        ends = [None if end is None else self.weight * end for end in self.info.range]
        low, high = ends if self.weight >= 0 else reversed(ends)
        return (low, high) if self.weight else (0.0, 0.0)

    async def ask(self, item: Item) -> Said:
        """The part's scores of the candidates, or why it gives none; raises what breaks it."""
        found = await scored(self.judge, item, f"part {self.name!r}")
        return Said(self.name, self.weight, found.values, found.absence, found.notes)
