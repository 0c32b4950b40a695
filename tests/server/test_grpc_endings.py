"""How calls end early: deadlines, callers who leave, servers that load, stop or lose a device."""

import asyncio
import gc
import threading
from typing import Any

import grpc
import pytest
import torch
from grpc import StatusCode
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from tests.server.fakes import (
    GUARD,
    score_of,
    settle,
    text_item,
    until,
    within,
)
from tests.server.grpc_calls import (
    ITEMS,
    NOT_SERVING,
    SCORES,
    SERVICE,
    SERVING,
    WORDS,
    both,
    drained,
    health,
    hold,
    refused,
)
from tests.server.grpc_fixtures import (
    Peer,
    config,
    connected,
    operation,
    request,
    serving,
    stream,
    value,
)

from mmjudge.server.serving import Server
from mmjudge.v1 import judge_pb2 as pb

# Deadlines and cancellation


async def test_a_deadline_that_has_passed_is_exceeded(peer: Peer) -> None:
    for timeout in (0.0, 1e-9):
        for call in both(peer, request(ITEMS[0]), timeout=timeout):
            assert (await refused(call)).code() is StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize("method", [0, 1])
async def test_a_deadline_reached_in_the_queue_keeps_its_items_off_the_device(method: int) -> None:
    op = operation()
    async with serving(config()) as peer:
        held = await hold(peer, op)
        late = both(peer, request(*ITEMS), timeout=0.3)[method]
        both(peer, request())[1 - method].cancel()
        assert (await refused(late)).code() is StatusCode.DEADLINE_EXCEEDED
        await until(lambda: peer.pending == 1)
        op.gate.set()
        assert value((await within(held)).results[0].verdicts[0]) == score_of("held")
        assert value((await peer.judge(text_item("after")))[0]) == score_of("after")
    assert op.forwarded == ["example", "held", "after"]


@pytest.mark.parametrize("method", [0, 1])
async def test_a_client_who_leaves_takes_its_queued_items_along(method: int) -> None:
    op = operation()
    async with serving(config()) as peer:
        held = await hold(peer, op)
        calls = both(peer, request(*ITEMS))
        leaving, other = calls[method], calls[1 - method]
        other.cancel()
        await until(lambda: set(WORDS) <= set(op.prepared))
        leaving.cancel()
        await until(lambda: peer.pending == 1)
        op.gate.set()
        await within(held)
        assert value((await peer.judge(text_item("after")))[0]) == score_of("after")
        name = ["Judge", "JudgeStream"][method]
        await until(lambda: peer.requests(name, "CANCELLED") == 1)
    assert op.forwarded == ["example", "held", "after"]


async def test_items_shared_with_a_client_who_leaves_are_still_computed() -> None:
    op = operation()
    async with serving(config()) as peer:
        held = await hold(peer, op)
        leaving, staying = peer.stub.Judge(request(*ITEMS)), peer.stub.Judge(request(*ITEMS[:3]))
        await until(lambda: peer.pending == 1 + len(ITEMS) + 3)
        await until(lambda: set(WORDS) <= set(op.prepared))
        leaving.cancel()
        await until(lambda: peer.pending == 4)
        op.gate.set()
        await within(held)
        verdicts = (await within(staying)).results[0].verdicts
        assert [value(verdict) for verdict in verdicts] == SCORES[:3]
    assert sorted(op.forwarded) == ["example", "held", *WORDS[:3]]


# Streams


async def test_a_stream_gives_each_verdict_once(peer: Peer) -> None:
    found = await within(drained(peer.stub.JudgeStream(stream(request(*ITEMS)))))
    assert sorted(response.item_index for response in found) == list(range(len(ITEMS)))
    assert all(value(r.verdict) == SCORES[r.item_index] for r in found)
    assert {(r.judge_index, r.fingerprint) for r in found} == {(0, "fingerprint of fake")}
    assert peer.requests("JudgeStream", "OK") == 1


async def test_a_stream_does_not_keep_early_verdicts_for_late_ones() -> None:
    op = operation(items=1)
    async with serving(config()) as peer:
        held = await hold(peer, op)
        call = peer.stub.JudgeStream(stream(request(text_item("bad"), *ITEMS[:2])))
        first = await within(call.read())
        assert (first.item_index, first.verdict.error.reason) == (0, "TEXT_BAD")
        assert WORDS[0] not in op.forwarded
        op.gate.set()
        rest = [await within(call.read()), await within(call.read())]
        assert sorted(response.item_index for response in rest) == [1, 2]
        assert await within(call.read()) is grpc.aio.EOF
        await within(held)


async def test_leaving_a_stream_in_its_middle_withdraws_the_rest() -> None:
    op = operation(items=2)
    async with serving(config()) as peer:
        held = await hold(peer, op)
        call = peer.stub.JudgeStream(stream(request(text_item("bad"), *ITEMS)))
        await within(call.read())
        call.cancel()
        await until(lambda: peer.pending == 1)
        op.gate.set()
        await within(held)
        await peer.judge(text_item("after"))
    assert op.forwarded == ["example", "held", "after"]


# The life of a server


async def test_a_server_that_loads_refuses_and_is_not_healthy() -> None:
    op = operation()
    op.gate.clear()
    server = Server(config())
    starting = asyncio.create_task(server.start())
    await until(lambda: bool(op.forwards))
    async with connected(server) as peer:
        for call in [*both(peer, request(ITEMS[0])), peer.stub.ListJudges(pb.ListJudgesRequest())]:
            error = await refused(call)
            assert error.code() is StatusCode.UNAVAILABLE
            assert "loading" in (error.details() or "")
        assert [await health(peer, name) for name in ("", SERVICE, "fake")] == [NOT_SERVING] * 3
        op.gate.set()
        await within(starting)
        assert [await health(peer, name) for name in ("", SERVICE, "fake")] == [SERVING] * 3
        assert value((await peer.judge(ITEMS[0]))[0]) == SCORES[0]
        await within(server.stop(0))


