"""Judges without weights: what they do is in their configuration."""

import asyncio
import threading
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from mmjudge.contract import (
    Abstention,
    AbstentionReason,
    Ask,
    Candidate,
    Input,
    Item,
    JudgeInfo,
    Judgement,
    Note,
    Score,
    Verdict,
    Want,
)
from mmjudge.contract.errors import invalid
from mmjudge.judges.judge import Host

EXAMPLE = "example"


@dataclass(frozen=True, slots=True)
class FakeOptions:
    """What the judge does with an item, and with being loaded."""

    act: Literal["score", "abstain", "fail", "wait"] = "score"
    load: Literal["at once", "never", "noisily", "crash"] = "at once"


@dataclass(frozen=True, slots=True)
class NoBackbone:
    """No settings."""


class FakeJudge:
    """Kind `tests.cli.fakes:FakeJudge`: scores by the length of the texts, exactly in float32."""

    Options: ClassVar[type[Any]] = FakeOptions
    Backbone: ClassVar[type[Any]] = NoBackbone

    def __init__(self, name: str, options: FakeOptions, backbone: NoBackbone, host: Host) -> None:
        match options.load:
            case "never":
                threading.Event().wait()
            case "noisily":
                make_noise()
            case "crash":
                raise RuntimeError("a defect of the judge's")
        self._act = options.act
        self.info = JudgeInfo(
            name=name,
            kind="fake",
            fingerprint=f"fingerprint of {name}",
            provenance={},
            wants=(Want.SCORE,),
            reads=(Input.PROMPT_TEXT,),
            range=(0.0, None),
            description="the [bold]length[/] of the texts",
            caution="of no use",
        )
        self.example = Item(prompt=[EXAMPLE], candidates=[Candidate([EXAMPLE])])

    async def judge(self, item: Item, ask: Ask) -> Verdict:
        """Score, abstain, fail or wait for ever."""
        match "score" if list(item.prompt) == [EXAMPLE] else self._act:
            case "abstain":
                return Verdict(Abstention(AbstentionReason.REFUSED, "I [i]will[/] not say"))
            case "fail":
                raise invalid("TEXT_DULL", "a dull text", "prompt[0]")
            case "wait":
                await asyncio.Event().wait()
        prompt = sum(len(part) for part in item.prompt if isinstance(part, str))
        scores = tuple(Score((prompt + len(c.text)) / 64) for c in item.candidates)
        return Verdict(Judgement(scores), (Note("NOTED", "counted [u]all[/]"),))


def make_noise() -> None:
    """Do what libraries do while they are imported and load weights."""
    import logging
    import warnings

    warnings.warn("this will change", FutureWarning, stacklevel=1)
    logging.getLogger("transformers").info("library at work")
