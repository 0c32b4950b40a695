"""flow_grpo, ddpo-pytorch and DanceGRPO, called as their training scripts call them."""

from collections.abc import Callable
from concurrent import futures
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as PIL
from tests.rl.reward_service import FACTORS, RewardService

from mmjudge.client.errors import ItemFailed
from mmjudge.contract.tensors import decode_tensor
from mmjudge.rl import Reward, RewardMix
from mmjudge.rl.dance_grpo import hpsv2
from mmjudge.rl.ddpo import reward_fn
from mmjudge.rl.flow_grpo import multi_score

MakeReward = Callable[..., Reward]
PROMPTS = ("a cat", "a cat", "a dog")
GREYS = [10, 20, 30]
ARRAYS = np.stack([np.full((3, 4, 3), grey, np.uint8) for grey in GREYS])  # as wide as deep
TENSORS = torch.from_numpy(ARRAYS).permute(0, 3, 1, 2) / 255


def sent_pixels(service: RewardService) -> list[list[list[list[int]]]]:
    return [
        decode_tensor(candidate.parts[0].image.pixels, field="pixels").tolist()
        for item in service.requests[-1].items
        for candidate in item.candidates
    ]


@pytest.mark.parametrize("images", [TENSORS, ARRAYS], ids=["NCHW float", "NHWC uint8"])
def test_ddpo_gets_scores_and_info(reward: Reward, service: RewardService, images: Any) -> None:
    fn = reward_fn(reward)
    executor = futures.ThreadPoolExecutor(max_workers=2)
    rewards, reward_metadata = executor.submit(fn, images, PROMPTS, ({},) * 3).result()
    executor.shutdown()
    assert torch.as_tensor(rewards).tolist() == GREYS
    assert reward_metadata["mmjudge/long/mean"] == 20
    assert sent_pixels(service) == ARRAYS.tolist()


def test_ddpo_takes_the_bf16_of_a_half_precision_decoder(reward: Reward) -> None:
    scores, _ = reward_fn(reward)(TENSORS.bfloat16().requires_grad_(), PROMPTS, ({},) * 3)
    assert scores == pytest.approx(GREYS, abs=0.1)


@pytest.mark.parametrize("images", [TENSORS, ARRAYS], ids=["NCHW float", "NHWC uint8"])
def test_flow_grpo_gets_every_judges_scores_and_their_average(
    make_reward: MakeReward, images: Any
) -> None:
    fn = multi_score(make_reward(RewardMix({"long": 1.0, "hundredfold": 0.01})))
    executor = futures.ThreadPoolExecutor(max_workers=8)
    rewards = executor.submit(fn, images, PROMPTS, ({},) * 3, only_strict=True)
    scores, _reward_metadata = rewards.result()
    executor.shutdown()
    collected = {key: torch.as_tensor(value).float() for key, value in scores.items()}
    assert collected["long"].tolist() == GREYS
    assert collected["hundredfold"].tolist() == [1000, 2000, 3000]
    assert collected["avg"].tolist() == pytest.approx([20, 40, 60])
    assert scores["avg"][1] == pytest.approx(40)  # sampled_rewards = rewards['avg'][i]


def test_flow_grpo_sends_the_pictures_to_edit_with_the_prompt(
    reward: Reward, service: RewardService
) -> None:
    sources = [PIL.new("RGB", (4, 3), "red")] * 2 + [PIL.new("RGB", (4, 3), "blue")]
    multi_score(reward)(TENSORS, PROMPTS, ({},) * 3, sources, only_strict=False)
    items = service.requests[0].items
    assert [len(item.candidates) for item in items] == [2, 1]
    assert [[part.WhichOneof("content") for part in item.prompt] for item in items] == [
        ["image", "text"]
    ] * 2


def test_flow_grpo_may_take_it_as_one_of_its_own_scores(reward: Reward) -> None:
    score_functions = {"mmjudge": lambda device: reward_fn(reward)}
    fn = score_functions["mmjudge"]("cuda")
    scores, _rewards = fn(TENSORS, PROMPTS, ({},) * 3)
    assert [0.5 * score for score in scores] == [5, 10, 15]


def test_images_in_another_range_are_refused_with_the_fix(reward: Reward) -> None:
    with pytest.raises(ValueError, match=r"images\[0\]: .*pass \(x \+ 1\) / 2"):
        reward_fn(reward)(TENSORS * 2 - 1, PROMPTS, ({},) * 3)


def stand_in(reward: Reward, caption: str, picture: PIL.Image) -> torch.Tensor:
    """What `sample_reference_model` of DanceGRPO does with one picture, line by line."""
    reward_model, processor, preprocess_val = hpsv2(reward)
    device = torch.device("cpu")
    reward_model = reward_model.to(device)
    reward_model.eval()
    with torch.no_grad():
        image = preprocess_val(picture).unsqueeze(0).to(device=device, non_blocking=True)
        text = processor([caption]).to(device=device, non_blocking=True)
        with torch.amp.autocast("cpu", dtype=torch.bfloat16):
            outputs = reward_model(image, text)
            image_features, text_features = outputs["image_features"], outputs["text_features"]
            logits_per_image = image_features @ text_features.T
            return torch.diagonal(logits_per_image)


def test_dance_grpo_gets_the_reward_where_its_hpsv2_was(
    make_reward: MakeReward, service: RewardService
) -> None:
    pictures = [PIL.fromarray(array) for array in ARRAYS]
    reward = make_reward(RewardMix({"long": 1.001}))
    found = [stand_in(reward, *pair) for pair in zip(PROMPTS, pictures, strict=True)]
    rewards = torch.cat(found, dim=0)
    assert (rewards.dtype, rewards.shape) == (torch.float32, (3,))
    assert (
        rewards.tolist() == np.array([10.01, 20.02, 30.03], np.float32).tolist()
    )  # unrounded by autocast
    assert [request.items[0].prompt[0].text for request in service.requests] == list(PROMPTS)


@pytest.mark.parametrize("adapter", [reward_fn, multi_score, hpsv2])
def test_rewards_that_mask_are_refused(make_reward: MakeReward, adapter: Any) -> None:
    with pytest.raises(ValueError, match="on_failure is 'mask'"):
        adapter(make_reward(on_failure="mask"))


def test_failures_reach_the_trainer(reward: Reward) -> None:
    images = TENSORS.clone()
    images[1] = 0
    for fn in (reward_fn(reward), multi_score(reward)):
        with pytest.raises(ItemFailed, match="item 1 failed with IMAGE_BLACK"):
            fn(images, PROMPTS, ({},) * 3)
    with pytest.raises(ItemFailed, match="item 0 failed with IMAGE_BLACK"):
        stand_in(reward, "a cat", PIL.new("RGB", (3, 4)))


def test_a_judge_named_as_what_flow_grpo_trains_on_is_refused(
    make_reward: MakeReward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FACTORS, "avg", 1.0)
    with pytest.raises(ValueError, match="a judge is named 'avg'"):
        multi_score(make_reward("avg"))(TENSORS, PROMPTS, ({},) * 3)
