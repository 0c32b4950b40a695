"""Flow-Factory's remote reward: `POST /compute` (src/flow_factory/rewards/my_reward_remote.py)."""

from functools import partial

from mmjudge.contract.items import Candidate, Item, Part
from mmjudge.server.http.bodies import JSON
from mmjudge.server.http.config import HttpConfig
from mmjudge.server.http.images import base64_image
from mmjudge.server.http.nodes import Node, same_length
from mmjudge.server.http.protocol import Asked, Endpoint, Question, values

NO_VIDEO = "videos are not judged: send the frame to be judged as image"


def endpoint(config: HttpConfig) -> Endpoint:
    """`{"prompt": [text], "image": [base64], "condition_images"}` to `{"rewards": [number]}`."""
    return Endpoint("flow_factory", "/compute", JSON, partial(_read, config.judges.flow_factory))


def _read(judge: str, body: Node) -> Asked:
    body.absent("video", NO_VIDEO)
    body.absent("condition_videos", NO_VIDEO)
    prompts, images = same_length(body.field("prompt"), body.field("image"))
    conditions: list[list[Node]] = [[]] * len(prompts)
    if given := body.optional("condition_images"):
        conditions = [one.items() for one in same_length(body.field("prompt"), given)[1]]
    return Asked(
        [
            Question(i, image.path, judge, _item(prompt, image, before))
            for i, (prompt, image, before) in enumerate(
                zip(prompts, images, conditions, strict=True)
            )
        ],
        lambda scored: {"rewards": values(scored)},
    )


def _item(prompt: Node, image: Node, conditions: list[Node]) -> Item:
    parts: list[Part] = [*map(base64_image, conditions), prompt.text()]
    return Item(parts, [Candidate([base64_image(image)])])
