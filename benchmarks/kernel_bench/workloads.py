"""What is compared: token-level similarity at the sizes of models in use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Kind = Literal["pairs", "matrix", "global"]
# t2i: scores of texts, their tokens' maxima over the patches averaged; argmax: the maxima and
# winners too; both: the direction from patches to tokens too; train: t2i and its gradients.
Operation = Literal["t2i", "argmax", "both", "train"]
EVERY: tuple[Operation, ...] = ("t2i", "argmax", "both", "train")


@dataclass(frozen=True)
class Model:
    """Whose features these could be: tokens a text, patches an image, dimension."""

    name: str
    tokens: int
    patches: int
    dim: int


CLIP = Model("CLIP-L/14@336", 77, 576, 768)
SIGLIP_729 = Model("SigLIP2 P=729", 64, 729, 1152)
SIGLIP_1024 = Model("SigLIP2 P=1024", 64, 1024, 1152)
COLQWEN = Model("ColQwen2", 32, 768, 128)
LLAVA = Model("LLaVA", 512, 576, 4096)
MODELS = (CLIP, SIGLIP_729, SIGLIP_1024, COLQWEN, LLAVA)


@dataclass(frozen=True)
class Ceilings:
    """What the machine can do at best: products and copies, operations and bytes a second."""

    products: float
    copies: float

    def best(self, other: Ceilings) -> Ceilings:
        """The higher of each: a machine that was busy meanwhile is no slower for it."""
        return Ceilings(max(self.products, other.products), max(self.copies, other.copies))


@dataclass(frozen=True)
class Workload:
    """`texts` and `images` of one model, scored pair by pair, each with each, or globally.

    `unit`: rows are of length 1 already, as in an index, so that nobody normalises.
    """

    model: Model
    kind: Kind
    texts: int
    images: int
    operations: tuple[Operation, ...] = EVERY
    unit: bool = False

    @property
    def name(self) -> str:
        if self.kind == "matrix":
            return f"{self.model.name} {self.texts}x{self.images}" + " rerank" * self.unit
        return f"{self.model.name} {self.kind} {self.texts}"

    @property
    def flops(self) -> int:
        """Of the products alone, each pair's once, whatever is reduced from them."""
        tokens = self.texts * self.model.tokens
        if self.kind == "global":
            return 2 * tokens * self.model.dim
        others = self.images if self.kind == "matrix" else 1
        return 2 * tokens * self.model.dim * self.model.patches * others

    def bytes(self, itemsize: int) -> int:
        """Of the features, each read once."""
        patches = 1 if self.kind == "global" else self.model.patches
        rows = self.texts * self.model.tokens + self.images * patches
        return rows * self.model.dim * itemsize

    def floor(self, itemsize: int, ceilings: Ceilings) -> tuple[float, str]:
        """The least seconds that a forward pass could take, and what bounds it."""
        compute = self.flops / ceilings.products
        memory = self.bytes(itemsize) / ceilings.copies
        return max((compute, "compute"), (memory, "memory"))


@dataclass(frozen=True)
class Inputs:
    """Padded features; the last token of each text and last patch of each image are padding.

    Masks are thus real, and change hardly anything in how much there is to compute.

    Attributes:
        text: `[texts, tokens, dim]`.
        image: `[images, patches, dim]`; `[images, dim]` for `global`, without a mask.
        gradient: of the t2i scores, float32: `[texts]` or `[texts, images]`.
    """

    text: Tensor
    image: Tensor
    token_mask: Tensor
    patch_mask: Tensor | None
    gradient: Tensor

    def part(self, workload: Workload, texts: list[int], images: list[int]) -> Inputs:
        """These texts and images alone."""
        return Inputs(
            self.text[texts],
            self.image[images],
            self.token_mask[texts],
            None if self.patch_mask is None else self.patch_mask[images],
            self.gradient[texts][:, images] if workload.kind == "matrix" else self.gradient[texts],
        )


def make_inputs(workload: Workload, device: str, dtype: torch.dtype, seed: int) -> Inputs:
    """Random features of various lengths: zeros would run faster than anything real."""
    random = torch.Generator(device).manual_seed(seed)
    model = workload.model

    def features(*shape: int) -> Tensor:
        rows = torch.randn(*shape, model.dim, generator=random, device=device, dtype=dtype)
        if workload.unit:
            return rows.div_(rows.norm(dim=-1, keepdim=True))
        lengths = torch.rand(*shape, 1, generator=random, device=device, dtype=dtype)
        return rows.mul_(lengths.add_(0.5))

    def mask(*shape: int) -> Tensor:
        kept = torch.ones(*shape, dtype=torch.bool, device=device)
        kept[:, -1] = False
        return kept

    images: tuple[int, ...] = (workload.images,)
    if workload.kind != "global":
        images = (workload.images, model.patches)
    scores = (workload.texts, workload.images)[: 2 if workload.kind == "matrix" else 1]
    return Inputs(
        features(workload.texts, model.tokens),
        features(*images),
        mask(workload.texts, model.tokens),
        mask(*images) if workload.kind != "global" else None,
        torch.randn(*scores, generator=random, device=device),
    )


def _pairs(model: Model, count: int) -> Workload:
    return Workload(model, "pairs", count, count)


def _matrix(model: Model, count: int, *operations: Operation) -> Workload:
    return Workload(model, "matrix", count, count, operations or EVERY)


def _global(count: int) -> Workload:
    return Workload(LLAVA, "global", count, count, ("t2i",))


# What has a goal comes first, in case time runs out.
CUDA = (
    _global(256),
    Workload(COLQWEN, "matrix", 1, 1024, ("t2i",), unit=True),
    *(_pairs(model, 256) for model in MODELS),
    *(_matrix(model, 256) for model in MODELS),
    *(_matrix(model, 1024, "t2i") for model in MODELS),
    *(_pairs(model, 32) for model in MODELS),
    _global(32),
)
CPU = (
    Workload(COLQWEN, "matrix", 32, 32, ("t2i",), unit=True),
    _matrix(COLQWEN, 32),
    _matrix(CLIP, 16),
    _matrix(SIGLIP_729, 16),
    _matrix(LLAVA, 4),
    *(_pairs(model, 32) for model in (CLIP, SIGLIP_729, SIGLIP_1024, COLQWEN)),
    _pairs(LLAVA, 8),
    _global(32),
    _matrix(SIGLIP_1024, 16),
)
QUICK = {
    "cuda": (_global(32), _pairs(CLIP, 32), _matrix(COLQWEN, 256)),
    "cpu": (_global(4), _pairs(CLIP, 8), _matrix(COLQWEN, 16)),
}
