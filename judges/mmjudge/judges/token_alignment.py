"""Judge `token_alignment`: how much each word of a text is seen in an image, on its tokens.

FiSAO (arXiv 2410.14148) rewards tokens by their similarity with an image, as a vision encoder has
it. The published equation was not available to us: this is the family it belongs to, with every
choice a setting.
"""

import asyncio
from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mmjudge.contract.errors import invalid
from mmjudge.contract.info import Input, JudgeInfo
from mmjudge.contract.items import Ask, Candidate, Item, Want
from mmjudge.contract.verdicts import Grid, Note, Score, Verdict
from mmjudge.judges.backbones.alignment import BUDGET, Alignment, Similarities, UnitsImage
from mmjudge.judges.backbones.dual_encoder import DualEncoder, DualEncoderConfig, load_dual_encoder
from mmjudge.judges.backbones.dual_encoder_files import dual_encoder_files
from mmjudge.judges.backbones.features import Features
from mmjudge.judges.backbones.model_files import ModelFile
from mmjudge.judges.comparing import verdict
from mmjudge.judges.example import GREY_SQUARE
from mmjudge.judges.fingerprint import code_version, fingerprint
from mmjudge.judges.judge import Host
from mmjudge.judges.operation import Computed
from mmjudge.judges.pairing import Pair, located, text_pairs
from mmjudge.judges.stop_words import STOP_WORDS_DIGEST
from mmjudge.judges.text_units import text_units
from mmjudge.judges.token_alignment_options import TokenAlignmentOptions, transform_of
from mmjudge.judges.token_scores import token_score
from mmjudge.judges.transforms import Transform
from mmjudge.judges.unit_features import AloneUnits, ContextUnits, UnitFeatures

HAVE_PATCHES = (
    "photo-lite, CLIP of transformers, HPS, and of open_clip ViT pooled by class token or mean, "
    "EVA and MobileCLIP"
)


