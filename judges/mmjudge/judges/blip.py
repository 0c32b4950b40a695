"""Judge `blip`: how well a text and an image match, by BLIP's matching head or its cosine."""

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

from mmjudge.contract.info import JudgeInfo
from mmjudge.contract.items import Ask, Item, Want
from mmjudge.contract.verdicts import Note, Score, Verdict
from mmjudge.judges.backbones.blip import BlipConfig, blip_files, load_blip
from mmjudge.judges.backbones.model_files import ModelFile
from mmjudge.judges.backbones.text_encoding import WhenLong
from mmjudge.judges.blip_pairs import PairReader
from mmjudge.judges.comparing import Comparer, pair_verdict
from mmjudge.judges.example import GREY_SQUARE
from mmjudge.judges.fingerprint import fingerprint
from mmjudge.judges.judge import Host
from mmjudge.judges.pairing import PAIR_INPUTS, Pair

Readout = Literal["itm", "itm_logit", "itc"]

# What each readout computes, and the range it falls in.
READOUTS: dict[Readout, tuple[str, tuple[float | None, float | None]]] = {
    "itm": ("probability that text and image match, by BLIP's matching head", (0.0, 1.0)),
    "itm_logit": ("logit of a match, of the two that BLIP's matching head gives", (None, None)),
    "itc": ("cosine of BLIP's embeddings of the image and the text", (-1.0, 1.0)),
}


@dataclass(frozen=True, slots=True)
class BlipOptions:
    """What the judge reads off the model.

    score: `itm`, the probability of a match, softmax over the matching head's two logits;
    `itm_logit`, the logit of a match alone, which never saturates; `itc`, the cosine of the two
    encoders' embeddings, much cheaper for many texts to an image (Li et al. 2022, section 3.2).
    long_text: `error` refuses texts beyond the context, `truncate` cuts them and says so.
    """

    score: Readout = "itm"
    long_text: WhenLong = "error"


class BlipJudge:
    """Scores each candidate against the prompt: its image with the prompt's text, or reversed."""

    Options: ClassVar = BlipOptions
    Backbone: ClassVar = BlipConfig

    def __init__(self, name: str, options: BlipOptions, backbone: BlipConfig, host: Host) -> None:
        blip = host.backbone(backbone, load_blip)
        self._score: Callable[[Pair], Awaitable[tuple[Score, Sequence[Note]]]]
        if options.score == "itc":
            comparer = Comparer(blip, host, "{text}", options.long_text)
            self._score = partial(_cosine, comparer)
        else:
            reader = PairReader(blip, options.long_text, host)
            self._score = partial(_match, reader, options.score)
        what, bounds = READOUTS[options.score]
        provenance = {
            **blip.provenance,
            "judge": f"blip {options.score}",
            "long text": options.long_text,
        }
        self.info = JudgeInfo(
            name=name,
            kind="blip",
            fingerprint=fingerprint(provenance),
            provenance=blip.told(backbone) | provenance,
            wants=(Want.SCORE, Want.PREFERENCE),
            reads=PAIR_INPUTS,
            range=bounds,
            description=f"{what} ({backbone.model})",
        )
        self.example = GREY_SQUARE

    @staticmethod
    def files(options: BlipOptions, backbone: BlipConfig) -> list[ModelFile]:
        """Fetch the files it is loaded from; raises `BackboneUnavailable`."""
        return blip_files(backbone)

    async def judge(self, item: Item, ask: Ask) -> Verdict:
        """Score every candidate by itself; PREFERENCE ranks them by score.

        Raises `ItemError` PAIR_EXPECTED where a candidate and the prompt do not make one image and
        one text between them, and TEXT_EMPTY, TEXT_TOO_LONG or an image's errors with their path.
        """
        return await pair_verdict(item, ask.want, self._score)


async def _match(reader: PairReader, readout: Readout, pair: Pair) -> tuple[Score, Sequence[Note]]:
    outputs, notes = await reader(pair)
    mismatch, match = (float(logit) for logit in outputs)  # in the order BLIP was trained with
    parts = {"match": match, "mismatch": mismatch}
    if readout == "itm_logit":
        return Score(match, parts), notes
    return Score(_sigmoid(match - mismatch), parts), notes  # the softmax of two


async def _cosine(comparer: Comparer, pair: Pair) -> tuple[Score, Sequence[Note]]:
    compared = await comparer.compare(pair)
    return Score(compared.cosine), compared.notes


def _sigmoid(x: float) -> float:
    small = math.exp(-abs(x))  # which cannot overflow
    return (1.0 if x >= 0 else small) / (1.0 + small)
