"""Flow-Factory's loader and processor, against a framework of the same shape."""

import sys
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest
import torch
from tests.rl.reward_service import RewardService

import mmjudge.rl.flow_factory

IDENTIFIER = "mmjudge.rl.flow_factory.MmjudgeReward"
IMAGES = [torch.full((3, 4, 3), n / 255) for n in (10, 20, 30)]


class PointwiseRewardModel:
    """The base class, with what its constructor does."""

    required_fields: tuple[str, ...] = ("image", "prompt")
    use_tensor_inputs = False

    def __init__(self, config: Any, accelerator: Any) -> None:
        self.accelerator = accelerator
        self.config = config


@dataclass
class RewardModelOutput:
    """What a model returns."""

    rewards: Any
    extra_info: dict[str, Any] | None = None


@dataclass
class RewardArguments:
    """An entry of the configuration; unknown keys are attributes, too."""

    batch_size: int = 16
    extra_kwargs: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["extra_kwargs"][name]
        except KeyError:
            raise AttributeError(name) from None


@pytest.fixture
def framework(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("flow_factory.rewards.abc")
    vars(module).update(
        PointwiseRewardModel=PointwiseRewardModel, RewardModelOutput=RewardModelOutput
    )
    for name in ("flow_factory", "flow_factory.rewards"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    mmjudge.rl.flow_factory._reward_model.cache_clear()


def load(**settings: Any) -> Any:
    """As `get_reward_model_class` and `load_reward_model` do."""
    path, name = IDENTIFIER.rsplit(".", 1)
    model_class = getattr(import_module(path), name)
    return model_class(config=RewardArguments(extra_kwargs=settings), accelerator=None)


@pytest.mark.usefixtures("framework")
def test_a_batch_is_scored_as_tensors(address: str, service: RewardService) -> None:
    model = load(address=address, judges={"long": 1.0})
    assert issubclass(type(model), PointwiseRewardModel)
    assert (model.required_fields, model.use_tensor_inputs) == (("prompt", "image"), True)
    output = model(prompt=["a cat", "a cat", "a dog"], image=IMAGES)
    rewards = torch.as_tensor(output.rewards, device="cpu", dtype=torch.float32)
    assert rewards.tolist() == [10, 20, 30]
    assert output.extra_info["mmjudge/long/mean"] == 20
    assert [len(item.candidates) for item in service.requests[0].items] == [2, 1]


@pytest.mark.usefixtures("framework")
def test_pictures_to_edit_go_into_the_prompt(address: str, service: RewardService) -> None:
    sources = [[IMAGES[0]], torch.stack(IMAGES[:2]), [IMAGES[1]]]
    load(address=address, judges="long")(prompt=["p"] * 3, image=IMAGES, condition_images=sources)
    assert [len(item.prompt) for item in service.requests[0].items] == [2, 3, 2]


@pytest.mark.usefixtures("framework")
def test_a_range_that_is_not_the_contracts_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"images\[0\]: .*expected \[0, 1\]"):
        load(address=address, judges="long")(prompt=["p"], image=[IMAGES[0] * 2 - 1])


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Reward2'"):
        _ = mmjudge.rl.flow_factory.Reward2
