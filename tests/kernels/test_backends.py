"""Which backend runs, why, and who may say otherwise. GPUs here are pretended."""

import importlib.util
import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from tests.kernels.cases import batch
from torch import Tensor

from mmjudge import kernels
from mmjudge.kernels import backends, blocked, token_image_reward
from mmjudge.kernels.architecture import architecture, assuming
from mmjudge.kernels.backends import Backend, BackendUnavailable, choose, explain_backend

ON_CPU = torch.zeros(2, 16)
OPERATIONS = [
    "token_image_reward",
    "late_interaction_pairs",
    "late_interaction_matrix",
    "segment_reduce",
]


@dataclass(frozen=True)
class Elsewhere:
    """A tensor as far as a choice looks: where it is, what it holds, its shape."""

    device: torch.device
    dtype: torch.dtype = torch.bfloat16
    shape: tuple[int, ...] = (4, 768)


def on(device: str, dtype: torch.dtype = torch.bfloat16, dim: int = 768) -> Tensor:
    return cast(Tensor, Elsewhere(torch.device(device), dtype, (4, dim)))


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """What was said once is kept for the process; what a test pretends must not be."""
    backends._say_once.cache_clear()
    yield
    backends._say_once.cache_clear()


@pytest.fixture
def interpretable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    pretend_installed(monkeypatch, True)


def pretend_gpu(monkeypatch: pytest.MonkeyPatch, major: int, minor: int) -> None:
    pretend_installed(monkeypatch, True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (major, minor))


def pretend_installed(monkeypatch: pytest.MonkeyPatch, installed: bool) -> None:
    found = object() if installed else None
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)


def test_cpu_tensors_run_blocked_and_that_is_no_fallback() -> None:
    chosen = choose(ON_CPU)
    assert chosen == Backend("blocked", "CPU tensors: products of blocks by torch", fallback=False)
    with kernels.strict():
        assert choose(ON_CPU) == chosen


@pytest.mark.parametrize(
    ("capability", "name"),
    [((8, 0), "sm_80"), ((9, 0), "sm_90"), ((12, 0), "sm_120")],
)
def test_gpus_from_ampere_on_run_triton(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], name: str
) -> None:
    pretend_gpu(monkeypatch, *capability)
    assert choose(on("cuda")) == Backend("triton", f"cuda device with {name}")


def test_older_gpus_fall_back_and_say_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pretend_gpu(monkeypatch, 7, 5)
    with caplog.at_level(logging.WARNING):
        first, second = choose(on("cuda")), choose(on("cuda"))
    assert first == second == Backend("blocked", "fallback: sm_75 is older than sm_80", True)
    assert caplog.messages == [
        "token similarity falls back to blocked torch: sm_75 is older than sm_80"
    ]


