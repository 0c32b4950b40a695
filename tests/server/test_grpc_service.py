"""JudgeService over a real channel: verdicts, refusals, deadlines, cancellation and the end."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
import torch
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc import StatusCode
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from tests.server.fakes import (
    GUARD,
    FakeJudge,
    FakeOperation,
    score_of,
    settle,
    text_item,
    until,
    within,
)
from tests.server.grpc_fixtures import (
    PATH,
    Peer,
    config,
    connected,
    details,
    fields,
    operation,
    request,
    serving,
    stream,
    value,
)

from mmjudge.contract.images import EncodedImage, ImageDigest
from mmjudge.contract.items import Ask, Candidate, Item
from mmjudge.contract.verdicts import Verdict
from mmjudge.server.config import LimitsConfig, QueueConfig
from mmjudge.server.serving import Server
from mmjudge.v1 import judge_pb2 as pb

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE = "mmjudge.v1.JudgeService"
WORDS = [f"text {i}" for i in range(20)]
ITEMS = [text_item(word) for word in WORDS]
SCORES = [score_of(word) for word in WORDS]


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with serving() as it:
        yield it


async def refused(call: Any) -> grpc.aio.AioRpcError:
    """The error of a unary call, or of a stream that is read to its end."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        if isinstance(call, grpc.aio.UnaryStreamCall):
            await within(drained(call))
        else:
            await within(call)
    return raised.value


async def drained(call: Any) -> list[Any]:
    return [response async for response in call]


def both(peer: Peer, it: pb.JudgeRequest, **options: Any) -> list[Any]:
    """The request by both methods."""
    return [peer.stub.Judge(it, **options), peer.stub.JudgeStream(stream(it), **options)]


async def hold(peer: Peer, op: FakeOperation) -> Any:
    """A call whose forward waits for `op.gate`, so that what comes next queues up behind it."""
    op.gate.clear()
    before = len(op.forwards)
    call = peer.stub.Judge(request(text_item("held")))
    await until(lambda: len(op.forwards) > before)
    return call


def raw(peer: Peer, method: str, data: bytes) -> Any:
    """A call that sends these very bytes."""
    channel: Any = peer.channel
    open_ = channel.unary_unary if method == "Judge" else channel.unary_stream
    return open_(PATH + method)(data)


async def health(peer: Peer, service: str = "") -> int:
    stub = health_pb2_grpc.HealthStub(peer.channel)
    response = await within(stub.Check(health_pb2.HealthCheckRequest(service=service)))
    return int(response.status)


# Verdicts


async def test_verdicts_come_in_the_order_of_the_items(peer: Peer) -> None:
    response = await within(peer.stub.Judge(request(*ITEMS)))
    (result,) = response.results
    assert [value(verdict) for verdict in result.verdicts] == SCORES
    assert (result.judge, result.fingerprint) == ("fake", "fingerprint of fake")
    assert peer.requests("Judge", "OK") == 1


async def test_candidates_come_in_order_and_are_ranked_when_asked(peer: Peer) -> None:
    it = request(text_item("a", "b", "a"), want=2)
    (verdict,) = (await within(peer.stub.Judge(it))).results[0].verdicts
    assert [value(verdict, i) for i in range(3)] == [score_of(text) for text in "aba"]
    best = 1 if score_of("a") > score_of("b") else 2
    assert list(verdict.judgement.ranks) == ([1, 3, 1] if best == 1 else [2, 1, 2])


async def test_a_bad_item_is_an_error_among_good_verdicts(peer: Peer) -> None:
    bad, empty = text_item("bad one"), Item(id="no candidates")
    verdicts = await peer.judge(ITEMS[0], bad, ITEMS[1], empty, ITEMS[2])
    assert [value(verdicts[i]) for i in (0, 2, 4)] == SCORES[:3]
    assert [verdicts[i].error.reason for i in (1, 3)] == ["TEXT_BAD", "CANDIDATE_COUNT"]
    assert verdicts[3].error.field == "candidates"


