"""Questions to scores through the `Answerer`, so that all its rules hold here, too."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from mmjudge.contract.errors import Error, ErrorCode, ItemError
from mmjudge.contract.verdicts import Abstention
from mmjudge.contract.wire_items import item_to_proto
from mmjudge.contract.wire_verdicts import verdict_from_proto
from mmjudge.server.answering import Answerer
from mmjudge.server.deadlines import gather
from mmjudge.server.http.protocol import Question, Scored
from mmjudge.v1 import judge_pb2 as pb
from mmjudge.v1 import verdict_pb2


@dataclass(frozen=True, slots=True)
class Failure:
    """A question without a score, and why."""

    question: Question
    error: Error


class NotScored(Exception):
    """Some items have no score, so there is no reply that would not make one up."""

    def __init__(self, failures: Sequence[Failure]) -> None:
        super().__init__(f"{len(failures)} items were not scored")
        self.failures = failures


@dataclass(frozen=True, slots=True)
class Batch:
    """A serialized request to one judge, and which questions its items are."""

    data: bytes
    places: Sequence[int]


def batches(questions: Sequence[Question]) -> list[Batch]:
    """Encode one request a judge; raises `NotScored` for texts that UTF-8 cannot hold."""
    by_judge: dict[str, list[int]] = {}
    for place, question in enumerate(questions):
        by_judge.setdefault(question.judge, []).append(place)
    found: list[Batch] = []
    for judge, places in by_judge.items():
        request = pb.JudgeRequest(judges=[judge], want=pb.WANT_SCORE)
        for place in places:
            try:
                request.items.append(item_to_proto(questions[place].item))
            except ItemError as error:
                raise NotScored([Failure(questions[place], error.error)]) from error
        found.append(Batch(request.SerializeToString(), places))
    return found


async def score(
    answerer: Answerer, questions: Sequence[Question], requests: Sequence[Batch]
) -> list[Scored]:
    """Return the score of every question, in order.

    Raises `NotScored` if any has none, and what `Answerer.judge` raises.
    """
    responses = await gather(
        [asyncio.create_task(answerer.judge(request.data, None)) for request in requests]
    )
    scored: dict[int, Scored] = {}
    failures: dict[int, Failure] = {}
    for request, response in zip(requests, responses, strict=True):
        (result,) = response.results
        for place, verdict in zip(request.places, result.verdicts, strict=True):
            found = _value(verdict)
            if isinstance(found, Error):
                failures[place] = Failure(questions[place], found)
            else:
                scored[place] = Scored(found, result.fingerprint)
    if failures:
        raise NotScored([failures[place] for place in sorted(failures)])
    return [scored[place] for place in range(len(questions))]


def _value(verdict: verdict_pb2.Verdict) -> float | Error:
    outcome = verdict_from_proto(verdict).outcome
    if isinstance(outcome, Error):
        return outcome
    if isinstance(outcome, Abstention):
        message = f"the judge abstained: {outcome.message}"
        return Error(ErrorCode.INTERNAL, f"ABSTAINED_{outcome.reason.name}", message, outcome.field)
    (only,) = outcome.scores
    if only.value is None:
        return Error(ErrorCode.INTERNAL, "SCORE_MISSING", "the judge orders and does not score")
    return only.value
