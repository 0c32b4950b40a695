"""What callers are told when there is no score: a status that fits, a reason, never a number."""

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from tests.server.fakes import FakeJudge, FakeOperation, until, within
from tests.server.grpc_fixtures import operation
from tests.server.http.http_fixtures import (
    HttpPeer,
    Reply,
    base64,
    http_config,
    item_score,
    serving_http,
)

from mmjudge.contract.errors import (
    DeadlineExceeded,
    Error,
    ErrorCode,
    InvalidRequest,
    ItemError,
    JudgeNotFound,
    Overloaded,
    Unavailable,
    Violation,
)
from mmjudge.contract.items import Ask, Item
from mmjudge.contract.verdicts import Abstention, AbstentionReason, Judgement, Score, Verdict

CAT = base64(b"cat")
# One good sample for each protocol, by path.
SAMPLES: Mapping[str, Any] = {
    "/get_reward": {"query": ["a b"], "prompts": ["a"], "labels": [""]},
    "/slime": {"prompt": "a", "response": "b", "label": ""},
    "/score": {
        "requests": [{"history": [{"text": "a", "image_b64": CAT}], "required_rewards": ["fake"]}]
    },
    "/classify": {"input": "b", "use_activation": False},
    "/v1/embeddings": {"input": "b"},
    "/compute": {"prompt": ["a"], "image": [CAT]},
    "/": {"images": [b"cat"], "prompts": ["a"], "metadata": {}},
}


def scores(value: Any) -> list[float]:
    """Every number in a body that a trainer could take for a score."""
    match value:
        case float():
            return [value]
        case dict():
            return [found for one in value.values() for found in scores(one)]
        case list():
            return [found for one in value for found in scores(one)]
        case _:
            return []


async def ask(http: HttpPeer, path: str) -> tuple[Reply, Any]:
    """Send the sample of a path; the reply and its decoded body."""
    if path == "/":
        reply = await http.pickle(SAMPLES[path])
        return reply, reply.pickled
    reply = await http.post(path, SAMPLES[path])
    return reply, reply.json


