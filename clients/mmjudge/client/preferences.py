"""The best and the worst of several answers, by score: what preference optimisation learns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmjudge.client.media import ImageLike
from mmjudge.client.results import Verdicts

if TYPE_CHECKING:
    from datasets import Dataset

IMAGE_MARK = "<image>"
"""What stands for the image in a conversation."""


@dataclass(frozen=True, slots=True, eq=False)
class Preference:
    """Two answers to one prompt over one image, and their scores, higher is better."""

    id: str
    image: ImageLike
    prompt: str
    chosen: str
    rejected: str
    chosen_score: float
    rejected_score: float


@dataclass(frozen=True, slots=True, eq=False)
class Preferences(Sequence[Preference]):
    """The pairs, and how many groups gave none: all answers too alike, or fewer than two scored."""

    pairs: tuple[Preference, ...]
    ties: int = 0
    failed: int = 0

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[Preference]:
        return iter(self.pairs)

    def __getitem__(self, index: Any) -> Any:
        return self.pairs[index]

    def to_datasets(self) -> "Dataset":
        """Return the pairs as `preference_dataset` does."""
        from mmjudge.client.preference_formats import preference_dataset

        return preference_dataset(self.pairs)


def preference_pairs(
    prompts: Sequence[str],
    images: Sequence[ImageLike],
    candidates: Sequence[Sequence[str]],
    scores: Verdicts | Sequence[ArrayLike] | ArrayLike,
    *,
    margin: float = 0.0,
    ids: Sequence[str] | None = None,
) -> Preferences:
    """Return the best and the worst candidate of each prompt, where their scores tell them apart.

    prompts, images, candidates: one prompt, one image and a list of answers a group.
    scores: one number a candidate, higher is better, NaN for one that has none: an array a group,
        one flat array over all (such as `Scores`, or the `totals` of `StepRewards`), or the
        `Verdicts` of one item a group.
    margin: groups whose best is not more than this above their worst are left out as ties.
    ids: names of the pairs, the groups' numbers unless given.

    Raises ValueError for unequal lengths, and for a prompt that has the image's mark already.
    """
    count = len(prompts)
    names = [str(i) for i in range(count)] if ids is None else ids
    for what, values in (("images", images), ("candidates", candidates), ("ids", names)):
        if len(values) != count:
            raise ValueError(f"{len(values)} {what} for {count} prompts, expected one each")
    if not margin >= 0:
        raise ValueError(f"margin is {margin}, expected 0 or more")
    pairs, ties, failed = [], 0, 0
    for i, found in enumerate(_by_group(scores, [len(group) for group in candidates])):
        if IMAGE_MARK in prompts[i]:
            raise ValueError(f"prompts[{i}] has {IMAGE_MARK} in it: leave it out, it is put there")
        if np.isfinite(found).sum() < 2:
            failed += 1
            continue
        best, worst = int(np.nanargmax(found)), int(np.nanargmin(found))
        if not found[best] - found[worst] > margin:
            ties += 1
            continue
        pairs.append(
            Preference(
                id=names[i],
                image=images[i],
                prompt=prompts[i],
                chosen=candidates[i][best],
                rejected=candidates[i][worst],
                chosen_score=float(found[best]),
                rejected_score=float(found[worst]),
            )
        )
    return Preferences(tuple(pairs), ties, failed)


def _by_group(scores: Any, counts: Sequence[int]) -> list[NDArray[np.float64]]:
    if isinstance(scores, Verdicts):
        scores = scores.candidate_values
    elif not isinstance(scores, list | tuple) and np.asarray(scores).ndim == 1:
        flat = np.asarray(scores, float)
        if len(flat) != sum(counts):
            raise ValueError(f"{len(flat)} scores for {sum(counts)} candidates, expected one each")
        scores = np.split(flat, np.cumsum(counts)[:-1])
    groups = [np.asarray(values, float) for values in scores]
    if len(groups) != len(counts):
        raise ValueError(f"scores of {len(groups)} groups for {len(counts)} prompts")
    for i, (values, count) in enumerate(zip(groups, counts, strict=True)):
        if values.shape != (count,):
            raise ValueError(f"scores[{i}] has shape {list(values.shape)}, expected [{count}]")
    return groups
