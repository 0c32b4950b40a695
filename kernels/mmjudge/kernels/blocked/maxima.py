"""Best patches and tokens, a block of products at a time."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from mmjudge.kernels.blocked.products import BLOCK_VALUES, MASKED, products, scales, steps
from mmjudge.kernels.blocked.sums import segment_reduce
from mmjudge.kernels.segments import Segments
from mmjudge.kernels.winners import ABSENT, POISONED


def pairs_maxima(
    text: Tensor,
    image: Tensor,
    texts: Segments,
    images: Segments,
    text_keep: Tensor | None,
    image_keep: Tensor | None,
    normalize: bool,
    eps: float,
    columns: bool,
    winners: bool,
    vectors: bool,
) -> tuple[Tensor, ...]:
    """See `mmjudge.kernels.pairs.pairs_maxima`."""
    text_scale = scales(text, text_keep, normalize, eps)
    image_scale = scales(image, image_keep, normalize, eps)
    token = _Best(text_scale, text_scale.shape, winners)
    patch = _Best(image_scale, image_scale.shape if columns else (0,), winners)
    for (t0, t1), (p0, p1) in zip(texts, images, strict=True):
        for start, stop in steps(t0, t1, p1 - p0):
            block = products(text[start:stop], image[p0:p1])
            block *= image_scale[p0:p1]
            block *= text_scale[start:stop, None]
            token.take(slice(start, stop), _without(block, image_scale[None, p0:p1]), 1, 0)
            if columns:
                kept = _without(block, text_scale[start:stop, None])
                patch.take(slice(p0, p1), kept, 0, start - t0)
    return (
        *token.results(text_scale == MASKED),
        *patch.results((image_scale if columns else image_scale[:0]) == MASKED),
        text_scale,
        image_scale,
    )


def matrix_maxima(
    text: Tensor,
    image: Tensor,
    texts: Segments,
    images: Segments,
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
    """See `mmjudge.kernels.matrix.matrix_maxima`; here images are taken one at a time."""
    text_scale = scales(text, text_keep, normalize, eps)
    image_scale = scales(image, image_keep, normalize, eps)
    kept, how = text_scale != MASKED, "mean" if mean else "sum"

    def results(wanted: bool, *shape: int, like: Tensor = text_scale) -> Tensor:
        return like.new_empty(shape if wanted else (0, 0))

    codes = torch.empty(0, dtype=torch.int32, device=text.device)
    t2i = results(True, texts.count, images.count)
    i2t = results(columns, texts.count, images.count)
    token_value = results(tokens, text.shape[0], images.count)
    token_winner = results(winners, text.shape[0], images.count, like=codes)
    patch_winner = results(winners and columns, texts.count, image.shape[0], like=codes)
    room = text_scale.new_empty(BLOCK_VALUES)
    for i, (p0, p1) in enumerate(images):
        token = _Best(text_scale, text_scale.shape, winners)
        patch = _Best(text_scale, (texts.count if columns else 0, p1 - p0), winners)
        side = image[p0:p1].to(text_scale.dtype)
        for start, stop in steps(0, text.shape[0], p1 - p0, texts.uniform):
            block = products(text[start:stop], side, room)
            block *= image_scale[p0:p1]
            token.take(
                slice(start, stop),
                _without(block, image_scale[None, p0:p1]),
                1,
                0,
                text_scale[start:stop],
            )
            if columns:
                block *= text_scale[start:stop, None]
                block = _without(block, text_scale[start:stop, None])
                for first, count, rows in _pieces(texts, start, stop):
                    piece = block[rows].view(count, -1, p1 - p0)
                    patch.take(
                        slice(first, first + count),
                        piece,
                        1,
                        start + rows.start - texts.host[first],
                    )
        value, winner = token.results(text_scale == MASKED)
        t2i[:, i] = segment_reduce(value[:, None], texts, kept, how, 0.0)[0][:, 0]
        if tokens:
            token_value[:, i] = value
        if winners:
            token_winner[:, i] = winner
        if columns:
            value, winner = patch.results(image_scale[p0:p1] == MASKED)
            whole = Segments("", None, 1, p1 - p0, text.device)
            shares = image_scale[p0:p1] != MASKED
            i2t[:, i] = segment_reduce(value.T, whole, shares, how, 0.0)[0][0]
            if winners:
                patch_winner[:, p0:p1] = winner
    return t2i, i2t, token_value, token_winner, patch_winner, text_scale, image_scale


class _Best:
    """Running maxima, and the lowest index that reached each."""

    def __init__(self, like: Tensor, shape: tuple[int, ...], winners: bool) -> None:
        self.value = like.new_full(shape, -torch.inf)
        self.winner = torch.full(shape, ABSENT, dtype=torch.int32, device=like.device)
        self.winners = winners

    def take(
        self, where: slice, block: Tensor, dim: int, first: int, scale: Tensor | None = None
    ) -> None:
        """Maxima of `block` over `dim`, along which indices begin at `first`; times `scale`."""
        if self.winners:
            value, index = block.max(dim)
            index = index.int() + first
        else:
            value = block.amax(dim)
            index = torch.zeros((), dtype=torch.int32, device=block.device)
        if scale is not None:
            # An image without a kept patch stays at -inf; 0 * -inf would be NaN.
            value = torch.where(value == -torch.inf, value, value * scale)
        held = self.value[where]
        self.winner[where] = torch.where(value > held, index, self.winner[where])
        torch.maximum(held, value, out=held)

    def results(self, masked: Tensor) -> tuple[Tensor, Tensor]:
        """Maxima and winners, or 0 and the code of why there is none."""
        none = masked | (self.value == -torch.inf)
        self.winner.masked_fill_(self.value.isnan(), POISONED).masked_fill_(none, ABSENT)
        return self.value.masked_fill_(none, 0.0), self.winner


def _without(block: Tensor, scale: Tensor) -> Tensor:
    """`block` with what belongs to masked rows out of the running."""
    masked = scale == MASKED
    return block.masked_fill(masked, -torch.inf) if bool(masked.any()) else block


def _pieces(texts: Segments, start: int, stop: int) -> Iterator[tuple[int, int, slice]]:
    """The texts with rows in `start` to `stop`: first text, how many, and which rows of the block.

    Whole texts of one length come together; others, and parts of texts, one at a time.
    """
    length = texts.uniform
    if length > 0 and start % length == 0 and stop % length == 0:
        yield start // length, (stop - start) // length, slice(0, stop - start)
        return
    for i, (t0, t1) in enumerate(texts):
        if t0 < stop and t1 > start and t0 < t1:
            yield i, 1, slice(max(t0, start) - start, min(t1, stop) - start)
