"""Operation: text i with image i, the best patch of each token and the best token of each patch."""

from typing import Any

import torch
from torch import Tensor

from mmjudge.kernels.backends import implementation
from mmjudge.kernels.sides import KEEPS, SIDES, like, segments, wide
from mmjudge.kernels.winners import ABSENT, edge_gradients, edges


@torch.library.custom_op(
    "mmjudge::pairs_maxima",
    mutates_args=(),
    schema=f"({SIDES}, {KEEPS}, bool columns, bool winners, bool vectors) "
    "-> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)",
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
    columns: bool,
    winners: bool,
    vectors: bool,
) -> tuple[Tensor, ...]:
    """Maxima over the one image of a token's text (and, with `columns`, the other way).

    Args:
        text, image: `[tokens, dim]`, `[patches, dim]`, in segments by the offsets.
        winners: False where a caller needs no indices, only whether there is a maximum.
        vectors: every image is a single row, which has tiles of its own.

    Returns:
        Per token `[tokens]` its maximum and the winner's index within the image; per patch the
        same within the text (empty without `columns`); the scales of text and image rows.
    """
    sides = segments(text, image, text_offsets, image_offsets, texts, images)
    return implementation(text).pairs_maxima(
        text, image, *sides, text_keep, image_keep, normalize, eps, columns, winners, vectors
    )


@pairs_maxima.register_fake
def _(text: Tensor, image: Tensor, *rest: Any) -> tuple[Tensor, ...]:
    columns = rest[-3]
    tokens, patches, dtype = text.shape[0], image.shape[0], wide(text)
    across = patches if columns else 0
    return (
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
    schema=f"(Tensor token_gradient, Tensor patch_gradient, {SIDES}, Tensor token_winner, "
    "Tensor patch_winner, Tensor text_scale, Tensor image_scale, bool normalize) "
    "-> (Tensor, Tensor)",
)
def pairs_maxima_backward(
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
) -> tuple[Tensor, Tensor]:
    sides = segments(text, image, text_offsets, image_offsets, texts, images)
    tokens = torch.arange(text.shape[0], device=text.device)
    won, weights = edges(token_winner, sides[1].offsets[sides[0].ids], token_gradient)
    tokens = torch.where(token_winner == ABSENT, -1, tokens)
    if patch_winner.shape[0]:
        patches = torch.arange(image.shape[0], device=text.device)
        winning, more = edges(patch_winner, sides[0].offsets[sides[1].ids], patch_gradient)
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
    return like(arguments[2]), like(arguments[3])


def _save_pairs(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    text, image, text_offsets, image_offsets, texts, images, _, _, normalize, *_, winners, _ = (
        inputs
    )
    if not winners:
        raise RuntimeError("pairs_maxima: gradients need winners=True")
    _, token_winner, _, patch_winner, text_scale, image_scale = output
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
    ctx.texts, ctx.images, ctx.normalize = texts, images, normalize


def _pairs_gradients(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
    text, image, text_offsets, image_offsets, *saved = ctx.saved_tensors
    d_text, d_image = pairs_maxima_backward(
        gradients[0],
        gradients[2],
        text,
        image,
        text_offsets,
        image_offsets,
        ctx.texts,
        ctx.images,
        *saved,
        ctx.normalize,
    )
    return (d_text, d_image, *[None] * 11)


pairs_maxima.register_autograd(_pairs_gradients, setup_context=_save_pairs)
