"""Tiny vision-language models, each written and loaded once, and questions to ask them."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from tests.judges.tiny_generators import WRITERS

from mmjudge.contract.images import PixelImage
from mmjudge.judges.backbones.generator import Message, Question, Reply, Sampling, Shown
from mmjudge.judges.backbones.generator_config import GeneratorConfig
from mmjudge.judges.backbones.reply_operation import Request
from mmjudge.judges.backbones.transformers_generator import (
    TransformersGenerator,
    load_transformers_generator,
)

FAMILIES = tuple(WRITERS)


@cache
def generator(family: str) -> TransformersGenerator:
    """The tiny model of a family, on the CPU in float32."""
    with TemporaryDirectory() as folder:
        path = WRITERS[family](Path(folder))
        return load_transformers_generator(local(path))


def local(folder: Path, **settings: object) -> GeneratorConfig:
    """A model in a folder, on the CPU in float32."""
    chosen = {"device": "cpu", "dtype": "float32"} | settings
    return GeneratorConfig(model=str(folder), **chosen)  # type: ignore[arg-type]


def picture(seed: int = 0) -> PixelImage:
    """A noisy picture, wide, high or square."""
    shape = [(40, 60), (90, 30), (56, 56), (200, 31)][seed % 4]
    return PixelImage(np.random.default_rng(seed).integers(0, 256, (*shape, 3), np.uint8))


def ask(*parts: Shown, rules: str = "") -> Question:
    """One turn, with system rules or without."""
    system = (Message("system", (rules,)),) if rules else ()
    return Question((*system, Message("user", parts)))


def questions() -> list[Question]:
    """Conversations of several lengths: with two images, one, none and three."""
    return [
        ask("look", picture(0), "and then", picture(1), "which?", rules="be kind"),
        ask(picture(2), "which is it?"),
        ask("no picture at all"),
        Question(
            (
                Message("user", (picture(3), picture(1), picture(2), "look at all of them")),
                Message("assistant", ("well",)),
                Message("user", ("and which is the best? give reasons, a few of them",)),
            )
        ),
    ]


def replies(
    model: TransformersGenerator,
    asked: Sequence[Question],
    sampling: Sequence[Sampling],
    samples: Sequence[int] | None = None,
) -> list[Reply]:
    """Answers to questions in one batch."""
    numbers = samples or [0] * len(asked)
    requests = [Request(*each) for each in zip(asked, sampling, numbers, strict=True)]
    return model.reply.forward([model.reply.prepare(one).payload for one in requests])
