"""Rewards as EasyR1 calls them; contract read from EasyR1 0.3.3.dev0, never run with it.

In the file of `worker.reward.reward_function=rewards.py:compute_score`:

    REWARD_NAME, REWARD_TYPE = "mmjudge", "batch"
    compute_score = easyr1.compute_score(Reward("127.0.0.1:50051", "clip"))

EasyR1 calls `compute_score(reward_inputs, **reward_function_kwargs)` with a dict a response:
"response", "response_length", "ground_truth". It trains on "overall" of the dicts it takes, and
logs their other values as means. An exception ends the step. No image is passed, so the dataset's
answer column has to name it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mmjudge.rl.named_images import named_image
from mmjudge.rl.reward import Reward


def compute_score(reward: Reward, *, image: str = "image") -> Callable[..., list[dict[str, float]]]:
    """Return the function that EasyR1 calls with a batch.

    image: what holds the image's path in a ground truth that is a JSON object; one that is no
        object is the path itself.
    It returns "overall", the reward, and "mmjudge_JUDGE", what each judge says; raises as
    `Reward.score_texts`. ValueError for `on_failure="mask"`.
    """
    reward.refuse_masking("EasyR1")

    def score(reward_inputs: Sequence[Mapping[str, Any]], **options: Any) -> list[dict[str, float]]:
        batch = reward.score_texts(
            None,
            [sample["response"] for sample in reward_inputs],
            [
                named_image(sample["ground_truth"], image, f"ground_truth of sample {i}")
                for i, sample in enumerate(reward_inputs)
            ],
        )
        return [
            {
                "overall": value,
                **{f"mmjudge_{judge}": float(values[i]) for judge, values in batch.parts.items()},
            }
            for i, value in enumerate(batch.floats())
        ]

    return score
