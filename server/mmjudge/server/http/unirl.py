"""UniRL's reward service: `POST /score` (UniRL, unirl-reward-service/reward_service/schemas.py)."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from mmjudge.contract.items import Candidate, Item, Part
from mmjudge.server.http.bodies import JSON
from mmjudge.server.http.config import HttpConfig
from mmjudge.server.http.images import base64_image
from mmjudge.server.http.nodes import Node
from mmjudge.server.http.protocol import Asked, Endpoint, Question, Scored
from mmjudge.server.strict import nearest

PROTOCOL_VERSION = "1"
IDENTITY = (
    "request_id", "sample_id", "group_id", "source_rank", "policy_version", "idempotency_key"
)  # fmt: skip


def endpoint(config: HttpConfig) -> Endpoint:
    """`{"requests": [{"history", "required_rewards"}]}` to `{"results", "errors"}`.

    Rewards are judges by their own names. `errors` stays empty: UniRL's client counts an entry in
    it as reward 0.0, so a failed item fails the request instead.
    """
    return Endpoint("unirl", "/score", JSON, partial(_read, config.judges.unirl))


def _read(judges: Sequence[str], body: Node) -> Asked:
    version = body.optional("protocol_version")
    if version and version.value != PROTOCOL_VERSION:
        raise version.bad(f"expected {PROTOCOL_VERSION!r}")
    body.absent("grad_mode", "scores are not differentiated: send false")
    requests = body.field("requests").items()
    questions, rewards = [], []
    for i, request in enumerate(requests):
        item = _item(request.field("history"))
        rewards.append(
            [_reward(node, judges) for node in request.field("required_rewards").items()]
        )
        questions += [Question(i, request.path, name, item) for name in rewards[i]]
    return Asked(questions, partial(_reply, requests, rewards))


def _reward(node: Node, judges: Sequence[str]) -> str:
    name = node.text()
    if name not in judges:
        raise node.bad(f"no such reward; {nearest(name, dict.fromkeys(judges))}")
    return name


def _item(history: Node) -> Item:
    """The last turn's image, judged against its text and what the turns before it hold."""
    turns = history.items()
    if not turns:
        raise history.bad("no turns, expected at least one")
    for turn in turns:
        for media in ("image_ipc", "video_b64", "video_path"):
            turn.absent(media, "not judged: send the picture as image_b64")
    *earlier, last = turns
    text = last.field("text").text()
    prompt: list[Part] = []
    for turn in earlier:  # the client repeats the text in every turn
        said = turn.field("text").text()
        prompt += [
            base64_image(turn.field("image_b64")),
            *([said] if said not in ("", text) else []),
        ]
    return Item([*prompt, text], [Candidate([base64_image(last.field("image_b64"))])])


def _reply(requests: list[Node], rewards: list[list[str]], scored: Sequence[Scored]) -> Any:
    given = iter(scored)
    by_name = [{name: next(given) for name in names} for names in rewards]
    return {
        "protocol_version": PROTOCOL_VERSION,
        "results": [
            {name: {"score": one.value} for name, one in found.items()} for found in by_name
        ],
        "errors": [{} for _ in requests],
        "identities": [
            _identity(request, found) for request, found in zip(requests, by_name, strict=True)
        ],
    }


def _identity(request: Node, found: dict[str, Scored]) -> dict[str, Any]:
    """Echo what names the request; the version of a single scorer is its judge's fingerprint."""
    (made, *_) = [one.fingerprint for one in found.values()] if len(found) == 1 else [None]
    pinned = request.optional("scorer_version")
    if pinned and pinned.value != made:
        raise pinned.bad(f"the judge's fingerprint is {made}; pin that, with one reward a request")
    return {key: request.value.get(key) for key in IDENTITY} | {"scorer_version": made}
