"""EasyR1's batch reward function: loaded and called as its manager does."""

import importlib.util
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import CHELSEA
from tests.rl.reward_service import RewardService

from mmjudge.contract import ItemFailed
from mmjudge.rl import Reward, RewardMix
from mmjudge.rl.easyr1 import compute_score

Make = Callable[..., Reward]


def inputs(*responses: str, ground_truth: str = str(CHELSEA)) -> list[dict[str, Any]]:
    """What EasyR1's BatchFunctionRewardManager makes of a batch."""
    return [
        {"response": text, "response_length": len(text), "ground_truth": ground_truth}
        for text in responses
    ]


def test_overall_is_the_reward_and_parts_stand_beside_it(make_reward: Make) -> None:
    score = compute_score(make_reward(RewardMix({"long": 1.0, "hundredfold": 0.5})))

    assert score(inputs("one", "three")) == [
        {"overall": 153.0, "mmjudge_long": 3.0, "mmjudge_hundredfold": 300.0},
        {"overall": 255.0, "mmjudge_long": 5.0, "mmjudge_hundredfold": 500.0},
    ]


def test_the_image_is_named_by_the_ground_truth(reward: Reward, service: RewardService) -> None:
    truth = json.dumps({"photo": str(CHELSEA), "answer": "a cat"})

    compute_score(reward, image="photo")(inputs("one", "three", ground_truth=truth))

    (request,) = service.requests
    (item,) = request.items  # one group: the same image
    assert item.prompt[0].image.encoded == CHELSEA.read_bytes()
    assert len(item.candidates) == 2


def test_a_failure_raises(reward: Reward, make_reward: Make) -> None:
    with pytest.raises(ItemFailed, match="TEXT_EMPTY"):
        compute_score(reward)(inputs("one", ""))
    with pytest.raises(ValueError, match="EasyR1 would count"):
        compute_score(make_reward(on_failure="mask"))


def test_a_reward_file_is_loaded_and_called_as_easyr1_does(address: str, tmp_path: Path) -> None:
    file = tmp_path / "rewards.py"
    file.write_text(
        "from mmjudge.rl import Reward, easyr1\n"
        "REWARD_NAME, REWARD_TYPE = 'mmjudge', 'batch'\n"
        f"compute_score = easyr1.compute_score(Reward({address!r}, 'long'))\n"
    )

    spec = importlib.util.spec_from_file_location("custom_reward_fn", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["custom_reward_fn"] = module
    try:
        spec.loader.exec_module(module)
        function = partial(module.compute_score, **{"unused": 1})
        scores = function(inputs("one", "three"))
    finally:
        del sys.modules["custom_reward_fn"]

    assert [score["overall"] for score in scores] == [3.0, 5.0]
