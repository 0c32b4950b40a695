"""The pickled protocols, told apart by their fields; all `POST /`.

| client | fields | reply |
|---|---|---|
| DDPO's LLaVA BERTScore reward | images, queries, answers | recall, precision, f1, outputs |
| flow_grpo GenEval | images, meta_datas, only_strict | scores, rewards, strict_rewards, groups |
| deepgen_rl, verl-omni | images, prompts, metadata | scores |
| flow_grpo UnifiedReward, DeQA | images, perhaps prompts | outputs |
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from mmjudge.contract.images import EncodedImage
from mmjudge.contract.items import Candidate, Item
from mmjudge.server.http.bodies import PICKLE
from mmjudge.server.http.config import HttpConfig
from mmjudge.server.http.nodes import Node, same_length
from mmjudge.server.http.protocol import Asked, Endpoint, Question, Scored, values


def endpoint(config: HttpConfig) -> Endpoint:
    """`POST /`, with a pickled dict of JPEG files and what to judge them against."""
    return Endpoint("pickle", "/", PICKLE, partial(_read, config.judges.pickle))


def _read(judge: str, body: Node) -> Asked:
    if body.optional("queries"):
        return _llava(judge, body)
    if body.optional("meta_datas"):
        return _geneval(judge, body)
    images = body.field("images")
    prompts: Sequence[Node | None] = [None] * len(images.items())
    if given := body.optional("prompts"):
        prompts = same_length(images, given)[1]
    questions = [
        _question(i, judge, image, prompt)
        for i, (image, prompt) in enumerate(zip(images.items(), prompts, strict=True))
    ]
    key = "scores" if "metadata" in body.value else "outputs"
    return Asked(questions, lambda scored: {key: values(scored)})


def _geneval(judge: str, body: Node) -> Asked:
    images, samples = same_length(body.field("images"), body.field("meta_datas"))
    questions = [
        _question(i, judge, image, sample.field("prompt"))
        for i, (image, sample) in enumerate(zip(images, samples, strict=True))
    ]

    def reply(scored: Sequence[Scored]) -> Any:
        told = dict.fromkeys(("scores", "rewards", "strict_rewards"), values(scored))
        return told | {"group_rewards": {}, "group_strict_rewards": {}}

    return Asked(questions, reply)


def _llava(judge: str, body: Node) -> Asked:
    if not body.optional("answers"):
        # The client looks for the right answers in the reply's texts, and finds 0.0 in none.
        raise body.field("queries").bad(
            "questions without answers: a judge scores an image against a text and answers nothing;"
            " use the reward that sends answers (llava_bertscore)"
        )
    images, answers = same_length(body.field("images"), body.field("answers"))
    texts = [answer.items() for answer in answers]
    questions = [
        _question(i, judge, image, text)
        for i, (image, found) in enumerate(zip(images, texts, strict=True))
        for text in found
    ]

    def reply(scored: Sequence[Scored]) -> Any:
        given = iter(values(scored))
        rows = [[next(given) for _ in found] for found in texts]
        told = dict.fromkeys(("recall", "precision", "f1"), rows)
        return told | {"outputs": [["" for _ in row] for row in rows]}

    return Asked(questions, reply)


def _question(index: int, judge: str, image: Node, prompt: Node | None) -> Question:
    parts = [prompt.text()] if prompt else []
    return Question(
        index, image.path, judge, Item(parts, [Candidate([EncodedImage(image.data())])])
    )
