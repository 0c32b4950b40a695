"""TRL's reward function: called as TRL calls it, without TRL."""

import inspect
import pickle
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.rl.reward_service import RewardService

from mmjudge.contract import ItemFailed
from mmjudge.rl import Reward, RewardMix
from mmjudge.rl.trl import TrlReward, async_trl_reward

Make = Callable[..., Reward]
PIXELS = [np.full((4, 4, 3), value, np.uint8) for value in (0, 128)]


class Log:
    """What TRL keeps of a step's `log_metric` and `log_extra`."""

    def __init__(self) -> None:
        self.metrics: dict[str, float] = {}
        self.extra: dict[str, list[Any]] = {}

    def log_metric(self, name: str, value: float) -> None:
        self.metrics[name] = value

    def log_extra(self, column: str, values: list[Any]) -> None:
        self.extra[column] = values


def step(log: Log, completions: list[Any], **columns: Any) -> dict[str, Any]:
    """The keyword arguments of a step of groups of two, as TRL 1.16 passes them."""
    count = len(completions)
    return {
        "prompts": ["describe"] * count,
        "completions": completions,
        "completion_ids": [[1, 2]] * count,
        "photo": [PIXELS[i // 2] for i in range(count)],
        "trainer_state": SimpleNamespace(global_step=0),
        "log_extra": log.log_extra,
        "log_metric": log.log_metric,
        **columns,
    }


def test_each_completion_gets_its_reward_as_a_float(reward: Reward) -> None:
    rewards = TrlReward(reward, images="photo")(**step(Log(), ["one", "three", "seven", "x"]))

    assert rewards == [3.0, 5.0, 5.0, 1.0]
    assert all(type(value) is float for value in rewards)


def test_a_group_goes_as_one_item_with_its_image_once(
    reward: Reward, service: RewardService
) -> None:
    TrlReward(reward, images="photo")(**step(Log(), ["one", "three", "seven", "x"]))

    (request,) = service.requests
    assert [len(item.candidates) for item in request.items] == [2, 2]
    image, text = request.items[0].prompt
    assert image.HasField("image") and text.text == "describe"


def test_conversational_completions_are_read(reward: Reward) -> None:
    completions = [[{"role": "assistant", "content": text}] for text in ("one", "three")]
    prompts = [[{"role": "user", "content": "describe"}]] * 2

    found = TrlReward(reward, images="photo")(**step(Log(), completions, prompts=prompts))

    assert found == [3.0, 5.0]


def test_images_within_messages_serve_where_there_is_no_column(
    reward: Reward, service: RewardService
) -> None:
    content = [{"type": "image", "image": PIXELS[0]}, {"type": "text", "text": "describe"}]
    arguments = step(Log(), ["one", "three"], prompts=[[{"role": "user", "content": content}]] * 2)

    assert TrlReward(reward)(**arguments) == [3.0, 5.0]
    assert service.requests[0].items[0].prompt[0].HasField("image")


def test_a_column_that_is_not_there_is_named(reward: Reward) -> None:
    with pytest.raises(ValueError, match=r"images is 'pictures' .* columns are \['photo'\]"):
        TrlReward(reward, images="pictures")(**step(Log(), ["one", "two"]))
    with pytest.raises(ValueError, match=r"references is 'truth' .* \['photo'\]"):
        TrlReward(reward, images="photo", references="truth")(**step(Log(), ["one", "two"]))


def test_a_judge_of_text_alone_needs_no_images(reward: Reward, service: RewardService) -> None:
    assert TrlReward(reward, images=None)(**step(Log(), ["one", "three"])) == [3.0, 5.0]
    (text,) = service.requests[0].items[0].prompt
    assert text.text == "describe"


def test_it_goes_to_other_processes_with_its_name(reward: Reward) -> None:
    found = pickle.loads(pickle.dumps(TrlReward(reward, images="photo", name="clip")))

    assert found.__name__ == "clip"
    assert found(**step(Log(), ["one", "three"])) == [3.0, 5.0]
    found.reward.close()


def test_references_come_from_their_column(reward: Reward, service: RewardService) -> None:
    adapter = TrlReward(reward, images="photo", references="truth")

    adapter(**step(Log(), ["one", "three"], truth=["a cat", "a cat"]))

    assert service.requests[0].items[0].references[0].parts[0].text == "a cat"


def test_parts_and_monitors_are_logged(make_reward: Make) -> None:
    log = Log()
    mixed = make_reward(RewardMix({"long": 1.0, "hundredfold": 0.5}))

    TrlReward(mixed, images="photo")(**step(log, ["one", "three"]))

    assert log.extra == {"mmjudge/long": [3.0, 5.0], "mmjudge/hundredfold": [300.0, 500.0]}
    assert log.metrics["mmjudge/long/mean"] == 4.0
    assert log.metrics["mmjudge/reward/mean"] == 204.0
    assert "mmjudge/text/length" in log.metrics


def test_a_failure_raises_by_default(reward: Reward) -> None:
    with pytest.raises(ItemFailed, match="TEXT_EMPTY"):
        TrlReward(reward, images="photo")(**step(Log(), ["one", ""]))


def test_a_mask_is_refused_when_the_trainer_cannot_be_seen(make_reward: Make) -> None:
    adapter = TrlReward(make_reward(on_failure="mask"), images="photo")

    with pytest.raises(RuntimeError, match="the trainer cannot be seen"):
        adapter(**step(Log(), ["one", ""]))


def test_a_mask_is_refused_beside_another_reward_function(make_reward: Make) -> None:
    log = Log()
    log.reward_funcs = [1, 2]  # type: ignore[attr-defined]
    adapter = TrlReward(make_reward(on_failure="mask"), images="photo")

    with pytest.raises(RuntimeError, match="has 2 reward functions"):
        adapter(**step(log, ["one", ""]))


def test_a_mask_is_refused_in_a_trainer_that_is_not_known(make_reward: Make) -> None:
    log = Log()
    log.reward_funcs = [1]  # type: ignore[attr-defined]
    adapter = TrlReward(make_reward(on_failure="mask"), images="photo")

    with pytest.raises(RuntimeError, match="Log is not known to leave them out"):
        adapter(**step(log, ["one", ""]))


def test_its_name_is_what_trl_logs(reward: Reward) -> None:
    assert TrlReward(reward).__name__ == "mmjudge"
    assert TrlReward(reward, name="clip").__name__ == "clip"
    assert async_trl_reward(reward, name="clip").__name__ == "clip"


async def test_the_async_form_is_a_coroutine_function_with_the_same_rewards(
    reward: Reward,
) -> None:
    score = async_trl_reward(reward, images="photo")
    log = Log()

    assert inspect.iscoroutinefunction(score)
    assert await score(**step(log, ["one", "three"])) == [3.0, 5.0]
    assert log.extra == {"mmjudge/long": [3.0, 5.0]}
