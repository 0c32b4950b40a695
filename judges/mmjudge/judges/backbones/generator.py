"""What a generator is: a model that is shown texts and images and answers in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from mmjudge.contract.images import EncodedImage, PixelImage
from mmjudge.judges.judge import Host
from mmjudge.judges.operation import Computed

Role = Literal["system", "user", "assistant"]
Shown = str | EncodedImage | PixelImage


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation: texts and images in the order they are shown."""

    role: Role
    parts: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A conversation that a generator is to continue.

    Its texts are data, all of them: what a tokenizer or chat template would take for a control
    token or an image's placeholder is made harmless by the generator.
    """

    messages: tuple[Message, ...]

    @property
    def images(self) -> tuple[EncodedImage | PixelImage, ...]:
        """All images, first to last; errors and notes name one as `images[i]`."""
        return tuple(
            part for message in self.messages for part in message.parts if not isinstance(part, str)
        )

    @property
    def key(self) -> bytes:
        """Digest of the content, images by their own: equal questions have equal keys."""
        digest = sha256()
        for message in self.messages:
            digest.update(f"{message.role} {len(message.parts)}\n".encode())
            for part in message.parts:
                kind, data = (
                    ("text", part.encode("utf-8", "surrogatepass"))
                    if isinstance(part, str)
                    else ("image", part.digest)
                )
                digest.update(f"{kind} {len(data)}\n".encode() + data)
        return digest.digest()


@dataclass(frozen=True, slots=True)
class Sampling:
    """How an answer is written.

    temperature: 0 takes the likeliest token every time (greedy).
    seed: with a temperature, the draw depends on it, the question and `sample` alone, never on what
    else is in the batch; an endpoint is merely asked for the same.
    """

    max_new_tokens: int = 512
    temperature: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer in words.

    finished: the model ended it; False where it was cut at `max_new_tokens`.
    refused: an endpoint says by a field of its own that the model or a filter declined.
    """

    text: str
    finished: bool = True
    refused: bool = False


class Generator(Protocol):
    """A model being served. Methods raise `ItemError`, its field `images[i]` or empty.

    Reasons: TOO_MANY_IMAGES, CONTEXT_EXCEEDED (prompt and answer do not fit), an image's own; in
    this process CONVERSATION_UNSUPPORTED (by the model's template), IMAGE_UNPROCESSABLE,
    ANSWER_EMPTY, CONTROL_TOKENS; of an endpoint ENDPOINT_FAILED, ENDPOINT_TIMEOUT,
    ENDPOINT_REFUSED_REQUEST, LOGPROBS_MISSING.
    """

    async def reply(
        self, question: Question, sampling: Sampling, sample: int = 0
    ) -> Computed[Reply]:
        """Continue the conversation; `sample` numbers independent draws."""

    async def chances(
        self, question: Question, answers: tuple[str, ...]
    ) -> Computed[NDArray[np.float64]]:
        """Probability of each answer's first token as the next one: `[answers]`, in 0..1.

        Softmax over the whole vocabulary, at temperature 1. An endpoint tells only its likeliest
        tokens: 0 for an answer that is not among them.
        """

    async def likelihood(self, question: Question, answer: str) -> Computed[NDArray[np.float64]]:
        """Probability of each token of `answer` and of the end token after it: `[tokens + 1]`."""


class GeneratorBackbone(Protocol):
    """What `load_generator` returns: loaded, not yet served."""

    @property
    def provenance(self) -> Mapping[str, str]:
        """All that can change an answer, for fingerprints."""

    @property
    def told(self) -> Mapping[str, str]:
        """What the configuration says of where it comes from; shown, not in the fingerprint."""

    @property
    def family(self) -> str:
        """The architecture (`llava`, `qwen2_5_vl`, ...); `endpoint` for one out of reach."""

    def check_single_tokens(self, answers: tuple[str, ...]) -> None:
        """Raise `BackboneUnavailable` if two answers begin alike or one is several tokens.

        The message names those, and the readout that works instead. Nothing is known, and nothing
        raised, of an endpoint's tokenizer.
        """

    def serve(self, host: Host) -> Generator:
        """Have the host serve it; called while judges are constructed."""
