import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from tests.client.conftest import QUICK
from tests.client.fake_service import (
    Context,
    FakeService,
    answer,
    bad_request,
    refuse,
    retry_info,
    serve,
)

from mmjudge.client import AsyncClient, Candidate, Item, PartSize, errors
from mmjudge.client.errors import InvalidRequest, Overloaded, ServerFault, Unavailable
from mmjudge.contract import Limits
from mmjudge.v1 import judge_pb2 as pb

Code = grpc.StatusCode


def numbers(count: int) -> list[Item]:
    return [Item([str(i)], [Candidate(["x"])], id=f"row {i}") for i in range(count)]


def small_parts(address: str, in_flight: int = 4) -> AsyncClient:
    return AsyncClient(
        address, timeout=20, retries=QUICK, part_size=PartSize(items=3), in_flight=in_flight
    )


async def test_parts_come_back_in_order_and_few_are_in_flight(
    service: FakeService, address: str
) -> None:
    async with small_parts(address, in_flight=2) as client:
        verdicts = await client.judge(numbers(20))
    assert verdicts.values.tolist() == list(range(20))
    assert verdicts.item_ids == tuple(f"row {i}" for i in range(20))
    assert sorted(len(request.items) for request in service.requests) == [2] + [3] * 6
    assert service.peak == 2
    assert verdicts.timing.queue == 3.0


async def test_by_the_bytes_a_server_takes() -> None:
    service = FakeService(limits=Limits(max_message_bytes=1000))
    async with serve(service, [("grpc.max_receive_message_length", 1000)]) as (address, _):
        async with AsyncClient(address) as client:
            items = [Item([str(i)], [Candidate(["x" * 300])]) for i in range(10)]
            assert (await client.judge(items)).values.tolist() == list(range(10))
            assert len(service.requests) == 4
            items[7] = Item([], [Candidate(["x" * 1000])])
            with pytest.raises(InvalidRequest, match=r"items\[7\]: 10\d\d bytes"):
                await client.judge(items)
    assert len(service.requests) == 4


async def test_one_upload_for_several_judges() -> None:
    service = FakeService("clip", "pick")
    async with serve(service) as (address, _), small_parts(address) as client:
        found = await client.judge(numbers(5), judges=["pick", "clip"])
    assert list(found) == ["pick", "clip"]
    assert {name: v.fingerprint for name, v in found.items()} == {
        "pick": "pick" * 8,
        "clip": "clip" * 8,
    }
    assert all(v.values.tolist() == [0, 1, 2, 3, 4] for v in found.values())
    assert [list(request.judges) for request in service.requests] == [["pick", "clip"]] * 2


async def test_a_part_that_fails_is_tried_again_alone(service: FakeService, address: str) -> None:
    service.script.extend([answer, refuse(Code.UNAVAILABLE), answer])
    async with small_parts(address, in_flight=1) as client:
        assert (await client.judge(numbers(9))).values.tolist() == list(range(9))
    firsts = [request.items[0].prompt[0].text for request in service.requests]
    assert firsts == ["0", "3", "3", "6"]


async def test_counts_of_tries(service: FakeService, client: AsyncClient) -> None:
    service.script.extend([refuse(Code.UNAVAILABLE)] * 9)
    with pytest.raises(Unavailable):
        await client.score(b"x", "1")
    assert len(service.requests) == 5
    service.script.clear()
    service.script.append(refuse(Code.INVALID_ARGUMENT))
    with pytest.raises(InvalidRequest):
        await client.score(b"x", "1")
    assert len(service.requests) == 6


async def test_a_wait_past_the_deadline_is_not_begun(
    service: FakeService, client: AsyncClient
) -> None:
    service.script.extend([refuse(Code.RESOURCE_EXHAUSTED, "full", retry_info(3600))] * 2)
    with pytest.raises(Overloaded, match="full") as caught:
        await client.score(b"x", "1")
    assert caught.value.retry_after == 3600
    assert len(service.requests) == 1


async def test_a_short_wait_is(service: FakeService, client: AsyncClient) -> None:
    service.script.append(refuse(Code.RESOURCE_EXHAUSTED, "full", retry_info(0.01)))
    assert (await client.score(b"x", "1")).values.tolist() == [1]
    assert len(service.requests) == 2


async def test_the_deadline_is_that_of_the_whole_call(service: FakeService, address: str) -> None:
    async def endless(context: Context) -> None:
        await asyncio.Event().wait()

    service.script.extend([answer, answer, endless])
    async with small_parts(address, in_flight=1) as client:
        with pytest.raises(errors.DeadlineExceeded):
            await client.judge(numbers(20), timeout=0.2)
    assert len(service.requests) == 3


async def test_bad_fields_are_named_as_in_the_whole_call(
    service: FakeService, address: str
) -> None:
    bad = refuse(Code.INVALID_ARGUMENT, "bad", bad_request(("items[1].candidates", "too many")))
    service.script.extend([answer, bad])
    async with small_parts(address, in_flight=1) as client:
        with pytest.raises(InvalidRequest) as caught:
            await client.judge(numbers(20))
    assert caught.value.violations[0].field == "items[4].candidates"
    assert len(service.requests) == 2


async def test_a_server_that_stops_in_the_middle(service: FakeService) -> None:
    async with serve(service) as (address, server), AsyncClient(address, retries=QUICK) as client:

        async def stop(context: Context) -> None:
            asyncio.get_running_loop().create_task(server.stop(None))
            await asyncio.Event().wait()

        await client.list_judges()
        service.script.append(stop)
        with pytest.raises(Unavailable, match=address):
            await client.score(b"x", "1")
        assert len(service.requests) == 1


def other_fingerprint(response: pb.JudgeResponse) -> None:
    response.results[0].fingerprint = "other"


def one_verdict_short(response: pb.JudgeResponse) -> None:
    del response.results[0].verdicts[0]


def another_judge(response: pb.JudgeResponse) -> None:
    response.results[0].judge = "other"


def no_judge(response: pb.JudgeResponse) -> None:
    del response.results[:]


def one_score_more(response: pb.JudgeResponse) -> None:
    response.results[0].verdicts[1].judgement.scores.add(value=1)


def no_outcome(response: pb.JudgeResponse) -> None:
    response.results[0].verdicts[1].Clear()


def bad_tensor(response: pb.JudgeResponse) -> None:
    response.results[0].verdicts[1].judgement.scores[0].spans.data = b"x"


@pytest.mark.parametrize(
    ("tweak", "message"),
    [
        (other_fingerprint, r"'clip' changed in the middle of the call.*clipclipclip to other"),
        (one_verdict_short, r"'clip' gave 2 verdicts on 3 items"),
        (another_judge, r"from judges \['other'\], asked were \['clip'\]"),
        (no_judge, r"from judges \[\]"),
        (one_score_more, r"'clip' scored 2 candidates of item 4, which has 1"),
        (no_outcome, r"'clip' on item 4 cannot be read: verdict without an outcome"),
        (bad_tensor, r"item 4 cannot be read: scores\[0\].spans"),
    ],
)
async def test_answers_that_do_not_fit_are_the_servers_fault(
    service: FakeService, address: str, tweak: Callable[[Any], None], message: str
) -> None:
    service.tweaks.extend([lambda response: None, tweak])
    async with small_parts(address, in_flight=1) as client:
        with pytest.raises(ServerFault, match=message):
            await client.judge(numbers(6))
