"""Fingerprints: everything that can change a score, and nothing else."""

from importlib.metadata import version

import pytest
import torch
from torch import nn

from mmjudge.judges.fingerprint import code_version, fingerprint, weights_digest


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))


def test_equal_provenance_has_an_equal_fingerprint_in_any_order() -> None:
    assert fingerprint({"a": "1", "b": "2"}) == fingerprint({"b": "2", "a": "1"})


def test_a_fingerprint_is_64_lower_case_hexadecimal_digits() -> None:
    text = fingerprint({"ä": "ö"})
    assert len(text) == 64 and set(text) <= set("0123456789abcdef")


@pytest.mark.parametrize("other", [{"a": "1"}, {"a": "1", "b": "3"}, {"a": "1", "c": "2"}, {}])
def test_other_provenance_has_another_fingerprint(other: dict[str, str]) -> None:
    assert fingerprint(other) != fingerprint({"a": "1", "b": "2"})


def test_equal_weights_have_an_equal_digest_after_a_reload() -> None:
    first, second = net(), net()
    second.load_state_dict(first.state_dict())
    assert weights_digest({"net": first}) == weights_digest({"net": second})


def test_one_bit_of_any_parameter_or_buffer_changes_the_digest() -> None:
    before = weights_digest({"net": net()})
    names = list(net().state_dict())
    assert any("running_mean" in name for name in names)
    digests = {before}
    for name in names:
        changed = net()
        flat = changed.state_dict()[name].view(-1).view(torch.uint8)
        flat[-1] ^= 1
        digests.add(weights_digest({"net": changed}))
    assert len(digests) == 1 + len(names)


def test_name_shape_and_dtype_change_the_digest() -> None:
    zeros = torch.zeros(2, 3)
    variants = [
        {"a": zeros},
        {"b": zeros},
        {"a": zeros.view(3, 2)},
        {"a": zeros.view(6)},
        {"a": zeros.view(torch.int32)},
        {"a": zeros.double()},
        {"a": zeros, "b": zeros},
        {"a": zeros[:0]},
        {"a": torch.tensor(0.0)},
        {"a": -zeros},  # -0.0 == 0.0, but the bits are not the same
    ]
    assert len({weights_digest(weights) for weights in variants}) == len(variants)


def test_parts_and_their_names_are_told_apart() -> None:
    left, right = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
    assert weights_digest({"a": left, "b": right}) != weights_digest({"a": right, "b": left})


def test_the_order_of_parts_does_not_matter() -> None:
    left, right = torch.zeros(1), torch.ones(1)
    assert weights_digest({"a": left, "b": right}) == weights_digest({"b": right, "a": left})


def test_memory_layout_does_not_matter() -> None:
    weight = torch.arange(24.0).view(2, 3, 2, 2)
    assert weights_digest({"a": weight}) == weights_digest(
        {"a": weight.to(memory_format=torch.channels_last)}
    )
    assert weights_digest({"a": weight[:, 0]}) == weights_digest({"a": weight[:, 0].clone()})


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.bool, torch.int64])
def test_every_dtype_has_a_digest(dtype: torch.dtype) -> None:
    ones = torch.ones(3).to(dtype)
    zeros = torch.zeros(3).to(dtype)
    assert weights_digest({"a": ones}) != weights_digest({"a": zeros})


def test_code_is_this_package_s_version_and_the_libraries_named() -> None:
    assert code_version("torch") == f"mmjudge {version('mmjudge')} torch {version('torch')}"
    assert code_version() == f"mmjudge {version('mmjudge')}"
