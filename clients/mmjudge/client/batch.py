"""The unary way: every part is asked for as a whole, and the verdicts are put back in order."""

from collections.abc import Sequence
from functools import partial

from mmjudge.client.answers import Fingerprints, read_verdict
from mmjudge.client.calls import Call
from mmjudge.client.results import Verdicts
from mmjudge.client.retrying import retry
from mmjudge.client.splitting import in_order, in_whole_call
from mmjudge.contract import InvalidRequest, ServerFault, Timing
from mmjudge.contract.wire_verdicts import timing_from_proto
from mmjudge.v1 import judge_pb2 as pb


async def judge_batch(call: Call) -> list[Verdicts]:
    """Return the verdicts of each judge; raises the first `RequestError` of any part."""
    responses = await in_order([partial(_ask, call, part) for part in call.parts], call.in_flight)
    return [_join(call, number, responses) for number in range(len(call.judges))]


async def _ask(call: Call, part: range) -> pb.JudgeResponse:
    request = call.request(part)
    try:
        response = await retry(partial(call.transport.judge, request), call.retries, call.deadline)
    except InvalidRequest as error:
        raise in_whole_call(error, part) from error
    names = [result.judge for result in response.results]
    if names != list(call.judges):
        raise ServerFault(f"answers came from judges {names}, asked were {list(call.judges)}")
    for result in response.results:
        if len(result.verdicts) != len(part):
            raise ServerFault(
                f"judge {result.judge!r} gave {len(result.verdicts)} verdicts on {len(part)} items"
            )
    return response


def _join(call: Call, number: int, responses: Sequence[pb.JudgeResponse]) -> Verdicts:
    judge, fingerprints, timing = call.judges[number], Fingerprints(), Timing()
    verdicts = []
    for part, response in zip(call.parts, responses, strict=True):
        result = response.results[number]
        fingerprints.add(judge, result.fingerprint)
        timing = _longest(timing, timing_from_proto(result.timing))
        verdicts += [
            read_verdict(
                message, judge=judge, index=index, candidates=len(call.items[index].candidates)
            )
            for index, message in zip(part, result.verdicts, strict=True)
        ]
    return Verdicts(
        judge=judge,
        fingerprint=fingerprints[judge],
        verdicts=tuple(verdicts),
        item_ids=tuple(item.id for item in call.items),
        candidate_counts=tuple(len(item.candidates) for item in call.items),
        timing=timing,
    )


def _longest(one: Timing, other: Timing) -> Timing:
    return Timing(
        queue=max(one.queue, other.queue),
        preprocess=max(one.preprocess, other.preprocess),
        inference=max(one.inference, other.inference),
    )
