"""Rewards of samples: asked at once, in order, and never made up."""

import asyncio
import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.client.fake_service import refuse
from tests.rl.reward_service import RewardService

from mmjudge.client import Client, Limits
from mmjudge.client.errors import InvalidRequest, ItemAbstained, ItemFailed, JudgeNotFound
from mmjudge.rl import Reward, RewardMix

MakeReward = Callable[..., Reward]
PIXELS = np.full((4, 5, 3), 9, np.uint8)


def test_rewards_are_in_the_callers_order(reward: Reward) -> None:
    batch = reward.score_texts(["p", "q", "p"], ["a", "bb", "ccc"])
    assert batch.values.dtype == np.float32
    assert batch.floats() == [1, 2, 3]
    assert batch.parts["long"].tolist() == [1, 2, 3]
    assert batch.fingerprints == {"long": "long of the first"}
    assert (batch.failed, batch.failures, len(batch)) == ((), (), 3)


@given(st.lists(st.tuples(st.sampled_from("pqr"), st.integers(1, 40)), min_size=1, max_size=12))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_ragged_groups_in_any_order_keep_their_places(
    reward: Reward, drawn: list[tuple[str, int]]
) -> None:
    prompts, lengths = zip(*drawn, strict=True)
    batch = reward.score_texts(prompts, ["x" * length for length in lengths])
    assert batch.floats() == list(lengths)


def test_a_group_is_one_item_with_one_picture(reward: Reward, service: RewardService) -> None:
    pictures = [PIXELS, PIXELS.copy(), [PIXELS], np.zeros_like(PIXELS)]
    reward.score_texts(["p"] * 4, ["a", "bb", "ccc", "d"], pictures)
    (request,) = service.requests
    assert [len(item.candidates) for item in request.items] == [3, 1]
    assert [len(item.prompt) for item in request.items] == [2, 2]
    assert len(request.items[0].SerializeToString()) < 2 * PIXELS.nbytes + 100


def test_groups_obey_the_servers_limit(reward: Reward, service: RewardService) -> None:
    service.hosting = type(service.hosting)(
        service.hosting.judges, Limits(max_candidates=2), "0.1.0"
    )
    assert reward.score_texts(["p"] * 5, ["x" * n for n in range(1, 6)]).floats() == [1, 2, 3, 4, 5]
    assert [len(item.candidates) for item in service.requests[0].items] == [2, 2, 1]


def test_a_group_of_pictures_larger_than_a_message_gets_through(
    reward: Reward, service: RewardService
) -> None:
    service.hosting = type(service.hosting)(
        service.hosting.judges, Limits(max_message_bytes=500_000), "0.1.0"
    )
    made = np.stack([np.full((256, 256, 3), n, np.uint8) for n in (10, 20, 30, 40, 50)])
    assert reward.score_images(made, ["p"] * 5).floats() == [10, 20, 30, 40, 50]
    sizes = sorted(len(item.candidates) for r in service.requests for item in r.items)
    assert sizes == [1, 2, 2]
    assert max(request.ByteSize() for request in service.requests) < 500_000


def test_pictures_made_are_judged_by_their_prompts(reward: Reward, service: RewardService) -> None:
    made = np.stack([np.full((4, 5, 3), n, np.uint8) for n in (10, 20, 30)])
    assert reward.score_images(made, ["p", "q", "p"]).floats() == [10, 20, 30]
    (request,) = service.requests
    assert [item.prompt[0].text for item in request.items] == ["p", "q"]


def test_several_judges_are_asked_in_one_upload(
    make_reward: MakeReward, service: RewardService
) -> None:
    reward = make_reward({"long": 1.0, "hundredfold": 0.1})
    batch = reward.score_texts(["p"] * 2, ["a", "bb"])
    assert batch.values == pytest.approx([11, 22])
    assert batch.parts["hundredfold"].tolist() == [100, 200]
    assert [list(request.judges) for request in service.requests] == [["long", "hundredfold"]]
    assert batch.metrics["mmjudge/hundredfold/mean"] == 150
    assert batch.metrics["mmjudge/hundredfold/std"] == 50
    assert batch.metrics["mmjudge/reward/mean"] == pytest.approx(16.5)
    assert reward.metrics == batch.metrics


