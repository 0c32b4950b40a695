"""verl's reward functions: called as its managers do, by its own code where it is installed."""

import asyncio
import importlib.util
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.conftest import CHELSEA
from tests.rl.reward_service import RewardService

from mmjudge.contract import ItemFailed
from mmjudge.rl import Reward, RewardMix
from mmjudge.rl.verl import async_compute_score, batch_compute_score, compute_score

Make = Callable[..., Reward]
VERL = importlib.util.find_spec("verl") is not None
INFO = {"image": str(CHELSEA), "question": "describe", "num_turns": 1, "rollout_reward_scores": {}}


def sample(solution: str, **info: Any) -> dict[str, Any]:
    """One sample, as the reward loop passes it."""
    return {
        "data_source": "captions",
        "solution_str": solution,
        "ground_truth": "a cat",
        "extra_info": {**INFO, **info},
    }


def test_a_sample_gets_its_score_and_the_parts(make_reward: Make) -> None:
    score = compute_score(make_reward(RewardMix({"long": 1.0, "hundredfold": 0.5})))

    found = score(**sample("three"), reward_router_address="x", reward_model_tokenizer=None)

    assert found == {"score": 255.0, "mmjudge_long": 5.0, "mmjudge_hundredfold": 500.0}
    assert all(type(value) is float for value in found.values())


def test_the_image_and_the_prompt_are_in_extra_info(reward: Reward, service: RewardService) -> None:
    image = {"bytes": CHELSEA.read_bytes(), "path": None}

    compute_score(reward, image="photo", prompt="question")(**sample("three", photo=image))

    image_part, text = service.requests[0].items[0].prompt
    assert image_part.image.encoded == CHELSEA.read_bytes()
    assert text.text == "describe"


def test_keys_that_are_not_in_extra_info_are_named(reward: Reward) -> None:
    with pytest.raises(ValueError, match="extra_info of sample 0 has .* expected 'photo'"):
        compute_score(reward, image="photo")(**sample("three"))
    with pytest.raises(ValueError, match="prompt is 'text', expected one of extra_info's keys"):
        compute_score(reward, prompt="text")(**sample("three"))


async def test_the_async_form_is_a_coroutine_function_for_many_samples_at_once(
    reward: Reward, service: RewardService
) -> None:
    score = async_compute_score(reward)
    texts = ["x" * i for i in range(1, 33)]

    found = await asyncio.gather(*(score(**sample(text)) for text in texts))

    assert inspect.iscoroutinefunction(score)
    assert [each["score"] for each in found] == [float(i) for i in range(1, 33)]
    assert service.peak > 1


def test_a_batch_goes_as_groups(reward: Reward, service: RewardService) -> None:
    found = batch_compute_score(reward)(
        data_sources=np.array(["captions"] * 3),
        solution_strs=["one", "three", "x"],
        ground_truths=["a cat"] * 3,
        extra_infos=np.array([INFO, INFO, INFO], dtype=object),
        some_kwarg=1,
    )

    assert [each["score"] for each in found] == [3.0, 5.0, 1.0]
    assert [len(item.candidates) for item in service.requests[0].items] == [3]


@pytest.mark.parametrize("make", [compute_score, async_compute_score, batch_compute_score])
def test_a_mask_is_refused(make_reward: Make, make: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="verl would count"):
        make(make_reward(on_failure="mask"))


async def test_a_failure_raises(reward: Reward) -> None:
    with pytest.raises(ItemFailed, match="TEXT_EMPTY"):
        compute_score(reward)(**sample(""))
    with pytest.raises(ItemFailed, match="TEXT_EMPTY"):
        await async_compute_score(reward)(**sample(""))


@pytest.mark.skipif(not VERL, reason="verl is not installed")
@pytest.mark.filterwarnings("ignore")  # its import warns about many packages of its own
class TestVerlsOwnManagers:
    """The managers of the installed verl, over a batch of two made in code."""

    @pytest.fixture
    def batch(self) -> Any:
        from mmjudge.judges.backbones.torchvision_schema import ensure_torchvision_schemas

        ensure_torchvision_schemas()
        import torch

        protocol = pytest.importorskip("verl.protocol")
        responses = torch.tensor([[3, 3, 3], [5, 0, 0]])
        attention = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
        return protocol.DataProto.from_dict(
            {
                "prompts": torch.ones(2, 2, dtype=torch.int64),
                "responses": responses,
                "attention_mask": attention,
            },
            non_tensors={
                "data_source": np.array(["captions"] * 2, dtype=object),
                "reward_model": np.array([{"ground_truth": "a cat"}] * 2, dtype=object),
                "extra_info": np.array([dict(INFO), dict(INFO)], dtype=object),
            },
        )

    class Tokenizer:
        """Ids are how many letters they are."""

        def decode(self, ids: Any, skip_special_tokens: bool = False) -> str:
            return "".join("x" * int(token) for token in ids)

    @pytest.mark.parametrize("name", ["compute_score", "async_compute_score"])
    def test_the_naive_manager_of_the_reward_loop(
        self, batch: Any, address: str, tmp_path: Path, name: str
    ) -> None:
        omegaconf = pytest.importorskip("omegaconf")
        managers = pytest.importorskip("verl.experimental.reward_loop.reward_manager.naive")
        loading = pytest.importorskip("verl.trainer.ppo.reward")
        file = tmp_path / f"rewards_{name}.py"
        file.write_text(
            "from mmjudge.rl import Reward, verl\n"
            f"compute_score = verl.{name}(Reward({address!r}, 'long'))\n"
        )
        config = omegaconf.OmegaConf.create(
            {"reward": {"custom_reward_function": {"path": str(file), "name": "compute_score"}}}
        )
        function = loading.get_custom_reward_fn(config)
        manager = managers.NaiveRewardManager(config, self.Tokenizer(), function)

        async def both() -> list[dict[str, Any]]:
            manager.loop = asyncio.get_running_loop()
            return [await manager.run_single(batch[i : i + 1]) for i in range(2)]

        answers = asyncio.run(both())
        scores = [answer["reward_score"] for answer in answers]

        assert scores == [9.0, 5.0]
        assert answers[0]["reward_extra_info"] == {"score": 9.0, "mmjudge_long": 9.0}
        tokens = managers.NaiveRewardManager.assemble_rm_scores(batch, scores)
        assert tokens.tolist() == [[0, 0, 9.0], [5.0, 0, 0]]

    def test_the_batch_manager(self, batch: Any, reward: Reward) -> None:
        managers = pytest.importorskip("verl.workers.reward_manager.batch")
        manager = managers.BatchRewardManager(self.Tokenizer(), 0, batch_compute_score(reward))

        answer = manager(batch, return_dict=True)

        assert answer["reward_tensor"].tolist() == [[0, 0, 9.0], [5.0, 0, 0]]
        assert answer["reward_extra_info"]["mmjudge_long"] == [9.0, 5.0]
