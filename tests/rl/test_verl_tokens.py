"""Token rewards in the shape of verl's rm_scores."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from tests.cli.conftest import CHELSEA, PHOTOS
from tests.client.fake_rewards import FakeRewards
from tests.client.fake_rewards import reward as worth
from tests.client.tokenizers_in_code import byte_level

from mmjudge.client import AsyncClient, Client
from mmjudge.contract import ItemFailed
from mmjudge.rl import Reward
from mmjudge.rl.verl_tokens import token_rewards

CAT, ROCKET = {"image": str(CHELSEA)}, {"image": str(PHOTOS / "rocket.jpg")}
END, PAD = byte_level().encode("</s><pad>").ids


@pytest.fixture
def service() -> FakeRewards:
    return FakeRewards()


@pytest.fixture
def asking(service: FakeRewards) -> Iterator[Reward]:
    with Client(factory=lambda: AsyncClient(transport=service)) as client:
        yield Reward(client)


def batch(*texts: str, length: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    """Responses int64 `[batch, length]` that end as chats do, and their mask."""
    ids = torch.full((len(texts), length), PAD)
    mask = torch.zeros(len(texts), length, dtype=torch.int64)
    for row, text in enumerate(texts):
        tokens = [*byte_level().encode(text).ids, END]
        ids[row, : len(tokens)] = torch.tensor(tokens)
        mask[row, : len(tokens)] = 1
    return ids, mask


def pieces(text: str) -> list[float]:
    """The reward of each token of `text`, by the fake judge."""
    encoding = byte_level().encode(text)
    return [worth(text[start:end]) for start, end in encoding.offsets]


def test_every_token_of_a_response_has_its_reward_where_verl_keeps_it(asking: Reward) -> None:
    ids, mask = batch("a cat", "two dogs sit")

    values = token_rewards(asking, [CAT, CAT], ids, mask, byte_level())

    assert values.dtype == np.float32 and values.shape == ids.shape
    for row, text in enumerate(("a cat", "two dogs sit")):
        rewards = pieces(text)
        assert values[row].tolist() == rewards + [0.0] * (ids.shape[1] - len(rewards))


def test_the_rows_of_one_image_travel_together(asking: Reward, service: FakeRewards) -> None:
    infos: list[Any] = [CAT, {"image": CHELSEA.read_bytes()}, ROCKET]

    token_rewards(asking, infos, *batch("a cat", "a dog", "a rocket"), byte_level())

    assert [len(item.candidates) for item in service.asked] == [2, 1]


def test_tokens_that_the_policy_did_not_write_get_nothing(asking: Reward) -> None:
    ids, mask = batch("two dogs sit")
    mask[0, 1] = 0  # a tool's, read by the judge but not to be learnt

    (values,) = token_rewards(asking, [CAT], ids, mask, byte_level())

    rewards = pieces("two dogs sit")
    assert values[:3].tolist() == [rewards[0], 0.0, rewards[2]]


def test_a_row_without_text_is_0_and_not_asked_about(asking: Reward, service: FakeRewards) -> None:
    values = token_rewards(asking, [CAT, CAT], *batch("a cat", ""), byte_level())

    assert (values[1] == 0).all() and (values[0] != 0).any()
    assert [len(item.candidates) for item in service.asked] == [1]
    empty = token_rewards(asking, [CAT], *batch(""), byte_level())
    assert empty.tolist() == [[0.0] * 12]


def test_a_failure_raises(asking: Reward) -> None:
    with pytest.raises(ItemFailed, match="dull"):
        token_rewards(asking, [CAT, CAT], *batch("a cat", "bad"), byte_level())


def test_shapes_that_differ_are_refused(asking: Reward) -> None:
    ids, mask = batch("a cat")
    with pytest.raises(ValueError, match=r"responses \[1, 12\], response_mask \[1, 5\]"):
        token_rewards(asking, [CAT], ids, mask[:, :5], byte_level())
    with pytest.raises(ValueError, match="2 extra_infos"):
        token_rewards(asking, [CAT, CAT], ids, mask, byte_level())


def test_several_images_in_a_row_are_refused(asking: Reward) -> None:
    two = {"image": [str(CHELSEA), str(CHELSEA)]}
    with pytest.raises(ValueError, match="extra_info of sample 0 has 2 images, expected one"):
        token_rewards(asking, [two], *batch("a cat"), byte_level())
