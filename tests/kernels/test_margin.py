"""Margins: similarities between two levels made rewards."""

import pytest
import torch
from torch import inf, nan, tensor

from mmjudge.kernels import Margin, token_image_reward
from mmjudge.kernels.margin import Mode

SIMILARITIES = tensor([-0.5, 0.1, 0.2, 0.25, 0.4, 0.9])


@pytest.mark.parametrize(
    ("mode", "rewards"),
    [
        ("hinge", [-0.6, 0.0, 0.0, 0.0, 0.0, 0.5]),
        ("center", [-5.0, -1.0, -1 / 3, 0.0, 1.0, 13 / 3]),
        ("sign", [-1.0, -1.0, 0.0, 0.0, 1.0, 1.0]),
        ("raw", SIMILARITIES.tolist()),
    ],
)
def test_modes(mode: Mode, rewards: list[float]) -> None:
    margin = Margin(0.1, 0.4, mode)
    torch.testing.assert_close(margin(SIMILARITIES), tensor(rewards))
    torch.testing.assert_close(margin(SIMILARITIES.view(2, 3)), tensor(rewards).view(2, 3))


@pytest.mark.parametrize(
    ("mode", "slopes"),
    [
        ("hinge", [1.0, 0.0, 1.0]),
        ("center", [2 / 0.3, 2 / 0.3, 2 / 0.3]),
        ("sign", [0.0, 0.0, 0.0]),
        ("raw", [1.0, 1.0, 1.0]),
    ],
)
def test_gradients(mode: Mode, slopes: list[float]) -> None:
    similarity = tensor([-0.5, 0.2, 0.9], requires_grad=True)
    Margin(0.1, 0.4, mode)(similarity).sum().backward()
    assert similarity.grad is not None
    torch.testing.assert_close(similarity.grad, tensor(slopes))


@pytest.mark.parametrize("mode", ["hinge", "center", "sign", "raw"])
def test_nan_stays_nan(mode: Mode) -> None:
    assert Margin(0.1, 0.4, mode)(tensor([nan, 0.9])).isnan().tolist() == [True, False]


def test_hinge_is_the_default() -> None:
    assert Margin(0.1, 0.4) == Margin(0.1, 0.4, "hinge")


@pytest.mark.parametrize(("lo", "hi"), [(0.4, 0.1), (0.2, 0.2), (nan, 0.1), (0.1, nan), (inf, inf)])
def test_levels_out_of_order_are_refused(lo: float, hi: float) -> None:
    with pytest.raises(ValueError, match=f"lo {lo} and hi {hi}; expected lo below hi"):
        Margin(lo, hi)


def test_an_unknown_mode_is_refused() -> None:
    mode: Mode = "soft"  # type: ignore[assignment]
    with pytest.raises(ValueError, match="mode 'soft'; expected one of hinge, center, sign, raw"):
        Margin(0.1, 0.4, mode)


def test_a_reward_takes_it_and_passes_gradients_through(blocked_backend: None) -> None:
    tokens = tensor([[[1.0, 0.0], [0.6, 0.8]]], requires_grad=True)
    image = tensor([[[0.0, 1.0]]])
    reward = token_image_reward(tokens, image, transform=Margin(0.1, 0.4)).values
    torch.testing.assert_close(reward, tensor([[-0.1, 0.4]]))
    reward.sum().backward()
    assert tokens.grad is not None
    torch.testing.assert_close(tokens.grad, tensor([[[0.0, 1.0], [-0.48, 0.36]]]))
