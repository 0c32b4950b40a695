"""Rewards as ms-swift's GRPO calls them; contract read from ms-swift 4.6.0, and run with its code.

In a file for `--external_plugins`, with `--reward_funcs mmjudge`:

    from swift.rewards import orms
    orms["mmjudge"] = ms_swift_reward(Reward("127.0.0.1:50051", "clip"))

ms-swift makes the object with `orms[name](args=args)` and calls `reward(completions, **columns)`
with `trainer_state` and the batched dataset columns (`images`, `messages`, `solution`, ...); an
asynchronous one is gathered with the others under `asyncio.run`, a new loop each time. An exception
ends the run. None would become NaN and then, by `nansum`, 0, even where every function gave it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from mmjudge.rl.reward import Reward

_PLACEHOLDER = "<image>"  # where ms-swift's texts have an image of the column


def ms_swift_reward(
    reward: Reward, *, images: str = "images", references: str | None = None
) -> type[Any]:
    """Return a class called as `swift.rewards.ORM`, to be put into `orms`.

    images: the column with a row's images; a row without any has those in its chat messages.
    references: the column with reference texts, for judges that want them.
    Raises ValueError for `on_failure="mask"`.
    """
    reward.refuse_masking("ms-swift")

    class MmjudgeReward:
        """What ms-swift calls, once a step; its metrics go by this name."""

        def __init__(self, args: Any = None, **options: Any) -> None:
            self.args = args

        def __call__(self, completions: Sequence[Any], **columns: Any) -> list[float]:
            """Return a reward a completion; raises as `Reward.score_texts`."""
            return reward.score_texts(
                *_arguments(completions, columns, images, references)
            ).floats()

    return MmjudgeReward


def async_ms_swift_reward(
    reward: Reward, *, images: str = "images", references: str | None = None
) -> type[Any]:
    """Return a class called as `swift.rewards.AsyncORM`; otherwise as `ms_swift_reward`."""
    reward.refuse_masking("ms-swift")

    class AsyncMmjudgeReward:
        """What ms-swift awaits, once a step; its metrics go by this name."""

        def __init__(self, args: Any = None, **options: Any) -> None:
            self.args = args

        async def __call__(self, completions: Sequence[Any], **columns: Any) -> list[float]:
            """Return a reward a completion; raises as `Reward.score_texts`."""
            arguments = _arguments(completions, columns, images, references)
            return (await reward.score_texts_async(*arguments)).floats()

    return AsyncMmjudgeReward


def _arguments(
    completions: Sequence[Any], columns: Mapping[str, Any], images: str, references: str | None
) -> tuple[list[Any], Sequence[Any], Sequence[Any] | None, Sequence[Any] | None]:
    for option, name in (("images", images), ("references", references)):
        # A batch whose rows have no images at all has no "images" either.
        if name is not None and name not in columns and name != "images":
            raise ValueError(f"{option} is {name!r}, expected one of the columns {sorted(columns)}")
    # `messages` end with the completion; what comes before is the prompt.
    prompts = [[_without_placeholder(m) for m in row[:-1]] for row in columns["messages"]]
    told = columns[references] if references is not None else None
    return prompts, completions, columns.get(images), told


def _without_placeholder(message: Mapping[str, Any]) -> Mapping[str, Any]:
    content = message.get("content")
    if isinstance(content, str) and _PLACEHOLDER in content:
        return {**message, "content": content.replace(_PLACEHOLDER, "").strip()}
    return message
