"""The pickled protocols, each called as its client calls it."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.server.http.http_fixtures import (
    AIOHTTP_BYTES,
    REQUESTS_BYTES,
    HttpPeer,
    http_config,
    item_score,
    serving_http,
)

CAT, DOG = b"cat", b"dog"


async def test_verl_omni_and_deepgen_are_told_scores(http: HttpPeer) -> None:
    body = {"images": [CAT], "prompts": ["one"], "metadata": {}}
    reply = await http.pickle(body, AIOHTTP_BYTES)
    assert (reply.status, reply.pickled) == (
        200,
        {"scores": [item_score("one", candidate="<cat>")]},
    )
    assert type(reply.pickled["scores"][0]) is float


async def test_flow_grpo_s_unified_reward_sends_its_prompts_as_an_array(http: HttpPeer) -> None:
    (prompts,) = np.array_split(["one", "two, longer"], 1)
    reply = await http.pickle({"images": [CAT, DOG], "prompts": prompts}, REQUESTS_BYTES)
    rewards = [item_score("one", candidate="<cat>"), item_score("two, longer", candidate="<dog>")]
    assert (reply.status, reply.pickled) == (200, {"outputs": rewards})


async def test_flow_grpo_s_deqa_sends_images_alone(http: HttpPeer) -> None:
    reply = await http.pickle({"images": [CAT, DOG]})
    rewards = [item_score(candidate="<cat>"), item_score(candidate="<dog>")]
    assert reply.pickled == {"outputs": rewards}


async def test_flow_grpo_s_geneval_is_told_the_score_under_every_name_it_reads(
    http: HttpPeer,
) -> None:
    samples = [{"tag": "two_object", "prompt": "one", "include": [{"class": "cat", "count": 1}]}]
    (split,) = np.array_split(np.array(samples, object), 1)
    body = {"images": [CAT], "meta_datas": list(split), "only_strict": True}
    told = (await http.pickle(body)).pickled
    rewards = [item_score("one", candidate="<cat>")]
    assert [told[key] for key in ("scores", "rewards", "strict_rewards")] == [rewards] * 3
    assert told["group_rewards"] == told["group_strict_rewards"] == {}


async def test_ddpo_s_bertscore_reward_is_told_the_score_as_recall(http: HttpPeer) -> None:
    body = {
        "images": [CAT, DOG],
        "queries": [["Answer concisely: what is going on in this image?"]] * 2,
        "answers": [["the image contains one"], ["the image contains two"]],
    }
    told = (await http.pickle(body)).pickled
    scores = np.array(told["recall"]).squeeze()  # as the client reads it
    assert scores.tolist() == [
        item_score("the image contains one", candidate="<cat>"),
        item_score("the image contains two", candidate="<dog>"),
    ]
    assert np.array(told["precision"]).shape == np.array(told["f1"]).shape == (2, 1)
    assert told["outputs"] == [[""], [""]]


async def test_ddpo_s_strict_reward_is_refused_for_it_would_find_zero_everywhere(
    http: HttpPeer,
) -> None:
    reply = await http.pickle({"images": [CAT], "queries": [["is it a cat?"]]})
    assert reply.status == 400
    assert "llava_bertscore" in reply.pickled["error"]


@pytest.mark.parametrize("protocol", range(6))
async def test_every_pickle_protocol_is_read(http: HttpPeer, protocol: int) -> None:
    body = {"images": [CAT], "prompts": np.array(["one"]), "metadata": {}}
    reply = await http.pickle(body, protocol=protocol)
    assert reply.pickled == {"scores": [item_score("one", candidate="<cat>")]}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "images"),
        ({"images": ["text"]}, "images[0]"),
        ({"images": [CAT], "prompts": ["a", "b"]}, "prompts"),
        ({"images": [CAT], "prompts": np.zeros(1)}, "prompts[0]"),
        ({"images": np.zeros((1, 2, 2, 3), np.uint8)}, "images"),
        ({"images": [CAT], "meta_datas": [{}]}, "meta_datas[0].prompt"),
        ([CAT], "body"),
    ],
)
async def test_wrong_fields_are_named(http: HttpPeer, body: Any, field: str) -> None:
    reply = await http.pickle(body)
    assert reply.status == 400
    assert [one["field"] for one in reply.pickled["fields"]] == [field]


async def test_a_failed_item_is_an_error_that_the_clients_raise(http: HttpPeer) -> None:
    body = {"images": [CAT, DOG], "prompts": ["one", "bad"], "metadata": {}}
    reply = await http.pickle(body, AIOHTTP_BYTES)
    # Not 500, which flow_grpo's and DDPO's sessions retry a thousand times.
    assert reply.status == 422
    assert "images[1]: TEXT_BAD" in reply.pickled["error"]
    assert "scores" not in reply.pickled and "outputs" not in reply.pickled


async def test_without_a_judge_there_is_no_pickle_endpoint() -> None:
    from mmjudge.server.http.config import HttpJudges

    async with serving_http(http_config({"judges": HttpJudges(slime="fake")})) as http:
        assert (await http.pickle({"images": []})).status == 404


async def test_real_jpegs_come_through_whole(http: HttpPeer) -> None:
    file = BytesIO()
    Image.effect_noise((32, 32), 50).convert("RGB").save(file, "JPEG")
    held = http.server.engine.answerer._images
    reply = await http.pickle({"images": [file.getvalue()], "prompts": ["bad"]})
    assert reply.status == 422  # after the image was held as it came
    assert held._held.bytes == len(file.getvalue())
