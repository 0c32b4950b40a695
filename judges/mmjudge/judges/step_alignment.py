"""Judge `step_alignment`: a reward for every sentence of a response (CSR)."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from mmjudge.contract.errors import invalid
from mmjudge.contract.images import PixelImage
from mmjudge.contract.info import Input, JudgeInfo
from mmjudge.contract.items import Ask, Candidate, Item, Want
from mmjudge.contract.verdicts import Note, Score, Verdict
from mmjudge.judges.backbones.dual_encoder import DualEncoderConfig, load_dual_encoder
from mmjudge.judges.backbones.dual_encoder_files import dual_encoder_files
from mmjudge.judges.backbones.model_files import ModelFile
from mmjudge.judges.backbones.text_encoding import WhenLong
from mmjudge.judges.comparing import verdict
from mmjudge.judges.fingerprint import fingerprint
from mmjudge.judges.judge import Host
from mmjudge.judges.pairing import Pair, pairs
from mmjudge.judges.response_steps import Response, caller_steps, found_steps
from mmjudge.judges.sentences import splitter
from mmjudge.judges.step_reading import StepReader
from mmjudge.judges.step_rewards import Combine, StepRewards, combined, rank_rewards, raw_rewards


@dataclass(frozen=True, slots=True)
class StepAlignmentOptions:
    """How steps are found and rewarded.

    score: `csr_raw`, the paper's reward of a step, max(100 * cosine, 0) mixed with the policy's
    likelihood of it; `csr_rank`, the released code's, minus the step's rank among the steps at its
    place in the item's other candidates.
    image_weight: lambda, the image's part of the mixture, 0 to 1; 1 needs no log-probabilities.
    combine: the value of a response is the `sum` of its steps' rewards, as published, or their
    `mean`. `csr_rank` always takes the mean, as published.
    spans: whether the caller's spans are `steps`, each rewarded, or the policy's `tokens`, whose
    log-probabilities are summed over the sentences that the judge finds.
    language: of the responses, for the abbreviations that end no sentence.
    template: what the encoder reads, with {text} where the step goes.
    long_text: `error` refuses steps beyond the context, `truncate` cuts them and says so.
    """

    score: Literal["csr_raw", "csr_rank"] = "csr_raw"
    image_weight: float = 0.9
    combine: Combine = "sum"
    spans: Literal["steps", "tokens"] = "steps"
    language: str = "en"
    template: str = "{text}"
    long_text: WhenLong = "error"


class StepAlignmentJudge:
    """Compares each step of each response with the prompt's image (Zhou et al. 2024)."""

    Options: ClassVar = StepAlignmentOptions
    Backbone: ClassVar = DualEncoderConfig

    def __init__(
        self, name: str, options: StepAlignmentOptions, backbone: DualEncoderConfig, host: Host
    ) -> None:
        weight = options.image_weight
        if not 0.0 <= weight <= 1.0:
            raise ValueError(f"image_weight: {weight}, expected 0 to 1")
        encoder = host.backbone(backbone, load_dual_encoder)
        self._options = options
        self._ranks, self._mixes = options.score == "csr_rank", weight < 1.0
        self._combine: Combine = "mean" if self._ranks else options.combine
        self._reader = StepReader(encoder, host, options.template, options.long_text)
        provenance = {
            **encoder.provenance,
            "judge": f"step_alignment {options.score}",
            "image weight": repr(weight),
            "combine": self._combine,
            "spans": options.spans,
            "sentences": splitter(options.language),
            "template": options.template,
            "long text": options.long_text,
        }
        self.info = JudgeInfo(
            name=name,
            kind="step_alignment",
            fingerprint=fingerprint(provenance),
            provenance=encoder.told(backbone) | provenance,
            wants=(Want.STEP_REWARDS, Want.SCORE, Want.PREFERENCE),
            reads=(
                Input.PROMPT_IMAGE,
                Input.CANDIDATE_TEXT,
                Input.SPANS,
                *((Input.LOG_PROBS,) if self._mixes else ()),
            ),
            range=self._range(),
            description=f"{self._formula()} ({backbone.model})",
            caution=encoder.tower.caution,
        )
        self.example = EXAMPLE

    @staticmethod
    def files(options: StepAlignmentOptions, backbone: DualEncoderConfig) -> list[ModelFile]:
        """Fetch the files it is loaded from; raises `BackboneUnavailable`."""
        return dual_encoder_files(backbone)

    async def judge(self, item: Item, ask: Ask) -> Verdict:
        """Reward every step of every candidate; STEP_REWARDS tells each, PREFERENCE ranks.

        `span_values` are the steps' own rewards, not cumulated; `by_criterion` holds the image's
        and the policy's part of the value. A span without words has the reward 0, is in neither sum
        nor mean, and is noted. Raises `ItemError` PAIR_EXPECTED where the prompt has not one image
        or a candidate not one text, TEXT_EMPTY, CANDIDATE_COUNT for a `csr_rank` of one candidate,
        and as `caller_steps` and `found_steps` do.
        """
        asked = _responses_to_one_image(item)
        if self._ranks and len(asked) < 2:
            raise invalid(
                "CANDIDATE_COUNT",
                f"{len(asked)}, expected at least 2: ranks are among an item's candidates; send "
                'all of a prompt in one item, or configure score = "csr_raw"',
                "candidates",
            )
        # On threads, because the search for sentences may take long over a text made for that.
        responses = await asyncio.gather(
            *(
                asyncio.to_thread(self._response, item.candidates[index], pair, index)
                for index, pair in enumerate(asked)
            )
        )
        read = await self._reader.read(asked[0].image, asked[0].image_path, responses)
        rewards = self._rewards(responses, read.cosines)
        scores = [
            self._score(response, one, steps=ask.want is Want.STEP_REWARDS)
            for response, one in zip(responses, rewards, strict=True)
        ]
        return verdict(scores, ask.want, [*read.notes, *_empty_spans(responses)])

    def _response(self, candidate: Candidate, pair: Pair, index: int) -> Response:
        path = f"candidates[{index}]"
        if candidate.spans is not None and self._options.spans == "steps":
            return caller_steps(candidate, pair, path, log_probs=self._mixes)
        return found_steps(candidate, pair, path, self._options.language, log_probs=self._mixes)

    def _rewards(
        self, responses: Sequence[Response], cosines: Sequence[Sequence[float]]
    ) -> list[StepRewards]:
        if self._ranks:
            return rank_rewards(responses, cosines, text=self._mixes)
        return [
            raw_rewards(response, one, text=self._mixes)
            for response, one in zip(responses, cosines, strict=True)
        ]

    def _score(self, response: Response, rewards: StepRewards, *, steps: bool) -> Score:
        mixed = rewards.mixed(self._options.image_weight)
        parts = {"image": combined(rewards.image, self._combine)}
        if rewards.text is not None:
            parts["text"] = combined(rewards.text, self._combine)
        value = combined(mixed, self._combine)
        if not steps:
            return Score(value, parts)
        values = np.zeros(len(response.spans), np.float32)
        values[[step.row for step in response.steps]] = mixed
        return Score(value, parts, response.spans, values)

    def _range(self) -> tuple[float | None, float | None]:
        if self._ranks:
            return (-1.0, 0.0)
        return (0.0, None if self._combine == "sum" else 100.0)

    def _formula(self) -> str:
        weight = self._options.image_weight
        if self._ranks:
            image, text = "rank by cosine with the image", "rank by the policy's log-probability"
            ends = (
                "minus the mean over steps of ",
                " among the item's candidates, so higher is better",
            )
        else:
            image, text = "max(100 * cosine with the image, 0)", "the policy's likelihood"
            ends = f"{self._combine} over steps of ", ""
        mixed = f"{weight:g} * {image} + {1.0 - weight:g} * {text}" if self._mixes else image
        return f"{ends[0]}{mixed}{ends[1]}"


def _responses_to_one_image(item: Item) -> list[Pair]:
    for index, candidate in enumerate(item.candidates):
        path = f"candidates[{index}].parts"
        if not any(isinstance(part, str) for part in candidate.parts):
            raise invalid("PAIR_EXPECTED", "no text, expected a response to the image", path)
    found = pairs(item)
    for pair in found:
        if not pair.text.strip():
            raise invalid("TEXT_EMPTY", f"{pair.text!r}, expected words to reward", pair.text_path)
    return found


def _empty_spans(responses: Iterable[Response]) -> list[Note]:
    empty = [(index, len(one.spans) - len(one.steps)) for index, one in enumerate(responses)]
    return [
        Note(
            "SPANS_EMPTY", f"{count} without words have the reward 0", f"candidates[{index}].spans"
        )
        for index, count in empty
        if count
    ]


EXAMPLE = Item(
    [PixelImage(np.full((64, 64, 3), 128, np.uint8))],
    [
        Candidate(
            [text],
            np.array([[0, end], [end, len(text)]], np.int32),
            np.array([-2.0, -3.0], np.float32),
        )
        for text, end in (("A grey square. It is plain.", 14), ("A red circle. It is round.", 13))
    ],
)
