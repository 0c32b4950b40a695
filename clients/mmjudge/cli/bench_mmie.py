"""`mmjudge bench mmie`: grade interleaved answers, and compare the grades with people's."""

from pathlib import Path
from typing import Annotated

import typer

from mmjudge.cli.bench_options import (
    BATCH,
    OUTPUT,
    Batch,
    DryRun,
    Judges,
    Limit,
    Missing,
    MissingImages,
    Output,
    Patience,
    Subset,
    check_extra,
)
from mmjudge.cli.options import DEFAULT_ADDRESS, Address, Json
from mmjudge.cli.terminal import reported
from mmjudge.client import Client


def mmie(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="MMIE's data.json, or its folder.", exists=True)
    ],
    judge: Judges = None,
    output: Output = OUTPUT,
    subset: Subset = None,
    limit: Limit = None,
    missing: MissingImages = Missing.refuse,
    dry_run: DryRun = False,
    address: Address = DEFAULT_ADDRESS,
    timeout: Patience = 3600.0,
    batch: Batch = BATCH,
    json: Json = False,
) -> None:
    """Grade MMIE's answers from 0 to 6, by category; nothing is dropped silently.

    Where the file has people's grades, says how far the judge agrees. Interrupted at any point and
    run again, it goes on where it was.
    """
    with reported(address):
        check_extra()
        from mmjudge.bench.mj_bench_settings import MjBenchSettings
        from mmjudge.bench.mmie_reading import read_mmie
        from mmjudge.bench.reading import select
        from mmjudge.cli.bench_asking import Questions, evaluate, tell_reading

        reading = read_mmie(data, missing=missing.value)
        tell_reading(reading)
        selected = select(reading.records, subset or (), limit)
        if not dry_run:
            evaluate(
                Questions("mmie", str(data), reading, selected),
                lambda: Client(address, timeout=timeout),
                judge or (),
                output,
                MjBenchSettings(),
                batch=batch,
                json=json,
            )
