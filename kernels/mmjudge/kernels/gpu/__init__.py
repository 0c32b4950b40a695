"""The Triton kernels, for CUDA and ROCm GPUs, and for Triton's interpreter on a CPU."""

from mmjudge.kernels.gpu.matrix import matrix_maxima
from mmjudge.kernels.gpu.pairs import pairs_maxima
from mmjudge.kernels.gpu.pooling import pooled, pooled_gradient
from mmjudge.kernels.gpu.rows import gather
from mmjudge.kernels.gpu.sums import segment_reduce

__all__ = [
    "gather",
    "matrix_maxima",
    "pairs_maxima",
    "pooled",
    "pooled_gradient",
    "segment_reduce",
]
