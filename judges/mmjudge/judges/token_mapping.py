"""From rewards of units, such as words, to rewards of the caller's tokens."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

MappingRule = Literal["every", "first", "last", "split"]


class Mapped(NamedTuple):
    """Rewards `values` float32 `[spans]`, and int32 `[spans]` which unit is each one's `source`.

    The source is the unit that adds most to the span, by amount (the first of several); -1: none.
    """

    values: NDArray[np.float32]
    source: NDArray[np.int32]


def map_rewards(
    units: NDArray[np.integer],
    rewards: NDArray[np.float32],
    spans: NDArray[np.int32],
    rule: MappingRule,
) -> Mapped:
    """Hand each unit's reward to the spans that share bytes with it.

    * `every`: all of it to each of them;
    * `first`, `last`: all of it to the first or the last of them;
    * `split`: an equal share to each, so that the shares' sum is the reward.

    A span that several units reach has the sum of what they give it. Empty spans, which special
    tokens have, and spans that no unit reaches have 0. What a unit has no span for is lost.

    Args:
        units: `[n, 2]` bytes, filled, in the order of their starts.
        rewards: `[n]`.
        spans: `[m, 2]` bytes as `check_spans` lets them through: filled ones in the order of their
            starts, empty ones anywhere.
    """
    sums = np.zeros(len(spans), np.float64)
    most = np.full(len(spans), -1.0)
    source = np.full(len(spans), -1, np.int32)
    filled = np.flatnonzero(spans[:, 1] > spans[:, 0])
    starts, ends = spans[filled, 0], spans[filled, 1]
    # A span may hold the one behind it, so ends are not in order; the farthest so far are.
    farthest = np.maximum.accumulate(ends) if len(ends) else ends
    low = np.searchsorted(farthest, units[:, 0], "right")
    high = np.searchsorted(starts, units[:, 1], "left")
    for index, (first, stop) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
        reached = filled[first:stop][ends[first:stop] > units[index, 0]]
        if not len(reached):
            continue
        given = float(rewards[index])
        if rule == "first":
            reached = reached[:1]
        elif rule == "last":
            reached = reached[-1:]
        elif rule == "split":
            given /= len(reached)
        sums[reached] += given
        larger = reached[abs(given) > most[reached]]
        most[larger], source[larger] = abs(given), index
    return Mapped(sums.astype(np.float32), source)
