"""Rewards as TRL's GRPOTrainer and RLOOTrainer call them; contract read from TRL 1.16 and 1.10.

    trainer = GRPOTrainer(reward_funcs=TrlReward(Reward("127.0.0.1:50051", "clip")), ...)

TRL calls, on each process with its own slice, all by keyword:

    reward_func(prompts=[...], completions=[...], completion_ids=[[...]], trainer_state=...,
                log_extra=..., log_metric=..., **columns)

with every other dataset column as a list, one entry a completion. It takes a list of float or
None. An exception ends the run. None becomes NaN: a row is left out, its advantage 0, only if all
reward functions gave None for it; beside another function's number it silently counts as 0.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from mmjudge.rl.batches import RewardBatch
from mmjudge.rl.reward import Reward

_MASKING = ("trl.trainer.grpo_trainer", "trl.trainer.rloo_trainer")
_MASKING_SINCE = (1, 10)


class TrlReward:
    """A reward function for `reward_funcs`.

    reward: whom to ask. With `on_failure="mask"` a failed sample is None, which is refused at the
        first call, with RuntimeError, wherever TRL would count it as 0.
    images: the dataset column with an image, or a list of them, a row. Rows of conversational
        prompts that hold their images may do without; None for judges of text alone. TRL puts
        columns called "images" and "image" before the policy; one that only the judge shall see
        needs another name.
    references: the column with reference texts, for judges that want them.
    name: what TRL calls this function in its metrics.
    """

    def __init__(
        self,
        reward: Reward,
        *,
        images: str | None = "images",
        references: str | None = None,
        name: str = "mmjudge",
    ) -> None:
        self.reward = reward
        self.images = images
        self.references = references
        self.__name__ = name

    def __call__(
        self, prompts: Sequence[Any], completions: Sequence[Any], **columns: Any
    ) -> list[float | None]:
        """Return a reward a completion; raises as `Reward.score_texts`."""
        self._check_mask(columns)
        batch = self.reward.score_texts(prompts, completions, *self._columns(prompts, columns))
        return _logged(batch, columns)

    async def score_async(
        self, prompts: Sequence[Any], completions: Sequence[Any], **columns: Any
    ) -> list[float | None]:
        """Return what a call does, without blocking TRL's event loop."""
        self._check_mask(columns)
        batch = await self.reward.score_texts_async(
            prompts, completions, *self._columns(prompts, columns)
        )
        return _logged(batch, columns)

    def _columns(
        self, prompts: Sequence[Any], columns: Mapping[str, Any]
    ) -> tuple[Sequence[Any] | None, Sequence[Any] | None]:
        images = columns.get(self.images) if self.images else None
        if self.images and images is None and any(isinstance(prompt, str) for prompt in prompts):
            raise ValueError(_missing("images", self.images, columns))
        if self.references is None:
            return images, None
        if self.references not in columns:
            raise ValueError(_missing("references", self.references, columns))
        return images, columns[self.references]

    def _check_mask(self, columns: Mapping[str, Any]) -> None:
        if self.reward.on_failure == "mask":
            why = _cannot_mask(columns.get("log_metric"))
            if why:
                raise RuntimeError(
                    f"on_failure is 'mask' and {why}, so that failed samples would count as 0; "
                    "weigh several judges with a RewardMix in one reward function, or use "
                    "on_failure='raise'"
                )


def async_trl_reward(
    reward: Reward,
    *,
    images: str | None = "images",
    references: str | None = None,
    name: str = "mmjudge",
) -> Callable[..., Awaitable[list[float | None]]]:
    """Return `TrlReward` as a coroutine function, which TRL runs beside its other async ones.

    TRL gathers coroutine functions while it awaits; a sync function waits for its answer alone.
    """
    adapter = TrlReward(reward, images=images, references=references, name=name)

    # A function, because TRL before 1.10 does not see that an object's __call__ is one.
    async def score(
        prompts: Sequence[Any], completions: Sequence[Any], **columns: Any
    ) -> list[float | None]:
        return await adapter.score_async(prompts, completions, **columns)

    score.__name__ = name
    return score


def _logged(batch: RewardBatch, columns: Mapping[str, Any]) -> list[float | None]:
    log_metric, log_extra = columns.get("log_metric"), columns.get("log_extra")
    if log_metric is not None:
        for name, value in batch.metrics.items():
            log_metric(name, value)
    if log_extra is not None:
        missing = {(failure.judge, failure.index) for failure in batch.failures}
        for judge, values in batch.parts.items():
            column = [
                None if (judge, i) in missing else float(value) for i, value in enumerate(values)
            ]
            log_extra(f"mmjudge/{judge}", column)
        if batch.failures:
            reasons = {failure.index: failure.reason for failure in batch.failures}
            log_extra("mmjudge/failure", [reasons.get(i) for i in range(len(batch))])
    return batch.floats_or_none()


def _cannot_mask(log_metric: Any) -> str | None:
    # The only way to the trainer from inside a call: `log_metric` is a method of it.
    trainer = getattr(log_metric, "__self__", None)
    functions = getattr(trainer, "reward_funcs", None)
    if trainer is None or functions is None:
        return "the trainer cannot be seen from this call"
    if len(functions) != 1:
        return f"the trainer has {len(functions)} reward functions and adds what they give"
    kinds = type(trainer).__mro__
    scorer = next((k for k in kinds if "_generate_and_score_completions" in vars(k)), object)
    if scorer.__module__ not in _MASKING:
        return f"{kinds[0].__name__} is not known to leave them out, as GRPOTrainer does"
    try:
        installed = version("trl")
    except PackageNotFoundError:
        return "TRL's version is not known"
    if tuple(map(int, installed.split(".")[:2])) < _MASKING_SINCE:
        return f"TRL {installed} turns None into 0; versions from 1.10 leave such rows out"
    return None


def _missing(what: str, name: str, columns: Mapping[str, Any]) -> str:
    given = sorted(set(columns) - {"completion_ids", "trainer_state", "log_extra", "log_metric"})
    return f"{what} is {name!r} and the dataset's other columns are {given}: name one of them"
