"""A judge nobody trains on, and the warning when the reward runs away from it."""

import json
import logging
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.rl.reward_service import RewardService

from mmjudge.rl import HeldOut, Reward, RewardMix
from mmjudge.rl.held_out import Drift
from mmjudge.rl.trends import correlation, trend

MakeReward = Callable[..., Reward]
GENERATOR = np.random.default_rng(0)


def noise(count: int = 8) -> NDArray[np.float64]:
    return GENERATOR.normal(0, 0.3, count)


def follow(
    drift: Drift, reward_slope: float, held_out_slope: float, calls: int, start: float = 0
) -> list[float]:
    """Feed `calls` calls of 8 samples with these slopes a call; return the warnings."""
    warnings = []
    for call in range(calls):
        parts = {"clip": start + reward_slope * call + noise()}
        held = (start + held_out_slope * call + noise()).astype(np.float32)
        warnings.append(drift.observe(parts, held).get("warning", -1.0))
    return warnings


@pytest.mark.parametrize(
    ("slopes", "warned"),
    [((0.2, -0.2), 1.0), ((0.2, 0.2), 0.0), ((-0.2, -0.2), 0.0), ((-0.2, 0.2), 0.0), ((0, 0), 0.0)],
)
def test_a_reward_that_rises_while_the_held_out_judge_falls_is_warned_of(
    slopes: tuple[float, float], warned: float, caplog: pytest.LogCaptureFixture
) -> None:
    drift = Drift(HeldOut("watcher", samples=8), ["clip"])
    assert follow(drift, *slopes, calls=32)[-1] == warned
    assert len(caplog.records) == warned


def test_the_warning_is_logged_once_for_as_long_as_it_lasts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    drift = Drift(HeldOut("watcher", samples=8, window=8), ["clip"])
    warnings = follow(drift, 0.5, -0.5, calls=20)
    assert warnings[:7] == [-1.0] * 7  # too few points for a trend
    assert warnings[7:] == [1.0] * 13
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "the reward of 'clip' rises while the held-out judge 'watcher' falls" in caplog.text
    assert follow(drift, 0.5, 0.5, calls=20)[-1] == 0.0
    assert follow(drift, 0.5, -0.5, calls=20)[-1] == 1.0
    assert len(caplog.records) == 2


def test_noise_alone_seldom_warns() -> None:
    runs = [
        follow(Drift(HeldOut("watcher", samples=8), ["clip"]), 0, 0, calls=32)[-1]
        for _ in range(200)
    ]
    assert sum(runs) < 6


def test_single_samples_gather_until_they_make_a_point() -> None:
    drift = Drift(HeldOut("watcher", samples=4), ["clip"])
    found = [
        drift.observe({"clip": np.array([n])}, np.array([10 * n], np.float32)) for n in range(4)
    ]
    assert found == [{}, {}, {}, {"mean": 15.0}]


def test_samples_that_a_judge_failed_are_left_out() -> None:
    drift = Drift(HeldOut("watcher", samples=2), ["clip"])
    parts = {"clip": np.array([1, np.nan, 3, 4.0])}
    assert drift.observe(parts, np.array([5, 6, np.nan, 7], np.float32)) == {"mean": 6.0}


def test_a_trend_is_that_of_least_squares() -> None:
    series = [1.0, 3.0, 2.0, 5.0, 4.0]
    steps = np.arange(5)
    (slope, _), covariance = np.polyfit(steps, series, 1, cov=True)
    found = trend(series)
    assert found.slope == pytest.approx(slope)
    assert found.error == pytest.approx(np.sqrt(covariance[0, 0]))
    assert (trend([2.0] * 5).rises(2), trend([2.0] * 5).falls(2)) == (False, False)


def test_a_constant_series_correlates_with_nothing() -> None:
    assert correlation([1, 1, 1], [1, 2, 3]) is None
    assert correlation([1, 2, 3], [-2, -4, -6]) == pytest.approx(-1)


def test_the_held_out_judge_is_asked_in_the_same_upload_and_adds_nothing(
    make_reward: MakeReward, service: RewardService
) -> None:
    reward = make_reward("long", held_out=HeldOut("watcher", every=2, samples=2))
    batches = [reward.score_texts(["p"] * 2, ["a", "bbb"]) for _ in range(3)]
    assert [list(request.judges) for request in service.requests] == [
        ["long", "watcher"],
        ["long"],
        ["long", "watcher"],
    ]
    assert [batch.floats() for batch in batches] == [[1, 3]] * 3
    assert [batch.metrics.get("mmjudge/held_out/watcher/mean") for batch in batches] == [2, None, 2]
    assert set(batches[0].parts) == {"long"}


def test_a_failure_of_the_held_out_judge_costs_no_reward(make_reward: MakeReward) -> None:
    reward = make_reward("long", held_out=HeldOut("short", samples=1))
    batch = reward.score_texts(["p"] * 2, ["unfit", "bb"])
    assert batch.floats() == [5, 2]
    assert batch.metrics["mmjudge/held_out/short/mean"] == -2
    assert batch.failures == ()


def test_a_reward_that_lengthens_texts_past_the_held_out_judge_is_caught(
    make_reward: MakeReward, caplog: pytest.LogCaptureFixture
) -> None:
    mix = RewardMix({"long": 1.0}, "batch")  # whose mean is always 0: the trend is of raw values
    reward = make_reward(mix, held_out=HeldOut("short", samples=2, window=8))
    for n in range(8):
        batch = reward.score_texts(["p"] * 2, ["a" * (2 + n), "b" * (3 + n)])
    assert batch.metrics["mmjudge/held_out/short/warning"] == 1.0
    assert batch.metrics["mmjudge/held_out/short/slope"] == pytest.approx(-1)
    assert batch.metrics["mmjudge/held_out/short/slope_of_long"] == pytest.approx(1)
    assert batch.metrics["mmjudge/held_out/short/correlation_with_long"] == pytest.approx(-1)
    assert len(caplog.records) == 1


def test_a_resumed_watch_goes_on_where_it_was(make_reward: MakeReward) -> None:
    held_out = HeldOut("short", samples=2, window=8)
    saved, resumed = (make_reward("long", held_out=held_out) for _ in range(2))
    for n in range(7):
        saved.score_texts(["p"] * 2, ["a" * (2 + n), "b" * (3 + n)])
    resumed.load_state_dict(json.loads(json.dumps(saved.state_dict())))
    batch = resumed.score_texts(["p"] * 2, ["a" * 9, "b" * 10])
    assert batch.metrics["mmjudge/held_out/short/warning"] == 1.0
    other = make_reward({"long": 1.0, "hundredfold": 1.0}, held_out=held_out)
    with pytest.raises(ValueError, match="saved state of judges"):
        other.load_state_dict(saved.state_dict())
    with pytest.raises(ValueError, match="saved points of other judges"):
        Drift(held_out, ["long", "hundredfold"]).restore(saved.state_dict()["drift"])


@pytest.mark.parametrize(
    "options", [{"every": 0}, {"samples": 0}, {"window": 7}, {"errors": -1.0}], ids=str
)
def test_a_watch_that_makes_no_sense_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        HeldOut("watcher", **options)  # type: ignore[arg-type]
