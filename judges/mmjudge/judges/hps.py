"""Judge `hps`: how well people would like an image as an answer to a prompt (HPS v2)."""

import asyncio
from dataclasses import dataclass, replace
from typing import ClassVar

from mmjudge.contract.info import Input, JudgeInfo
from mmjudge.contract.items import Ask, Item, Want
from mmjudge.contract.verdicts import Score, Verdict
from mmjudge.judges.backbones.dual_encoder import DualEncoderConfig, load_dual_encoder
from mmjudge.judges.backbones.dual_encoder_files import dual_encoder_files
from mmjudge.judges.backbones.model_files import ModelFile
from mmjudge.judges.backbones.text_encoding import WhenLong
from mmjudge.judges.comparing import Comparer, verdict
from mmjudge.judges.example import GREY_SQUARE
from mmjudge.judges.fingerprint import fingerprint
from mmjudge.judges.judge import Host
from mmjudge.judges.pairing import image_pairs


@dataclass(frozen=True, slots=True)
class HpsOptions:
    """How the judge treats prompts beyond the context.

    long_text: `truncate` cuts them and says so, as published; `error` refuses them.
    """

    long_text: WhenLong = "truncate"


@dataclass(frozen=True, slots=True)
class HpsBackbone(DualEncoderConfig):
    """HPS v2.1 from the hub. model: `v2.0`, `v2.1` or the path of a checkpoint, `hps:` or not."""

    model: str = "hps:v2.1"


class HpsJudge:
    """Cosine of each candidate's image and the prompt's text (Wu et al. 2023), not scaled.

    Pictures that upstream's network fails on are scored here: `hps_picture` says which and how.
    """

    Options: ClassVar = HpsOptions
    Backbone: ClassVar = HpsBackbone

    def __init__(
        self, name: str, options: HpsOptions, backbone: DualEncoderConfig, host: Host
    ) -> None:
        config = _with_scheme(backbone)
        encoder = host.backbone(config, load_dual_encoder)
        self._comparer = Comparer(encoder, host, "{text}", options.long_text)
        provenance = {**encoder.provenance, "judge": "hps", "long text": options.long_text}
        self.info = JudgeInfo(
            name=name,
            kind="hps",
            fingerprint=fingerprint(provenance),
            provenance=encoder.told(config) | provenance,
            wants=(Want.SCORE, Want.PREFERENCE),
            reads=(Input.PROMPT_TEXT, Input.CANDIDATE_IMAGE),
            range=(-1.0, 1.0),
            description=f"human preference score, a cosine ({config.model})",
            caution=encoder.tower.caution,
        )
        self.example = GREY_SQUARE

    @staticmethod
    def files(options: HpsOptions, backbone: DualEncoderConfig) -> list[ModelFile]:
        """Fetch the files it is loaded from; raises `BackboneUnavailable`."""
        return dual_encoder_files(_with_scheme(backbone))

    async def judge(self, item: Item, ask: Ask) -> Verdict:
        """Score every candidate by itself; PREFERENCE ranks them by score.

        Raises `ItemError` IMAGE_EXPECTED or PAIR_EXPECTED as `image_pairs` does.
        """
        compared = await asyncio.gather(*map(self._comparer.compare, image_pairs(item)))
        scores = [Score(one.cosine) for one in compared]
        return verdict(scores, ask.want, (note for one in compared for note in one.notes))


def _with_scheme(backbone: DualEncoderConfig) -> DualEncoderConfig:
    config = backbone.plain()
    if config.model.startswith("hps:"):
        return config
    return replace(config, model=f"hps:{config.model}")
