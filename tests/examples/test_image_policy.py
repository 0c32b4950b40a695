"""examples/image_policy.py, for few steps of few pictures, against photo-lite."""

import importlib.util
import math
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import matplotlib
import numpy as np
import pytest
import torch

from mmjudge.cli.server_process import own_server

matplotlib.use("agg")
FILE = Path(__file__).resolve().parents[2] / "examples" / "image_policy.py"
STEPS = 2


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("image_policy", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.GROUP = 4  # type: ignore[attr-defined]
    return module


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with own_server(str(FILE.with_suffix(".toml"))) as address:
        yield address


def run(example: ModuleType, address: str, output: Path) -> dict[str, Any]:
    arguments = ["--address", address, "--steps", str(STEPS), "--output", str(output)]
    runs: dict[str, Any] = example.main(arguments)
    return runs


def test_both_runs_are_finite_stay_in_range_and_come_out_alike_again(
    example: ModuleType, address: str, tmp_path: Path
) -> None:
    first = run(example, address, tmp_path / "first.png")
    second = run(example, address, tmp_path / "second.png")

    assert list(first) == ["constrained", "brightness free"]
    ranges = dict(zip(first, (example.CONSTRAINED, example.UNCONSTRAINED), strict=True))
    for name, made in first.items():
        assert {len(curve) for curve in made.curves.values()} == {STEPS}
        assert np.isfinite([*made.curves.values()]).all()
        for key, value in made.values.items():
            assert ranges[name][key].low <= value <= ranges[name][key].high
        assert made.curves == second[name].curves
        assert made.values == second[name].values
    assert first["constrained"].values != first["brightness free"].values
    assert (tmp_path / "first.png").stat().st_size > 0


def test_the_policy_goes_where_the_reward_is(example: ModuleType) -> None:
    def bright(
        pictures: Any, prompts: Any, metadata: Any
    ) -> tuple[dict[str, Any], dict[str, float]]:
        rewards = pictures.mean((1, 2, 3))
        mean = float(rewards.mean())
        info = {"reward/mean": mean, "held_out/subject/mean": 0.0, "image/luminance": mean}
        return {"avg": rewards.numpy()}, {f"mmjudge/{key}": value for key, value in info.items()}

    made = example.train(bright, example.UNCONSTRAINED, 20, 0)
    assert made.values["brightness"] > 2
    assert made.warned_at is None


@pytest.mark.parametrize("extreme", [-math.inf, -3.0, 0.0, 3.0, math.inf])
def test_whatever_is_drawn_the_numbers_are_in_range_and_the_pictures_in_0_to_1(
    example: ModuleType, extreme: float
) -> None:
    policy = example.Policy(example.UNCONSTRAINED)
    values = policy.values(torch.full((2, len(example.UNCONSTRAINED)), extreme))
    for name, each in example.UNCONSTRAINED.items():
        assert (values[name] >= each.low * (1 - 1e-6) - 1e-6 * (each.low < 0)).all()
        assert (values[name] <= each.high * (1 + 1e-6)).all()

    pictures = example.develop(torch.rand(3, 60, 90), values)

    assert pictures.shape == (2, 3, example.SIDE, example.SIDE)
    assert pictures.min() >= 0 and pictures.max() <= 1


def test_the_policy_starts_at_the_photograph_as_it_is(example: ModuleType) -> None:
    for ranges in (example.CONSTRAINED, example.UNCONSTRAINED):
        policy = example.Policy(ranges)
        values = policy.values(policy.mean.detach()[None])
        for name, each in ranges.items():
            assert values[name].item() == pytest.approx(each.start, abs=1e-6)


def test_neutral_numbers_leave_a_square_photograph_as_it_is(example: ModuleType) -> None:
    photo = torch.rand(3, example.SIDE, example.SIDE)
    neutral = {"scale": 1.0, "brightness": 1.0, "contrast": 1.0, "saturation": 1.0, "blur": 0.01}
    values = {name: torch.tensor([neutral.get(name, 0.0)]) for name in example.CONSTRAINED}

    torch.testing.assert_close(example.develop(photo, values)[0], photo, atol=1e-4, rtol=0)
    # A third of a turn carries red into green.
    third = values | {"hue": torch.tensor([2 * math.pi / 3])}
    turned = example.develop(photo, third)[0]
    torch.testing.assert_close(turned, photo.roll(1, 0), atol=1e-4, rtol=0)
