"""A generator that says what a test tells it to, and remembers what it was asked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmjudge.contract.errors import ItemError
from mmjudge.contract.images import EncodedImage, PixelImage
from mmjudge.contract.items import Ask, Candidate, Item, Want
from mmjudge.contract.verdicts import Judgement, Note, Verdict
from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.generator import Question, Reply, Sampling
from mmjudge.judges.backbones.generator_config import GeneratorConfig
from mmjudge.judges.operation import Compute, Computed, I_contra, O, Operation, P
from mmjudge.judges.prompting.options import VlmOptions
from mmjudge.judges.vlm import VlmJudge

Answer = str | Reply | ItemError
Say = Callable[[Question, int], Answer]


def picture(grey: int) -> PixelImage:
    """A picture that differs from those of other greys."""
    return PixelImage(np.full((8, 8, 3), grey, np.uint8))


def grey_of(image: EncodedImage | PixelImage) -> int:
    """The grey of a `picture`."""
    assert isinstance(image, PixelImage)
    return int(image.pixels[0, 0, 0])


def candidates(*greys: int) -> list[Candidate]:
    """Candidates of one picture each."""
    return [Candidate([picture(grey)]) for grey in greys]


@dataclass
class ScriptedGenerator:
    """Both the loaded and the served generator.

    say: the reply to a question and sample; chance: probabilities by answer; tokens: those of an
    answer's tokens and its end; notes: told of every computation.
    """

    say: Say = lambda question, sample: "RATING: 3"
    chance: Callable[[Question], Mapping[str, float]] = lambda question: {}
    tokens: Sequence[float] = (1.0, 1.0)
    notes: tuple[Note, ...] = ()
    family: str = "scripted"
    single_tokens: bool = True
    provenance: Mapping[str, str] = field(default_factory=lambda: {"weights": "none"})
    told: Mapping[str, str] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    samplings: list[Sampling] = field(default_factory=list)

    def serve(self, host: Any) -> "ScriptedGenerator":
        return self

    def check_single_tokens(self, answers: tuple[str, ...]) -> None:
        if not self.single_tokens:
            raise BackboneUnavailable(f"{', '.join(answers)}: several tokens; use 'rating'")

    async def reply(
        self, question: Question, sampling: Sampling, sample: int = 0
    ) -> Computed[Reply]:
        self.questions.append(question)
        self.samplings.append(sampling)
        answer = self.say(question, sample)
        if isinstance(answer, ItemError):
            raise answer
        return Computed(Reply(answer) if isinstance(answer, str) else answer, self.notes)

    async def chances(
        self, question: Question, answers: tuple[str, ...]
    ) -> Computed[NDArray[np.float64]]:
        self.questions.append(question)
        found = self.chance(question)
        return Computed(np.array([found.get(answer, 0.0) for answer in answers]), self.notes)

    async def likelihood(self, question: Question, answer: str) -> Computed[NDArray[np.float64]]:
        self.questions.append(question)
        return Computed(np.array(self.tokens, np.float64), self.notes)


class GeneratorHost:
    """A host whose only backbone is a scripted generator."""

    def __init__(self, generator: ScriptedGenerator) -> None:
        self._generator = generator

    def backbone(self, config: Any, load: Any) -> Any:
        return self._generator

    def serve(self, operation: Operation[I_contra, P, O]) -> Compute[I_contra, O]:
        raise AssertionError("a scripted generator has no operations")


def vlm(generator: ScriptedGenerator | None = None, **options: Any) -> VlmJudge:
    """A judge over a scripted generator."""
    host = GeneratorHost(generator or ScriptedGenerator())
    return VlmJudge("it", VlmOptions(**options), GeneratorConfig("some/model"), host)


async def judged(judge: VlmJudge, item: Item, want: Want = Want.SCORE) -> Judgement:
    """What a judge says of an item; fails on a verdict that is no judgement."""
    verdict = await asked(judge, item, want)
    assert verdict.judgement is not None, verdict.outcome
    return verdict.judgement


async def asked(judge: VlmJudge, item: Item, want: Want = Want.SCORE) -> Verdict:
    """A judge's verdict, with reasons and raw text."""
    return await judge.judge(item, Ask(want, rationale=True, raw_text=True))


def values(judgement: Judgement) -> list[float | None]:
    """The values of the candidates."""
    return [score.value for score in judgement.scores]


def text_of(question: Question) -> str:
    """All texts of a question, pictures as `<grey N>`."""
    parts = [part for message in question.messages for part in message.parts]
    return "".join(part if isinstance(part, str) else f"<grey {grey_of(part)}>" for part in parts)
