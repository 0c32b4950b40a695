import pytest

from mmjudge.cli.counted_progress import CountedProgress


class Clock:
    """Seconds, as told."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_pace_is_of_late_and_the_rest_takes_as_long() -> None:
    clock = Clock()
    shown = CountedProgress("asking", 1000, clock)
    assert shown.pace == ""
    for _ in range(10):
        clock.now += 2
        shown.step(10)
    assert shown.pace == "5.0/s, 3:00 left"
    shown.close()


def test_hours_are_told_as_hours() -> None:
    clock = Clock()
    shown = CountedProgress("asking", 7201, clock)
    for _ in range(2):
        clock.now += 1
        shown.step(1)
    assert shown.pace == "1.0/s, 1:59:59 left"
    shown.close()


def test_a_log_gets_a_line_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    shown = CountedProgress("asking", 1000, clock)
    for _ in range(130):
        clock.now += 1
        shown.step(2)
    shown.close()
    assert capsys.readouterr().err.splitlines() == [
        "asking: 120 of 1000 2.0/s, 7:20 left",
        "asking: 240 of 1000 2.0/s, 6:20 left",
    ]
