"""Batches of texts and images as tests draw and arrange them, and how far each backend is taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, product
from typing import Any, Literal

import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from torch import Tensor

DIMS = (1, 16, 72, 96, 128, 768, 1152, 4096)
DTYPES = (torch.float32, torch.float16, torch.bfloat16)
# Every dimension, and every dtype with the small ones.
DIMS_AND_DTYPES = [
    *product(DIMS[:4], DTYPES),
    *zip(DIMS[4:], (*DTYPES, torch.float32), strict=True),
]


@dataclass(frozen=True)
class Reach:
    """How large and how many a backend's cases are: a launch costs the interpreter 0.1 s or so."""

    name: Literal["blocked", "interpret"]
    examples: int  # that hypothesis draws
    pairs: int  # texts or images of a drawn batch
    longest: int  # text or image drawn
    dims: tuple[int, ...]  # drawn; single cases take all of DIMS
    phases: tuple[Phase, ...] = tuple(Phase)


REACHES = {
    "blocked": Reach("blocked", 60, 4, 40, DIMS),
    # Shrinking a failure there would take many minutes.
    "interpret": Reach("interpret", 6, 2, 9, (1, 16, 72, 96), (Phase.reuse, Phase.generate)),
}


def explore(
    reach: Reach, check: Callable[..., None], *strategies: st.SearchStrategy[Any], share: float = 1
) -> None:
    """Run `check` on as many examples as the backend affords, or a share of them."""
    examples = max(3, round(reach.examples * share))
    limits = settings(max_examples=examples, deadline=None, phases=reach.phases)
    limits(given(*strategies)(check))()


@dataclass(frozen=True)
class Batch:
    """Ragged texts and images: rows of features, lengths of the runs, masks."""

    text: Tensor
    image: Tensor
    tokens: tuple[int, ...]
    patches: tuple[int, ...]
    token_mask: Tensor | None = None
    patch_mask: Tensor | None = None

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """How hypothesis shows a failing batch: rows by their first feature alone."""
        masks = [None if mask is None else mask.int().tolist() for mask in self.masks]
        rows = [[f"{row:.2g}" for row in side[:, 0].tolist()] for side in (self.text, self.image)]
        printer.text(
            f"Batch({self.text.dtype}, dim={self.text.shape[1]}, tokens={self.tokens}, "
            f"patches={self.patches}, masks={masks}, text={rows[0]}, image={rows[1]})"
        )

    def __call__(self, operation: Callable[..., Any], **options: Any) -> Any:
        return operation(
            self.text,
            self.image,
            cu_tokens=offsets(self.tokens),
            cu_patches=offsets(self.patches),
            token_mask=self.token_mask,
            patch_mask=self.patch_mask,
            **options,
        )

    @property
    def texts(self) -> list[slice]:
        return spans(self.tokens)

    @property
    def images(self) -> list[slice]:
        return spans(self.patches)

    @property
    def masks(self) -> tuple[Tensor | None, Tensor | None]:
        return self.token_mask, self.patch_mask

    @property
    def kept_tokens(self) -> Tensor:
        return kept(self.token_mask, self.text)

    @property
    def kept_patches(self) -> Tensor:
        return kept(self.patch_mask, self.image)

    def leaves(self) -> Batch:
        """The same values, asking for gradients."""
        return replace(
            self,
            text=self.text.detach().clone().requires_grad_(),
            image=self.image.detach().clone().requires_grad_(),
        )

    def wide(self) -> Batch:
        """In float64, which the rows' own values are exact in."""
        return replace(self, text=self.text.double(), image=self.image.double())

    def take(self, texts: Sequence[int], images: Sequence[int]) -> Batch:
        """Only these texts and images, in this order."""
        rows = indices(self.texts, texts)
        columns = indices(self.images, images)
        return Batch(
            self.text[rows],
            self.image[columns],
            tuple(self.tokens[i] for i in texts),
            tuple(self.patches[i] for i in images),
            None if self.token_mask is None else self.token_mask[rows],
            None if self.patch_mask is None else self.patch_mask[columns],
        )

    def padded(self, more: int = 0, garbage: float = torch.nan) -> Padded:
        """As rectangles, `more` rows longer than they need to be; `garbage` where nothing is."""
        text, token_mask = rectangle(self.text, self.texts, self.kept_tokens, more, garbage)
        image, patch_mask = rectangle(self.image, self.images, self.kept_patches, more, garbage)
        return Padded(text, image, token_mask, patch_mask)


@dataclass(frozen=True)
class Padded:
    """The same as rectangles `[batch, length, dim]` with masks."""

    text: Tensor
    image: Tensor
    token_mask: Tensor
    patch_mask: Tensor

    def __call__(self, operation: Callable[..., Any], **options: Any) -> Any:
        return operation(
            self.text,
            self.image,
            token_mask=self.token_mask,
            patch_mask=self.patch_mask,
            **options,
        )

    def leaves(self) -> Padded:
        return replace(
            self,
            text=self.text.detach().clone().requires_grad_(),
            image=self.image.detach().clone().requires_grad_(),
        )


def rectangle(
    rows: Tensor, runs: list[slice], mask: Tensor, more: int, garbage: float
) -> tuple[Tensor, Tensor]:
    length = max((run.stop - run.start for run in runs), default=0) + more
    values = rows.new_full((len(runs), length, rows.shape[1]), garbage)
    present = torch.zeros(len(runs), length, dtype=torch.bool)
    for i, run in enumerate(runs):
        values[i, : run.stop - run.start] = rows[run]
        present[i, : run.stop - run.start] = mask[run]
    return values, present


