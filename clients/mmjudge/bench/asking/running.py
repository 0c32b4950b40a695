"""Asking contenders about a data set, going on where an earlier run ended."""

from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from mmjudge.bench.asking.contenders import Contender
from mmjudge.bench.asking.listing import Places
from mmjudge.bench.asking.outcome import Outcome, Tally
from mmjudge.bench.asking.remaining import Remaining
from mmjudge.bench.asking.results_file import ResultsFile
from mmjudge.bench.asking.uploads import Asked, Said, Task, ask
from mmjudge.bench.records import Record, listing_digest
from mmjudge.bench.results import Benchmark, Header
from mmjudge.bench.rows import Row

IN_FLIGHT = 2
"""Batches that are asked about at once, while the next one is read."""


@dataclass(frozen=True, slots=True)
class BatchSize:
    """A batch has so many records at most and, unless one has more, so many bytes of images."""

    items: int = 64
    bytes: int = 64 * 1024 * 1024

    def __post_init__(self) -> None:
        if self.items < 1 or self.bytes < 1:
            raise ValueError(f"batch of {self.items} items, {self.bytes} bytes: expected 1 or more")


DEFAULT_BATCH = BatchSize()


def results_path(folder: Path, contender: str) -> Path:
    """Where the results of the contender of that name are."""
    return folder / f"{quote(contender, safe=' {}+@,=')}.jsonl"


def run(
    client: Asked,
    records: Sequence[Record],
    contenders: Sequence[Contender],
    folder: Path,
    *,
    benchmark: Benchmark,
    location: str,
    selected: Sequence[Record] | None = None,
    batch: BatchSize = DEFAULT_BATCH,
    progress: Callable[[int], None] = lambda records: None,
) -> Outcome:
    """Ask each contender about every record, and append its answers to its file in `folder`.

    records: the whole data set, at `location`; selected: those of it to ask about, all unless
    told. progress: told how many more of the selected records are done with, skipped ones too.

    Records answered before are read, to see that they are the same, and not asked about. In the
    end each file is in the data set's order, whatever came before. Wherever a run ends, killed
    even, the next one goes on with its files, and they become what one run would have made them.

    Raises ValueError for files that have results of something else, or of other images, or are
    being written by another run; OSError naming a record whose image cannot be read;
    `RequestError`. What was written before stays.
    """
    chosen = records if selected is None else selected
    _check(chosen, contenders)
    folder.mkdir(parents=True, exist_ok=True)
    digest, places = listing_digest(records), Places(records)
    with ExitStack() as stack:
        files = dict[str, ResultsFile]()
        for who in contenders:
            judges = dict(sorted(who.judges.items()))
            header = Header(benchmark, who.name, judges, location, len(records), digest)
            file = ResultsFile(results_path(folder, who.name), header)
            files[who.name] = stack.enter_context(file)
        tallies = {
            who.name: Tally(files[who.name].path, files[who.name].torn, who.left_out)
            for who in contenders
        }
        remaining = Remaining(chosen, contenders, files, places, progress)
        answered = _answered(client, remaining.tasks(), batch)
        for said in stack.enter_context(closing(answered)):
            for name, file in files.items():
                answers = [one[name] for one in said if name in one]
                file.append(answer for answer in answers if isinstance(answer, Row))
                tallies[name].add(answers)
            progress(len(said))
        for name, file in files.items():
            tallies[name].skipped = remaining.skipped[name]
            file.arrange(places)
    return Outcome(tallies, remaining.identical)


def _check(records: Sequence[Record], contenders: Sequence[Contender]) -> None:
    if not records or not contenders:
        raise ValueError(f"{len(records)} records, {len(contenders)} contenders: nothing to ask")
    names = Counter(who.name for who in contenders)
    name, count = names.most_common(1)[0]
    if count > 1:
        raise ValueError(f"contender {name!r} is named {count} times, expected once")


def _answered(
    client: Asked, tasks: Iterable[Task], size: BatchSize
) -> Generator[list[Said], None, None]:
    """Answers batch by batch, in order; images are read here while earlier batches are asked about.

    Batches in flight are not waited for where it is left early: closing the client ends them.
    """
    pool = ThreadPoolExecutor(IN_FLIGHT, "mmjudge-bench")
    pending = deque[Future[list[Said]]]()
    try:
        for batch in _batches(tasks, size):
            pending.append(pool.submit(ask, client, batch))
            while len(pending) > IN_FLIGHT or (pending and pending[0].done()):
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _batches(tasks: Iterable[Task], size: BatchSize) -> Iterator[list[Task]]:
    batch, filled = list[Task](), 0
    for task in tasks:
        if batch and (len(batch) == size.items or filled + task.bytes > size.bytes):
            yield batch
            batch, filled = [], 0
        batch.append(task)
        filled += task.bytes
    if batch:
        yield batch
