"""The torch path: products of blocks that fit a cache, reduced before the next one is made.

For CPUs, and wherever Triton is missing. The same operations, arguments and results as
`mmjudge.kernels.gpu`.
"""

from mmjudge.kernels.blocked.matrix import matrix_maxima
from mmjudge.kernels.blocked.pairs import pairs_maxima
from mmjudge.kernels.blocked.pooling import pooled, pooled_gradient
from mmjudge.kernels.blocked.sums import gather, segment_reduce

__all__ = [
    "gather",
    "matrix_maxima",
    "pairs_maxima",
    "pooled",
    "pooled_gradient",
    "segment_reduce",
]
