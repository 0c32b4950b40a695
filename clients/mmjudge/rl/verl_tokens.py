"""A reward for every response token, shaped as verl's `rm_scores`; read from verl 0.9.1.

verl's own path carries one number a sample and puts it on the last token. `docs/rl/verl.md` shows
the two places where a subclass puts these in their stead.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmjudge.client.token_offsets import to_numpy
from mmjudge.contract import EncodedImage, Image, PixelImage
from mmjudge.rl.images import to_images
from mmjudge.rl.named_images import named_image
from mmjudge.rl.reward import Reward


def token_rewards(
    reward: Reward,
    extra_infos: Sequence[Any],
    responses: Any,
    response_mask: Any,
    tokenizer: Any,
    *,
    judge: str | None = None,
    image: str = "image",
) -> NDArray[np.float32]:
    """Return the reward of each response token, float32 `[batch, length]`.

    reward: whose server is asked; its judges and mix are not, since they score whole texts.
    extra_infos: one a row, with the image as in `mmjudge.rl.verl`.
    responses: token ids `[batch, length]`, padded on the right; arrays or tensors on any device.
    response_mask: `[batch, length]`, not 0 for the tokens that the policy wrote; padding, and the
        replies of tools between its turns, are 0 and get no reward, though the judge reads the
        latter.
    tokenizer: the Hugging Face tokenizer of the policy.
    judge: one that gives token rewards; None for the only one.

    The value is 0 wherever the mask is 0, and for tokens without text, such as the end of turn. A
    row without any text is all 0 and is not asked about. Raises ItemFailed or ItemAbstained for
    the first row that could not be judged, ValueError for shapes that differ.
    """
    ids, mask = to_numpy(responses), to_numpy(response_mask) != 0
    if ids.ndim != 2 or ids.shape != mask.shape or len(ids) != len(extra_infos):
        raise ValueError(
            f"responses {list(ids.shape)}, response_mask {list(mask.shape)} and "
            f"{len(extra_infos)} extra_infos, expected [batch, length] twice and batch of them"
        )
    ends = np.where(mask.any(1), mask.shape[1] - mask[:, ::-1].argmax(1), 0)
    tokens = [row[:end].tolist() for row, end in zip(ids, ends, strict=True)]
    texts = [tokenizer.decode(row, skip_special_tokens=True) for row in tokens]
    rows = [row for row, text in enumerate(texts) if text]
    values = np.zeros(ids.shape, np.float32)
    if not rows:
        return values
    with reward.connection.client() as client:
        found = client.token_rewards(
            _images([extra_infos[row] for row in rows], image),
            [texts[row] for row in rows],
            ids=[tokens[row] for row in rows],
            tokenizer=tokenizer,
            judge=judge,
        )
    values[rows, : found.values.shape[1]] = found.values
    values[~mask] = 0
    return values


def _images(infos: Sequence[Any], key: str) -> list[Image]:
    seen: dict[Hashable, Image] = {}  # a group's rows share one object, and so one upload
    found = []
    for i, info in enumerate(infos):
        where = f"extra_info of sample {i}"
        images = to_images(named_image(info, key, where), where)
        if len(images) != 1:
            raise ValueError(f"{where} has {len(images)} images, expected one")
        known = images[0].digest if isinstance(images[0], EncodedImage | PixelImage) else images[0]
        found.append(seen.setdefault(known, images[0]))
    return found
