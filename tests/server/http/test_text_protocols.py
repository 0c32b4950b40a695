"""Trainers of language models: each endpoint called as its framework's client calls it."""

from typing import Any

import pytest
from tests.server.http.http_fixtures import (
    AIOHTTP_JSON,
    HttpPeer,
    base64,
    http_config,
    item_score,
    serving_http,
)

CAT = f"data:image/png;base64,{base64(b'cat')}"


def get_reward(query: str, prompt: str, label: Any = "") -> dict[str, Any]:
    """What OpenRLHF's SingleTurnAgentExecutor sends for its one sample."""
    return {"query": [query], "prompts": [prompt], "labels": [label]}


# OpenRLHF


async def test_openrlhf_is_told_the_reward_of_the_response(http: HttpPeer) -> None:
    reply = await http.post("/get_reward", get_reward("who? me", "who?"), AIOHTTP_JSON)
    reward = item_score("who?", candidate=" me")
    assert (reply.status, reply.json) == (
        200,
        {"rewards": [reward], "scores": [reward], "extra_logs": {}},
    )


async def test_openrlhf_s_empty_lists_are_answered_with_empty_lists(http: HttpPeer) -> None:
    # With several URLs, all but the first are sent nothing, and its own server fails on that.
    reply = await http.post("/get_reward", {"query": [], "prompts": [], "labels": []}, AIOHTTP_JSON)
    assert (reply.status, reply.json) == (200, {"rewards": [], "scores": [], "extra_logs": {}})


@pytest.mark.parametrize("label", [None, ""])
async def test_an_empty_label_is_nothing(http: HttpPeer, label: str | None) -> None:
    reply = await http.post("/get_reward", get_reward("a b", "a", label))
    assert reply.json["rewards"] == [item_score("a", candidate=" b")]


async def test_a_label_that_is_a_text_is_a_reference(http: HttpPeer) -> None:
    reply = await http.post("/get_reward", get_reward("a b", "a", "data: none"))
    assert reply.json["rewards"] == [item_score("a", candidate=" b", reference="data: none")]


async def test_a_label_that_is_an_image_is_what_the_response_speaks_of(http: HttpPeer) -> None:
    reply = await http.post("/get_reward", get_reward("a b", "a", CAT))
    assert reply.json["rewards"] == [item_score("<cat>", "a", candidate=" b")]


async def test_a_query_that_does_not_begin_with_its_prompt_is_refused(http: HttpPeer) -> None:
    reply = await http.post("/get_reward", get_reward("<s>who? me", "who?"))
    assert reply.status == 400
    assert [one["field"] for one in reply.json["fields"]] == ["query[0]"]
    assert 'http.openrlhf_candidate = "query"' in reply.json["error"]


async def test_the_whole_query_is_judged_when_told_so_and_its_end_mark_is_cut() -> None:
    settings = {"openrlhf_candidate": "query", "end_of_text": ("<|im_end|>", "\n")}
    async with serving_http(http_config(settings)) as http:
        reply = await http.post("/get_reward", get_reward("<s>who? me<|im_end|>\n", "who?"))
        assert reply.json["rewards"] == [item_score(candidate="<s>who? me")]


async def test_ragged_lists_are_refused(http: HttpPeer) -> None:
    reply = await http.post("/get_reward", {"query": ["a", "b"], "prompts": ["a"], "labels": []})
    assert reply.status == 400
    assert reply.json["fields"][0] == {
        "field": "prompts",
        "message": "1 elements, query has 2",
    }


# slime


async def test_slime_is_told_a_bare_number(http: HttpPeer) -> None:
    body = {"prompt": "who?", "response": "me", "label": None}
    reply = await http.post("/slime", body, AIOHTTP_JSON)
    assert (reply.status, reply.json) == (200, item_score("who?", candidate="me"))


async def test_slime_s_prompt_may_be_chat_messages_with_images(http: HttpPeer) -> None:
    content = [
        {"type": "image", "image": CAT},
        {"type": "image_url", "image_url": {"url": CAT}},
        {"type": "text", "text": "what?"},
    ]
    messages = [{"role": "system", "content": "be"}, {"role": "user", "content": content}]
    reply = await http.post("/slime", {"prompt": messages, "response": "a cat", "label": "cat"})
    expected = item_score("be", "<cat>", "<cat>", "what?", candidate="a cat", reference="cat")
    assert reply.json == expected


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"response": "me"}, "prompt"),
        ({"prompt": "a"}, "response"),
        ({"prompt": "a", "response": 3}, "response"),
        ({"prompt": "a", "response": "b", "label": 3}, "label"),
        ({"prompt": 3, "response": "b"}, "prompt"),
        ({"prompt": [{"role": "user"}], "response": "b"}, "prompt[0].content"),
        (
            {"prompt": [{"content": [{"type": "audio"}]}], "response": "b"},
            "prompt[0].content[0].type",
        ),
        (
            {"prompt": [{"content": [{"type": "image", "image": "cat.png"}]}], "response": "b"},
            "prompt[0].content[0].image",
        ),
        ({"prompt": "a", "response": "b", "label": "sha256:xyz"}, "label"),
        ([], "body"),
        ("text", "body"),
    ],
)
async def test_slime_s_wrong_fields_are_named(http: HttpPeer, body: Any, field: str) -> None:
    reply = await http.post("/slime", body)
    assert (reply.status, [one["field"] for one in reply.json["fields"]]) == (400, [field])


async def test_files_may_be_named_only_under_the_image_roots(http: HttpPeer) -> None:
    reply = await http.post(
        "/slime", {"prompt": "a", "response": "b", "label": "file:///etc/hosts"}
    )
    assert reply.status == 422
    assert reply.json["items"][0]["reason"] == "URI_REFUSED"


# verl


async def test_verl_reads_the_last_probability_of_the_last_row(http: HttpPeer) -> None:
    chat = "user: who? assistant: me"
    body = {"model": "org/reward-model", "input": chat, "use_activation": False}
    reply = await http.post("/classify", body, AIOHTTP_JSON)
    assert reply.status == 200
    assert reply.json["data"][-1]["probs"][-1] == item_score(candidate=chat)


async def test_verl_reads_the_last_number_of_sglang_s_embedding(http: HttpPeer) -> None:
    reply = await http.post("/v1/embeddings", {"model": "m", "input": ["a", "b"]}, AIOHTTP_JSON)
    told = [row["embedding"] for row in reply.json["data"]]
    assert told == [[item_score(candidate="a")], [item_score(candidate="b")]]


async def test_an_activation_is_not_pretended(http: HttpPeer) -> None:
    reply = await http.post("/classify", {"input": "a", "use_activation": True})
    assert (reply.status, reply.json["fields"][0]["field"]) == (400, "use_activation")
