"""Late interaction: texts and images scored by the best match of each token and of each patch."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from mmjudge.kernels.matrix import matrix_maxima
from mmjudge.kernels.pairs import pairs_maxima
from mmjudge.kernels.rows import Rows, check_alike, check_paired, rows

Directions = Literal["both", "t2i", "i2t"]
Reduce = Literal["mean", "sum"]


class LateInteraction(NamedTuple):
    """Scores, float32, and the maxima under them; None where not asked for.

    Attributes:
        t2i: tokens' maxima over patches, reduced over the tokens: `[batch]` or `[texts, images]`.
        i2t: patches' maxima over tokens, reduced over the patches.
        token_max, token_argmax: in the layout of the tokens, and for a matrix with a last
            dimension `images`; the argmax int32, a patch of the image, -1 where there is none.
        patch_max, patch_argmax: of pairs, in the layout of the patches.
    """

    t2i: Tensor | None
    i2t: Tensor | None
    token_max: Tensor | None = None
    token_argmax: Tensor | None = None
    patch_max: Tensor | None = None
    patch_argmax: Tensor | None = None


def late_interaction_pairs(
    text: Tensor,
    image: Tensor,
    *,
    cu_tokens: Tensor | None = None,
    token_mask: Tensor | None = None,
    cu_patches: Tensor | None = None,
    patch_mask: Tensor | None = None,
    directions: Directions = "both",
    reduce: Reduce = "mean",
    normalize: bool = True,
    eps: float = 1e-12,
    return_tokens: bool = False,
    return_argmax: bool = False,
) -> LateInteraction:
    """Score text i with image i, as FILIP (arXiv 2111.07783) and ColBERT's MaxSim do.

    t2i is the mean (FILIP) or sum (ColBERT) over a text's tokens of the maximum over the image's
    patches of their cosine; i2t the same with the roles exchanged. Both come from one pass over the
    products. Masked rows count on neither side. Differentiable in `text` and `image`.

    Args:
        text, image: features, ragged or padded: see `token_image_reward`.
        directions: which scores to compute.
        reduce: over a text's kept tokens (an image's kept patches).
        return_tokens: the maxima of tokens, and of patches, too.
        return_argmax: what they were reached at, the lowest index first.

    Returns:
        `LateInteraction` with `[batch]` scores, 0 for a text or image without rows, NaN where
        something compared was not finite.

    Raises:
        TypeError, ValueError: naming the argument, what came and what was expected.
    """
    ours, theirs = _sides(text, image, cu_tokens, token_mask, cu_patches, patch_mask)
    _check(directions, reduce)
    check_paired(ours, theirs)
    winners = return_argmax or _differentiable(text, image)
    swapped = directions == "i2t"
    one, other = (theirs, ours) if swapped else (ours, theirs)
    score, other_score, *maxima, _, _ = pairs_maxima(
        one.values, other.values, one.offsets, other.offsets, one.count, other.count,
        one.keep, other.keep, normalize, eps, reduce, directions == "both", winners, False,
    )  # fmt: skip

    def side(of: Rows, score: Tensor, value: Tensor, winner: Tensor) -> tuple[Tensor | None, ...]:
        return (
            score,
            of.restored(value) if return_tokens else None,
            of.restored(winner.clamp_min(-1)) if return_argmax else None,
        )

    nothing = (None, None, None)
    first = side(one, score, *maxima[:2])
    second = side(other, other_score, *maxima[2:]) if directions == "both" else nothing
    t2i, i2t = (nothing, first) if swapped else (first, second)
    return LateInteraction(t2i[0], i2t[0], t2i[1], t2i[2], i2t[1], i2t[2])


def late_interaction_matrix(
    text: Tensor,
    image: Tensor,
    *,
    cu_tokens: Tensor | None = None,
    token_mask: Tensor | None = None,
    cu_patches: Tensor | None = None,
    patch_mask: Tensor | None = None,
    directions: Directions = "both",
    reduce: Reduce = "mean",
    normalize: bool = True,
    eps: float = 1e-12,
    return_tokens: bool = False,
    return_argmax: bool = False,
    image_chunk: int | None = None,
) -> LateInteraction:
    """Score every text with every image; otherwise as `late_interaction_pairs`.

    `[texts, tokens, images, patches]` is never held: beside the results and 64 MB there are, while
    gradients are wanted, the winners (int32, `[tokens, images]` and `[texts, patches]`).

    Args:
        return_tokens, return_argmax: `[tokens, images]` maxima and winners of the tokens
            (`[texts, length, images]` if padded); not with `directions="i2t"`.
        image_chunk: images computed at a time; None: as many as fit 64 MB.

    Returns:
        `LateInteraction` with `[texts, images]` scores.
    """
    ours, theirs = _sides(text, image, cu_tokens, token_mask, cu_patches, patch_mask)
    _check(directions, reduce)
    if image_chunk is not None and image_chunk < 1:
        raise ValueError(f"image_chunk: {image_chunk}; expected at least 1 image")
    swapped = directions == "i2t"
    if swapped and (return_tokens or return_argmax):
        raise ValueError(
            "return_tokens, return_argmax: are of the direction t2i; "
            "give directions='both' or 't2i'"
        )
    winners = return_argmax or _differentiable(text, image)
    one, other = (theirs, ours) if swapped else (ours, theirs)
    first, second, value, winner, *_ = matrix_maxima(
        one.values, other.values, one.offsets, other.offsets, one.count, other.count,
        one.keep, other.keep, normalize, eps, reduce == "mean", directions == "both",
        return_tokens, winners, image_chunk or 0,
    )  # fmt: skip
    if swapped:
        return LateInteraction(None, first.T)
    return LateInteraction(
        first,
        second if directions == "both" else None,
        ours.restored(value) if return_tokens else None,
        ours.restored(winner.clamp_min(-1)) if return_argmax else None,
    )


def _sides(
    text: Tensor,
    image: Tensor,
    cu_tokens: Tensor | None,
    token_mask: Tensor | None,
    cu_patches: Tensor | None,
    patch_mask: Tensor | None,
) -> tuple[Rows, Rows]:
    ours = rows("text", text, "cu_tokens", cu_tokens, "token_mask", token_mask)
    theirs = rows("image", image, "cu_patches", cu_patches, "patch_mask", patch_mask)
    check_alike(ours, theirs)
    return ours, theirs


def _check(directions: str, reduce: str) -> None:
    if directions not in ("both", "t2i", "i2t"):
        raise ValueError(f"directions: {directions!r}; expected 'both', 't2i' or 'i2t'")
    if reduce not in ("mean", "sum"):
        raise ValueError(f"reduce: {reduce!r}; expected 'mean' or 'sum'")


def _differentiable(*tensors: Tensor) -> bool:
    return torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
