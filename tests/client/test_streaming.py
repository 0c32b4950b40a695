import asyncio
from contextlib import aclosing

import grpc
import pytest
from tests.client.conftest import QUICK
from tests.client.fake_service import (
    Context,
    FakeService,
    answer,
    bad_request,
    refuse,
    serve,
    verdict,
)
from tests.client.test_batch import numbers

from mmjudge.client import AsyncClient, Error, Item, PartSize
from mmjudge.client.calls import Call
from mmjudge.client.deadline import Deadline
from mmjudge.client.errors import InvalidRequest, ServerFault, Unavailable
from mmjudge.client.streaming import stream_batch
from mmjudge.v1 import judge_pb2 as pb

Code = grpc.StatusCode


def small_parts(address: str, in_flight: int = 4) -> AsyncClient:
    return AsyncClient(
        address, timeout=20, retries=QUICK, part_size=PartSize(items=3), in_flight=in_flight
    )


async def collect(
    client: AsyncClient, count: int, judges: list[str]
) -> dict[tuple[int, str], float]:
    found: dict[tuple[int, str], float] = {}
    async for index, judge, found_one in client.stream(numbers(count), judges=judges):
        assert (index, judge) not in found
        judgement = found_one.judgement
        assert judgement is not None and judgement.scores[0].value is not None
        found[index, judge] = judgement.scores[0].value
    return found


async def test_every_verdict_of_every_judge_once() -> None:
    service = FakeService("a", "b")
    async with serve(service) as (address, _), small_parts(address, in_flight=2) as client:
        found = await collect(client, 20, judges=["b", "a"])
    assert found == {(i, judge): float(i) for i in range(20) for judge in "ab"}
    assert len(service.requests) == 7 and service.peak == 2


async def test_failures_are_verdicts_too(client: AsyncClient) -> None:
    items = [*numbers(1), Item(["bad"], numbers(1)[0].candidates)]
    outcomes = {index: v.outcome async for index, _, v in client.stream(items)}
    assert isinstance(outcomes[1], Error)


@pytest.mark.parametrize("cut", range(6))
async def test_a_stream_that_breaks_off_is_asked_for_the_rest(cut: int) -> None:
    service = FakeService("a", "b")
    service.cut_streams.append(cut)
    async with serve(service) as (address, _), small_parts(address) as client:
        found = await collect(client, 3, judges=["a", "b"])
    assert found == {(i, judge): float(i) for i in range(3) for judge in "ab"}
    done = cut // 2
    assert [len(request.items) for request in service.requests] == [3, 3 - done]


async def test_gives_up_after_its_tries_with_what_it_has(
    service: FakeService, client: AsyncClient
) -> None:
    service.cut_streams.extend([1, 0, 0, 0, 0, 0])
    found = []
    with pytest.raises(Unavailable, match="cut"):
        async for index, _, _ in client.stream(numbers(3)):
            found.append(index)
    assert found == [2]
    assert len(service.requests) == 5


async def test_bad_fields_are_named_as_in_the_whole_call(
    service: FakeService, address: str
) -> None:
    details = bad_request(("request.items[0].prompt", "bad"))
    service.cut_streams.append(2)
    service.script.extend([answer, refuse(Code.INVALID_ARGUMENT, "bad", details)])
    async with small_parts(address, in_flight=1) as client:
        with pytest.raises(InvalidRequest) as caught:
            async for _ in client.stream(numbers(3)):
                pass
        assert caught.value.violations[0].field == "request.items[0].prompt"
        service.script.extend([answer, refuse(Code.INVALID_ARGUMENT, "bad", details)])
        with pytest.raises(InvalidRequest) as caught:
            async for _ in client.stream(numbers(6)):
                pass
        assert caught.value.violations[0].field == "request.items[3].prompt"


async def test_leaving_early_cancels_the_rest(service: FakeService, address: str) -> None:
    async def endless(context: Context) -> None:
        await asyncio.Event().wait()

    service.script.extend([answer, endless, endless])
    async with small_parts(address) as client:
        async with aclosing(client.stream(numbers(9))) as answers:
            async for _ in answers:
                while len(service.requests) < 3:
                    await asyncio.sleep(0.005)
                break
        async with asyncio.timeout(30):
            while service.running:
                await asyncio.sleep(0.005)
    assert len(service.requests) == 3


class Scripted:
    """A transport whose streams are these responses."""

    def __init__(self, *responses: pb.JudgeStreamResponse) -> None:
        self.responses = responses

    async def list_judges(self, timeout: float) -> pb.ListJudgesResponse:
        raise AssertionError("only streams are asked for")

    async def judge(self, request: pb.JudgeRequest, timeout: float) -> pb.JudgeResponse:
        raise AssertionError("only streams are asked for")

    async def judge_stream(self, request: pb.JudgeStreamRequest, timeout: float):  # type: ignore[no-untyped-def]
        for response in self.responses:
            yield response

    async def close(self) -> None: ...


def response(item: int, judge: int = 0, fingerprint: str = "f") -> pb.JudgeStreamResponse:
    asked = pb.Item(candidates=[pb.Candidate()])
    return pb.JudgeStreamResponse(
        item_index=item, judge_index=judge, verdict=verdict(asked, "a"), fingerprint=fingerprint
    )


@pytest.mark.parametrize(
    ("responses", "message"),
    [
        ([response(0)], r"ended without verdicts on items \[1\]"),
        ([response(2)], "judge_index 0 on item_index 2"),
        ([response(-1)], "item_index -1"),
        ([response(0, judge=1)], "judge_index 1 .*asked were 1 judges about 2 items"),
        ([response(0), response(1, fingerprint="g")], "changed in the middle"),
    ],
)
async def test_answers_that_do_not_fit_are_the_servers_fault(
    responses: list[pb.JudgeStreamResponse], message: str
) -> None:
    items = [pb.Item(candidates=[pb.Candidate()])] * 2
    call = Call(
        Scripted(*responses),
        pb.JudgeRequest(judges=["a"]),
        items,
        [range(0, 2)],
        Deadline(10),
        QUICK,
        4,
    )
    with pytest.raises(ServerFault, match=message):
        async for _ in stream_batch(call):
            pass


async def test_a_verdict_given_twice_is_passed_on_once() -> None:
    items = [pb.Item(candidates=[pb.Candidate()])] * 2
    transport = Scripted(response(0), response(0), response(1))
    call = Call(
        transport, pb.JudgeRequest(judges=["a"]), items, [range(0, 2)], Deadline(10), QUICK, 4
    )
    assert [index async for index, _, _ in stream_batch(call)] == [0, 1]
