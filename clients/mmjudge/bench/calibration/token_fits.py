"""Where the similarities of correct and of hallucinated words lie, for `token_alignment`."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmjudge.bench.metrics.separation import Estimate, bootstrapped_auc

Numbers = NDArray[np.float64]
FEWEST = 10  # units of each class


@dataclass(frozen=True, slots=True)
class TokenFit:
    """Two classes of similarities; standard deviations are of samples (n - 1).

    margin: how far inside the two means rewards begin: above mean_correct - margin a unit counts as
    correct, below mean_hallucinated + margin as hallucinated; negative: outside of the means.
    undecided: share of all units between the two.
    """

    mean_correct: float
    std_correct: float
    mean_hallucinated: float
    std_hallucinated: float
    margin: float
    undecided: float
    auc: Estimate


def fit_tokens(correct: Numbers, hallucinated: Numbers, wrong: float, seed: int = 0) -> TokenFit:
    """Fit means and margin to finite similarities, `[n]` of each class.

    The margin is the largest, so that fewest units are undecided, with which at most the share
    `wrong` (in 0..0.5) of either class is taken for the other; less than half the means' distance.

    Raises ValueError: fewer than 10 units of a class, means that coincide or are the wrong way
    round, `wrong` out of range.
    """
    for values, name in ((correct, "correct"), (hallucinated, "hallucinated")):
        if len(values) < FEWEST:
            raise ValueError(f"{len(values)} {name} units, expected {FEWEST} at least")
    if not 0.0 < wrong < 0.5:
        raise ValueError(f"wrong: {wrong}, expected a share between 0 and 0.5")
    high, low = float(correct.mean()), float(hallucinated.mean())
    if not low < high:
        raise ValueError(
            f"correct units are no more similar ({high:.4f}) than hallucinated ones ({low:.4f}): "
            "this judge does not tell them apart; try another backbone or source"
        )
    margin = min(
        high - float(np.quantile(hallucinated, 1 - wrong, method="higher")),
        float(np.quantile(correct, wrong, method="lower")) - low,
        0.49 * (high - low),
    )
    every = np.concatenate([correct, hallucinated])
    undecided = float(((every < high - margin) & (every > low + margin)).mean())
    return TokenFit(
        high,
        float(correct.std(ddof=1)),
        low,
        float(hallucinated.std(ddof=1)),
        margin,
        undecided,
        bootstrapped_auc(correct, hallucinated, seed=seed),
    )
