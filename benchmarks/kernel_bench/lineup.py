"""The contenders of each device, mmjudge first: ratios are to its time."""

from __future__ import annotations

import torch
from kernel_bench.contenders import (
    Contender,
    chunked,
    compiled,
    gemm,
    mmjudge,
    mmjudge_reduced,
    naive,
    naive_reduced,
)
from kernel_bench.rivals import (
    MAXSIM_CPU_DIM,
    flash_maxsim,
    late_interaction_kernels,
    one_query_on_cpu,
)

BF16, FP32 = torch.bfloat16, torch.float32
OURS = "mmjudge"
CHUNKS = "64 MB of similarities, or one image's, at a time"
MEDIUM = "float32 products in bf16; its roofline is float32's all the same"
UNIT = "unit rows beforehand, not timed; in training normalised within"

LINEUP = {
    "cuda": (
        Contender(OURS, mmjudge),
        Contender("naive bf16", naive(BF16)),
        Contender("naive fp32", naive(FP32), "upcasts first"),
        Contender("chunked bf16", chunked(BF16), CHUNKS),
        Contender("compiled bf16", compiled(BF16, 256), "torch.compile of naive bf16"),
        Contender("GEMM alone", gemm, "no scores: what any materialising method pays"),
        Contender("flash-maxsim", flash_maxsim, UNIT, "flash-maxsim", summed=True),
        Contender(
            "late-interaction-kernels", late_interaction_kernels, "normalises itself",
            "late-interaction-kernels", summed=True,
        ),
    ),
    "cpu": (
        Contender(OURS, mmjudge),
        Contender("mmjudge medium", mmjudge_reduced, MEDIUM),
        Contender("naive fp32", naive(FP32)),
        Contender("naive medium", naive_reduced, MEDIUM),
        Contender("chunked fp32", chunked(FP32), CHUNKS),
        Contender("compiled fp32", compiled(FP32), "torch.compile of naive fp32"),
        Contender("GEMM alone", gemm, "no scores: what any materialising method pays"),
        Contender(
            "maxsim-cpu", one_query_on_cpu("maxsim_cpu", MAXSIM_CPU_DIM), UNIT, "maxsim-cpu",
            summed=True,
        ),
        Contender(
            "fast-maxsim", one_query_on_cpu("fast_maxsim"), UNIT, "fast-maxsim", summed=True
        ),
    ),
}  # fmt: skip
