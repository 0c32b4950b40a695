"""A chat endpoint that fails: what is tried again and how often, and what is said in the end."""

import asyncio
from typing import Any

import pytest
from tests.judges.chat_server import (
    ChatServer,
    Said,
    Waits,
    asking,
    chat_server,
    completion,
    question,
    until,
)

from mmjudge.contract.errors import Error, ErrorCode, ItemError
from mmjudge.judges.backbones.chat_retries import seconds_to_wait
from mmjudge.judges.backbones.generator import Generator, Sampling

NOW = 1_700_000_000.0


async def reply(generator: Generator) -> str:
    return (await generator.reply(question(), Sampling())).value.text


async def failure(server: ChatServer, waits: Waits | None = None, **settings: Any) -> Error:
    """The error that ends a question to this server."""
    async with asking(server, waits, **settings) as generator:
        with pytest.raises(ItemError) as caught:
            await reply(generator)
    return caught.value.error


@pytest.mark.parametrize(
    "said",
    [
        *(Said({"error": {"message": "later"}}, status) for status in (408, 409, 429, 500, 503)),
        Said(b"<html>Bad gateway</html>", 502),
        Said(b'{"choices": []}', cut=4),
        Said(b"", cut=0, headers={"content-length": "10"}),
        Said(b"no gzip", headers={"content-encoding": "gzip"}),
    ],
)
async def test_what_may_pass_is_tried_again(said: Said) -> None:
    waits = Waits()
    async with chat_server(said, said, completion()) as server:
        async with asking(server, waits, retries=2) as generator:
            assert await reply(generator) == "fine"
    assert len(server.requests) == 3
    assert server.requests[0] == server.requests[2]
    assert waits.slept == [0.5, 1.0]


async def test_waits_grow_to_a_limit_and_are_drawn_anew() -> None:
    waits = Waits(drawn=0.5)
    async with chat_server(Said(b"", 500)) as server:
        await failure(server, waits, retries=8)
    assert waits.slept == [0.25, 0.5, 1, 2, 4, 8, 15, 15]


@pytest.mark.parametrize("retries", [0, 1, 3])
async def test_attempts_are_bounded_and_told_with_the_last_failure(retries: int) -> None:
    async with chat_server(Said({"error": {"message": "out of order"}}, 503)) as server:
        error = await failure(server, retries=retries)
    assert len(server.requests) == retries + 1
    assert (error.code, error.reason) == (ErrorCode.UNAVAILABLE, "ENDPOINT_FAILED")
    assert error.message.endswith("the endpoint answered 503: out of order")
    assert (f"{retries + 1} attempts failed" in error.message) == (retries > 0)


async def test_an_endpoint_that_does_not_answer_in_time_is_asked_again_and_then_given_up() -> None:
    async with chat_server(Said(held=True)) as server:
        error = await failure(server, timeout=0.3, retries=1)
        await until(lambda: server.abandoned == len(server.requests) > 0)
    assert (error.code, error.reason) == (ErrorCode.UNAVAILABLE, "ENDPOINT_TIMEOUT")
    assert "2 attempts failed" in error.message and "within 0.3 s (timeout)" in error.message


async def test_an_endpoint_that_is_not_there_is_told() -> None:
    async with chat_server() as server:
        pass
    error = await failure(server, retries=1)
    assert (error.code, error.reason) == (ErrorCode.UNAVAILABLE, "ENDPOINT_FAILED")
    assert "2 attempts failed, the last: no answer from the endpoint: " in error.message


@pytest.mark.parametrize(
    ("header", "waited"),
    [
        ("7", 7.0),
        ("0.25", 0.25),
        ("3600", 60.0),
        ("-5", 0.0),
        ("nan", 0.0),
        ("inf", 60.0),
        ("soon", 0.0),
        ("", 0.0),
        ("Tue, 14 Nov 2023 22:13:30 GMT", 10.0),
        ("Tue, 14 Nov 2023 22:13:30 -0000", 10.0),
        ("Tue, 14 Nov 2023 22:13:10 GMT", 0.0),
        ("Fri, 14 Nov 2053 22:13:10 GMT", 60.0),
        ("Tue, 99 Nov 2023 22:13:10 GMT", 0.0),
    ],
)
def test_a_wait_that_is_asked_for_is_read_and_bounded(header: str, waited: float) -> None:
    assert seconds_to_wait(header, NOW) == waited


