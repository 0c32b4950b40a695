"""Token rewards: how much each token of a text is seen in the text's own image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from mmjudge.kernels.pairs import pairs_maxima
from mmjudge.kernels.pooling import pooled
from mmjudge.kernels.rows import Rows, check_alike, check_paired, describe, rows
from mmjudge.kernels.winners import ABSENT

Source = Literal["patches", "global"]
Pool = Literal["max", "mean", "softmax"]


class TokenReward(NamedTuple):
    """`values` float32 and, where asked for, `argmax` int32: `[tokens]` or `[batch, length]`."""

    values: Tensor
    argmax: Tensor | None


def token_image_reward(
    tokens: Tensor,
    image: Tensor,
    *,
    cu_tokens: Tensor | None = None,
    token_mask: Tensor | None = None,
    cu_patches: Tensor | None = None,
    patch_mask: Tensor | None = None,
    source: Source = "patches",
    pool: Pool = "max",
    tau: float | None = None,
    normalize: bool = True,
    eps: float = 1e-12,
    transform: Callable[[Tensor], Tensor] | None = None,
    return_argmax: bool = False,
) -> TokenReward:
    """The similarity of every token with the image of its text, as FiSAO rewards tokens.

    Cosines are dot products of the features as given, accumulated in float32 and scaled by the
    inverse lengths afterwards. Differentiable in `tokens` and `image`.

    Args:
        tokens: text i's features: ragged `[tokens, dim]` with `cu_tokens`, or padded
            `[batch, length, dim]` with an optional `token_mask`; float16, bfloat16 or float32.
        image: image i's patches, likewise with `cu_patches` or `patch_mask`; for
            `source="global"` one embedding an image, `[batch, dim]`.
        cu_tokens, cu_patches: int32 or int64 offsets `[batch + 1]`; best on the CPU, where they are
            checked without waiting for a GPU.
        token_mask, patch_mask: bool of any pattern, True where a row counts.
        source: what tokens are compared with.
        pool: over the patches: the maximum, the mean, or the mean weighted by `softmax(s / tau)`.
        tau: temperature above 0, for `softmax` alone.
        normalize: cosines; else plain dot products.
        eps: a row whose length is below it has no direction: its similarity is 0.
        transform: from similarity to reward, elementwise, such as `Margin`.
        return_argmax: which patch of its image is most similar to the token, lowest index first;
            -1 where there is none. With `source="patches"` alone.

    Returns:
        Rewards in `[-1, 1]` before the transform if normalised. Masked tokens, and tokens of an
        image without patches: 0. NaN where a token or a patch that it was compared with is not
        finite (or, normalised, longer than float32 can square).

    Raises:
        TypeError, ValueError: naming the argument, what came and what was expected.
    """
    text = rows("tokens", tokens, "cu_tokens", cu_tokens, "token_mask", token_mask)
    side = _image(image, cu_patches, patch_mask, source)
    _check_pool(source, pool, tau, return_argmax)
    check_alike(text, side)
    check_paired(text, side)
    common = (
        text.values, side.values, text.offsets, side.offsets, text.count, side.count,
        text.keep, side.keep, normalize, eps,
    )  # fmt: skip
    if pool == "max":
        need = return_argmax or _differentiable(tokens, image)
        _, _, value, winner, *_ = pairs_maxima(*common, "none", False, need, source == "global")
    else:
        value, _, winner, *_ = pooled(*common, tau)
    if transform is not None:
        value = torch.where(winner == ABSENT, 0.0, transform(value))
    argmax = text.restored(winner.clamp_min(-1)) if return_argmax else None
    return TokenReward(text.restored(value), argmax)


def _image(image: Tensor, offsets: Tensor | None, mask: Tensor | None, source: Source) -> Rows:
    if source == "patches":
        return rows("image", image, "cu_patches", offsets, "patch_mask", mask)
    if source != "global":
        raise ValueError(f"source: {source!r}; expected 'patches' or 'global'")
    if offsets is not None or mask is not None:
        raise ValueError("cu_patches, patch_mask: given with source='global', which has no patches")
    if image.dim() != 2:
        raise ValueError(
            f"image: {describe(image)}; expected one embedding an image, [batch, dim], "
            "with source='global'"
        )
    return rows("image", image[:, None], "cu_patches", None, "patch_mask", None)


def _check_pool(source: Source, pool: Pool, tau: float | None, return_argmax: bool) -> None:
    if pool not in ("max", "mean", "softmax"):
        raise ValueError(f"pool: {pool!r}; expected 'max', 'mean' or 'softmax'")
    if source == "global" and (pool != "max" or return_argmax):
        raise ValueError("pool, return_argmax: there are no patches with source='global'")
    if (pool == "softmax") != (tau is not None):
        raise ValueError(f"tau: {tau} with pool={pool!r}; softmax needs it, nothing else takes it")
    if tau is not None and not tau > 0:
        raise ValueError(f"tau: {tau}; expected a temperature above 0")


def _differentiable(*tensors: Tensor) -> bool:
    return torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
