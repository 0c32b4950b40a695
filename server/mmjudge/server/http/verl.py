"""verl's reward router (verl 0.10.0.dev, verl/experimental/reward_loop): vLLM's and SGLang's paths.

The whole conversation arrives as one text, in the reward model's chat template.
"""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from mmjudge.contract.items import Candidate, Item
from mmjudge.server.http.bodies import JSON
from mmjudge.server.http.config import HttpConfig
from mmjudge.server.http.nodes import Node
from mmjudge.server.http.protocol import Asked, Endpoint, Question, Scored

# verl gives up at once on any 4xx, and retries 5xx 16 times with growing pauses.
OVERLOADED = 503


def endpoints(config: HttpConfig) -> list[Endpoint]:
    """`/classify`, read as `data[-1].probs[-1]`, and `/v1/embeddings`, as `.embedding[-1]`."""
    judge = config.judges.verl
    return [
        Endpoint("verl", "/classify", JSON, partial(_classify, judge), OVERLOADED),
        Endpoint("verl", "/v1/embeddings", JSON, partial(_embed, judge), OVERLOADED),
    ]


def _classify(judge: str, body: Node) -> Asked:
    body.absent("use_activation", "scores are given as the judge makes them: send false")

    def row(i: int, value: float) -> dict[str, Any]:
        return {"index": i, "label": "score", "probs": [value], "num_classes": 1}

    return Asked(_questions(judge, body), partial(_reply, judge, row))


def _embed(judge: str, body: Node) -> Asked:
    def row(i: int, value: float) -> dict[str, Any]:
        return {"index": i, "object": "embedding", "embedding": [value]}

    return Asked(_questions(judge, body), partial(_reply, judge, row))


def _questions(judge: str, body: Node) -> list[Question]:
    given = body.field("input")
    texts = [given] if isinstance(given.value, str) else given.items()
    return [
        Question(i, node.path, judge, Item([], [Candidate([node.text()])]))
        for i, node in enumerate(texts)
    ]


def _reply(judge: str, row: Any, scored: Sequence[Scored]) -> Any:
    return {
        "object": "list",
        "created": int(time.time()),
        "model": judge,
        "data": [row(i, one.value) for i, one in enumerate(scored)],
        "usage": {"prompt_tokens": 0, "total_tokens": 0},
    }