async def test_an_endpoint_is_left_alone_as_long_as_it_asks() -> None:
    waits = Waits()
    busy = Said(b"", 429, {"retry-after": "7"})
    async with chat_server(busy, busy, completion()) as server:
        async with asking(server, waits) as generator:
            assert await reply(generator) == "fine"
    assert waits.slept == [7.5, 8.0]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"error": {"message": "too\n long", "param": None}}, "too long"),
        ({"error": {"message": "bad", "param": "top_p"}}, "bad (parameter top_p)"),
        ({"error": "broken"}, "broken"),
        ({"object": "error", "message": "no such model"}, "no such model"),
        ({"detail": "no such field"}, "no such field"),
        ({"detail": [{"loc": ["body", "n"]}]}, '{"detail": [{"loc": ["body", "n"]}]}'),
        (b"plain words", "plain words"),
        (b"[1]", "[1]"),
    ],
)
async def test_a_refused_request_is_told_in_the_servers_words_and_not_sent_again(
    body: Any, told: str
) -> None:
    async with chat_server(Said(body, 404)) as server:
        error = await failure(server)
    assert (error.code, error.reason) == (ErrorCode.INVALID_ARGUMENT, "ENDPOINT_REFUSED_REQUEST")
    assert error.message == f"the endpoint refused the request with 404: {told}"
    assert len(server.requests) == 1


async def test_a_long_refusal_is_shortened() -> None:
    async with chat_server(Said(b"x" * 10_000, 400)) as server:
        error = await failure(server)
    assert error.message.endswith("xxx...") and len(error.message) < 400


OLD = Said({"error": {"message": "Unsupported parameter: 'max_tokens'"}}, 400)
NEW = Said({"detail": "Unexpected fields in the request: {'max_completion_tokens'}"}, 422)


async def test_the_limit_is_called_by_the_name_that_the_server_takes_from_then_on() -> None:
    async with chat_server(OLD, completion()) as server, asking(server) as generator:
        for _ in range(2):
            assert await reply(generator) == "fine"
    limits = [{name for name in request if name.startswith("max")} for request in server.requests]
    assert limits == [{"max_tokens"}, {"max_completion_tokens"}, {"max_completion_tokens"}]


async def test_a_limit_that_is_refused_by_either_name_is_told_as_the_first_was() -> None:
    async with chat_server(OLD, NEW, OLD, NEW) as server, asking(server) as generator:
        for _ in range(2):
            with pytest.raises(ItemError, match="Unsupported parameter: 'max_tokens'"):
                await reply(generator)
    limits = [{name for name in request if name.startswith("max")} for request in server.requests]
    assert limits == [{"max_tokens"}, {"max_completion_tokens"}] * 2


async def test_no_more_requests_are_in_flight_than_allowed() -> None:
    async with chat_server(Said(completion().body, held=True)) as server:
        async with asking(server, concurrency=3) as generator:
            tasks = [
                asyncio.create_task(generator.reply(question(f"question {i}"), Sampling()))
                for i in range(10)
            ]
            await until(lambda: server.running == 3)
            server.let_go.set()
            replies = await asyncio.gather(*tasks)
    assert [reply.value.text for reply in replies] == ["fine"] * 10
    assert (server.most_running, len(server.requests)) == (3, 10)


async def test_attempts_that_fail_leave_room_for_others() -> None:
    async with chat_server(Said(b"", 500)) as server, asking(server, concurrency=1) as generator:
        for _ in range(3):
            with pytest.raises(ItemError):
                await reply(generator)
    assert server.most_running == 1 and len(server.requests) == 15