def test_amd_gpus_run_triton_whatever_their_age(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_gpu(monkeypatch, 0, 0)
    monkeypatch.setattr(torch.version, "hip", "6.4")
    properties = SimpleNamespace(gcnArchName="gfx942:sramecc+:xnack-")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    assert choose(on("cuda")) == Backend("triton", "cuda device with gfx942")


def test_an_architecture_may_be_assumed(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_gpu(monkeypatch, 9, 0)
    with assuming("sm_80"):
        assert architecture(torch.device("cpu")) == "sm_80"
        assert architecture(torch.device("cuda")) == "sm_80"
    assert architecture(torch.device("cpu")) == "cpu"
    assert architecture(torch.device("cuda")) == "sm_90"


@pytest.mark.parametrize("device", ["mps", "xpu"])
def test_devices_without_kernels_fall_back(device: str, caplog: pytest.LogCaptureFixture) -> None:
    missing = f"Triton has no kernels for a {device} device"
    assert choose(on(device)) == Backend("blocked", f"fallback: {missing}", True)
    assert len(caplog.messages) == 1
    with kernels.strict(), pytest.raises(BackendUnavailable, match=f"strict mode: {missing}"):
        choose(on(device))
    with kernels.backend("triton"), pytest.raises(BackendUnavailable, match=missing):
        choose(on(device))


def test_gpus_without_triton_installed_fall_back(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_installed(monkeypatch, False)
    missing = "triton is not installed: pip install triton"
    assert choose(on("cuda")) == Backend("blocked", f"fallback: {missing}", True)
    with kernels.strict(), pytest.raises(BackendUnavailable, match=missing):
        choose(on("cuda"))


def test_blocked_runs_anywhere_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_gpu(monkeypatch, 9, 0)
    with kernels.backend("blocked"), kernels.strict():
        for device in ("cpu", "cuda", "mps"):
            assert choose(on(device)) == Backend("blocked", "asked for")


def test_triton_does_not_run_on_a_cpu() -> None:
    with kernels.backend("triton"), pytest.raises(BackendUnavailable, match="'triton': .* cpu"):
        choose(ON_CPU)


def test_the_interpreter_runs_on_a_cpu_alone(interpretable: None) -> None:
    with kernels.backend("interpret"):
        assert choose(ON_CPU) == Backend("interpret", "asked for")
        with pytest.raises(BackendUnavailable, match="tensors are on cuda:1, expected the CPU"):
            choose(on("cuda:1"))


def test_the_interpreter_needs_its_variable(
    interpretable: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRITON_INTERPRET")
    with kernels.backend("interpret"), pytest.raises(BackendUnavailable, match="TRITON_INTERPRET"):
        choose(ON_CPU)


def test_the_interpreter_needs_triton(interpretable: None, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_installed(monkeypatch, False)
    with kernels.backend("interpret"), pytest.raises(BackendUnavailable, match="not installed"):
        choose(ON_CPU)


def test_the_innermost_choice_holds_and_ends_with_its_block(interpretable: None) -> None:
    with kernels.backend("interpret"):
        with kernels.backend("blocked"):
            assert choose(ON_CPU).name == "blocked"
        assert choose(ON_CPU).name == "interpret"
    assert choose(ON_CPU).reason.startswith("CPU tensors")
    with pytest.raises(KeyError), kernels.backend("interpret"), kernels.strict():
        raise KeyError
    assert choose(ON_CPU).name == "blocked"
    assert choose(on("mps")).fallback


def test_a_choice_is_its_thread_s_own(interpretable: None) -> None:
    names = []
    with kernels.backend("interpret"):
        thread = threading.Thread(target=lambda: names.append(choose(ON_CPU).name))
        thread.start()
        thread.join()
        names.append(choose(ON_CPU).name)
    assert names == ["blocked", "interpret"]


def test_operations_run_where_choose_says(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    original = blocked.pairs_maxima

    def counted(*arguments: Any) -> tuple[Tensor, ...]:
        calls.append(arguments)
        return original(*arguments)

    monkeypatch.setattr(blocked, "pairs_maxima", counted)
    given = batch([2], [3], 16)
    with kernels.backend("blocked"):
        given(token_image_reward)
    assert len(calls) == 1
    with kernels.backend("triton"), pytest.raises(BackendUnavailable):
        given(token_image_reward)
    assert len(calls) == 1


def test_operations_run_in_the_interpreter_where_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gpu = pytest.importorskip("mmjudge.kernels.gpu", reason="needs triton")
    if os.environ["TRITON_INTERPRET"] != "1":
        pytest.skip("the environment forbids the interpreter")

    class Reached(Exception):
        pass

    def reached(*_: Any) -> None:
        raise Reached

    monkeypatch.setattr(gpu, "pairs_maxima", reached)
    with kernels.backend("interpret"), pytest.raises(Reached):
        batch([2], [3], 16)(token_image_reward)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_choice_is_explained(operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert explain_backend(operation, ON_CPU) == choose(ON_CPU)
    pytest.importorskip("triton")
    pretend_gpu(monkeypatch, 9, 0)
    chosen = explain_backend(operation, on("cuda"))
    assert (chosen.name, chosen.fallback) == ("triton", False)
    assert chosen.reason.startswith("cuda device with sm_90")
    assert ("tiles of" in chosen.reason) == (operation != "segment_reduce")


def test_explanations_name_tiles_of_the_dtype_and_dimension(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("triton")
    pretend_gpu(monkeypatch, 9, 0)
    reasons = {
        explain_backend("late_interaction_matrix", on("cuda", dtype, dim)).reason
        for dtype in (torch.float16, torch.float32)
        for dim in (16, 768)
    }
    assert len(reasons) >= 3


def test_an_unknown_operation_cannot_be_explained() -> None:
    with pytest.raises(ValueError, match="operation: 'softmax'; expected one of token_image_rewa"):
        explain_backend("softmax", ON_CPU)
    with pytest.raises(ValueError, match="tensors: none; expected those of the operation"):
        explain_backend("segment_reduce")


def test_explanations_refuse_what_operations_refuse() -> None:
    with kernels.strict(), pytest.raises(BackendUnavailable, match="strict mode"):
        explain_backend("segment_reduce", on("mps"))
