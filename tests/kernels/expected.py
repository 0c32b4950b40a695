"""Results held against the float64 reference."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from tests.kernels.cases import Batch
from torch import Tensor

from mmjudge.kernels.reference import best, cosines

ATOL = 2e-6  # of cosines computed in float32; dot products are measured in their rows' lengths


@dataclass(frozen=True)
class Side:
    """What one text's tokens should find in one image, or an image's patches in a text.

    Attributes:
        similarity: `[rows, candidates]` float64.
        unit: `[rows, candidates]` what an error of a similarity is measured in.
        rows, columns: which rows and which candidates count.
        candidates: features of the candidates, by which ties are told.
    """

    similarity: Tensor
    unit: Tensor
    rows: Tensor
    columns: Tensor
    candidates: Tensor

    @property
    def maxima(self) -> Tensor:
        return best(self.similarity, self.rows, self.columns)[0]

    @property
    def scale(self) -> Tensor:
        """Per row, the largest unit of error among the candidates that count."""
        units = self.unit.masked_fill(~self.columns, 0.0).nan_to_num(1.0, 1.0)
        least = torch.full((len(units), 1), 1e-30, dtype=torch.float64)
        return torch.cat([units, least], 1).amax(1)

    @property
    def first_alike(self) -> Tensor:
        """Per candidate, the first that counts among those with the same features."""
        kinds = torch.unique(self.candidates.float().nan_to_num(), dim=0, return_inverse=True)[1]
        number = torch.arange(len(kinds)).masked_fill(~self.columns, len(kinds))
        first = torch.full_like(kinds, len(kinds)).scatter_reduce(0, kinds, number, "amin")
        return first[kinds]


def sides(batch: Batch, i: int, j: int, normalize: bool = True) -> tuple[Side, Side]:
    """Text i against image j: its tokens' side, and the patches'."""
    text, image = batch.text[batch.texts[i]], batch.image[batch.images[j]]
    tokens, patches = batch.kept_tokens[batch.texts[i]], batch.kept_patches[batch.images[j]]
    similarity = cosines(text, image, normalize)
    unit = torch.ones_like(similarity)
    if not normalize:
        unit = text.double().norm(dim=1)[:, None] * image.double().norm(dim=1)
    return (
        Side(similarity, unit, tokens, patches, image),
        Side(similarity.T, unit.T, patches, tokens, text),
    )


def check_values(values: Tensor, wanted: Tensor, scale: Tensor, atol: float = ATOL) -> None:
    assert values.dtype == torch.float32
    torch.testing.assert_close(
        values.double() / scale, wanted / scale, atol=atol, rtol=0.0, equal_nan=True
    )


def check_maxima(side: Side, values: Tensor | None, winners: Tensor | None) -> None:
    """Maxima are the reference's, and so are winners, up to rounding; ties go to the lowest."""
    wanted, index = best(side.similarity, side.rows, side.columns)
    if values is not None:
        check_values(values, wanted, side.scale)
    if winners is None:
        return
    assert winners.dtype == torch.int32
    assert torch.equal(winners == -1, index == -1)
    rows = (index >= 0).nonzero()[:, 0]
    if len(rows):
        chosen = winners[rows].long()
        assert bool(side.columns[chosen].all())
        reached = side.similarity[rows, chosen]
        assert bool((reached >= wanted[rows] - 2 * ATOL * side.scale[rows]).all())
        assert torch.equal(side.first_alike[chosen], chosen)


def check_score(score: Tensor, side: Side, reduce: str) -> None:
    """The mean or sum of a side's maxima over the rows that count."""
    kept = int(side.rows.sum())
    count = max(kept, 1) if reduce == "mean" else 1
    wanted = side.maxima[side.rows].sum() / count
    scale = side.scale[side.rows].sum().clamp_min(1.0) / count
    check_values(score, wanted, scale)


def relative_error(value: Tensor, wanted: Tensor) -> float:
    """Of all values together, in the Euclidean norm."""
    if not float(wanted.norm()):
        return float(value.double().norm())
    return float((value.double() - wanted).norm() / wanted.norm())
