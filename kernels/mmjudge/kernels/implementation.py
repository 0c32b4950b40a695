"""What a backend implements: the arithmetic of the operations, without checks or autograd."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from mmjudge.kernels.segments import Segments


class Implementation(Protocol):
    """A module with these functions; operations of the same names say what they return."""

    def pairs_maxima(
        self,
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
        /,
    ) -> tuple[Tensor, ...]: ...

    def matrix_maxima(
        self,
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
        /,
    ) -> tuple[Tensor, ...]: ...

    def pooled(
        self,
        text: Tensor,
        image: Tensor,
        texts: Segments,
        images: Segments,
        text_keep: Tensor | None,
        image_keep: Tensor | None,
        normalize: bool,
        eps: float,
        tau: float | None,
        /,
    ) -> tuple[Tensor, ...]: ...

    def pooled_gradient(
        self,
        gradient: Tensor,
        text: Tensor,
        image: Tensor,
        texts: Segments,
        images: Segments,
        value: Tensor,
        divisor: Tensor,
        winner: Tensor,
        text_scale: Tensor,
        image_scale: Tensor,
        normalize: bool,
        tau: float | None,
        /,
    ) -> tuple[Tensor, Tensor]: ...

    def gather(
        self,
        source: Tensor,
        index: Tensor,
        weight: Tensor,
        starts: Tensor,
        rows: Tensor,
        scale: Tensor,
        normalize: bool,
        /,
    ) -> Tensor:
        """Weighted sums of rows of `source`, and their gradient through `rows`' normalisation.

        Args:
            source: `[rows', dim]`.
            index, weight: `[edges]`: entry e adds `weight[e] * source[index[e]]`.
            starts: `[rows + 1]`: row r sums the entries `starts[r]` to `starts[r + 1]`, in order.
            rows, scale: the rows that the sums belong to, `[rows, dim]` and `[rows]`.

        Returns:
            `[rows, dim]` in `rows`' dtype: `scale * (sum - (sum · unit) unit)`; the sum itself
            without `normalize`; 0 where a row is masked or has no direction, NaN where it is not
            finite.
        """

    def segment_reduce(
        self,
        values: Tensor,
        segments: Segments,
        keep: Tensor | None,
        mode: str,
        empty: float,
        /,
    ) -> tuple[Tensor, Tensor]: ...
