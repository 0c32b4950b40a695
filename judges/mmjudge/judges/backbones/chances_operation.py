"""The operation that tells how likely answers begin."""

from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mmjudge.judges.backbones.generator import Question
from mmjudge.judges.backbones.question_operation import QuestionOperation
from mmjudge.judges.operation import Prepared


@dataclass(frozen=True, slots=True)
class Beginnings:
    """A conversation, and answers of which the first tokens count."""

    question: Question
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class NextToken:
    """A processed conversation up to where answers begin, and the first token of each."""

    inputs: dict[str, Tensor]
    firsts: list[int]


class ChancesOperation(QuestionOperation):
    """`Beginnings` -> probability of each answer's first token, float64 `[answers]`.

    Softmax over the whole vocabulary at the prompt's last token, at temperature 1: VQAScore as
    t2v_metrics has it for models that are not CLIP-FlanT5 or LLaVA-1.5.
    """

    def key(self, asked: Beginnings) -> bytes:
        """The question's key and the answers."""
        return sha256(asked.question.key + repr(asked.answers).encode()).digest()

    def prepare(self, asked: Beginnings) -> Prepared[NextToken]:
        """Process; raises `ItemError` as `QuestionProcessor.process` and `continuations`."""
        processed = self._processor.process(asked.question, 1)
        dropped, answers = self._processor.continuations(processed.pieces, asked.answers)
        inputs = shortened(processed.inputs, dropped)
        payload = NextToken(inputs, [answer[0] for answer in answers])
        return Prepared(payload, processed.length, processed.notes)

    def forward(self, payloads: list[NextToken]) -> list[NDArray[np.float64]]:
        """One pass; logits of the last position alone."""
        logits = self._network.logits([one.inputs for one in payloads], 1)[:, 0]
        chances = logits.double().softmax(-1).cpu().numpy()
        return [row[one.firsts] for row, one in zip(chances, payloads, strict=True)]

    def size(self, output: NDArray[np.float64]) -> int:
        """Bytes of the probabilities."""
        return output.nbytes


def shortened(inputs: dict[str, Tensor], dropped: int) -> dict[str, Tensor]:
    """Inputs without the last tokens."""
    length = inputs["input_ids"].shape
    return {
        name: tensor[:, : length[1] - dropped] if tensor.shape == length else tensor
        for name, tensor in inputs.items()
    }
