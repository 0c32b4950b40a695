"""Judge `image_reward`: the reward that people's preferences among generated images taught."""

from dataclasses import dataclass
from typing import ClassVar

from mmjudge.contract.info import JudgeInfo
from mmjudge.contract.items import Ask, Item, Want
from mmjudge.contract.verdicts import Note, Score, Verdict
from mmjudge.judges.backbones.image_reward import (
    ImageRewardConfig,
    image_reward_files,
    load_image_reward,
)
from mmjudge.judges.backbones.model_files import ModelFile
from mmjudge.judges.backbones.text_encoding import WhenLong
from mmjudge.judges.blip_pairs import PairReader
from mmjudge.judges.comparing import pair_verdict
from mmjudge.judges.example import GREY_SQUARE
from mmjudge.judges.fingerprint import fingerprint
from mmjudge.judges.judge import Host
from mmjudge.judges.pairing import PAIR_INPUTS, Pair

# Of the model's outputs over its training data, in its published code (THUDM/ImageReward).
MEAN, DEVIATION = 0.16717362830052426, 1.0333394966054072


@dataclass(frozen=True, slots=True)
class ImageRewardOptions:
    """How the judge reads texts.

    long_text: `truncate` cuts texts beyond 35 tokens and says so, as the published scores have it;
    `error` refuses them.
    """

    long_text: WhenLong = "truncate"


class ImageRewardJudge:
    """Scores each candidate against the prompt: its image with the prompt's text, or reversed.

    The reward is (output - mean) / deviation of ImageReward (Xu et al. 2023), unbounded, about 0
    on average and 1 in spread over the images it was trained on.
    """

    Options: ClassVar = ImageRewardOptions
    Backbone: ClassVar = ImageRewardConfig

    def __init__(
        self, name: str, options: ImageRewardOptions, backbone: ImageRewardConfig, host: Host
    ) -> None:
        blip = host.backbone(backbone, load_image_reward)
        self._read = PairReader(blip, options.long_text, host)
        provenance = {
            **blip.provenance,
            "judge": "image_reward",
            "long text": options.long_text,
        }
        self.info = JudgeInfo(
            name=name,
            kind="image_reward",
            fingerprint=fingerprint(provenance),
            provenance=blip.told(backbone) | provenance,
            wants=(Want.SCORE, Want.PREFERENCE),
            reads=PAIR_INPUTS,
            description=f"ImageReward, standardised, without bounds ({backbone.model})",
        )
        self.example = GREY_SQUARE

    @staticmethod
    def files(options: ImageRewardOptions, backbone: ImageRewardConfig) -> list[ModelFile]:
        """Fetch the files it is loaded from; raises `BackboneUnavailable`."""
        return image_reward_files(backbone)

    async def judge(self, item: Item, ask: Ask) -> Verdict:
        """Score every candidate by itself; PREFERENCE ranks them by score.

        Raises `ItemError` PAIR_EXPECTED where a candidate and the prompt do not make one image and
        one text between them, and TEXT_EMPTY, TEXT_TOO_LONG or an image's errors with their path.
        """
        return await pair_verdict(item, ask.want, self._score)

    async def _score(self, pair: Pair) -> tuple[Score, list[Note]]:
        (output,), notes = await self._read(pair)
        return Score((float(output) - MEAN) / DEVIATION), notes
