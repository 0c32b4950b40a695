"""JudgeService over a real channel: verdicts, refusals, deadlines, cancellation and the end."""

import asyncio
from collections.abc import Callable

import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc import StatusCode
from tests.server.fakes import (
    FakeJudge,
    score_of,
    text_item,
    until,
    within,
)
from tests.server.grpc_calls import (
    ITEMS,
    SCORES,
    WORDS,
    both,
    drained,
    hold,
    raw,
    refused,
)
from tests.server.grpc_fixtures import (
    Peer,
    config,
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
from mmjudge.v1 import judge_pb2 as pb


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
