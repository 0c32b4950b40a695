"""verl-omni's reward managers, and what they do with a failure."""

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from tests.rl.reward_service import RewardService

from mmjudge.client.errors import ItemFailed
from mmjudge.rl import shared
from mmjudge.rl.shared import shared_reward
from mmjudge.rl.verl_omni import compute_score

IMAGE = torch.full((3, 4, 5), 7, dtype=torch.uint8)
VIDEO = torch.stack([torch.full((3, 4, 5), n, dtype=torch.uint8) for n in (10, 20, 60)])
SAMPLE: dict[str, Any] = {
    "data_source": "set",
    "ground_truth": "a cat",
    "extra_info": {"num_turns": None},
}
ROUTER: dict[str, Any] = {
    "reward_router_address": "h:1",
    "reward_model_tokenizer": None,
    "model_name": "m",
}


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    for reward in shared._rewards.values():
        reward.close()
    shared._rewards.clear()


async def multi(entry: dict[str, Any], **sample: Any) -> tuple[float, dict[str, Any]]:
    """The part of `MultiVisualRewardManager.run_single` that is about one function."""
    reserved = {"path", "name", "weight", "required"}
    extra = {key: value for key, value in entry.items() if key not in reserved}
    parameters = inspect.signature(compute_score).parameters
    kwargs = {k: v for k, v in {**sample, **ROUTER, **extra}.items() if k in parameters}
    assert inspect.iscoroutinefunction(compute_score)
    logged = {}
    try:
        result = await compute_score(**kwargs)
        score = float(result["score"])
        logged = {f"reward/{k}": v for k, v in result.items() if k != "score"}
    except Exception as error:  # as the manager does
        if entry.get("required", False):
            raise RuntimeError(f"Required sub-reward failed: {error}") from error
        score = 0.0
    return entry["weight"] * score, logged


async def test_an_image_gets_its_score_and_each_judges(address: str) -> None:
    entry = {"path": "p", "name": "compute_score", "weight": 0.5, "required": True}
    entry |= {"address": address, "judges": {"long": 1.0, "hundredfold": 0.01}}
    score, logged = await multi(entry, solution_image=IMAGE, **SAMPLE)
    assert score == pytest.approx(7)
    assert logged == {"reward/long": 7, "reward/hundredfold": 700}


@pytest.mark.parametrize(("frames", "score"), [("first", 10), ("last", 60), ("each", 30)], ids=str)
async def test_the_frames_of_a_video_are_declared(
    address: str, service: RewardService, frames: Any, score: float
) -> None:
    found = await compute_score(
        solution_image=VIDEO, **SAMPLE, address=address, judges="long", frames=frames
    )
    assert found == {"score": score, "long": score}
    assert len(service.requests[0].items) == 1


async def test_the_single_manager_passes_its_router_too(address: str) -> None:
    found = await compute_score(
        solution_image=IMAGE, **SAMPLE, **ROUTER, sampling_params={}, address=address, judges="long"
    )
    assert found["score"] == 7


async def test_a_failure_is_an_error_which_the_manager_must_be_told_to_heed(address: str) -> None:
    black: dict[str, Any] = {"solution_image": IMAGE * 0, **SAMPLE}
    entry = {"weight": 1.0, "address": address, "judges": "long"}
    with pytest.raises(ItemFailed):
        await compute_score(**black, address=address, judges="long")
    with pytest.raises(RuntimeError, match="Required sub-reward failed: item 0 failed"):
        await multi({**entry, "required": True}, **black)
    assert await multi(entry, **black) == (0.0, {})  # hence the docs


async def test_one_bad_frame_fails_the_video(address: str) -> None:
    video = VIDEO.clone()
    video[1] = 0
    with pytest.raises(ItemFailed, match="item 1 failed"):
        await compute_score(
            solution_image=video, **SAMPLE, address=address, judges="long", frames="each"
        )


async def test_wrong_settings_are_refused(address: str) -> None:
    settings: Any = {"address": address, "judges": {"long": 1.0}}
    with pytest.raises(ValueError, match="frames is 'middle'"):
        await compute_score(solution_image=VIDEO, **SAMPLE, **settings, frames="middle")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="use normalise='running'"):
        await compute_score(solution_image=IMAGE, **SAMPLE, **settings, normalise="batch")
    with pytest.raises(ValueError, match="frames of one video are no batch"):
        await compute_score(
            solution_image=VIDEO, **SAMPLE, **settings, frames="each", normalise="running"
        )


async def test_samples_are_asked_for_side_by_side(address: str, service: RewardService) -> None:
    async def meet(context: object) -> None:
        while service.peak < 4:
            await asyncio.sleep(0.001)

    service.script.extend([meet] * 4)
    calls = [
        compute_score(solution_image=IMAGE + n, **SAMPLE, address=address, judges="long")
        for n in range(4)
    ]
    assert [found["score"] for found in await asyncio.gather(*calls)] == [7, 8, 9, 10]


def test_the_same_settings_share_one_reward() -> None:
    one = shared_reward("127.0.0.1:1", {"a": 1.0}, normalise={"a": "running"})
    assert shared_reward("127.0.0.1:1", {"a": 1.0}, normalise={"a": "running"}) is one
    assert shared_reward("127.0.0.1:1", {"a": 2.0}, normalise={"a": "running"}) is not one
    assert shared_reward("127.0.0.1:1", "a") is shared_reward("127.0.0.1:1", {"a": 1.0})
