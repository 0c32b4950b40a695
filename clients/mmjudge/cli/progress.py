"""What is being done, shown on stderr when that is a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich import progress as rich_progress

from mmjudge.cli.terminal import err, on_terminal


def display(
    *columns: rich_progress.ProgressColumn, clock: Callable[[], float] | None = None
) -> rich_progress.Progress:
    """A display of these columns that has begun, shown where stderr is a terminal."""
    shown = rich_progress.Progress(
        *columns, console=err, transient=True, disable=not on_terminal(), get_time=clock
    )
    shown.start()
    return shown


def end(shown: rich_progress.Progress) -> None:
    """Take it off the terminal; ending twice does nothing."""
    if not shown.disable:  # else older versions print an empty line
        shown.stop()


class Progress:
    """One line that says what is being done, how far it is and since when."""

    def __init__(self, what: str) -> None:
        self._display = display(
            rich_progress.SpinnerColumn(),
            rich_progress.TextColumn("{task.description}", markup=False),
            rich_progress.BarColumn(),
            rich_progress.TimeElapsedColumn(),
        )
        self._task = self._display.add_task(what, total=None)

    def say(self, what: str, steps: int | None = None) -> None:
        """Show another thing that is being done, in `steps` if their number is known."""
        self._display.reset(self._task, description=what, total=steps)

    def step(self) -> None:
        """Show one more step as done."""
        self._display.advance(self._task)

    def close(self) -> None:
        """Take the line off the terminal; closing twice does nothing."""
        end(self._display)


@contextmanager
def progress(what: str) -> Iterator[Progress]:
    """Show `what` while the body runs."""
    shown = Progress(what)
    try:
        yield shown
    finally:
        shown.close()
