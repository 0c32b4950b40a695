"""A judge of words without weights: what each is worth is written beside it."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mmjudge.contract import (
    Ask,
    Candidate,
    Grid,
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
from mmjudge.judges.example import GREY_SQUARE
from mmjudge.judges.judge import Host

# Beyond the image on the left, as for an encoder that pads.
GRID = Grid(2, 4, (-0.5, 0.0, 1.0, 1.0))


@dataclass(frozen=True, slots=True)
class WordOptions:
    """grounded: whether it knows patches."""

    grounded: bool = True


@dataclass(frozen=True, slots=True)
class NoBackbone:
    """No settings."""


class FakeWordJudge:
    """Kind `tests.cli.fake_words:FakeWordJudge`: words of one letter are 0 by rule.

    Others are worth their length, less if they begin with "un"; the third is seen in the third
    patch and so on.
    """

    Options: ClassVar[type[Any]] = WordOptions
    Backbone: ClassVar[type[Any]] = NoBackbone

    def __init__(self, name: str, options: WordOptions, backbone: NoBackbone, host: Host) -> None:
        self._options = options
        self.info = JudgeInfo(
            name=name,
            kind="fake words",
            fingerprint=f"fingerprint of {name}",
            provenance={},
            wants=(Want.TOKEN_REWARDS,),
            reads=(Input.PROMPT_IMAGE, Input.CANDIDATE_TEXT),
        )
        (image,) = GREY_SQUARE.candidates[0].parts
        self.example = Item([image], [Candidate(["a grey square"])])

    async def judge(self, item: Item, ask: Ask) -> Verdict:
        """Reward the words of the only candidate."""
        (image,), (candidate,) = item.prompt, item.candidates
        assert not isinstance(image, str)
        text = candidate.text
        if not text.strip():
            raise invalid("TEXT_EMPTY", "expected words", "candidates[0]")
        found = list(re.finditer(r"\S+", text))
        spans = [(len(text[: m.start()].encode()), len(text[: m.end()].encode())) for m in found]
        values = [_reward(match[0]) for match in found]
        regions = [place % 8 if value else -1 for place, value in enumerate(values)]
        grounded = self._options.grounded and ask.regions
        score = Score(
            value=sum(values),
            spans=np.array(spans, np.int32),
            span_values=np.array(values, np.float32),
            regions=np.array(regions, np.int32) if grounded else None,
            grid=GRID if grounded else None,
        )
        return Verdict(Judgement((score,)), (Note("NOTED", "read [u]all[/]"),))


def _reward(word: str) -> float:
    if len(word) == 1:
        return 0.0
    return (len(word) - (12.0 if word.startswith("un") else 0.0)) / 8
