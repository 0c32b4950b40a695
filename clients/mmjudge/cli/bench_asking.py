"""Asking judges about a data set, with progress, and telling how it ended."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.text import Text

from mmjudge.bench.asking.contenders import Contender, contender, perspectives_of
from mmjudge.bench.asking.outcome import Outcome, Tally
from mmjudge.bench.asking.running import BatchSize, results_path, run
from mmjudge.bench.data.reading import Reading, select
from mmjudge.bench.metrics.mj_bench_settings import MjBenchSettings
from mmjudge.bench.metrics.mmie_answers import HIGHEST
from mmjudge.bench.records import Record
from mmjudge.bench.results import Benchmark, read_results
from mmjudge.cli.bench_figures import tell_figures
from mmjudge.cli.counted_progress import counted_progress
from mmjudge.cli.terminal import ExitStatus, err, fail
from mmjudge.client import Client
from mmjudge.contract import Hosting

AGAIN = "run the same command again to go on"
INTERRUPTED = f"interrupted; what was written is kept: {AGAIN}"


def evaluate(
    benchmark: Benchmark,
    location: str,
    reading: Reading,
    client: Callable[[Sequence[Record]], Client],
    patterns: Sequence[str],
    settings: MjBenchSettings,
    *,
    subset: Sequence[str] | None,
    limit: int | None,
    dry_run: bool,
    output: Path,
    orders: Literal["both", "given"] = "both",
    batch: int,
    json: bool,
) -> None:
    """Tell what was read at `location`, ask all judges, write and print the figures.

    client: makes the one to ask about the records that are chosen. Raises as `select`, `run` and
    `contender` do; typer.Exit where answers are owed.
    """
    for line in reading.lines():
        err.print(Text(line), soft_wrap=True)
    selected = select(reading.records, subset or (), limit)
    if dry_run:
        return
    questions = _Questions(benchmark, location, reading.records, selected)
    try:
        with client(selected) as asked:
            contenders = _contenders(asked.list_judges(), questions, patterns, orders)
            outcome = _ask(asked, questions, contenders, output, BatchSize(items=batch))
    except SystemExit:  # a signal's, see `mmjudge.cli.main`
        err.print(INTERRUPTED, soft_wrap=True)
        raise
    _tell_outcome(outcome)
    results = [read_results(results_path(output, one.name)) for one in contenders]
    tell_figures(results, settings, json=json)
    if owed := sum(tally.owed.total() for tally in outcome.tallies.values()):
        raise fail(f"{owed} answers are owed: {AGAIN}", ExitStatus.NOT_JUDGED)


@dataclass(frozen=True, slots=True)
class _Questions:
    """A data set, and those of its records that are to be asked about."""

    benchmark: Benchmark
    location: str
    records: Sequence[Record]
    selected: Sequence[Record]


def _contenders(
    hosting: Hosting,
    questions: _Questions,
    patterns: Sequence[str],
    orders: Literal["both", "given"],
) -> list[Contender]:
    perspectives = perspectives_of(questions.selected)
    contenders = [
        contender(pattern, perspectives, hosting, orders=orders)
        for pattern in patterns or _only(hosting)
    ]
    if questions.benchmark == "mmie":
        _check_grades(contenders, hosting)
    for one in contenders:
        for perspective, why in one.left_out.items():
            err.print(Text(f"{one.name}: not asked about {perspective}: {why}"), soft_wrap=True)
    return contenders


def _ask(
    client: Client,
    questions: _Questions,
    contenders: Sequence[Contender],
    output: Path,
    batch: BatchSize,
) -> Outcome:
    what = f"asking {', '.join(one.name for one in contenders)}"
    with counted_progress(what, len(questions.selected)) as shown:
        return run(
            client,
            questions.records,
            contenders,
            output,
            benchmark=questions.benchmark,
            location=questions.location,
            selected=questions.selected,
            batch=batch,
            progress=shown.step,
        )


def _only(hosting: Hosting) -> list[str]:
    if len(hosting.judges) != 1:
        hosted = ", ".join(sorted(hosting.judges)) or "none"
        raise ValueError(f"--judge: none is named, and the server hosts {hosted}: name some")
    return list(hosting.judges)


def _check_grades(contenders: Sequence[Contender], hosting: Hosting) -> None:
    """Refuse judges of another scale, whose numbers would pass for grades."""
    for name in {judge.name for one in contenders for judge in one.judges.values()}:
        low, high = hosting.judges[name].range
        if low is None or high is None or low < 0 or high > HIGHEST:
            told = f"from {low} to {high}" if (low, high) != (None, None) else "in no known range"
            raise ValueError(
                f"judge {name!r} gives values {told}; MMIE's grades are from 0 to {HIGHEST}, as "
                "those of kind mmie are"
            )


def _tell_outcome(outcome: Outcome) -> None:
    if outcome.identical:
        err.print(f"{outcome.identical} records repeat another one, and were asked about once")
    for name, tally in outcome.tallies.items():
        err.print(Text(f"{name}: {_told(tally)}; {tally.path}"), soft_wrap=True)


def _told(tally: Tally) -> str:
    said = [f"{tally.judged} judged", f"{tally.abstained} abstained", f"{tally.failed} failed"]
    if tally.skipped:
        said.append(f"{tally.skipped} answered before")
    if tally.torn:
        said.append("half a line at the end was cut off")
    if tally.owed:
        reasons = ", ".join(f"{reason} {count}" for reason, count in tally.owed.items())
        said.append(f"no answer yet to {sum(tally.owed.values())} ({reasons})")
    return ", ".join(said)