def unpadded(results: Tensor, lengths: Sequence[int]) -> Tensor:
    """The ragged rows `[rows, ...]` of padded results `[batch, length, ...]`."""
    rows = [results[i, :length] for i, length in enumerate(lengths)]
    return torch.cat(rows) if rows else results.flatten(0, 1)


def batch(
    tokens: Sequence[int],
    patches: Sequence[int],
    dim: int,
    dtype: torch.dtype = torch.float32,
    *,
    masked: bool = False,
    seed: int = 0,
) -> Batch:
    """Normally distributed features; if `masked`, about every third row does not count."""
    random = torch.Generator().manual_seed(seed)
    text = torch.randn(sum(tokens), dim, generator=random, dtype=torch.float64).to(dtype)
    image = torch.randn(sum(patches), dim, generator=random, dtype=torch.float64).to(dtype)
    masks = [torch.rand(len(rows), generator=random) > 0.35 for rows in (text, image)]
    token_mask, patch_mask = masks if masked else (None, None)
    return Batch(text, image, tuple(tokens), tuple(patches), token_mask, patch_mask)


def offsets(lengths: Sequence[int], dtype: torch.dtype = torch.int64) -> Tensor:
    return torch.tensor([0, *accumulate(lengths)], dtype=dtype)


def spans(lengths: Sequence[int]) -> list[slice]:
    ends = list(accumulate(lengths))
    return [slice(end - length, end) for end, length in zip(ends, lengths, strict=True)]


def indices(runs: list[slice], chosen: Sequence[int]) -> Tensor:
    """The rows of these runs, one run after the other."""
    rows = [row for i in chosen for row in range(runs[i].start, runs[i].stop)]
    return torch.tensor(rows, dtype=torch.int64)


def kept(mask: Tensor | None, rows: Tensor) -> Tensor:
    return torch.ones(len(rows), dtype=torch.bool) if mask is None else mask


def same_bits(one: Tensor | None, other: Tensor | None) -> bool:
    """Whether two results, or their absence, agree in every bit; any NaN is like any other."""
    if one is None or other is None:
        return one is other
    if (one.dtype, one.shape) != (other.dtype, other.shape):
        return False
    if not one.is_floating_point():
        return torch.equal(one, other)
    integer = {2: torch.int16, 4: torch.int32, 8: torch.int64}[one.element_size()]
    bits = [
        torch.where(side.isnan(), torch.nan, side).contiguous().view(integer)
        for side in (one.detach(), other.detach())
    ]
    return torch.equal(*bits)


SPOILS = ("zero", "faint", "copy", "huge", "lost", "nan", "inf", "-inf")
HUGE = {torch.float32: 1e16, torch.float16: 8e3, torch.bfloat16: 1e16}


def spoil(rows: Tensor, at: int, kind: str, source: int) -> None:
    """Make row `at` one that needs care; `source`: the row that `copy` copies."""
    row = rows[at]
    if kind == "zero":
        row.zero_()
    elif kind == "faint":  # shorter than eps: without direction
        row.fill_(1e-20)
    elif kind == "copy":
        row.copy_(rows[source].clone())
    elif kind == "huge":  # can still be squared in float32
        if bool(row.abs().amax() < 100):  # not twice
            row.mul_(HUGE[rows.dtype])
    elif kind == "lost":  # cannot be; float16 has no such values
        row.mul_(torch.inf if rows.dtype == torch.float16 else 1e37)
    else:
        row[at % len(row)] = float(kind)


@st.composite
def batches(
    draw: st.DrawFn,
    reach: Reach,
    *,
    dtypes: Sequence[torch.dtype] = DTYPES,
    spoils: Sequence[str] = SPOILS,
    matrix: bool = False,
) -> Batch:
    """Texts and images of any lengths, masks, and rows that need care.

    Args:
        matrix: as many texts and images as it happens; else as many of each.
    """
    length = st.sampled_from([0, 1]) | st.integers(2, reach.longest)
    tokens = draw(st.lists(length, max_size=reach.pairs))
    fewest, most = (0, reach.pairs) if matrix else (len(tokens), len(tokens))
    patches = draw(st.lists(length, min_size=fewest, max_size=most))
    drawn = batch(
        tokens,
        patches,
        draw(st.sampled_from(reach.dims)),
        draw(st.sampled_from(dtypes)),
        masked=draw(st.booleans()),
        seed=draw(st.integers(0, 999)),
    )
    for rows in (drawn.text, drawn.image):
        if len(rows) and spoils:
            row = st.integers(0, len(rows) - 1)
            for at, kind, source in draw(
                st.lists(st.tuples(row, st.sampled_from(spoils), row), max_size=3)
            ):
                spoil(rows, at, kind, source)
    return drawn


LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "plain": lambda rows: rows,
    "every other row": lambda rows: surrounded(rows, 2, 0)[::2],
    "some columns": lambda rows: surrounded(rows, 1, 3)[:, 3:-3],
    "a row in": lambda rows: torch.cat([rows.new_full((1, rows.shape[1]), torch.nan), rows])[1:],
    "transposed": lambda rows: rows.T.contiguous().T,
    "every other column": lambda rows: rows.repeat_interleave(2, 1)[:, ::2],
}


def surrounded(rows: Tensor, step: int, margin: int) -> Tensor:
    """`rows` as every `step`-th row, and all but `margin` columns at either end, of NaN."""
    around = rows.new_full((len(rows) * step, rows.shape[1] + 2 * margin), torch.nan)
    around[::step, margin : around.shape[1] - margin] = rows
    return around


def laid_out(batch: Batch, text: str, image: str) -> Batch:
    """Equal values, elsewhere in memory."""
    return replace(batch, text=LAYOUTS[text](batch.text), image=LAYOUTS[image](batch.image))
