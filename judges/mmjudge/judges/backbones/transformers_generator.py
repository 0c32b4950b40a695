"""Vision-language models of transformers as generators, from a hub or a folder."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mmjudge.judges.backbones.answer_ends import answer_ends
from mmjudge.judges.backbones.chances_operation import Beginnings, ChancesOperation
from mmjudge.judges.backbones.chat_prompts import ChatPrompts
from mmjudge.judges.backbones.dual_encoder import pick_device
from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.generator import Generator, Message, Question, Reply, Sampling
from mmjudge.judges.backbones.generator_config import GeneratorConfig
from mmjudge.judges.backbones.generator_network import GeneratorNetwork
from mmjudge.judges.backbones.generator_provenance import provenance
from mmjudge.judges.backbones.likelihood_operation import Answered, LikelihoodOperation
from mmjudge.judges.backbones.model_files import ModelFiles, hub_place
from mmjudge.judges.backbones.plain_text import PlainText
from mmjudge.judges.backbones.question_processing import QuestionProcessor
from mmjudge.judges.backbones.reply_operation import ReplyOperation, Request
from mmjudge.judges.backbones.torchvision_schema import ensure_torchvision_schemas
from mmjudge.judges.backbones.transformers_generator_files import generator_files
from mmjudge.judges.backbones.transformers_generator_loading import load_network, load_processor
from mmjudge.judges.fingerprint import fingerprint
from mmjudge.judges.judge import Host
from mmjudge.judges.operation import Budget, Compute, Computed

ASKED = Question((Message("user", ("Is it so?",)),))


class TransformersGenerator:
    """A loaded model; `GeneratorBackbone`."""

    def __init__(
        self,
        config: GeneratorConfig,
        network: GeneratorNetwork,
        processor: QuestionProcessor,
        end: int,
        provenance: Mapping[str, str],
        told: Mapping[str, str],
    ) -> None:
        self.provenance, self.told = provenance, told
        self.family = str(network.network.config.model_type)
        self._processor, self._model = processor, config.model
        digest = fingerprint(provenance)
        budget = Budget(config.max_batch_items, config.max_batch_tokens)
        names = {
            kind: {"name": f"{config.model}/{kind}", "fingerprint": f"{digest}/{kind}"}
            for kind in ("reply", "chances", "likelihood")
        }
        self.reply = ReplyOperation(network, processor, budget=budget, **names["reply"])
        self.chances = ChancesOperation(network, processor, budget=budget, **names["chances"])
        self.likelihood = LikelihoodOperation(
            network, processor, end=end, budget=budget, **names["likelihood"]
        )

    def check_single_tokens(self, answers: tuple[str, ...]) -> None:
        """Raise `BackboneUnavailable` if two answers begin alike or one is several tokens."""
        pieces = self._processor.process(ASKED).pieces
        found = dict(
            zip(answers, self._processor.continuations(pieces, answers).answers, strict=True)
        )
        faults = [
            f"{answer!r} is {len(ids)} tokens" for answer, ids in found.items() if len(ids) > 1
        ]
        firsts = [ids[0] for ids in found.values()]
        alike = [repr(answer) for answer, ids in found.items() if firsts.count(ids[0]) > 1]
        if alike:
            faults.append(f"{', '.join(alike)} begin with the same token")
        if faults:
            raise BackboneUnavailable(
                f"{self._model}: {'; '.join(faults)}; expected answers of one token each, all "
                "different: choose other answers, or a readout that reads what the model writes "
                "(such as rating)"
            )

    def serve(self, host: Host) -> Generator:
        """Have the host serve its three operations."""
        return ServedGenerator(
            host.serve(self.reply), host.serve(self.chances), host.serve(self.likelihood)
        )


class ServedGenerator:
    """A model whose operations are served; `Generator`."""

    def __init__(
        self,
        reply: Compute[Request, Reply],
        chances: Compute[Beginnings, NDArray[np.float64]],
        likelihood: Compute[Answered, NDArray[np.float64]],
    ) -> None:
        self._reply, self._chances, self._likelihood = reply, chances, likelihood

    async def reply(
        self, question: Question, sampling: Sampling, sample: int = 0
    ) -> Computed[Reply]:
        """Continue the conversation."""
        return await self._reply(Request(question, sampling, sample))

    async def chances(
        self, question: Question, answers: tuple[str, ...]
    ) -> Computed[NDArray[np.float64]]:
        """Probability of each answer's first token: `[answers]`."""
        return await self._chances(Beginnings(question, answers))

    async def likelihood(self, question: Question, answer: str) -> Computed[NDArray[np.float64]]:
        """Probability of each token of the answer and of the end: `[tokens + 1]`."""
        return await self._likelihood(Answered(question, answer))


def load_transformers_generator(config: GeneratorConfig) -> TransformersGenerator:
    """Load an AutoModelForImageTextToText with its processor: safetensors, no remote code.

    Raises `BackboneUnavailable`: a hub that does not answer, files missing, an architecture that is
    none of images and text, weights missing or left over, a processor without a chat template or
    with one that cannot be used, a context longer than the model's, a device that is not here.
    """
    ensure_torchvision_schemas()
    device, dtype = pick_device(config.device), getattr(torch, config.dtype)
    described = generator_files(config)[0].path
    what = ModelFiles(config.model, config.revision).what
    processor = load_processor(described.parent, what)
    prompts = ChatPrompts(processor, what)
    tokenizer = processor.tokenizer
    plain = PlainText(tokenizer, _placeholders(processor), prompts.between)
    loaded = load_network(described.parent, dtype, what)
    ends = answer_ends(loaded, tokenizer, plain.controls(plain.encode(prompts.ending)), what)
    context = _context(loaded.config.get_text_config(), config)
    padding = tokenizer.pad_token_id
    network = GeneratorNetwork(
        loaded, device, ends.every, ends.taught if padding is None else padding
    )
    questions = QuestionProcessor(
        processor, prompts, plain, context=context, images=config.max_images
    )
    questions.process(ASKED)  # sets its tokenizer's switches, before threads share it
    return TransformersGenerator(
        config,
        network,
        questions,
        ends.taught,
        provenance(config, network, processor, prompts, plain, ends),
        {"model": config.model} | _revision(config, described),
    )


def _placeholders(processor: object) -> list[str]:
    """Strings that a processor may look for in a text: images, tiles, videos."""
    return [
        value
        for name, value in vars(processor).items()
        if isinstance(value, str) and value and name.endswith(("_token", "_tag"))
    ]


def _context(text: object, config: GeneratorConfig) -> int:
    most = int(getattr(text, "max_position_embeddings", 0))
    if not 0 <= config.context_length <= (most or config.context_length):
        raise BackboneUnavailable(
            f"context_length {config.context_length}: expected 0 to {most}, the positions that "
            f"{config.model} has"
        )
    if not (config.context_length or most):
        raise BackboneUnavailable(
            f"{config.model} does not say how many positions it has: set context_length"
        )
    return config.context_length or most


def _revision(config: GeneratorConfig, described: Path) -> dict[str, str]:
    place = hub_place(described)
    revision = place.commit if place else config.revision
    return {"revision": revision} if revision else {}
