"""The operation that writes answers."""

from dataclasses import dataclass
from hashlib import sha256

from mmjudge.judges.backbones.generator import Question, Reply, Sampling
from mmjudge.judges.backbones.gumbel_draws import GumbelDraws, seed_of
from mmjudge.judges.backbones.question_operation import QuestionOperation
from mmjudge.judges.backbones.question_processing import Processed
from mmjudge.judges.operation import Prepared


@dataclass(frozen=True, slots=True)
class Request:
    """A conversation to continue, how, and which of several draws it is."""

    question: Question
    sampling: Sampling
    sample: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A processed conversation with what its answer is to be: longest, temperature, seed."""

    processed: Processed
    sampling: Sampling
    seed: int


class ReplyOperation(QuestionOperation):
    """`Request` -> `Reply`, batched by tokens of prompts and answers, padded."""

    def key(self, request: Request) -> bytes:
        """Greedy answers are the same whatever the seed and sample."""
        sampling = request.sampling
        told = f"{sampling.max_new_tokens} {sampling.temperature}"
        if sampling.temperature > 0:
            told += f" {sampling.seed} {request.sample}"
        return sha256(request.question.key + told.encode()).digest()

    def prepare(self, request: Request) -> Prepared[Asked]:
        """Decode, write the prompt, process; raises `ItemError` as `QuestionProcessor.process`."""
        question, sampling = request.question, request.sampling
        processed = self._processor.process(question, sampling.max_new_tokens)
        seed = seed_of(question.key, sampling.seed, request.sample)
        cost = processed.length + sampling.max_new_tokens
        return Prepared(Asked(processed, sampling, seed), cost, processed.notes)

    def forward(self, payloads: list[Asked]) -> list[Reply]:
        """Generate until every row has ended or come to its own limit."""
        temperatures = [asked.sampling.temperature for asked in payloads]
        drawn = any(temperature > 0 for temperature in temperatures)
        found = self._network.continuations(
            [asked.processed.inputs for asked in payloads],
            [asked.sampling.max_new_tokens for asked in payloads],
            GumbelDraws(temperatures, [asked.seed for asked in payloads]) if drawn else None,
        )
        return [self._reply(ids) for ids in found]

    def size(self, output: Reply) -> int:
        """Bytes of the text, and some for what is around it."""
        return 256 + len(output.text.encode())

    def _reply(self, ids: list[int]) -> Reply:
        finished = bool(ids) and ids[-1] in self._network.ends
        return Reply(self._processor.words(ids[:-1] if finished else ids), finished)
