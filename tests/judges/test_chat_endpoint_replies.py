"""What a chat endpoint's answers become: replies, probabilities, or errors, never made-up ones."""

import json
import math
from typing import Any

import numpy as np
import pytest
from tests.judges.chat_server import (
    Said,
    asking,
    chat_server,
    choice,
    completion,
    likeliest,
    question,
)

from mmjudge.contract.errors import Error, ErrorCode, ItemError
from mmjudge.judges.backbones.generator import Generator, Reply, Sampling

GREEDY = Sampling()


async def failure(generator: Generator, sampling: Sampling = GREEDY) -> Error:
    """The error of the item that asks for a reply."""
    with pytest.raises(ItemError) as caught:
        await generator.reply(question(), sampling)
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return caught.value.error


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        (completion("fine"), Reply("fine")),
        (completion(""), Reply("")),
        (completion("fine, bec", "length"), Reply("fine, bec", finished=False)),
        (completion("I", "content_filter"), Reply("I", refused=True)),
        (completion(None, "content_filter"), Reply("", refused=True)),
        (completion(None, refusal="I cannot."), Reply("I cannot.", refused=True)),
        (completion("fine", refusal=None), Reply("fine")),
        (completion("fine", refusal=""), Reply("fine")),
    ],
)
async def test_a_reply_says_how_it_ended(said: Said, reply: Reply) -> None:
    async with chat_server(said) as server, asking(server) as generator:
        assert (await generator.reply(question(), GREEDY)).value == reply


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (choice(), "no choices"),
        (choice("one"), "no choices"),
        (Said({"id": "1"}), "no choices"),
        (Said(b"[]"), "no choices"),
        (choice({"finish_reason": "stop"}), "no message"),
        (choice({"finish_reason": "stop", "message": "fine"}), "no message"),
        (completion(None), "no content in the message (finish_reason 'stop')"),
        (completion(None, "length"), "no content in the message (finish_reason 'length')"),
        (completion("fin", "abort"), "finish_reason 'abort', expected stop"),
        (completion("fine", None), "finish_reason None, expected stop"),
        (Said(b"<html>Welcome</html>", headers={"content-type": "text/html"}), "is no JSON"),
        (Said(b"\xff\xfe\x00"), "is no JSON"),
        (Said(b""), "is no JSON"),
        (Said(b"[" * 100_000), "is no JSON"),
        (Said(b'{"choices": [{"finish_reason": "stop", "mess'), "is no JSON, or not all of it"),
    ],
)
async def test_an_unusable_answer_is_an_error_that_shows_it_and_is_not_asked_for_again(
    said: Said, told: str
) -> None:
    async with chat_server(said) as server, asking(server) as generator:
        error = await failure(generator)
        assert (error.code, error.reason) == (ErrorCode.UNAVAILABLE, "ENDPOINT_FAILED")
        body = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
        assert told in error.message and repr(body.decode(errors="replace")[:20])[:-1] in (
            error.message
        )
        assert len(error.message) < 500 and len(server.requests) == 1


async def test_greedy_questions_send_no_seed_and_others_a_seed_for_each_sample() -> None:
    async with chat_server() as server, asking(server) as generator:
        await generator.reply(question(), Sampling(max_new_tokens=7, seed=40), 2)
        await generator.reply(question(), Sampling(temperature=0.5, seed=40), 2)
    messages = [{"role": "user", "content": "How good is it?"}]
    assert server.requests == [
        {"model": "tiny", "messages": messages, "temperature": 0, "max_tokens": 7},
        {
            "model": "tiny",
            "messages": messages,
            "temperature": 0.5,
            "seed": 42,
            "max_tokens": 512,
        },
    ]


async def chances(said: Said, *answers: str) -> Any:
    async with chat_server(said) as server, asking(server) as generator:
        found = (await generator.chances(question(), answers)).value
        assert found.dtype == np.float64
        (request,) = server.requests
        asked = (request["logprobs"], request["top_logprobs"], request["max_tokens"])
        assert asked == (True, 20, 1) and request["temperature"] == 1
    return found.tolist()


async def test_an_answers_chance_is_that_of_its_token_however_it_is_written() -> None:
    written = [("5", 0.25), (" 5", 0.125), ("\u01205", 0.0625), ("\u25815", 0.03125), ("4", 0.5)]
    said = likeliest(*((token, math.log(chance)) for token, chance in written))
    assert await chances(said, "5", "4", "3") == pytest.approx([0.46875, 0.5, 0.0], rel=1e-12)


async def test_a_token_counts_for_the_answer_that_it_alone_begins() -> None:
    written = [
        ("Ex", 0.25),
        ("Very", 0.125),
        (" ", 0.25),
        ("1", 0.125),
        ("", 0.0625),
        ("Bad!", 0.1),
    ]
    said = likeliest(*((token, math.log(chance)) for token, chance in written))
    answers = ("Excellent", "Very good", "Very bad", "1", "10", "Bad")
    assert await chances(said, *answers) == pytest.approx([0.25, 0, 0, 0.125, 0, 0], rel=1e-12)


async def test_chances_are_in_bounds_though_log_probabilities_are_rounded() -> None:
    assert await chances(likeliest(("Yes", 0.0), (" Yes", -9.0)), "Yes", "No") == [1.0, 0.0]
    assert await chances(likeliest(("Yes", -math.inf), ("No", 0)), "Yes", "No") == [0.0, 1.0]


@pytest.mark.parametrize("entry", ["Yes", {"token": "Yes"}, {"token": 3, "logprob": -1.0}])
async def test_log_probabilities_that_are_none_are_an_error(entry: Any) -> None:
    said = choice({"logprobs": {"content": [{"top_logprobs": [entry]}]}})
    with pytest.raises(ItemError, match="top_logprobs that are no tokens") as caught:
        await chances(said, "Yes")
    assert caught.value.error.reason == "ENDPOINT_FAILED"


@pytest.mark.parametrize("logprob", [math.nan, 0.5, math.inf])
async def test_log_probabilities_out_of_range_are_an_error(logprob: float) -> None:
    with pytest.raises(ItemError, match="top_logprobs that are no tokens"):
        await chances(likeliest(("Yes", logprob)), "Yes")


REFUSED = Said({"error": {"message": "'logprobs' is not supported", "param": "logprobs"}}, 400)


@pytest.mark.parametrize(
    "said",
    [
        completion("5"),
        choice({"message": {}, "logprobs": None}),
        choice({"message": {}, "logprobs": {"content": []}}),
        likeliest(),
        REFUSED,
        Said({"detail": "Unexpected fields: {'top_logprobs'}"}, 422),
    ],
)
async def test_an_endpoint_without_log_probabilities_is_told_with_what_works(said: Said) -> None:
    with pytest.raises(ItemError) as caught:
        await chances(said, "5")
    error = caught.value.error
    assert (error.code, error.reason) == (ErrorCode.INVALID_ARGUMENT, "LOGPROBS_MISSING")
    assert 'readout = "rating" or "choice" works' in error.message


async def test_likelihood_is_not_to_be_had_and_nothing_is_asked() -> None:
    async with chat_server() as server, asking(server) as generator:
        with pytest.raises(ItemError, match="first-token normalisation works") as caught:
            await generator.likelihood(question(), "Yes")
        assert caught.value.error.reason == "LOGPROBS_MISSING"
    assert not server.requests
