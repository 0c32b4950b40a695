"""Rewards as verl calls them; contract read from verl 0.9.1, and run with its reward managers.

In the file of `reward.custom_reward_function.path`, whose `name` says which of its objects:

    compute_score = verl.async_compute_score(Reward("127.0.0.1:50051", "clip"), image="image")

verl's reward loop calls, for one sample and by keyword, in threads unless it is a coroutine
function:

    compute_score(data_source=..., solution_str=..., ground_truth=..., extra_info={...}, **kwargs)

for a float, or a dict with "score" whose other values it logs; all samples must have the same keys.
The older batch manager passes lists, named in the plural. An exception ends the step. verl shows
no image to a reward, so a dataset puts it, or its path, into `extra_info`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from mmjudge.rl.batches import RewardBatch
from mmjudge.rl.named_images import named_image
from mmjudge.rl.reward import Reward

Score = dict[str, float]


def compute_score(
    reward: Reward, *, image: str = "image", prompt: str | None = None
) -> Callable[..., Score]:
    """Return a function of one sample, for verl to call in threads.

    image: where `extra_info` has the image: an image, its bytes, or a path. prompt: where it has
        the prompt's text, for judges that read it; None for none.
    It returns {"score": the reward, "mmjudge_JUDGE": what each judge says}; raises as
    `Reward.score_texts`. ValueError for `on_failure="mask"`.
    """
    reward.refuse_masking("verl")

    def score(
        data_source: Any, solution_str: str, ground_truth: Any, extra_info: Any, **options: Any
    ) -> Score:
        prompts, images = _columns([extra_info], image, prompt)
        return _scores(reward.score_texts(prompts, [solution_str], images))[0]

    return score


def async_compute_score(
    reward: Reward, *, image: str = "image", prompt: str | None = None
) -> Callable[..., Awaitable[Score]]:
    """Return a coroutine function of one sample; otherwise as `compute_score`.

    The better one: verl awaits all samples of a worker together, and the server batches them.
    """
    reward.refuse_masking("verl")

    async def score(
        data_source: Any, solution_str: str, ground_truth: Any, extra_info: Any, **options: Any
    ) -> Score:
        prompts, images = _columns([extra_info], image, prompt)
        return _scores(await reward.score_texts_async(prompts, [solution_str], images))[0]

    return score


def batch_compute_score(
    reward: Reward, *, image: str = "image", prompt: str | None = None
) -> Callable[..., list[Score]]:
    """Return a function of a whole batch, for the "batch" manager; otherwise as `compute_score`.

    The completions of one prompt and image travel and are encoded as one group.
    """
    reward.refuse_masking("verl")

    def score(
        data_sources: Any,
        solution_strs: Sequence[str],
        ground_truths: Any,
        extra_infos: Sequence[Any],
        **options: Any,
    ) -> list[Score]:
        prompts, images = _columns(extra_infos, image, prompt)
        return _scores(reward.score_texts(prompts, solution_strs, images))

    return score


def _columns(
    infos: Sequence[Any], image: str, prompt: str | None
) -> tuple[list[Any] | None, list[Any]]:
    images = [named_image(info, image, f"extra_info of sample {i}") for i, info in enumerate(infos)]
    if prompt is None:
        return None, images
    return [_prompt(info, prompt) for info in infos], images


def _prompt(info: Mapping[str, Any], key: str) -> Any:
    if key not in info:
        raise ValueError(f"prompt is {key!r}, expected one of extra_info's keys {sorted(info)}")
    return info[key]


def _scores(batch: RewardBatch) -> list[Score]:
    return [
        {
            "score": value,
            **{f"mmjudge_{judge}": float(values[i]) for judge, values in batch.parts.items()},
        }
        for i, value in enumerate(batch.floats())
    ]
