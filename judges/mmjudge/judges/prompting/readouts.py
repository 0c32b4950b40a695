"""Which readout a template is answered by."""

from collections.abc import Callable, Coroutine
from typing import Any

from mmjudge.contract.items import Want
from mmjudge.judges.backbones.generator import Generator, Sampling
from mmjudge.judges.prompting.options import VlmOptions
from mmjudge.judges.prompting.probabilities import (
    ENDPOINT,
    ExpectedRating,
    Normalisation,
    YesProbability,
)
from mmjudge.judges.prompting.questions import Asked
from mmjudge.judges.prompting.said import Said
from mmjudge.judges.prompting.template import Template
from mmjudge.judges.prompting.written import Written

Readout = Callable[[Asked, Want], Coroutine[Any, Any, Said]]
"""Asks a question, and reads the answer; raises `ItemError` or `Abstained`."""


def readout_of(
    template: Template,
    options: VlmOptions,
    generator: Generator,
    family: str,
    normalisation: Normalisation,
) -> Readout:
    """The readout that a template has, over a generator of an architecture `family`."""
    if template.readout == "yes_probability":
        (answer,) = template.answers
        return YesProbability(generator, answer, normalisation, partly_told=family == ENDPOINT)
    if template.readout == "expected_rating":
        assert template.scale is not None  # which the template was checked for
        return ExpectedRating(generator, template.scale)
    sampling = Sampling(options.max_new_tokens, options.temperature, options.seed)
    return Written(generator, template, sampling, options.samples, options.combine)
