"""Judge `clip`: how well a text and an image fit, by the cosine of a dual encoder's embeddings."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from mmjudge.contract.info import Input, JudgeInfo
from mmjudge.contract.items import Ask, Item, Want
from mmjudge.contract.verdicts import Score, Verdict
from mmjudge.judges.backbones.dual_encoder import DualEncoderConfig, load_dual_encoder
from mmjudge.judges.backbones.dual_encoder_files import dual_encoder_files
from mmjudge.judges.backbones.features import Features
from mmjudge.judges.backbones.model_files import ModelFile
from mmjudge.judges.backbones.text_encoding import WhenLong
from mmjudge.judges.comparing import Compared, Comparer, cosine, verdict
from mmjudge.judges.example import GREY_SQUARE
from mmjudge.judges.fingerprint import fingerprint
from mmjudge.judges.judge import Host
from mmjudge.judges.pairing import PAIR_INPUTS, pairs, reference_texts

Readout = Literal["cosine", "clipscore", "refclipscore", "probability"]
OWN_TEMPLATE = "auto"
PREFIX = "A photo depicts {text}"


class _Reading(NamedTuple):
    description: str
    range: tuple[float | None, float | None]
    template: str


READOUTS: dict[Readout, _Reading] = {
    "cosine": _Reading("cosine of the image's and the text's embeddings", (-1.0, 1.0), "{text}"),
    "clipscore": _Reading("CLIPScore, 2.5 * max(cosine, 0)", (0.0, 2.5), PREFIX),
    "refclipscore": _Reading(
        "RefCLIPScore, harmonic mean of CLIPScore and of the best reference's cosine",
        (None, None),  # where that cosine is negative, the mean has a pole
        PREFIX,
    ),
    "probability": _Reading("sigmoid(scale * cosine + bias), as trained", (0.0, 1.0), "{text}"),
}


@dataclass(frozen=True, slots=True)
class ClipOptions:
    """How the judge reads the cosine.

    score: `cosine`; `clipscore`, 2.5 * max(cosine, 0) (Hessel et al. 2021, equation 1);
    `refclipscore`, the harmonic mean of that and of the largest cosine between the text and one of
    the item's references; or `probability`, sigmoid(scale * cosine + bias) of a model trained with
    one (SigLIP).
    template: what the encoder reads, with {text} where the caller's text goes. `auto` is the
    readout's own: "A photo depicts {text}" for `clipscore` and `refclipscore`, as published, the
    text by itself for the others.
    long_text: `error` refuses texts beyond the context, `truncate` cuts them and says so, as the
    published CLIPScore does.
    """

    score: Readout = "cosine"
    template: str = OWN_TEMPLATE
    long_text: WhenLong = "error"


class ClipJudge:
    """Scores each candidate against the prompt: its image with the prompt's text, or reversed."""

    Options: ClassVar = ClipOptions
    Backbone: ClassVar = DualEncoderConfig

    def __init__(
        self, name: str, options: ClipOptions, backbone: DualEncoderConfig, host: Host
    ) -> None:
        encoder = host.backbone(backbone, load_dual_encoder)
        tower, reading = encoder.tower, READOUTS[options.score]
        if options.score == "probability" and (
            tower.logit_scale is None or tower.logit_bias is None
        ):
            raise ValueError(
                f"score 'probability': {backbone.model} was trained without a sigmoid; "
                "use 'cosine' or 'clipscore', or a SigLIP model"
            )
        template = reading.template if options.template == OWN_TEMPLATE else options.template
        self._readout = options.score
        self._scale, self._bias = tower.logit_scale or 1.0, tower.logit_bias or 0.0
        self._comparer = Comparer(encoder, host, template, options.long_text)
        provenance = {
            **encoder.provenance,
            "judge": f"clip {options.score}",
            "template": template,
            "long text": options.long_text,
        }
        references = (Input.REFERENCE_TEXT,) if options.score == "refclipscore" else ()
        self.info = JudgeInfo(
            name=name,
            kind="clip",
            fingerprint=fingerprint(provenance),
            provenance=encoder.told(backbone) | provenance,
            wants=(Want.SCORE, Want.PREFERENCE),
            reads=(*PAIR_INPUTS, *references),
            range=reading.range,
            description=f"{reading.description} ({backbone.model})",
            caution=tower.caution,
        )
        self.example = GREY_SQUARE

    @staticmethod
    def files(options: ClipOptions, backbone: DualEncoderConfig) -> list[ModelFile]:
        """Fetch the files it is loaded from; raises `BackboneUnavailable`."""
        return dual_encoder_files(backbone)

    async def judge(self, item: Item, ask: Ask) -> Verdict:
        """Score every candidate by itself; PREFERENCE ranks them by score.

        Raises `ItemError` PAIR_EXPECTED where a candidate and the prompt do not make one image and
        one text between them, REFERENCE_EXPECTED where `refclipscore` finds no caption to read.
        """
        asked = pairs(item)
        captions = reference_texts(item) if self._readout == "refclipscore" else []
        compared, references = await asyncio.gather(
            asyncio.gather(*(self._comparer.compare(pair) for pair in asked)),
            asyncio.gather(*(self._comparer.read(*caption) for caption in captions)),
        )
        features = [reference.value for reference in references]
        scores = [self._score(one, features) for one in compared]
        found = [one.notes for one in compared] + [one.notes for one in references]
        return verdict(scores, ask.want, (note for notes in found for note in notes))

    def _score(self, found: Compared, references: Sequence[Features]) -> Score:
        match self._readout:
            case "cosine":
                return Score(found.cosine)
            case "clipscore":
                return Score(clipscore(found.cosine), {"cosine": found.cosine})
            case "refclipscore":
                # Not max(), which may pass over a NaN.
                best = float(np.max([cosine(found.text, other) for other in references]))
                alone = clipscore(found.cosine)
                parts = {"cosine": found.cosine, "clipscore": alone, "reference_cosine": best}
                return Score(refclipscore(alone, best), parts)
            case "probability":
                logit = self._scale * found.cosine + self._bias
                return Score(1.0 / (1.0 + math.exp(-logit)), {"cosine": found.cosine})


def clipscore(cosine: float) -> float:
    """2.5 * max(cosine, 0) (Hessel et al. 2021, equation 1); NaN stays NaN."""
    return 2.5 * max(cosine, 0.0)


def refclipscore(clipscore: float, reference: float) -> float:
    """Harmonic mean of a CLIPScore and of the best cosine with a reference.

    As jmhessel/clipscore computes it: the reference's cosine is neither scaled nor, as in the
    paper, clipped at 0. Where it is negative the mean is a number beyond both, NaN at its pole.
    """
    if clipscore == 0.0:  # also where both are, of which 0 / 0 would make a NaN
        return 0.0
    total = clipscore + reference
    return 2.0 * clipscore * reference / total if total else math.nan
