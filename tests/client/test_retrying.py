import pytest

from mmjudge.client.deadline import Deadline
from mmjudge.client.retrying import Retries, retry
from mmjudge.contract import (
    DeadlineExceeded,
    InvalidRequest,
    JudgeNotFound,
    Overloaded,
    RequestError,
    ServerFault,
    Unauthenticated,
    Unavailable,
    Violation,
)


class Clock:
    """Time that passes only while someone sleeps."""

    def __init__(self, oversleep: float = 0.0) -> None:
        self.now = 0.0
        self.waits: list[float] = []
        self.oversleep = oversleep

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds + self.oversleep


class Failing:
    """Raises the errors given one by one, then answers."""

    def __init__(self, *errors: RequestError) -> None:
        self.errors = list(errors)
        self.timeouts: list[float] = []

    async def __call__(self, timeout: float) -> str:
        self.timeouts.append(timeout)
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


async def attempt(
    call: Failing,
    clock: Clock,
    retries: Retries | None = None,
    timeout: float = 100,
    chance: float = 1,
) -> str:
    return await retry(
        call,
        retries or Retries(),
        Deadline(timeout, clock),
        sleep=clock.sleep,
        chance=lambda: chance,
    )


async def test_waits_double_up_to_the_longest_and_every_try_gets_what_is_left() -> None:
    call, clock = Failing(*[Unavailable("away")] * 4), Clock()
    retries = Retries(attempts=5, first_wait=1, longest_wait=3)
    assert await attempt(call, clock, retries) == "answer"
    assert clock.waits == [1, 2, 3, 3]
    assert call.timeouts == [100, 99, 97, 94, 91]


async def test_the_whole_wait_is_random() -> None:
    call, clock = Failing(*[Unavailable("away")] * 2), Clock()
    await attempt(call, clock, Retries(first_wait=1), chance=0.25)
    assert clock.waits == [0.25, 0.5]
    call, clock = Failing(Unavailable("away")), Clock()
    await attempt(call, clock, chance=0)
    assert clock.waits == [0]


async def test_retry_after_is_the_least_wait() -> None:
    for chance in (0.0, 0.5):
        call, clock = Failing(Overloaded("full", retry_after=7)), Clock()
        await attempt(call, clock, Retries(first_wait=2), chance=chance)
        assert clock.waits == [7 + chance * 2]


async def test_gives_up_with_the_last_error() -> None:
    errors = [Unavailable(str(i)) for i in range(9)]
    call, clock = Failing(*errors), Clock()
    with pytest.raises(Unavailable) as caught:
        await attempt(call, clock, Retries(attempts=3))
    assert caught.value is errors[2]
    assert len(call.timeouts) == 3 and len(clock.waits) == 2


async def test_one_attempt_is_no_retry() -> None:
    call, clock = Failing(Unavailable("away")), Clock()
    with pytest.raises(Unavailable):
        await attempt(call, clock, Retries(attempts=1))
    assert len(call.timeouts) == 1 and clock.waits == []


async def test_never_waits_past_the_deadline() -> None:
    call, clock = Failing(*[Overloaded("full", retry_after=4)] * 5), Clock()
    with pytest.raises(Overloaded, match="full"):
        await attempt(call, clock, timeout=10, chance=0)
    assert clock.waits == [4, 4] and len(call.timeouts) == 3


async def test_woken_too_late_tells_of_the_last_error() -> None:
    call, clock = Failing(*[Unavailable("away")] * 5), Clock(oversleep=60)
    with pytest.raises(Unavailable, match="away"):
        await attempt(call, clock, timeout=10)
    assert len(call.timeouts) == 1


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequest(Violation("items", "none")),
        JudgeNotFound("x"),
        DeadlineExceeded("late"),
        Unauthenticated("who"),
        ServerFault("bug"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_time_does_not_mend_is_raised_at_once(error: RequestError) -> None:
    call, clock = Failing(error), Clock()
    with pytest.raises(type(error)):
        await attempt(call, clock)
    assert len(call.timeouts) == 1 and clock.waits == []


def test_many_tries_do_not_overflow() -> None:
    assert Retries(attempts=5000).wait(5000, Unavailable("away"), 0.5) == 2.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"attempts": 0}, "attempts is 0, expected at least 1"),
        ({"first_wait": -1.0}, "first_wait is -1 s"),
        ({"first_wait": 9.0}, "first_wait <= longest_wait"),
    ],
)
def test_senseless_numbers(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Retries(**arguments)
