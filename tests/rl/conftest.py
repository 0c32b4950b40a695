"""A server of counting judges on a loopback port, and rewards from it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.client.conftest import QUICK
from tests.client.fake_service import serve_in_thread
from tests.rl.reward_service import RewardService

from mmjudge.rl import Reward


@pytest.fixture
def service() -> RewardService:
    return RewardService("long", "short", "hundredfold", "watcher")


@pytest.fixture
def address(service: RewardService) -> Iterator[str]:
    with serve_in_thread(service) as where:
        yield where


@pytest.fixture
def make_reward(address: str) -> Iterator[Callable[..., Reward]]:
    """Make rewards that give up quickly and are closed in the end."""
    made = []

    def make(judges: Any = "long", **options: Any) -> Reward:
        made.append(Reward(address, judges, **{"timeout": 20, "retries": QUICK, **options}))
        return made[-1]

    yield make
    for reward in made:
        reward.close()


@pytest.fixture
def reward(make_reward: Callable[..., Reward]) -> Reward:
    return make_reward()
