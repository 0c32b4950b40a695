"""slime's custom reward function: awaited as its rm_hub does."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from tests.cli.conftest import CHELSEA
from tests.rl.reward_service import RewardService

from mmjudge.contract import ItemFailed
from mmjudge.rl import Reward, RewardMix
from mmjudge.rl.slime import custom_rm

Make = Callable[..., Reward]
ARGS = SimpleNamespace(reward_key=None)


@dataclass
class Sample:
    """The fields of slime 0.3.1's Sample that a reward may read."""

    response: str
    prompt: Any = "describe"
    label: str | None = None
    multimodal_inputs: dict[str, Any] | None = None
    metadata: dict[str, Any] = field(default_factory=lambda: {"image": str(CHELSEA)})


async def test_a_sample_gets_a_float(reward: Reward) -> None:
    found = await custom_rm(reward)(ARGS, Sample("three"))

    assert found == 5.0 and type(found) is float


async def test_a_group_gets_a_list_from_one_item(reward: Reward, service: RewardService) -> None:
    group = [Sample("one"), Sample("three")]

    assert await custom_rm(reward)(ARGS, group) == [3.0, 5.0]
    (request,) = service.requests
    assert [len(item.candidates) for item in request.items] == [2]


async def test_with_a_reward_key_the_parts_stand_beside_the_reward(make_reward: Make) -> None:
    mixed = make_reward(RewardMix({"long": 1.0, "hundredfold": 0.5}))
    args = SimpleNamespace(reward_key="score")

    assert await custom_rm(mixed)(args, Sample("three")) == {
        "score": 255.0,
        "mmjudge_long": 5.0,
        "mmjudge_hundredfold": 500.0,
    }


async def test_the_image_comes_from_metadata_then_the_policys_then_the_messages(
    reward: Reward, service: RewardService
) -> None:
    score = custom_rm(reward, image="photo")
    content = [{"type": "image", "image": str(CHELSEA)}, {"type": "text", "text": "describe"}]
    samples = [
        Sample("a", metadata={"photo": str(CHELSEA)}),
        Sample("b", metadata={}, multimodal_inputs={"images": [str(CHELSEA)]}),
        Sample("c", metadata={}, prompt=[{"role": "user", "content": content}]),
    ]

    await asyncio.gather(*(score(ARGS, sample) for sample in samples))

    for request in service.requests:
        assert request.items[0].prompt[0].image.encoded == CHELSEA.read_bytes()
    assert len(service.requests) == 3


async def test_a_failure_raises(reward: Reward, make_reward: Make) -> None:
    with pytest.raises(ItemFailed, match="TEXT_EMPTY"):
        await custom_rm(reward)(ARGS, [Sample("one"), Sample("")])
    with pytest.raises(ValueError, match="slime would count"):
        custom_rm(make_reward(on_failure="mask"))
