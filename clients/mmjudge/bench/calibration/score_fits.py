"""Curves that bring a judge's scores to another scale, fitted by scikit-learn."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import pearsonr, spearmanr
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import QuantileTransformer

Kind = Literal["affine", "quantile", "isotonic"]
Numbers = NDArray[np.float64]
FEWEST = 10  # rows; below it a curve says more of the rows than of the judge
MOST_KNOTS = 1000


@dataclass(frozen=True, slots=True)
class ScoreFit:
    """A rising curve through `knots` `[n, 2]` (raw score, calibrated score), and how well it fits.

    Attributes:
        statistics: `rows`; with targets `pearson`, `spearman` (of the raw scores) and `rmse` (of
            the calibrated ones).
    """

    kind: Kind
    knots: Numbers
    statistics: dict[str, float]


def fit_scores(kind: Kind, raw: Numbers, target: Numbers | None) -> ScoreFit:
    """Fit a curve of `kind` to finite `raw` `[n]`, towards `target` `[n]`.

    affine: least squares, target = slope * raw + intercept. isotonic: least squares among rising
    curves (Zadrozny and Elkan 2002). quantile: the share of the rows that score lower; no targets.

    Raises ValueError: fewer than 10 rows or two different scores, targets missing or not wanted,
    scores that fall where targets rise.
    """
    if len(raw) < FEWEST or len(np.unique(raw)) < 2:
        raise ValueError(
            f"{len(raw)} rows with {len(np.unique(raw))} different scores; expected {FEWEST} rows "
            "and two scores at least"
        )
    if (target is None) != (kind == "quantile"):
        wanted = "no targets: leave them out" if target is not None else "a target in every row"
        raise ValueError(f"{kind}: expected {wanted}")
    if target is None:
        return ScoreFit(kind, _quantiles(raw), {"rows": len(raw)})
    agreement = float(spearmanr(raw, target).statistic)
    if not agreement > 0:
        raise ValueError(
            f"scores do not rise with the targets (Spearman {agreement:.2f}): no calibration "
            "makes this judge agree with them"
        )
    knots = _CURVES[kind](raw, target)
    calibrated = (
        knots[0, 1] + (raw - knots[0, 0]) * (knots[1, 1] - knots[0, 1]) / np.ptp(knots[:, 0])
        if kind == "affine"
        else np.interp(raw, *knots.T)
    )
    statistics = {
        "rows": len(raw),
        "pearson": float(pearsonr(raw, target).statistic),
        "spearman": agreement,
        "rmse": float(np.sqrt(np.mean((calibrated - target) ** 2))),
    }
    return ScoreFit(kind, knots, statistics)


def _affine(raw: Numbers, target: Numbers) -> Numbers:
    line = LinearRegression().fit(raw[:, None], target)
    if not line.coef_[0] > 0:
        raise ValueError(
            f"the best line falls (slope {line.coef_[0]:.3g}), though ranks rise: a few rows far "
            "out decide; look at them, or fit isotonic"
        )
    ends = np.array([raw.min(), raw.max()])
    return np.column_stack([ends, line.predict(ends[:, None])])


def _isotonic(raw: Numbers, target: Numbers) -> Numbers:
    curve = IsotonicRegression(increasing=True, out_of_bounds="clip").fit(raw, target)
    knots = np.column_stack([curve.X_thresholds_, curve.y_thresholds_])
    if len(knots) < 2:
        raise ValueError("the best rising curve is flat: the targets do not depend on the scores")
    return knots


def _quantiles(raw: Numbers) -> Numbers:
    fitted = QuantileTransformer(n_quantiles=min(len(raw), MOST_KNOTS), subsample=None).fit(
        raw[:, None]
    )
    scores, shares = fitted.quantiles_[:, 0], fitted.references_
    # Equal scores have the middle of their shares, as the transformer itself gives them.
    return np.array([(score, shares[scores == score].mean()) for score in np.unique(scores)])


_CURVES: dict[str, Callable[[Numbers, Numbers], Numbers]] = {
    "affine": _affine,
    "isotonic": _isotonic,
}
