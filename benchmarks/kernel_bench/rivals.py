"""Who else is compared: published packages, through their public functions.

What a package does not do itself is done for it before the clock starts: a forward pass gets unit
rows, masked queries as zeros (which add nothing to a sum), lengths instead of masks. Its time is
then the least that the same scores would cost with it. Training is the exception, as nobody can
normalise features beforehand there. Sums over tokens count as scores; both directions take two
calls.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from kernel_bench.contenders import Call, NotRun, Prepare, Scores, scored
from kernel_bench.workloads import Inputs, Operation, Workload
from torch import Tensor

# flash-maxsim's function for dense pairs keeps rows whole: no shared memory is that large.
FLASH_DENSE_DIM = 256
# late-interaction-kernels keeps rows whole everywhere: above, configurations take long to compile
# and spill, and at 4096 none fits.
LIK_DIM = 512
MAXSIM_CPU_DIM = 128  # segfaults at 256 and above
LONGEST_FLOPS = 1e15  # a call takes many seconds

OneWay = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def flash_maxsim(workload: Workload, operation: Operation) -> Prepare:
    flash = importlib.import_module("flash_maxsim")
    _suits(workload, operation)
    pairs = workload.kind == "pairs"

    def one_way(queries: Tensor, documents: Tensor, _: Tensor, lengths: Tensor) -> Tensor:
        if not pairs:
            return _tensor(flash.flash_maxsim_batched(queries, documents, lengths))
        if workload.model.dim <= FLASH_DENSE_DIM:
            return _tensor(flash.flash_maxsim_pairs_dense(queries, documents, doc_lengths=lengths))
        return _tensor(
            flash.flash_maxsim_batched(
                queries,
                documents[:, None],
                lengths,
                shared_docs=False,
                pad_lq=False,
                query_chunk_size=None,
            )[:, 0]
        )

    def train(text: Tensor, image: Tensor, tokens: Tensor, patches: Tensor) -> Tensor:
        text, image = F.normalize(text, dim=-1), F.normalize(image, dim=-1)
        scores = flash.flash_maxsim_batched_train(
            text,
            image[:, None] if pairs else image,
            shared_docs=not pairs,
            doc_lengths=patches,
            query_lengths=tokens,
        )
        return _tensor(scores[:, 0] if pairs else scores)

    def prepare(inputs: Inputs) -> Call:
        tokens, patches = _lengths(inputs.token_mask), _lengths(_present(inputs.patch_mask))
        if operation == "train":
            return scored(
                lambda text, image: Scores(train(text, image, tokens, patches)),
                inputs.text, inputs.image, inputs, operation,
            )  # fmt: skip
        text, image = _units(workload, inputs)
        return _directed(one_way, workload, operation, (text, tokens), (image, patches))

    return prepare


def late_interaction_kernels(workload: Workload, operation: Operation) -> Prepare:
    lik = importlib.import_module("late_interaction_kernels")
    _suits(workload, operation)
    if workload.model.dim > LIK_DIM:
        raise NotRun(f"keeps whole rows in one tile: unusable above {LIK_DIM} dimensions")
    if workload.kind == "pairs" and operation == "both":
        # A loop over 768 patches unrolled: 17 to 112 s for each of a dozen configurations.
        raise NotRun("compiles for many minutes where patches ask for tokens")
    score = lik.maxsim_pairs if workload.kind == "pairs" else lik.maxsim
    normalize = not workload.unit

    def one_way(queries: Tensor, documents: Tensor, kept: Tensor, among: Tensor) -> Tensor:
        return _tensor(score(queries, documents, q_mask=kept, d_mask=among, normalize=normalize))

    def prepare(inputs: Inputs) -> Call:
        tokens, patches = inputs.token_mask, _present(inputs.patch_mask)
        if operation == "train":
            return scored(
                lambda text, image: Scores(one_way(text, image, tokens, patches)),
                inputs.text, inputs.image, inputs, operation,
            )  # fmt: skip
        return _directed(
            one_way, workload, operation, (inputs.text, tokens), (inputs.image, patches)
        )

    return prepare


def one_query_on_cpu(
    module: str, most: int | None = None
) -> Callable[[Workload, Operation], Prepare]:
    """maxsim-cpu and its fork: one query a call, numpy arrays, no masks."""

    def make(workload: Workload, operation: Operation) -> Prepare:
        package = importlib.import_module(module)
        if workload.kind != "matrix" or operation != "t2i":
            raise NotRun("scores one query against documents, nothing else")
        if most is not None and workload.model.dim > most:
            raise NotRun(f"crashes above {most} dimensions")

        def prepare(inputs: Inputs) -> Call:
            text, image = _units(workload, inputs)
            last = int(_lengths(_present(inputs.patch_mask))[0])
            documents = image[:, :last].contiguous().numpy()
            queries = [
                rows[:length].numpy()
                for rows, length in zip(text, _lengths(inputs.token_mask).tolist(), strict=True)
            ]

            def call() -> Scores:
                scores = [package.maxsim_scores(query, documents) for query in queries]
                return Scores(torch.stack([torch.as_tensor(row) for row in scores]))

            return call

        return prepare

    return make


def _suits(workload: Workload, operation: Operation) -> None:
    if workload.kind == "global":
        raise NotRun("maxima over patches alone")
    if operation == "argmax":
        raise NotRun("returns no winners")
    if workload.flops > LONGEST_FLOPS:
        raise NotRun("one call would take many seconds")


def _directed(
    one_way: OneWay, workload: Workload, operation: Operation,
    text: tuple[Tensor, Tensor], image: tuple[Tensor, Tensor],
) -> Call:  # fmt: skip
    def call() -> Scores:
        t2i = one_way(text[0], image[0], text[1], image[1])
        if operation != "both":
            return Scores(t2i)
        i2t = one_way(image[0], text[0], image[1], text[1])
        return Scores(t2i, i2t.T if workload.kind == "matrix" else i2t)

    return call


def _units(workload: Workload, inputs: Inputs) -> tuple[Tensor, Tensor]:
    """Unit rows in the inputs' dtype, zeros where masked."""

    def units(rows: Tensor, kept: Tensor) -> Tensor:
        result = rows if workload.unit else F.normalize(rows.float(), dim=-1).to(rows.dtype)
        return result * kept[..., None]

    return (
        units(inputs.text, inputs.token_mask),
        units(inputs.image, _present(inputs.patch_mask)),
    )


def _lengths(mask: Tensor) -> Tensor:
    return mask.sum(-1, dtype=torch.int32)


def _present(mask: Tensor | None) -> Tensor:
    assert mask is not None
    return mask


def _tensor(scores: Any) -> Tensor:
    assert isinstance(scores, Tensor)
    return scores