async def test_one_upload_is_judged_by_several_judges_in_the_order_named() -> None:
    async with serving(config("a", "b", "c")) as peer:
        it = request(*ITEMS, judges=["c", "a"])
        response = await within(peer.stub.Judge(it))
        assert [result.judge for result in response.results] == ["c", "a"]
        for result in response.results:
            assert [value(verdict) for verdict in result.verdicts] == SCORES
        found = await within(drained(peer.stub.JudgeStream(stream(it))))
    told = {(r.judge_index, r.item_index): (r.fingerprint, value(r.verdict)) for r in found}
    assert len(found) == len(told) == 2 * len(ITEMS)
    assert told[1, 3] == ("fingerprint of a", SCORES[3])
    assert told[0, 4] == ("fingerprint of c", SCORES[4])


async def test_judges_over_one_backbone_compute_a_text_once() -> None:
    op = operation("shared")
    tables = {
        name: {"kind": config().judges["fake"]["kind"], "operation": "shared"} for name in "ab"
    }
    async with serving(config(judges=tables)) as peer:
        before = len(op.forwarded)
        await within(peer.stub.Judge(request(text_item("same"), judges=["a", "b"])))
    assert op.forwarded[before:] == ["same"]


async def test_a_digest_may_name_a_file_that_comes_later_in_the_request(peer: Peer) -> None:
    file = EncodedImage(b"a file")
    named = Item([ImageDigest(file.digest)], [Candidate(["first"])])
    missing = Item([ImageDigest(bytes(32))], [Candidate(["second"])])
    verdicts = await peer.judge(named, missing, Item([file], [Candidate(["third"])]))
    assert [value(verdicts[i]) for i in (0, 2)] == [score_of("first"), score_of("third")]
    assert verdicts[1].error.reason == "IMAGE_NOT_HELD"
    assert verdicts[1].error.field == "prompt[0].image.sha256"
    (later,) = await peer.judge(named)
    assert value(later) == score_of("first")


async def test_timing_is_told(peer: Peer) -> None:
    (result,) = (await within(peer.stub.Judge(request(*ITEMS)))).results
    assert result.timing.inference.ToNanoseconds() > 0
    (response,) = await within(drained(peer.stub.JudgeStream(stream(request(ITEMS[0])))))
    assert response.timing.inference.ToNanoseconds() > 0


async def test_what_is_hosted_is_listed() -> None:
    async with serving(config("b", "a", limits=LimitsConfig(max_items=7))) as peer:
        listed = await within(peer.stub.ListJudges(pb.ListJudgesRequest()))
    assert [info.name for info in listed.judges] == ["a", "b"]
    assert listed.limits.max_items == 7
    assert listed.judges[0].kind == "fake" and list(listed.judges[0].criteria) == ["charm", "truth"]


# Refusals


async def test_a_malformed_request_is_told_every_bad_field(peer: Peer) -> None:
    it = request(judges=["fake", "fake"], want=3)
    it.criteria.extend(["charm", "height"])
    for call in both(peer, it):
        error = await refused(call)
        assert error.code() is StatusCode.INVALID_ARGUMENT
        assert fields(error) == ["judges[1]", "items", "want", "criteria[1]"]
    assert peer.requests("Judge", "INVALID_ARGUMENT") == 1
    assert peer.requests("JudgeStream", "INVALID_ARGUMENT") == 1


@pytest.mark.parametrize("want", [0, 3, 4, 77])
async def test_an_unsupported_want_is_refused(peer: Peer, want: int) -> None:
    for call in both(peer, request(ITEMS[0], want=want)):
        error = await refused(call)
        assert (error.code(), fields(error)) == (StatusCode.INVALID_ARGUMENT, ["want"])


async def test_an_unknown_judge_is_not_found(peer: Peer) -> None:
    for call in both(peer, request(ITEMS[0], judges=["faek"])):
        error = await refused(call)
        assert error.code() is StatusCode.NOT_FOUND
        assert "'faek'" in (error.details() or "") and "fake" in (error.details() or "")
        assert details(error) == []


@pytest.mark.parametrize("count", [0, 10_000])
async def test_too_few_or_too_many_items_are_refused(peer: Peer, count: int) -> None:
    for call in both(peer, request(*[ITEMS[0]] * count)):
        error = await refused(call)
        assert (error.code(), fields(error)) == (StatusCode.INVALID_ARGUMENT, ["items"])


NOT_UTF8 = request(text_item("wxyz")).SerializeToString().replace(b"wxyz", b"\xff\xfe\xc0\x80")
CUT_SHORT = request(*ITEMS).SerializeToString()[:-3]


