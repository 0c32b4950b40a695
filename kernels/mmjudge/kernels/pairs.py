"""Operation: text i with image i, the best patch of each token and the best token of each patch."""

from typing import Any

import torch
from torch import Tensor

from mmjudge.kernels.backends import implementation
from mmjudge.kernels.segments import Segments
from mmjudge.kernels.sides import KEEPS, SIDES, like, segments, shares, wide
from mmjudge.kernels.winners import ABSENT, edge_gradients, edges


@torch.library.custom_op(
    "mmjudge::pairs_maxima",
    mutates_args=(),
    schema=f"({SIDES}, {KEEPS}, str reduce, bool columns, bool winners, bool vectors) "
    "-> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)",
)
def pairs_maxima(
    text: Tensor,
    image: Tensor,
    text_offsets: Tensor | None,
    image_offsets: Tensor | None,
    texts: int,
    images: int,
    text_keep: Tensor | None,
    image_keep: Tensor | None,
    normalize: bool,
    eps: float,
    reduce: str,
    columns: bool,
    winners: bool,
    vectors: bool,
) -> tuple[Tensor, ...]:
    """Maxima over the one image of a token's text (and, with `columns`, the other way).

    Args:
        text, image: `[tokens, dim]`, `[patches, dim]`, in segments by the offsets.
        reduce: maxima to scores, "mean" or "sum"; "none": only the maxima are wanted.
        winners: False where a caller needs no indices, only whether there is a maximum.
        vectors: every image is a single row, which has tiles of its own.

    Returns:
        The scores `[texts]` of both directions; per token `[tokens]` its maximum and the winner's
        index within the image; per patch the same within the text; the scales of text and image
        rows. Empty: scores that are not wanted, and what belongs to patches without `columns`.
    """
    ours, theirs = segments(text, image, text_offsets, image_offsets, texts, images)
    backend = implementation(text)
    found = backend.pairs_maxima(
        text, image, ours, theirs, text_keep, image_keep, normalize, eps, columns, winners, vectors
    )

    def score(maxima: Tensor, over: Segments, keep: Tensor | None, wanted: bool) -> Tensor:
        if not wanted:
            return maxima.new_empty(0)
        return backend.segment_reduce(maxima[:, None], over, keep, reduce, 0.0)[0][:, 0]

    scored = reduce != "none"
    t2i = score(found[0], ours, text_keep, scored)
    return t2i, score(found[2], theirs, image_keep, scored and columns), *found


@pairs_maxima.register_fake
def _(text: Tensor, image: Tensor, *rest: Any) -> tuple[Tensor, ...]:
    texts, images, reduce, columns = rest[2], rest[3], rest[-4], rest[-3]
    tokens, patches, dtype = text.shape[0], image.shape[0], wide(text)
    across = patches if columns else 0
    scored = reduce != "none"
    return (
        text.new_empty(texts if scored else 0, dtype=dtype),
        text.new_empty(images if scored and columns else 0, dtype=dtype),
        text.new_empty(tokens, dtype=dtype),
        text.new_empty(tokens, dtype=torch.int32),
        text.new_empty(across, dtype=dtype),
        text.new_empty(across, dtype=torch.int32),
        text.new_empty(tokens, dtype=dtype),
        text.new_empty(patches, dtype=dtype),
    )


@torch.library.custom_op(
    "mmjudge::pairs_maxima_backward",
    mutates_args=(),
    schema="(Tensor t2i_gradient, Tensor i2t_gradient, Tensor token_gradient, "
    f"Tensor patch_gradient, {SIDES}, Tensor token_winner, Tensor patch_winner, "
    "Tensor text_scale, Tensor image_scale, bool normalize, bool mean) -> (Tensor, Tensor)",
)
def pairs_maxima_backward(
    t2i_gradient: Tensor,
    i2t_gradient: Tensor,
    token_gradient: Tensor,
    patch_gradient: Tensor,
    text: Tensor,
    image: Tensor,
    text_offsets: Tensor | None,
    image_offsets: Tensor | None,
    texts: int,
    images: int,
    token_winner: Tensor,
    patch_winner: Tensor,
    text_scale: Tensor,
    image_scale: Tensor,
    normalize: bool,
    mean: bool,
) -> tuple[Tensor, Tensor]:
    ours, theirs = segments(text, image, text_offsets, image_offsets, texts, images)
    if t2i_gradient.shape[0]:
        shared = t2i_gradient[ours.ids] * shares(text_scale, ours, mean)
        token_gradient = token_gradient + shared
    if i2t_gradient.shape[0]:
        shared = i2t_gradient[theirs.ids] * shares(image_scale, theirs, mean)
        patch_gradient = patch_gradient + shared
    tokens = torch.arange(text.shape[0], device=text.device)
    won, weights = edges(token_winner, theirs.offsets[ours.ids], token_gradient)
    tokens = torch.where(token_winner == ABSENT, -1, tokens)
    if patch_winner.shape[0]:
        patches = torch.arange(image.shape[0], device=text.device)
        winning, more = edges(patch_winner, ours.offsets[theirs.ids], patch_gradient)
        patches = torch.where(patch_winner == ABSENT, -1, patches)
        tokens, won = torch.cat([tokens, winning]), torch.cat([won, patches])
        weights = torch.cat([weights, more])
    return edge_gradients(
        implementation(text).gather,
        text,
        image,
        text_scale,
        image_scale,
        tokens,
        won,
        weights,
        normalize,
    )


@pairs_maxima_backward.register_fake
def _(*arguments: Any) -> tuple[Tensor, Tensor]:
    return like(arguments[4]), like(arguments[5])


def _save_pairs(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    text, image, text_offsets, image_offsets, texts, images, _, _, normalize, _, reduce, *_ = inputs
    if not inputs[-2]:
        raise RuntimeError("pairs_maxima: gradients need winners=True")
    *_, token_winner, _, patch_winner, text_scale, image_scale = output
    ctx.mark_non_differentiable(token_winner, patch_winner, text_scale, image_scale)
    ctx.save_for_backward(
        text,
        image,
        text_offsets,
        image_offsets,
        token_winner,
        patch_winner,
        text_scale,
        image_scale,
    )
    ctx.texts, ctx.images, ctx.normalize, ctx.mean = texts, images, normalize, reduce == "mean"


def _pairs_gradients(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
    text, image, text_offsets, image_offsets, *saved = ctx.saved_tensors
    d_text, d_image = pairs_maxima_backward(
        *gradients[:3],
        gradients[4],
        text,
        image,
        text_offsets,
        image_offsets,
        ctx.texts,
        ctx.images,
        *saved,
        ctx.normalize,
        ctx.mean,
    )
    return (d_text, d_image, *[None] * 12)


pairs_maxima.register_autograd(_pairs_gradients, setup_context=_save_pairs)
