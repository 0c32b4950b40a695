"""The settings of `token_alignment`, and the transform they ask for."""

import math
from dataclasses import dataclass
from typing import Literal

from mmjudge.judges.backbones.alignment import Source
from mmjudge.judges.calibration_file import read_calibration
from mmjudge.judges.text_units import UnitRules
from mmjudge.judges.token_mapping import MappingRule
from mmjudge.judges.transforms import Levels, Transform, TransformMode


@dataclass(frozen=True, slots=True)
class TokenAlignmentOptions(UnitRules):
    """What is compared with what, and how similarities become rewards of the caller's tokens.

    source: a unit's similarity is its cosine with the image's embedding (`global`), or with the
    image's patches the largest (`max`), the mean, or the mean weighted by softmax(cosine / tau).
    embed: a unit's features are the mean of its tokens' in their `context`, or the embedding of the
    unit `alone` in `template`.
    map: a unit's reward goes to `every` token of the caller's that shares a byte with it, the
    `first`, the `last`, or is `split` evenly; a token of several units has the sum.
    transform: as in `transforms.Transform`, with the numbers below, or those of a file.
    calibration: path of a file that `mmjudge calibrate` wrote; empty for none.
    """

    source: Source = "max"
    tau: float = 0.05
    embed: Literal["context", "alone"] = "alone"
    template: str = "a photo of {unit}"
    map: MappingRule = "every"
    transform: TransformMode = "raw"
    calibration: str = ""
    mean_correct: float = 0.0
    mean_hallucinated: float = 0.0
    margin: float = 0.0
    mean: float = 0.0
    std: float = 0.0
    clip_low: float = -math.inf
    clip_high: float = math.inf


def transform_of(
    options: TokenAlignmentOptions, raw_fingerprint: str
) -> tuple[Transform, dict[str, str]]:
    """The transform, and what a calibration file adds to the provenance.

    `raw_fingerprint` is that of the same judge with raw similarities, which the file must be made
    for. Raises ValueError for settings or a file that make no sense, with the fix.
    """
    clips = options.clip_low, options.clip_high
    levels = Levels(options.mean_correct, options.mean_hallucinated, options.margin)
    if not options.calibration:
        return Transform(options.transform, levels, options.mean, options.std, *clips), {}
    if options.transform == "raw":
        raise ValueError(
            "calibration: read by no transform 'raw'; use hinge, center, sign or zscore"
        )
    for key in ("mean_correct", "mean_hallucinated", "margin", "mean", "std"):
        if getattr(options, key):
            raise ValueError(f"{key}: set beside a calibration, which has its own; remove one")
    found = read_calibration(options.calibration)
    if found.judge_fingerprint != raw_fingerprint:
        raise ValueError(
            f"calibration {options.calibration}: made for the judge {found.judge_fingerprint}, "
            f"this one, with raw similarities, is {raw_fingerprint}; run `mmjudge calibrate` over "
            'this judge\'s settings with transform = "raw"'
        )
    transform = Transform(options.transform, found.levels, found.mean, found.std, *clips)
    return transform, {"calibration": found.digest}
