"""Where the time of a request goes: the longest any of its items spent in each stage."""

from contextvars import ContextVar

from mmjudge.contract.verdicts import Timing


class Stopwatch:
    """Collects stage times in seconds and keeps the longest of each."""

    def __init__(self) -> None:
        self.timing = Timing()

    def add(self, timing: Timing) -> None:
        """Note the stages of one computation that an item waited for."""
        mine = self.timing
        self.timing = Timing(
            queue=max(mine.queue, timing.queue),
            preprocess=max(mine.preprocess, timing.preprocess),
            inference=max(mine.inference, timing.inference),
        )


# Judges await operations without knowing of requests; the context of their task carries the watch.
current_stopwatch: ContextVar[Stopwatch] = ContextVar("current_stopwatch")
