"""`mmjudge bench mmie`: grade interleaved answers, and compare the grades with people's."""

from pathlib import Path
from typing import Annotated

import typer

from mmjudge.cli import bench_options as option
from mmjudge.cli.options import DEFAULT_ADDRESS, Address, Json
from mmjudge.cli.terminal import reported
from mmjudge.client import Client


def mmie(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="MMIE's data.json, or its folder.", exists=True)
    ],
    judge: option.Judges = None,
    output: option.Output = option.OUTPUT,
    subset: option.Subset = None,
    limit: option.Limit = None,
    missing: option.MissingImages = option.Missing.refuse,
    dry_run: option.DryRun = False,
    address: Address = DEFAULT_ADDRESS,
    timeout: option.Patience = 3600.0,
    batch: option.Batch = option.BATCH,
    json: Json = False,
) -> None:
    """Grade MMIE's answers from 0 to 6, by category; nothing is dropped silently.

    Where the file has people's grades, says how far the judge agrees. Interrupted at any point and
    run again, it goes on where it was.
    """
    with reported(address):
        option.check_extra()
        from mmjudge.bench.data.mmie_reading import read_mmie
        from mmjudge.bench.metrics.mj_bench_settings import MjBenchSettings
        from mmjudge.cli.bench_asking import evaluate

        evaluate(
            "mmie",
            str(data),
            read_mmie(data, missing=missing.value),
            lambda _: Client(address, timeout=timeout),
            judge or (),
            MjBenchSettings(),
            subset=subset,
            limit=limit,
            dry_run=dry_run,
            output=output,
            batch=batch,
            json=json,
        )
