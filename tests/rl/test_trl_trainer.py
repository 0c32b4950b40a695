"""TRL's own GRPOTrainer, two steps of a tiny policy on a CPU, rewarded by a server."""

import importlib.util
import json
import math
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.rl.tiny_policy import save_policy

from mmjudge.client import Retries
from mmjudge.rl import Reward
from mmjudge.rl.trl import TrlReward, async_trl_reward

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("trl") is None, reason="TRL is not installed"),
    # TRL 1.16 asks transformers 5.23 for checkpointing by the names it is leaving behind.
    pytest.mark.filterwarnings("ignore:.*gradient_checkpointing:FutureWarning"),
]

ROOT = Path(__file__).resolve().parents[2]
PHOTOS = ROOT / "examples" / "photos"
GUARD = 60.0
GROUP = 4
QUICK = Retries(attempts=1000, first_wait=0.05, longest_wait=0.2)
Make = Callable[..., Reward]


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_policy(tmp_path_factory.mktemp("policy"))


def train(policy: Path, output: Path, *functions: Any, kind: str = "GRPO", **options: Any) -> Any:
    """Two steps: groups of four captions of two photographs that the policy does not see."""
    from datasets import Dataset

    trl: Any = pytest.importorskip("trl")
    files = ("chelsea.png", "rocket.jpg")
    rows = [{"prompt": "a photo of", "photo": str(PHOTOS / file)} for file in files]
    config = getattr(trl, f"{kind}Config")(
        output_dir=str(output),
        max_steps=2,
        per_device_train_batch_size=2 * GROUP,
        num_generations=GROUP,
        max_completion_length=4,
        gradient_checkpointing=False,
        learning_rate=1e-2,
        seed=3,
        use_cpu=True,
        bf16=False,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        generation_kwargs={"min_new_tokens": 1, "suppress_tokens": [0, 2]},
        shuffle_dataset=False,
        **options,
    )
    trainer = getattr(trl, f"{kind}Trainer")(
        model=str(policy),
        reward_funcs=list(functions),
        args=config,
        train_dataset=Dataset.from_list(rows),
    )
    trainer.train()
    return trainer


def rewards_of(trainer: Any) -> list[float]:
    """The mean reward of each step."""
    return [row["reward"] for row in trainer.state.log_history if "reward" in row]


def weights_of(trainer: Any) -> np.ndarray[Any, Any]:
    return np.concatenate([p.detach().numpy().ravel() for p in trainer.model.parameters()])


