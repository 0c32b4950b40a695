"""Pictures of calibrations: histograms of two classes, or scores with the curve through them."""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mmjudge.bench.calibration.score_fits import ScoreFit

Numbers = NDArray[np.float64]
# Okabe and Ito's blue and vermilion, which colour-blind people tell apart; hatching does without.
CORRECT, HALLUCINATED = "#0072B2", "#D55E00"


def draw_classes(
    path: Path, correct: Numbers, hallucinated: Numbers, means: tuple[float, float], title: str
) -> None:
    """Write a PNG of both classes' scores as overlaid histograms, their means marked."""
    figure, axes = _canvas(title)
    bins = np.histogram_bin_edges(np.concatenate([correct, hallucinated]), "auto")
    for values, mean, colour, name, hatch in (
        (correct, means[0], CORRECT, "correct", ""),
        (hallucinated, means[1], HALLUCINATED, "hallucinated", "///"),
    ):
        axes.hist(
            values, bins.tolist(), weights=np.full(len(values), 1 / len(values)), color=colour,
            alpha=0.55, edgecolor=colour, hatch=hatch, label=f"{name} ({len(values)})",
        )  # fmt: skip
        axes.axvline(mean, color=colour, linestyle="--", label=f"mean of {name}: {mean:.3f}")
    axes.set(xlabel="raw similarity", ylabel="share of the label's units")
    axes.legend(frameon=False)
    figure.savefig(path)


def draw_scores(
    path: Path, raw: Numbers, target: Numbers | None, fit: ScoreFit, title: str
) -> None:
    """Write a PNG of the rows' raw scores against their targets, and the curve fitted to them."""
    figure, axes = _canvas(title)
    if target is not None:
        axes.scatter(raw, target, s=14, color=CORRECT, alpha=0.6, label=f"{len(raw)} rows")
    axes.plot(*fit.knots.T, color=HALLUCINATED, label=fit.kind)
    axes.set(xlabel="raw score", ylabel="share that scores lower" if target is None else "target")
    axes.legend(frameon=False)
    figure.savefig(path)


def _canvas(title: str) -> tuple[Figure, Axes]:
    with matplotlib.rc_context({"font.size": 11}):
        figure = Figure(figsize=(7, 4.2), dpi=150, layout="constrained")
        axes = figure.subplots()
    axes.set_title(title, loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