class TokenAlignmentJudge:
    """Rewards every token of each candidate's text by how its word is seen in the prompt's image.

    A candidate's value is the mean reward of its rewarded units.
    """

    Options: ClassVar = TokenAlignmentOptions
    Backbone: ClassVar = DualEncoderConfig

    def __init__(
        self, name: str, options: TokenAlignmentOptions, backbone: DualEncoderConfig, host: Host
    ) -> None:
        encoder = host.backbone(backbone, load_dual_encoder)
        _check(options, backbone.model, encoder)
        # Before the first forward pass, after which features without patches might be cached.
        encoder.images.keep_tokens |= options.source != "global"
        self._options, self._grid = options, encoder.tower.grid
        self._units = _unit_features(options, backbone.model, encoder, host)
        self._image = host.serve(encoder.images)
        self._align = host.serve(
            Alignment(encoder, options.source, options.tau, f"{backbone.model}/alignment")
        )
        raw = {**encoder.provenance, **_provenance(options)}
        self._transform, calibrated = transform_of(
            options, fingerprint(raw | Transform().provenance)
        )
        provenance = raw | self._transform.provenance | calibrated
        self.info = JudgeInfo(
            name=name,
            kind="token_alignment",
            fingerprint=fingerprint(provenance),
            provenance=encoder.told(backbone) | provenance,
            wants=(Want.TOKEN_REWARDS, Want.SCORE, Want.PREFERENCE),
            reads=(Input.PROMPT_IMAGE, Input.CANDIDATE_TEXT, Input.SPANS),
            range=self._transform.range,
            description=(
                f"FiSAO-style token rewards: {options.source} similarity of each {options.unit} "
                f"({options.embed}) with the image, {options.transform} ({backbone.model})"
            ),
            caution=encoder.tower.caution,
        )
        (image,) = GREY_SQUARE.candidates[0].parts
        self.example = Item([image], [Candidate(["a grey square"])])

    @staticmethod
    def files(options: TokenAlignmentOptions, backbone: DualEncoderConfig) -> list[ModelFile]:
        """Fetch the files it is loaded from; raises `BackboneUnavailable`."""
        return dual_encoder_files(backbone)

    async def judge(self, item: Item, ask: Ask) -> Verdict:
        """Reward the tokens of every candidate by itself; PREFERENCE ranks candidates by value.

        Raises `ItemError` PAIR_EXPECTED where the prompt does not hold one image, or a candidate
        one text; TEXT_EMPTY; UNIT_TOO_LONG and TEXT_TOO_LONG as `UnitEncoding` does.
        """
        pairs = text_pairs(item)
        found = await asyncio.gather(
            *(
                self._candidate(pair, candidate.spans, ask)
                for pair, candidate in zip(pairs, item.candidates, strict=True)
            )
        )
        notes = [note for _, told in found for note in told]
        return verdict([score for score, _ in found], ask.want, notes)

    async def _candidate(
        self, pair: Pair, spans: NDArray[np.int32] | None, ask: Ask
    ) -> tuple[Score, list[Note]]:
        if not pair.text.strip():
            raise invalid("TEXT_EMPTY", f"{pair.text!r}, expected words", pair.text_path)
        # On a thread: to cut a megabyte into words takes longer than others may be kept waiting.
        units = await asyncio.to_thread(text_units, pair.text, spans, self._options)
        if (count := int(units.visual.sum())) > BUDGET.cost:
            raise invalid(
                "TEXT_TOO_LONG",
                f"{count} words, at most {BUDGET.cost} are compared at once: judge it in parts",
                pair.text_path,
            )
        seen, read = await asyncio.gather(
            located(pair.image_path, self._image(pair.image)),
            located(pair.text_path, self._read(pair.text, units.characters[units.visual])),
        )
        notes = [note.at(pair.image_path) for note in seen.notes]
        notes += [note.at(pair.text_path) for note in read.notes]
        similar: Similarities | None = None
        if read.value is not None:
            features, digest = read.value
            compared = UnitsImage(features, digest, seen.value, pair.image.digest)
            similar = (await self._align(compared)).value
        score = await asyncio.to_thread(
            token_score, units, similar, self._transform, spans, self._options.map
        )
        return self._asked(score, seen.value, ask), notes

    async def _read(
        self, text: str, characters: NDArray[np.int64]
    ) -> Computed[tuple[Tensor, bytes] | None]:
        if not len(characters):
            told = "no word that could be seen: every reward, and the value, is 0 by rule"
            return Computed(None, (Note("NO_VISUAL_UNITS", told),))
        found = await self._units.read(text, characters)
        return Computed(found.value, found.notes)

    def _asked(self, score: Score, image: Features, ask: Ask) -> Score:
        if ask.want is not Want.TOKEN_REWARDS:
            return Score(score.value, score.by_criterion)
        if not ask.regions or self._grid is None or self._options.source == "global":
            return replace(score, regions=None)
        return replace(score, grid=Grid(*self._grid, image.box))


def _check(options: TokenAlignmentOptions, model: str, encoder: DualEncoder) -> None:
    if options.source != "global" and encoder.tower.grid is None:
        raise ValueError(
            f"source {options.source!r}: {model} has no features by patch in the joint space; use "
            f"source 'global', or a model that has them: {HAVE_PATCHES}"
        )
    if options.source == "softmax" and not options.tau > 0:
        raise ValueError(f"tau: {options.tau:g}, expected a temperature above 0")


def _unit_features(
    options: TokenAlignmentOptions, model: str, encoder: DualEncoder, host: Host
) -> UnitFeatures:
    if options.embed == "context":
        return ContextUnits(encoder, host, model)
    return AloneUnits(encoder, host, options.template)


def _provenance(options: TokenAlignmentOptions) -> dict[str, str]:
    tau = f" tau {options.tau!r}" if options.source == "softmax" else ""
    template = f" in {options.template!r}" if options.embed == "alone" else ""
    return {
        "judge": "token_alignment",
        "source": f"{options.source}{tau}",
        "embed": f"{options.embed}{template}",
        "unit": options.unit,
        "zero by rule": (
            f"marks, stop words {options.stop_words} {STOP_WORDS_DIGEST}, numbers {options.numbers}"
        ),
        "segmentation": code_version("regex"),
        "map": options.map,
    }