@dataclass
class Failing:
    """An answerer that raises."""

    error: Exception

    async def judge(self, data: bytes, timeout: float | None) -> Any:
        raise self.error


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (Overloaded("full", 2.3), 429, "3"),
        (Unavailable("device lost"), 503, "1"),
        (DeadlineExceeded("late"), 504, None),
        (JudgeNotFound("gone"), 404, None),
        (InvalidRequest(Violation("items", "5000 items")), 400, None),
        (KeyError("a secret of the server"), 500, None),
    ],
)
async def test_every_error_of_a_request_has_its_status_on_every_path(
    http: HttpPeer,
    error: Exception,
    status: int,
    retry_after: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert http.server.http
    http.server.http._service.answerer = Failing(error)  # type: ignore[assignment]
    for path in SAMPLES:
        reply, body = await ask(http, path)
        # verl gives up on any 4xx, and comes back after a 503.
        busy = status == 429 and path in ("/classify", "/v1/embeddings")
        assert reply.status == (503 if busy else status), path
        assert reply.headers.get("retry-after") == retry_after
        assert set(body) <= {"error", "reason", "fields"} and not scores(body)
        assert "secret" not in str(body)
        assert http.requests(path, reply.status) == 1
    assert ("a secret of the server" in caplog.text) == (status == 500)


class Outcome(FakeJudge):
    """Gives one outcome to all but the example."""

    outcome: Judgement | Abstention | Error = Judgement((Score(None),))

    async def judge(self, item: Item, ask: Ask) -> Verdict:
        if item is self.example:
            return await super().judge(item, ask)
        if isinstance(self.outcome, Error):
            raise ItemError(self.outcome)
        return Verdict(self.outcome)


def error(code: ErrorCode) -> Error:
    return Error(code, "REASON", "a message", "prompt[0].text")


@pytest.mark.parametrize(
    ("outcome", "status", "reason"),
    [
        (error(ErrorCode.INVALID_ARGUMENT), 422, "REASON"),
        (error(ErrorCode.NOT_FOUND), 422, "REASON"),
        (error(ErrorCode.RESOURCE_EXHAUSTED), 422, "REASON"),
        (error(ErrorCode.INTERNAL), 422, "REASON"),
        (error(ErrorCode.UNAVAILABLE), 503, "REASON"),
        (error(ErrorCode.DEADLINE_EXCEEDED), 504, "REASON"),
        (Abstention(AbstentionReason.REFUSED, "would not"), 422, "ABSTAINED_REFUSED"),
        (Abstention(AbstentionReason.UNPARSEABLE, "?"), 422, "ABSTAINED_UNPARSEABLE"),
        (Judgement((Score(float("nan")),)), 422, "SCORE_NOT_FINITE"),
        (Judgement((Score(None),)), 422, "SCORE_MISSING"),
        (Judgement(()), 422, "SCORE_COUNT"),
    ],
)
async def test_an_item_without_a_score_is_an_error_on_every_path(
    monkeypatch: pytest.MonkeyPatch, outcome: Any, status: int, reason: str
) -> None:
    monkeypatch.setattr(Outcome, "outcome", outcome)
    async with serving_http(http_config(kind=f"{__name__}:Outcome")) as http:
        for path in SAMPLES:
            reply, body = await ask(http, path)
            assert reply.status == status, path
            assert [(one["index"], one["reason"]) for one in body["items"]] == [(0, reason)]
            assert body["items"][0]["field"] in body["error"] and not scores(body)
            if isinstance(outcome, Error):
                assert body["items"][0]["part"] == "prompt[0].text"


async def test_bad_items_are_named_by_index_and_the_good_ones_make_no_reply(http: HttpPeer) -> None:
    body = {"prompt": ["one", "bad", "two", "bad too"], "image": [CAT] * 4}
    reply = await http.post("/compute", body)
    assert reply.status == 422
    assert [one["index"] for one in reply.json["items"]] == [1, 3]
    assert [one["field"] for one in reply.json["items"]] == ["image[1]", "image[3]"]
    assert "rewards" not in reply.json


async def test_of_many_bad_items_the_first_are_named(http: HttpPeer) -> None:
    reply = await http.post("/compute", {"prompt": ["bad"] * 50, "image": [CAT] * 50})
    assert [one["index"] for one in reply.json["items"]] == list(range(20))
    assert "and 49 more" in reply.json["error"]


async def test_a_text_that_utf_8_cannot_hold_is_that_item_s_error(http: HttpPeer) -> None:
    reply = await http.post("/compute", {"prompt": ["a", "\ud800"], "image": [CAT] * 2})
    assert (reply.status, reply.json["items"][0]["reason"]) == (422, "TEXT_NOT_UTF8")
    assert reply.json["items"][0]["index"] == 1


async def hold(http: HttpPeer, op: FakeOperation, prompt: str = "held") -> asyncio.Task[Reply]:
    """A request whose forward waits for `op.gate`."""
    op.gate.clear()
    before = len(op.forwards)
    task = asyncio.create_task(http.post("/slime", {"prompt": prompt, "response": "b"}))
    await until(lambda: len(op.forwards) > before)
    return task


async def test_a_full_queue_is_told_with_the_time_to_come_back() -> None:
    from mmjudge.server.config import QueueConfig

    op = operation("fake")
    async with serving_http(http_config(queue=QueueConfig(max_pending_items=1))) as http:
        held = await hold(http, op)
        reply, body = await ask(http, "/slime")
        assert reply.status == 429 and int(reply.headers["retry-after"]) >= 1
        assert body["reason"] == "Overloaded"
        op.gate.set()
        assert (await held).json == item_score("held", candidate="b")


async def test_bodies_count_as_work_while_they_are_read() -> None:
    from mmjudge.server.config import QueueConfig

    async with serving_http(http_config(queue=QueueConfig(max_pending_bytes=10_000))) as http:
        head = b"POST /slime HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        reader, writer = await asyncio.open_connection(*http.address.split(":"))
        writer.write(head + b"Content-Length: 9000\r\n\r\n{")
        await writer.drain()
        registry = http.server.engine.metrics.registry
        await until(lambda: registry.get_sample_value("mmjudge_pending_bytes") == 9000)
        response = "x" * 2000
        body = {"prompt": "a", "response": response}
        assert (await http.post("/slime", body)).status == 429
        writer.close()
        await writer.wait_closed()
        await until(lambda: registry.get_sample_value("mmjudge_pending_bytes") == 0)
        reply = await http.post("/slime", body)
        assert reply.json == item_score("a", candidate=response)


async def test_what_takes_too_long_is_ended_and_withdrawn() -> None:
    op = operation("fake")
    async with serving_http(http_config({"timeout": 0.2})) as http:
        held = await hold(http, op)  # which keeps the device busy
        reply, body = await ask(http, "/compute")
        assert (reply.status, body["reason"]) == (504, "DeadlineExceeded")
        await within(held)
        await until(lambda: http.grpc.pending == 0)
        op.gate.set()
        assert (await ask(http, "/slime"))[0].status == 200
    # What waited when its time was over was never computed.
    assert "A => <CAT>".lower() not in [text.lower() for text in op.forwarded]


async def test_what_nobody_waits_for_any_more_is_withdrawn() -> None:
    op = operation("fake")
    async with serving_http() as http:
        held = await hold(http, op)
        host, port = http.address.split(":")
        body = b'{"prompt": "gone", "response": "b"}'
        head = f"POST /slime HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n"
        with socket.create_connection((host, int(port))) as caller:
            caller.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n" + body)
            await until(lambda: http.grpc.pending == 2)
        await until(lambda: http.grpc.pending == 1)
        await until(lambda: http.requests("/slime", 499) == 1)
        op.gate.set()
        assert (await held).status == 200
    assert not [text for text in op.forwarded if "gone" in text]
