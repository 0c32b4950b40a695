import asyncio

import grpc
import pytest
from tests.client.fake_service import Context, FakeService, refuse, serve

from mmjudge.client.grpc_transport import GrpcTransport
from mmjudge.contract import DeadlineExceeded, InvalidRequest, Unavailable
from mmjudge.v1 import judge_pb2 as pb

REQUEST = pb.JudgeRequest(judges=["clip"], items=[pb.Item(id="x")])


async def endless(context: Context) -> None:
    await asyncio.Event().wait()


async def test_messages_of_more_than_4_mib_both_ways(service: FakeService, address: str) -> None:
    transport = GrpcTransport(address)
    request = pb.JudgeRequest(judges=["clip"], items=[pb.Item(id="x" * 9_000_000)])

    def grow(response: pb.JudgeResponse) -> None:
        response.results[0].fingerprint = "y" * 9_000_000

    service.tweaks.append(grow)
    response = await transport.judge(request, 10)
    assert len(response.results[0].fingerprint) == 9_000_000
    assert service.requests == [request]
    await transport.close()


async def test_grpcs_own_limit_refuses_as_too_large(service: FakeService) -> None:
    async with serve(service, [("grpc.max_receive_message_length", 1000)]) as (address, _):
        transport = GrpcTransport(address)
        with pytest.raises(InvalidRequest, match="message was too large"):
            await transport.judge(pb.JudgeRequest(items=[pb.Item(id="x" * 2000)]), 10)
        await transport.close()


async def test_grpc_itself_does_not_retry(service: FakeService, address: str) -> None:
    transport = GrpcTransport(address)
    service.script.append(refuse(grpc.StatusCode.UNAVAILABLE))
    with pytest.raises(Unavailable):
        await transport.judge(REQUEST, 10)
    assert len(service.requests) == 1
    await transport.close()


async def test_metadata_goes_with_every_call(service: FakeService, address: str) -> None:
    transport = GrpcTransport(address, metadata=[("authorization", "Bearer abc")])
    await transport.judge(REQUEST, 10)
    async for _ in transport.judge_stream(pb.JudgeStreamRequest(request=REQUEST), 10):
        pass
    assert [m["authorization"] for m in service.metadata] == ["Bearer abc"] * 2
    await transport.close()


async def test_a_slow_answer_misses_the_deadline(service: FakeService, address: str) -> None:
    transport = GrpcTransport(address)
    service.script.extend([endless, endless])
    with pytest.raises(DeadlineExceeded):
        await transport.judge(REQUEST, 0.05)
    with pytest.raises(DeadlineExceeded):
        async for _ in transport.judge_stream(pb.JudgeStreamRequest(request=REQUEST), 0.05):
            pass
    await transport.close()


async def test_credentials_make_it_speak_tls(address: str) -> None:
    transport = GrpcTransport(address, credentials=grpc.ssl_channel_credentials())
    with pytest.raises(Unavailable):  # the fake server does not
        await transport.list_judges(5)
    await transport.close()


async def test_nobody_listening() -> None:
    transport = GrpcTransport("127.0.0.1:1")
    with pytest.raises(Unavailable, match="127.0.0.1:1.*does an mmjudge server listen there"):
        await transport.list_judges(5)
    await transport.close()


async def test_cancelling_reaches_the_server(service: FakeService, address: str) -> None:
    transport = GrpcTransport(address)
    service.script.append(endless)
    task = asyncio.create_task(transport.judge(REQUEST, 10))
    while not service.running:
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    while service.running:
        await asyncio.sleep(0.005)
    await transport.close()


async def test_closing_ends_the_calls_still_running(service: FakeService, address: str) -> None:
    transport = GrpcTransport(address)
    service.script.append(endless)
    task = asyncio.create_task(transport.judge(REQUEST, 10))
    while not service.running:
        await asyncio.sleep(0.005)
    await transport.close()
    with pytest.raises(RuntimeError, match="closed while the call was running"):
        await task
    with pytest.raises(RuntimeError, match="client is closed: make a new one"):
        await transport.list_judges(1)
    await transport.close()


async def test_another_event_loop_is_refused(address: str) -> None:
    transport = GrpcTransport(address)
    await transport.list_judges(10)
    with pytest.raises(RuntimeError, match="belongs to the event loop of its first call"):
        await asyncio.to_thread(lambda: asyncio.run(transport.list_judges(10)))
    await transport.close()


def test_urls_are_no_addresses() -> None:
    with pytest.raises(ValueError, match=r"'http://host:1' is a URL, expected 'host:port'"):
        GrpcTransport("http://host:1")
