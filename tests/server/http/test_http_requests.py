"""Requests that are refused before their meaning is looked at, and requests that meet."""

import asyncio
import json
from collections.abc import Mapping

import pytest
from tests.server.fakes import until
from tests.server.grpc_fixtures import operation
from tests.server.http.http_fixtures import (
    REQUESTS_JSON,
    HttpPeer,
    base64,
    http_config,
    item_score,
    serving_http,
)

from mmjudge.server.config import LimitsConfig

GOOD = json.dumps({"prompt": "a", "response": "b"}).encode()


async def test_callers_of_several_protocols_share_a_batch() -> None:
    op = operation("fake", items=8)
    async with serving_http() as http:
        op.gate.clear()
        before = len(op.forwards)
        held = asyncio.create_task(http.post("/slime", {"prompt": "held", "response": "b"}))
        await until(lambda: len(op.forwards) == before + 1)
        callers = [
            asyncio.create_task(http.post("/slime", {"prompt": "one", "response": "b"})),
            asyncio.create_task(http.post("/classify", {"input": "two"})),
            asyncio.create_task(
                http.post("/compute", {"prompt": ["three", "four"], "image": [base64(b"cat")] * 2})
            ),
            asyncio.create_task(http.pickle({"images": [b"cat"], "prompts": ["five"]})),
        ]
        await until(lambda: http.grpc.pending == 6 and len(op.prepared) >= 7)
        op.gate.set()
        replies = await asyncio.gather(held, *callers)
    assert [reply.status for reply in replies] == [200] * 5
    assert replies[3].json == {
        "rewards": [item_score(word, candidate="<cat>") for word in ("three", "four")]
    }
    assert len(op.forwards) == before + 2
    assert len(op.forwards[-1]) == 5


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"prompt": NaN}', "NaN is not a JSON number"),
        (b'{"prompt": -Infinity}', "Infinity is not a JSON number"),
        (b'{"prompt": 1e999}', "beyond what 64 bits hold"),
        (b'{"prompt": ' + b"9" * 5000 + b"}", "not JSON"),
        (b"\xff\xfe\xfa", "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"\x80\x04}.", "not JSON"),
    ],
)
async def test_what_is_no_json_is_the_caller_s_mistake(
    http: HttpPeer, body: bytes, told: str
) -> None:
    reply = await http.call("POST", "/slime", body, REQUESTS_JSON)
    assert reply.status == 400
    assert reply.json["fields"][0]["field"] == "body" and told in reply.json["error"]
    assert (await http.call("POST", "/slime", GOOD, REQUESTS_JSON)).status == 200


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/slime", {"Content-Type": "text/plain"}, 415),
        ("/slime", {}, 415),
        ("/slime", {"Content-Type": "application/octet-stream"}, 415),
        ("/slime", {**REQUESTS_JSON, "Content-Encoding": "gzip"}, 415),
        ("/slime", {**REQUESTS_JSON, "Origin": "http://127.0.0.1:8000"}, 403),
        ("/slime", {"Content-Type": "Application/JSON; charset=utf-8"}, 200),
        ("/", {"Content-Type": "text/plain;charset=UTF-8"}, 415),
        ("/", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ("/", {"Origin": "null"}, 403),
    ],
)
async def test_what_a_web_page_could_send_is_refused(
    http: HttpPeer, path: str, headers: Mapping[str, str], status: int
) -> None:
    assert (await http.call("POST", path, GOOD, headers)).status == status


async def test_a_body_over_the_limit_is_refused_and_the_next_is_answered() -> None:
    limits = LimitsConfig(max_message_bytes=10_000)
    async with serving_http(http_config(limits=limits)) as http:
        large = json.dumps({"prompt": "a", "response": "x" * 20_000}).encode()
        told = await http.call("POST", "/slime", large, REQUESTS_JSON)
        assert told.status == 413 and "max_message_bytes" in told.json["error"]
        # Chunked, it says nothing of its size beforehand.
        reader, writer = await asyncio.open_connection(*http.address.split(":"))
        writer.write(
            b"POST /slime HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(large), large)
        )
        assert b" 413 " in await asyncio.wait_for(reader.readline(), 30)
        writer.close()
        await writer.wait_closed()
        assert (await http.call("POST", "/slime", GOOD, REQUESTS_JSON)).status == 200


async def test_a_client_that_is_still_sending_is_told_the_status_all_the_same(
    http: HttpPeer,
) -> None:
    large = b"x" * 20_000_000  # more than the kernel takes off a sender's hands
    assert (await http.call("POST", "/slime", large)).status == 415
    assert http.server.http
    http.server.http._service.answerer = None
    told = await http.call("POST", "/slime", large, REQUESTS_JSON)
    assert (told.status, told.headers["retry-after"]) == (503, "1")


async def test_an_unknown_path_or_method_is_told_what_there_is(http: HttpPeer) -> None:
    missing, wrong = await http.post("/reward", {}), await http.get("/slime")
    assert (missing.status, wrong.status) == (404, 405)
    for reply in (missing, wrong):
        assert "POST /get_reward (openrlhf)" in reply.json["error"]
