"""Judge `clip`: how well a text and an image fit, by the cosine of a dual encoder's embeddings."""

import asyncio
import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from mmjudge.contract.errors import invalid
from mmjudge.contract.images import PixelImage
from mmjudge.contract.info import Input, JudgeInfo
from mmjudge.contract.items import Ask, Candidate, Item, Want
from mmjudge.contract.verdicts import Judgement, Note, Score, Verdict, rank
from mmjudge.judges.backbones.dual_encoder import DualEncoderConfig, load_dual_encoder
from mmjudge.judges.backbones.text_encoding import Text, WhenLong
from mmjudge.judges.fingerprint import fingerprint
from mmjudge.judges.judge import Host
from mmjudge.judges.pairing import Pair, located, pairs

Readout = Literal["cosine", "clipscore", "probability"]

# What each readout computes, and the range it falls in.
READOUTS: dict[Readout, tuple[str, tuple[float, float]]] = {
    "cosine": ("cosine of the image's and the text's embeddings", (-1.0, 1.0)),
    "clipscore": ("CLIPScore, 2.5 * max(cosine, 0)", (0.0, 2.5)),
    "probability": ("sigmoid(scale * cosine + bias), as trained", (0.0, 1.0)),
}


@dataclass(frozen=True, slots=True)
class ClipOptions:
    """How the judge reads the cosine.

    score: `cosine`; `clipscore`, 2.5 * max(cosine, 0) (Hessel et al. 2021, equation 1); or
    `probability`, sigmoid(scale * cosine + bias) of a model trained with one (SigLIP).
    template: what the encoder reads, with {text} where the caller's text goes; CLIPScore's is
    "A photo depicts {text}".
    long_text: `error` refuses texts beyond the context, `truncate` cuts them and says so.
    """

    score: Readout = "cosine"
    template: str = "{text}"
    long_text: WhenLong = "error"


class ClipJudge:
    """Scores each candidate against the prompt: its image with the prompt's text, or reversed."""

    Options: ClassVar = ClipOptions
    Backbone: ClassVar = DualEncoderConfig

    def __init__(
        self, name: str, options: ClipOptions, backbone: DualEncoderConfig, host: Host
    ) -> None:
        if options.template.count("{text}") != 1:
            raise ValueError(f"template {options.template!r}: expected {{text}} in it once")
        encoder = host.backbone(backbone, load_dual_encoder)
        tower = encoder.tower
        if options.score == "probability" and (
            tower.logit_scale is None or tower.logit_bias is None
        ):
            raise ValueError(
                f"score 'probability': {backbone.model} was trained without a sigmoid; "
                "use 'cosine' or 'clipscore', or a SigLIP model"
            )
        self._options = options
        self._scale, self._bias = tower.logit_scale or 1.0, tower.logit_bias or 0.0
        self._image, self._text = host.serve(encoder.images), host.serve(encoder.texts)
        what, bounds = READOUTS[options.score]
        provenance = {
            **encoder.provenance,
            "judge": f"clip {options.score}",
            "template": options.template,
            "long text": options.long_text,
        }
        told = {"model": backbone.model} | ({"caution": tower.caution} if tower.caution else {})
        self.info = JudgeInfo(
            name=name,
            kind="clip",
            fingerprint=fingerprint(provenance),
            provenance=told | provenance,
            wants=(Want.SCORE, Want.PREFERENCE),
            reads=(
                Input.PROMPT_TEXT,
                Input.PROMPT_IMAGE,
                Input.CANDIDATE_TEXT,
                Input.CANDIDATE_IMAGE,
            ),
            range=bounds,
            description=f"{what} ({backbone.model})",
            caution=tower.caution,
        )
        self.example = Item(
            prompt=["a grey square"],
            candidates=[Candidate([PixelImage(np.full((64, 64, 3), 128, np.uint8))])],
        )

    async def judge(self, item: Item, ask: Ask) -> Verdict:
        """Score every candidate by itself; PREFERENCE ranks them by score.

        Raises `ItemError` PAIR_EXPECTED where a candidate and the prompt do not make one image and
        one text between them.
        """
        scored = await asyncio.gather(*(self._score(pair) for pair in pairs(item)))
        scores = tuple(score for score, _ in scored)
        ranks: tuple[int, ...] = ()
        if ask.want is Want.PREFERENCE:
            ranks = rank([score.value for score in scores if score.value is not None])
        # Candidates share the prompt, and with it the notes on it: each is told once.
        notes = tuple(dict.fromkeys(note for _, found in scored for note in found))
        return Verdict(Judgement(scores, ranks), notes)

    async def _score(self, pair: Pair) -> tuple[Score, list[Note]]:
        if not pair.text.strip():  # the template would hide it from the encoder
            message = f"{pair.text!r}, expected words to compare with the image"
            raise invalid("TEXT_EMPTY", message, pair.text_path)
        text = Text(self._options.template.replace("{text}", pair.text), self._options.long_text)
        image, words = await asyncio.gather(
            located(pair.image_path, self._image(pair.image)),
            located(pair.text_path, self._text(text)),
        )
        notes = [note.at(pair.image_path) for note in image.notes]
        notes += [note.at(pair.text_path) for note in words.notes]
        # float64 holds the products of float32 exactly: the sum does not depend on its order.
        left, right = image.value.embedding, words.value.embedding
        cosine = float(np.dot(left.astype(np.float64), right.astype(np.float64)))
        cosine = float(np.clip(cosine, -1.0, 1.0))  # min() would make 1.0 of a NaN
        value = self._read(cosine)
        parts = {} if self._options.score == "cosine" else {"cosine": cosine}
        return Score(value, parts), notes

    def _read(self, cosine: float) -> float:
        match self._options.score:
            case "cosine":
                return cosine
            case "clipscore":
                return 2.5 * max(cosine, 0.0)
            case "probability":
                return 1.0 / (1.0 + math.exp(-(self._scale * cosine + self._bias)))
