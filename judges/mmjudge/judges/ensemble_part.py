"""One part of an ensemble: a judge, its weight, and what it says of an item."""

import math
from dataclasses import dataclass

from mmjudge.contract.errors import Error, ErrorCode, ItemError, SetupError
from mmjudge.contract.items import Ask, Item, Want
from mmjudge.contract.verdicts import Abstention, Judgement, Note, Verdict
from mmjudge.judges.judge import Host, Judge, JudgeConfig


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
        try:
            self.judge: Judge = config.kind(config.name, config.options, config.backbone, host)
        except (SetupError, ValueError) as error:
            raise ValueError(f"parts.{name}: {error}") from error
        self.info = self.judge.info
        if Want.SCORE not in self.info.wants:
            raise ValueError(f"parts.{name}: kind {self.info.kind!r} gives no scores to sum")

    def range(self) -> tuple[float | None, float | None]:
        """Between what its term in the sum lies."""
        ends = [None if end is None else self.weight * end for end in self.info.range]
        low, high = ends if self.weight >= 0 else reversed(ends)
        return (low, high) if self.weight else (0.0, 0.0)

    async def ask(self, item: Item) -> Said:
        """The part's scores of the candidates, or why it gives none; raises what breaks it."""
        try:
            verdict = await self.judge.judge(item, Ask())
        except ItemError as error:
            verdict = Verdict(error.error)
        values: tuple[float, ...] = ()
        absence: Abstention | Error | None = None
        if isinstance(verdict.outcome, Judgement):
            values, absence = self._values(verdict.outcome, item)
        else:
            absence = verdict.outcome
        return Said(self.name, self.weight, values, self._named(absence), verdict.notes)

    def _values(self, judgement: Judgement, item: Item) -> tuple[tuple[float, ...], Error | None]:
        """Values for all candidates or none: a sum must not pass over what is no number."""
        values = [score.value for score in judgement.scores]
        found = tuple(value for value in values if value is not None)
        if len(found) != len(item.candidates):
            message = f"gave {len(found)} scores for {len(item.candidates)} candidates"
            return (), Error(ErrorCode.INTERNAL, "SCORE_COUNT", message)
        for index, value in enumerate(found):
            if not math.isfinite(value):
                message = f"computed NaN or infinity for candidate {index}"
                where = f"candidates[{index}]"
                return (), Error(ErrorCode.INTERNAL, "SCORE_NOT_FINITE", message, where)
        return found, None

    def _named(self, absence: Abstention | Error | None) -> Abstention | Error | None:
        message = f"part {self.name!r}: {absence.message}" if absence else ""
        match absence:
            case Error(code, reason, _, field):
                return Error(code, reason, message, field)
            case Abstention(why, _, raw_text, field):
                return Abstention(why, message, raw_text, field)
        return None
