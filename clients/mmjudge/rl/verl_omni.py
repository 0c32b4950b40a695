"""verl-omni's `compute_score` for generated images and videos.

Contract (verl-project/verl-omni 0.2.0rc1, `reward_loop/reward_manager/{visual,multi}.py`):
called by keyword, one sample a call, awaited; arguments that the multi-reward manager's
configuration adds are passed by name. `solution_image` is a uint8 tensor `[3, height, width]`, or
`[frames, 3, height, width]` of a video; `ground_truth` is the prompt. A dict's "score" is the
reward, and its other numbers are logged. Set `required: true`: without it the manager counts a
sample that raised as 0.
"""

from collections.abc import Mapping
from typing import Any, Literal

from mmjudge.rl.normalising import Normalisation
from mmjudge.rl.reward import TIMEOUT
from mmjudge.rl.shared import shared_reward

Frames = Literal["first", "last", "each"]


async def compute_score(
    data_source: str,
    solution_image: Any,
    ground_truth: str,
    extra_info: Mapping[str, Any] | None = None,
    reward_router_address: str | None = None,
    reward_model_tokenizer: Any = None,
    model_name: str | None = None,
    sampling_params: Mapping[str, Any] | None = None,
    *,
    address: str = "127.0.0.1:50051",
    judges: str | Mapping[str, float] | None = None,
    normalise: Mapping[str, Normalisation] | Normalisation = "none",
    frames: Frames = "first",
    timeout: float = TIMEOUT,
    held_out: str | None = None,
) -> dict[str, float]:
    """Return {"score": the reward, each judge's name: what it gave}.

    address, judges, normalise, timeout, held_out: as `mmjudge.rl.shared_reward`; normalise "batch"
        is refused, since a call has one sample.
    frames: which frame of a video is judged; "each" gives the mean over all of them.
    The first four arguments after those of the sample belong to verl's own reward models.

    Raises ItemFailed or ItemAbstained when the sample could not be judged, and RequestError.
    """
    pictures = _chosen(solution_image, frames)
    if len(pictures) > 1 and normalise != "none":
        raise ValueError(
            f"normalise is {normalise!r} with frames 'each': frames of one video are no batch"
        )
    reward = shared_reward(address, judges, normalise=normalise, timeout=timeout, held_out=held_out)
    batch = await reward.score_images_async(
        pictures, [ground_truth] * len(pictures), layout="channels_first"
    )
    parts = {name: float(values.mean()) for name, values in batch.parts.items()}
    return {**parts, "score": float(batch.values.mean())}


def _chosen(image: Any, frames: Frames) -> list[Any]:
    if frames not in ("first", "last", "each"):
        raise ValueError(f"frames is {frames!r}, expected 'first', 'last' or 'each'")
    if len(image.shape) != 4:
        return [image]
    if frames == "each":
        return list(image)
    return [image[0 if frames == "first" else -1]]
