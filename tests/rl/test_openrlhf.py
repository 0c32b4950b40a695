"""OpenRLHF's Python reward function: loaded and called as its executor does."""

import asyncio
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.cli.conftest import CHELSEA
from tests.rl.reward_service import RewardService

from mmjudge.contract import ItemFailed
from mmjudge.rl import Reward, RewardMix
from mmjudge.rl.openrlhf import reward_func

Make = Callable[..., Reward]
PROMPT = "<|im_start|>user\nDescribe.<|im_end|>\n<|im_start|>assistant\n"
LABEL = str(CHELSEA)


def ask(function: Callable[..., dict[str, Any]], response: str, query: str = "") -> dict[str, Any]:
    """One sample, as the executor passes it."""
    return function([query or PROMPT + response], [PROMPT], [LABEL])


def sent(service: RewardService) -> list[str]:
    """The responses that the judge was asked about."""
    return [c.parts[0].text for r in service.requests for i in r.items for c in i.candidates]


def test_rewards_and_logs_are_tensors_of_one_element(make_reward: Make) -> None:
    function = reward_func(make_reward(RewardMix({"long": 1.0, "hundredfold": 0.5})))

    answer = ask(function, "three<|im_end|>")

    assert torch.equal(answer["rewards"], torch.tensor([255.0]))
    assert torch.equal(answer["scores"], torch.tensor([255.0]))
    assert answer["extra_logs"] == {
        "mmjudge_long": torch.tensor([5.0]),
        "mmjudge_hundredfold": torch.tensor([500.0]),
    }


@pytest.mark.parametrize("end", ["", "<|im_end|>", "<|im_end|>\n", "</s>"])
def test_the_judge_reads_the_response_without_the_prompt_and_what_ends_it(
    reward: Reward, service: RewardService, end: str
) -> None:
    ask(reward_func(reward), "a cat" + end)

    assert sent(service) == ["a cat"]


def test_a_first_special_token_before_the_prompt_does_no_harm(
    reward: Reward, service: RewardService
) -> None:
    ask(reward_func(reward), "", query=f"<s>{PROMPT}a cat</s>")

    assert sent(service) == ["a cat"]


def test_a_cut_prompt_is_refused_with_the_way_out(reward: Reward, service: RewardService) -> None:
    cut = PROMPT[20:] + "a cat"

    with pytest.raises(ValueError, match="does not hold its prompt: name what a response comes"):
        ask(reward_func(reward), "", query=cut)

    ask(reward_func(reward, response_after="<|im_start|>assistant\n"), "", query=cut)
    assert sent(service) == ["a cat"]


def test_the_image_is_named_by_the_label(reward: Reward, service: RewardService) -> None:
    label = json.dumps({"photo": LABEL, "answer": "a cat"})

    reward_func(reward, image="photo")([PROMPT + "a cat"], [PROMPT], [label])

    assert service.requests[0].items[0].prompt[0].image.encoded == CHELSEA.read_bytes()


def test_a_failure_raises(reward: Reward, make_reward: Make) -> None:
    with pytest.raises(ItemFailed, match="TEXT_EMPTY"):
        ask(reward_func(reward), "<|im_end|>")
    with pytest.raises(ValueError, match="OpenRLHF would count"):
        reward_func(make_reward(on_failure="mask"))


async def test_a_reward_file_is_loaded_and_called_in_threads_as_openrlhf_does(
    address: str, tmp_path: Path
) -> None:
    file = tmp_path / "reward_func.py"
    file.write_text(
        "from mmjudge.rl import Reward, openrlhf\n"
        f"reward_func = openrlhf.reward_func(Reward({address!r}, 'long'))\n"
    )
    spec = importlib.util.spec_from_file_location("reward_func", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    texts = [f"{'x' * i}" for i in range(1, 9)]
    answers = await asyncio.gather(
        *(asyncio.to_thread(module.reward_func, [PROMPT + t], [PROMPT], [LABEL]) for t in texts)
    )

    # What `_process_response_into_experience` does with them.
    rewards = [torch.tensor([answer["rewards"]]) for answer in answers]
    logs = [answer["extra_logs"]["mmjudge_long"].flatten()[0].item() for answer in answers]
    assert torch.equal(torch.cat(rewards), torch.arange(1.0, 9.0))
    assert logs == list(range(1, 9))
