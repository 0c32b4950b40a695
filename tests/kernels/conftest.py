"""The same cases on every backend that a CPU can run: blocked torch, and Triton's interpreter."""

import importlib.util
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

# Triton decides at import whether its kernels, and its own library's, run in the interpreter.
os.environ.setdefault("TRITON_INTERPRET", "1")

import torch
from tests.kernels.cases import REACHES, Reach

from mmjudge import kernels


@pytest.fixture(params=["blocked", "interpret"])
def kernel_backend(request: pytest.FixtureRequest) -> Iterator[Reach]:
    """Runs the test's operations on the backend; says how large its cases may be."""
    with _running(REACHES[request.param]) as reach:
        yield reach


@pytest.fixture
def blocked_backend() -> Iterator[None]:
    with _running(REACHES["blocked"]):
        yield


@pytest.fixture
def interpreter() -> Iterator[None]:
    with _running(REACHES["interpret"]):
        yield


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """For small products, which are shorter than the wait for a second thread on a busy CPU."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def default_products() -> Iterator[None]:
    """However a test sets the precision of float32 products, the next one finds the default."""
    before = torch.get_float32_matmul_precision()
    yield
    torch.set_float32_matmul_precision(before)


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"])
def threads(one_thread: None, request: pytest.FixtureRequest) -> None:
    """Matrix libraries divide products among threads by their size."""
    torch.set_num_threads(request.param)


@contextmanager
def _running(reach: Reach) -> Iterator[Reach]:
    if reach.name == "interpret" and (why := _not_interpretable()):
        pytest.skip(why)
    with kernels.backend(reach.name), warnings.catch_warnings():
        if reach.name == "interpret":
            # It computes with numpy, which warns of overflow and NaN, where a GPU says nothing.
            warnings.simplefilter("ignore", RuntimeWarning)
        yield reach


def _not_interpretable() -> str:
    if importlib.util.find_spec("triton") is None:
        return "triton is not installed"
    if os.environ["TRITON_INTERPRET"] != "1":
        return "the environment sets TRITON_INTERPRET to something other than 1"
    import triton
    import triton.language as tl

    if isinstance(tl.max, triton.JITFunction):
        return "something imported triton before TRITON_INTERPRET=1 was set; set it for the process"
    return ""
