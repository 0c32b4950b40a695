"""The moment by which a whole call, with all its parts and retries, has to be answered."""

from collections.abc import Callable
from time import monotonic

from mmjudge.contract import DeadlineExceeded

# gRPC takes an infinite timeout for one in the past; four months do not overflow its clock.
_LONGEST = 1e7


class Deadline:
    """A point in time, `timeout` seconds from now; raises DeadlineExceeded unless above 0."""

    def __init__(self, timeout: float, clock: Callable[[], float] = monotonic) -> None:
        if not timeout > 0:  # so that NaN is refused too
            raise DeadlineExceeded(
                f"timeout of {timeout:g} s leaves no time to ask: pass more than 0"
            )
        self.timeout = min(timeout, _LONGEST)
        self._clock = clock
        self._end = clock() + self.timeout

    def left(self) -> float:
        """Return the seconds left; 0 or less once it has passed."""
        return self._end - self._clock()

    def check(self) -> float:
        """Return the seconds left; raises DeadlineExceeded once it has passed."""
        left = self.left()
        if left <= 0:
            raise DeadlineExceeded(
                f"no answer within {self.timeout:g} s: send fewer items at once or raise `timeout`"
            )
        return left
