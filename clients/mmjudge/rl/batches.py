"""What a call returns: a reward for each sample, and why some have none."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmjudge.client import Abstention, Error, Verdicts
from mmjudge.client.failing import first_failure
from mmjudge.contract import NotJudged


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a sample has no reward: its place in the call, the judge, the reason and a message."""

    index: int
    judge: str
    reason: str
    message: str


@dataclass(frozen=True, eq=False)
class RewardBatch:
    """Rewards in the order of the samples.

    values: float32 `[n]`, NaN for a sample that failed, which only `on_failure="mask"` lets be.
    parts: what each judge said by itself, float32 `[n]`, NaN where it failed; not normalised.
    failures: every failure of every judge, by index.
    fingerprints: which weights and code each judge is, by name.
    metrics: numbers to log beside the reward, by name; see docs/rl.md.
    """

    values: NDArray[np.float32]
    parts: Mapping[str, NDArray[np.float32]]
    failures: tuple[Failure, ...]
    fingerprints: Mapping[str, str]
    metrics: Mapping[str, float]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def failed(self) -> tuple[int, ...]:
        """Indices of the samples without a reward, in order."""
        return tuple(int(i) for i in np.flatnonzero(np.isnan(self.values)))

    def floats(self) -> list[float]:
        """Return the rewards; ValueError if a sample has none, which has to be masked."""
        if self.failed:
            raise ValueError(f"samples {list(self.failed)} have no reward: use floats_or_none()")
        return [float(value) for value in self.values]

    def floats_or_none(self) -> list[float | None]:
        """Return the rewards, None for samples that failed."""
        return [None if np.isnan(value) else float(value) for value in self.values]


def first_error(rows: Mapping[str, Verdicts]) -> NotJudged | None:
    """Return the error of the first sample that a judge did not judge; None when all did."""
    remedy = "a reward is never invented, so none of this call is returned; see docs/rl.md"
    found = [
        error
        for name, verdicts in rows.items()
        if (
            error := first_failure(
                verdicts.verdicts, verdicts.item_ids, name, verdicts.fingerprint, remedy
            )
        )
    ]
    return min(found, key=lambda error: error.index, default=None)


def failures_in(rows: Mapping[str, Verdicts]) -> tuple[Failure, ...]:
    """Return the failures of every judge, by index."""
    found = []
    for name, verdicts in rows.items():
        for index, verdict in enumerate(verdicts):
            match verdict.outcome:
                case Error(code, reason, _, _) as error:
                    found.append(Failure(index, name, reason or code.name, str(error)))
                case Abstention(why, message, _, _):
                    found.append(Failure(index, name, why.name, message))
    return tuple(sorted(found, key=lambda failure: failure.index))
