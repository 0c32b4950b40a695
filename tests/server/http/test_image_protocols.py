"""Trainers of image generators over JSON: each called as its framework's client calls it."""

from typing import Any

import pytest
from tests.server.http.http_fixtures import REQUESTS_JSON, HttpPeer, base64, item_score

CAT, DOG = base64(b"cat"), base64(b"dog")


# Flow-Factory


def payload(prompt: list[str], image: list[str] | None, **given: Any) -> dict[str, Any]:
    """What `_build_payload` of Flow-Factory's client makes."""
    empty = {"video": None, "condition_images": None, "condition_videos": None, "kwargs": None}
    return {"prompt": prompt, "image": image, **empty} | given


async def test_flow_factory_is_told_a_reward_an_image(http: HttpPeer) -> None:
    reply = await http.post("/compute", payload(["one", "two"], [CAT, DOG]), REQUESTS_JSON)
    rewards = [item_score("one", candidate="<cat>"), item_score("two", candidate="<dog>")]
    assert (reply.status, reply.json) == (200, {"rewards": rewards})


async def test_flow_factory_s_condition_images_come_before_the_prompt(http: HttpPeer) -> None:
    reply = await http.post("/compute", payload(["one"], [CAT], condition_images=[[DOG, CAT]]))
    assert reply.json["rewards"] == [item_score("<dog>", "<cat>", "one", candidate="<cat>")]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (payload(["one"], None), "image"),
        (payload(["one"], [CAT, DOG]), "image"),
        (payload(["one"], [CAT], video=[[CAT]]), "video"),
        (payload(["one"], [CAT], condition_videos=[[[CAT]]]), "condition_videos"),
        (payload(["one"], [CAT], condition_images=[]), "condition_images"),
        (payload(["one"], ["not base64"]), "image[0]"),
        (payload(["one"], ["data:image/png,raw"]), "image[0]"),
        (payload(["one"], [3]), "image[0]"),  # type: ignore[list-item]
        (payload([None], [CAT]), "prompt[0]"),  # type: ignore[list-item]
    ],
)
async def test_flow_factory_s_wrong_fields_are_named(http: HttpPeer, body: Any, field: str) -> None:
    reply = await http.post("/compute", body)
    assert (reply.status, [one["field"] for one in reply.json["fields"]]) == (400, [field])


# UniRL


def turn(text: str, image: str | None, **given: Any) -> dict[str, Any]:
    return {"text": text, "image_b64": image} | given


def wire(*turns: dict[str, Any], rewards: Any = ("fake",), **given: Any) -> dict[str, Any]:
    """One entry of `requests` as UniRL's RemoteRewardBackend builds it."""
    identity = {
        "request_id": "r-1",
        "sample_id": "s-1",
        "group_id": None,
        "source_rank": 3,
        "policy_version": None,
        "scorer_version": None,
        "idempotency_key": "0" * 64,
    }
    return {
        "history": list(turns),
        "required_rewards": list(rewards),
        "metadata": None,
        **identity,
    } | given


def score(*requests: dict[str, Any], **given: Any) -> dict[str, Any]:
    return {"protocol_version": "1", "requests": list(requests)} | given


async def test_unirl_is_told_every_reward_by_its_judge_s_name(http: HttpPeer) -> None:
    both = wire(turn("one", CAT), rewards=["fake", "other"])
    reply = await http.post("/score", score(both, wire(turn("two", DOG), rewards=["other"])))
    one, two = item_score("one", candidate="<cat>"), item_score("two", candidate="<dog>")
    assert reply.status == 200
    assert reply.json["results"] == [
        {"fake": {"score": one}, "other": {"score": one}},
        {"other": {"score": two}},
    ]
    assert reply.json["errors"] == [{}, {}]


async def test_unirl_s_identities_are_echoed_with_the_fingerprint_of_a_lone_judge(
    http: HttpPeer,
) -> None:
    lone = wire(turn("one", CAT), scorer_version="fingerprint of fake")
    both = wire(turn("one", CAT), rewards=["fake", "other"])
    told = (await http.post("/score", score(lone, both))).json
    for sent, echoed in zip((lone, both), told["identities"], strict=True):
        for key in ("request_id", "sample_id", "group_id", "source_rank", "idempotency_key"):
            assert echoed[key] == sent[key]
    versions = [echoed["scorer_version"] for echoed in told["identities"]]
    assert versions == ["fingerprint of fake", None]
    wrong = wire(turn("one", CAT), scorer_version="another")
    reply = await http.post("/score", score(lone, wrong))
    assert reply.status == 400
    assert reply.json["fields"][0]["field"] == "requests[1].scorer_version"


async def test_unirl_s_editing_turns_become_a_prompt_with_the_condition(http: HttpPeer) -> None:
    edit = wire(turn("make it red", CAT), turn("make it red", DOG))
    talk = wire(turn("a cat", CAT), turn("now a dog", DOG))
    told = (await http.post("/score", score(edit, talk))).json["results"]
    assert [row["fake"]["score"] for row in told] == [
        item_score("<cat>", "make it red", candidate="<dog>"),
        item_score("<cat>", "a cat", "now a dog", candidate="<dog>"),
    ]


async def test_unirl_s_empty_batch_is_answered_with_one(http: HttpPeer) -> None:
    reply = await http.post("/score", score())
    assert (reply.status, reply.json["results"], reply.json["errors"]) == (200, [], [])


async def test_unirl_finds_its_rewards_in_the_health_and_the_list(http: HttpPeer) -> None:
    health = await http.get("/health")
    assert health.status == 200
    assert health.json["status"] == "ok" and set(health.json["rewards"]) == {"fake", "other"}
    assert (await http.get("/rewards")).json == {"rewards": ["fake", "other"]}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (score(wire(turn("a", CAT), rewards=["fak"])), "requests[0].required_rewards[0]"),
        (score(wire()), "requests[0].history"),
        (score(wire(turn("a", None))), "requests[0].history[0].image_b64"),
        (
            score(wire(turn("a", None, video_path="/a.mp4"))),
            "requests[0].history[0].video_path",
        ),
        (score(wire(turn("a", CAT)), grad_mode=True), "grad_mode"),
        (score(wire(turn("a", CAT)), protocol_version="2"), "protocol_version"),
        ({"requests": {}}, "requests"),
        ({}, "requests"),
    ],
)
async def test_unirl_s_wrong_fields_are_named(http: HttpPeer, body: Any, field: str) -> None:
    reply = await http.post("/score", body)
    assert (reply.status, [one["field"] for one in reply.json["fields"]]) == (400, [field])


async def test_unirl_s_failed_item_fails_the_request_and_is_no_reward_of_zero(
    http: HttpPeer,
) -> None:
    reply = await http.post("/score", score(wire(turn("one", CAT)), wire(turn("bad", DOG))))
    assert reply.status == 422
    assert [item["field"] for item in reply.json["items"]] == ["requests[1]"]
    assert "results" not in reply.json
