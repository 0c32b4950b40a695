"""A file of results that one run writes: locked, gone on with after any end, put into order."""

from collections.abc import Callable, Iterable, Sequence
from fcntl import LOCK_EX, LOCK_NB, flock
from os import fstat, fsync, replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from mmjudge.bench.asking.going_on import agreed
from mmjudge.bench.asking.listing import listed_row
from mmjudge.bench.results import FORMAT, Header, header_line, read_results
from mmjudge.bench.rows import Row, row_line

BEGINNING = f'{{"format": "{FORMAT}"'.encode()


class ResultsFile:
    """Opens or begins the file at `path`, and cuts off a last line that is half written.

    rows: ids of the rows in it, with `listed_row` of each. torn: whether a line was cut off.

    Raises ValueError where another run has it open, where it holds something else, and as
    `agreed`; the file is then as it was.
    """

    def __init__(self, path: Path, header: Header) -> None:
        self.path = path
        self._file = _locked(path)
        try:
            self._open(header)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def append(self, rows: Iterable[Row]) -> None:
        """Write rows at the end, and hand them to the operating system."""
        found = list(rows)
        self._write("".join(map(row_line, found)))
        self.rows |= {row.id: listed_row(row) for row in found}

    def arrange(self, place: Callable[[Row], tuple[int, str]]) -> None:
        """Put the rows into the order of `place`, by another file that takes the name of this."""
        rows = read_results(self.path).rows
        arranged = sorted(rows, key=place)
        if arranged != list(rows):
            self._rewrite(arranged)

    def _open(self, header: Header) -> None:
        self._header, self.rows = header, dict[str, str]()
        if not (whole := _whole_lines(self.path)):
            self.torn = bool(self.path.stat().st_size)
            self._file.truncate(0)
            self._write(header_line(header))
            return
        results = read_results(self.path)
        self._header = agreed(self.path, results.header, header)
        self.torn = results.torn
        if self.torn:
            self._file.truncate(whole)
        self.rows = {row.id: listed_row(row) for row in results.rows}
        if self._header != results.header:
            self._rewrite(results.rows)

    def _write(self, lines: str) -> None:
        self._file.write(lines.encode())
        self._file.flush()

    def _rewrite(self, rows: Sequence[Row]) -> None:
        fresh = self.path.with_name(self.path.name + ".new")
        fresh.unlink(missing_ok=True)  # left by a run that was killed
        file = _locked(fresh)
        try:
            file.write((header_line(self._header) + "".join(map(row_line, rows))).encode())
            file.flush()
            fsync(file.fileno())
            replace(fresh, self.path)
        except BaseException:
            file.close()
            raise
        self._file.close()
        self._file = file


def _whole_lines(path: Path) -> int:
    """Bytes of whole lines; raises ValueError for a half one that does not begin as ours do."""
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if not whole and not (data.startswith(BEGINNING) or BEGINNING.startswith(data)):
        raise ValueError(
            f"{path}: holds no results of `mmjudge bench`; move it, or write to another folder"
        )
    return whole


def _locked(path: Path) -> BinaryIO:
    """Open the file to append, making it where there is none, for this process alone."""
    while True:
        file = path.open("ab")
        try:
            flock(file, LOCK_EX | LOCK_NB)
            if path.exists() and path.stat().st_ino == fstat(file.fileno()).st_ino:
                return file
        except BlockingIOError as error:
            file.close()
            raise ValueError(
                f"{path}: another run is writing to it; wait for its end, or write to another "
                "folder"
            ) from error
        except BaseException:
            file.close()
            raise
        file.close()  # another run put a new file in its place, between our opening and locking
