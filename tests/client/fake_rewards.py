"""A judge of spans behind a transport of its own: rewards are what the spans' texts say."""

from collections.abc import AsyncIterator

import numpy as np
from numpy.typing import NDArray

from mmjudge.contract import (
    Abstention,
    AbstentionReason,
    Candidate,
    EncodedImage,
    Grid,
    Hosting,
    Input,
    Item,
    ItemError,
    JudgeInfo,
    Judgement,
    Limits,
    Note,
    Score,
    Verdict,
    Want,
)
from mmjudge.contract.errors import invalid
from mmjudge.contract.wire_hosting import hosting_to_proto
from mmjudge.contract.wire_items import item_from_proto
from mmjudge.contract.wire_verdicts import verdict_to_proto
from mmjudge.v1 import judge_pb2 as pb

GRID = Grid(2, 3, (0.0, 0.125, 1.0, 0.875))


def info(name: str, *wants: Want) -> JudgeInfo:
    """What a judge that gives `wants` says of itself."""
    return JudgeInfo(name, "fake", name * 8, {}, wants, (Input.PROMPT_IMAGE, Input.SPANS))


def reward(text: str) -> float:
    """The reward of a span: its length, less 1 for what is no letter."""
    return float(len(text)) - (not text.strip().isalpha())


def words(text: str) -> NDArray[np.int32]:
    """Spans of the words of `text`, what the judge finds itself."""
    spans, start = [], 0
    for word in text.split():
        start = text.index(word, start)
        end = start + len(word)
        spans.append((len(text[:start].encode()), len(text[:end].encode())))
        start = end
    return np.array(spans, np.int32).reshape(-1, 2)


class FakeRewards:
    """A transport to a judge of spans; keeps the items it was asked about.

    A candidate of "bad" or of nothing is refused, and its item with it; "shy" gets an abstention,
    "note" a note.
    """

    def __init__(self, *judges: JudgeInfo, limits: Limits | None = None) -> None:
        hosted = judges or (info("fisao", Want.TOKEN_REWARDS), info("csr", Want.STEP_REWARDS))
        self.limits = limits or Limits()
        self.hosting = Hosting({judge.name: judge for judge in hosted}, self.limits, "0")
        self.asked: list[Item] = []
        self.requests: list[pb.JudgeRequest] = []
        self.own_spans = False
        self.fingerprint = "f00d"

    async def list_judges(self, timeout: float) -> pb.ListJudgesResponse:
        return hosting_to_proto(self.hosting)

    async def judge(self, request: pb.JudgeRequest, timeout: float) -> pb.JudgeResponse:
        self.requests.append(request)
        (name,) = request.judges
        verdicts = [verdict_to_proto(self._verdict(item, request)) for item in request.items]
        result = pb.JudgeResult(judge=name, fingerprint=self.fingerprint, verdicts=verdicts)
        return pb.JudgeResponse(results=[result])

    def judge_stream(
        self, request: pb.JudgeStreamRequest, timeout: float
    ) -> AsyncIterator[pb.JudgeStreamResponse]:
        raise AssertionError("rewards are asked for in one call, never streamed")

    async def close(self) -> None:
        pass

    def _verdict(self, message: pb.Item, request: pb.JudgeRequest) -> Verdict:
        try:
            item = item_from_proto(message, self.limits)
        except ItemError as error:
            return Verdict(error.error)
        self.asked.append(item)
        assert isinstance(item.prompt[0], EncodedImage)
        scores, notes = [], []
        for i, candidate in enumerate(item.candidates):
            match candidate.text:
                case "bad" | "":
                    return Verdict(invalid("TEXT_DULL", "dull", f"candidates[{i}]").error)
                case "shy":
                    return Verdict(Abstention(AbstentionReason.REFUSED, "I won't"))
                case "note":
                    notes.append(Note("NOTED", "noted", f"candidates[{i}].parts[0]"))
            scores.append(self._score(candidate, request.options.regions))
        return Verdict(Judgement(tuple(scores)), tuple(notes))

    def _score(self, candidate: Candidate, regions: bool) -> Score:
        text = candidate.text.encode()
        spans = candidate.spans
        if spans is None or self.own_spans:
            spans = words(candidate.text)
        values = np.array([reward(text[a:b].decode()) for a, b in spans], np.float32)
        if candidate.log_probs is not None:
            values += candidate.log_probs
        patches = np.arange(len(spans), dtype=np.int32) % (GRID.rows * GRID.columns)
        return Score(
            value=float(values.sum()),
            spans=spans,
            span_values=values,
            regions=patches if regions else None,
            grid=GRID if regions else None,
        )