class Process:
    """`mmjudge serve` of photo-lite on one port, which can be killed and started again."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self.start()

    def start(self, *, wait: bool = True) -> None:
        command = [sys.executable, "-m", "mmjudge.cli", "serve", "--json", "--log-level", "error"]
        self.process = subprocess.Popen(
            [*command, "--address", self.address, "--until-stdin-closes"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        if wait:
            assert self.process.stdout is not None
            assert json.loads(self.process.stdout.readline())["address"] == self.address

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(GUARD)
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    process = Process()
    yield process
    process.kill()


@contextmanager
def asking(address: str) -> Iterator[Reward]:
    reward = Reward(address, "photo-lite", timeout=GUARD, retries=QUICK)
    yield reward
    reward.close()


def test_two_steps_train_on_a_real_servers_rewards(
    policy: Path, server: Process, tmp_path: Path
) -> None:
    with asking(server.address) as reward:
        trainer = train(policy, tmp_path, TrlReward(reward, images="photo"))

    assert trainer.state.global_step == 2
    history = [row for row in trainer.state.log_history if "reward" in row]
    assert len(history) == 2
    for row in history:
        assert math.isfinite(row["reward"]) and row["reward_std"] > 0 and row["grad_norm"] > 0
        assert row["rewards/mmjudge/mean"] == pytest.approx(row["reward"])
        assert row["mmjudge/photo-lite/mean"] == pytest.approx(row["reward"], abs=1e-6)
        assert row["mmjudge/text/length"] > 0
    assert len(trainer._logs["extra"]["mmjudge/photo-lite"]) == len(trainer._logs["prompt"])


def test_the_async_function_is_awaited_and_gives_the_same_rewards(
    policy: Path, server: Process, tmp_path: Path
) -> None:
    with asking(server.address) as reward:
        one = train(policy, tmp_path, TrlReward(reward, images="photo"))
        other = train(policy, tmp_path, async_trl_reward(reward, images="photo"))

    assert rewards_of(one) == rewards_of(other)


def test_a_server_killed_between_steps_and_started_again_costs_no_step_and_no_reward(
    policy: Path, server: Process, tmp_path: Path
) -> None:
    class KillsAfterTheFirst(TrlReward):
        calls = 0

        def __call__(self, *arguments: Any, **columns: Any) -> list[float | None]:
            self.calls += 1
            if self.calls == 2:
                server.kill()
                server.start(wait=False)  # is loading while the second step asks
            return super().__call__(*arguments, **columns)

    with asking(server.address) as reward:
        calm = train(policy, tmp_path, TrlReward(reward, images="photo"))
        disturbed_function = KillsAfterTheFirst(reward, images="photo")
        disturbed = train(policy, tmp_path, disturbed_function)

    assert disturbed_function.calls == disturbed.state.global_step == 2
    assert rewards_of(disturbed) == rewards_of(calm)
    assert np.array_equal(weights_of(disturbed), weights_of(calm))


class LosesEverySecond(TrlReward):
    """Every second completion becomes one that the judge refuses."""

    def __call__(self, prompts: Any, completions: Any, **columns: Any) -> list[float | None]:
        some = ["" if i % 2 else text for i, text in enumerate(completions)]
        return super().__call__(prompts, some, **columns)


@pytest.mark.parametrize("kind", ["GRPO", "RLOO"])
def test_a_masked_sample_of_the_only_function_has_no_advantage_and_no_say_in_the_others(
    policy: Path, make_reward: Make, tmp_path: Path, kind: str
) -> None:
    masked = LosesEverySecond(make_reward(on_failure="mask"), images="photo")

    trainer = train(policy, tmp_path, masked, kind=kind, beta=0.0)

    advantages = np.array(trainer._logs["advantages"]).reshape(-1, GROUP)
    rewards = np.array(trainer._logs["rewards"]["mmjudge"]).reshape(-1, GROUP)
    assert np.isnan(rewards[:, 1::2]).all() and np.isfinite(rewards[:, ::2]).all()
    assert (advantages[:, 1::2] == 0).all()
    # The baseline is of the others alone: with a 0 in it, theirs would not cancel.
    np.testing.assert_allclose(advantages[:, ::2].sum(1), 0, atol=1e-5)
    reasons = list(trainer._logs["extra"]["mmjudge/failure"])
    assert reasons[:4] == [None, "TEXT_EMPTY", None, "TEXT_EMPTY"]


def test_beside_another_function_trl_would_count_a_masked_sample_as_0_so_it_is_refused(
    policy: Path, make_reward: Make, tmp_path: Path
) -> None:
    def none_for_some(completions: list[str], **columns: Any) -> list[float | None]:
        return [None if i % 2 else 7.0 for i in range(len(completions))]

    def one(completions: list[str], **columns: Any) -> list[float]:
        return [1.0] * len(completions)

    # What TRL does with None beside a number: the reward is that of None being 0.
    trainer = train(policy, tmp_path, none_for_some, one)
    assert rewards_of(trainer) == pytest.approx([(8.0 + 1.0) / 2] * 2)

    masked = LosesEverySecond(make_reward(on_failure="mask"), images="photo")
    with pytest.raises(RuntimeError, match="has 2 reward functions and adds what they give"):
        train(policy, tmp_path, masked, one)


def test_a_failure_ends_the_run_by_default(policy: Path, make_reward: Make, tmp_path: Path) -> None:
    from mmjudge.contract import ItemFailed

    with pytest.raises(ItemFailed, match="TEXT_EMPTY"):
        train(policy, tmp_path, LosesEverySecond(make_reward(), images="photo"))
