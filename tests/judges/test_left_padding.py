"""Batches end together: tokens are padded on the left, images follow one another."""

import torch

from mmjudge.judges.backbones.left_padding import left_padded


def _row(length: int, **others: torch.Tensor) -> dict[str, torch.Tensor]:
    ids = torch.arange(1, length + 1)[None]
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)} | others


def test_tokens_are_padded_on_the_left() -> None:
    batch = left_padded([_row(2), _row(4)], pad_id=9)
    assert batch["input_ids"].tolist() == [[9, 9, 1, 2], [1, 2, 3, 4]]
    assert batch["attention_mask"].tolist() == [[0, 0, 1, 1], [1, 1, 1, 1]]


def test_a_row_without_a_number_for_each_token_gets_zeros() -> None:
    batch = left_padded([_row(3, types=torch.ones(1, 3, dtype=torch.int)), _row(2)], pad_id=0)
    assert batch["types"].tolist() == [[1, 1, 1], [0, 0, 0]]


def test_images_follow_one_another_padded_to_the_largest() -> None:
    first, second = torch.ones(2, 3, 4), torch.full((1, 5, 2), 2.0)
    batch = left_padded([_row(3, pixels=first), _row(1), _row(2, pixels=second)], pad_id=0)
    assert batch["pixels"].shape == (3, 5, 4)
    assert torch.equal(batch["pixels"][:2, :3], first)
    assert torch.equal(batch["pixels"][2:, :, :2], second)
    assert batch["pixels"].sum() == first.sum() + second.sum()


def test_rows_of_text_alone_have_no_images() -> None:
    assert set(left_padded([_row(1), _row(2)], pad_id=0)) == {"input_ids", "attention_mask"}
