"""Judge `pickscore`: which of several images people would pick for a prompt (PickScore)."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from mmjudge.contract.errors import invalid
from mmjudge.contract.info import Input, JudgeInfo
from mmjudge.contract.items import Ask, Item, Want
from mmjudge.contract.verdicts import Score, Verdict
from mmjudge.judges.backbones.dual_encoder import DualEncoderConfig, load_dual_encoder
from mmjudge.judges.backbones.dual_encoder_files import dual_encoder_files
from mmjudge.judges.backbones.model_files import ModelFile
from mmjudge.judges.backbones.text_encoding import WhenLong
from mmjudge.judges.comparing import Comparer, verdict
from mmjudge.judges.example import GREY_SQUARE, TWO_SQUARES
from mmjudge.judges.fingerprint import fingerprint
from mmjudge.judges.judge import Host
from mmjudge.judges.pairing import image_pairs


@dataclass(frozen=True, slots=True)
class PickScoreOptions:
    """How the judge reads the cosines.

    score: `pickscore`, exp(logit_scale) * cosine of one image and the prompt; `probability`, the
    softmax of that over the candidates of an item, which depends on all of them.
    long_text: `truncate` cuts prompts at the context and says so, as published; `error` refuses
    them.
    """

    score: Literal["pickscore", "probability"] = "pickscore"
    long_text: WhenLong = "truncate"


@dataclass(frozen=True, slots=True)
class PickScoreBackbone(DualEncoderConfig):
    """The published model, whose processor is found by its name; any other with a logit scale."""

    model: str = "transformers:yuvalkirstain/PickScore_v1"


class PickScoreJudge:
    """Scores each candidate's image against the prompt's text (Kirstain et al. 2023)."""

    Options: ClassVar = PickScoreOptions
    Backbone: ClassVar = PickScoreBackbone

    def __init__(
        self, name: str, options: PickScoreOptions, backbone: DualEncoderConfig, host: Host
    ) -> None:
        config = backbone.plain()
        encoder = host.backbone(config, load_dual_encoder)
        if encoder.tower.logit_scale is None:
            raise ValueError(f"{config.model} has no logit scale: use kind 'clip' for its cosine")
        self._scale = encoder.tower.logit_scale
        self._relative = options.score == "probability"
        self._comparer = Comparer(encoder, host, "{text}", options.long_text)
        provenance = {
            **encoder.provenance,
            "judge": f"pickscore {options.score}",
            "long text": options.long_text,
        }
        what = "PickScore, exp(logit_scale) * cosine"
        self.info = JudgeInfo(
            name=name,
            kind="pickscore",
            fingerprint=fingerprint(provenance),
            provenance=encoder.told(config) | provenance,
            wants=(Want.SCORE, Want.PREFERENCE),
            reads=(Input.PROMPT_TEXT, Input.CANDIDATE_IMAGE),
            range=(0.0, 1.0) if self._relative else (-self._scale, self._scale),
            description=(f"softmax over an item's images of {what}" if self._relative else what)
            + f" ({config.model})",
            caution=encoder.tower.caution,
        )
        self.example = TWO_SQUARES if self._relative else GREY_SQUARE

    @staticmethod
    def files(options: PickScoreOptions, backbone: DualEncoderConfig) -> list[ModelFile]:
        """Fetch the files it is loaded from; raises `BackboneUnavailable`."""
        return dual_encoder_files(backbone)

    async def judge(self, item: Item, ask: Ask) -> Verdict:
        """Score the candidates; PREFERENCE ranks them by score.

        Raises `ItemError` IMAGE_EXPECTED or PAIR_EXPECTED as `image_pairs` does, CANDIDATE_COUNT
        for a `probability` of a single candidate, which would be 1 whatever the image.
        """
        if self._relative and len(item.candidates) < 2:
            raise invalid(
                "CANDIDATE_COUNT",
                f"{len(item.candidates)}, expected at least 2: a softmax over one image is always "
                'one; send the images it competes with, or configure score = "pickscore"',
                "candidates",
            )
        compared = await asyncio.gather(*map(self._comparer.compare, image_pairs(item)))
        values = [self._scale * one.cosine for one in compared]
        parts = [{"cosine": one.cosine} for one in compared]
        if self._relative:
            parts = [part | {"pickscore": one} for part, one in zip(parts, values, strict=True)]
            values = _softmax(values)
        scores = [Score(value, part) for value, part in zip(values, parts, strict=True)]
        return verdict(scores, ask.want, (note for one in compared for note in one.notes))


def _softmax(values: Sequence[float]) -> list[float]:
    top = float(np.max(values))  # NaN if one of them is
    weights = [math.exp(value - top) for value in values]
    # Exact before it is rounded, so that it does not depend on the order of the candidates.
    return [weight / math.fsum(weights) for weight in weights]
