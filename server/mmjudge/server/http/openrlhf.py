"""OpenRLHF's remote reward model: `POST /get_reward` (OpenRLHF 0.11.0, openrlhf/utils/agent.py)."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from mmjudge.contract.items import Item
from mmjudge.server.http.bodies import JSON
from mmjudge.server.http.config import HttpConfig
from mmjudge.server.http.nodes import Node, same_length
from mmjudge.server.http.protocol import Asked, Endpoint, Question, Scored, values
from mmjudge.server.http.text_samples import prompt_parts, text_item, without_end


def endpoint(config: HttpConfig) -> Endpoint:
    """`{"query", "prompts", "labels"}`, lists as long as each other, to `{"rewards", "scores"}`.

    Lists may be empty: a trainer with several URLs sends all but the first one nothing.
    """
    return Endpoint("openrlhf", "/get_reward", JSON, partial(_read, config))


def _read(config: HttpConfig, body: Node) -> Asked:
    queries, prompts = same_length(body.field("query"), body.field("prompts"))
    labels: list[Node] | list[None] = [None] * len(queries)
    if body.optional("labels"):
        labels = same_length(body.field("query"), body.field("labels"))[1]
    return Asked(
        [
            Question(i, query.path, config.judges.openrlhf, _item(config, query, prompt, label))
            for i, (query, prompt, label) in enumerate(zip(queries, prompts, labels, strict=True))
        ],
        _reply,
    )


def _item(config: HttpConfig, query: Node, prompt: Node, label: Node | None) -> Item:
    label = None if label is None or label.value is None else label
    whole, asked = query.text(), prompt.text()
    if config.openrlhf_candidate == "query":
        return text_item([], without_end(whole, config.end_of_text), label)
    if not whole.startswith(asked):
        raise query.bad(
            f"does not begin with {prompt.path}, so that its response cannot be told apart: send "
            'the prompt as it was tokenized, or set http.openrlhf_candidate = "query"'
        )
    response = without_end(whole[len(asked) :], config.end_of_text)
    return text_item(prompt_parts(prompt), response, label)


def _reply(scored: Sequence[Scored]) -> Any:
    return {"rewards": values(scored), "scores": values(scored), "extra_logs": {}}
