"""Flow-Factory's reward model, named in its configuration by a dotted path.

Contract (X-GenGroup/Flow-Factory 5f6cda1, `src/flow_factory/rewards/{abc,reward_processor}.py`):
`reward_model: mmjudge.rl.flow_factory.MmjudgeReward` is imported and made with `(config,
accelerator)`; it must be a `PointwiseRewardModel`. Further keys of the entry are attributes of
`config`. It is called by keyword with lists over samples: `prompt`, `image` (tensors `[3, height,
width]` in [0, 1], since `use_tensor_inputs` is set, and so nobody else rounds them) and, for
editing, `condition_images`. What it returns has `rewards`, float `[n]`.

The class is made when it is first asked for, so that importing this module needs no Flow-Factory.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any

from mmjudge.rl.reward import TIMEOUT
from mmjudge.rl.shared import shared_reward


def __getattr__(name: str) -> Any:
    if name == "MmjudgeReward":
        return _reward_model()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def _reward_model() -> type[Any]:
    import torch

    framework = import_module("flow_factory.rewards.abc")

    class MmjudgeReward(framework.PointwiseRewardModel):  # type: ignore[misc, name-defined]
        """Asks an mmjudge server for the reward of each image.

        Keys of its configuration: `address`, `judges` (a name, or weights by name), `timeout` in
        seconds and `held_out`; as `mmjudge.rl.shared_reward`. Raises when a sample could not be
        judged.
        """

        required_fields = ("prompt", "image")
        use_tensor_inputs = True

        def __init__(self, config: Any, accelerator: Any) -> None:
            super().__init__(config, accelerator)
            self._reward = shared_reward(
                getattr(config, "address", None) or "127.0.0.1:50051",
                _plain(getattr(config, "judges", None)),
                timeout=getattr(config, "timeout", None) or TIMEOUT,
                held_out=getattr(config, "held_out", None),
                monitors=True,
            )

        def __call__(
            self,
            prompt: Sequence[str],
            image: Sequence[Any] | None = None,
            condition_images: Sequence[Any] | None = None,
        ) -> Any:
            """Return a `RewardModelOutput` with the rewards, float32 `[n]`."""
            batch = self._reward.score_images(
                image, prompt, condition_images, layout="channels_first"
            )
            return framework.RewardModelOutput(
                rewards=torch.from_numpy(batch.values), extra_info=dict(batch.metrics)
            )

    return MmjudgeReward


def _plain(judges: Any) -> str | Mapping[str, float] | None:
    return dict(judges) if isinstance(judges, Mapping) else judges
