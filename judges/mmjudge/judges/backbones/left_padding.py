"""Processed conversations as one batch: tokens end together, images follow one another."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad


def left_padded(rows: Sequence[Mapping[str, Tensor]], pad_id: int) -> dict[str, Tensor]:
    """Batch of what a processor made of single conversations.

    rows: `input_ids` int64 `[1, tokens]`, beside it tensors of that shape, one number a token
    (`attention_mask`, `mm_token_type_ids`), and others, whose first dimension counts images, tiles
    or patches. Rows without images lack those.

    Those of tokens become `[rows, most tokens]`, padded on the left with `pad_id` or zeros. The
    others are joined along the first dimension, after padding the rest with zeros to the largest.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    length = max(row["input_ids"].shape[1] for row in rows)
    batch = {}
    for name in names:
        tensors = [row[name] for row in rows if name in row]
        if all(row[name].shape == row["input_ids"].shape for row in rows if name in row):
            filling = pad_id if name == "input_ids" else 0
            whole = [row.get(name, torch.zeros_like(row["input_ids"])) for row in rows]
            batch[name] = torch.cat(
                [pad(one, (length - one.shape[1], 0), value=filling) for one in whole]
            )
        else:
            batch[name] = torch.cat(_of_one_shape(tensors))
    return batch


def _of_one_shape(tensors: Sequence[Tensor]) -> list[Tensor]:
    shapes = [tensor.shape[1:] for tensor in tensors]
    largest = [max(sizes) for sizes in zip(*shapes, strict=True)]
    padded = []
    for tensor in tensors:
        missing = [most - size for most, size in zip(largest, tensor.shape[1:], strict=True)]
        ends = [number for least in reversed(missing) for number in (0, least)]
        padded.append(pad(tensor, ends))
    return padded
