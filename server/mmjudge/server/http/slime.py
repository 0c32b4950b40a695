"""slime's `--rm-url` (slime 0.3.1, slime/rollout/rm_hub): one sample a request, to one number."""

from functools import partial

from mmjudge.server.http.bodies import JSON
from mmjudge.server.http.config import HttpConfig
from mmjudge.server.http.nodes import Node
from mmjudge.server.http.protocol import Asked, Endpoint, Question
from mmjudge.server.http.text_samples import prompt_parts, text_item, without_end


def endpoint(config: HttpConfig) -> Endpoint:
    """`{"prompt", "response", "label"}` to a bare number; the prompt may be chat messages."""
    return Endpoint("slime", "/slime", JSON, partial(_read, config))


def _read(config: HttpConfig, body: Node) -> Asked:
    response = without_end(body.field("response").text(), config.end_of_text)
    item = text_item(prompt_parts(body.field("prompt")), response, body.optional("label"))
    question = Question(0, "response", config.judges.slime, item)
    return Asked([question], lambda scored: scored[0].value)
