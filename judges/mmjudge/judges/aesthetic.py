"""Judge `aesthetic`: how good an image looks by itself, as LAION's raters had it."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from mmjudge.contract.info import Input, JudgeInfo
from mmjudge.contract.items import Ask, Item, Want
from mmjudge.contract.verdicts import Score, Verdict
from mmjudge.judges.backbones.aesthetic_head import aesthetic_head_file, load_aesthetic_head
from mmjudge.judges.backbones.dual_encoder import DualEncoderConfig, load_dual_encoder
from mmjudge.judges.backbones.dual_encoder_files import dual_encoder_files
from mmjudge.judges.backbones.model_files import ModelFile
from mmjudge.judges.comparing import verdict
from mmjudge.judges.example import GREY_SQUARE
from mmjudge.judges.fingerprint import fingerprint
from mmjudge.judges.judge import Host
from mmjudge.judges.pairing import candidate_images, located


@dataclass(frozen=True, slots=True)
class AestheticOptions:
    """Which head reads the embedding.

    head: a published name such as `sac+logos+ava1-l14-linearMSE` (version 2) or
    `sa_0_4_vit_l_14_linear` (version 1), `hf-hub:ORG/NAME/FILE`, or the path of a file.
    head_sha256: digest that the head's file must have; empty for any. Published ones are checked
    without it.
    """

    head: str = "sac+logos+ava1-l14-linearMSE"
    head_sha256: str = ""


@dataclass(frozen=True, slots=True)
class AestheticBackbone(DualEncoderConfig):
    """The CLIP that most heads were trained over; another needs a head trained over that one."""

    model: str = "transformers:openai/clip-vit-large-patch14"


class AestheticJudge:
    """Rates each candidate's image by a head over its CLIP embedding; reads nothing else."""

    Options: ClassVar = AestheticOptions
    Backbone: ClassVar = AestheticBackbone

    def __init__(
        self, name: str, options: AestheticOptions, backbone: DualEncoderConfig, host: Host
    ) -> None:
        config = backbone.plain()
        encoder = host.backbone(config, load_dual_encoder)
        self._head = load_aesthetic_head(options.head, options.head_sha256, encoder.tower.dim)
        self._image = host.serve(encoder.images)
        provenance = {
            **encoder.provenance,
            "judge": "aesthetic",
            "head": self._head.digest,
            "between layers": "relu" if self._head.relu else "nothing",
        }
        self.info = JudgeInfo(
            name=name,
            kind="aesthetic",
            fingerprint=fingerprint(provenance),
            provenance=encoder.told(config) | {"head file": options.head} | provenance,
            wants=(Want.SCORE, Want.PREFERENCE),
            reads=(Input.CANDIDATE_IMAGE,),
            description=(
                "aesthetic rating of the image alone, mostly 1 to 10; reads no text "
                f"({options.head} over {config.model})"
            ),
            caution=encoder.tower.caution,
        )
        self.example = GREY_SQUARE

    @staticmethod
    def files(options: AestheticOptions, backbone: DualEncoderConfig) -> list[ModelFile]:
        """Fetch the files it is loaded from; raises `BackboneUnavailable`."""
        head = aesthetic_head_file(options.head, options.head_sha256)
        return [*dual_encoder_files(backbone), head]

    async def judge(self, item: Item, ask: Ask) -> Verdict:
        """Rate every candidate by itself; PREFERENCE ranks them by rating.

        Prompt, references and candidates' texts are not looked at, and need not be there. Raises
        `ItemError` IMAGE_EXPECTED for a candidate without an image or with several.
        """
        images = candidate_images(item)
        found = await asyncio.gather(*(located(path, self._image(image)) for path, image in images))
        scores = [Score(self._head.rate(one.value.embedding)) for one in found]
        notes = [
            note.at(path)
            for (path, _), one in zip(images, found, strict=True)
            for note in one.notes
        ]
        return verdict(scores, ask.want, notes)
