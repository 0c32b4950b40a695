"""Adapters to other packages, against modules that do what their documentation says."""

import sys
import types
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from kernel_bench import workloads
from kernel_bench.clocks import CpuClock
from kernel_bench.comparison import compare
from kernel_bench.lineup import LINEUP
from kernel_bench.workloads import Ceilings, Model, Workload
from torch import Tensor


def entry(name: str, kind: workloads.Kind, operation: workloads.Operation, dim: int = 32) -> Any:
    """What a row says of one contender of the lineup."""
    entrant = next(one for line in LINEUP.values() for one in line if one.name == name)
    tiny = Workload(Model("tiny", 6, 9, dim), kind, 3, 3)
    row = compare(tiny, operation, (entrant,), CpuClock(), Ceilings(1e9, 1e9), 1)
    return row["contenders"][name]


def maxsim(queries: Tensor, documents: Tensor) -> Tensor:
    """Sums over query tokens, each query with each document."""
    return torch.einsum("qld,nkd->qnlk", queries, documents).amax(-1).sum(-1)


class FlashMaxsim(types.ModuleType):
    """flash-maxsim 0.3.0, as far as it is used."""

    def flash_maxsim_pairs_dense(
        self, q: Tensor, d: Tensor, q_lengths: None = None, doc_lengths: Tensor | None = None
    ) -> Tensor:
        return maxsim(q, self._kept(d, doc_lengths)).diagonal()

    def flash_maxsim_batched(
        self, q: Tensor, d: Tensor, doc_lengths: Tensor | None = None, shared_docs: bool = True,
        query_lengths: None = None, pad_lq: bool = True, query_chunk_size: int | None = 128,
    ) -> Tensor:  # fmt: skip
        if shared_docs:
            return maxsim(q, self._kept(d, doc_lengths))
        # Chunks of queries do not find documents of their own.
        assert d.dim() == 4 and d.shape[0] == len(q) and query_chunk_size is None
        return maxsim(q, self._kept(d[:, 0], doc_lengths)).diagonal()[:, None]

    def flash_maxsim_batched_train(
        self, q: Tensor, d: Tensor, shared_docs: bool = True, doc_lengths: Tensor | None = None,
        query_lengths: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        q = self._kept(q, query_lengths)
        return self.flash_maxsim_batched(q, d, doc_lengths, shared_docs, query_chunk_size=None)

    def _kept(self, rows: Tensor, lengths: Tensor | None) -> Tensor:
        assert lengths is not None
        assert lengths.dtype == torch.int32 and lengths.shape == rows.shape[:1]
        return rows[:, : int(lengths[0])]


class LateInteractionKernels(types.ModuleType):
    """late-interaction-kernels 0.4.5, as far as it is used."""

    def maxsim(
        self, q: Tensor, d: Tensor, q_mask: Tensor, d_mask: Tensor, *, normalize: bool
    ) -> Tensor:
        assert q_mask.shape == q.shape[:2] and d_mask.shape == d.shape[:2]
        if normalize:
            q, d = F.normalize(q, dim=-1), F.normalize(d, dim=-1)
        return maxsim(q[:, q_mask[0]], d[:, d_mask[0]])

    def maxsim_pairs(self, *given: Any, **named: Any) -> Tensor:
        return self.maxsim(*given, **named).diagonal()


@pytest.mark.parametrize("dim", [32, 320])
@pytest.mark.parametrize("kind", ["pairs", "matrix"])
@pytest.mark.parametrize("operation", ["t2i", "both", "train"])
def test_flash_maxsim(
    monkeypatch: pytest.MonkeyPatch, kind: workloads.Kind, operation: workloads.Operation, dim: int
) -> None:
    monkeypatch.setitem(sys.modules, "flash_maxsim", FlashMaxsim("flash_maxsim"))
    found = entry("flash-maxsim", kind, operation, dim)
    assert found["status"] == "ok"
    assert found["error"] < 1e-6
    assert ("gradient_error" in found) == (operation == "train")
    assert found.get("gradient_error", 0.0) < 1e-5


@pytest.mark.parametrize(
    ("kind", "operation"),
    [("pairs", "t2i"), ("matrix", "t2i"), ("matrix", "both"), ("pairs", "train"),
     ("matrix", "train")],
)  # fmt: skip
def test_late_interaction_kernels(
    monkeypatch: pytest.MonkeyPatch, kind: workloads.Kind, operation: workloads.Operation
) -> None:
    module = LateInteractionKernels("late_interaction_kernels")
    monkeypatch.setitem(sys.modules, "late_interaction_kernels", module)
    found = entry("late-interaction-kernels", kind, operation)
    assert found["status"] == "ok"
    assert found["error"] < 1e-6
    assert ("gradient_error" in found) == (operation == "train")
    assert found.get("gradient_error", 0.0) < 1e-5


def test_maxsim_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    package: Any = types.ModuleType("maxsim_cpu")
    package.maxsim_scores = lambda query, documents: (
        (query @ documents.swapaxes(1, 2)).max(-1).sum(-1)
    )
    monkeypatch.setitem(sys.modules, "maxsim_cpu", package)
    assert entry("maxsim-cpu", "matrix", "t2i")["error"] < 1e-6


@pytest.mark.parametrize(
    ("name", "kind", "operation", "dim", "reason"),
    [
        ("flash-maxsim", "pairs", "argmax", 32, "returns no winners"),
        ("flash-maxsim", "global", "t2i", 32, "maxima over patches alone"),
        ("late-interaction-kernels", "matrix", "t2i", 768, "keeps whole rows in one tile: "
         "unusable above 512 dimensions"),
        ("late-interaction-kernels", "pairs", "both", 32, "compiles for many minutes where patches "
         "ask for tokens"),
        ("maxsim-cpu", "matrix", "t2i", 256, "crashes above 128 dimensions"),
        ("fast-maxsim", "pairs", "t2i", 32, "scores one query against documents, nothing else"),
    ],
)  # fmt: skip
def test_what_a_package_cannot_do_is_said(
    monkeypatch: pytest.MonkeyPatch, name: str, kind: workloads.Kind,
    operation: workloads.Operation, dim: int, reason: str,
) -> None:  # fmt: skip
    module = types.ModuleType("anything")
    module.__dict__.update(maxsim=None, maxsim_pairs=None)
    monkeypatch.setitem(sys.modules, name.replace("-", "_"), module)
    assert entry(name, kind, operation, dim)["status"] == f"not run: {reason}"
