"""ms-swift's reward classes: made and called as its trainer does, by its own code where it is."""

import asyncio
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from tests.cli.conftest import CHELSEA
from tests.rl.reward_service import RewardService

from mmjudge.contract import ItemFailed
from mmjudge.rl import Reward
from mmjudge.rl.ms_swift import async_ms_swift_reward, ms_swift_reward

Make = Callable[..., Reward]
ROOT = Path(__file__).resolve().parents[2]
SWIFT = importlib.util.find_spec("swift") is not None


def columns(*completions: str, **more: Any) -> dict[str, Any]:
    """What ms-swift passes beside the completions, in one group."""
    messages = [
        [
            {"role": "system", "content": "You are helpful."},
            {"role": "user", "content": "<image>describe"},
            {"role": "assistant", "content": text},
        ]
        for text in completions
    ]
    return {
        "trainer_state": SimpleNamespace(global_step=1),
        "messages": messages,
        "images": [[{"bytes": None, "path": str(CHELSEA)}]] * len(completions),
        "solution": ["a cat"] * len(completions),
        "prompt_id": ["p"] * len(completions),
        **more,
    }


def test_each_completion_gets_its_reward_from_one_group(
    reward: Reward, service: RewardService
) -> None:
    function = ms_swift_reward(reward)(args=SimpleNamespace())

    assert function(["one", "three"], **columns("one", "three")) == [3.0, 5.0]
    (request,) = service.requests
    (item,) = request.items
    image, text = item.prompt
    assert image.image.encoded == CHELSEA.read_bytes()
    assert text.text == "describe"


def test_the_async_class_is_seen_as_one_and_gives_the_same_on_any_loop(reward: Reward) -> None:
    function = async_ms_swift_reward(reward)(args=None)

    assert inspect.iscoroutinefunction(type(function).__call__)
    for _ in range(2):  # ms-swift runs a new loop each step
        found = asyncio.run(function(["one", "three"], **columns("one", "three")))
        assert found == [3.0, 5.0]


def test_rows_without_images_have_them_in_their_messages(
    reward: Reward, service: RewardService
) -> None:
    content = [{"type": "image", "image": str(CHELSEA)}, {"type": "text", "text": "describe"}]
    messages = [[{"role": "user", "content": content}, {"role": "assistant", "content": "one"}]]
    given = columns("one", messages=messages)
    del given["images"]

    assert ms_swift_reward(reward)()(["one"], **given) == [3.0]
    assert service.requests[0].items[0].prompt[0].image.encoded == CHELSEA.read_bytes()


def test_references_come_from_their_column(reward: Reward, service: RewardService) -> None:
    ms_swift_reward(reward, references="solution")()(["one"], **columns("one"))

    assert service.requests[0].items[0].references[0].parts[0].text == "a cat"


def test_a_column_that_is_not_there_is_named(reward: Reward) -> None:
    with pytest.raises(ValueError, match="images is 'photo', expected one of the columns"):
        ms_swift_reward(reward, images="photo")()(["one"], **columns("one"))
    with pytest.raises(ValueError, match="references is 'truth', expected one of the columns"):
        ms_swift_reward(reward, references="truth")()(["one"], **columns("one"))


def test_a_failure_raises_and_a_mask_is_refused(reward: Reward, make_reward: Make) -> None:
    with pytest.raises(ItemFailed, match="TEXT_EMPTY"):
        ms_swift_reward(reward)()(["one", ""], **columns("one", ""))
    for make in (ms_swift_reward, async_ms_swift_reward):
        with pytest.raises(ValueError, match="ms-swift would count"):
            make(make_reward(on_failure="mask"))


def plugin(monkeypatch: pytest.MonkeyPatch, orms: dict[str, Any]) -> None:
    """Load examples/ms_swift_plugin.py as `--external_plugins` does."""
    rewards = ModuleType("swift.rewards")
    rewards.orms = orms  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "swift", ModuleType("swift"))
    monkeypatch.setitem(sys.modules, "swift.rewards", rewards)
    spec = importlib.util.spec_from_file_location(
        "ms_swift_plugin", ROOT / "examples" / "ms_swift_plugin.py"
    )
    assert spec is not None and spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


def test_the_plugin_file_registers_the_reward(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMJUDGE_ADDRESS", address)
    monkeypatch.setenv("MMJUDGE_JUDGE", "long")
    orms: dict[str, Any] = {}

    plugin(monkeypatch, orms)

    function = orms["mmjudge"](args=SimpleNamespace())
    assert asyncio.run(function(["one", "three"], **columns("one", "three"))) == [3.0, 5.0]


@pytest.mark.skipif(not SWIFT, reason="ms-swift is not installed")
@pytest.mark.filterwarnings("ignore")  # its import warns about many packages of its own
@pytest.mark.parametrize("make", [ms_swift_reward, async_ms_swift_reward])
def test_ms_swifts_own_code_gets_the_rewards(reward: Reward, make: Callable[..., Any]) -> None:
    from mmjudge.judges.backbones.torchvision_schema import ensure_torchvision_schemas

    ensure_torchvision_schemas()
    import torch

    data = pytest.importorskip("swift.rl_core.data")
    algorithm = pytest.importorskip("swift.rl_core.grpo_algorithm")
    samples = [
        data.GRPOSample.from_row({"messages": messages, "images": [{"path": str(CHELSEA)}]})
        for messages in columns("one", "three")["messages"]
    ]

    def nothing(completions: list[str], **columns: Any) -> list[None]:
        return [None] * len(completions)

    found = algorithm.compute_rewards_per_func(
        samples, [make(reward)(args=None), nothing], None, torch.device("cpu")
    )

    assert found[:, 0].tolist() == [3.0, 5.0]
    assert found[:, 1].isnan().all()  # and nansum then makes 0 of it, which is why we raise
