"""Each token with the one vector of its image."""

from __future__ import annotations

import torch

from mmjudge.kernels.blocked.best import Best
from mmjudge.kernels.blocked.groups import groups
from mmjudge.kernels.blocked.products import plain, scale_of, sizes
from mmjudge.kernels.blocked.side import Side

TOGETHER = 1 << 19  # features, which are in the cache still when they are multiplied: 2 MB


def put_vectors(token: Best, ours: Side, theirs: Side) -> None:
    """Products of all tokens, times the scales of images; finds the scales of both sides.

    Sums over features, not a product of matrices: in the same order wherever a token stands.
    """
    most = max(1, TOGETHER // ours.rows.shape[1])
    for pairs in groups(ours.segments, theirs.segments, most):
        theirs.part(pairs)
        vector = plain(theirs.rows[pairs.start : pairs.stop, None], ours.scale)
        where = slice(ours.segments.host[pairs.start], ours.segments.host[pairs.stop])
        rows, size, dot = (
            held[where].view(len(pairs), -1, *held.shape[1:])
            for held in (ours.rows, ours.scale, token.value)
        )
        step = most if len(pairs) == 1 else max(rows.shape[1], 1)
        for start in range(0, rows.shape[1], step):
            some = slice(start, start + step)
            wide = plain(rows[:, some], ours.scale)
            sizes(wide, ours.normalize, size[:, some])
            torch.sum(wide * vector, -1, out=dot[:, some])
    ours.scale.copy_(scale_of(ours.scale, ours.normalize, ours.eps))
    token.value *= ours.segments.per_row(theirs.scale)
    token.winner.zero_()
