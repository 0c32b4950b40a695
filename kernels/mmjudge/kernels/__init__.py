"""Batched token-level image-text similarity: token rewards, late interaction, grounding.

Needs torch; runs on CUDA and ROCm GPUs with Triton, elsewhere on blocked torch.
"""

from mmjudge.kernels.backends import (
    Backend,
    BackendUnavailable,
    backend,
    explain_backend,
    strict,
)
from mmjudge.kernels.grounding import grounding_map
from mmjudge.kernels.late_interaction import (
    LateInteraction,
    late_interaction_matrix,
    late_interaction_pairs,
)
from mmjudge.kernels.margin import Margin
from mmjudge.kernels.segment_reduction import segment_reduce
from mmjudge.kernels.token_reward import TokenReward, token_image_reward

__all__ = [
    "Backend",
    "BackendUnavailable",
    "LateInteraction",
    "Margin",
    "TokenReward",
    "backend",
    "explain_backend",
    "grounding_map",
    "late_interaction_matrix",
    "late_interaction_pairs",
    "segment_reduce",
    "strict",
    "token_image_reward",
]
