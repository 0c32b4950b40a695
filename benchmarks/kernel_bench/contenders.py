"""Who is compared: this project's kernels, and torch as a user would write the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from kernel_bench.workloads import Inputs, Operation, Workload
from torch import Tensor

from mmjudge.kernels import late_interaction_matrix, late_interaction_pairs, token_image_reward

CHUNK_BYTES = 64 << 20  # of similarities that the chunked way holds, as much as mmjudge may
PRODUCT_BYTES = 1 << 30  # of products that GEMM alone writes before it writes over them


class Scores(NamedTuple):
    """What a call returns, as far as the operation asks for it; layouts as mmjudge's."""

    t2i: Tensor | None = None
    i2t: Tensor | None = None
    token_max: Tensor | None = None
    token_argmax: Tensor | None = None
    text_gradient: Tensor | None = None
    image_gradient: Tensor | None = None


Call = Callable[[], Scores]
Prepare = Callable[[Inputs], Call]


class NotRun(Exception):
    """Why a contender cannot take part."""


@dataclass(frozen=True)
class Contender:
    """One way to compute the scores.

    Attributes:
        make: builds for one workload and operation what turns inputs into the call that is timed;
            what happens before the call is not timed. Raises `NotRun`, or `ModuleNotFoundError`
            where a package is missing.
        package: the distribution that it comes from, for the version.
        summed: scores are sums over tokens (or patches), not means.
    """

    name: str
    make: Callable[[Workload, Operation], Prepare]
    note: str = ""
    package: str | None = None
    summed: bool = False


def scored(
    score: Callable[[Tensor, Tensor], Scores], text: Tensor, image: Tensor, inputs: Inputs,
    operation: Operation,
) -> Call:  # fmt: skip
    """The call for these features; for `train`, with the gradients of both."""
    if operation != "train":
        return lambda: score(text, image)
    leaves = text.detach().requires_grad_(), image.detach().requires_grad_()

    def call() -> Scores:
        t2i = score(*leaves).t2i
        assert t2i is not None
        gradients = torch.autograd.grad(t2i, leaves, inputs.gradient.to(t2i.dtype))
        return Scores(t2i.detach(), text_gradient=gradients[0], image_gradient=gradients[1])

    return call


def mmjudge(workload: Workload, operation: Operation) -> Prepare:
    def prepare(inputs: Inputs) -> Call:
        def score(text: Tensor, image: Tensor) -> Scores:
            if workload.kind == "global":
                reward = token_image_reward(
                    text, image, token_mask=inputs.token_mask, source="global"
                )
                return Scores(token_max=reward.values)
            pairs = workload.kind == "pairs"
            found = (late_interaction_pairs if pairs else late_interaction_matrix)(
                text,
                image,
                token_mask=inputs.token_mask,
                patch_mask=inputs.patch_mask,
                directions="both" if operation == "both" else "t2i",
                normalize=not workload.unit,
                return_tokens=operation == "argmax",
                return_argmax=operation == "argmax",
            )
            return Scores(*found[:4])

        return scored(score, inputs.text, inputs.image, inputs, operation)

    return prepare


def mmjudge_reduced(workload: Workload, operation: Operation) -> Prepare:
    return _reduced(mmjudge(workload, operation))


def naive(dtype: torch.dtype) -> Callable[[Workload, Operation], Prepare]:
    """All similarities at once, in `dtype`: what most training code does."""

    def make(workload: Workload, operation: Operation) -> Prepare:
        return _by_torch(naive_scores, workload, operation, dtype)

    return make


def naive_reduced(workload: Workload, operation: Operation) -> Prepare:
    return _reduced(naive(torch.float32)(workload, operation))


def compiled(
    dtype: torch.dtype, texts: int | None = None
) -> Callable[[Workload, Operation], Prepare]:
    """The naive way through torch.compile; with so many texts alone, as compiling takes long."""

    def make(workload: Workload, operation: Operation) -> Prepare:
        if operation != "t2i":
            raise NotRun("compiled for t2i alone, to save time")
        if texts is not None and workload.texts != texts:
            raise NotRun(f"compiled for {texts} texts alone, to save time")
        torch.compiler.reset()
        return _by_torch(torch.compile(naive_scores, dynamic=False), workload, operation, dtype)

    return make


