"""Whether scores are right: a few of them against float64, and bit against bit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from kernel_bench.contenders import Scores
from kernel_bench.workloads import Inputs, Operation, Workload
from torch import Tensor

from mmjudge.kernels.reference import best, cosines

CLEAR_GAP = 2e-5  # between best and second patch, above which the winner must be the reference's


@dataclass(frozen=True)
class Sample:
    """Texts and images whose scores are checked: of pairs the same, of a matrix some of each."""

    workload: Workload
    texts: list[int]
    images: list[int]

    def scores(self, found: Scores) -> Scores:
        """The sample's part of what was found."""
        if self.workload.kind != "matrix":
            return Scores(*(None if of is None else of[self.texts] for of in found))
        parts = [None if of is None else of[self.texts][..., self.images] for of in found[:4]]
        for gradient, rows in zip(found[4:], (self.texts, self.images), strict=True):
            parts.append(None if gradient is None else gradient[rows])
        return Scores(*parts)

    def inputs(self, inputs: Inputs) -> Inputs:
        return inputs.part(self.workload, self.texts, self.images)

    def differentiated(self, inputs: Inputs) -> Inputs:
        """All inputs, but the sample's scores alone have a gradient: the sample's rows say all."""
        gradient = torch.zeros_like(inputs.gradient)
        if self.workload.kind == "matrix":
            rows = torch.tensor(self.texts, device=gradient.device)[:, None]
            gradient[rows, self.images] = inputs.gradient[rows, self.images]
        else:
            gradient[self.texts] = inputs.gradient[self.texts]
        return replace(inputs, gradient=gradient)


def sample_of(workload: Workload) -> Sample:
    """First, middle and last."""

    def some(count: int) -> list[int]:
        return sorted({0, count // 2, count - 1})

    return Sample(workload, some(workload.texts), some(workload.images))


def expected(workload: Workload, operation: Operation, inputs: Inputs) -> Scores:
    """The same by definition, in float64, for as few inputs as a sample has."""
    text, image = inputs.text.double(), inputs.image.double()
    if workload.kind == "global":
        rewards = [
            cosines(rows, one[None])[:, 0].masked_fill(~kept, 0.0)
            for rows, one, kept in zip(text, image, inputs.token_mask, strict=True)
        ]
        return Scores(token_max=torch.stack(rewards))
    if operation == "train":
        text.requires_grad_()
        image.requires_grad_()
    t2i, i2t, values, winners = [], [], [], []
    for t, i in _compared(workload, inputs):
        tokens, patches = inputs.token_mask[t], _patches(inputs, i)
        similarity = cosines(text[t], image[i], normalize=not workload.unit)
        value, winner = best(similarity, tokens, patches)
        t2i.append(value[tokens].mean())
        i2t.append(best(similarity.T, patches, tokens)[0][patches].mean())
        values.append(value)
        winners.append(winner)

    def shaped(parts: list[Tensor]) -> Tensor:
        stacked = torch.stack(parts)
        if workload.kind == "pairs":
            return stacked
        whole: Tensor = stacked.unflatten(0, (len(text), len(image)))
        return whole.transpose(1, 2) if whole.dim() == 3 else whole

    score = shaped(t2i)
    if operation == "train":
        gradients = torch.autograd.grad(score, (text, image), inputs.gradient.double())
        return Scores(score.detach(), None, None, None, *gradients)
    if operation == "argmax":
        return Scores(score, None, shaped(values), shaped(winners))
    return Scores(score, shaped(i2t) if operation == "both" else None)


def errors(workload: Workload, inputs: Inputs, found: Scores, wanted: Scores) -> dict[str, float]:
    """Of a sample: the largest error of a score or maximum, wrong winners, error of gradients.

    Returns:
        `error` absolute; `gradient_error` of both gradients' norms, relative; `wrong_winners` among
        tokens whose best patch leads by more than `CLEAR_GAP`.
    """
    result = {}
    differences = [
        _kept(workload, inputs, (one.double() - other).abs(), index)
        for index, (one, other) in enumerate(zip(found[:3], wanted[:3], strict=True))
        if one is not None and other is not None
    ]
    if differences:
        result["error"] = max(float(part.max()) for part in differences)
    if found.token_argmax is not None:
        result["wrong_winners"] = _wrong_winners(workload, inputs, found.token_argmax)
    relative = [
        float((one.double() - other).norm() / other.norm())
        for one, other in zip(found[4:], wanted[4:], strict=True)
        if one is not None and other is not None
    ]
    if relative:
        result["gradient_error"] = max(relative)
    return result


def same_bits(one: Scores, other: Scores) -> bool:
    return all(
        torch.equal(a, b)
        for a, b in zip(one, other, strict=True)
        if a is not None and b is not None
    )


def means(workload: Workload, inputs: Inputs, found: Scores) -> Scores:
    """Sums over kept tokens (and patches) made means; gradients likewise."""
    tokens = inputs.token_mask.sum(-1)
    patches = None if inputs.patch_mask is None else inputs.patch_mask.sum(-1)
    across = tokens[:, None] if workload.kind == "matrix" else tokens
    uniform = int(tokens[0])
    return Scores(
        None if found.t2i is None else found.t2i / across,
        None if found.i2t is None or patches is None else found.i2t / patches,
        *found[2:4],
        *(None if of is None else of.double() / uniform for of in found[4:]),
    )


def _compared(workload: Workload, inputs: Inputs) -> list[tuple[int, int]]:
    texts, images = range(len(inputs.text)), range(len(inputs.image))
    if workload.kind == "pairs":
        return list(zip(texts, images, strict=True))
    return [(t, i) for t in texts for i in images]


def _kept(workload: Workload, inputs: Inputs, values: Tensor, index: int) -> Tensor:
    """Per-token values of tokens that count; scores as they are."""
    return values[inputs.token_mask] if index == 2 else values


def _wrong_winners(workload: Workload, inputs: Inputs, found: Tensor) -> int:
    wrong = 0
    for t, i in _compared(workload, inputs):
        similarity = cosines(inputs.text[t], inputs.image[i], normalize=not workload.unit)
        top = similarity.masked_fill(~_patches(inputs, i), -torch.inf).topk(2)
        clear = inputs.token_mask[t] & (top.values[:, 0] - top.values[:, 1] > CLEAR_GAP)
        chosen = found[t] if workload.kind == "pairs" else found[t, :, i]
        wrong += int((chosen != top.indices[:, 0])[clear].sum())
    return wrong


def _patches(inputs: Inputs, image: int) -> Tensor:
    assert inputs.patch_mask is not None
    return inputs.patch_mask[image]
