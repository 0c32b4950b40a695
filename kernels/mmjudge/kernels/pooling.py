"""Operation: text i with image i, each token's mean or softmax over the patches."""

from typing import Any

import torch
from torch import Tensor

from mmjudge.kernels.backends import implementation
from mmjudge.kernels.sides import KEEPS, SIDES, like, segments, wide


@torch.library.custom_op(
    "mmjudge::pooled",
    mutates_args=(),
    schema=f"({SIDES}, {KEEPS}, float? tau) -> (Tensor, Tensor, Tensor, Tensor, Tensor)",
)
def pooled(
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
    tau: float | None,
) -> tuple[Tensor, ...]:
    """`sum(softmax(s / tau) * s)` over the patches, or their mean where `tau` is None.

    Returns:
        Per token `[tokens]` the value; what its weights divide by (the log of the sum of
        exponentials, or the number of patches); the most similar patch; the scales of text and
        image rows.
    """
    sides = segments(text, image, text_offsets, image_offsets, texts, images)
    return implementation(text).pooled(
        text, image, *sides, text_keep, image_keep, normalize, eps, tau
    )


@pooled.register_fake
def _(text: Tensor, image: Tensor, *_: Any) -> tuple[Tensor, ...]:
    tokens, dtype = text.shape[0], wide(text)
    return (
        text.new_empty(tokens, dtype=dtype),
        text.new_empty(tokens, dtype=dtype),
        text.new_empty(tokens, dtype=torch.int32),
        text.new_empty(tokens, dtype=dtype),
        text.new_empty(image.shape[0], dtype=dtype),
    )


@torch.library.custom_op(
    "mmjudge::pooled_backward",
    mutates_args=(),
    schema=f"(Tensor gradient, {SIDES}, Tensor value, Tensor divisor, Tensor winner, "
    "Tensor text_scale, Tensor image_scale, bool normalize, float? tau) -> (Tensor, Tensor)",
)
def pooled_backward(
    gradient: Tensor,
    text: Tensor,
    image: Tensor,
    text_offsets: Tensor | None,
    image_offsets: Tensor | None,
    texts: int,
    images: int,
    *saved: Any,
) -> tuple[Tensor, Tensor]:
    sides = segments(text, image, text_offsets, image_offsets, texts, images)
    return implementation(text).pooled_gradient(gradient, text, image, *sides, *saved)


@pooled_backward.register_fake
def _(_gradient: Tensor, text: Tensor, image: Tensor, *_: Any) -> tuple[Tensor, Tensor]:
    return like(text), like(image)


def _save(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    text, image, text_offsets, image_offsets, texts, images, _, _, normalize, _, tau = inputs
    ctx.mark_non_differentiable(*output[1:])
    ctx.save_for_backward(text, image, text_offsets, image_offsets, *output)
    ctx.texts, ctx.images, ctx.normalize, ctx.tau = texts, images, normalize, tau


def _gradients(ctx: Any, gradient: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
    *sides, value, divisor, winner, text_scale, image_scale = ctx.saved_tensors
    d_text, d_image = pooled_backward(
        gradient, *sides, ctx.texts, ctx.images, value, divisor, winner, text_scale, image_scale,
        ctx.normalize, ctx.tau,
    )  # fmt: skip
    return (d_text, d_image, *[None] * 9)


pooled.register_autograd(_gradients, setup_context=_save)
