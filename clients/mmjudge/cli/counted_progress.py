"""How far a long run is, how fast and how long it will still take: a bar, or lines in a log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich import progress as rich_progress
from rich.text import Text

from mmjudge.cli.progress import display, end
from mmjudge.cli.terminal import err

SECONDS_A_LINE = 60.0


class CountedProgress:
    """So many of `total` done; on a terminal a bar, elsewhere a line a minute on stderr.

    clock: seconds, of which only differences count.
    """

    def __init__(self, what: str, total: int, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._bar = display(
            rich_progress.TextColumn("{task.description}", markup=False),
            rich_progress.BarColumn(),
            rich_progress.MofNCompleteColumn(),
            rich_progress.TextColumn("{task.fields[pace]}", markup=False),
            clock=clock,
        )
        self._id = self._bar.add_task(what, total=total, pace="")
        self._told = clock()

    @property
    def pace(self) -> str:
        """Records a second of late, and the time that the rest will take so: "12.1/s, 0:42 left".

        Empty while there is nothing to tell it from.
        """
        task = self._bar.tasks[self._id]
        if not task.speed or task.time_remaining is None:
            return ""
        minutes, seconds = divmod(round(task.time_remaining), 60)
        hours, minutes = divmod(minutes, 60)
        left = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
        return f"{task.speed:.1f}/s, {left} left"

    def step(self, count: int) -> None:
        """Show `count` more as done."""
        self._bar.update(self._id, advance=count)
        self._bar.update(self._id, pace=self.pace)
        # A log shows no bar, and should tell that something goes on.
        if self._bar.disable and self._clock() - self._told >= SECONDS_A_LINE:
            self._told = self._clock()
            task = self._bar.tasks[self._id]
            line = f"{task.description}: {task.completed:.0f} of {task.total:.0f} {self.pace}"
            err.print(Text(line), soft_wrap=True)

    def close(self) -> None:
        """Take the bar off the terminal."""
        end(self._bar)


@contextmanager
def counted_progress(what: str, total: int) -> Iterator[CountedProgress]:
    """Show how far `what` is while the body runs."""
    shown = CountedProgress(what, total)
    try:
        yield shown
    finally:
        shown.close()