def chunked(dtype: torch.dtype) -> Callable[[Workload, Operation], Prepare]:
    """The naive way for as many images at a time as keep the similarities small."""

    def scores(
        workload: Workload, operation: Operation, text: Tensor, image: Tensor,
        token_mask: Tensor, patch_mask: Tensor,
    ) -> Scores:  # fmt: skip
        held = _similarity_bytes(workload, dtype) // workload.images
        step = max(1, CHUNK_BYTES // held)
        text, image = _directions(workload, text), _directions(workload, image)
        parts = [
            naive_scores(workload, operation, text, part, token_mask, mask, normalized=True)
            for part, mask in zip(image.split(step), patch_mask.split(step), strict=True)
        ]
        whole = [None if of[0] is None else torch.cat(of, -1) for of in zip(*parts, strict=True)]
        return Scores(*whole)

    def make(workload: Workload, operation: Operation) -> Prepare:
        if workload.kind != "matrix":
            raise NotRun("pairs hold little to be cut")
        if operation == "train":
            raise NotRun("gradients keep every chunk")
        return _by_torch(scores, workload, operation, dtype)

    return make


def gemm(workload: Workload, operation: Operation) -> Prepare:
    """The products alone, written and left: the least that materialising them costs."""
    if operation != "t2i" or workload.kind == "global":
        raise NotRun("products alone, beside t2i")

    def prepare(inputs: Inputs) -> Call:
        text, image = inputs.text, inputs.image
        if workload.kind == "pairs":
            room = text.new_empty(workload.texts, workload.model.tokens, workload.model.patches)

            def pairs() -> Scores:
                torch.bmm(text, image.mT, out=room)
                return Scores()

            return pairs
        rows, columns = text.flatten(0, 1), image.flatten(0, 1)
        one = rows.shape[0] * workload.model.patches
        images = min(workload.images, max(1, PRODUCT_BYTES // (one * text.element_size())))
        buffer = text.new_empty(images * one)

        def matrix() -> Scores:
            for part in columns.split(images * workload.model.patches):
                out = buffer[: rows.shape[0] * part.shape[0]].view(rows.shape[0], -1)
                torch.mm(rows, part.T, out=out)
            return Scores()

        return matrix

    return prepare


def naive_scores(
    workload: Workload, operation: Operation, text: Tensor, image: Tensor,
    token_mask: Tensor, patch_mask: Tensor | None, normalized: bool = False,
) -> Scores:  # fmt: skip
    """Normalise, multiply, mask, reduce."""
    if not normalized:
        text, image = _directions(workload, text), _directions(workload, image)
    if patch_mask is None:
        similarity = torch.einsum("bld,bd->bl", text, image)
        return Scores(token_max=similarity.masked_fill(~token_mask, 0.0))
    if workload.kind == "pairs":
        similarity = torch.einsum("bld,bpd->blp", text, image)
        tokens, patches = token_mask, patch_mask
    else:
        similarity = torch.einsum("tld,ipd->tilp", text, image)
        tokens, patches = token_mask[:, None], patch_mask[None]
    among = similarity.masked_fill(~patches[..., None, :], -torch.inf)
    winner = i2t = None
    if operation in ("argmax", "train"):  # gradients of max are cheaper than those of amax
        best, winner = among.max(-1)
    else:
        best = among.amax(-1)
    t2i = (best * tokens).sum(-1) / tokens.sum(-1)
    if operation == "both":
        among = similarity.masked_fill(~tokens[..., None], -torch.inf)
        i2t = (among.amax(-2) * patches).sum(-1) / patches.sum(-1)
    if operation != "argmax":
        return Scores(t2i, i2t)
    assert winner is not None
    if workload.kind == "matrix":
        best, winner = best.transpose(1, 2), winner.transpose(1, 2)
    return Scores(t2i, None, best, winner)


def _by_torch(
    scores: Callable[..., Scores], workload: Workload, operation: Operation, dtype: torch.dtype
) -> Prepare:
    def prepare(inputs: Inputs) -> Call:
        def score(text: Tensor, image: Tensor) -> Scores:
            return scores(
                workload, operation, text.to(dtype), image.to(dtype), inputs.token_mask,
                inputs.patch_mask,
            )  # fmt: skip

        return scored(score, inputs.text, inputs.image, inputs, operation)

    return prepare


def _directions(workload: Workload, rows: Tensor) -> Tensor:
    return rows if workload.unit else F.normalize(rows, dim=-1)


def _similarity_bytes(workload: Workload, dtype: torch.dtype) -> int:
    return workload.flops // (2 * workload.model.dim) * dtype.itemsize


def _reduced(prepare: Prepare) -> Prepare:
    def within(inputs: Inputs) -> Call:
        call = prepare(inputs)

        def timed() -> Scores:
            with _reduced_precision():
                return call()

        return timed

    return within


@contextmanager
def _reduced_precision() -> Iterator[None]:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
