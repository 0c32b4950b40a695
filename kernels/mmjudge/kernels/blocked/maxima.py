"""Best patches and tokens, a block of products at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, islice

import torch
from torch import Tensor

from mmjudge.kernels.blocked.products import (
    FEWEST_ROWS,
    MASKED,
    finite,
    mask_columns,
    operand,
    products,
    scale_columns,
    scaled,
    scales,
    scales_first,
    steps,
    unset_scales,
)
from mmjudge.kernels.blocked.sums import in_order, segment_reduce
from mmjudge.kernels.blocked.workers import side_by_side
from mmjudge.kernels.segments import Segments
from mmjudge.kernels.winners import ABSENT, POISONED

GROUP_VALUES = 1 << 22  # of several pairs at a time, products or features: 16 MB of float32
CHUNK_VALUES = 1 << 21  # token maxima held before they are reduced: 8 MB of float32


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
    text_scale, image_scale = unset_scales(text), unset_scales(image)
    token = _Best(text_scale, text_scale.shape, winners)
    patch = _Best(image_scale, image_scale.shape if columns else (0,), winners)
    # In turn: what runs side by side waits for Python between operations, which here are short.
    for count, (t0, t1), (p0, p1) in _groups(texts, images, text.shape[1]):
        width, dim = (p1 - p0) // count, text.shape[1]
        # Lengths are taken right before the products: features come from memory once.
        text_scale[t0:t1] = scales(text[t0:t1], _part(text_keep, t0, t1), normalize, eps)
        scale = scales(image[p0:p1], _part(image_keep, p0, p1), normalize, eps)
        image_scale[p0:p1] = scale
        if t0 == t1 or p0 == p1:
            continue
        theirs = operand(finite(image[p0:p1], scale).view(count, width, dim), scale)
        for start, stop in steps(t0, t1, width) if count == 1 else [(t0, t1)]:
            ours = text_scale[start:stop]
            rows = operand(text[start:stop].view(count, -1, dim), ours)
            block = products(rows, theirs)[:, : (stop - start) // count, :width]
            scale_columns(block, scale.view(count, 1, width))
            token.take(slice(start, stop), block, 2, 0, ours)
            if columns:
                block = _scale_rows(block, ours.view(count, -1, 1))
                patch.take(slice(p0, p1), block, 1, start - t0)

    text_first, image_first = _first_kept(text_scale, texts), _first_kept(image_scale, images)
    own = token.results(text_scale, image_first[texts.ids])
    other = patch.results(image_scale, text_first[images.ids]) if columns else patch.nothing()
    return *own, *other, text_scale, image_scale


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
    """See `mmjudge.kernels.matrix.matrix_maxima`; every image is a task of its own."""
    text_scale = scales(text, text_keep, normalize, eps)
    image_scale = scales(image, image_keep, normalize, eps)
    how = "mean" if mean else "sum"

    def results(wanted: bool, *shape: int, like: Tensor = text_scale) -> Tensor:
        return like.new_empty(shape if wanted else (0, 0))

    codes = torch.empty(0, dtype=torch.int32, device=text.device)
    t2i = results(True, texts.count, images.count)
    i2t = results(columns, texts.count, images.count)
    token_value = results(tokens, text.shape[0], images.count)
    token_winner = results(winners, text.shape[0], images.count, like=codes)
    patch_winner = results(winners and columns, texts.count, image.shape[0], like=codes)
    of_images, masked = list(images), text_scale == MASKED
    before = scales_first(text.shape[1])
    text_first, image_first = _first_kept(text_scale, texts), _first_kept(image_scale, images)
    at_once = chunk or max(1, CHUNK_VALUES // max(text.shape[0], 1))
    for first in range(0, images.count, at_once):
        number = min(at_once, images.count - first)
        maxima = text_scale.new_empty(number, text.shape[0])

        def one(place: int, first: int = first, maxima: Tensor = maxima) -> None:
            i = first + place
            p0, p1 = of_images[i]
            scale = image_scale[p0:p1]
            rows, hidden = _ready(image[p0:p1], scale, before)
            theirs = operand(rows, scale)
            # Of one direction, a text's scale waits for its maxima, which are few.
            whole = columns and before and 4 * text.shape[1] <= p1 - p0
            token = _Best(text_scale, text_scale.shape, winners)
            patch = _Best(text_scale, (texts.count if columns else 0, p1 - p0), winners)
            for start, stop in steps(0, text.shape[0], p1 - p0, texts.uniform):
                ours = text_scale[start:stop]
                rows = scaled(text[start:stop], ours)[0] if whole else text[start:stop]
                block = products(operand(rows, ours), theirs)[: stop - start, : p1 - p0]
                block = mask_columns(block, hidden) if before else scale_columns(block, scale)
                token.take(slice(start, stop), block, 1, 0, None if whole else ours)
                if columns:
                    bring = _mask_rows if whole else _scale_rows
                    block = bring(block, ours[:, None])
                    for text0, count, of in _pieces(texts, start, stop):
                        piece = block[of].view(count, -1, p1 - p0)
                        begun = start + of.start - texts.host[text0]
                        patch.take(slice(text0, text0 + count), piece, 1, begun)
            maxima[place], winner = token.results(text_scale, image_first[i])
            if winners:
                token_winner[:, i] = winner
            if columns:
                value, winner = patch.results(scale, text_first[:, None])
                kept = int((scale != MASKED).sum())
                total = in_order(value.T)
                i2t[:, i] = total / max(kept, 1) if mean else total
                if winners:
                    patch_winner[:, p0:p1] = winner

        side_by_side(one, number)
        found = segment_reduce(maxima.T, texts, ~masked, how, 0.0)[0]
        t2i[:, first : first + number] = found
        if tokens:
            token_value[:, first : first + number] = maxima.T
    return t2i, i2t, token_value, token_winner, patch_winner, text_scale, image_scale


class _Best:
    """Running maxima, and the lowest index that reached each."""

    def __init__(self, like: Tensor, shape: tuple[int, ...], winners: bool) -> None:
        self.value = like.new_full(shape, -torch.inf)
        # Where none is asked for, 0 says that there is one.
        unknown = ABSENT if winners else 0
        self.winner = torch.full(shape, unknown, dtype=torch.int32, device=like.device)
        self.winners = winners

    def take(
        self, where: slice, block: Tensor, dim: int, first: int, scale: Tensor | None = None
    ) -> None:
        """Maxima of `block` over `dim`, along which indices begin at `first`; times `scale`."""
        held = self.value[where]
        if not self.winners:
            value = block.amax(dim).view(held.shape)
            torch.maximum(held, value if scale is None else value * scale, out=held)
            return
        value, index = (found.reshape(held.shape) for found in block.max(dim))
        value = value if scale is None else value * scale
        winner = self.winner[where]
        torch.where(value > held, index.int() + first, winner, out=winner)
        torch.maximum(held, value, out=held)

    def results(self, scale: Tensor, first: Tensor) -> tuple[Tensor, Tensor]:
        """Maxima and winners, or 0 and the code of why there is none.

        Args:
            scale: of the rows that have the maxima; one without direction is as similar to all.
            first: the lowest index to choose from, -1 where there is none.
        """
        alike = (scale == 0.0) | (self.value == -torch.inf)
        winner = torch.where(alike, first, self.winner)
        winner.masked_fill_(self.value.isnan(), POISONED)
        none = (scale == MASKED) | (first == -1)
        return self.value.masked_fill_(none, 0.0), winner.masked_fill_(none, ABSENT)

    def nothing(self) -> tuple[Tensor, Tensor]:
        """Of a direction that was not asked for."""
        return self.value, self.winner


def _first_kept(scale: Tensor, segments: Segments) -> Tensor:
    """`[segments]` int32: the first row of each that counts, from its start; -1: there is none."""
    kept = (scale != MASKED).nonzero()[:, 0]
    starts, stops = segments.offsets[:-1], segments.offsets[1:]
    end = kept.new_full((1,), segments.rows)
    row = torch.cat([kept, end])[torch.searchsorted(kept, starts)]
    return torch.where(row < stops, row - starts, -1).int()


def _groups(
    texts: Segments, images: Segments, dim: int
) -> Iterator[tuple[int, tuple[int, int], tuple[int, int]]]:
    """Consecutive pairs of equal lengths: how many, and the rows of their texts and images.

    Together, as an operation takes longer to begin than a small pair does to compute.
    """
    rows = list(zip(texts, images, strict=True))
    for (tokens, patches), alike in groupby(
        rows, lambda pair: (_length(pair[0]), _length(pair[1]))
    ):
        held = max(tokens, FEWEST_ROWS), max(patches, FEWEST_ROWS)
        at_once = max(1, GROUP_VALUES // max(held[0] * held[1], sum(held) * dim))
        while part := list(islice(alike, at_once)):
            (t0, _), (p0, _) = part[0]
            (_, t1), (_, p1) = part[-1]
            yield len(part), (t0, t1), (p0, p1)


def _length(rows: tuple[int, int]) -> int:
    return rows[1] - rows[0]


def _part(keep: Tensor | None, start: int, stop: int) -> Tensor | None:
    return None if keep is None else keep[start:stop]


def _ready(rows: Tensor, scale: Tensor, before: bool) -> tuple[Tensor, Tensor | None]:
    """An image's rows for their products, scaled or not; and which are masked, if it is known."""
    return scaled(rows, scale) if before else (finite(rows, scale), None)


def _mask_rows(block: Tensor, scale: Tensor) -> Tensor:
    """-inf in the rows of `block` that `scale` `[..., rows, 1]` masks, in place."""
    masked = scale == MASKED
    return block.masked_fill_(masked, -torch.inf) if bool(masked.any()) else block


def _scale_rows(block: Tensor, scale: Tensor) -> Tensor:
    """Rows of `block` times `scale` `[..., rows, 1]`, in place; -inf where masked."""
    block *= scale
    return _mask_rows(block, scale)


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
