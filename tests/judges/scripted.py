"""A judge that says what its candidates' texts tell it to, for ensembles to be made of."""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from mmjudge.contract.errors import Error, ErrorCode, invalid
from mmjudge.contract.info import Input, JudgeInfo
from mmjudge.contract.items import Ask, Candidate, Item, Want
from mmjudge.contract.verdicts import (
    Abstention,
    AbstentionReason,
    Judgement,
    Note,
    Score,
    Verdict,
)
from mmjudge.judges.fingerprint import fingerprint
from mmjudge.judges.judge import Host


@dataclass(frozen=True, slots=True)
class ScriptOptions:
    """add: added to each candidate's number, or what goes wrong with every item."""

    add: float = 0.0
    fault: Literal[
        "", "item", "error", "broken", "abstains", "unordered", "short", "nan", "raises"
    ] = ""
    gives: Literal["scores", "steps"] = "scores"


@dataclass(frozen=True, slots=True)
class ScriptBackbone:
    """Something to name in a backbones table."""

    low: float = 0.0


class ScriptedJudge:
    """Each candidate's text is its score, once `add` has been added."""

    Options: ClassVar = ScriptOptions
    Backbone: ClassVar = ScriptBackbone

    def __init__(
        self, name: str, options: ScriptOptions, backbone: ScriptBackbone, host: Host
    ) -> None:
        if math.isnan(options.add):
            raise ValueError("add: NaN")
        self._options = options
        provenance = {"add": str(options.add), "fault": options.fault}
        self.info = JudgeInfo(
            name=name,
            kind="scripted",
            fingerprint=fingerprint(provenance),
            provenance=provenance,
            wants=(Want.SCORE if options.gives == "scores" else Want.STEP_REWARDS,),
            reads=(Input.CANDIDATE_TEXT,),
            range=(backbone.low, 10.0),
            description="a number",
            caution="no judge",
        )
        self.example = Item(candidates=[Candidate(["1"])])

    async def judge(self, item: Item, ask: Ask) -> Verdict:
        note = (Note("SCRIPTED", "read"),)
        # The example is scored at start-up, before anything may go wrong.
        match self._options.fault if item.id else "":
            case "item":
                raise invalid("TEXT_BAD", "not to its taste", "candidates[0]")
            case "error":
                return Verdict(Error(ErrorCode.INVALID_ARGUMENT, "ODD", "odd", "prompt"), note)
            case "broken":
                return Verdict(Error(ErrorCode.RESOURCE_EXHAUSTED, "OUT_OF_MEMORY", "full"), note)
            case "abstains":
                return Verdict(Abstention(AbstentionReason.REFUSED, "would rather not", "no"), note)
            case "unordered":
                return Verdict(Judgement(tuple(Score() for _ in item.candidates)), note)
            case "short":
                return Verdict(Judgement(()), note)
            case "nan":
                return Verdict(Judgement(tuple(Score(math.nan) for _ in item.candidates)), note)
            case "raises":
                raise KeyError("a bug")
        scores = (Score(float(one.text) + self._options.add) for one in item.candidates)
        return Verdict(Judgement(tuple(scores)), note)
