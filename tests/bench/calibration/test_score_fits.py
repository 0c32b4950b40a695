import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmjudge.bench.calibration.score_fits import FEWEST, Kind, fit_scores

RAW = np.linspace(-1.0, 1.0, 21)


def test_a_line_is_found_as_it_was_drawn() -> None:
    fit = fit_scores("affine", RAW, 3.0 * RAW + 0.5)
    assert fit.knots == pytest.approx(np.array([[-1.0, -2.5], [1.0, 3.5]]), abs=1e-12)
    assert fit.statistics["rmse"] == pytest.approx(0.0, abs=1e-12)
    assert fit.statistics["pearson"] == pytest.approx(1.0)
    assert fit.statistics["rows"] == 21


def test_a_step_is_found_by_isotonic_and_not_by_affine() -> None:
    target = (RAW > 0.0).astype(float)
    isotonic, affine = fit_scores("isotonic", RAW, target), fit_scores("affine", RAW, target)
    assert isotonic.statistics["rmse"] == pytest.approx(0.0, abs=1e-12)
    assert affine.statistics["rmse"] > 0.1


def test_quantiles_are_shares_of_the_rows() -> None:
    fit = fit_scores("quantile", RAW**3, None)
    assert fit.knots[[0, 10, 20]] == pytest.approx(
        np.array([[-1.0, 0.0], [0.0, 0.5], [1.0, 1.0]]), abs=1e-9
    )


@given(
    raw=st.lists(st.integers(-20, 20), min_size=FEWEST, max_size=60).filter(
        lambda r: len(set(r)) > 1
    ),
    noise=st.lists(st.floats(-3, 3), min_size=60, max_size=60),
    kind=st.sampled_from(["affine", "quantile", "isotonic"]),
)
def test_every_curve_rises(raw: list[int], noise: list[float], kind: Kind) -> None:
    scores = np.array(raw, float)
    target = None if kind == "quantile" else scores + np.array(noise[: len(raw)])
    try:
        fit = fit_scores(kind, scores, target)
    except ValueError:
        return  # noise that outweighs the scores is refused, below
    assert (np.diff(fit.knots[:, 0]) > 0).all()
    assert (np.diff(fit.knots[:, 1]) >= 0).all()
    assert len(fit.knots) == 2 if kind == "affine" else len(fit.knots) >= 2


@pytest.mark.parametrize(
    ("kind", "raw", "target", "told"),
    [
        ("affine", RAW[:5], RAW[:5], "5 rows with 5 different scores; expected 10 rows"),
        ("isotonic", np.zeros(20), RAW[:20], "20 rows with 1 different scores"),
        ("affine", RAW, None, "affine: expected a target in every row"),
        ("quantile", RAW, RAW, "quantile: expected no targets: leave them out"),
        ("isotonic", RAW, -RAW, r"do not rise with the targets \(Spearman -1.00\)"),
        ("affine", RAW, np.where(RAW == 1.0, -99.0, RAW), "the best line falls"),
    ],
)
def test_what_cannot_be_fitted(
    kind: Kind, raw: np.ndarray, target: np.ndarray | None, told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        fit_scores(kind, raw, target)
