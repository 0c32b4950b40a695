"""Readouts of the model's probabilities: one pass, and no word written."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mmjudge.contract.errors import ItemError
from mmjudge.contract.items import Want
from mmjudge.contract.verdicts import AbstentionReason, Note
from mmjudge.judges.answers.answer import Scale
from mmjudge.judges.backbones.generator import Generator
from mmjudge.judges.prompting.questions import Asked
from mmjudge.judges.prompting.said import Said, abstained

Normalisation = Literal["first_token", "answer_and_end"]
LEAST_MASS = 0.5
ENDPOINT = "endpoint"  # the family of a model out of reach


def normalisation_of(family: str) -> Normalisation:
    """The one that published VQAScores of an architecture have (linzhiqiu/t2v_metrics).

    LLaVA-1.5 like CLIP-FlanT5 is scored by the answer and its end, later models by one token.
    """
    return "answer_and_end" if family == "llava" else "first_token"


class YesProbability:
    """VQAScore (Lin et al. 2024): how probable it is that the model answers with `answer`.

    `first_token`: probability of the answer's first token among all of the vocabulary.
    `answer_and_end`: geometric mean of the probabilities of its tokens and of the end after them,
    which is exp(-cross entropy), as a model is trained on the answer.
    """

    def __init__(
        self, generator: Generator, answer: str, normalisation: Normalisation, *, partly_told: bool
    ) -> None:
        """`partly_told`: the generator tells the likeliest tokens' probabilities alone."""
        self._generator, self._answer, self._partly_told = generator, answer, partly_told
        self._first = normalisation == "first_token"

    async def __call__(self, asked: Asked, want: Want) -> Said:
        """Ask, raising `ItemError`; the value is in 0..1."""
        try:
            if self._first:
                computed = await self._generator.chances(asked.question, (self._answer,))
            else:
                computed = await self._generator.likelihood(asked.question, self._answer)
        except ItemError as error:
            raise asked.located(error) from error
        value = float(computed.value[0]) if self._first else geometric_mean(computed.value)
        notes = [asked.noted(note) for note in computed.notes]
        if value == 0 and self._partly_told:
            told = (
                f"{self._answer!r} is not among the tokens that the endpoint tells of; taken as 0"
            )
            notes.append(Note("PROBABILITY_UNTOLD", told, asked.path))
        return Said((value,), notes=tuple(notes))


class ExpectedRating:
    """The mean of the ratings, each weighted with the probability that the model begins with it.

    Where the ratings together have less than half of the probability, the model is about to say
    something else, and their mean says nothing.
    """

    def __init__(self, generator: Generator, scale: Scale) -> None:
        self._generator = generator
        self._ratings = tuple(range(scale.low, scale.high + 1))

    async def __call__(self, asked: Asked, want: Want) -> Said:
        """Ask, raising `ItemError` or `Abstained`; the value is in the scale's range."""
        answers = tuple(map(str, self._ratings))
        try:
            computed = await self._generator.chances(asked.question, answers)
        except ItemError as error:
            raise asked.located(error) from error
        notes = tuple(map(asked.noted, computed.notes))
        mass = math.fsum(computed.value)
        if mass < LEAST_MASS:
            raise abstained(
                AbstentionReason.UNPARSEABLE,
                f"the ratings {answers[0]} to {answers[-1]} have a probability of {mass:.3g} "
                f"together, expected at least {LEAST_MASS}: the model would begin with other words",
                asked.path,
                "",
                notes,
            )
        return Said(
            (expectation(self._ratings, computed.value),), parts={"mass": mass}, notes=notes
        )


def geometric_mean(chances: NDArray[np.float64]) -> float:
    """exp(mean(log p)); 0 if one of them is."""
    if not chances.all():
        return 0.0
    return float(math.exp(math.fsum(np.log(chances)) / len(chances)))


def expectation(ratings: Sequence[int], chances: NDArray[np.float64]) -> float:
    """sum(r * p) / sum(p)."""
    weighted = [rating * chance for rating, chance in zip(ratings, chances, strict=True)]
    return math.fsum(weighted) / math.fsum(chances)