@pytest.mark.parametrize("data", [b"\xff" * 50, b"not a request", NOT_UTF8, CUT_SHORT])
@pytest.mark.parametrize("method", ["Judge", "JudgeStream"])
async def test_bytes_that_are_no_request_are_the_caller_s_mistake(
    peer: Peer, data: bytes, method: str
) -> None:
    if data == NOT_UTF8 and method == "JudgeStream":  # the request in a JudgeStreamRequest
        data = b"\x0a" + bytes([len(data)]) + data
    error = await refused(raw(peer, method, data))
    assert (error.code(), fields(error)) == (StatusCode.INVALID_ARGUMENT, ["request"])


async def test_a_message_over_the_limit_is_refused_and_the_next_is_answered() -> None:
    limits = LimitsConfig(max_message_bytes=100_000)
    async with serving(config(limits=limits)) as peer:
        for call in both(peer, request(text_item("x" * 200_000))):
            assert (await refused(call)).code() is StatusCode.RESOURCE_EXHAUSTED
        # A message at the limit may have some more around its items.
        (verdict,) = await peer.judge(text_item("x" * 100_000))
        assert value(verdict) == score_of("x" * 100_000)


def many_judges() -> pb.JudgeRequest:
    return request(ITEMS[0], judges=["fake"] * 20_000)


def long_criteria() -> pb.JudgeRequest:
    it = request(ITEMS[0])
    it.criteria.extend(["\u20ac" * 100_000] * 3)
    return it


def long_name() -> pb.JudgeRequest:
    return request(ITEMS[0], judges=["\u20ac" * 100_000])


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (many_judges, StatusCode.INVALID_ARGUMENT),
        (long_criteria, StatusCode.INVALID_ARGUMENT),
        (long_name, StatusCode.NOT_FOUND),
    ],
)
async def test_more_details_than_a_trailer_holds_still_arrive_as_the_right_error(
    peer: Peer, make: Callable[[], pb.JudgeRequest], code: StatusCode
) -> None:
    for call in both(peer, make()):
        error = await refused(call)
        assert error.code() is code, error
        found: list[Message] = details(error)
        if code is StatusCode.INVALID_ARGUMENT:
            assert fields(error)[0] in ("judges[1]", "criteria[0]")
        else:
            assert not found and "judges[0]" in (error.details() or "")


async def test_more_than_is_taken_on_is_refused_with_a_time_to_come_back() -> None:
    op = operation()
    async with serving(config(queue=QueueConfig(max_pending_items=3))) as peer:
        held = await hold(peer, op)
        queued = peer.stub.Judge(request(*ITEMS[:2]))
        await until(lambda: peer.pending == 3)
        for call in both(peer, request(ITEMS[2])):
            error = await refused(call)
            assert error.code() is StatusCode.RESOURCE_EXHAUSTED
            (retry,) = details(error)
            assert isinstance(retry, error_details_pb2.RetryInfo)
            assert 0 < retry.retry_delay.ToNanoseconds() <= 30 * 10**9
        op.gate.set()
        await within(held)
        await within(queued)
        await until(lambda: peer.pending == 0)
        assert value((await peer.judge(ITEMS[2]))[0]) == SCORES[2]
    assert WORDS[2] in op.forwarded and len(op.forwarded) == 1 + 1 + 2 + 1


async def test_a_fault_of_the_server_s_own_says_no_more_than_its_kind(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_(*_: object) -> None:
        raise KeyError("a secret of the server")

    monkeypatch.setattr(peer.server.engine.answerer, "_read", break_)
    for call in both(peer, request(ITEMS[0])):
        error = await refused(call)
        assert error.code() is StatusCode.INTERNAL
        assert "KeyError" in (error.details() or "") and "secret" not in (error.details() or "")
    assert "a secret of the server" in caplog.text


class Cancelling(FakeJudge):
    """Raises CancelledError on its own, as a library does whose task was cancelled."""

    async def judge(self, item: Item, ask: Ask) -> Verdict:
        """Cancelled, except for the example."""
        if item is not self.example:
            raise asyncio.CancelledError
        return await super().judge(item, ask)


async def test_a_judge_that_is_cancelled_by_itself_does_not_hang_its_client() -> None:
    async with serving(config(kind=f"{__name__}:Cancelling")) as peer:
        verdicts = await peer.judge(*ITEMS[:2])
        assert [verdict.error.reason for verdict in verdicts] == ["JUDGE_FAILED"] * 2


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
        await within(held)
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
