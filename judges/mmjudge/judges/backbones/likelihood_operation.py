"""The operation that tells how likely an answer is, token by token."""

from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from mmjudge.judges.backbones.chances_operation import shortened
from mmjudge.judges.backbones.generator import Question
from mmjudge.judges.backbones.generator_network import GeneratorNetwork
from mmjudge.judges.backbones.question_operation import QuestionOperation
from mmjudge.judges.backbones.question_processing import QuestionProcessor
from mmjudge.judges.operation import Budget, Prepared


@dataclass(frozen=True, slots=True)
class Answered:
    """A conversation and an answer to it."""

    question: Question
    answer: str


@dataclass(frozen=True, slots=True, eq=False)
class Forced:
    """A processed conversation with its answer; `targets` are the answer's ids and the end's."""

    inputs: dict[str, Tensor]
    targets: list[int]


class LikelihoodOperation(QuestionOperation):
    """`Answered` -> probability of each token given those before, float64 `[tokens + 1]`.

    The last is that of the end. Their geometric mean is VQAScore as t2v_metrics has it for
    CLIP-FlanT5 and LLaVA-1.5.
    """

    def __init__(
        self,
        network: GeneratorNetwork,
        processor: QuestionProcessor,
        *,
        end: int,
        name: str,
        fingerprint: str,
        budget: Budget,
    ) -> None:
        """end: id that the model was taught to end an answer with."""
        super().__init__(network, processor, name=name, fingerprint=fingerprint, budget=budget)
        self._end = end

    def key(self, asked: Answered) -> bytes:
        """The question's key and the answer."""
        return sha256(asked.question.key + repr(asked.answer).encode()).digest()

    def prepare(self, asked: Answered) -> Prepared[Forced]:
        """Process; raises `ItemError` as `QuestionProcessor.process` and `continuations`."""
        processed = self._processor.process(asked.question)
        dropped, (answer,) = self._processor.continuations(processed.pieces, [asked.answer])
        self._processor.check_length(processed.length - dropped, len(answer) + 1)
        inputs = _continued(shortened(processed.inputs, dropped), answer)
        payload = Forced(inputs, [*answer, self._end])
        return Prepared(payload, inputs["input_ids"].shape[1], processed.notes)

    def forward(self, payloads: list[Forced]) -> list[NDArray[np.float64]]:
        """One pass; logits from before the answers on."""
        most = max(len(one.targets) for one in payloads)
        logits = self._network.logits([one.inputs for one in payloads], most)
        found = []
        for row, one in zip(logits, payloads, strict=True):
            chances = row[-len(one.targets) :].double().softmax(-1)
            targets = torch.tensor(one.targets, device=row.device)
            found.append(chances.gather(1, targets[:, None])[:, 0].cpu().numpy())
        return found

    def size(self, output: NDArray[np.float64]) -> int:
        """Bytes of the probabilities."""
        return output.nbytes


def _continued(inputs: dict[str, Tensor], answer: list[int]) -> dict[str, Tensor]:
    ids = inputs["input_ids"]
    longer = {
        name: pad(tensor, (0, len(answer)), value=int(name == "attention_mask"))
        for name, tensor in inputs.items()
        if tensor.shape == ids.shape
    }
    return inputs | longer | {"input_ids": torch.cat([ids, torch.tensor([answer])], 1)}