def test_the_servers_only_judge_needs_no_name(
    make_reward: MakeReward, service: RewardService
) -> None:
    service.hosting = RewardService("long").hosting
    assert make_reward(None).score_texts(None, ["abc"]).parts["long"].tolist() == [3]


def test_no_samples_are_no_rewards_and_no_question(reward: Reward, service: RewardService) -> None:
    batch = reward.score_texts([], [])
    assert batch.floats() == []
    assert batch.values.dtype == np.float32
    assert service.requests == []


def test_an_empty_completion_raises_and_names_its_sample(reward: Reward) -> None:
    with pytest.raises(ItemFailed, match="item 2 failed with TEXT_EMPTY.*never invented") as raised:
        reward.score_texts(["p", "q", "p", "p"], ["a", "b", "", "ccc"])
    assert raised.value.index == 2


def test_an_abstention_raises_too(reward: Reward) -> None:
    with pytest.raises(ItemAbstained, match="item 1 got no answer"):
        reward.score_texts(["p", "q"], ["a", "shy"])


def test_masked_failures_leave_the_others_their_rewards(
    make_reward: MakeReward, service: RewardService
) -> None:
    batch = make_reward(on_failure="mask").score_texts(
        ["p", "q", "p", "p", "r"], ["a", "bb", "", "dddd", "shy"]
    )
    assert batch.floats_or_none() == [1, 2, None, 4, None]
    assert [(f.index, f.judge, f.reason) for f in batch.failures] == [
        (2, "long", "TEXT_EMPTY"),
        (4, "long", "REFUSED"),
    ]
    assert batch.metrics["mmjudge/reward/failed"] == 2
    assert batch.metrics["mmjudge/reward/mean"] == pytest.approx(7 / 3)
    with pytest.raises(ValueError, match=r"samples \[2, 4\] have no reward"):
        batch.floats()
    assert [len(request.items) for request in service.requests] == [3, 3]


def test_a_sample_that_one_judge_of_a_mix_fails_has_no_reward(make_reward: MakeReward) -> None:
    mix = RewardMix({"long": 1.0, "short": 0.5})
    batch = make_reward(mix, on_failure="mask").score_texts(["p"] * 3, ["aa", "unfit", "cccc"])
    assert batch.floats_or_none() == [1, None, 2]
    assert batch.parts["long"].tolist() == [2, 5, 4]
    assert [(f.index, f.judge, f.reason) for f in batch.failures] == [(1, "short", "TEXT_UNFIT")]
    with pytest.raises(ItemFailed, match="item 1 .* from judge 'short'"):
        make_reward(mix).score_texts(["p"] * 3, ["aa", "unfit", "cccc"])


def test_a_server_that_cannot_be_asked_raises(reward: Reward, service: RewardService) -> None:
    service.script.append(refuse(grpc.StatusCode.NOT_FOUND, "no such judge"))
    with pytest.raises(JudgeNotFound):
        reward.score_texts(["p"], ["a"])
    service.script.append(refuse(grpc.StatusCode.INVALID_ARGUMENT, "no"))
    with pytest.raises(InvalidRequest):
        reward.score_texts(["p"], ["a"])
    assert reward.score_texts(["p"], ["a"]).floats() == [1]


def test_a_server_that_is_away_for_a_while_costs_nothing(
    reward: Reward, service: RewardService
) -> None:
    service.script.extend([refuse(grpc.StatusCode.UNAVAILABLE)] * 3)
    assert reward.score_texts(["p"], ["a"]).floats() == [1]
    assert len(service.requests) == 4


