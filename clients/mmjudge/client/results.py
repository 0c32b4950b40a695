"""What a call returns: verdicts, and the numbers in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mmjudge.client.failing import OnFailure, check_on_failure, first_failure
from mmjudge.contract import Timing, Verdict


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What one judge made of every item of a call, in the items' order.

    item_ids: the caller's names, "" for none; candidate_counts: how many candidates each item has.
    """

    judge: str
    fingerprint: str
    verdicts: tuple[Verdict, ...]
    item_ids: tuple[str, ...]
    candidate_counts: tuple[int, ...]
    timing: Timing = Timing()

    def __len__(self) -> int:
        return len(self.verdicts)

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.verdicts)

    def __getitem__(self, index: int) -> Verdict:
        return self.verdicts[index]

    @cached_property
    def candidate_values(self) -> list[NDArray[np.float32]]:
        """Values of each item's candidates, float32 `[candidates]` an item, NaN if not judged.

        Raises ValueError when the judge gives an order without values.
        """
        return [self._values_of(i) for i in range(len(self))]

    @cached_property
    def values(self) -> NDArray[np.float32]:
        """Values float32 `[items]`, one candidate an item, NaN for an item that was not judged.

        Raises ValueError for an item of several candidates or a judge that gives no values.
        """
        for i, count in enumerate(self.candidate_counts):
            if count != 1:
                raise ValueError(
                    f"item {i} has {count} candidates and `values` holds one number an item: "
                    "read `candidate_values`, one array an item"
                )
        return np.array([value for (value,) in self.candidate_values], np.float32)

    def check(self, on_failure: OnFailure = "raise") -> "Verdicts":
        """Return self; raises ItemFailed or ItemAbstained for the first item not judged.

        "nan" raises for none: such items are NaN in the arrays.
        """
        check_on_failure(on_failure)
        if on_failure == "raise":
            error = first_failure(self.verdicts, self.item_ids, self.judge, self.fingerprint)
            if error is not None:
                raise error
        return self

    def _values_of(self, index: int) -> NDArray[np.float32]:
        judgement = self.verdicts[index].judgement
        if judgement is None:
            return np.full(self.candidate_counts[index], np.nan, np.float32)
        values = [score.value for score in judgement.scores]
        if None in values:
            raise ValueError(
                f"judge {self.judge!r} gave item {index} no value: it orders candidates or values "
                "spans only; read `ranks` or `span_values` in `verdicts`"
            )
        return np.array(values, np.float32)


@dataclass(frozen=True, eq=False)
class Scores:
    """One number a pair: `values` float32 `[n]`, NaN where a pair was not judged.

    `np.asarray(scores)` is `values`; `verdicts` hold the reasons, notes and parts of each number.
    """

    values: NDArray[np.float32]
    verdicts: tuple[Verdict, ...]
    judge: str
    fingerprint: str
    timing: Timing = Timing()

    @classmethod
    def of(cls, verdicts: Verdicts) -> "Scores":
        """Return the scores in `verdicts`; raises ValueError as `Verdicts.values`."""
        return cls(
            values=verdicts.values,
            verdicts=verdicts.verdicts,
            judge=verdicts.judge,
            fingerprint=verdicts.fingerprint,
            timing=verdicts.timing,
        )

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        array = self.values if dtype is None else self.values.astype(dtype, copy=False)
        return array.copy() if copy and array is self.values else array
