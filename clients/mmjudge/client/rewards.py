"""Rewards of tokens and of steps as padded arrays, ready for a loss."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mmjudge.client.failing import OnFailedRow
from mmjudge.client.results import Verdicts
from mmjudge.client.row_verdicts import scores_of, spans_and_values
from mmjudge.contract import ServerFault, Timing, Verdict


@dataclass(frozen=True, eq=False)
class TokenRewards:
    """A reward for each of the caller's tokens, one row a text.

    values: float32 `[batch, longest]`, 0 where `mask` is False.
    mask: bool `[batch, longest]`, True where a token stands for some of the text; False for
        padding, for special tokens, and in all of a row that was not judged.
    regions: int32 `[batch, longest]`, index into `verdicts[i].judgement.scores[0].grid` of the
        patch that justifies each reward, -1 for none; None unless asked for.
    verdicts: one a row, with the reason where there is no reward; `failed` lists those rows.
    """

    values: NDArray[np.float32]
    mask: NDArray[np.bool_]
    regions: NDArray[np.int32] | None
    verdicts: tuple[Verdict, ...]
    failed: tuple[int, ...]
    judge: str
    fingerprint: str
    timing: Timing = Timing()

    @classmethod
    def of(
        cls,
        rows: Verdicts,
        spans: Sequence[NDArray[np.int32]],
        *,
        regions: bool,
        on_failure: OnFailedRow,
    ) -> Self:
        """Return what one judge says of tokens at `spans`, int32 `[tokens, 2]` a row.

        Only spans that are not empty were sent. Raises as `scores_of`, and ServerFault for an
        answer that does not fit them.
        """
        shape = len(spans), max(map(len, spans))
        values, mask = np.zeros(shape, np.float32), np.zeros(shape, bool)
        patches = np.full(shape, -1, np.int32)
        failed = []
        for i, score in enumerate(scores_of(rows, on_failure)):
            if score is None:
                failed.append(i)
                continue
            filled = np.flatnonzero(spans[i][:, 1] > spans[i][:, 0])
            found, rewards = spans_and_values(score, i, rows.judge)
            if not np.array_equal(found, spans[i][filled]):
                raise ServerFault(
                    f"judge {rows.judge!r} gave row {i} rewards for {len(found)} spans of its own, "
                    f"asked were the {len(filled)} of the caller's tokens"
                )
            values[i, filled], mask[i, filled] = rewards, True
            if score.regions is not None:
                patches[i, filled] = score.regions
        return cls(
            values=values,
            mask=mask,
            regions=patches if regions else None,
            verdicts=rows.verdicts,
            failed=tuple(failed),
            judge=rows.judge,
            fingerprint=rows.fingerprint,
            timing=rows.timing,
        )


@dataclass(frozen=True, eq=False)
class StepRewards:
    """A reward for each step (sentence) of a text, one row a text.

    values: float32 `[batch, most steps]`, 0 where `mask` is False.
    mask: bool `[batch, most steps]`, True where there is a step; False for padding, and in all of
        a row that was not judged.
    spans: int32 `[batch, most steps, 2]`, the UTF-8 bytes of each step, (0, 0) for none.
    totals: float32 `[batch]`, the value of each whole text; NaN where there is none.
    verdicts: one a row, with the reason where there is no reward; `failed` lists those rows.
    """

    values: NDArray[np.float32]
    mask: NDArray[np.bool_]
    spans: NDArray[np.int32]
    totals: NDArray[np.float32]
    verdicts: tuple[Verdict, ...]
    failed: tuple[int, ...]
    judge: str
    fingerprint: str
    timing: Timing = Timing()

    @classmethod
    def of(cls, rows: Verdicts, *, on_failure: OnFailedRow) -> Self:
        """Return what one judge says of each row's steps; raises as `scores_of`."""
        scores = scores_of(rows, on_failure)
        steps = {
            i: spans_and_values(score, i, rows.judge)
            for i, score in enumerate(scores)
            if score is not None
        }
        shape = len(scores), max((len(values) for _, values in steps.values()), default=0)
        values, mask = np.zeros(shape, np.float32), np.zeros(shape, bool)
        spans = np.zeros((*shape, 2), np.int32)
        for i, (found, rewards) in steps.items():
            count = len(rewards)
            values[i, :count], mask[i, :count], spans[i, :count] = rewards, True, found
        totals = [
            np.nan if score is None or score.value is None else score.value for score in scores
        ]
        return cls(
            values=values,
            mask=mask,
            spans=spans,
            totals=np.array(totals, np.float32),
            verdicts=rows.verdicts,
            failed=tuple(i for i, score in enumerate(scores) if score is None),
            judge=rows.judge,
            fingerprint=rows.fingerprint,
            timing=rows.timing,
        )