def test_a_batch_of_one_cannot_be_normalised_within_itself(
    make_reward: MakeReward, service: RewardService
) -> None:
    with pytest.raises(ValueError, match="always be 0: use normalise='running'"):
        make_reward(RewardMix({"long": 1.0}, "batch")).score_texts(["p"], ["a"])
    assert service.requests == []


def test_a_resumed_reward_goes_on_where_the_saved_one_was(make_reward: MakeReward) -> None:
    mix = RewardMix({"long": 1.0}, "running")
    saved, resumed = make_reward(mix), make_reward(mix)
    saved.score_texts(["p"] * 3, ["a", "bb", "ccc"])
    resumed.load_state_dict(json.loads(json.dumps(saved.state_dict())))
    assert resumed.score_texts(["p"], ["bb"]).floats() == [0.5]
    with pytest.raises(ValueError, match=r"judges \['long'\], this reward has \['short'\]"):
        make_reward(RewardMix({"short": 1.0})).load_state_dict(saved.state_dict())


def test_a_judge_that_changes_between_calls_is_told_of(
    reward: Reward, service: RewardService, caplog: pytest.LogCaptureFixture
) -> None:
    for generation in ("first", "second", "second"):
        service.generation = generation
        reward.score_texts(["p"], ["a"])
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "judge 'long' changed between two calls" in caplog.text


def test_many_threads_may_share_a_reward(make_reward: MakeReward) -> None:
    reward = make_reward(RewardMix({"long": 1.0}, {"long": "running"}))
    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(lambda n: reward.score_texts(["p"], ["x" * n]), range(1, 25)))
    assert [batch.parts["long"].tolist() for batch in batches] == [[n] for n in range(1, 25)]
    assert sorted(reward.state_dict()["normalisers"]["long"]) == list(range(1, 25))


async def test_coroutines_of_one_loop_do_not_wait_for_each_other(
    reward: Reward, service: RewardService
) -> None:
    async def meet(context: object) -> None:
        while service.peak < 3:
            await asyncio.sleep(0.001)

    service.script.extend([meet] * 3)
    batches = await asyncio.gather(*(reward.score_texts_async(["p"], ["x" * n]) for n in (1, 2, 3)))
    assert [batch.floats() for batch in batches] == [[1], [2], [3]]
    assert service.peak == 3


def test_event_loops_that_come_and_go_share_the_connection(
    reward: Reward, service: RewardService
) -> None:
    for n in (1, 2):
        made = np.full((1, 4, 5, 3), n, np.uint8)
        assert asyncio.run(reward.score_images_async(made, ["p"])).floats() == [n]
    assert service.listed == 1


def test_criteria_go_with_the_question(make_reward: MakeReward, service: RewardService) -> None:
    make_reward(criteria=["colour", "light"]).score_texts(["p"], ["a"])
    assert list(service.requests[0].criteria) == ["colour", "light"]


def test_a_client_of_the_callers_is_used_and_left_open(address: str) -> None:
    with Client(address) as client:
        reward = Reward(client, "long")
        assert reward.score_texts(["p"], ["a"]).floats() == [1]
        reward.close()
        assert reward.score_texts(["p"], ["bb"]).floats() == [2]
        client.list_judges()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on_failure": "nan"}, "on_failure is 'nan', expected 'raise' or 'mask'"),
        ({"held_out": "long"}, "held_out is 'long' and the policy is trained on"),
        ({"judges": None, "held_out": "watcher"}, "trained on the only judge"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    make_reward: MakeReward, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make_reward(**options)


def test_judges_without_weights_are_refused(make_reward: MakeReward) -> None:
    with pytest.raises(TypeError, match="judges is a list, expected a name, or weights by name"):
        make_reward(["long", "short"])


def test_a_trainer_that_cannot_mask_says_so(make_reward: MakeReward) -> None:
    make_reward().refuse_masking("ms-swift")
    with pytest.raises(ValueError, match="'mask', and ms-swift would count a sample"):
        make_reward(on_failure="mask").refuse_masking("ms-swift")
