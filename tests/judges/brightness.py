"""A judge of how bright images are, which may fail on those that are not of one colour."""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from mmjudge.contract.errors import invalid
from mmjudge.contract.image_files import open_image
from mmjudge.contract.images import EncodedImage, PixelImage
from mmjudge.contract.info import Input, JudgeInfo
from mmjudge.contract.items import Ask, Item, Part, Want
from mmjudge.contract.verdicts import (
    Abstention,
    AbstentionReason,
    Judgement,
    Note,
    Score,
    Verdict,
)
from mmjudge.judges.comparing import verdict
from mmjudge.judges.example import GREY_SQUARE
from mmjudge.judges.fingerprint import fingerprint
from mmjudge.judges.judge import Host


@dataclass(frozen=True, slots=True)
class BrightnessOptions:
    """fault: what goes wrong with images of several colours. gives: the only want beside SCORE."""

    fault: Literal["", "item", "abstains", "nan", "short"] = ""
    reads: Literal["all", "prompt", "nothing"] = "all"
    gives: Literal["scores", "preferences", "steps"] = "preferences"


@dataclass(frozen=True, slots=True)
class BrightnessBackbone:
    """None."""


READS = {
    "all": (Input.PROMPT_IMAGE, Input.CANDIDATE_IMAGE),
    "prompt": (Input.PROMPT_IMAGE,),
    "nothing": (Input.CANDIDATE_TEXT,),
}
GIVES = {
    "scores": (Want.SCORE,),
    "preferences": (Want.SCORE, Want.PREFERENCE, Want.STEP_REWARDS),
    "steps": (Want.STEP_REWARDS,),
}


class BrightnessJudge:
    """Scores the mean of all pixels of a candidate and of the prompt, in 0..1; notes each image."""

    Options: ClassVar = BrightnessOptions
    Backbone: ClassVar = BrightnessBackbone

    def __init__(
        self, name: str, options: BrightnessOptions, backbone: BrightnessBackbone, host: Host
    ) -> None:
        self._fault = options.fault
        self.asked: list[Item] = []
        self.info = JudgeInfo(
            name=name,
            kind="brightness",
            fingerprint=fingerprint({"fault": options.fault}),
            provenance={"fault": options.fault},
            wants=GIVES[options.gives],
            reads=READS[options.reads],
            range=(0.25, 1.0),
            description="brightness",
            caution="no judge",
        )
        self.example = GREY_SQUARE

    async def judge(self, item: Item, ask: Ask) -> Verdict:
        self.asked.append(item)
        seen = [_pixels([*item.prompt, *one.parts]) for one in item.candidates]
        notes = [Note("SEEN", f"{len(item.candidates)} candidates")]
        # The example is scored at start-up, before anything may go wrong.
        if item.id and self._fault and any(len(set(values.tolist())) > 1 for values in seen):
            match self._fault:
                case "item":
                    raise invalid("IMAGE_BAD", "not to its taste", "prompt[0].image")
                case "abstains":
                    outcome = Abstention(AbstentionReason.REFUSED, "would rather not", "no")
                    return Verdict(outcome, tuple(notes))
                case "nan":
                    return Verdict(Judgement(tuple(Score(math.nan) for _ in seen)), tuple(notes))
                case "short":
                    return Verdict(Judgement((Score(),)), tuple(notes))
        scores = [Score(float(values.mean()) / 255) for values in seen]
        return verdict(scores, ask.want, notes)


def _pixels(parts: list[Part]) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    images = [part for part in parts if isinstance(part, EncodedImage | PixelImage)]
    pictures = [np.asarray(open_image(image).picture.convert("RGB")) for image in images]
    return np.concatenate([pixels.reshape(-1) for pixels in pictures])
