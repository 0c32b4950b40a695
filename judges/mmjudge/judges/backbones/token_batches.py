"""Token ids of several texts as one batch of a fixed shape."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from mmjudge.judges.backbones.tower import Tower

P = TypeVar("P")
R = TypeVar("R")


def padded_length(tower: Tower, ids: Sequence[int]) -> int:
    """The shortest of the tower's lengths that holds `ids`."""
    return next(length for length in tower.text_lengths if length >= len(ids))


def pad_ids(tower: Tower, rows: Sequence[Sequence[int]], length: int) -> tuple[Tensor, Tensor]:
    """int64 ids and bool mask `[rows, length]` on the tower's device."""
    ids = torch.full((len(rows), length), tower.pad_id)
    mask = torch.zeros(ids.shape, dtype=torch.bool)
    for row, tokens in enumerate(rows):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        mask[row, : len(tokens)] = True
    return ids.to(tower.device), mask.to(tower.device)


def in_groups(
    payloads: Sequence[P], length: Callable[[P], int], run: Callable[[list[P]], list[R]]
) -> list[R]:
    """Run payloads of equal length together; one result for each, in order."""
    groups: dict[int, list[int]] = defaultdict(list)
    for index, payload in enumerate(payloads):
        groups[length(payload)].append(index)
    results: dict[int, R] = {}
    for members in groups.values():
        found = run([payloads[index] for index in members])
        results.update(zip(members, found, strict=True))
    return [results[index] for index in range(len(payloads))]
