"""Rewards as slime awaits them; contract read from slime 0.3.1, never run with it.

In a module named by `--custom-rm-path rewards.custom_rm`:

    custom_rm = slime.custom_rm(Reward("127.0.0.1:50051", "clip"))

slime awaits `custom_rm(args, sample, **kwargs)`, or with `--group-rm` and for whole groups
`custom_rm(args, samples, **kwargs)`, and takes a float, or a dict of which `--reward-key` names the
one to train on; of samples, a list of them. A sample has `prompt`, `response`, `label`, `metadata`
and `multimodal_inputs`. An exception ends the rollout.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from mmjudge.rl.named_images import named_image
from mmjudge.rl.reward import Reward

Answer = float | dict[str, float]


def custom_rm(
    reward: Reward, *, image: str = "image"
) -> Callable[..., Awaitable[Answer | list[Answer]]]:
    """Return the coroutine function that slime awaits, with a sample or a list of them.

    image: where a sample's `metadata` has the image or its path. Without it there, the images are
        those of `multimodal_inputs["images"]`, then those in the prompt's messages.
    With `--reward-key` set it returns that key with the reward, and "mmjudge_JUDGE"; else a float.
    Raises as `Reward.score_texts`; ValueError for `on_failure="mask"`.
    """
    reward.refuse_masking("slime")

    async def score(args: Any, sample: Any, **options: Any) -> Answer | list[Answer]:
        samples: Sequence[Any] = sample if isinstance(sample, list) else [sample]
        batch = await reward.score_texts_async(
            [each.prompt for each in samples],
            [each.response for each in samples],
            [_images(each, image, i) for i, each in enumerate(samples)],
        )
        key = getattr(args, "reward_key", None)
        answers: list[Answer] = [
            {
                **{f"mmjudge_{judge}": float(part[i]) for judge, part in batch.parts.items()},
                key: value,
            }
            if key
            else value
            for i, value in enumerate(batch.floats())
        ]
        return answers if isinstance(sample, list) else answers[0]

    return score


def _images(sample: Any, key: str, place: int) -> Any:
    if key in (sample.metadata or {}):
        return named_image(sample.metadata, key, f"metadata of sample {place}")
    return (sample.multimodal_inputs or {}).get("images")
