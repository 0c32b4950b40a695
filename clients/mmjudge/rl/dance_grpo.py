"""What DanceGRPO keeps where its HPSv2 model was: model, tokenizer and preprocessing.

Contract (XueZeyue/DanceGRPO 22b85ef, `fastvideo/train_grpo_flux.py` and its siblings for SD and
Qwen-Image, the branch `use_hpsv2`), one sample a call:

    image = preprocess_val(picture).unsqueeze(0).to(device=device, non_blocking=True)
    text = tokenizer([caption]).to(device=device, non_blocking=True)
    outputs = reward_model(image, text)
    torch.diagonal(outputs["image_features"] @ outputs["text_features"].T)

The last line is a product of features in half precision; here it is the reward itself, float32 on
the trainer's device, because a reward is not to be rounded on its way.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

from mmjudge.rl.reward import Reward


class Hpsv2(NamedTuple):
    """The three objects, by DanceGRPO's own names for them."""

    reward_model: "RewardModel"
    processor: "type[Texts]"
    preprocess_val: "type[Picture]"


def hpsv2(reward: Reward) -> Hpsv2:
    """Return stand-ins for DanceGRPO's HPSv2 objects that ask `reward`, of any judge of images.

    They raise when a sample could not be judged. ValueError for a reward that masks instead.
    """
    reward.refuse_masking("DanceGRPO")
    return Hpsv2(RewardModel(reward), Texts, Picture)


class _Moving:
    """Remembers the device it is sent to."""

    device: Any = None

    def to(self, device: Any = None, **how: Any) -> Self:
        """Note `device`; nothing is moved."""
        self.device = device
        return self


class Picture(_Moving):
    """A PIL image that waits for its text."""

    def __init__(self, picture: Any) -> None:
        self.picture = picture

    def unsqueeze(self, dim: int) -> Self:
        """Return self: one picture is a batch of one."""
        return self


class Texts(_Moving):
    """Captions that wait for their pictures."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = list(texts)


class RewardModel(_Moving):
    """Called with a `Picture` and its `Texts`."""

    def __init__(self, reward: Reward) -> None:
        self._reward = reward

    def eval(self) -> Self:
        """Return self: there is nothing to switch."""
        return self

    def __call__(self, image: Picture, text: Texts) -> dict[str, Any]:
        """Return the features whose product has the reward in its diagonal."""
        import torch

        batch = self._reward.score_images([image.picture], text.texts)
        rewards = torch.from_numpy(batch.values).to(image.device)
        return {"image_features": _Rewards(rewards), "text_features": _Ones()}


class _Ones:
    @property
    def T(self) -> Self:
        return self


class _Rewards:
    def __init__(self, values: Any) -> None:
        self._values = values

    def __matmul__(self, other: _Ones) -> Any:
        return self._values.diag()
