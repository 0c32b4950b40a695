"""Asking a judge for what it is to be calibrated by, and what goes into the calibration file."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mmjudge.bench.calibration.labelled_rows import LabelledUnit, RatedText
from mmjudge.bench.calibration.score_fits import ScoreFit
from mmjudge.bench.calibration.token_fits import TokenFit
from mmjudge.client.results import Scores, Verdicts
from mmjudge.contract import Candidate, EncodedImage, Item, JudgeInfo, Want

Numbers = NDArray[np.float64]
VERSION = 1


class Asked(Protocol):
    """What is needed of a `Client` or `LocalClient`."""

    def score(self, images: Any, texts: Any, *, judges: str) -> Scores:
        """As `Client.score`."""

    def judge(self, items: Sequence[Item], *, judges: str, want: Want) -> Verdicts:
        """As `Client.judge`."""


def similarities(client: Asked, judge: JudgeInfo, units: Sequence[LabelledUnit]) -> Numbers:
    """The judge's raw similarity of each unit, `[units]`; every text of an image is sent once.

    Raises ValueError for a judge that gives no token rewards, or none that are raw.
    """
    if Want.TOKEN_REWARDS not in judge.wants:
        raise ValueError(f"judge {judge.name!r} gives no token rewards; expected token_alignment")
    transform = judge.provenance.get("transform", "")
    if not transform.startswith("raw"):
        raise ValueError(
            f"judge {judge.name!r} transforms its rewards ({transform or 'nobody knows how'}): "
            'calibrate one configured with transform = "raw"'
        )
    texts: dict[tuple[Any, str], list[int]] = defaultdict(list)
    for index, unit in enumerate(units):
        texts[unit.image, unit.text].append(index)
    items, order = [], []
    for (image, text), members in texts.items():
        members.sort(key=lambda index: units[index].span)
        spans = np.array([units[index].span for index in members], np.int32)
        picture = EncodedImage(image.read_bytes())
        items.append(Item(prompt=[picture], candidates=[Candidate([text], spans)]))
        order += members
    verdicts = client.judge(items, judges=judge.name, want=Want.TOKEN_REWARDS)
    found = np.empty(len(units))
    found[order] = np.concatenate([_span_values(verdict) for verdict in verdicts])
    return found


def raw_scores(client: Asked, judge: JudgeInfo, rows: Sequence[RatedText]) -> Numbers:
    """The judge's score of each row, `[rows]`."""
    images = [EncodedImage(row.image.read_bytes()) for row in rows]
    scores = client.score(images, [row.text for row in rows], judges=judge.name)
    return scores.values.astype(np.float64)


def token_file(judge: JudgeInfo, fit: TokenFit, units: int) -> dict[str, Any]:
    """What `token_alignment` reads as `calibration`, and figures for people beside it."""
    return {
        "version": VERSION,
        "kind": "token_alignment",
        "judge": judge.name,
        "judge fingerprint": judge.fingerprint,
        "mean_correct": fit.mean_correct,
        "std_correct": fit.std_correct,
        "mean_hallucinated": fit.mean_hallucinated,
        "std_hallucinated": fit.std_hallucinated,
        "margin": fit.margin,
        "units": units,
        "undecided": fit.undecided,
        "auc": [fit.auc.value, fit.auc.low, fit.auc.high],
    }


def score_file(judge: JudgeInfo, fit: ScoreFit) -> dict[str, Any]:
    """What kind `calibrated` reads as `calibration`, and figures for people beside it."""
    return {
        "version": VERSION,
        "kind": fit.kind,
        "judge": judge.name,
        "fingerprint": judge.fingerprint,
        "knots": fit.knots.tolist(),
        "statistics": fit.statistics,
    }


def _span_values(verdict: Any) -> Numbers:
    (score,) = verdict.judgement.scores
    return np.asarray(score.span_values, np.float64)
