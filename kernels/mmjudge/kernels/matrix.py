"""Operation: every text with every image, both directions in one pass over the products.

`[texts, tokens, images, patches]` is never held: blocks of it are reduced as they are made.
"""

from typing import Any

import torch
from torch import Tensor

from mmjudge.kernels.backends import implementation
from mmjudge.kernels.sides import KEEPS, SIDES, like, segments, shares, wide
from mmjudge.kernels.winners import ABSENT, edge_gradients, edges


@torch.library.custom_op(
    "mmjudge::matrix_maxima",
    mutates_args=(),
    schema=f"({SIDES}, {KEEPS}, bool mean, bool columns, bool tokens, bool winners, int chunk) "
    "-> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)",
)
def matrix_maxima(
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
    mean: bool,
    columns: bool,
    tokens: bool,
    winners: bool,
    chunk: int,
) -> tuple[Tensor, ...]:
    """Maxima of every text's tokens over every image, summed or averaged over the tokens.

    Args:
        columns: the other direction too, in the same pass over the products.
        tokens: return the maxima themselves.
        winners: return (and for gradients keep) the winners.
        chunk: images computed at a time, which bounds what is held beside the results; 0: as many
            as fit 64 MB.

    Returns:
        t2i and i2t `[texts, images]` (i2t empty without `columns`); token maxima and winners
        `[tokens, images]` and patch winners `[texts, patches]`, each empty unless asked for; the
        scales of text and image rows.
    """
    sides = segments(text, image, text_offsets, image_offsets, texts, images)
    return implementation(text).matrix_maxima(
        text,
        image,
        *sides,
        text_keep,
        image_keep,
        normalize,
        eps,
        mean,
        columns,
        tokens,
        winners,
        chunk,
    )


@matrix_maxima.register_fake
def _(
    text: Tensor, image: Tensor, _to: Any, _io: Any, texts: int, images: int, *rest: Any
) -> tuple[Tensor, ...]:
    columns, tokens, winners, _ = rest[-4:]
    rows, patches, dtype = text.shape[0], image.shape[0], wide(text)

    def empty(present: bool, *shape: int, dtype: torch.dtype = dtype) -> Tensor:
        return text.new_empty(shape if present else (0, 0), dtype=dtype)

    return (
        empty(True, texts, images),
        empty(columns, texts, images),
        empty(tokens, rows, images),
        empty(winners, rows, images, dtype=torch.int32),
        empty(winners and columns, texts, patches, dtype=torch.int32),
        text.new_empty(rows, dtype=dtype),
        text.new_empty(patches, dtype=dtype),
    )


@torch.library.custom_op(
    "mmjudge::matrix_maxima_backward",
    mutates_args=(),
    schema=f"(Tensor t2i_gradient, Tensor i2t_gradient, Tensor token_gradient, {SIDES}, "
    "Tensor token_winner, Tensor patch_winner, Tensor text_scale, Tensor image_scale, "
    "bool normalize, bool mean) -> (Tensor, Tensor)",
)
def matrix_maxima_backward(
    t2i_gradient: Tensor,
    i2t_gradient: Tensor,
    token_gradient: Tensor,
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
    gradient = t2i_gradient[ours.ids] * shares(text_scale, ours, mean)[:, None]
    if token_gradient.shape[0] == text.shape[0]:
        gradient = gradient + token_gradient
    won, weights = edges(token_winner, theirs.offsets[:-1], gradient)
    rows = torch.arange(text.shape[0], device=text.device)[:, None]
    tokens = torch.where(token_winner == ABSENT, -1, rows)
    tokens, won, weights = tokens.flatten(), won.flatten(), weights.flatten()
    if patch_winner.shape[0]:
        gradient = i2t_gradient[:, theirs.ids] * shares(image_scale, theirs, mean)
        winning, more = edges(patch_winner, ours.offsets[:-1, None], gradient)
        columns = torch.arange(image.shape[0], device=text.device)
        patches = torch.where(patch_winner == ABSENT, -1, columns)
        tokens, won = torch.cat([tokens, winning.flatten()]), torch.cat([won, patches.flatten()])
        weights = torch.cat([weights, more.flatten()])
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


@matrix_maxima_backward.register_fake
def _(*arguments: Any) -> tuple[Tensor, Tensor]:
    return like(arguments[3]), like(arguments[4])


def _save_matrix(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    text, image, text_offsets, image_offsets, texts, images, _, _, normalize, _, mean, *_ = inputs
    if not inputs[-2]:
        raise RuntimeError("matrix_maxima: gradients need winners=True")
    _, _, _, token_winner, patch_winner, text_scale, image_scale = output
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
    ctx.texts, ctx.images, ctx.normalize, ctx.mean = texts, images, normalize, mean


def _matrix_gradients(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
    text, image, text_offsets, image_offsets, *saved = ctx.saved_tensors
    d_text, d_image = matrix_maxima_backward(
        *gradients[:3],
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
    return (d_text, d_image, *[None] * 13)


matrix_maxima.register_autograd(_matrix_gradients, setup_context=_save_matrix)