async def test_the_health_of_what_is_not_hosted_is_not_found(peer: Peer) -> None:
    stub = health_pb2_grpc.HealthStub(peer.channel)
    error = await refused(stub.Check(health_pb2.HealthCheckRequest(service="faek")))
    assert error.code() is StatusCode.NOT_FOUND


async def test_reflection_lists_the_services_and_describes_them(peer: Peer) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(peer.channel)
    asked = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol=SERVICE),
    ]
    listed, described = await within(drained(stub.ServerReflectionInfo(iter(asked))))
    assert {service.name for service in listed.list_services_response.service} == {
        SERVICE,
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    assert described.file_descriptor_response.file_descriptor_proto


async def test_stopping_lets_running_requests_finish_and_refuses_new_ones() -> None:
    op = operation()
    server = Server(config())
    await within(server.start())
    async with connected(server) as peer:
        held = await hold(peer, op)
        queued = peer.stub.Judge(request(*ITEMS))
        await until(lambda: set(WORDS) <= set(op.prepared))
        stopping = asyncio.create_task(server.stop(1000))
        await settle()
        for call in [*both(peer, request(ITEMS[0])), peer.stub.ListJudges(pb.ListJudgesRequest())]:
            error = await refused(call)
            assert error.code() is StatusCode.UNAVAILABLE
            assert "stopping" in (error.details() or "")
        assert [await health(peer, name) for name in ("", SERVICE, "fake")] == [NOT_SERVING] * 3
        assert not stopping.done()
        op.gate.set()
        assert value((await within(held)).results[0].verdicts[0]) == score_of("held")
        verdicts = (await within(queued)).results[0].verdicts
        assert [value(verdict) for verdict in verdicts] == SCORES
        await within(stopping)


@pytest.mark.parametrize("method", [0, 1])
async def test_what_waits_when_grace_is_over_is_unavailable_and_no_client_hangs(
    method: int,
) -> None:
    op = operation(items=1)
    server = Server(config(prepare_threads=1))
    await within(server.start())
    async with connected(server) as peer:
        held = await hold(peer, op)
        # More than is prepared ahead of the device, so that some wait at every stage.
        waiting = [both(peer, request(item))[method] for item in ITEMS]
        whole = both(peer, request(*ITEMS))[method]
        await until(lambda: peer.pending is not None and peer.pending > 2 * len(ITEMS))
        stopping = asyncio.create_task(server.stop(0))
        errors = [await refused(call) for call in [*waiting, whole]]
        assert {error.code() for error in errors} == {StatusCode.UNAVAILABLE}
        assert {error.details() for error in errors} == {"the server is stopping"}
        assert not stopping.done()
        op.gate.set()
        # What ran is answered, even now.
        assert value((await within(held)).results[0].verdicts[0]) == score_of("held")
        await within(stopping)
    assert op.forwarded == ["example", "held"]


async def test_requests_that_are_still_read_when_grace_is_over_are_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = Server(config(prepare_threads=1))
    await within(server.start())
    answerer, gate, reading = server.engine.answerer, threading.Event(), threading.Event()
    read = answerer._read

    def slow(*arguments: Any) -> Any:
        reading.set()
        assert gate.wait(GUARD)
        return read(*arguments)

    monkeypatch.setattr(answerer, "_read", slow)
    async with connected(server) as peer:
        calls = [call for item in ITEMS for call in both(peer, request(item))]
        await until(lambda: reading.is_set() and server._service._running == len(calls))
        # Ending the threads blocks the loop until the one that reads is done.
        threading.Timer(0.1, gate.set).start()
        stopping = asyncio.create_task(server.stop(0))
        errors = [await refused(call) for call in calls]
        assert {error.code() for error in errors} == {StatusCode.UNAVAILABLE}
        # Said by the server, and not what gRPC makes of a connection that breaks.
        assert all("the server" in (error.details() or "") for error in errors)
        await within(stopping)


async def test_a_client_who_leaves_while_the_server_stops_is_no_trouble() -> None:
    op = operation()
    server = Server(config())
    await within(server.start())
    async with connected(server) as peer:
        held = await hold(peer, op)
        calls = both(peer, request(*ITEMS))
        await until(lambda: set(WORDS) <= set(op.prepared))
        stopping = asyncio.create_task(server.stop(1000))
        await settle()
        for call in calls:
            call.cancel()
        op.gate.set()
        response = await within(held)
        assert response.results[0].verdicts[0].HasField("judgement")
        await within(stopping)


async def test_a_lost_device_fails_every_request_from_then_on() -> None:
    op = operation(items=2)
    async with serving(config()) as peer:
        held = await hold(peer, op)
        calls = both(peer, request(*ITEMS))
        await until(lambda: set(WORDS[:6]) <= set(op.prepared))
        op.fault = lambda batch: torch.AcceleratorError("illegal address")
        op.gate.set()
        for call in [held, *calls, peer.stub.Judge(request(ITEMS[0]))]:
            error = await refused(call)
            assert error.code() is StatusCode.UNAVAILABLE
            assert "cpu" in (error.details() or "")
        assert await within(peer.server.device_lost()) == "cpu"
        gc.collect()  # failures that nobody looked at would be complained of now
        await settle()
    assert len(op.forwards) == 2
